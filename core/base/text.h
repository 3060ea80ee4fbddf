/* SPDX-License-Identifier: Apache-2.0 */
/** String builder; numbers in and out; escaping of the target's text. */
#ifndef HS_TEXT_H
#define HS_TEXT_H

#include "base.h"
#include "err.h"

/** Growing text, always NUL-terminated once touched. {0} is empty. */
struct hs_text {
	char *s;		/* NULL while empty; use hs_text_str() */
	size_t len, cap;
};
void hs_text_deinit(struct hs_text *t);
#define HS_TEXT HS_CLEANUP(hs_text_deinit) struct hs_text
void hs_text_add(struct hs_text *t, const char *s);
void hs_text_addn(struct hs_text *t, const char *s, size_t n);
void hs_text_addc(struct hs_text *t, char c);
void hs_text_addf(struct hs_text *t, const char *fmt, ...) HS_PRINTF(2, 3);
void hs_text_clear(struct hs_text *t);
/** Never NULL; valid until the next change. */
const char *hs_text_str(const struct hs_text *t);
/** Gives the buffer away (free()); t is empty afterwards. Never NULL. */
char *hs_text_take(struct hs_text *t);

/**
 * Append n foreign bytes so that no terminal can be steered by them: C0, DEL,
 * C1, bidirectional controls (U+061C, U+200E/F, U+202A-202E, U+2066-2069),
 * line and paragraph separators become \n, \t, \r, \xNN, \uNNNN; each byte
 * that is not part of well-formed UTF-8 becomes \xNN. Backslash itself is
 * kept. Idempotent on its own output.
 */
void hs_text_escape(struct hs_text *t, const char *s, size_t n);
/**
 * First code point of n bytes: its length, or 0 when n is 0 or the bytes are
 * not well-formed UTF-8 (overlong forms, surrogates, past U+10FFFF, cut off).
 */
size_t hs_utf8_decode(const char *s, size_t n, uint32_t *ret);
/** Columns that valid escaped UTF-8 takes on a terminal (wcwidth). */
size_t hs_text_width(const char *s, size_t n);
/**
 * The middle of UTF-8 of more than most characters is to be left out for
 * "....": *head bytes from its start and what begins at *tail make most of
 * them. False: it is not that long, or most is too small for that.
 */
bool hs_text_middle(const char *s, size_t n, size_t most, size_t *head,
		    size_t *tail);
/** "   3.23 MB", muppy's own form: base 1024, "  12     B" up to 1024. */
void hs_text_size_muppy(struct hs_text *t, uint64_t bytes);
/** "131 MiB", "4.0 KiB", "17 B": for messages and the status line. */
void hs_text_size(struct hs_text *t, uint64_t bytes);
/** "3.1 ms", "2.0 s". */
void hs_text_duration(struct hs_text *t, uint64_t ns);

/** Whole string as unsigned: decimal or 0x…; false on anything else. */
bool hs_parse_u64(const char *s, uint64_t *ret);
/** The same with an optional minus before it. */
bool hs_parse_i64(const char *s, int64_t *ret);
/** "64k", "2GiB", "1.5g", "100" → bytes; base 1024. "5%" is not a size. */
bool hs_parse_size(const char *s, uint64_t *ret);
/** "5%", "2.5%" → hundredths of a percent, 0 to 10000. */
bool hs_parse_percent(const char *s, uint32_t *ret);
/** "2s", "150ms", "1.5" (seconds), "5min", "1h" → nanoseconds. */
bool hs_parse_duration(const char *s, uint64_t *ret);
/**
 * Nearest of n words by edit distance (a swap of neighbours counts 1), at most
 * max(1, len/3) away and nearer than an all different word; the first of
 * equals; NULL if none. Borrowed from words.
 */
const char *hs_nearest(const char *word, const char *const *words, size_t n);
#endif
