#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write printable.c: what str.isprintable() says, by version of CPython.

    regen-printable.py CPYTHON... > printable.c

CPYTHON: interpreters of different minor versions, at least the oldest and the
newest that are read. A character that one version prints every later one
must print too, or this fails.
"""
import subprocess
import sys

ASK = """
import sys
print(sys.version_info[1])
print("".join("01"[chr(c).isprintable()] for c in range(0x110000)))
"""


def ask(interpreter):
    out = subprocess.run([interpreter, "-c", ASK], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.split()
    return int(out[0]), out[1]


def first_minors(versions):
    """For each character the first minor that prints it; 0: the oldest."""
    since = []
    for c in range(0x110000):
        answers = [v[1][c] for v in versions]
        if "10" in "".join(answers):
            sys.exit("U+%04X is no longer printed" % c)
        n = answers.count("0")
        since.append(0 if n == 0 else
                     255 if n == len(versions) else versions[n][0])
    return since


def ranges(since):
    start = 0
    for c in range(1, len(since) + 1):
        if c == len(since) or since[c] != since[start]:
            if since[start] != 0:
                yield start, c - 1, since[start]
            start = c


HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written by regen-printable.py from str.isprintable() of CPython
 * %s: do not edit.
 * Characters that are not printed; since: the first 3.x that does, because its
 * Unicode knows them, or 255.
 */
#include "plain.h"

static const struct range {
	uint32_t first, last : 24, since : 8;
} ranges[] = {
	// clang-format off"""

TAIL = """	// clang-format on
};

bool cpython_printable(uint32_t c, int minor)
{
	size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct range *r = &ranges[middle];

		if (c < r->first)
			high = middle;
		else if (c > r->last)
			low = middle + 1;
		else
			return (unsigned)minor >= r->since;
	}
	return true;
}"""


def main(interpreters):
    versions = sorted(map(ask, interpreters))
    print(HEAD % ", ".join("3.%d" % v[0] for v in versions))
    line = "\t"
    for r in ranges(first_minors(versions)):
        item = "{%#x,%#x,%d}," % r
        if len(line) + 7 + len(item) > 80:
            print(line)
            line = "\t"
        line += item
    print(line)
    print(TAIL)


if __name__ == "__main__":
    main(sys.argv[1:])
