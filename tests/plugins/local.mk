# SPDX-License-Identifier: Apache-2.0
# Plugins that misbehave, each in one way: tests/plugins/.libs/NAME.so.
LDFLAGS_BAD = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere \
	-export-symbols-regex '^[a-z]*_[a-z]*_*plugin'

check_LTLIBRARIES += tests/plugins/evil.la tests/plugins/found.la \
	tests/plugins/crash_in_malloc.la tests/plugins/crash_in_probe.la \
	tests/plugins/liar.la tests/plugins/loop_in_open.la \
	tests/plugins/no_entry.la tests/plugins/other_abi.la \
	tests/plugins/short_table.la tests/plugins/toy_full.la
EXTRA_DIST += tests/plugins/bad.h tests/plugins/found.h tests/plugins/toy_full.h

tests_plugins_crash_in_malloc_la_CPPFLAGS = $(INC_PLUGIN)
tests_plugins_crash_in_malloc_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_crash_in_malloc_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_crash_in_malloc_la_SOURCES = tests/plugins/crash_in_malloc.c

tests_plugins_crash_in_probe_la_CPPFLAGS = $(INC_PLUGIN)
tests_plugins_crash_in_probe_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_crash_in_probe_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_crash_in_probe_la_SOURCES = tests/plugins/crash_in_probe.c

tests_plugins_liar_la_CPPFLAGS = $(INC_PLUGIN)
tests_plugins_liar_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_liar_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_liar_la_SOURCES = tests/plugins/liar.c

tests_plugins_loop_in_open_la_CPPFLAGS = $(INC_PLUGIN)
tests_plugins_loop_in_open_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_loop_in_open_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_loop_in_open_la_SOURCES = tests/plugins/loop_in_open.c

tests_plugins_no_entry_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_no_entry_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_no_entry_la_SOURCES = tests/plugins/no_entry.c

tests_plugins_other_abi_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_other_abi_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_other_abi_la_SOURCES = tests/plugins/other_abi.c

tests_plugins_short_table_la_CPPFLAGS = $(INC_PLUGIN)
tests_plugins_short_table_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_short_table_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_short_table_la_SOURCES = tests/plugins/short_table.c

tests_plugins_toy_full_la_CPPFLAGS = $(INC_PLUGIN) \
	-iquote $(top_srcdir)/plugins/example
tests_plugins_toy_full_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_toy_full_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_toy_full_la_SOURCES = tests/plugins/toy_full.c

tests_plugins_evil_la_CPPFLAGS = $(INC_PLUGIN) \
	-iquote $(top_srcdir)/plugins/example
tests_plugins_evil_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_evil_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_evil_la_SOURCES = tests/plugins/evil.c

tests_plugins_found_la_CPPFLAGS = $(INC_PLUGIN) \
	-iquote $(top_srcdir)/tests/plugins
tests_plugins_found_la_CFLAGS = $(CFLAGS_PLUGIN)
tests_plugins_found_la_LDFLAGS = $(LDFLAGS_BAD)
tests_plugins_found_la_SOURCES = tests/plugins/found.c
