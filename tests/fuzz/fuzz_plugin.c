// SPDX-License-Identifier: Apache-2.0
// Answers of a plugin that lies (tests/lib/lying.h), on their way through the
// guard, the belief, the sweep and the graph. What comes out keeps the rules of
// model.h and graph.h; of a plugin that tells the truth, it is the truth.
#include "graph.h"
#include "model_priv.h"

#include "fakeimage.h"
/* Each builds a graph. */
#define FUZZ_ROUNDS_OF_ALL 8000
#include "fuzz.h"
#include "lying.h"

enum { COLUMNS = 40, LISTED = 8, ASKED = 6 };

static struct im_image *image;
static uint64_t sum;	/* so that nothing is left out */

static void need(bool holds)
{
	if (!holds)
		abort();
}

static void __attribute__((__constructor__)) make_image(void)
{
	static struct fakeimage f;
	static const uint8_t bytes[LYING_SLOTS * LYING_SLOT_BYTES];

	fakeimage_put(&f, LYING_HEAP, bytes, sizeof(bytes));
	image = fakeimage_open(&f);
}

/* --- what comes out keeps the rules -------------------------------------- */

/* Nothing that a terminal would obey: no C0, DEL or C1. */
static void need_clean(const char *s)
{
	need(s != NULL);
	for (; *s; s++) {
		need((uint8_t)*s >= ' ' && *s != 0x7f);
		need((uint8_t)*s != 0xc2 || (uint8_t)s[1] >= 0xa0);
	}
}

static void need_clean_taken(char *s)
{
	need_clean(s);
	free(s);
}

static void drop(struct hs_err *err)
{
	if (err)
		need_clean(err->message);
	hs_err_free(err);
}

static void check_types(struct md_model *m)
{
	for (uint32_t i = 0; i < md_n_types(m); i++) {
		const struct md_type *t = md_type(m, i);

		need_clean(t->name);
		need(t->flags < 0x200 && t->basic_size <= MD_SIZE_MAX &&
		     t->item_size <= MD_SIZE_MAX && t->pre_size <= MD_SIZE_MAX);
	}
	need_clean(md_type(m, UINT32_MAX)->name);
}

static void check_node(struct gr_graph *g, uint32_t id)
{
	uint32_t owner = gr_owner(g, id), n_types = md_n_types(gr_model(g));

	need(gr_id(g, gr_addr(g, id)) == id && !(gr_addr(g, id) & 7));
	need(!id || gr_addr(g, id - 1) < gr_addr(g, id));
	need(gr_type(g, id) < n_types);
	need(gr_owner_type(g, id) == GR_NONE || gr_owner_type(g, id) < n_types);
	need(owner == GR_NONE || owner < gr_n(g));
	need(gr_flat(g, id) <= MD_SIZE_MAX && gr_held(g, id) <= MD_SIZE_MAX &&
	     gr_flags(g, id) < 16);
	need_clean_taken(md_kind_name(gr_model(g), gr_type(g, id),
				      gr_owner_type(g, id)));
}

/* Each edge is seen from both of its ends. */
static void check_rows(struct gr_graph *g)
{
	uint64_t out = 0, in = 0;
	const uint32_t *v;

	for (uint32_t id = 0; id < gr_n(g); id++) {
		size_t n = gr_out(g, id, &v);

		for (size_t i = 0; i < n; i++)
			need((v[i] & GR_ID) < gr_n(g));
		out += n;
		n = gr_in(g, id, &v);
		for (size_t i = 0; i < n; i++)
			need(v[i] < gr_n(g) && (!i || v[i - 1] <= v[i]));
		in += n;
	}
	need(out == in);
}

static void check_dominators(struct gr_graph *g)
{
	for (uint32_t id = 0; id < gr_n(g); id++) {
		uint32_t d = gr_dominator(g, id);

		need(d == GR_NONE || d == GR_ROOTS || (d < gr_n(g) && d != id));
		need(d == GR_NONE || gr_retained(g, id) >= gr_held(g, id));
		// The tree ends: no node is above itself.
		for (uint32_t steps = 0; d < GR_ROOTS; steps++) {
			need(steps < gr_n(g));
			d = gr_dominator(g, d);
		}
	}
}

static struct hs_err *need_all(struct gr_graph *g, struct hs_task *task)
{
	const uint32_t *depth;
	struct hs_err *err = gr_need_rows(g, task);

	if (!err)
		err = gr_need_reach(g, task);
	if (!err)
		err = gr_need_dominators(g, task);
	return err ? err : gr_need_depth(g, task, &depth);
}

typedef struct hs_err *set_fn(struct gr_graph *g, struct hs_task *task,
			      struct gr_set **ret);

static void check_sets(struct gr_graph *g, struct hs_task *task)
{
	static set_fn *const fns[] = { gr_set_reachable, gr_set_orphans,
				       gr_set_unreachable,
				       gr_set_unreferenced };

	for (size_t i = 0; i < HS_ARRAY_SIZE(fns); i++) {
		struct gr_set *s;
		struct hs_err *err = fns[i](g, task, &s);

		if (!err) {
			need(gr_set_count(s) <= gr_n(g));
			sum += gr_set_flat(s);
			gr_set_unref(s);
		}
		drop(err);
	}
}

static void check_roots(struct gr_graph *g)
{
	const struct gr_root *v;
	size_t n = gr_roots(g, &v);

	for (size_t i = 0; i < n; i++)
		need(v[i].id < gr_n(g) && v[i].name);
}

/* --- the truth, found another way ---------------------------------------- */

static void add_true(bool *has, uint32_t slot, bool *more)
{
	struct lying_object t;

	lying_truth(slot, &t);
	if (t.there && !has[slot])
		has[slot] = *more = true;
}

/* All in the ranges, and what roots and strong references lead to. */
static void true_objects(bool has[LYING_SLOTS])
{
	struct lying_object t;
	bool more = false;
	uint32_t i, k;

	for (i = 0; i < LYING_SWEPT; i++)
		add_true(has, i, &more);
	for (i = 0; i < LYING_ROOTS; i++) {
		if (lying_root(i) != UINT32_MAX)
			add_true(has, lying_root(i), &more);
	}
	while (more) {
		more = false;
		for (i = 0; i < LYING_SLOTS; i++) {
			lying_truth(i, &t);
			for (k = 0; has[i] && k < t.n_edges; k++) {
				if (!t.edges[k].weak)
					add_true(has, t.edges[k].slot, &more);
			}
		}
	}
}

static void compare_with_truth(struct gr_graph *g)
{
	bool has[LYING_SLOTS] = { false };
	struct lying_object t;
	uint32_t n = 0, i, id;

	true_objects(has);
	for (i = 0; i < LYING_SLOTS; i++) {
		lying_truth(i, &t);
		id = gr_id(g, t.address);
		need((id != GR_NONE) == has[i]);
		need(!has[i] || gr_flat(g, id) == t.size);
		n += has[i];
	}
	need(n == gr_n(g));
}

/* --- questions ----------------------------------------------------------- */

static int on_name(void *arg, struct heapsh_text name, uint64_t target)
{
	uint32_t *left = arg;

	need(name.s != NULL && name.n <= MD_NAME_MAX);
	for (uint64_t i = 0; i < name.n; i++)
		sum += (uint8_t)name.s[i];
	sum += target;
	return --*left > 0;
}

static void need_text(struct heapsh_text t)
{
	need(t.s != NULL);
	for (uint64_t i = 0; i < t.n; i++)
		sum += (uint8_t)t.s[i];
}

static void ask_edges(struct md_model *m, uint64_t addr)
{
	struct md_edge *v, one;
	struct hs_err *err;
	size_t n, i;

	err = md_edges(m, addr, &v, &n);
	for (i = 0; !err && i < n && i < LISTED; i++) {
		need(v[i].e.label <= HEAPSH_LABEL_PART && v[i].e.flags < 16);
		need_clean_taken(md_label(m, &v[i].e));
		sum += md_edge_to(m, addr, v[i].e.target, (uint32_t)i, &one);
	}
	if (!err)
		free(v);
	drop(err);
}

static void ask_texts(struct md_model *m, uint64_t addr)
{
	char *s;

	for (uint32_t style = 0; style < 4; style++) {
		s = md_render(m, addr, style, COLUMNS);
		need(hs_text_width(s, strlen(s)) <= COLUMNS);
		need_clean_taken(s);
	}
}

/* Has room for a megabyte each time: of one object. */
static void ask_its_code(struct md_model *m, uint64_t addr)
{
	uint64_t flat = 0;
	char *s = NULL;

	drop(md_ask_text(m, addr, HEAPSH_ASK_STR, COLUMNS, &s));
	if (s)
		need_clean_taken(s);
	drop(md_ask_flat(m, addr, &flat));
}

static void ask_numbers(struct md_model *m, uint64_t addr)
{
	struct heapsh_key key = { .kind = HEAPSH_KEY_INT, .i = 2 }, scalar;
	struct heapsh_measure measure;
	struct heapsh_usage usage;
	struct heapsh_site site;
	uint32_t left = LISTED;

	sum += md_item(m, addr, &key) + md_attr(m, addr, "name", 4);
	if (md_scalar(m, addr, &key, &scalar))
		need(scalar.kind <= HEAPSH_KEY_BOOL);
	sum += md_measure(m, addr, &measure) + md_usage(m, addr, &usage);
	sum += md_content_hash(m, addr) + md_collector_flags(m, addr);
	md_names(m, addr, "n", 1, on_name, &left);
	left = LISTED;
	md_each_base(m, addr, on_name, &left);
	sum += md_type_may_have(m, md_type_by_address(m, addr), "name", 4);
	for (uint32_t i = 0; i < LISTED && md_site(m, addr, i, &site); i++)
		need_text(site.file);
}

static void ask_object(struct md_model *m, uint64_t addr)
{
	struct md_object o;

	if (md_object_at(m, addr, &o))
		need(o.o.address == addr && o.o.flags < 16 && o.type->name);
	ask_edges(m, addr);
	ask_texts(m, addr);
	ask_numbers(m, addr);
}

static void ask_frames(struct md_model *m, uint32_t thread)
{
	struct heapsh_variable v;
	struct heapsh_frame f;

	for (uint32_t i = 0; i < LISTED && md_frame(m, thread, i, &f); i++) {
		need_text(f.function);
		need_text(f.file);
		for (uint32_t k = 0; k < 4 && md_variable(m, thread, i, k, &v);
		     k++) {
			need_text(v.name);
			need_text(v.value);
			need(v.kind == HEAPSH_LABEL_LOCAL ||
			     v.kind == HEAPSH_LABEL_STACK);
		}
	}
}

static void ask_all(struct md_model *m)
{
	const char *const *diags;
	struct heapsh_thread t;
	uint32_t left = LISTED;

	for (uint32_t i = 0; i < LISTED && md_thread(m, i, &t); i++) {
		need_text(t.name);
		ask_frames(m, i);
	}
	md_each_module(m, on_name, &left);
	left = LISTED;
	md_names(m, 0, "", 0, on_name, &left);
	sum += md_lookup(m, "root", 4) + md_lookup(m, "", 0);
	for (uint64_t i = 0; i < ASKED; i++)
		ask_object(m, LYING_HEAP + i * 42 * LYING_SLOT_BYTES);
	ask_object(m, 0);
	ask_object(m, UINT64_MAX);
	ask_its_code(m, LYING_HEAP);
	check_types(m);
	for (size_t i = md_diags(m, &diags); i-- > 0;)
		need_clean(diags[i]);
}

/* --- one input ----------------------------------------------------------- */

static void build(struct md_model *m)
{
	struct gr_graph *g;
	struct hs_task task;
	struct hs_err *err;

	hs_task_init(&task, NULL, NULL);
	err = gr_build(m, &task, 1, &g);
	if (err) {
		need(lying_n_lies() != 0);
		drop(err);
		return;
	}
	err = need_all(g, &task);
	for (uint32_t id = 0; id < gr_n(g); id++)
		check_node(g, id);
	check_roots(g);
	if (!err) {
		check_rows(g);
		check_dominators(g);
		check_sets(g, &task);
	}
	if (!lying_n_lies())
		compare_with_truth(g);
	need(err == NULL || lying_n_lies());
	drop(err);
	gr_destroy(g);
}

static void understand(struct md_host *host, const struct md_claim *claim)
{
	struct heapsh_settle settle;
	struct md_model *m;
	struct hs_err *err;

	md_settle(host, claim, image, &settle);
	need_clean(settle.why);
	err = md_open(host, claim, image, NULL, &m);
	if (err) {
		need(lying_n_lies() != 0);
		drop(err);
		return;
	}
	need_clean(md_status(m)->layout);
	err = md_believe(m, true);
	need(err == NULL || lying_n_lies());
	drop(err);
	build(m);
	ask_all(m);
	md_close(m);
}

static void fuzz_one(const uint8_t *bytes, size_t n)
{
	struct md_loaded *own = hs_xalloc(sizeof(*own));
	const struct md_plugin_info *info;
	struct md_claim claim;
	struct md_host *host;
	struct hs_err *err;
	char name[] = "lying";

	need(!md_host_create(NULL, 0, NULL, 0, NULL, 0, &host));
	own->host = host;
	own->name = name;
	own->path = own->version = "";
	lying_host(&md_services);
	own->plugin = lying_plugin(bytes, n);
	hs_vec_push(&host->loaded, own);
	err = md_probe(host, image, &claim);
	if (!err)
		understand(host, &claim);
	need(err == NULL || lying_n_lies());
	drop(err);
	need(md_plugins(host, &info) == 1);
	if (info->fault) {
		need(lying_n_lies() != 0);
		need_clean(info->fault);
	}
	need_clean(info->claim);
	md_host_destroy(host);
}

/* A truth of many kinds of objects; then lies about them. */
#define TRUTH \
	"\x21\x40\x13\x92\x07\x63\xb5\x08\xef\x31\x44\x99\x6d\x02\x1b\xf3" \
	"\x85\x5e\x27\xa9\x10\xcb\x71\x3c\xd6\x48\x8f\x15\xea\x57\x03\xbd"

static const char truth[] = "\0" TRUTH;
static const char address[] = "\3\x00\x10\xff\x07\x20\x01\x80\x05\x60" TRUTH;
static const char kinds[] = "\4\x01\x08\x51\x81\x09\x02\x02\x04\x55\x03\x06\x5f"
	TRUTH;
static const char edges[] = "\5\x0a\x08\x5d\x0b\x04\x55\x0c\x06\x55\x0f\x0a\x03"
	"\x10\x0c\x01" TRUTH;
static const char ranges[] = "\3\x11\x01\x40\x12\x01\x54\x14\x00\x47" TRUTH;
static const char types[] = "\4\x19\x01\x03\x1a\x02\x55\x1b\x00\x90\x1f\x00\x00"
	TRUTH;
static const char asked[] = "\5\x25\x03\x02\x26\x05\x55\x2c\x08\xff\x2e\xff\x00"
	"\x35\x04\x41" TRUTH;

#define SEED(s) { s, sizeof(s) - 1 }
static const struct fuzz_seed seeds[] = {
	SEED(truth), SEED(address), SEED(kinds), SEED(edges), SEED(ranges),
	SEED(types), SEED(asked),
};
FUZZ_MAIN(seeds, HS_ARRAY_SIZE(seeds))
