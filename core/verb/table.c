// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

json_t *vb_table(const char *const *columns)
{
	json_t *doc = wr_doc_create("table"), *heads = json_array();

	for (; *columns; columns++) {
		bool right = **columns == '#';
		json_t *head = json_object();

		json_object_set_new(head, "name",
				    json_string(*columns + right));
		json_object_set_new(head, "align",
				    json_string(right ? "right" : "left"));
		json_array_append_new(heads, head);
	}
	json_object_set_new(doc, "columns", heads);
	json_object_set_new(doc, "rows", json_array());
	return doc;
}

json_t *vb_row(json_t *doc)
{
	json_t *row = json_array();

	json_array_append_new(json_object_get(doc, "rows"), row);
	return row;
}

void vb_cell(json_t *row, json_t *value)
{
	json_array_append_new(row, value);
}

void vb_cell_text(json_t *row, const char *s)
{
	HS_TEXT t = { 0 };

	hs_text_escape(&t, s, strlen(s));
	vb_cell(row, json_string(hs_text_str(&t)));
}
