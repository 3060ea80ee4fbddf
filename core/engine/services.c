// SPDX-License-Identifier: Apache-2.0
/* What verbs ask of the engine (struct vb_services). */
#include "engine.h"

#include "text.h"

void en_set_memory(struct en_engine *en, const char *value)
{
	uint64_t v;

	if (!strcmp(value, "auto"))
		en->budget.limit = hs_budget_default();
	else if (!strcmp(value, "none"))
		en->budget.limit = 0;
	else if (hs_parse_size(value, &v))
		en->budget.limit = v;
}

static json_t *copy_attached(struct lg_instant *in)
{
	return json_deep_copy(in->attached);
}

/** Make in current (takes the reference) and answer its document. */
static void enter(struct en_engine *en, struct lg_instant *in,
		  struct lg_value **ret)
{
	en_instant_enter(en, in);
	*ret = lg_table(in, copy_attached(in));
	lg_instant_unref(in);
}

static struct hs_err *attach(void *engine, int pid, struct lg_value **ret)
{
	struct en_engine *en = engine;
	struct lg_instant *in;
	struct hs_err *err = en_attach(en, pid, &in);

	if (!err)
		enter(en, in, ret);
	return err;
}

static struct hs_err *open_file(void *engine, const char *path,
				struct lg_value **ret)
{
	struct en_engine *en = engine;
	struct lg_instant *in;
	struct hs_err *err = en_open(en, path, &in);

	if (!err)
		enter(en, in, ret);
	return err;
}

static struct hs_err *snap(void *engine, const char *name,
			   struct lg_value **ret)
{
	struct en_engine *en = engine;
	struct lg_instant *in;
	struct hs_err *err = en_snap(en, name, &in);

	if (err)
		return err;
	// for people: it was attached to before
	json_object_set_new(in->attached, "again", json_true());
	enter(en, in, ret);
	return NULL;
}

struct lg_value *en_sentence(const char *fmt, ...)
{
	json_t *doc = wr_doc_create("words");
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = hs_xstrdup("done");
	va_end(ap);
	json_object_set_new(doc, "value", json_string(s));
	free(s);
	return lg_table(NULL, doc);
}

static struct hs_err *use(void *engine, const char *which,
			  struct lg_value **ret)
{
	struct en_engine *en = engine;
	struct lg_instant *in;
	struct hs_err *err = en_instant_find(en, which, &in);

	if (err)
		return err;
	lg_instant_unref(en->session.current);
	en->session.current = lg_instant_ref(in);
	*ret = en_sentence("instant %u is the current one", in->number);
	return NULL;
}

static struct hs_err *release(void *engine, const char *which,
			      struct lg_value **ret)
{
	struct en_engine *en = engine;
	struct lg_instant *in = en->session.current;
	struct hs_err *err = NULL;
	HS_TEXT kept = { 0 };

	if (which)
		err = en_instant_find(en, which, &in);
	if (err)
		return err;
	if (!in)
		return hs_err_new(HS_ERR_USAGE,
				  "release: there is no instant");
	if (!en_instant_of(in)->tracer) {
		*ret = en_sentence("@%u: no copy of a process is held for it",
				   in->number);
		return NULL;
	}
	err = en_instant_keep(en, in, &kept);
	if (!err)
		*ret = en_sentence("released @%u: %s; 'snap' takes a new "
				   "instant", in->number, hs_text_str(&kept));
	return err;
}

static struct hs_err *detach(void *engine, struct lg_value **ret)
{
	struct en_engine *en = engine;
	int pid = en->pid;

	if (!en->session.current)
		return hs_err_new(HS_ERR_USAGE, "detach: nothing is attached");
	en_instants_clear(en);
	if (pid)
		*ret = en_sentence("detached from %d", pid);
	return NULL;
}

static size_t instants(void *engine, struct lg_instant *const **ret)
{
	struct en_engine *en = engine;

	*ret = en->instants.v;
	return en->instants.n;
}

static struct hs_err *instant(void *engine, const char *which,
			      struct lg_instant **ret)
{
	return en_instant_find(engine, which, ret);
}

static size_t plugins(void *engine, const struct md_plugin_info **ret)
{
	struct en_engine *en = engine;

	return md_plugins(en->host, ret);
}

static struct hs_err *plugin_load(void *engine, const char *path)
{
	struct en_engine *en = engine;

	return md_load(en->host, path);
}

static struct hs_err *plugin_switch(void *engine, const char *name, bool on)
{
	struct en_engine *en = engine;

	return on ? md_enable(en->host, name) :
		    md_disable(en->host, name, "by 'plugins disable'");
}

static struct hs_err *changed(void *engine, const char *name,
			      const char *value)
{
	struct en_engine *en = engine;

	if (!strcmp(name, "memory"))
		en_set_memory(en, value);
	return NULL;
}

static const json_t *shell_verbs(void *engine)
{
	struct en_engine *en = engine;

	return en->shell_verbs;
}

void en_services_init(struct en_engine *en)
{
	en->services = (struct vb_services){
		.engine = en,
		.attach = attach,
		.open = open_file,
		.snap = snap,
		.use = use,
		.release = release,
		.detach = detach,
		.instants = instants,
		.instant = instant,
		.plugins = plugins,
		.plugin_load = plugin_load,
		.plugin_switch = plugin_switch,
		.changed = changed,
		.shell_verbs = shell_verbs,
		.eval = en_eval_of,
		.probe_load = en_probe_load,
		.live_begin = en_live_begin,
		.live_end = en_live_end,
		.live_try = en_live_try,
		.live_call = en_live_call,
		.doctor = en_doctor,
		.setup = en_setup,
	};
}
