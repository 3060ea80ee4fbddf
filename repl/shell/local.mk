# SPDX-License-Identifier: GPL-3.0-or-later
# Linked from convenience libraries only: no libtool wrapper, so ./heapsh of
# the build tree is the program itself and finds ./heapsh-engine beside it.
bin_PROGRAMS += heapsh
heapsh_CPPFLAGS = $(INC_SHELL) $(READLINE_CFLAGS) \
	-DHEAPSH_PKGLIBEXECDIR='"$(pkglibexecdir)"'
heapsh_SOURCES = %D%/main.c
heapsh_LDADD = $(LIBS_VIEW) $(READLINE_LIBS) $(JANSSON_LIBS)
