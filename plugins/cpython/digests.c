/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {
	{ "3.8.18", UINT64_C(0x3028a316fa9873af) },
	{ "3.9.18", UINT64_C(0x6c1266b2a076cd54) },
	{ "3.10.13", UINT64_C(0x5977901aef573ceb) },
	{ "3.11.7", UINT64_C(0x4cd78011481f31c7) },
	{ "3.12.1", UINT64_C(0xe462b933f5cb2fef) },
	{ "3.13.0", UINT64_C(0x80d6983405ff1e4d) },
	{ 0 },
};
