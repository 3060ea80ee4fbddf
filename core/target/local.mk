# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_target.la
libhs_target_la_CPPFLAGS = $(INC_TARGET)
libhs_target_la_SOURCES = %D%/blob.c %D%/check.c %D%/clean.c %D%/client.c \
	%D%/clone.c %D%/copy.c %D%/cow.c %D%/evalbatch.c %D%/evalcalls.c \
	%D%/evalcopy.c %D%/evaluate.c \
	%D%/facts.c %D%/filter.c %D%/freeze.c %D%/gadget.c %D%/guest.c \
	%D%/headroom.c %D%/held.c %D%/help.c %D%/hijack.c %D%/instant.c \
	%D%/leftpages.c %D%/mirror.c %D%/packet.c %D%/plan.c %D%/plant.c \
	%D%/plant_box.c %D%/plant_pages.c %D%/plant_words.c %D%/planting.c \
	%D%/proc.c %D%/reap.c %D%/remote.c %D%/reply.c %D%/room.c %D%/run.c \
	%D%/settle.c %D%/spawn.c %D%/target.h %D%/task.c %D%/tg_arch.h \
	%D%/tg_check.h %D%/tg_client.h %D%/tg_eval.h %D%/tg_evaluator.h \
	%D%/tg_packet.h %D%/tg_plant.h %D%/tg_planting.h %D%/tg_priv.h \
	%D%/tg_proc.h %D%/threads.c %D%/tracer.c %D%/turn.c \
	%D%/watched.c \
	%D%/x86_64.c \
	%D%/x86_64_calls.c %D%/x86_64_frame.c %D%/x86_64_gadget.c \
	%D%/x86_64_plant.c
# Has the probe in it. By a variable: a target that automake reads here would
# take the place of its own rule.
blob_object = %D%/libhs_target_la-blob.lo
$(blob_object): heapsh-probe.so

# Moves a tracer by lines; for the tests of this room and for measuring.
noinst_PROGRAMS += tests/lib/tg_driver
tests_lib_tg_driver_CPPFLAGS = $(INC_TARGET) $(INC_TESTS)
tests_lib_tg_driver_SOURCES = tests/lib/tg_driver.c \
	tests/lib/tg_driver_eval.c tests/lib/tg_driver_eval.h
tests_lib_tg_driver_LDADD = $(LIBS_TARGET)

# The same, to die at a request of ours. --wrap leaves the library as it is.
FAULT_WRAPS = -Wl,--wrap=ptrace,--wrap=pwrite,--wrap=waitid \
	-Wl,--wrap=pread,--wrap=process_vm_readv,--wrap=process_vm_writev
noinst_PROGRAMS += tests/lib/tg_driver_fault
tests_lib_tg_driver_fault_CPPFLAGS = $(INC_TARGET) $(INC_TESTS)
tests_lib_tg_driver_fault_LDFLAGS = $(FAULT_WRAPS)
tests_lib_tg_driver_fault_SOURCES = $(tests_lib_tg_driver_SOURCES) \
	tests/lib/tg_fault.c
tests_lib_tg_driver_fault_LDADD = $(LIBS_TARGET)
# What the harm suite compares us with: dlopen() the plain way.
noinst_PROGRAMS += tests/lib/tg_naive
tests_lib_tg_naive_CFLAGS = $(CFLAGS_FIXTURE)
tests_lib_tg_naive_LDFLAGS = $(LDFLAGS_FIXTURE)
tests_lib_tg_naive_SOURCES = tests/lib/tg_naive.c
E2E_TESTS += tests/harm/die_at.t tests/harm/die_live.t tests/harm/harm.t \
	tests/harm/limits.t tests/harm/rungs.t
EXTRA_DIST += tests/lib/cgroups.py tests/lib/harmtest.py

# Programs to be stopped.
noinst_PROGRAMS += tests/fixtures/tg_fixture
tests_fixtures_tg_fixture_CPPFLAGS = -iquote $(top_srcdir)/tests/fixtures
tests_fixtures_tg_fixture_CFLAGS = $(CFLAGS_FIXTURE)
tests_fixtures_tg_fixture_LDFLAGS = $(LDFLAGS_FIXTURE)
tests_fixtures_tg_fixture_SOURCES = tests/fixtures/tg_blocked.c \
	tests/fixtures/tg_fixture.c tests/fixtures/tg_fixture.h \
	tests/fixtures/tg_state.c tests/fixtures/tg_world.c
noinst_PROGRAMS += tests/fixtures/eval_fixture
tests_fixtures_eval_fixture_CFLAGS = $(CFLAGS_FIXTURE)
tests_fixtures_eval_fixture_LDFLAGS = $(LDFLAGS_FIXTURE)
tests_fixtures_eval_fixture_SOURCES = tests/fixtures/eval_fixture.c
noinst_PROGRAMS += tests/fixtures/watched_fixture
tests_fixtures_watched_fixture_CFLAGS = $(CFLAGS_FIXTURE)
tests_fixtures_watched_fixture_LDFLAGS = $(LDFLAGS_FIXTURE)
tests_fixtures_watched_fixture_SOURCES = tests/fixtures/watched_fixture.c
noinst_PROGRAMS += tests/fixtures/world_fixture
tests_fixtures_world_fixture_CFLAGS = $(CFLAGS_FIXTURE)
tests_fixtures_world_fixture_LDFLAGS = $(LDFLAGS_FIXTURE)
tests_fixtures_world_fixture_SOURCES = tests/fixtures/world_fixture.c
E2E_TESTS += tests/target/check.t tests/target/evaluate.t \
	tests/target/freeze.t tests/target/kill.t tests/target/settle.t \
	tests/target/world.t

check_PROGRAMS += tests/unit/target_arch.t tests/unit/target_hostile.t \
	tests/unit/target_filter.t
tests_unit_target_filter_t_CPPFLAGS = $(INC_TARGET) $(INC_TESTS)
tests_unit_target_filter_t_SOURCES = tests/unit/target_filter.c
tests_unit_target_filter_t_LDADD = $(LIBS_TARGET) $(CMOCKA_LIBS)
tests_unit_target_arch_t_CPPFLAGS = $(INC_TARGET) $(INC_TESTS)
tests_unit_target_arch_t_SOURCES = tests/unit/target_arch.c
tests_unit_target_arch_t_LDADD = $(LIBS_TARGET) $(CMOCKA_LIBS)
tests_unit_target_hostile_t_CPPFLAGS = $(INC_TARGET) $(INC_TESTS)
tests_unit_target_hostile_t_SOURCES = tests/unit/target_hostile.c
tests_unit_target_hostile_t_LDADD = $(LIBS_TARGET) $(CMOCKA_LIBS)
