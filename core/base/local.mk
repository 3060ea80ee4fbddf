# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_base.la
libhs_base_la_CPPFLAGS = $(INC_BASE)
libhs_base_la_SOURCES = %D%/arena.h %D%/base.h %D%/bits.h %D%/err.h %D%/map.h \
	%D%/task.h %D%/text.h %D%/vec.h
