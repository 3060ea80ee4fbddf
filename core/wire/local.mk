# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_wire.la
libhs_wire_la_CPPFLAGS = $(INC_WIRE) $(JANSSON_CFLAGS)
libhs_wire_la_SOURCES = %D%/doc.c %D%/doc.h %D%/wire.c %D%/wire.h \
	%D%/probe_wire.h %D%/tracer_wire.h

check_PROGRAMS += tests/unit/wire_frame.t
tests_unit_wire_frame_t_CPPFLAGS = $(INC_WIRE) $(INC_TESTS)
tests_unit_wire_frame_t_SOURCES = tests/unit/wire_frame.c
tests_unit_wire_frame_t_LDADD = $(LIBS_WIRE) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/wire_doc.t
tests_unit_wire_doc_t_CPPFLAGS = $(INC_WIRE) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_wire_doc_t_SOURCES = tests/unit/wire_doc.c
tests_unit_wire_doc_t_LDADD = $(LIBS_WIRE) $(JANSSON_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_wire.t
tests_fuzz_fuzz_wire_t_CPPFLAGS = $(INC_WIRE) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_wire_t_SOURCES = tests/fuzz/fuzz_wire.c tests/lib/fuzz.h
tests_fuzz_fuzz_wire_t_LDADD = $(LIBS_WIRE) $(JANSSON_LIBS)
