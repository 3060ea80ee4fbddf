# SPDX-License-Identifier: GPL-3.0-or-later
# Linked from convenience libraries only: no libtool wrapper, so ./heapsh of
# the build tree is the program itself and finds ./heapsh-engine beside it.
bin_PROGRAMS += heapsh
CPPFLAGS_SHELL = $(INC_SHELL) $(READLINE_CFLAGS) $(JANSSON_CFLAGS) \
	-DHEAPSH_PKGLIBEXECDIR='"$(pkglibexecdir)"' \
	-DHEAPSH_PKGDATADIR='"$(pkgdatadir)"'
heapsh_CPPFLAGS = $(CPPFLAGS_SHELL)
heapsh_SOURCES = %D%/child.c %D%/demo.c %D%/find.c %D%/line.c %D%/main.c \
	%D%/options.c %D%/options.h %D%/out.c %D%/programs.c %D%/programs.h \
	%D%/progress.c %D%/roles.c %D%/roles.h %D%/run.c %D%/shell.h %D%/signals.c %D%/signals.h \
	%D%/split.c %D%/split.h %D%/style.c %D%/talk.c %D%/verb.c
heapsh_LDADD = $(LIBS_VIEW) $(READLINE_LIBS) $(JANSSON_LIBS)

demodir = $(pkgdatadir)/demo
dist_demo_DATA = demo/leaky.py

check_PROGRAMS += tests/unit/shell_split.t
tests_unit_shell_split_t_CPPFLAGS = $(CPPFLAGS_SHELL) $(INC_TESTS)
tests_unit_shell_split_t_SOURCES = tests/unit/shell_split.c %D%/split.c
tests_unit_shell_split_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/shell_options.t
tests_unit_shell_options_t_CPPFLAGS = $(CPPFLAGS_SHELL) $(INC_TESTS)
tests_unit_shell_options_t_SOURCES = tests/unit/shell_options.c %D%/options.c
tests_unit_shell_options_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)

E2E_TESTS += tests/shell/batch.t tests/shell/session.t \
	tests/shell/terminal.t
EXTRA_DIST += tests/fixtures/steering.py tests/lib/fake_engine.py \
	tests/lib/fakeshell.py tests/lib/terminal.py
