# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_graph.la
libhs_graph_la_CPPFLAGS = $(INC_GRAPH)
libhs_graph_la_SOURCES = %D%/graph.h %D%/graph_priv.h %D%/forward_priv.h \
	%D%/notes_priv.h %D%/window_priv.h %D%/words_priv.h \
	%D%/closure.c %D%/columns.c %D%/depth.c %D%/domsearch.c %D%/dominators.c \
	%D%/find.c %D%/forward.c %D%/graph.c \
	%D%/index.c %D%/jobs.c %D%/labels.c %D%/owners.c %D%/parallel.c \
	%D%/nodes.c %D%/notes.c %D%/owned.c %D%/place.c %D%/reach.c \
	%D%/reverse.c %D%/rows.c %D%/select.c %D%/set.c %D%/setop.c \
	%D%/shape.c %D%/sort.c %D%/space.c %D%/sweep.c %D%/vec.c %D%/walk.c \
	%D%/window.c %D%/words.c

# graph and analysis are tested over a toy in the place of model and image.
check_LTLIBRARIES += libhs_toy.la
libhs_toy_la_CPPFLAGS = $(INC_MODEL) $(INC_TESTS)
libhs_toy_la_SOURCES = tests/lib/toymodel.h tests/lib/toymodel.c \
	tests/lib/toynone.c tests/lib/toyworld.h tests/lib/toyworld.c

check_PROGRAMS += tests/unit/graph_build.t
tests_unit_graph_build_t_CPPFLAGS = $(INC_GRAPH) $(INC_TESTS)
tests_unit_graph_build_t_SOURCES = tests/unit/graph_build.c \
	tests/lib/graphcheck.h tests/lib/graphcheck.c
tests_unit_graph_build_t_LDADD = libhs_graph.la libhs_toy.la $(LIBS_BASE) \
	$(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/graph_dominators.t
tests_unit_graph_dominators_t_CPPFLAGS = $(INC_GRAPH) $(INC_TESTS)
tests_unit_graph_dominators_t_SOURCES = tests/unit/graph_dominators.c \
	tests/lib/toyshape.h tests/lib/toyshape.c
tests_unit_graph_dominators_t_LDADD = libhs_graph.la libhs_toy.la \
	$(LIBS_BASE) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/graph_hostile.t
tests_unit_graph_hostile_t_CPPFLAGS = $(INC_GRAPH) $(INC_TESTS)
tests_unit_graph_hostile_t_SOURCES = tests/unit/graph_hostile.c \
	tests/lib/graphcheck.h tests/lib/graphcheck.c
tests_unit_graph_hostile_t_LDADD = libhs_graph.la libhs_toy.la $(LIBS_BASE) \
	$(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/graph_notes.t
tests_unit_graph_notes_t_CPPFLAGS = $(INC_GRAPH) $(INC_TESTS) \
	-I$(top_srcdir)/core/graph
tests_unit_graph_notes_t_SOURCES = tests/unit/graph_notes.c
tests_unit_graph_notes_t_LDADD = libhs_graph.la libhs_toy.la $(LIBS_BASE) \
	$(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/graph_words.t
tests_unit_graph_words_t_CPPFLAGS = $(INC_GRAPH) $(INC_TESTS) \
	-I$(top_srcdir)/core/graph
tests_unit_graph_words_t_SOURCES = tests/unit/graph_words.c
tests_unit_graph_words_t_LDADD = libhs_graph.la libhs_toy.la $(LIBS_BASE) \
	$(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/graph_set.t
tests_unit_graph_set_t_CPPFLAGS = $(INC_GRAPH) $(INC_TESTS)
tests_unit_graph_set_t_SOURCES = tests/unit/graph_set.c
tests_unit_graph_set_t_LDADD = libhs_graph.la libhs_toy.la $(LIBS_BASE) \
	$(CMOCKA_LIBS)

# The host's side of plugin.h, as far as the graph, over a plugin that lies.
check_PROGRAMS += tests/fuzz/fuzz_plugin.t
tests_fuzz_fuzz_plugin_t_CPPFLAGS = $(INC_MODEL) $(INC_GRAPH) $(INC_TESTS)
tests_fuzz_fuzz_plugin_t_SOURCES = tests/fuzz/fuzz_plugin.c tests/lib/fuzz.h \
	tests/lib/lying.h tests/lib/lying.c \
	tests/lib/fakeimage.c tests/lib/fakeimage.h
tests_fuzz_fuzz_plugin_t_LDADD = $(LIBS_GRAPH) $(ELF_LIBS)
