# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_verb.la
libhs_verb_la_CPPFLAGS = $(INC_VERB)
libhs_verb_la_SOURCES = %D%/verb.h %D%/verb_priv.h %D%/verbs.def \
	%D%/args.c %D%/asized.c %D%/asizeof.c %D%/asizesof.c %D%/doctor.c %D%/edge.c \
	%D%/find.c %D%/pattern.c %D%/pattern.h %D%/flatsize.c %D%/graphviz.c %D%/help.c %D%/info.c %D%/instants.c \
	%D%/iso.c %D%/load.c %D%/measure.c %D%/modules.c %D%/path_view.c \
	%D%/plugins.c %D%/process.c %D%/profile.c %D%/profile_rules.c %D%/tree_doc.c \
	%D%/refs.c %D%/rows.c \
	%D%/services.c %D%/set.c \
	%D%/setref.c %D%/show.c %D%/show_threads.c %D%/size.c %D%/sp.c \
	%D%/summary.c %D%/summary_diff.c %D%/table.c %D%/topic.c %D%/track.c \
	%D%/verbs.c
libhs_verb_la_SOURCES += %D%/retained.c %D%/why.c
libhs_verb_la_SOURCES += %D%/call.c %D%/call_get.c %D%/call_put.c \
	%D%/calling.h %D%/invoke.c %D%/live.c %D%/live.h %D%/marshal.c \
	%D%/marshal.h %D%/probe.c %D%/signature.c %D%/signature.h
libhs_verb_la_SOURCES += %D%/audit.c %D%/locals.c %D%/waste.c
libhs_verb_la_SOURCES += %D%/browse.c %D%/cycles.c %D%/rp.c \
	%D%/rp_paths.c

# Lines over the example process.
SOURCES_LINES = tests/lib/lines.h tests/lib/lines.c tests/lib/toy.c \
	tests/lib/toy.h
LIBS_LINES = $(LIBS_VERB) $(JANSSON_LIBS) $(DW_LIBS) $(ELF_LIBS) \
	$(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/verb_sets.t tests/unit/verb_run.t
tests_unit_verb_sets_t_CPPFLAGS = $(INC_VERB) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_verb_sets_t_SOURCES = tests/unit/verb_sets.c $(SOURCES_LINES)
tests_unit_verb_sets_t_LDADD = $(LIBS_LINES)
check_PROGRAMS += tests/unit/verb_kinds.t
tests_unit_verb_kinds_t_CPPFLAGS = $(INC_VERB) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_verb_kinds_t_SOURCES = tests/unit/verb_kinds.c $(SOURCES_LINES)
tests_unit_verb_kinds_t_LDADD = $(LIBS_LINES)
tests_unit_verb_run_t_CPPFLAGS = $(INC_VERB) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_verb_run_t_SOURCES = tests/unit/verb_run.c $(SOURCES_LINES)
tests_unit_verb_run_t_LDADD = $(LIBS_LINES)

check_PROGRAMS += tests/unit/verb_signature.t
tests_unit_verb_signature_t_CPPFLAGS = $(INC_VERB) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_verb_signature_t_SOURCES = tests/unit/verb_signature.c
tests_unit_verb_signature_t_LDADD = $(LIBS_LINES)

check_PROGRAMS += tests/unit/verb_pattern.t
tests_unit_verb_pattern_t_CPPFLAGS = $(INC_VERB) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_verb_pattern_t_SOURCES = tests/unit/verb_pattern.c
tests_unit_verb_pattern_t_LDADD = $(LIBS_LINES)

# C functions of every class, for "call".
check_LTLIBRARIES += tests/fixtures/call_lib.la
tests_fixtures_call_lib_la_CFLAGS = $(CFLAGS_FIXTURE)
tests_fixtures_call_lib_la_LDFLAGS = $(LDFLAGS_FIXTURE) -module \
	-avoid-version -shared -rpath /nowhere
tests_fixtures_call_lib_la_SOURCES = tests/fixtures/call_lib.c
EXTRA_DIST += tests/fixtures/call_host.py tests/fixtures/calls.py tests/fixtures/loading.py tests/fixtures/texts.py \
	tests/fixtures/probe_host.py
E2E_TESTS += tests/e2e/call.t tests/e2e/elsewhere.t tests/e2e/find.t tests/e2e/invoke.t tests/e2e/live.t tests/e2e/load.t tests/e2e/probe.t

E2E_TESTS += tests/e2e/stats.t
EXTRA_DIST += tests/fixtures/stats.py

E2E_TESTS += tests/e2e/graphviz.t tests/e2e/pympler.t tests/e2e/views.t
EXTRA_DIST += tests/fixtures/graphviz.py tests/fixtures/pympler_shapes.py \
	tests/fixtures/views.py
