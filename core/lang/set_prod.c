// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/* Where the one object of a set was allocated: a table of frames. */

enum { MAX_FRAMES = 1000 };

static void add_column(json_t *columns, const char *name, const char *align)
{
	json_t *column = json_object();

	json_object_set_new(column, "name", json_string(name));
	json_object_set_new(column, "align", json_string(align));
	json_array_append_new(columns, column);
}

static json_t *new_table(void)
{
	json_t *doc = wr_doc_create("table"), *columns = json_array();

	add_column(columns, "Frame", "right");
	add_column(columns, "File", "left");
	add_column(columns, "Line", "right");
	json_object_set_new(doc, "columns", columns);
	json_object_set_new(doc, "rows", json_array());
	return doc;
}

static void add_frame(json_t *doc, uint32_t i, const struct heapsh_site *site)
{
	json_t *row = json_array();
	HS_TEXT file = { 0 };

	hs_text_escape(&file, site->file.s, site->file.n);
	json_array_append_new(row, wr_u64(i));
	json_array_append_new(row, json_string(hs_text_str(&file)));
	json_array_append_new(row, wr_u64(site->line));
	json_array_append_new(json_object_get(doc, "rows"), row);
}

struct hs_err *lg_set_prod(struct lg_session *s, struct lg_value *v,
			   int64_t arg, struct lg_value **ret)
{
	struct gr_set *nodes = v->u.set.nodes;
	struct md_model *m = lg_instant_model(v->in, s->task);
	HS_FREE char *how = NULL;
	struct heapsh_site site;
	uint32_t id = 0, i = 0;
	json_t *doc;

	(void)arg;
	if (!md_has_sites(m)) {
		how = md_sites_how(m);
		return hs_err_remedy(hs_err_new(HS_ERR_UNSUPPORTED,
						"prod: the program takes no "
						"notes of who allocates"),
				     "%s", how);
	}
	if (gr_set_count(nodes) != 1 || !gr_set_next(nodes, &id))
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"prod: the set has %u "
						"objects, not one",
						gr_set_count(nodes)),
				     "SET.byprod is a table of many");
	doc = new_table();
	for (; i < MAX_FRAMES &&
	       md_site(m, gr_addr(gr_set_graph(nodes), id), i, &site);
	     i++)
		add_frame(doc, i, &site);
	*ret = lg_table(v->in, doc);
	return NULL;
}
