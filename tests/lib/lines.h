/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Lines run against the example process, by a session that is like the
 * engine's: what they answer is compared with what the process says of itself.
 */
#ifndef HS_TESTS_LINES_H
#define HS_TESTS_LINES_H

#include "verb.h"

#include "toy.h"

extern struct toy toy;
extern struct lg_session session;
/** Every instant that was taken; [0] is there from the start. */
extern struct lg_instant *instants[8];
extern unsigned line_number;

/** For cmocka_run_group_tests(). */
int open_session(void **state);
int close_session(void **state);

/** The document of a line, borrowed until the next one; NULL: none. */
json_t *run(const char *fmt, ...) HS_PRINTF(1, 2);
/** The line must fail so; message and remedy may be NULL: any. */
void fails(const char *line, const char *message, const char *remedy);
/** A message with something in it; valid until the next one. */
const char *said(const char *fmt, ...) HS_PRINTF(1, 2);
/** "value" of a line's document, as number or truth. */
uint64_t value(const char *line);
bool truth(const char *line);

const char *text(const json_t *doc, const char *key);
uint64_t number(const json_t *doc, const char *key);
const json_t *row(const json_t *doc, size_t i);
size_t n_rows(const json_t *doc);
/** The row of a kind, or NULL. */
const json_t *kind(const json_t *doc, const char *name);

/** What the process has made of a type; NULL: of all. */
struct census {
	uint64_t n, flat, held;
};
struct census census(const char *type);

#endif
