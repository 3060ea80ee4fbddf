// SPDX-License-Identifier: Apache-2.0
#include "base.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("heapsh-engine " HEAPSH_VERSION);
		return 0;
	}
	fputs("heapsh-engine: started by heapsh, not by hand\n", stderr);
	return 2;
}
