# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_image.la
libhs_image_la_CPPFLAGS = $(INC_IMAGE) $(ELF_CFLAGS)
libhs_image_la_SOURCES = %D%/image.h %D%/image_priv.h %D%/core_priv.h \
	%D%/symbols.h %D%/core.c %D%/corenotes.c \
	%D%/clone.c %D%/copied.c %D%/copied.h %D%/copy.c %D%/file.c %D%/image.c \
	%D%/keep.c %D%/live.c %D%/maps.c \
	%D%/modules.c %D%/process.c %D%/reader.c %D%/symbols.c \
	%D%/symdyn.c %D%/symfile.c %D%/symtab.c

check_PROGRAMS += tests/unit/image_reader.t
tests_unit_image_reader_t_CPPFLAGS = $(INC_IMAGE) $(INC_TESTS)
tests_unit_image_reader_t_SOURCES = tests/unit/image_reader.c \
	tests/lib/fakeimage.c tests/lib/fakeimage.h
tests_unit_image_reader_t_LDADD = $(LIBS_IMAGE) $(ELF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/image_maps.t
tests_unit_image_maps_t_CPPFLAGS = $(INC_IMAGE) $(INC_TESTS)
tests_unit_image_maps_t_SOURCES = tests/unit/image_maps.c
tests_unit_image_maps_t_LDADD = $(LIBS_IMAGE) $(ELF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/image_core.t
tests_unit_image_core_t_CPPFLAGS = $(INC_IMAGE) $(INC_TESTS)
tests_unit_image_core_t_SOURCES = tests/unit/image_core.c \
	tests/lib/corebuf.c tests/lib/corebuf.h
tests_unit_image_core_t_LDADD = $(LIBS_IMAGE) $(ELF_LIBS) $(CMOCKA_LIBS)

# What it looks for in the files of modules is the example plugin.
check_PROGRAMS += tests/unit/image_sources.t
tests_unit_image_sources_t_CPPFLAGS = $(INC_IMAGE) $(INC_TESTS)
tests_unit_image_sources_t_SOURCES = tests/unit/image_sources.c \
	tests/lib/corebuf.c tests/lib/corebuf.h \
	tests/lib/fakeimage.c tests/lib/fakeimage.h
tests_unit_image_sources_t_LDADD = $(LIBS_IMAGE) $(ELF_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_core.t
tests_fuzz_fuzz_core_t_CPPFLAGS = $(INC_IMAGE) $(INC_TESTS)
tests_fuzz_fuzz_core_t_SOURCES = tests/fuzz/fuzz_core.c tests/lib/fuzz.h
tests_fuzz_fuzz_core_t_LDADD = $(LIBS_IMAGE) $(ELF_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_elf.t
tests_fuzz_fuzz_elf_t_CPPFLAGS = $(INC_IMAGE) $(INC_TESTS)
tests_fuzz_fuzz_elf_t_SOURCES = tests/fuzz/fuzz_elf.c tests/lib/fuzz.h
tests_fuzz_fuzz_elf_t_LDADD = $(LIBS_IMAGE) $(ELF_LIBS)

check_PROGRAMS += tests/fuzz/fuzz_maps.t
tests_fuzz_fuzz_maps_t_CPPFLAGS = $(INC_IMAGE) $(INC_TESTS)
tests_fuzz_fuzz_maps_t_SOURCES = tests/fuzz/fuzz_maps.c tests/lib/fuzz.h
tests_fuzz_fuzz_maps_t_LDADD = $(LIBS_IMAGE) $(ELF_LIBS)
