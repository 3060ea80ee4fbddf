/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {
	{ "3.8.18", UINT64_C(0x654972ee36056d52) },
	{ "3.9.18", UINT64_C(0x81a5067f0c291745) },
	{ "3.10.13", UINT64_C(0x9e210b6c4aa3909f) },
	{ "3.11.7", UINT64_C(0x57ce713f9670ef55) },
	{ "3.12.1", UINT64_C(0x423d7b6353e4117d) },
	{ "3.13.0", UINT64_C(0xf0981955c7f49042) },
	{ 0 },
};
