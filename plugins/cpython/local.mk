# SPDX-License-Identifier: Apache-2.0
# Built as plugins/cpython/.libs/cpython.so, installed in $(plugindir).
plugin_LTLIBRARIES += %D%/cpython.la
plugins_cpython_cpython_la_CPPFLAGS = $(INC_PLUGIN)
plugins_cpython_cpython_la_CFLAGS = $(CFLAGS_PLUGIN)
plugins_cpython_cpython_la_LDFLAGS = $(LDFLAGS_PLUGIN)
plugins_cpython_cpython_la_SOURCES = %D%/cpython.c $(CPYTHON_HEAP_SOURCES) \
	$(CPYTHON_READ_SOURCES)
# What finds objects, sizes and references.
CPYTHON_HEAP_SOURCES = \
	%D%/arenas.c %D%/ask.c %D%/bases.c %D%/check.c %D%/check_fields.c \
	%D%/check_members.c %D%/check_objects.c %D%/check_offsets.c \
	%D%/check_places.c %D%/check_priv.h %D%/check_state.c \
	%D%/check_tables.c %D%/content.c \
	%D%/describe.c %D%/evaluate.c %D%/evaluate.h %D%/find.c %D%/find.h \
	%D%/frontier.c %D%/interned.c %D%/invoke.c %D%/keys.c %D%/keys.h \
	%D%/kinds.c %D%/kinds.h %D%/library.c \
	%D%/measure.c %D%/modules.c %D%/numpy.c %D%/object.h \
	%D%/pool.h %D%/prepare.c %D%/pympler.c %D%/pympler.h \
	%D%/pympler_attr.c %D%/pympler_made.c %D%/pympler_refs.c \
	%D%/pympler_static.c \
	%D%/pympler_words.c %D%/refs.c %D%/refs_code.c %D%/refs_priv.h \
	%D%/safepoint.c %D%/script.c %D%/makers.h \
	%D%/services.h %D%/settle.c %D%/sites.c %D%/quick.h %D%/size.c \
	%D%/size_priv.h %D%/sweep.c %D%/talk.c %D%/talk.h %D%/told.c %D%/types.c %D%/usage.c
EXTRA_DIST += %D%/layout.def %D%/shapes.def %D%/regen-layouts.py
# What reads single objects: of the plugin, and of its tests' program.
CPYTHON_READ_SOURCES = \
	%D%/attr.c %D%/collector.c %D%/dict.c %D%/digests.c \
	%D%/frames.c %D%/frames.h %D%/item.c \
	%D%/layout.c %D%/layout.h %D%/layouts.c %D%/leaf.c %D%/lines.c \
	%D%/lookup.c %D%/lookup.h %D%/number.c %D%/printable.c %D%/read.c \
	%D%/read.h %D%/render.c %D%/render.h %D%/texts.c %D%/plain.c %D%/plain.h \
	%D%/roots.c %D%/roots.h %D%/threads.c %D%/threads.h %D%/walk.c \
	%D%/walk.h
noinst_PROGRAMS += tests/cpython/peek
tests_cpython_peek_CPPFLAGS = $(INC_PLUGIN) -iquote $(srcdir)/%D% \
	-iquote $(srcdir)/tests/cpython
tests_cpython_peek_CFLAGS = $(AM_CFLAGS) $(ELF_CFLAGS)
tests_cpython_peek_LDADD = $(ELF_LIBS)
tests_cpython_peek_SOURCES = tests/cpython/peek.c tests/cpython/peek_host.c \
	tests/cpython/peek_host.h $(CPYTHON_READ_SOURCES)
EXTRA_DIST += %D%/regen-printable.py tests/cpython/read_fixture.py \
	tests/cpython/zoo_fixture.py
noinst_PROGRAMS += tests/cpython/census
tests_cpython_census_CPPFLAGS = $(INC_VERB)
tests_cpython_census_LDADD = $(LIBS_GRAPH) $(ELF_LIBS) $(DW_LIBS)
tests_cpython_census_SOURCES = tests/cpython/census.c
noinst_PROGRAMS += tests/cpython/shift
tests_cpython_shift_CPPFLAGS = $(tests_cpython_peek_CPPFLAGS)
tests_cpython_shift_CFLAGS = $(CFLAGS_PLUGIN) $(ELF_CFLAGS)
tests_cpython_shift_LDADD = $(ELF_LIBS)
tests_cpython_shift_SOURCES = tests/cpython/shift.c tests/cpython/peek_host.c \
	tests/cpython/peek_host.h $(CPYTHON_HEAP_SOURCES) \
	$(CPYTHON_READ_SOURCES)
E2E_TESTS += tests/cpython/heap.t tests/cpython/layouts.t \
	tests/cpython/read.t tests/cpython/shift.t
check_PROGRAMS += tests/unit/cpython_layout.t
tests_unit_cpython_layout_t_CPPFLAGS = $(INC_PLUGIN) $(INC_TESTS) \
	-iquote $(srcdir)/%D%
tests_unit_cpython_layout_t_SOURCES = tests/unit/cpython_layout.c \
	%D%/digests.c %D%/layout.c %D%/layout.h %D%/layouts.c
tests_unit_cpython_layout_t_LDADD = $(CMOCKA_LIBS)
check_PROGRAMS += tests/fuzz/fuzz_cpython.t
tests_fuzz_fuzz_cpython_t_CPPFLAGS = $(INC_PLUGIN) $(INC_TESTS) \
	-iquote $(srcdir)/%D%
tests_fuzz_fuzz_cpython_t_CFLAGS = $(CFLAGS_PLUGIN)
tests_fuzz_fuzz_cpython_t_SOURCES = tests/fuzz/fuzz_cpython.c \
	tests/fuzz/cpython_image.h tests/fuzz/cpython_shapes.h \
	tests/lib/fuzz.h tests/lib/viewed.h $(CPYTHON_HEAP_SOURCES) \
	$(CPYTHON_READ_SOURCES)
