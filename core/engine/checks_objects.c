// SPDX-License-Identifier: Apache-2.0
// What plugin-check looks at: single objects, names and interfaces.
#include "check.h"

#include <stdlib.h>

#include "text.h"

enum {
	SHOWN = 32,		/* names, threads, frames that are looked at */
	NAME_MAX_BYTES = 256,
	RENDER_MAX = 300,
	GARBAGE_ASKED = 20000,	/* addresses of nothing in particular */
};

static const char *type_name(const struct en_check *c, uint32_t i)
{
	return md_type(c->model, c->sample[i].type)->name;
}

void en_check_at(struct en_check *c)
{
	static const uint64_t odd[] = { 0, 1, 7, 8, UINT64_MAX, UINT64_MAX - 7,
					INT64_MAX, UINT64_C(1) << 47, 4096 };
	struct md_object o;
	uint32_t i, n = 0;

	if (!c->n_sample)
		en_wrong(c, "neither roots nor ranges have an object");
	for (i = 0; i < HS_ARRAY_SIZE(odd); i++)
		if (md_object_at(c->model, odd[i], &o))
			en_wrong(c, "it sees an object at 0x%llx",
				 (unsigned long long)odd[i]);
	for (i = 0; i < GARBAGE_ASKED && c->n_sample; i++)
		n += md_object_at(c->model, c->sample[i % c->n_sample].address +
				  en_random(c, 4096) * (1 + i % 8), &o);
	for (i = 0; i < c->n_sample; i++)
		if (!md_object_at(c->model, c->sample[i].address, &o))
			en_wrong(c, "the object at 0x%llx is not there when "
				 "asked for again",
				 (unsigned long long)c->sample[i].address);
	en_fine(c, "%u objects asked for singly; of %d addresses near them %u "
		"are objects", c->n_sample, GARBAGE_ASKED, n);
}

struct rooted {
	struct en_check *c;
	uint64_t n, dead, unnamed;
};

static void count_root(void *arg, const struct heapsh_root *root)
{
	struct rooted *r = arg;
	struct md_object o;

	r->n++;
	r->unnamed += !root->name.n && !(root->flags & HEAPSH_ROOT_FOUND);
	if (r->n <= EN_SAMPLE)
		r->dead += !md_object_at(r->c->model, root->target, &o);
}

void en_check_roots(struct en_check *c)
{
	struct rooted r = { .c = c };

	md_roots(c->model, count_root, &r);
	if (!r.n)
		en_wrong(c, "there is no root: nothing is reachable");
	if (r.unnamed)
		en_wrong(c, "%llu roots have no name",
			 (unsigned long long)r.unnamed);
	if (r.dead * 2 > (r.n < EN_SAMPLE ? r.n : EN_SAMPLE))
		en_wrong(c, "%llu of %llu roots lead to no object",
			 (unsigned long long)r.dead, (unsigned long long)r.n);
	en_fine(c, "%llu roots, %llu of which lead to no object",
		(unsigned long long)r.n, (unsigned long long)r.dead);
}

static void check_edge(struct en_check *c, uint64_t of,
		       const struct md_edge *edges, size_t n, size_t i,
		       uint64_t *dead)
{
	const struct heapsh_edge *e = &edges[i].e;
	struct md_object o;
	bool there = md_object_at(c->model, e->target, &o);

	*dead += !there;
	if ((e->label == HEAPSH_LABEL_NAME || e->label == HEAPSH_LABEL_FIELD) &&
	    !e->text)
		en_wrong(c, "a reference labelled NAME or FIELD has no text");
	if (e->flags & HEAPSH_EDGE_KEY && i + 1 == n)
		en_wrong(c, "a key (of 0x%llx) is the last reference: its "
			 "value is missing", (unsigned long long)of);
	if (there && e->flags & HEAPSH_EDGE_TABLE &&
	    !(o.type->flags & HEAPSH_TYPE_TABLE))
		en_wrong(c, "a HEAPSH_EDGE_TABLE leads to a %s, which is no "
			 "HEAPSH_TYPE_TABLE", o.type->name);
}

void en_check_edges(struct en_check *c)
{
	uint64_t total = 0, dead = 0;
	struct md_edge *edges;
	uint32_t i;
	size_t n, k;

	for (i = 0; i < c->n_sample; i++) {
		struct hs_err *err = md_edges(c->model, c->sample[i].address,
					      &edges, &n);

		if (err) {
			hs_err_free(err);
			continue;
		}
		for (k = 0; k < n && k < EN_SAMPLE; k++)
			check_edge(c, c->sample[i].address, edges, n, k,
				   &dead);
		if (n && md_type(c->model, c->sample[i].type)->flags &
				HEAPSH_TYPE_LEAF)
			en_wrong(c, "a %s has references, and is a "
				 "HEAPSH_TYPE_LEAF", type_name(c, i));
		total += k;
		free(edges);
	}
	if (total > 16 && dead * 2 > total)
		en_wrong(c, "%llu of %llu references lead to no object",
			 (unsigned long long)dead, (unsigned long long)total);
	en_fine(c, "%llu references of %u objects, %llu of which lead to none",
		(unsigned long long)total, c->n_sample,
		(unsigned long long)dead);
}

/** The text of one object, into room for cap bytes. Its length. */
static uint64_t render(struct en_check *c, void *state, uint64_t addr,
		       uint32_t style, uint64_t cap)
{
	char buf[RENDER_MAX + 8];
	uint64_t len, k;

	memset(buf, '\x5a', sizeof(buf));
	len = c->claim.plugin->render(state, addr, style, buf, cap);
	for (k = cap; k < sizeof(buf); k++)
		if (buf[k] != '\x5a')
			en_wrong(c, "it writes behind the %llu bytes that it "
				 "was given", (unsigned long long)cap);
	return len;
}

static void check_render_one(struct en_check *c, void *state, uint64_t addr,
			     uint32_t style)
{
	static const uint64_t caps[] = { 0, 1, 8 };
	uint64_t whole = render(c, state, addr, style, RENDER_MAX), len;
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(caps); i++) {
		len = render(c, state, addr, style, caps[i]);
		if (whole <= caps[i] ? len != whole : len <= caps[i])
			en_wrong(c, "the text of 0x%llx has %llu bytes, and "
				 "where %llu fit, %llu",
				 (unsigned long long)addr,
				 (unsigned long long)whole,
				 (unsigned long long)caps[i],
				 (unsigned long long)len);
	}
}

void en_check_render(struct en_check *c)
{
	void *state = NULL;
	uint32_t i, style;

	if (!c->claim.plugin->render) {
		en_absent(c, "objects have no text");
		return;
	}
	md_interface(c->model, "", &state);
	for (i = 0; i < c->n_sample; i++)
		for (style = HEAPSH_RENDER_REPR; style <= HEAPSH_RENDER_TEXT;
		     style++)
			check_render_one(c, state, c->sample[i].address, style);
	en_fine(c, "%u objects, in each style and to different lengths",
		c->n_sample);
}

/* --- names --------------------------------------------------------------- */

struct named {
	struct en_check *c;
	uint64_t of;		/* object, or 0: bare names */
	uint32_t n, n_attrs, n_missing;
};

static int check_name(void *arg, struct heapsh_text name, uint64_t target)
{
	struct named *k = arg;
	char copy[NAME_MAX_BYTES];
	uint64_t found;

	if (name.n > sizeof(copy))
		return 1;
	// The text may not outlive the next question.
	memcpy(copy, name.s, name.n);
	found = k->of ? md_attr(k->c->model, k->of, copy, name.n) :
			md_lookup(k->c->model, copy, name.n);
	// It may be another: where two namespaces have the name, one wins.
	if (target && !found && !k->of)
		en_wrong(k->c, "names() offers '%.*s', and there is none",
			 (int)name.n, copy);
	// An attribute may be one that the program makes when asked.
	k->n_attrs += k->of != 0;
	k->n_missing += k->of && target && !found;
	return ++k->n < SHOWN;
}

void en_check_names(struct en_check *c)
{
	struct named k = { .c = c };
	uint32_t i, bare;

	md_names(c->model, 0, "", 0, check_name, &k);
	bare = k.n;
	for (i = 0; i < c->n_sample && i < SHOWN; i++) {
		k.of = c->sample[i].address;
		k.n = 0;
		md_names(c->model, k.of, "", 0, check_name, &k);
		if (md_attr(c->model, k.of, "\xff no such name", 14) ||
		    md_lookup(c->model, "\xff no such name", 14))
			en_wrong(c, "there is an object with a name of "
				 "nonsense");
	}
	if (k.n_missing > k.n_attrs / 2)
		en_wrong(c, "of %u attributes that names() offers, attr() does "
			 "not find %u", k.n_attrs, k.n_missing);
	en_fine(c, "%u bare names and %u of %u attributes are found again%s",
		bare, k.n_attrs - k.n_missing, k.n_attrs,
		c->claim.plugin->lookup ? "" : " (by the host)");
}

/** x[3] is what the reference labelled [3] leads to. */
void en_check_items(struct en_check *c)
{
	struct heapsh_key key = { .kind = HEAPSH_KEY_INT };
	struct md_edge *edges;
	uint32_t i, n_items = 0;
	size_t n, k;

	for (i = 0; i < c->n_sample; i++) {
		struct hs_err *err = md_edges(c->model, c->sample[i].address,
					      &edges, &n);

		if (err) {
			hs_err_free(err);
			continue;
		}
		for (k = 0; k < n && k < SHOWN; k++) {
			if (edges[k].e.label != HEAPSH_LABEL_INDEX)
				continue;
			key.i = (int64_t)edges[k].e.a;
			n_items++;
			if (md_item(c->model, c->sample[i].address, &key) !=
			    edges[k].e.target)
				en_wrong(c, "[%lld] of the %s at 0x%llx is "
					 "another object or none",
					 (long long)key.i,
					 type_name(c, i),
					 (unsigned long long)
						 c->sample[i].address);
		}
		free(edges);
	}
	en_fine(c, "%u references by index are what item() answers", n_items);
}

void en_check_measure(struct en_check *c)
{
	struct heapsh_measure m;
	uint32_t i, n = 0;

	for (i = 0; i < c->n_sample; i++)
		n += md_measure(c->model, c->sample[i].address, &m);
	en_fine(c, "%u of %u objects have measures%s", n, c->n_sample,
		c->claim.plugin->measure ? "" : " (by the host)");
}

/* --- interfaces ---------------------------------------------------------- */

void en_check_interfaces(struct en_check *c)
{
	struct heapsh_thread thread;
	struct heapsh_frame frame;
	struct heapsh_variable v;
	uint32_t t, f, i, frames = 0, variables = 0;
	void *state;

	if (!md_interface(c->model, HEAPSH_THREADS_0, &state)) {
		en_absent(c, "threads are not known of this runtime");
		return;
	}
	for (t = 0; t < SHOWN && md_thread(c->model, t, &thread); t++) {
		for (f = 0; f < SHOWN && md_frame(c->model, t, f, &frame); f++)
			for (i = 0; i < SHOWN &&
			     md_variable(c->model, t, f, i, &v); i++)
				variables++;
		frames += f;
	}
	en_fine(c, "%u threads, %u frames, %u variables", t, frames, variables);
}

void en_check_content(struct en_check *c)
{
	uint32_t i, n = 0;
	uint64_t hash;
	void *state;

	if (!md_interface(c->model, HEAPSH_CONTENT_0, &state)) {
		en_absent(c, "objects are told apart by address alone");
		return;
	}
	for (i = 0; i < c->n_sample; i++) {
		hash = md_content_hash(c->model, c->sample[i].address);
		n += hash != 0;
		if (hash != md_content_hash(c->model, c->sample[i].address))
			en_wrong(c, "an object has two hashes");
	}
	en_fine(c, "%u of %u objects have a hash", n, c->n_sample);
}

void en_check_close(struct en_check *c)
{
	md_close(c->model);
	c->model = NULL;
	en_fine(c, "it closes");
}
