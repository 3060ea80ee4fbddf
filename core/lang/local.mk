# SPDX-License-Identifier: Apache-2.0
noinst_LTLIBRARIES += libhs_lang.la
libhs_lang_la_CPPFLAGS = $(INC_LANG)
libhs_lang_la_SOURCES = %D%/lang.h %D%/syntax.h %D%/eval.h %D%/across.c \
	%D%/attr.c %D%/bind.c %D%/call.c %D%/complete.c %D%/doc.c \
	%D%/elsewhere.c %D%/eval.c %D%/findex.c %D%/index.c %D%/instant.c \
	%D%/item.c %D%/lex.c %D%/line.c %D%/listing.c %D%/maprox.c \
	%D%/name.c %D%/near.c %D%/object.c %D%/operator.c %D%/option.c %D%/parse.c %D%/relation.c %D%/run.c \
	%D%/session.c %D%/set_brief.c %D%/set_by.c %D%/set_doc.c \
	%D%/set_graph.c %D%/set_kind.c %D%/set_of.c %D%/set_prod.c \
	%D%/set_stat.c %D%/sized_value.c %D%/set_value.c \
	%D%/space.c %D%/space_doc.c \
	%D%/stat_load.c %D%/string.c %D%/table_value.c %D%/value.c \
	%D%/view_value.c %D%/window.c

# Parser and evaluation without a process; verbs of the tests' own.
SOURCES_LANG_TREE = tests/lib/lang_tree.h tests/lib/lang_tree.c
check_PROGRAMS += tests/unit/lang_parse.t tests/fuzz/fuzz_line.t
tests_unit_lang_parse_t_CPPFLAGS = $(INC_LANG) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_unit_lang_parse_t_SOURCES = tests/unit/lang_parse.c \
	$(SOURCES_LANG_TREE)
tests_unit_lang_parse_t_LDADD = $(LIBS_LANG) $(LIBS_WIRE) $(JANSSON_LIBS) \
	$(DW_LIBS) $(ELF_LIBS) $(CMOCKA_LIBS)
tests_fuzz_fuzz_line_t_CPPFLAGS = $(INC_LANG) $(INC_TESTS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_line_t_SOURCES = tests/fuzz/fuzz_line.c tests/lib/fuzz.h \
	$(SOURCES_LANG_TREE)
tests_fuzz_fuzz_line_t_LDADD = $(LIBS_LANG) $(LIBS_WIRE) $(JANSSON_LIBS) \
	$(DW_LIBS) $(ELF_LIBS)
E2E_TESTS += tests/e2e/sets.t tests/e2e/heapy.t tests/e2e/sites.t \
	tests/e2e/badinput.t
EXTRA_DIST += tests/unit/lang_lines.corpus tests/fixtures/sets.py \
	tests/fixtures/heapy.py tests/fixtures/sites.py
