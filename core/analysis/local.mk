# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_analysis.la
libhs_analysis_la_CPPFLAGS = $(INC_ANALYSIS)
libhs_analysis_la_SOURCES = %D%/analysis.h %D%/analysis_priv.h %D%/asized.c \
	%D%/classes.c %D%/deep.c %D%/free.c %D%/modules.c %D%/numbers.c \
	%D%/partition.c %D%/prod.c %D%/profile.c \
	%D%/profile_rows.c %D%/rcs.c %D%/relation.c %D%/shapes.c \
	%D%/sizedname.c %D%/summary.c %D%/via.c
libhs_analysis_la_SOURCES += %D%/garbage.c %D%/findex.c %D%/ids.c %D%/islands.c %D%/paths.c %D%/pattern.c %D%/retained.c

# Over a toy in the place of model and image: see core/graph/local.mk.
LIBS_ANALYSIS_TOY = libhs_analysis.la libhs_graph.la libhs_toy.la \
	$(LIBS_BASE) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/analysis_deep.t
tests_unit_analysis_deep_t_CPPFLAGS = $(INC_ANALYSIS) $(INC_TESTS)
tests_unit_analysis_deep_t_SOURCES = tests/unit/analysis_deep.c
tests_unit_analysis_deep_t_LDADD = $(LIBS_ANALYSIS_TOY)

check_PROGRAMS += tests/unit/analysis_partition.t
tests_unit_analysis_partition_t_CPPFLAGS = $(INC_ANALYSIS) $(INC_TESTS)
tests_unit_analysis_partition_t_SOURCES = tests/unit/analysis_partition.c
tests_unit_analysis_partition_t_LDADD = $(LIBS_ANALYSIS_TOY)

check_PROGRAMS += tests/unit/analysis_paths.t
tests_unit_analysis_paths_t_CPPFLAGS = $(INC_ANALYSIS) $(INC_TESTS)
tests_unit_analysis_paths_t_SOURCES = tests/unit/analysis_paths.c \
	tests/lib/toyshape.h tests/lib/toyshape.c
tests_unit_analysis_paths_t_LDADD = $(LIBS_ANALYSIS_TOY)

check_PROGRAMS += tests/unit/analysis_sized.t
tests_unit_analysis_sized_t_CPPFLAGS = $(INC_ANALYSIS) $(INC_TESTS)
tests_unit_analysis_sized_t_SOURCES = tests/unit/analysis_sized.c
tests_unit_analysis_sized_t_LDADD = $(LIBS_ANALYSIS_TOY)

# make tests/bench/graph_heap: nodes, rows and deep sizes of millions.
EXTRA_PROGRAMS += tests/bench/graph_heap
tests_bench_graph_heap_CPPFLAGS = $(INC_ANALYSIS) $(INC_TESTS)
tests_bench_graph_heap_SOURCES = tests/bench/graph_heap.c
tests_bench_graph_heap_LDADD = libhs_analysis.la libhs_graph.la libhs_toy.la \
	$(LIBS_BASE)
CLEANFILES += tests/bench/graph_heap$(EXEEXT)

# Over the real model and the example plugin.
check_PROGRAMS += tests/unit/graph_example.t
tests_unit_graph_example_t_CPPFLAGS = $(INC_ANALYSIS) \
	-iquote $(top_srcdir)/core/image $(INC_TESTS)
tests_unit_graph_example_t_SOURCES = tests/unit/graph_example.c \
	tests/lib/toy.c tests/lib/toy.h
tests_unit_graph_example_t_LDADD = $(LIBS_ANALYSIS) $(ELF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/graph_found.t
tests_unit_graph_found_t_CPPFLAGS = $(INC_ANALYSIS) \
	-iquote $(top_srcdir)/core/image $(INC_TESTS) \
	-iquote $(top_srcdir)/tests/plugins
tests_unit_graph_found_t_SOURCES = tests/unit/graph_found.c \
	tests/lib/fakeimage.c tests/lib/fakeimage.h
tests_unit_graph_found_t_LDADD = $(LIBS_ANALYSIS) $(ELF_LIBS) $(CMOCKA_LIBS)
