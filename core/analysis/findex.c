// SPDX-License-Identifier: Apache-2.0
// Classes by the first of some sets that an object is in: Heapy's findex.
#include "analysis_priv.h"

#include "text.h"

struct names {
	size_t n;		/* sets; one more class: in none of them */
	char *v[];		/* free() */
};

static char *index_name(const struct an_classes *c, uint32_t number)
{
	const struct names *names = c->data;

	return number < names->n ? hs_xasprintf("%s / %u", names->v[number],
						number) :
				   hs_xstrdup("<None>");
}

static void index_end(struct an_classes *c)
{
	struct names *names = c->data;

	while (names->n)
		free(names->v[--names->n]);
	free(names);
}

struct hs_err *an_classify_index(struct gr_set *set,
				 struct gr_set *const *sets,
				 char *const *words, size_t n,
				 struct hs_task *task, struct an_classes *ret)
{
	struct names *names = hs_xalloc(sizeof(*names) +
					n * sizeof(*names->v));
	struct an_classes c = { .set = set, .n = (uint32_t)n + 1,
				.name = index_name, .end = index_end,
				.data = names };
	struct hs_err *err = an_classes_members(&c, task);
	uint32_t id, i = 0, k;

	for (names->n = 0; names->n < n; names->n++)
		names->v[names->n] = hs_xstrdup(words[names->n]);
	for (id = 0; !err && gr_set_next(set, &id); id++, i++) {
		for (k = 0; k < n && !gr_set_has(sets[k], id); k++)
			;
		c.of_member[i] = k;
		if (!(i & 0xffff))
			err = hs_check_cancel(task);
	}
	if (err)
		an_classes_deinit(&c);
	else
		*ret = c;
	return err;
}
