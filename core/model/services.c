// SPDX-License-Identifier: Apache-2.0
// What the host offers to plugins: plugin.h, struct heapsh_host.
#include "model_priv.h"

enum { DIAG_MAX = 1024 };	/* bytes of one sentence */

struct heapsh_text md_clamp(struct heapsh_text t, uint64_t max)
{
	if (!t.s) {
		t.s = "";
		t.n = 0;
	}
	t.n = t.n < max ? t.n : max;
	return t;
}

void md_clean(char *s, size_t cap)
{
	HS_TEXT text = { 0 };
	size_t n;

	hs_text_escape(&text, s, strnlen(s, cap));
	n = text.len < cap - 1 ? text.len : cap - 1;
	// Not within a character.
	while (n < text.len && n && ((uint8_t)hs_text_str(&text)[n] & 0xc0) ==
			0x80)
		n--;
	memcpy(s, hs_text_str(&text), n);
	s[n] = '\0';
}

static uint64_t host_read(struct heapsh_image *h, uint64_t addr, void *buf,
			  uint64_t len)
{
	if (HS_UNLIKELY(!md_count_read(&h->main))) {
		md_too_many_reads(&h->main);
		return 0;
	}
	return im_read(h->im, addr, buf, len);
}

static const void *host_view(struct heapsh_image *h, void *reader,
			     uint64_t addr, uint64_t len)
{
	struct md_reader *r = reader ? reader : &h->main;

	if (HS_UNLIKELY(!md_count_read(r))) {
		md_too_many_reads(r);
		return NULL;
	}
	return im_view(r->inner, addr, len);
}

static uint64_t host_symbol(struct heapsh_image *h, const char *module,
			    const char *name, uint64_t *size)
{
	uint64_t addr;

	return name && im_symbol(h->im, module, name, &addr, size) ? addr : 0;
}

/**
 * Copy a struct out as far as the plugin knows it. One that left its size 0
 * was compiled with this header or an older one: ABI 0.0 has all there is.
 */
static void hand_out(void *to, const void *from, uint32_t size)
{
	uint32_t theirs;

	memcpy(&theirs, to, sizeof(theirs));
	if (theirs < sizeof(theirs) || theirs > size)
		theirs = size;
	memcpy(to, from, theirs);
	memcpy(to, &theirs, sizeof(theirs));
}

static int host_mapping(struct heapsh_image *h, uint32_t index,
			struct heapsh_mapping *ret)
{
	struct heapsh_mapping out = { .size = sizeof(out) };
	const struct im_mapping *m;

	if (index >= im_mappings(h->im, &m))
		return 0;
	m += index;
	out.prot = m->prot;
	out.start = m->start;
	out.end = m->end;
	out.offset = m->offset;
	out.shared = m->shared;
	out.module = m->module;
	out.path.s = m->path;
	out.path.n = strlen(m->path);
	hand_out(ret, &out, sizeof(out));
	return 1;
}

static int host_thread(struct heapsh_image *h, uint32_t index,
		       struct heapsh_thread_state *ret)
{
	struct heapsh_thread_state out = { .size = sizeof(out) };
	const struct im_thread *t;

	if (index >= im_threads(h->im, &t))
		return 0;
	t += index;
	out.tid = t->tid;
	out.ip = t->ip;
	out.sp = t->sp;
	out.tls = t->tls;
	out.syscall = t->syscall;
	memcpy(out.args, t->args, sizeof(out.args));
	hand_out(ret, &out, sizeof(out));
	return 1;
}

static void host_machine(struct heapsh_image *h, uint32_t *width,
			 uint32_t *little_endian)
{
	*width = im_info(h->im)->width;
	*little_endian = im_info(h->im)->little_endian;
}

static uint32_t host_type(struct heapsh_image *h, const struct heapsh_type *t)
{
	struct heapsh_type in = { 0 };

	if (t && t->size >= sizeof(t->size))
		memcpy(&in, t, t->size < sizeof(in) ? t->size : sizeof(in));
	return md_types_add(h->types, &in);
}

static int host_cancelled(struct heapsh_image *h)
{
	const struct hs_task *task = atomic_load_explicit(&h->task,
							memory_order_relaxed);

	return task && hs_cancelled(task);
}

void md_add_diag(struct heapsh_image *h, const char *text)
{
	HS_TEXT line = { 0 };

	if (!text)
		return;
	if (h->whole)
		h = h->whole;
	hs_text_escape(&line, text, strnlen(text, DIAG_MAX));
	pthread_mutex_lock(&h->lock);
	if (h->diags.n < MD_DIAGS_MAX)
		hs_vec_push(&h->diags, hs_text_take(&line));
	pthread_mutex_unlock(&h->lock);
}

static void host_diag(struct heapsh_image *h, uint32_t level, const char *text)
{
	(void)level;
	md_add_diag(h, text);
}

static const void *host_get_interface(const char *name)
{
	if (name && !strcmp(name, HEAPSH_EVAL_0))
		return &md_eval_services;
	return NULL;
}

const struct heapsh_host md_services = {
	.size = sizeof(md_services),
	.abi_minor = HEAPSH_ABI_MINOR,
	.read = host_read,
	.view = host_view,
	.symbol = host_symbol,
	.mapping = host_mapping,
	.thread = host_thread,
	.machine = host_machine,
	.type = host_type,
	.cancelled = host_cancelled,
	.diag = host_diag,
	.get_interface = host_get_interface,
};

struct hs_err *md_image_create(struct im_image *im, struct md_loaded *own,
			       struct hs_task *task,
			       struct heapsh_image **ret)
{
	struct heapsh_image *h = hs_xalloc(sizeof(*h));
	struct hs_err *err;

	err = im_reader_create(im, task ? task->budget : NULL,
			       &h->main.inner);
	if (err) {
		free(h);
		return err;
	}
	h->im = im;
	h->own = h->main.own = own;
	h->main.limit = UINT64_MAX;
	h->types = md_types_create();
	atomic_store(&h->task, task);
	pthread_mutex_init(&h->lock, NULL);
	*ret = h;
	return NULL;
}

void md_image_join(struct heapsh_image *h, struct heapsh_image *whole)
{
	md_types_destroy(h->types);
	h->types = whole->types;
	h->whole = whole;
}

void md_image_destroy(struct heapsh_image *h)
{
	size_t i;

	if (!h)
		return;
	for (i = 0; i < h->diags.n; i++)
		free(h->diags.v[i]);
	hs_vec_deinit(&h->diags);
	im_reader_destroy(h->main.inner);
	if (!h->whole)
		md_types_destroy(h->types);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
