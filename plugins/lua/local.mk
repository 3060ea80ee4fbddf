# SPDX-License-Identifier: Apache-2.0
# Built as plugins/lua/.libs/lua.so, installed in $(plugindir).
plugin_LTLIBRARIES += %D%/lua.la
plugins_lua_lua_la_CPPFLAGS = $(INC_PLUGIN)
plugins_lua_lua_la_CFLAGS = $(CFLAGS_PLUGIN)
plugins_lua_lua_la_LDFLAGS = $(LDFLAGS_PLUGIN)
plugins_lua_lua_la_SOURCES = %D%/lua.c $(LUA_SOURCES)
LUA_SOURCES = \
	%D%/calls.c %D%/check.c %D%/check_objects.c %D%/luacheck.h \
	%D%/edges.c %D%/find.c %D%/gather.c %D%/heap.c \
	%D%/layouts.c \
	%D%/links.c %D%/lookup.c %D%/luaheap.h %D%/lualayout.h \
	%D%/lualinks.h %D%/luamem.h %D%/luasearch.h %D%/luaspace.h \
	%D%/mem.c %D%/names.c \
	%D%/order.c %D%/peel.c %D%/render.c %D%/search.c %D%/settle.c \
	%D%/space.c %D%/table.c %D%/threads.c %D%/unlisted.c %D%/walk.c
EXTRA_DIST += %D%/layout.def %D%/regen-layouts.py
E2E_TESTS += tests/lua/both.t tests/lua/foreign.t \
	tests/lua/heap.t tests/lua/peel.t tests/lua/settle.t tests/lua/shift.t
noinst_PROGRAMS += tests/lua/peel tests/lua/shift
tests_lua_shift_CPPFLAGS = $(INC_PLUGIN) -iquote $(srcdir)/%D% \
	-iquote $(srcdir)/tests/cpython
tests_lua_shift_CFLAGS = $(CFLAGS_PLUGIN) $(ELF_CFLAGS)
tests_lua_shift_LDADD = $(ELF_LIBS)
tests_lua_shift_SOURCES = tests/lua/shift.c tests/cpython/peek_host.c \
	tests/cpython/peek_host.h $(LUA_SOURCES)
tests_lua_peel_CPPFLAGS = $(tests_lua_shift_CPPFLAGS)
tests_lua_peel_CFLAGS = $(tests_lua_shift_CFLAGS)
tests_lua_peel_LDADD = $(ELF_LIBS)
tests_lua_peel_SOURCES = tests/lua/peel.c tests/cpython/peek_host.c \
	tests/cpython/peek_host.h $(LUA_SOURCES)
EXTRA_DIST += tests/fixtures/both_runtimes.c tests/fixtures/busy.lua \
	tests/fixtures/phases.lua tests/fixtures/zoo.lua
BENCHES += tests/bench/lua.bench
EXTRA_DIST += tests/fixtures/bench_heap.lua
check_PROGRAMS += tests/fuzz/fuzz_lua.t
tests_fuzz_fuzz_lua_t_CPPFLAGS = $(INC_PLUGIN) $(INC_TESTS) \
	-iquote $(srcdir)/%D% -DLUA_LOOK_LEAST=1
tests_fuzz_fuzz_lua_t_SOURCES = tests/fuzz/fuzz_lua.c tests/lib/fuzz.h \
	tests/lib/viewed.h $(LUA_SOURCES)
