/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {
	{ "3.8.18", UINT64_C(0x94ed00dd8e8a0460) },
	{ "3.9.18", UINT64_C(0xcce15b08aaa2d969) },
	{ "3.10.13", UINT64_C(0x8650995c0ad23f56) },
	{ "3.11.7", UINT64_C(0xa207cac6ca885146) },
	{ "3.12.1", UINT64_C(0x237b714ab8347ce6) },
	{ "3.13.0", UINT64_C(0x764591964703637d) },
	{ 0 },
};
