# SPDX-License-Identifier: Apache-2.0
# Every test is an executable that prints TAP and is named *.t. Unit tests are
# registered by the local.mk of their room, as are scripts about one room
# (E2E_TESTS += …); scripts about all of heapsh here. A unit test of room
# X, file tests/unit/x_thing.c, is these lines in X's local.mk:
#	check_PROGRAMS += tests/unit/x_thing.t
#	tests_unit_x_thing_t_CPPFLAGS = $(INC_X) $(INC_TESTS)
#	tests_unit_x_thing_t_SOURCES = tests/unit/x_thing.c
#	tests_unit_x_thing_t_LDADD = $(LIBS_X) $(CMOCKA_LIBS)
TEST_EXTENSIONS = .t
T_LOG_COMPILER = $(top_srcdir)/tests/lib/limit
T_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	HEAPSH='$(abs_top_builddir)/heapsh'; export HEAPSH; \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	CC='$(CC)'; export CC; \
	LINK_FLAGS='$(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS)'; \
	export LINK_FLAGS; \
	LINK_LIBS='$(JANSSON_LIBS) $(DW_LIBS) $(ELF_LIBS) $(READLINE_LIBS)'; \
	export LINK_LIBS; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE;

E2E_TESTS += tests/e2e/arrays.t tests/e2e/asked.t tests/e2e/attach_many.t tests/e2e/census.t tests/e2e/core.t \
	tests/e2e/deep.t tests/e2e/edges.t tests/e2e/errors.t \
	tests/e2e/foreign.t tests/e2e/hammer.t tests/e2e/held.t \
	tests/e2e/kill.t tests/e2e/large.t tests/e2e/libraries.t tests/e2e/library.t tests/e2e/lifetime.t \
	tests/e2e/measure.t tests/e2e/megabyte.t tests/e2e/names.t tests/e2e/readme.t \
	tests/e2e/reuse.t \
	tests/e2e/scattered.t tests/e2e/session.t tests/e2e/stranger.t tests/e2e/time.t tests/e2e/zoo.t
# What attaching may do to a program, and how else it may be had.
E2E_TESTS += tests/e2e/contended.t tests/e2e/container.t tests/e2e/core_hostile.t tests/e2e/denied.t tests/e2e/doctor.t \
	tests/e2e/ladder.t tests/e2e/yama.t
EXTRA_DIST += tests/fixtures/live.py tests/fixtures/contended.py tests/lib/obstacles.py
EXTRA_DIST += tests/fixtures/arrays.py tests/fixtures/census.py \
	tests/fixtures/chain.c tests/fixtures/chain.py tests/fixtures/reprs.py \
	tests/fixtures/change.py \
	tests/fixtures/deep.py tests/fixtures/edges.py \
	tests/fixtures/scattered.py \
	tests/fixtures/edges_library.py tests/fixtures/edges_members.py \
	tests/fixtures/edges_objects.py \
	tests/fixtures/libraries.py tests/fixtures/library.py tests/fixtures/library_modules.py \
	tests/fixtures/library_objects.py \
	tests/fixtures/hammer.py tests/fixtures/held.py \
	tests/fixtures/idle.py tests/fixtures/lifetime.py \
	tests/fixtures/measure.py tests/fixtures/megabyte.py \
	tests/fixtures/names.py tests/fixtures/newcomer.py \
	tests/fixtures/reuse.py tests/fixtures/zoo.py
E2E_TESTS += tests/e2e/embed.t tests/e2e/hidden.t tests/e2e/orphans.t tests/e2e/paths.t \
	tests/e2e/tutorial.t
EXTRA_DIST += tests/fixtures/embed_host.c tests/fixtures/hidden.py \
	tests/fixtures/paths.py \
	tests/lib/transcript.py \
	doc/shop.py doc/tutorial.md
dist_man_MANS += doc/heapsh.1
schemadir = $(pkgdatadir)
dist_schema_DATA = doc/heapsh.schema.json
bashcompdir = $(datadir)/bash-completion/completions
dist_bashcomp_DATA = doc/completion/heapsh
E2E_TESTS += tests/e2e/schema.t
EXTRA_DIST += README.md

STYLE_TESTS = tests/style/layers.t tests/style/source.t
HARNESS_TESTS = tests/harness/bench.t tests/harness/harness.t
TESTS += $(check_PROGRAMS) $(E2E_TESTS) $(STYLE_TESTS) $(HARNESS_TESTS)
EXTRA_DIST += $(E2E_TESTS) $(STYLE_TESTS) $(HARNESS_TESTS) \
	tests/lib/fuzz.h tests/lib/hstest.py tests/lib/limit \
	tests/lib/summarize tests/lib/tgtest.py tests/lib/unit.h tests/style/nets.py

# For .ci/run: what it runs again under clang with sanitizers, and the fuzz
# tests, which it builds again as libFuzzer targets.
SANITIZE_TESTS = $(check_PROGRAMS)
FUZZ_TESTS = $(filter tests/fuzz/%,$(check_PROGRAMS))
print-fuzz-tests:
	@echo $(FUZZ_TESTS)
.PHONY: print-fuzz-tests

# Figures, not tests: one table, and one file bench.json.
BENCHES += tests/bench/heap.bench tests/bench/gap.bench tests/bench/pause.bench
BENCHES += tests/bench/asked.bench tests/bench/views.bench
LAST_BENCH = tests/bench/peers.bench
EXTRA_DIST += $(BENCHES) $(LAST_BENCH) tests/bench/run tests/fixtures/bench_heap.py \
	tests/lib/benchprofile.py tests/lib/benchrun.py tests/lib/hsbench.py
CLEANFILES += bench.json
bench: all tests/bench/guard_cost$(EXEEXT)
	@$(AM_TESTS_ENVIRONMENT) \
	$(PYTHON3) $(srcdir)/tests/bench/run $(addprefix $(srcdir)/,$(BENCHES) $(LAST_BENCH))
.PHONY: bench

# An hour: a thousand attaches of each kind, deaths behind every request, and
# each fuzz test for a minute.
STRESS_TESTS = tests/harm/die_at.t tests/harm/die_live.t tests/harm/harm.t \
	tests/harm/limits.t tests/harm/rungs.t
stress: all $(check_PROGRAMS)
	@rc=0; $(AM_TESTS_ENVIRONMENT) \
	HEAPSH_STRESS=1; export HEAPSH_STRESS; \
	for t in $(STRESS_TESTS); do \
		echo "# $$t"; $(PYTHON3) $(srcdir)/$$t || rc=1; \
	done; \
	$(MAKE) $(AM_MAKEFLAGS) fuzz FUZZ_SECONDS=60 || rc=1; exit $$rc
.PHONY: stress

# Under a kernel of Debian's, with yama and cgroup v2: each test in a virtual
# machine of its own (tests/vm/run). TESTS=… and all variables are as of check.
VM_TESTS = $(STRESS_TESTS) tests/e2e/container.t tests/e2e/contended.t \
	tests/e2e/denied.t tests/e2e/doctor.t tests/e2e/kill.t \
	tests/e2e/ladder.t tests/e2e/live.t tests/e2e/load.t \
	tests/e2e/probe.t tests/e2e/yama.t tests/target/check.t \
	tests/target/evaluate.t tests/target/freeze.t tests/target/kill.t \
	tests/target/settle.t
check-vm: all
	HEAPSH_TEST_LIMIT=$${HEAPSH_TEST_LIMIT:-3600} \
	$(MAKE) $(AM_MAKEFLAGS) check \
		T_LOG_COMPILER='$(abs_top_srcdir)/tests/vm/run' TESTS='$(if \
		$(filter command,$(origin TESTS)),$(TESTS),$(VM_TESTS))'
.PHONY: check-vm
EXTRA_DIST += tests/vm/init tests/vm/main tests/vm/run

# Each fuzz test for so long, and what it reaches.
FUZZ_SECONDS = 10
fuzz: all
	@$(AM_TESTS_ENVIRONMENT) bash $(srcdir)/tests/fuzz/all \
		$(abs_top_srcdir) $(FUZZ_SECONDS) $(FUZZ_TESTS)
.PHONY: fuzz
clean-local:
	rm -rf fuzz-clang fuzz-src
EXTRA_DIST += tests/fuzz/all tests/fuzz/keep tests/fuzz/run \
	tests/fuzz/fuzz_core.corpus tests/fuzz/fuzz_cpython.corpus \
	tests/fuzz/fuzz_elf.corpus tests/fuzz/fuzz_line.corpus \
	tests/fuzz/fuzz_lua.corpus tests/fuzz/fuzz_maps.corpus \
	tests/fuzz/fuzz_plugin.corpus tests/fuzz/fuzz_wire.corpus

# In place of automake's own rule: the last line is the sum of all test points,
# whether they passed or not. A test that did not run counts as failed, and so
# does a CPython that no test ran with, unless TESTS was given to make.
check-TESTS: $(check_PROGRAMS) $(check_LTLIBRARIES)
	@rm -f $(TEST_SUITE_LOG) $(TEST_LOGS) $(TEST_LOGS:.log=.trs); rc=0; \
	$(MAKE) $(AM_MAKEFLAGS) $(TEST_SUITE_LOG) || rc=$$?; \
	$(AM_TESTS_ENVIRONMENT) $(PYTHON3) $(top_srcdir)/tests/lib/summarize \
		$(if $(filter file,$(origin TESTS)),--complete) $(TEST_LOGS) \
		|| rc=1; \
	exit $$rc
