# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_lang.la
libhs_lang_la_CPPFLAGS = $(INC_LANG)
libhs_lang_la_SOURCES = %D%/lang.h %D%/syntax.h %D%/eval.h \
	%D%/across.c %D%/attr.c %D%/bind.c %D%/call.c %D%/complete.c \
	%D%/doc.c %D%/eval.c %D%/index.c %D%/instant.c %D%/lex.c \
	%D%/line.c %D%/name.c %D%/near.c %D%/object.c %D%/operator.c \
	%D%/option.c %D%/parse.c %D%/run.c %D%/session.c %D%/set_doc.c \
	%D%/set_of.c %D%/set_value.c %D%/space.c %D%/space_doc.c \
	%D%/string.c %D%/table_value.c %D%/value.c %D%/window.c
