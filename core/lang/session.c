// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* What is kept between lines. */

static struct lg_value *value_at(uint64_t word)
{
	return (struct lg_value *)(uintptr_t)word;
}

void lg_session_init(struct lg_session *s)
{
	s->variables = (struct hs_strmap){ 0 };
	s->values = (struct hs_strmap){ 0 };
	s->results = (struct hs_map){ 0 };
	s->last = NULL;
	s->line = 0;
	s->tracked = NULL;
	s->reference = NULL;
}

void lg_session_deinit(struct lg_session *s)
{
	uint64_t line, word;

	for (size_t i = 0; i < s->variables.cap; i++)
		if (s->variables.keys[i])
			lg_unref(value_at(s->variables.vals[i]));
	for (size_t i = 0; i < s->values.cap; i++)
		if (s->values.keys[i])
			free((char *)(uintptr_t)s->values.vals[i]);
	for (size_t i = 0; hs_map_next(&s->results, &i, &line, &word);)
		lg_unref(value_at(word));
	hs_strmap_deinit(&s->variables);
	hs_strmap_deinit(&s->values);
	hs_map_deinit(&s->results);
	lg_unref(s->last);
	lg_unref(s->reference);
	s->reference = NULL;
	lg_instant_unref(s->current);
	lg_instant_unref(s->tracked);
	s->last = NULL;
	s->tracked = NULL;
	s->current = NULL;
}

/* --- settings ------------------------------------------------------------- */

static const struct lg_setting *setting_named(const struct lg_session *s,
					      const char *name)
{
	for (size_t i = 0; i < s->n_settings; i++)
		if (!strcmp(s->settings[i].name, name))
			return &s->settings[i];
	return NULL;
}

const char *lg_setting(const struct lg_session *s, const char *name)
{
	const uint64_t *stored = hs_strmap_get(&s->values, name);
	const struct lg_setting *setting = setting_named(s, name);

	if (stored)
		return (const char *)(uintptr_t)*stored;
	return setting ? setting->def : NULL;
}

static bool is_duration(const char *value)
{
	uint64_t ns;

	return hs_parse_duration(value, &ns);
}

static bool is_percent(const char *value)
{
	uint32_t v;

	return hs_parse_percent(value, &v);
}

/* "none|SIZE", "on|off", "N|all": one of the words, or of the kind. */
static bool is_possible(const char *values, const char *value)
{
	while (*values) {
		size_t n = strcspn(values, "|");
		uint64_t v;

		if (n == strlen(value) && !strncmp(values, value, n))
			return true;
		if ((!strncmp(values, "N", n) && hs_parse_u64(value, &v) &&
		     v) ||
		    (!strncmp(values, "SIZE", n) && hs_parse_size(value, &v)) ||
		    (!strncmp(values, "TIME", n) && is_duration(value)) ||
		    (!strncmp(values, "PERCENT", n) && is_percent(value)))
			return true;
		values += n + (values[n] == '|');
	}
	return false;
}

struct hs_err *lg_set_setting(struct lg_session *s, const char *name,
			      const char *value)
{
	const struct lg_setting *setting = setting_named(s, name);
	struct lg_near near = { 0 };
	uint64_t *stored;

	if (!setting) {
		for (size_t i = 0; i < s->n_settings; i++)
			lg_near_add(&near, s->settings[i].name,
				    strlen(s->settings[i].name));
		return lg_near_remedy(
			hs_err_remedy(hs_err_new(HS_ERR_USAGE, "no setting %s",
						 name),
				      "set lists them"),
			&near, name);
	}
	if (!is_possible(setting->values, value))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"setting %s cannot be %s", name,
						value),
				     "set %s=%s", name, setting->values);
	stored = hs_strmap_get(&s->values, name);
	if (stored)
		free((char *)(uintptr_t)*stored);
	hs_strmap_put(&s->values, name, (uintptr_t)hs_xstrdup(value));
	return NULL;
}

uint64_t lg_setting_rows(const struct lg_session *s)
{
	const char *text = lg_setting(s, "rows");
	uint64_t rows;

	if (text && !strcmp(text, "all"))
		return LG_ALL_ROWS;
	if (!text || !hs_parse_u64(text, &rows) || !rows)
		return 10; // Heapy's own page
	return rows < LG_ALL_ROWS ? rows : LG_ALL_ROWS;
}
