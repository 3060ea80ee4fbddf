// SPDX-License-Identifier: Apache-2.0
/* Frames in, documents out. */
#include "check.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text.h"

void en_words(struct en_engine *en, const char *fmt, ...)
{
	HS_FREE char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n >= 0)
		hs_err_free(wr_send(en->options.socket_fd, WR_WORDS, 0, s,
				    (size_t)n));
}

/** Send a document, which is taken over. */
static void send_doc(struct en_engine *en, json_t *doc, const char *command)
{
	struct lg_instant *in = en->session.current;
	HS_FREE char *s = NULL;
	struct hs_err *err;

	wr_doc_stamp(doc, command, in ? in->number : 0, false);
	s = wr_doc_encode(doc);
	json_decref(doc);
	err = wr_send(en->options.socket_fd, WR_DOC, 0, s, strlen(s));
	if (err && err->code != HS_ERR_GONE) {
		json_t *d = wr_doc_error(err);

		hs_err_free(err);
		wr_doc_stamp(d, command, 0, false);
		free(hs_take(s));
		s = wr_doc_encode(d);
		json_decref(d);
		err = wr_send(en->options.socket_fd, WR_DOC, 0, s, strlen(s));
	}
	if (err)
		en->quit = true;
	hs_err_free(err);
}

/** A part of the line's document, which lang has stamped. */
static struct hs_err *send_part(void *arg, json_t *doc)
{
	struct en_engine *en = arg;
	HS_FREE char *s = wr_doc_encode(doc);

	json_decref(doc);
	return wr_send(en->options.socket_fd, WR_DOC, 0, s, strlen(s));
}

/** Exit status of an error: design.md, section 8. */
static int status_of(const struct hs_err *err)
{
	switch (err->code) {
	case HS_ERR_CANCELLED:
		return 130;
	case HS_ERR_GONE:
		return 4;
	case HS_ERR_OTHER:
	case HS_ERR_NOMEM:
	case HS_ERR_OS:
	case HS_ERR_FAULT:
	case HS_ERR_USAGE:
	case HS_ERR_NAME:
	case HS_ERR_DENIED:
	case HS_ERR_REFUSED:
	case HS_ERR_FORMAT:
	case HS_ERR_UNSUPPORTED:
	case HS_ERR_TORN:
	case HS_ERR_TIMEOUT:
	case HS_ERR_PLUGIN:
	default:
		return 1;
	}
}

/** Send an error, which is taken over; returns its exit status. */
static int send_error(struct en_engine *en, struct hs_err *err,
		      const char *command)
{
	int status = status_of(err);

	send_doc(en, wr_doc_error(err), command);
	hs_err_free(err);
	return status;
}

static json_t *settings(struct en_engine *en)
{
	json_t *o = json_object();

	for (size_t i = 0; i < en->session.n_settings; i++) {
		const char *name = en->session.settings[i].name;

		json_object_set_new(o, name,
			json_string(lg_setting(&en->session, name)));
	}
	return o;
}

/** What the plugin has to say of the instant, such as that objects lack. */
static void say_diags(struct en_engine *en, struct lg_instant *lg)
{
	struct en_instant *in = en_instant_of(lg);
	const char *const *v;
	size_t n = md_diags(lg->model, &v);

	for (; in->n_said < n; in->n_said++)
		en_words(en, "heapsh: %s", v[in->n_said]);
}

static void send_done(struct en_engine *en, int status)
{
	struct lg_instant *in = en->session.current;
	json_t *o = json_object();
	HS_TEXT prompt = { 0 };
	HS_FREE char *s = NULL;

	if (in) {
		int pid = im_info(in->image)->pid;

		say_diags(en, in);
		if (pid)
			hs_text_addf(&prompt, "%d @%u", pid, in->number);
		else
			hs_text_addf(&prompt, "core @%u", in->number);
		json_object_set_new(o, "pid", json_integer(pid));
		json_object_set_new(o, "instant", json_integer(in->number));
		json_object_set_new(o, "taken_ns", wr_u64(in->taken_ns));
	}
	json_object_set_new(o, "prompt", json_string(hs_text_str(&prompt)));
	json_object_set_new(o, "attached", json_boolean(in));
	json_object_set_new(o, "settings", settings(en));
	s = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	hs_err_free(wr_send(en->options.socket_fd, WR_DONE, (uint32_t)status,
			    s, strlen(s)));
}

static void begin(struct en_engine *en)
{
	hs_progress_end(&en->task);
}

/** Become attached as HELLO says. *ret stays NULL for mode "none". */
static struct hs_err *enter_mode(struct en_engine *en, const json_t *hello,
				 struct lg_instant **ret)
{
	const char *mode = wr_get_text(hello, "mode");

	if (!strcmp(mode, "attach"))
		return en_attach(en, (int)wr_get_i64(hello, "pid"), ret);
	if (!strcmp(mode, "open"))
		return en_open(en, wr_get_text(hello, "file"), ret);
	if (!strcmp(mode, "run"))
		return en_run(en, hello, ret);
	if (en->tracer && !strcmp(mode, "adopt")) {
		en_adopt(en);
		if (en->session.current)
			*ret = lg_instant_ref(en->session.current);
	}
	return NULL;
}

/** Settings of the command line: unknown ones are told, not fatal. */
static void take_options(struct en_engine *en, const json_t *options)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)options, name, value) {
		const char *text = json_string_value(value);
		struct hs_err *err;

		if (!text)
			continue;
		err = lg_set_setting(&en->session, name, text);
		if (!err)
			err = en->services.changed(en, name, text);
		if (err)
			en_words(en, "heapsh: %s", err->message);
		hs_err_free(err);
	}
}

/** heapsh plugin-check: the whole of what this engine is for. */
static void check_plugin(struct en_engine *en, const json_t *hello)
{
	json_t *doc = NULL;
	bool fine = true;
	struct hs_err *err = en_plugin_check(en, hello, &doc, &fine);

	if (err) {
		int status = send_error(en, err, "plugin-check");

		send_done(en, status == 1 ? 3 : status);
		return;
	}
	send_doc(en, doc, "plugin-check");
	send_done(en, !fine);
}

static void on_hello(struct en_engine *en, const struct wr_frame *f)
{
	struct lg_instant *in = NULL;
	struct hs_err *err;
	json_t *hello;
	bool adopted;

	hello = json_loadb(f->payload, f->h.length, 0, NULL);
	json_decref(en->shell_verbs);
	en->shell_verbs = json_incref(json_object_get(hello, "shell_verbs"));
	en->max_pause_ns = wr_get_u64(hello, "max_pause");
	en->rung = en_rung_of(wr_get_text(hello, "rung"));
	take_options(en, json_object_get(hello, "options"));
	adopted = !strcmp(wr_get_text(hello, "mode"), "adopt");
	begin(en);
	if (!strcmp(wr_get_text(hello, "mode"), "check")) {
		check_plugin(en, hello);
		json_decref(hello);
		return;
	}
	err = enter_mode(en, hello, &in);
	json_decref(hello);
	if (err) {
		int status = send_error(en, err, "attach");

		send_done(en, status == 1 ? 3 : status);
		return;
	}
	if (in) {
		if (!adopted)
			en_instant_enter(en, in);
		send_doc(en, json_deep_copy(in->attached), "attach");
		lg_instant_unref(in);
	}
	send_done(en, 0);
}

static void on_command(struct en_engine *en, const struct wr_frame *f)
{
	json_t *doc = NULL;
	struct hs_err *err;
	int status = 0;

	begin(en);
	err = lg_run(&en->session, f->payload, f->h.arg, &doc);
	hs_progress_end(&en->task);
	if (err)
		status = send_error(en, err, f->payload);
	else if (doc)
		send_doc(en, doc, f->payload);
	send_done(en, status);
}

static void on_complete(struct en_engine *en, const struct wr_frame *f)
{
	size_t point = f->h.arg < f->h.length ? f->h.arg : f->h.length;
	json_t *o = lg_complete(&en->session, f->payload, point);
	HS_FREE char *s = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	hs_err_free(wr_send(en->options.socket_fd, WR_MATCHES, 0, s,
			    strlen(s)));
}

static void on_quit(struct en_engine *en)
{
	en_instants_clear(en);
	en_end_child(en);
	send_done(en, 0);
	en->quit = true;
}

static void dispatch(struct en_engine *en, const struct wr_frame *f)
{
	switch (f->h.type) {
	case WR_HELLO:
		on_hello(en, f);
		break;
	case WR_COMMAND:
		on_command(en, f);
		break;
	case WR_COMPLETE:
		on_complete(en, f);
		break;
	case WR_QUIT:
		on_quit(en);
		break;
	default:
		en_words(en, "heapsh: message of type %u is not known to the "
			     "engine", f->h.type);
		send_done(en, 1);
	}
}

enum { PAUSE_MS = 20, LOOK_MS = 1000 };

/** Wait for the shell; between lines, clones are given back in time. */
static void wait_for_shell(struct en_engine *en)
{
	struct pollfd p = { .fd = en->options.socket_fd, .events = POLLIN };

	en->idle_since = hs_now_ns();
	// A script's next line, or its end, is there at once and goes first;
	// but there may be no pause at all.
	if (en->idle_since - en->looked < LOOK_MS * UINT64_C(1000000) &&
	    poll(&p, 1, PAUSE_MS) > 0)
		return;
	do {
		en_lifetime(en);
		en->looked = hs_now_ns();
	} while (poll(&p, 1, LOOK_MS) <= 0);
}

static void serve(struct en_engine *en)
{
	while (!en->quit) {
		struct wr_frame f = { 0 };
		struct hs_err *err;

		wait_for_shell(en);
		err = wr_recv(en->options.socket_fd, &f);
		if (err) {
			hs_err_free(err);
			break;
		}
		dispatch(en, &f);
		wr_frame_deinit(&f);
	}
	// The shell may be gone without a word: nothing may stay behind.
	en_instants_clear(en);
	en_end_child(en);
}

/** Where the shell sees, after a crash, which plugin ran, and what of it. */
static void running(void *arg, const char *name, const char *call)
{
	struct en_engine *en = arg;
	struct wr_shared *shared = en->shared;

	if (!name) {
		shared->plugin[0] = '\0';
		return;
	}
	// Ten million times the same: then only its first letter was lost.
	if (name != en->ran || call != en->ran_call) {
		snprintf(shared->plugin, sizeof(shared->plugin), "%s", name);
		snprintf(shared->call, sizeof(shared->call), "%s", call);
	}
	shared->plugin[0] = name[0];
	en->ran = name;
	en->ran_call = call;
}

static struct hs_err *begin_engine(struct en_engine *en)
{
	const struct en_options *o = &en->options;
	struct hs_err *err;

	en->shared = mmap(NULL, sizeof(*en->shared), PROT_READ | PROT_WRITE,
			  MAP_SHARED, o->shared_fd, 0);
	if (en->shared == MAP_FAILED)
		return hs_err_os(errno, "map the memory shared with the shell");
	en->budget.limit = hs_budget_default();
	hs_task_init(&en->task, &en->shared->task, &en->budget);
	err = md_host_create(NULL, 0, o->plugins.v, o->plugins.n, o->skip.v,
			     o->skip.n, &en->host);
	if (err)
		return err;
	md_set_running(en->host, running, en);
	err = en_watch_start(en);
	if (err)
		return err;
	md_scan(en->host, o->plugin_dirs.v, o->plugin_dirs.n);
	if (o->service_fd >= 0)
		err = tg_client_create(o->service_fd, &en->tracer);
	if (err)
		return err;
	en_services_init(en);
	en->session.verbs = vb_verbs;
	en->session.n_verbs = vb_n_verbs;
	en->session.settings = vb_settings;
	en->session.n_settings = vb_n_settings;
	en->session.task = &en->task;
	en->session.services = &en->services;
	en->session.part = send_part;
	en->session.part_arg = en;
	lg_session_init(&en->session);
	return NULL;
}

int en_main(const struct en_options *options)
{
	struct en_engine *en = hs_xalloc(sizeof(*en));
	struct hs_err *err;

	en->options = *options;
	en->child_fd = -1;
	en->looked = hs_now_ns();
	err = begin_engine(en);
	if (err) {
		fprintf(stderr, "heapsh-engine: %s\n", err->message);
		hs_err_free(err);
		free(en);
		return 1;
	}
	serve(en);
	lg_session_deinit(&en->session);
	hs_vec_deinit(&en->instants);
	json_decref(en->shell_verbs);
	tg_client_destroy(en->tracer);
	en_watch_end(en);
	md_host_destroy(en->host);
	munmap(en->shared, sizeof(*en->shared));
	free(en);
	return 0;
}
