/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {
	{ "3.8.18", UINT64_C(0x959e28f09396b3a1) },
	{ "3.9.18", UINT64_C(0x5ee21c9ccedab36e) },
	{ "3.10.13", UINT64_C(0xa361bc77858cc2a9) },
	{ "3.11.7", UINT64_C(0xf9360a90e20afbf5) },
	{ "3.12.1", UINT64_C(0xc47d09aa4e171f2f) },
	{ "3.13.0", UINT64_C(0x490c4c6c0813168e) },
	{ 0 },
};
