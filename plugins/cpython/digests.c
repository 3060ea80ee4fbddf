/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-layouts.py together with layouts.c: do not edit. What each
 * version's row said when it was written; see cpython_layout_damaged().
 */
#include "layout.h"

const struct cpython_digest cpython_digests[] = {
	{ "3.8.18", UINT64_C(0x9cec5fc0e6316756) },
	{ "3.9.18", UINT64_C(0x87e46540e6675a21) },
	{ "3.10.13", UINT64_C(0x4991acb32010b4f0) },
	{ "3.11.7", UINT64_C(0x38ddf423dc1b9ea2) },
	{ "3.12.1", UINT64_C(0xfe60b4d285eae88c) },
	{ "3.13.0", UINT64_C(0x53fdf0bb77826a6d) },
	{ 0 },
};
