/* SPDX-License-Identifier: Apache-2.0 */
/** Trees of the parser as text, and verbs to parse with: for tests of lang. */
#ifndef HS_TESTS_LANG_TREE_H
#define HS_TESTS_LANG_TREE_H

#include "syntax.h"

/** "(& heap list)", "(= x (asizeof y align=8))". free(). */
char *tree_text(const struct lg_line *line);
/** A session with a handful of verbs of every kind of argument. */
void tree_session(struct lg_session *s, struct hs_task *task);

#endif
