// SPDX-License-Identifier: Apache-2.0
/**
 * Calls into plugins: who is running, for how long, with what budget, and who
 * is not called any more because of what it did.
 */
#include "model_priv.h"

#include <stdarg.h>

/* Of what one call reads or emits: a loop that a budget ends, not a heap. */
#define FEW (UINT64_C(1) << 26)
#define MANY (UINT64_C(1) << 32)

/*
 * plugin.h, "Trust". A sweep() has 1 MiB to look at, an at() thousands of
 * objects, one of which may have a billion items: of references, as many may
 * be emitted as memory has room for. roots() tells of every
 * object where a runtime has no pools. An item() may be looked for among all
 * keys of a table.
 */
const struct md_limit md_limits[MD_N_ENTRIES] = {
	[MD_LOAD] = { "heapsh_plugin_0()", 15, FEW, 0 },
	[MD_PROBE] = { "probe()", 15, FEW, 0 },
	[MD_SETTLE] = { "settle()", 15, FEW, 0 },
	[MD_OPEN] = { "open()", 15, MANY, 0 },
	[MD_CLOSE] = { "close()", 15, FEW, 0 },
	[MD_RANGES] = { "ranges()", 15, FEW, 0 },
	[MD_SWEEP] = { "sweep()", 15, FEW, FEW },
	[MD_AT] = { "at()", 15, MANY, MANY },
	[MD_ROOTS] = { "roots()", 60, MANY, FEW },
	[MD_RENDER] = { "render()", 15, FEW, 0 },
	[MD_LOOKUP] = { "lookup()", 15, FEW, 0 },
	[MD_ATTR] = { "attr()", 15, FEW, 0 },
	[MD_ITEM] = { "item()", 15, MANY, 0 },
	[MD_NAMES] = { "names()", 15, FEW, FEW },
	[MD_MEASURE] = { "measure()", 15, FEW, 0 },
	[MD_INTERFACE] = { "get_interface()", 15, FEW, 0 },
	[MD_THREAD] = { "thread()", 15, FEW, 0 },
	[MD_FRAME] = { "frame()", 15, FEW, 0 },
	[MD_VARIABLE] = { "variable()", 15, FEW, 0 },
	[MD_MODULES] = { "each()", 15, FEW, FEW },
	[MD_CONTENT] = { "hash()", 15, FEW, 0 },
	[MD_PREPARE] = { "prepare()", 15, FEW, 0 },
	[MD_SITES] = { "site()", 15, FEW, 0 },
	[MD_BASES] = { "each_base()", 15, FEW, FEW },
	[MD_MAY_HAVE] = { "may_have_attr()", 15, FEW, 0 },
	[MD_FLAGS] = { "flags()", 15, FEW, 0 },
	[MD_USAGE] = { "usage()", 15, FEW, 0 },
	[MD_ASK] = { "text()", 60, FEW, 0 },
	[MD_INVOKE] = { "call()", 60, FEW, 0 },
	[MD_SAFEPOINT] = { "plan()", 60, FEW, 0 },
	[MD_COMPAT] = { "referents()", 15, MANY, MANY },
	[MD_TEXTS] = { "each()", 15, MANY, 0 },
};

/* --- enter and leave ----------------------------------------------------- */

static uint64_t take_reads(struct md_reader *r)
{
	return atomic_exchange_explicit(&r->reads, 0, memory_order_relaxed);
}

/** With the lock held. */
static int take_slot(struct md_host *host, struct md_loaded *own,
		     enum md_entry entry)
{
	int i;

	if (!~host->busy)
		return -1;
	i = __builtin_ctzll(~host->busy);
	host->busy |= UINT64_C(1) << i;
	host->slots[i] = (struct md_slot){ own, entry, host->tick };
	return i;
}

bool md_enter(struct md_loaded *own, enum md_entry entry,
	      struct heapsh_image *image, struct md_call *ret)
{
	struct md_host *host = own->host;

	if (md_is_disabled(own) && entry != MD_CLOSE)
		return false;
	*ret = (struct md_call){ own, image, entry, -1, hs_now_ns() };
	if (own == &host->joint)	// its parts are entered
		return true;
	if (image) {
		atomic_fetch_add(&own->reads, take_reads(&image->main));
		image->main.limit = md_limits[entry].reads;
		image->main.entry = entry;
	}
	pthread_mutex_lock(&host->lock);
	ret->slot = take_slot(host, own, entry);
	own->calls++;
	if (!host->inside++ && host->running)
		host->running(host->running_arg, own->name,
			      md_limits[entry].name);
	pthread_mutex_unlock(&host->lock);
	return true;
}

void md_leave(struct md_call *call)
{
	struct md_host *host = call->own->host;
	uint64_t ns = hs_now_ns() - call->began_ns;

	if (call->own == &host->joint)
		return;
	pthread_mutex_lock(&host->lock);
	if (call->slot >= 0)
		host->busy &= ~(UINT64_C(1) << call->slot);
	call->own->time_ns += ns;
	if (!--host->inside && host->running)
		host->running(host->running_arg, NULL, NULL);
	pthread_mutex_unlock(&host->lock);
	if (!call->image)
		return;
	atomic_fetch_add(&call->own->reads, take_reads(&call->image->main));
	call->image->main.limit = UINT64_MAX;
}

void md_set_running(struct md_host *host, md_running_fn *fn, void *arg)
{
	pthread_mutex_lock(&host->lock);
	host->running = fn;
	host->running_arg = arg;
	pthread_mutex_unlock(&host->lock);
}

/* --- time ---------------------------------------------------------------- */

void md_going_on(const struct md_call *call)
{
	struct md_host *host = call->own->host;

	if (call->slot < 0)
		return;
	pthread_mutex_lock(&host->lock);
	host->slots[call->slot].since = host->tick;
	pthread_mutex_unlock(&host->lock);
}

void md_set_limit_ms(struct md_host *host, unsigned ms)
{
	host->limit_ms = ms;
}

/** Every call gets its time back: simple, and nothing loops meanwhile. */
void md_pause(struct md_loaded *own)
{
	pthread_mutex_lock(&own->host->lock);
	own->host->paused++;
	pthread_mutex_unlock(&own->host->lock);
}

void md_resume(struct md_loaded *own)
{
	pthread_mutex_lock(&own->host->lock);
	own->host->paused--;
	pthread_mutex_unlock(&own->host->lock);
}

bool md_tick(struct md_host *host, struct md_overdue *ret)
{
	bool overdue = false;
	int i;

	pthread_mutex_lock(&host->lock);
	host->tick += !host->paused;
	for (i = 0; i < MD_SLOTS && !overdue; i++) {
		const struct md_slot *s = &host->slots[i];
		uint32_t ms;

		if (!(host->busy >> i & 1))
			continue;
		ms = host->limit_ms ? host->limit_ms :
				      md_limits[s->entry].seconds * 1000;
		overdue = host->tick - s->since > ms / MD_TICK_MS;
		*ret = (struct md_overdue){ s->own->name,
					    md_limits[s->entry].name, ms };
	}
	pthread_mutex_unlock(&host->lock);
	return overdue;
}

/* --- blame --------------------------------------------------------------- */

static void disable(struct md_loaded *own, const char *why, bool by_user)
{
	struct md_host *host = own->host;
	HS_TEXT clean = { 0 };

	hs_text_escape(&clean, why, strlen(why));
	pthread_mutex_lock(&host->lock);
	own->by_user = by_user && (own->by_user || !own->fault);
	if (!own->fault)
		own->fault = hs_arena_strndup(&host->text, hs_text_str(&clean),
					      clean.len);
	atomic_store(&own->disabled, true);
	pthread_mutex_unlock(&host->lock);
}

void md_blame(struct md_loaded *own, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	// What its parts say, they answer for; we join it ourselves.
	if (own == &own->host->joint)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	disable(own, why, false);
}

void md_too_many_reads(struct md_reader *r)
{
	md_blame(r->own, "its %s read more than %llu times in one call",
		 md_limits[r->entry].name, (unsigned long long)r->limit);
}

struct hs_err *md_fault_of(struct md_loaded *own)
{
	struct hs_err *err = NULL;

	if (!md_is_disabled(own))
		return NULL;
	pthread_mutex_lock(&own->host->lock);
	err = hs_err_new(HS_ERR_PLUGIN, "the plugin '%s' is disabled: %s",
			 own->name, own->fault);
	pthread_mutex_unlock(&own->host->lock);
	return hs_err_remedy(err, "plugins enable %s", own->name);
}

static void first_fault(struct md_model *part, void *arg)
{
	struct md_loaded **own = arg;

	if (!*own && md_is_disabled(part->own))
		*own = part->own;
}

/** Who is disabled: its plugin, or that of a part. */
static struct md_loaded *culprit(const struct md_model *m)
{
	struct md_loaded *own = md_is_disabled(m->own) ? m->own : NULL;

	md_each_part(m, first_fault, &own);
	return own;
}

struct hs_err *md_fault(const struct md_model *m)
{
	struct md_loaded *own = culprit(m);

	return own ? md_fault_of(own) : NULL;
}

bool md_found_out(const struct md_model *m)
{
	const struct md_loaded *own = culprit(m);

	return own && !own->by_user;
}

static struct hs_err *find(const struct md_host *host, const char *what,
			   const char *name, struct md_loaded **ret)
{
	size_t i;

	for (i = 0; i < host->loaded.n; i++) {
		if (!strcmp(host->loaded.v[i]->name, name)) {
			*ret = host->loaded.v[i];
			return NULL;
		}
	}
	return hs_err_remedy(hs_err_new(HS_ERR_NAME, "%s %s: there is no "
					"plugin of that name", what, name),
			     "plugins");
}

struct hs_err *md_disable(struct md_host *host, const char *name,
			  const char *why)
{
	struct md_loaded *own = NULL;
	struct hs_err *err = find(host, "disable", name, &own);

	if (err)
		return err;
	if (!own->plugin)
		return hs_err_new(HS_ERR_USAGE, "disable %s: it is not loaded",
				  name);
	disable(own, why, true);
	return NULL;
}

struct hs_err *md_enable(struct md_host *host, const char *name)
{
	struct md_loaded *own = NULL;
	struct hs_err *err = find(host, "enable", name, &own);

	if (err)
		return err;
	if (!own->plugin)
		md_open_plugin(own);
	if (!own->plugin)
		return hs_err_new(HS_ERR_PLUGIN, "enable %s: %s", name,
				  own->problem);
	pthread_mutex_lock(&host->lock);
	own->fault = NULL;
	atomic_store(&own->disabled, false);
	pthread_mutex_unlock(&host->lock);
	return NULL;
}
