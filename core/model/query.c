// SPDX-License-Identifier: Apache-2.0
// Objects by name, attribute and key, as the runtime's users write them.
#include "model_priv.h"

enum { NAMES_MAX = 1 << 20 };	/* offered by one completion */

uint64_t md_lookup(struct md_model *m, const char *name, size_t n)
{
	uint64_t ret;
	struct md_call call;

	if (!m->plugin->lookup)
		return md_default_lookup(m, (struct heapsh_text){ name, n });
	if (!md_enter(m->own, MD_LOOKUP, m->image, &call))
		return 0;
	ret = m->plugin->lookup(m->state, (struct heapsh_text){ name, n });
	md_leave(&call);
	return ret;
}

void md_attrs(struct md_model *m, const uint64_t *addr, uint32_t n_addr,
	      const char *name, size_t n, uint64_t *ret)
{
	const struct heapsh_text text = { name, n };
	struct md_call call;
	uint32_t i;

	memset(ret, 0, n_addr * sizeof(*ret));
	if (!m->plugin->attr) {
		for (i = 0; i < n_addr; i++)
			ret[i] = md_default_attr(m, addr[i], text);
		return;
	}
	if (!md_enter(m->own, MD_ATTR, m->image, &call))
		return;
	for (i = 0; i < n_addr; i++)
		ret[i] = m->plugin->attr(m->state, addr[i], text);
	md_leave(&call);
}

uint64_t md_attr(struct md_model *m, uint64_t addr, const char *name, size_t n)
{
	uint64_t ret;

	md_attrs(m, &addr, 1, name, n, &ret);
	return ret;
}

static void ask_items(struct md_model *m, const uint64_t *addr, uint32_t n,
		      const struct heapsh_key *key, uint64_t *ret)
{
	struct md_call call;
	uint32_t i;

	if (!md_enter(m->own, MD_ITEM, m->image, &call))
		return;
	for (i = 0; i < n; i++)
		ret[i] = m->plugin->item(m->state, addr[i], key);
	md_leave(&call);
}

void md_items(struct md_model *m, const uint64_t *addr, uint32_t n,
	      const struct heapsh_key *key, uint64_t *ret)
{
	// Few in one call: each may look through millions of keys.
	enum { AT_ONCE = 8 };
	uint32_t i;

	memset(ret, 0, n * sizeof(*ret));
	for (i = 0; i < n && !m->plugin->item; i++)
		ret[i] = md_default_item(m, addr[i], key);
	for (; i < n; i += AT_ONCE)
		ask_items(m, addr + i, n - i < AT_ONCE ? n - i : AT_ONCE, key,
			  ret + i);
}

uint64_t md_item(struct md_model *m, uint64_t addr,
		 const struct heapsh_key *key)
{
	uint64_t ret;

	md_items(m, &addr, 1, key, &ret);
	return ret;
}

bool md_scalar(struct md_model *m, uint64_t addr, const struct heapsh_key *key,
	       struct heapsh_key *ret)
{
	struct heapsh_key out = { 0 };
	const struct heapsh_scalars *p;
	struct md_call call;
	void *state;
	int known;

	p = md_interface(m, HEAPSH_SCALARS_0, &state);
	if (!p || !HEAPSH_HAS(p, get) || !p->get ||
	    !md_enter(m->own, MD_ITEM, m->image, &call))
		return false;
	known = p->get(state, addr, key, &out);
	md_leave(&call);
	if (!known || (out.kind != HEAPSH_KEY_INT &&
		       out.kind != HEAPSH_KEY_FLOAT &&
		       out.kind != HEAPSH_KEY_BYTES &&
		       out.kind != HEAPSH_KEY_BOOL))
		return false;
	out.text = md_clamp(out.text, MD_NAME_MAX);
	*ret = out;
	return true;
}

struct name_guard {
	heapsh_name_fn *fn;
	void *arg;
	uint32_t left;
};

static int guard_name(void *arg, struct heapsh_text name, uint64_t target)
{
	struct name_guard *g = arg;

	// A plugin that does not stop when told is told again.
	if (!g->left)
		return 0;
	g->left--;
	if (!g->fn(g->arg, md_clamp(name, MD_NAME_MAX), target))
		g->left = 0;
	return g->left != 0;
}

void md_names(struct md_model *m, uint64_t addr, const char *prefix, size_t n,
	      heapsh_name_fn *fn, void *arg)
{
	struct name_guard g = { fn, arg, NAMES_MAX };
	struct md_call call;

	if (!m->plugin->names) {
		md_default_names(m, addr, (struct heapsh_text){ prefix, n },
				 guard_name, &g);
		return;
	}
	if (!md_enter(m->own, MD_NAMES, m->image, &call))
		return;
	m->plugin->names(m->state, addr, (struct heapsh_text){ prefix, n },
			 guard_name, &g);
	md_leave(&call);
}

bool md_measure(struct md_model *m, uint64_t addr, struct heapsh_measure *ret)
{
	struct heapsh_measure out = { .size = sizeof(out) };
	int known;
	struct md_call call;

	if (!m->plugin->measure)
		return md_default_measure(m, addr, ret);
	if (!md_enter(m->own, MD_MEASURE, m->image, &call))
		return false;
	known = m->plugin->measure(m->state, addr, &out);
	md_leave(&call);
	out.size = sizeof(out);
	if (known)
		*ret = out;
	return known != 0;
}

void md_each_module(struct md_model *m, heapsh_name_fn *fn, void *arg)
{
	struct name_guard g = { fn, arg, NAMES_MAX };
	const struct heapsh_modules *mods;
	void *state;
	struct md_call call;

	mods = md_interface(m, HEAPSH_MODULES_0, &state);
	if (!mods || !HEAPSH_HAS(mods, each) || !mods->each)
		return;
	if (!md_enter(m->own, MD_MODULES, m->image, &call))
		return;
	mods->each(state, guard_name, &g);
	md_leave(&call);
}

bool md_item_number(struct md_model *m, uint64_t addr,
		    const struct heapsh_key *key, int64_t *ret)
{
	const struct heapsh_computed *computed;
	void *state;
	struct md_call call;
	bool found;

	computed = md_interface(m, HEAPSH_COMPUTED_0, &state);
	if (!computed || !HEAPSH_HAS(computed, item) || !computed->item)
		return false;
	if (!md_enter(m->own, MD_ITEM, m->image, &call))
		return false;
	found = computed->item(state, addr, key, ret) != 0;
	md_leave(&call);
	return found;
}

uint64_t md_content_hash(struct md_model *m, uint64_t addr)
{
	const struct heapsh_content *content;
	void *state;
	uint64_t ret;
	struct md_call call;

	content = md_interface(m, HEAPSH_CONTENT_0, &state);
	if (!content || !HEAPSH_HAS(content, hash) || !content->hash)
		return 0;
	if (!md_enter(m->own, MD_CONTENT, m->image, &call))
		return 0;
	ret = content->hash(state, addr);
	md_leave(&call);
	return ret;
}

void md_each_base(struct md_model *m, uint64_t type, heapsh_name_fn *fn,
		  void *arg)
{
	struct name_guard g = { fn, arg, NAMES_MAX };
	const struct heapsh_types *types;
	struct md_call call;
	void *state;

	types = md_interface(m, HEAPSH_TYPES_0, &state);
	if (!types || !HEAPSH_HAS(types, each_base) || !types->each_base)
		return;
	if (!md_enter(m->own, MD_BASES, m->image, &call))
		return;
	types->each_base(state, type, guard_name, &g);
	md_leave(&call);
}

static int ask_type(const struct heapsh_types *types, void *state,
		    uint64_t type, struct heapsh_text name)
{
	if (name.s)
		return !HEAPSH_HAS(types, may_have_attr) ||
		       !types->may_have_attr ||
		       types->may_have_attr(state, type, name);
	return !HEAPSH_HAS(types, may_have_items) || !types->may_have_items ||
	       types->may_have_items(state, type);
}

bool md_type_may_have(struct md_model *m, uint32_t type, const char *name,
		      size_t n)
{
	const uint64_t addr =
		type < md_n_types(m) ? md_type(m, type)->address : 0;
	const struct heapsh_types *types;
	struct md_call call;
	void *state;
	int ret;

	// Of several runtimes, the type's address does not say whose it is.
	types = addr && m->plugin != &md_joint_plugin ?
			md_interface(m, HEAPSH_TYPES_0, &state) : NULL;
	if (!types || !md_enter(m->own, MD_MAY_HAVE, m->image, &call))
		return true;
	ret = ask_type(types, state, addr, (struct heapsh_text){ name, n });
	md_leave(&call);
	return ret != 0;
}

static const struct heapsh_sites *sites_of(struct md_model *m, void **state)
{
	const struct heapsh_sites *sites =
		md_interface(m, HEAPSH_SITES_0, state);

	return sites && HEAPSH_HAS(sites, site) && sites->active &&
			       sites->site ?
		       sites :
		       NULL;
}

bool md_has_sites(struct md_model *m)
{
	const struct heapsh_sites *sites;
	void *state;
	int active;
	struct md_call call;

	sites = sites_of(m, &state);
	if (!sites)
		return false;
	if (!md_enter(m->own, MD_SITES, m->image, &call))
		return false;
	active = sites->active(state);
	md_leave(&call);
	return active != 0;
}

char *md_sites_how(struct md_model *m)
{
	const struct heapsh_sites *sites;
	void *state;

	sites = sites_of(m, &state);
	if (!sites || !HEAPSH_HAS(sites, how) || !sites->how)
		return hs_xstrdup("SET.byvia says what holds them");
	return hs_xasprintf("%.*s", MD_NAME_MAX, sites->how);
}

bool md_site(struct md_model *m, uint64_t addr, uint32_t index,
	     struct heapsh_site *ret)
{
	struct heapsh_site out = { .size = sizeof(out) };
	const struct heapsh_sites *sites;
	void *state;
	int known;
	struct md_call call;

	sites = sites_of(m, &state);
	if (!sites)
		return false;
	if (!md_enter(m->own, MD_SITES, m->image, &call))
		return false;
	known = sites->site(state, addr, index, &out);
	md_leave(&call);
	out.file = md_clamp(out.file, MD_NAME_MAX);
	if (known)
		*ret = out;
	return known != 0;
}

static const struct heapsh_collector *collector_of(struct md_model *m,
						   void **state)
{
	const struct heapsh_collector *c;

	c = md_interface(m, HEAPSH_COLLECTOR_0, state);
	return c && HEAPSH_HAS(c, flags) && c->flags ? c : NULL;
}

bool md_has_collector(struct md_model *m)
{
	void *state;

	return collector_of(m, &state);
}

uint32_t md_collector_flags(struct md_model *m, uint64_t addr)
{
	const struct heapsh_collector *c;
	uint32_t ret;
	void *state;
	struct md_call call;

	c = collector_of(m, &state);
	if (!c)
		return 0;
	if (!md_enter(m->own, MD_FLAGS, m->image, &call))
		return 0;
	ret = c->flags(state, addr);
	md_leave(&call);
	return ret;
}

static const struct heapsh_usages *usages_of(struct md_model *m, void **state)
{
	const struct heapsh_usages *u = md_interface(m, HEAPSH_USAGE_0, state);

	return u && HEAPSH_HAS(u, usage) && u->usage ? u : NULL;
}

bool md_has_usage(struct md_model *m)
{
	void *state;

	return usages_of(m, &state);
}

bool md_usage(struct md_model *m, uint64_t addr, struct heapsh_usage *ret)
{
	struct heapsh_usage out = { .size = sizeof(out) };
	const struct heapsh_usages *u;
	void *state;
	int known;
	struct md_call call;

	u = usages_of(m, &state);
	if (!u)
		return false;
	if (!md_enter(m->own, MD_USAGE, m->image, &call))
		return false;
	known = u->usage(state, addr, &out);
	md_leave(&call);
	// what cannot be is not counted
	if (!known || out.used > out.capacity || out.unused_bytes >> 48)
		return false;
	out.size = sizeof(out);
	*ret = out;
	return true;
}
