# SPDX-License-Identifier: Apache-2.0
# Built as plugins/cpython/.libs/cpython.so, installed in $(plugindir). These lines come
# to life with the first source file:
#plugin_LTLIBRARIES += %D%/cpython.la
#plugins_cpython_cpython_la_CPPFLAGS = $(INC_PLUGIN)
#plugins_cpython_cpython_la_CFLAGS = $(CFLAGS_PLUGIN)
#plugins_cpython_cpython_la_LDFLAGS = $(LDFLAGS_PLUGIN)
#plugins_cpython_cpython_la_SOURCES = %D%/cpython.c
EXTRA_DIST += %D%/layout.def %D%/shapes.def %D%/regen-layouts.py
