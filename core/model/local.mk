# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_model.la
libhs_model_la_CPPFLAGS = $(INC_MODEL)
libhs_model_la_SOURCES = %D%/model.h %D%/model_priv.h %D%/plugin.h \
	%D%/plugin_eval.h %D%/plugin_interfaces.h %D%/plugin_helpers.h \
	%D%/claim.c %D%/compat.c %D%/defaults.c %D%/edges.c %D%/eval.c %D%/guard.c \
	%D%/host.c %D%/join.c %D%/join_priv.h %D%/joinquery.c \
	%D%/belief.c %D%/witness.c \
	%D%/label.c %D%/model.c %D%/ask.c %D%/query.c %D%/render.c %D%/services.c \
	%D%/sweep.c %D%/texts.c %D%/threads.c %D%/trust.c %D%/types.c

# What the guard costs: tests/bench/guard.bench.
EXTRA_PROGRAMS += tests/bench/guard_cost
tests_bench_guard_cost_CPPFLAGS = $(INC_MODEL)
tests_bench_guard_cost_SOURCES = tests/bench/guard_cost.c
tests_bench_guard_cost_LDADD = $(LIBS_MODEL) $(ELF_LIBS)
CLEANFILES += tests/bench/guard_cost$(EXEEXT)
BENCHES += tests/bench/guard.bench

check_PROGRAMS += tests/unit/model_example.t
tests_unit_model_example_t_CPPFLAGS = $(INC_MODEL) $(INC_TESTS)
tests_unit_model_example_t_SOURCES = tests/unit/model_example.c \
	tests/lib/toy.c tests/lib/toy.h
tests_unit_model_example_t_LDADD = $(LIBS_MODEL) $(ELF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/model_host.t
tests_unit_model_host_t_CPPFLAGS = $(INC_MODEL) $(INC_TESTS)
tests_unit_model_host_t_SOURCES = tests/unit/model_host.c \
	tests/lib/fakeimage.c tests/lib/fakeimage.h
tests_unit_model_host_t_LDADD = $(LIBS_MODEL) $(ELF_LIBS) $(CMOCKA_LIBS)
