// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

enum { MAX_WORDS = 20000 }; /* candidates: names of a program */

void lg_near_add(struct lg_near *near, const char *s, size_t n)
{
	if (n && near->words.n < MAX_WORDS)
		hs_vec_push(&near->words, hs_xstrndup(s, n));
}

void lg_near_drop(struct lg_near *near)
{
	for (size_t i = 0; i < near->words.n; i++)
		free(near->words.v[i]);
	hs_vec_deinit(&near->words);
}

bool lg_near_has(const struct lg_near *near, const char *word)
{
	for (size_t i = 0; i < near->words.n; i++)
		if (!strcmp(near->words.v[i], word))
			return true;
	return false;
}

struct hs_err *lg_near_remedy(struct hs_err *err, struct lg_near *near,
			      const char *word)
{
	const char *found = hs_nearest(word, (const char *const *)near->words.v,
				       near->words.n);
	HS_TEXT shown = { 0 };

	if (found) {
		hs_text_escape(&shown, found, strlen(found));
		err = hs_err_remedy(err, "%s", hs_text_str(&shown));
	}
	lg_near_drop(near);
	return err;
}
