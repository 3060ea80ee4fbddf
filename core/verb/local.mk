# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_verb.la
libhs_verb_la_CPPFLAGS = $(INC_VERB)
libhs_verb_la_SOURCES = %D%/verb.h %D%/verb_priv.h %D%/verbs.def \
	%D%/args.c %D%/asized.c %D%/asizeof.c %D%/asizesof.c %D%/edge.c \
	%D%/find.c %D%/flatsize.c %D%/help.c %D%/info.c %D%/instants.c \
	%D%/iso.c %D%/measure.c %D%/modules.c %D%/plugins.c %D%/process.c \
	%D%/refs.c %D%/services.c %D%/set.c %D%/show.c %D%/show_threads.c \
	%D%/size.c %D%/summary.c %D%/summary_diff.c %D%/table.c \
	%D%/topic.c %D%/track.c %D%/verbs.c
