# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_base.la
libhs_base_la_CPPFLAGS = $(INC_BASE)
libhs_base_la_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/available.c %D%/budget_priv.h \
	%D%/base.c %D%/base.h %D%/vec.h \
	%D%/bits.c %D%/bits.h \
	%D%/budget.c \
	%D%/err.c %D%/err.h \
	%D%/escape.c \
	%D%/map.c %D%/map.h \
	%D%/nearest.c \
	%D%/number.c \
	%D%/task.c %D%/task.h \
	%D%/text.c %D%/text.h

check_PROGRAMS += tests/unit/base_containers.t tests/unit/base_err.t \
	tests/unit/base_escape.t tests/unit/base_number.t \
	tests/unit/base_task.t tests/unit/base_text.t
tests_unit_base_containers_t_CPPFLAGS = $(INC_BASE) $(INC_TESTS)
tests_unit_base_containers_t_SOURCES = tests/unit/base_containers.c
tests_unit_base_containers_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)
tests_unit_base_err_t_CPPFLAGS = $(INC_BASE) $(INC_TESTS)
tests_unit_base_err_t_SOURCES = tests/unit/base_err.c
tests_unit_base_err_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)
tests_unit_base_escape_t_CPPFLAGS = $(INC_BASE) $(INC_TESTS)
tests_unit_base_escape_t_SOURCES = tests/unit/base_escape.c
tests_unit_base_escape_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)
tests_unit_base_number_t_CPPFLAGS = $(INC_BASE) $(INC_TESTS)
tests_unit_base_number_t_SOURCES = tests/unit/base_number.c
tests_unit_base_number_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)
tests_unit_base_task_t_CPPFLAGS = $(INC_BASE) $(INC_TESTS)
tests_unit_base_task_t_SOURCES = tests/unit/base_task.c
tests_unit_base_task_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)
tests_unit_base_text_t_CPPFLAGS = $(INC_BASE) $(INC_TESTS)
tests_unit_base_text_t_SOURCES = tests/unit/base_text.c
tests_unit_base_text_t_LDADD = $(LIBS_BASE) $(CMOCKA_LIBS)
