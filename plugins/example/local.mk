# SPDX-License-Identifier: Apache-2.0
# Built as plugins/example/.libs/example.so, installed in $(plugindir). These lines come
# to life with the first source file:
#plugin_LTLIBRARIES += %D%/example.la
#plugins_example_example_la_CPPFLAGS = $(INC_PLUGIN)
#plugins_example_example_la_CFLAGS = $(CFLAGS_PLUGIN)
#plugins_example_example_la_LDFLAGS = $(LDFLAGS_PLUGIN)
#plugins_example_example_la_SOURCES = %D%/example.c
