/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Documents: what a command answers, as language.md section 8 lists them. One
 * document is one json_t object (jansson) with at least "schema", "command",
 * "type", "instant", "partial". --format json prints it on a line; repl/view
 * makes text and CSV of the same object.
 *
 * Types and their own fields:
 *   attached pid, program (its command line), runtime, version, rss, pause_ns,
 *            rung, settled, collecting; again: true, of a later instant
 *   bytes number bool none text                     value
 *   list     value: [document bodies]
 *   sized    items: one or more {name, address, size, flat, held,
 *            approximate, refs: […]}; a single argument's fields are also at
 *            the top level
 *   set      count, size, held, by, header ("Kind (class / …"), first (index
 *            of the first row), rows: [{index, count, size, cumulative, kind,
 *            address?, retained?}], more (rows after these), kind? (by id: the
 *            one type of all, or "mixed"), unreachable?: {objects, bytes},
 *            note?: a sentence; made?: seconds (of a statistic); part?:
 *            "first", "next", "last" of several with the rows of one, which
 *            the shell prints as one
 *   profile  value: lines of text; total, given, sized, seen, ranked, missed,
 *            duplicates, deepest, largest: [{size, depth, kind, name,
 *            address}], profiles?: [{kind, count, total, high, name, address}]
 *   summary  rows: [{type, count, size}]; diff: true for a difference
 *   diff     rows: [{index, count, size, cumulative, kind}], a: {count,
 *            size}, b: …, header
 *   table    title?, columns: [{name, align: "left"|"right", unit?}], rows:
 *            [[…]], more
 *   paths    count (all of them), first, paths: [{index, source: "root" |
 *            "local" | "C" | "object", root (its name), address, text, steps:
 *            [{edge, address, type}]}], more, note? (why there are none)
 *   tree     title?, first, rows: [{depth, mark, count, kind, label, line}],
 *            more (patterns of references, browsers)
 *   dot      value: lines for graphviz, nodes, edges: how many
 *   object   address, kind, flat, held, approximate?, value, rows?: [[…]]
 *   error    code, message, remedy, column? (with command: for the caret)
 *   words    value: a sentence for people (result of set, release, …)
 *   help     value: lines of text
 * Any of them: unread?, torn?: {objects, bytes}.
 */
#ifndef WR_DOC_H
#define WR_DOC_H

#include <jansson.h>

#include "err.h"

enum { WR_SCHEMA = 1 };

/** New document of that type with the common fields; the caller owns it. */
json_t *wr_doc_create(const char *type) HS_MUST_USE;
/** Set the common fields before it is sent. instant 0: none. */
void wr_doc_stamp(json_t *doc, const char *command, unsigned instant,
		  bool partial);
/** u64 as JSON: a number up to 2^53, a decimal string beyond. New reference. */
json_t *wr_u64(uint64_t v);
json_t *wr_i64(int64_t v);
/** "0x7f…". New reference. */
json_t *wr_addr(uint64_t addr);
/** Double; NaN and infinities become strings. */
json_t *wr_real(double v);
/**
 * Set key to text that need not be UTF-8: invalid bytes are escaped as \xNN in
 * key, and key_hex holds all bytes. n bytes.
 */
void wr_set_text(json_t *doc, const char *key, const char *s, size_t n);
/** The error as a document; err stays the caller's. */
json_t *wr_doc_error(const struct hs_err *err);
/**
 * One line, no newline, keys in the order they were set. Controls and
 * bidirectional marks are \uNNNN, so that a terminal may show it. free().
 */
char *wr_doc_encode(const json_t *doc) HS_MALLOC;
/** Parse and check the common fields. HS_ERR_FORMAT. */
struct hs_err *wr_doc_decode(const char *s, size_t n, json_t **ret) HS_MUST_USE;
/** Read back what wr_u64 and wr_i64 wrote; 0 when NULL or wrong. */
uint64_t wr_as_u64(const json_t *j);
int64_t wr_as_i64(const json_t *j);
/** The same of a member; 0 when absent. */
uint64_t wr_get_u64(const json_t *doc, const char *key);
int64_t wr_get_i64(const json_t *doc, const char *key);
/** "" when absent or not text. Borrowed. */
const char *wr_get_text(const json_t *doc, const char *key);
#endif
