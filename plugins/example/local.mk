# SPDX-License-Identifier: Apache-2.0
# Built as plugins/example/.libs/example.so, installed in $(plugindir).
plugin_LTLIBRARIES += %D%/example.la
plugins_example_example_la_CPPFLAGS = $(INC_PLUGIN)
plugins_example_example_la_CFLAGS = $(CFLAGS_PLUGIN)
plugins_example_example_la_LDFLAGS = $(LDFLAGS_PLUGIN)
plugins_example_example_la_SOURCES = %D%/example_more.c %D%/toyheap.h
# Included by the former: the part that a first plugin is.
EXTRA_DIST += %D%/example.c

# The toy runtime itself, as a process.
noinst_PROGRAMS += tests/fixtures/example_process
tests_fixtures_example_process_CPPFLAGS = \
	-iquote $(top_srcdir)/plugins/example
tests_fixtures_example_process_CFLAGS = $(CFLAGS_FIXTURE)
tests_fixtures_example_process_LDFLAGS = $(LDFLAGS_FIXTURE)
tests_fixtures_example_process_SOURCES = tests/fixtures/example_process.c \
	plugins/example/toyheap.h
