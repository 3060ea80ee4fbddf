# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_lang.la
libhs_lang_la_CPPFLAGS = $(INC_LANG)
libhs_lang_la_SOURCES =
