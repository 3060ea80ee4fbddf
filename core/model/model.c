// SPDX-License-Identifier: Apache-2.0
// One instant, understood: the plugin's state on an image, and its types.
#include "model_priv.h"

enum { REASON_MAX = 1024 };

static uint64_t mapped_bytes(const struct im_image *im)
{
	const struct im_mapping *v;
	size_t n = im_mappings(im, &v), i;
	uint64_t sum = 0;

	for (i = 0; i < n; i++)
		sum += v[i].end - v[i].start;
	return sum;
}

static void free_model(struct md_model *m)
{
	md_image_destroy(m->image);
	md_witness_destroy(m->witness);
	free(m);
}

static struct hs_err *open_state(struct md_model *m)
{
	struct md_call call;
	HS_TEXT said = { 0 };
	const char *why;

	if (!md_enter(m->own, MD_OPEN, m->image, &call))
		return md_fault(m);
	why = m->plugin->open(m->image, &m->state, &m->status);
	if (why)
		hs_text_escape(&said, why, strnlen(why, REASON_MAX));
	md_leave(&call);
	md_clean(m->status.layout, sizeof(m->status.layout));
	return why ? hs_err_new(HS_ERR_UNSUPPORTED, "read the heap: %s",
				hs_text_str(&said)) : NULL;
}

static struct hs_err *create(struct md_loaded *own,
			     const struct heapsh_plugin *plugin,
			     struct im_image *im, struct hs_task *task,
			     struct md_model **ret)
{
	struct md_model *m = hs_xalloc(sizeof(*m));
	struct hs_err *err;

	m->own = own;
	m->plugin = plugin;
	m->status.size = sizeof(m->status);
	m->frozen = im_info(im)->kind != IM_LIVE;
	m->memory = m->frozen ? mapped_bytes(im) : UINT64_MAX;
	err = md_image_create(im, own, task, &m->image);
	if (err) {
		free(m);
		return err;
	}
	m->witness = md_witness_create();
	*ret = m;
	return NULL;
}

/** whole: whose types are used; NULL: its own. */
static struct hs_err *open_one(struct md_host *host,
			       const struct heapsh_plugin *plugin,
			       const struct heapsh_claim *claim,
			       struct md_model *whole, struct im_image *im,
			       struct hs_task *task, struct md_model **ret)
{
	struct md_loaded *own = md_loaded_of(host, plugin);
	struct md_model *m;
	struct hs_err *err;

	if (!own)
		return hs_err_new(HS_ERR_PLUGIN,
				  "read the heap: its plugin is not loaded");
	err = create(own, plugin, im, task, &m);
	if (err)
		return err;
	m->claim = *claim;
	if (whole)
		md_image_join(m->image, whole->image);
	err = open_state(m);
	if (err) {
		// What did not open is not closed.
		free_model(m);
		return err;
	}
	*ret = m;
	return NULL;
}

/** Those that open; the error is that of the most confident. */
static uint32_t open_parts(struct md_host *host, const struct md_claim *claim,
			   struct md_model *whole, struct hs_task *task,
			   struct md_model **parts, struct hs_err **first)
{
	struct im_image *im = whole->image->im;
	uint32_t i, n = 0;

	*first = open_one(host, claim->plugin, &claim->claim, whole, im, task,
			  &parts[n]);
	n += !*first;
	for (i = 0; i < claim->n_others && n < MD_PARTS; i++) {
		struct hs_err *err;

		err = open_one(host, claim->others[i].plugin,
			       &claim->others[i].claim, whole, im, task,
			       &parts[n]);
		n += !err;
		if (err)
			md_add_diag(whole->image, err->message);
		hs_err_free(err);
	}
	return n;
}

static void close_parts(struct md_model *const *parts, uint32_t n)
{
	while (n)
		md_close(parts[--n]);
}

/**
 * Of several that said yes often one opens: a library may be there without a
 * runtime. That one is opened again by itself.
 */
static struct hs_err *open_alone(struct md_host *host, struct md_model *whole,
				 struct md_model *part, struct im_image *im,
				 struct hs_task *task, struct md_model **ret)
{
	const struct heapsh_plugin *plugin = part->plugin;
	const struct heapsh_claim claim = part->claim;

	md_close(part);
	free_model(whole);
	return open_one(host, plugin, &claim, NULL, im, task, ret);
}

static struct hs_err *open_several(struct md_host *host,
				   const struct md_claim *claim,
				   struct im_image *im, struct hs_task *task,
				   struct md_model **ret)
{
	struct md_model *m, *parts[MD_PARTS];
	struct hs_err *err, *first;
	uint32_t n;

	err = create(&host->joint, &md_joint_plugin, im, task, &m);
	if (err)
		return err;
	n = open_parts(host, claim, m, task, parts, &first);
	if (!n) {
		free_model(m);
		return first;
	}
	hs_err_free(first);
	if (n == 1)
		return open_alone(host, m, parts[0], im, task, ret);
	err = md_join(m, parts, n, task);
	if (err) {
		close_parts(parts, n);
		free_model(m);
		return err;
	}
	*ret = m;
	return NULL;
}

struct hs_err *md_open(struct md_host *host, const struct md_claim *claim,
		       struct im_image *im, struct hs_task *task,
		       struct md_model **ret)
{
	return claim->n_others ? open_several(host, claim, im, task, ret) :
				 open_one(host, claim->plugin, &claim->claim,
					  NULL, im, task, ret);
}

void md_close(struct md_model *m)
{
	struct md_call call;

	if (!m)
		return;
	if (m->plugin->close &&
	    md_enter(m->own, MD_CLOSE, m->image, &call)) {
		m->plugin->close(m->state);
		md_leave(&call);
	}
	free_model(m);
}

const struct heapsh_plugin *md_plugin(const struct md_model *m)
{
	return m->plugin;
}

const struct heapsh_claim *md_claim(const struct md_model *m)
{
	return &m->claim;
}

const struct heapsh_status *md_status(const struct md_model *m)
{
	return &m->status;
}

static void set_task(struct md_model *part, void *task)
{
	atomic_store(&part->image->task, task);
}

void md_set_task(struct md_model *m, struct hs_task *task)
{
	atomic_store(&m->image->task, task);
	md_each_part(m, set_task, task);
}

size_t md_diags(struct md_model *m, const char *const **ret)
{
	size_t n;

	// Those that are there never move or change: the vector has its full
	// size from the first on.
	pthread_mutex_lock(&m->image->lock);
	hs_vec_reserve(&m->image->diags, MD_DIAGS_MAX);
	*ret = (const char *const *)m->image->diags.v;
	n = m->image->diags.n;
	pthread_mutex_unlock(&m->image->lock);
	return n;
}

uint64_t md_rejected(const struct md_model *m)
{
	return atomic_load(&m->rejected);
}

uint32_t md_n_types(const struct md_model *m)
{
	return md_types_n(m->image->types);
}

const struct md_type *md_type(const struct md_model *m, uint32_t type)
{
	const struct md_type *t = md_types_get(m->image->types, type);

	return t ? t : md_types_get(m->image->types,
				    md_types_unknown(m->image->types));
}

uint32_t md_type_by_name(const struct md_model *m, const char *name)
{
	return md_types_by_name(m->image->types, name);
}

uint32_t md_type_by_address(const struct md_model *m, uint64_t addr)
{
	return md_types_by_address(m->image->types, addr);
}

uint64_t md_read(struct md_model *m, uint64_t addr, void *buf, uint64_t len)
{
	return im_read(m->image->im, addr, buf, len);
}

struct hs_err *md_reader_create(struct md_model *m, struct hs_budget *budget,
				struct im_reader **ret)
{
	return im_reader_create(m->image->im, budget, ret);
}

void md_reader_destroy(struct im_reader *r)
{
	im_reader_destroy(r);
}

void md_reader_lend(struct im_reader *r, uint64_t addr, const void *bytes,
		    uint64_t len)
{
	im_reader_lend(r, addr, bytes, len);
}

const void *md_view(struct im_reader *r, uint64_t addr, uint64_t len)
{
	return im_view(r, addr, len);
}

const void *md_view_at_hand(struct im_reader *r, uint64_t addr, uint64_t len)
{
	return im_view_at_hand(r, addr, len);
}

static void trim_part(struct md_model *part, void *arg)
{
	(void)arg;
	im_reader_trim(part->image->main.inner);
}

void md_trim(struct md_model *m)
{
	trim_part(m, NULL);
	md_each_part(m, trim_part, NULL);
}

/** An answer of before, or NULL. */
static const struct md_interface *known_interface(struct md_model *m,
						  const char *name)
{
	uint32_t n = atomic_load(&m->n_interfaces), i;

	for (i = 0; i < n; i++) {
		if (!strcmp(m->interfaces[i].name, name))
			return &m->interfaces[i];
	}
	return NULL;
}

/** Names are literals of the host's: they stay. */
static void know_interface(struct md_model *m, const char *name, const void *p)
{
	uint32_t n;

	pthread_mutex_lock(&m->image->lock);
	n = atomic_load(&m->n_interfaces);
	if (n < MD_INTERFACES && !known_interface(m, name)) {
		m->interfaces[n] = (struct md_interface){ name, p };
		atomic_store(&m->n_interfaces, n + 1);
	}
	pthread_mutex_unlock(&m->image->lock);
}

static const void *own_interface(struct md_model *m, const char *name,
				 void **state)
{
	const struct md_interface *known = known_interface(m, name);
	const void *ret = known ? known->p : NULL;
	struct md_call call;

	*state = m->state;
	if (known || !m->plugin->get_interface)
		return md_is_disabled(m->own) ? NULL : ret;
	if (!md_enter(m->own, MD_INTERFACE, m->image, &call))
		return NULL;
	ret = m->plugin->get_interface(name);
	md_leave(&call);
	know_interface(m, name, ret);
	return ret;
}

const void *md_interface(struct md_model *m, const char *name, void **state)
{
	const void *ret = own_interface(m, name, state);

	if (!ret && m->plugin == &md_joint_plugin)
		ret = md_joint_interface(m, name, state);
	return ret;
}
