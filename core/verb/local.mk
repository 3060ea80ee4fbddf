# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_verb.la
libhs_verb_la_CPPFLAGS = $(INC_VERB)
libhs_verb_la_SOURCES =
