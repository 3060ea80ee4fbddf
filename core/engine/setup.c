// SPDX-License-Identifier: Apache-2.0
/* What the engine says of itself: "attached" and "info setup". */
#include "engine.h"

#include "text.h"

static const char *rung(const struct en_instant *in)
{
	struct wr_probe_state probe;

	switch (im_info(in->lg.image)->kind) {
	case IM_CLONE:
		return vb_probe_state(in->lg.image, &probe) ?
			       "preloaded probe" :
			       "frozen clone";
	case IM_CORE: return "core file";
	case IM_SNAPSHOT: return "saved snapshot";
	case IM_COPY: return "stopped and copied";
	case IM_LIVE: return "live";
	case IM_FAKE: return "literal bytes";
	default: return "unknown";
	}
}

json_t *en_attached_doc(struct lg_instant *lg)
{
	struct en_instant *in = en_instant_of(lg);
	const struct im_info *info = im_info(lg->image);
	const struct heapsh_claim *claim = md_claim(lg->model);
	const struct heapsh_status *status = md_status(lg->model);
	json_t *doc = wr_doc_create("attached");

	json_object_set_new(doc, "pid", json_integer(info->pid));
	wr_set_text(doc, "program", info->command, strlen(info->command));
	json_object_set_new(doc, "runtime", json_string(claim->runtime));
	json_object_set_new(doc, "version", json_string(claim->version));
	json_object_set_new(doc, "rss", wr_u64(info->rss));
	json_object_set_new(doc, "pause_ns",
			    wr_u64(in->tracer ? in->tracer->pause_ns : 0));
	json_object_set_new(doc, "rung", json_string(rung(in)));
	json_object_set_new(doc, "settled", json_boolean(!status->mutating));
	json_object_set_new(doc, "collecting",
			    json_boolean(status->collecting));
	return doc;
}

static void row(json_t *rows, const char *what, const char *value)
{
	HS_TEXT t = { 0 };

	hs_text_escape(&t, value, strlen(value));
	json_array_append_new(rows, json_pack("[ss]", what, hs_text_str(&t)));
}

static void plugin_rows(struct en_engine *en, json_t *rows)
{
	const struct md_plugin_info *v;
	size_t n = md_plugins(en->host, &v);

	for (size_t i = 0; i < n; i++) {
		HS_TEXT t = { 0 };

		hs_text_addf(&t, "%s %s", v[i].path,
			     v[i].problem ? v[i].problem : v[i].version);
		row(rows, v[i].problem ? "plugin not used" : "plugin",
		    hs_text_str(&t));
	}
	for (size_t i = 0; i < en->options.skip.n; i++)
		row(rows, "plugin left out", en->options.skip.v[i]);
}

static void instant_rows(struct lg_instant *lg, json_t *rows)
{
	const struct heapsh_claim *claim = md_claim(lg->model);
	struct en_instant *in = en_instant_of(lg);
	HS_TEXT t = { 0 };

	hs_text_addf(&t, "%s %s (%s)", claim->runtime, claim->version,
		     claim->reason);
	row(rows, "runtime", hs_text_str(&t));
	row(rows, "layout", md_status(lg->model)->layout);
	hs_text_clear(&t);
	hs_text_add(&t, rung(in));
	if (lg->released)
		hs_text_add(&t, lg->kept ? ", released, its pages are kept"
					 : ", released");
	if (in->tracer && in->tracer->why[0])
		hs_text_addf(&t, "; not settled: %s", in->tracer->why);
	row(rows, "instant", hs_text_str(&t));
	if (im_missing(lg->image)) {
		hs_text_clear(&t);
		hs_text_size(&t, im_missing(lg->image));
		hs_text_add(&t, " of the core are missing");
		row(rows, "truncated", hs_text_str(&t));
	}
}

json_t *en_setup(void *engine)
{
	struct en_engine *en = engine;
	json_t *rows = json_array();
	HS_TEXT t = { 0 };

	if (en->session.current)
		instant_rows(en->session.current, rows);
	plugin_rows(en, rows);
	hs_text_size(&t, en->budget.limit);
	row(rows, "memory for the engine", hs_text_str(&t));
	return rows;
}
