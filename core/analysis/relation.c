// SPDX-License-Identifier: Apache-2.0
// Words of the relations, and products of them. A product is a number of five
// bits a factor, each the factor plus one, the first one lowest.
#include "analysis_priv.h"

#include "text.h"

enum { FACTOR_BITS = 5, FACTOR_MASK = (1 << FACTOR_BITS) - 1 };

static const struct relation {
	const char *word, *name, *header, *help;
} relations[AN_BY_FINDEX + 1] = {
	// Words and headers: guppy3 3.1.7, guppy/heapy/Classifiers.py
	[AN_BY_CLODO] = { "Clodo", "clodo", "Kind (class / dict of class)",
			  "class, or dict of class" },
	[AN_BY_TYPE] = { "Type", "type", "Type", "exact type" },
	[AN_BY_SIZE] = { "Size", "size", "Individual Size",
			 "flat bytes of one object" },
	[AN_BY_ID] = { "Id", "id", "Object Identity", "the object itself" },
	[AN_BY_UNITY] = { "Unity", "unity", "<unclassified>", "all alike" },
	[AN_BY_DICTOF] = { "Dictof", "dictof",
			   "Dict of Kind (class / dict of class)",
			   "whose attribute table it is" },
	[AN_BY_MODULE] = { "Module", "module", "Module",
			   "which module it is" },
	[AN_BY_RCS] = { "Rcs", "rcs",
			"Referrers by Kind (class / dict of class)",
			"kinds of what refers to it" },
	[AN_BY_RCS_TYPE] = { "RcsType", "rcstype", "Referrers by Type",
			     "types of what refers to it" },
	[AN_BY_VIA] = { "Via", "via", "Referred Via:",
			"names of the references to it" },
	[AN_BY_PROD] = { "Prod", "prod", "Producer (line of allocation)",
			 "line that allocated it, where notes are taken" },
	// no word of its own: it is made of kinds
	[AN_BY_FINDEX] = { "findex", "findex", "First Matching Kind / Index",
			   "which of some kinds it is in" },
};

size_t an_by_factors(enum an_relation by, enum an_relation ret[AN_MAX_FACTORS])
{
	uint32_t rest = (uint32_t)by & ~(uint32_t)AN_BY_PRODUCT;
	size_t n = 0;

	if (!(by & AN_BY_PRODUCT)) {
		ret[0] = by;
		return 1;
	}
	for (; rest && n < AN_MAX_FACTORS; rest >>= FACTOR_BITS)
		ret[n++] = (enum an_relation)((rest & FACTOR_MASK) - 1);
	return n;
}

struct hs_err *an_by_and(enum an_relation a, enum an_relation b,
			 enum an_relation *ret)
{
	enum an_relation all[2 * AN_MAX_FACTORS];
	size_t n = an_by_factors(a, all), i;
	uint32_t packed = 0;

	n += an_by_factors(b, all + n);
	if (n > AN_MAX_FACTORS)
		return hs_err_new(HS_ERR_USAGE,
				  "a product of %zu relations: at most %d", n,
				  (int)AN_MAX_FACTORS);
	for (i = n; i--;)
		packed = packed << FACTOR_BITS | ((uint32_t)all[i] + 1);
	*ret = (enum an_relation)(packed | AN_BY_PRODUCT);
	return NULL;
}

const char *an_relation_word(size_t i, enum an_relation *ret, const char **help)
{
	if (i >= AN_N_RELATIONS)
		return NULL;
	if (ret)
		*ret = (enum an_relation)i;
	if (help)
		*help = relations[i].help;
	return relations[i].word;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_named(const char *name, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (name[i] != lower(s[i]))
			return false;
	return !name[n];
}

static struct hs_err *unknown(const char *s, size_t n)
{
	HS_TEXT word = { 0 }, known = { 0 };
	HS_FREE char *copy = hs_xstrndup(s, n < 40 ? n : 40);
	const char *words[AN_N_RELATIONS], *near;
	size_t i;

	for (i = 0; i < AN_N_RELATIONS; i++) {
		words[i] = relations[i].word;
		hs_text_addf(&known, "%s%s", i ? " " : "", words[i]);
	}
	hs_text_escape(&word, copy, strlen(copy));
	near = hs_nearest(copy, words, AN_N_RELATIONS);
	return hs_err_remedy(hs_err_new(HS_ERR_NAME,
					"by: no relation '%s': there are %s",
					hs_text_str(&word),
					hs_text_str(&known)),
			     "by('%s')", near ? near : "Clodo&Size");
}

/* One factor: "Type". "class" and "idset" are older words of Heapy's. */
static struct hs_err *factor_named(const char *s, size_t n,
				   enum an_relation *ret)
{
	size_t i;

	while (n && *s == ' ') {
		s++;
		n--;
	}
	while (n && s[n - 1] == ' ')
		n--;
	*ret = AN_BY_TYPE;
	if (is_named("class", s, n))
		return NULL;
	*ret = AN_BY_ID;
	if (is_named("idset", s, n))
		return NULL;
	for (i = 0; i < AN_N_RELATIONS; i++) {
		*ret = (enum an_relation)i;
		if (is_named(relations[i].name, s, n))
			return NULL;
	}
	return unknown(s, n);
}

struct hs_err *an_by_named(const char *words, enum an_relation *ret)
{
	enum an_relation sum, one;
	size_t n = strcspn(words, "&");
	struct hs_err *err;

	*ret = AN_BY_UNITY;
	if (!*words)
		return NULL;
	err = factor_named(words, n, &sum);
	for (words += n; !err && *words; words += n) {
		n = strcspn(++words, "&");
		err = factor_named(words, n, &one);
		if (!err)
			err = an_by_and(sum, one, &sum);
	}
	if (!err)
		*ret = sum;
	return err;
}

char *an_relation_name(enum an_relation r)
{
	enum an_relation factor[AN_MAX_FACTORS];
	size_t n = an_by_factors(r, factor), i;
	struct hs_text t = { 0 };

	for (i = 0; i < n; i++)
		hs_text_addf(&t, "%s%s", i ? "&" : "",
			     relations[factor[i]].name);
	return hs_text_take(&t);
}

char *an_relation_header(enum an_relation r)
{
	enum an_relation factor[AN_MAX_FACTORS];
	size_t n = an_by_factors(r, factor), i;
	struct hs_text t = { 0 };

	for (i = 0; i < n; i++) {
		bool braces = n > 1 && an_is_set_of_names(factor[i]);

		hs_text_addf(&t, "%s%s%s%s", i ? " & " : "", braces ? "{" : "",
			     relations[factor[i]].header, braces ? "}" : "");
	}
	return hs_text_take(&t);
}

bool an_is_set_of_names(enum an_relation r)
{
	return r == AN_BY_RCS || r == AN_BY_RCS_TYPE || r == AN_BY_VIA;
}
