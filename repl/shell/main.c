// SPDX-License-Identifier: GPL-3.0-or-later
#include "base.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc == 2 && (!strcmp(argv[1], "--version") ||
			  !strcmp(argv[1], "-V"))) {
		puts("heapsh " HEAPSH_VERSION);
		return 0;
	}
	fputs("usage: heapsh --version\n", stderr);
	return 2;
}
