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
