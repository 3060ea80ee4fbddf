// SPDX-License-Identifier: GPL-3.0-or-later
// Sized trees, as Asized.format() of Pympler 1.1 prints them.
#include "view_priv.h"

#include <inttypes.h>

/* Where a walk is: the next of nodes, depth deep. */
struct level {
	const json_t *nodes;
	size_t next;
	uint64_t more;		/* that the document leaves out */
};

static void print_node(struct hs_text *out, const json_t *node, size_t depth,
		       const struct vw_style *style)
{
	HS_FREE char *name = vw_member(node, "name", style);
	uint64_t flat = wr_get_u64(node, "flat");
	uint64_t held = wr_get_u64(node, "held");
	bool about = json_is_true(json_object_get(node, "approximate"));

	hs_text_addf(out, "%*s%s size=%" PRIu64 " flat=%s%" PRIu64,
		     (int)(4 * depth), "", name, wr_get_u64(node, "size"),
		     about ? "~" : "", flat);
	if (json_object_get(node, "held") && held != flat)
		hs_text_addf(out, " held=%" PRIu64, held);
	hs_text_addc(out, '\n');
}

static void print_forest(struct hs_text *out, const json_t *roots,
			 const struct vw_style *style)
{
	HS_VEC(struct level) stack = { 0 };
	struct level *top, down;
	const json_t *node;

	down = (struct level){ .nodes = roots };
	hs_vec_push(&stack, down);
	while (stack.n) {
		top = &stack.v[stack.n - 1];
		node = json_array_get(top->nodes, top->next++);
		if (!node) {
			if (top->more)
				hs_text_addf(out, "%*s<%" PRIu64 " more>\n",
					     (int)(4 * (stack.n - 1)), "",
					     top->more);
			stack.n--;
			continue;
		}
		print_node(out, node, stack.n - 1, style);
		down = (struct level){
			.nodes = json_object_get(node, "refs"),
			.more = wr_get_u64(node, "more"),
		};
		if (json_array_size(down.nodes) || down.more)
			hs_vec_push(&stack, down);
	}
	hs_vec_deinit(&stack);
}

void vw_sized(struct hs_text *out, const json_t *doc,
	      const struct vw_style *style)
{
	const json_t *items = json_object_get(doc, "items");
	json_t *one;

	if (json_is_array(items)) {
		print_forest(out, items, style);
		return;
	}
	one = json_array();
	json_array_append(one, (json_t *)doc);
	print_forest(out, one, style);
	json_decref(one);
}
