# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LTLIBRARIES += libhs_view.la
libhs_view_la_CPPFLAGS = $(INC_VIEW) $(JANSSON_CFLAGS)
libhs_view_la_SOURCES = %D%/csv.c %D%/grid.c %D%/paths.c %D%/report.c %D%/set.c \
	%D%/sized.c %D%/summary.c %D%/table.c %D%/text.c %D%/value.c \
	%D%/view.c %D%/view.h %D%/view_priv.h

check_PROGRAMS += tests/unit/view_layout.t
tests_unit_view_layout_t_CPPFLAGS = $(INC_VIEW) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_view_layout_t_SOURCES = tests/unit/view_layout.c
tests_unit_view_layout_t_LDADD = $(LIBS_VIEW) $(JANSSON_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/view_columns.t
tests_unit_view_columns_t_CPPFLAGS = $(INC_VIEW) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_view_columns_t_SOURCES = tests/unit/view_columns.c
tests_unit_view_columns_t_LDADD = $(LIBS_VIEW) $(JANSSON_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/view_hostile.t
tests_unit_view_hostile_t_CPPFLAGS = $(INC_VIEW) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_view_hostile_t_SOURCES = tests/unit/view_hostile.c
tests_unit_view_hostile_t_LDADD = $(LIBS_VIEW) $(JANSSON_LIBS) $(CMOCKA_LIBS)
