/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {
	{ "3.8.18", UINT64_C(0xf76cd9ed2859f25e) },
	{ "3.9.18", UINT64_C(0x36286a25e4f3f641) },
	{ "3.10.13", UINT64_C(0x0ec266156f96c58d) },
	{ "3.11.7", UINT64_C(0xd3c73613b7785a9d) },
	{ "3.12.1", UINT64_C(0xbd3bc026be2f3665) },
	{ "3.13.0", UINT64_C(0x97514f164e353316) },
	{ 0 },
};
