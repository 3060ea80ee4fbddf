/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {
	{ "3.8.18", UINT64_C(0x36da7ed3508eb81b) },
	{ "3.9.18", UINT64_C(0xcd42739b5cb6d08e) },
	{ "3.10.13", UINT64_C(0xce8014421a213eae) },
	{ "3.11.7", UINT64_C(0x03c203d0d092f337) },
	{ "3.12.1", UINT64_C(0xb11e73bf7a33f7c3) },
	{ "3.13.0", UINT64_C(0x54d0101083c59a93) },
	{ "3.13.5", UINT64_C(0x3351b85ae5be7aa5) },
	{ "3.13.18", UINT64_C(0xea0e47923ed93a18) },
	{ 0 },
};
