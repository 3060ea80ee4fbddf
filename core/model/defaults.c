// SPDX-License-Identifier: Apache-2.0
/**
 * Questions about one object that the plugin left to the host (NULL members of
 * struct heapsh_plugin): answered by the labels of the object's references, as
 * plugin.h says. Each costs a look at all of them.
 */
#include "model_priv.h"

#include <inttypes.h>

enum {
	KEY_MAX = 4096,		/* bytes of a name or key that is compared */
	NAMESPACES_MAX = 64,
};

/** Edges of one object; v is NULL when there is none. */
struct edges {
	struct md_edge *v;
	size_t n;
};

static void edges_deinit(struct edges *e)
{
	free(e->v);
}

#define EDGES HS_CLEANUP(edges_deinit) struct edges

static void get_edges(struct md_model *m, uint64_t addr, struct edges *ret)
{
	struct hs_err *err = md_edges(m, addr, &ret->v, &ret->n);

	// Not an object, or interrupted: then there is no answer.
	hs_err_free(err);
}

/**
 * The text of an object as the plugin has it: its bytes in buf (KEY_MAX) and
 * their number, or -1 when it has none or a longer one.
 */
static int raw_text(struct md_model *m, uint64_t addr, uint32_t style,
		    char *buf)
{
	uint64_t n = md_raw(m, addr, style, buf, KEY_MAX);

	return n && n <= KEY_MAX ? (int)n : -1;
}

static bool has_type_flag(struct md_model *m, uint64_t addr, uint32_t flag)
{
	struct md_object o;

	return md_object_at(m, addr, &o) && o.type->flags & flag;
}

static bool is_text(struct md_model *m, uint64_t addr, struct heapsh_text t)
{
	char buf[KEY_MAX];
	int n = raw_text(m, addr, HEAPSH_RENDER_TEXT, buf);

	if (n < 0)
		return !t.n && has_type_flag(m, addr, HEAPSH_TYPE_TEXT);
	return (uint64_t)n == t.n && !memcmp(buf, t.s, t.n);
}

/** A number is one that prints itself like it. */
static bool is_int(struct md_model *m, uint64_t addr, int64_t i)
{
	char buf[KEY_MAX], want[24];
	int n = raw_text(m, addr, HEAPSH_RENDER_REPR, buf);
	int len = snprintf(want, sizeof(want), "%" PRId64, i);

	return n == len && !memcmp(buf, want, (size_t)len) &&
	       !has_type_flag(m, addr, HEAPSH_TYPE_TEXT);
}

static bool is_key(struct md_model *m, const struct heapsh_edge *e,
		   const struct heapsh_key *key)
{
	if (e->label == HEAPSH_LABEL_INDEX)
		return key->kind == HEAPSH_KEY_INT && key->i >= 0 &&
		       (uint64_t)key->i == e->a;
	if (e->label != HEAPSH_LABEL_VALUE)
		return false;
	switch ((enum heapsh_key_kind)key->kind) {
	case HEAPSH_KEY_INT:
		return is_int(m, e->a, key->i);
	case HEAPSH_KEY_STR:
		return is_text(m, e->a, key->text);
	case HEAPSH_KEY_OBJECT:
		return e->a == (uint64_t)key->i;
	case HEAPSH_KEY_BYTES:
	case HEAPSH_KEY_FLOAT:
	case HEAPSH_KEY_BOOL:
	case HEAPSH_KEY_NONE:
	case HEAPSH_KEY_TUPLE:
	default:
		return false;	// not known of this runtime
	}
}

uint64_t md_default_item(struct md_model *m, uint64_t addr,
			 const struct heapsh_key *key)
{
	EDGES edges = { 0 };
	size_t i;

	get_edges(m, addr, &edges);
	for (i = 0; i < edges.n; i++) {
		if (is_key(m, &edges.v[i].e, key))
			return edges.v[i].e.target;
	}
	return 0;
}

static bool is_attr(struct md_model *m, const struct heapsh_edge *e,
		    struct heapsh_text name)
{
	if (e->label == HEAPSH_LABEL_ATTR)
		return is_text(m, e->a, name);
	return e->label == HEAPSH_LABEL_NAME && e->text &&
	       strlen(e->text) == name.n && !memcmp(e->text, name.s, name.n);
}

uint64_t md_default_attr(struct md_model *m, uint64_t addr,
			 struct heapsh_text name)
{
	const struct heapsh_key key = { .kind = HEAPSH_KEY_STR, .text = name };
	EDGES edges = { 0 };
	uint64_t ret = 0;
	size_t i;

	get_edges(m, addr, &edges);
	for (i = 0; i < edges.n; i++) {
		if (is_attr(m, &edges.v[i].e, name))
			return edges.v[i].e.target;
	}
	for (i = 0; i < edges.n && !ret; i++) {
		if (edges.v[i].e.flags & HEAPSH_EDGE_TABLE)
			ret = md_default_item(m, edges.v[i].e.target, &key);
	}
	if (!ret && has_type_flag(m, addr, HEAPSH_TYPE_TABLE))
		ret = md_default_item(m, addr, &key);
	return ret;
}

/* --- bare names ---------------------------------------------------------- */

/** What the roots have for who looks for a name. */
struct namespaces {
	struct heapsh_text name;	/* that is looked for */
	uint64_t found;			/* a root of just that name */
	uint64_t table[NAMESPACES_MAX];
	uint32_t n;
};

static void take_root(void *arg, const struct heapsh_root *root)
{
	struct namespaces *ns = arg;

	if (root->flags & HEAPSH_ROOT_NAMESPACE && ns->n < NAMESPACES_MAX)
		ns->table[ns->n++] = root->target;
	if (!ns->found && !(root->flags & HEAPSH_ROOT_FOUND) && ns->name.n &&
	    root->name.n == ns->name.n &&
	    !memcmp(root->name.s, ns->name.s, ns->name.n))
		ns->found = root->target;
}

uint64_t md_default_lookup(struct md_model *m, struct heapsh_text name)
{
	const struct heapsh_key key = { .kind = HEAPSH_KEY_STR, .text = name };
	struct namespaces ns = { .name = name };
	uint64_t ret = 0;
	uint32_t i;

	md_roots(m, take_root, &ns);
	for (i = 0; i < ns.n && !ret; i++)
		ret = md_default_item(m, ns.table[i], &key);
	return ret ? ret : ns.found;
}

struct naming {
	struct md_model *m;
	struct heapsh_text prefix;
	heapsh_name_fn *fn;
	void *arg;
	bool stop;
};

static void offer(struct naming *w, const char *s, uint64_t n, uint64_t target)
{
	if (n < w->prefix.n || memcmp(s, w->prefix.s, w->prefix.n))
		return;
	w->stop = !w->fn(w->arg, (struct heapsh_text){ s, n }, target);
}

static void offer_object(struct naming *w, uint64_t name, uint64_t target)
{
	char buf[KEY_MAX];
	int n = raw_text(w->m, name, HEAPSH_RENDER_TEXT, buf);

	if (n > 0)
		offer(w, buf, (uint64_t)n, target);
}

/** Names among the labels; keys: those of a table, too. */
static void offer_edges(struct naming *w, uint64_t addr, bool keys)
{
	EDGES edges = { 0 };
	size_t i;

	get_edges(w->m, addr, &edges);
	for (i = 0; i < edges.n && !w->stop; i++) {
		const struct heapsh_edge *e = &edges.v[i].e;

		if (e->label == HEAPSH_LABEL_ATTR ||
		    (keys && e->label == HEAPSH_LABEL_VALUE))
			offer_object(w, e->a, e->target);
		else if (e->label == HEAPSH_LABEL_NAME && e->text)
			offer(w, e->text, strlen(e->text), e->target);
		else if (!keys && e->flags & HEAPSH_EDGE_TABLE)
			offer_edges(w, e->target, true);	// once deep
	}
}

void md_default_names(struct md_model *m, uint64_t addr,
		      struct heapsh_text prefix, heapsh_name_fn *fn, void *arg)
{
	struct naming w = { m, prefix, fn, arg, false };
	struct namespaces ns = { 0 };
	uint32_t i;

	if (addr) {
		offer_edges(&w, addr, has_type_flag(m, addr,
						    HEAPSH_TYPE_TABLE));
		return;
	}
	md_roots(m, take_root, &ns);
	for (i = 0; i < ns.n && !w.stop; i++)
		offer_edges(&w, ns.table[i], true);
}

bool md_default_measure(struct md_model *m, uint64_t addr,
			struct heapsh_measure *ret)
{
	struct md_object o;

	if (!md_object_at(m, addr, &o))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	ret->basic_size = o.type->pre_size + o.type->basic_size;
	ret->item_size = o.type->item_size;
	if (o.type->item_size && o.o.flat >= ret->basic_size) {
		ret->length = (o.o.flat - ret->basic_size) / ret->item_size;
		ret->has_length = 1;
		ret->exact_length = ret->length;
		ret->has_exact_length = 1;
	}
	return true;
}
