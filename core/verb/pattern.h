/* SPDX-License-Identifier: Apache-2.0 */
/** What texts of objects are searched for. Private to core/verb. */
#ifndef VB_PATTERN_H
#define VB_PATTERN_H

#include "err.h"

struct vb_pattern;
/**
 * An extended regular expression (POSIX, and \d \w \s \b), which may match
 * anywhere. One thread at a time may use it. HS_ERR_USAGE.
 */
struct hs_err *vb_pattern_create(const char *text,
				 struct vb_pattern **ret) HS_MUST_USE;
void vb_pattern_destroy(struct vb_pattern *p);
/** Does it occur in the n bytes at s, which have a NUL behind? */
bool vb_pattern_found(const struct vb_pattern *p, const char *s, size_t n);

/** Longest text that every match contains, or "". free(). */
char *vb_pattern_literal(const char *text);
#endif
