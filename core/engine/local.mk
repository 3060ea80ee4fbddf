# SPDX-License-Identifier: Apache-2.0
# One binary, two roles: engine and tracer. At the top of the build tree, where
# ./heapsh looks for it first.
pkglibexec_PROGRAMS += heapsh-engine
heapsh_engine_CPPFLAGS = $(INC_ENGINE) -DHEAPSH_PLUGINDIR='"$(plugindir)"' \
	-DHEAPSH_PROBE='"$(probedir)/heapsh-probe.so"'
heapsh_engine_SOURCES = %D%/main.c %D%/engine.h %D%/attach.c \
	%D%/check.c %D%/check.h %D%/checks.c %D%/checks_objects.c \
	%D%/doctor.c %D%/doctor.h %D%/doctor_left.c %D%/evaluate.c \
	%D%/family.c %D%/instant.c %D%/ladder.c %D%/lifetime.c \
	%D%/live.c %D%/live_box.c %D%/livecall.h %D%/load.c %D%/loop.c \
	%D%/run.c %D%/safepoint.c %D%/safepoint.h %D%/services.c \
	%D%/setup.c %D%/watch.c %D%/where.c
heapsh_engine_LDADD = $(LIBS_VERB) $(JANSSON_LIBS) $(DW_LIBS) $(ELF_LIBS)

# The same objects, to die at a request of ours (core/target/local.mk).
noinst_PROGRAMS += tests/lib/engine_fault
tests_lib_engine_fault_CPPFLAGS = $(INC_TARGET) $(INC_TESTS)
tests_lib_engine_fault_LDFLAGS = $(FAULT_WRAPS)
tests_lib_engine_fault_SOURCES = tests/lib/tg_fault.c
tests_lib_engine_fault_DEPENDENCIES = $(heapsh_engine_OBJECTS) \
	$(heapsh_engine_DEPENDENCIES)
tests_lib_engine_fault_LDADD = $(heapsh_engine_OBJECTS) \
	$(heapsh_engine_LDADD)
