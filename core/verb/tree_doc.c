// SPDX-License-Identifier: Apache-2.0
// Pages of a tree whose rows are made as they are shown: of a pattern of
// references, of the paths in one.
#include "verb_priv.h"

struct hs_err *vb_tree_doc(struct lg_session *s, struct lg_value *v,
			   const struct vb_tree *tree, uint64_t first,
			   uint64_t end, json_t **ret)
{
	struct md_model *m = lg_instant_model(lg_instant_of(v), s->task);
	json_t *out = wr_doc_create("tree"), *list = json_array();

	if (!first)
		wr_set_text(out, "title", tree->title, strlen(tree->title));
	json_object_set_new(out, "width", wr_u64(VB_TREE_COLUMNS));
	json_object_set_new(out, "rows", list);
	if (tree->cut)
		json_object_set_new(out, "cut", json_true());
	for (; first < end; first++) {
		json_array_append_new(list, tree->row(m, tree->data, first));
		if (hs_cancelled(s->task)) {
			json_decref(out);
			return hs_check_cancel(s->task);
		}
	}
	*ret = out;
	return NULL;
}
