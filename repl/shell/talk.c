// SPDX-License-Identifier: GPL-3.0-or-later
// Asking the engine, and what happens when it does not answer.
#include "shell.h"

#include <errno.h>
#include <poll.h>

#include "signals.h"

enum {
	TICK_MS = 100,
	MAX_DEATHS = 3, /* one after the other, without an answer */
};

#define SECOND_NS UINT64_C(1000000000)
/* design.md, section 2: after Ctrl-C an answer within, or the engine's end. */
#define PATIENCE_NS (2 * SECOND_NS)
/* Whoever presses Tab does not wait for a sweep of the heap. */
#define COMPLETE_NS SECOND_NS
/* For each target to go on without us. */
#define RELEASE_NS (5 * SECOND_NS)

/* One question. */
struct talk {
	struct sh_shell *sh;
	sh_on_doc *on_doc;
	void *arg;
	enum wr_type type;
	bool done;
	int status;
	uint64_t asked_ns;
	uint64_t cancelled_ns; /* 0: nobody pressed Ctrl-C */
	struct sh_progress progress;
};

enum outcome { ANSWERED, DIED, LOOPS };

static void take_state(struct sh_shell *sh, const struct wr_frame *f)
{
	struct sh_state *st = &sh->state;
	json_t *o = json_loadb(f->payload, f->h.length, 0, NULL);
	struct vw_style style = sh_style(sh, 1);
	HS_TEXT prompt = { 0 };
	const char *s = wr_get_text(o, "prompt");

	if (!json_is_object(o)) {
		json_decref(o);
		return;
	}
	vw_foreign(&prompt, &style, s, strlen(s));
	free(st->prompt);
	st->prompt = hs_text_take(&prompt);
	st->attached = json_is_true(json_object_get(o, "attached"));
	st->taken_ns = wr_get_u64(o, "taken_ns");
	json_decref(st->settings);
	st->settings = json_incref(json_object_get(o, "settings"));
	json_decref(o);
}

const char *sh_setting(const struct sh_shell *sh, const char *name)
{
	return wr_get_text(sh->state.settings, name);
}

static void take_doc(struct talk *t, const struct wr_frame *f)
{
	struct hs_err *err;
	json_t *doc;

	err = wr_doc_decode(f->payload, f->h.length, &doc);
	if (err) {
		sh_say("heapsh: the engine's answer cannot be read: %s",
		       err->message);
		hs_err_free(err);
		t->status = SH_EXIT_FAILED;
		return;
	}
	sh_progress_erase(&t->progress);
	if (t->on_doc)
		t->on_doc(t->sh, doc, t->arg);
	json_decref(doc);
}

static void take_matches(struct talk *t, const struct wr_frame *f)
{
	json_t *o = json_loadb(f->payload, f->h.length, 0, NULL);

	if (o && t->on_doc)
		t->on_doc(t->sh, o, t->arg);
	json_decref(o);
}

static void take_frame(struct talk *t, const struct wr_frame *f)
{
	switch ((enum wr_type)f->h.type) {
	case WR_DOC:
		take_doc(t, f);
		break;
	case WR_WORDS:
		sh_progress_erase(&t->progress);
		sh_say_text(f->payload, f->h.length);
		break;
	case WR_MATCHES:
		if (t->type == WR_COMPLETE)
			take_matches(t, f);
		t->done = t->type == WR_COMPLETE;
		break;
	case WR_DONE:
		take_state(t->sh, f);
		t->status = t->status ? t->status : (int)(f->h.arg & 0xff);
		t->done = t->type != WR_COMPLETE;
		break;
	case WR_HELLO:
	case WR_COMMAND:
	case WR_COMPLETE:
	case WR_QUIT:
	default:
		break;
	}
}

/* All frames that have come. */
static struct hs_err *receive(struct talk *t)
{
	struct sh_roles *r = &t->sh->roles;
	struct wr_frame f;
	struct hs_err *err;
	bool whole;

	do {
		err = wr_reader_poll(&r->reader, r->engine_fd, &whole);
		if (err || !whole)
			return err;
		f = wr_reader_take(&r->reader);
		take_frame(t, &f);
		wr_frame_deinit(&f);
	} while (!t->done);
	return NULL;
}

/* Ctrl-C has set the word already, in the signal's handler. */
static bool out_of_patience(struct talk *t)
{
	struct hs_shared *shared = &t->sh->roles.shared->task;
	uint64_t now = hs_now_ns();

	if (t->type == WR_COMPLETE && now - t->asked_ns > COMPLETE_NS)
		atomic_store(&shared->cancel, 1);
	if (t->type == WR_QUIT)
		return now - t->asked_ns > RELEASE_NS;
	if (!sh_signals.interrupted && !sh_signals.ended)
		return false;
	if (!t->cancelled_ns)
		t->cancelled_ns = now;
	return now - t->cancelled_ns > PATIENCE_NS;
}

static enum outcome serve(struct talk *t)
{
	struct sh_roles *r = &t->sh->roles;
	struct pollfd p[] = { { .fd = r->engine_fd, .events = POLLIN },
			      { .fd = sh_signals.wake_fd, .events = POLLIN } };
	struct hs_err *err = NULL;

	while (!t->done && !err) {
		if (out_of_patience(t))
			return LOOPS;
		sh_progress_tick(&t->progress, r->shared);
		if (poll(p, HS_ARRAY_SIZE(p), TICK_MS) <= 0)
			continue;
		if (p[1].revents)
			sh_signals_drain();
		if (p[0].revents)
			err = receive(t);
	}
	if (err && err->code != HS_ERR_GONE)
		sh_say("heapsh: %s", err->message);
	hs_err_free(err);
	return t->done ? ANSWERED : DIED;
}

static enum outcome talk(struct talk *t, enum wr_type type, uint32_t arg,
			 const char *text)
{
	struct sh_roles *r = &t->sh->roles;
	struct hs_err *err;
	enum outcome outcome;

	if (r->engine_fd < 0)
		return DIED;
	t->type = type;
	t->asked_ns = hs_now_ns();
	atomic_store(&r->shared->task.cancel, 0);
	err = wr_send(r->engine_fd, type, arg, text, strlen(text));
	if (err) {
		hs_err_free(err);
		return DIED;
	}
	outcome = serve(t);
	sh_progress_erase(&t->progress);
	return outcome;
}

/* --- HELLO ---------------------------------------------------------------- */

static void set_target(json_t *hello, const struct sh_options *o)
{
	json_t *argv = json_array();
	size_t i;

	for (i = 0; o->argv && o->argv[i]; i++)
		json_array_append_new(argv,
				      json_stringn_nocheck(o->argv[i],
							   strlen(o->argv[i])));
	json_object_set_new(hello, "argv", argv);
	if (o->mode == SH_OPEN)
		json_object_set_new(hello, "file",
				    json_string_nocheck(o->target));
}

/* The plugin's file, and what it is run over: a file is a core. */
static struct hs_err *set_check(json_t *hello, const struct sh_options *o)
{
	HS_FREE char *path = realpath(o->target, NULL);
	struct hs_err *err = NULL;
	int pid;

	json_object_set_new(hello, "file",
			    json_string_nocheck(path ? path : o->target));
	if (!o->process)
		return NULL;
	if (strchr(o->process, '/') || !access(o->process, R_OK)) {
		json_object_set_new(hello, "core",
				    json_string_nocheck(o->process));
		return NULL;
	}
	err = sh_find_process(o->process, &pid);
	if (!err)
		json_object_set_new(hello, "pid", json_integer(pid));
	return err;
}

static const char *mode_name(enum sh_mode mode)
{
	switch (mode) {
	case SH_ATTACH:
		return "attach";
	case SH_OPEN:
		return "open";
	case SH_RUN:
	case SH_DEMO:
		return "run";
	case SH_CHECK:
		return "check";
	case SH_NONE:
	case SH_DOCTOR:
	case SH_HELP:
	case SH_VERSION:
	default:
		return "none";
	}
}

/* What was set, after a death; else what is not as a terminal would want it:
 * programs read more rows than people of a table. */
static json_t *settings(const struct sh_shell *sh)
{
	if (sh->state.settings)
		return json_incref(sh->state.settings);
	if (sh->options->format == VW_TEXT)
		return json_null();
	return json_pack("{ss}", "rows", "1000");
}

/* mode: "adopt" after a death; else NULL. */
static struct hs_err *make_hello(struct sh_shell *sh, const char *mode,
				 char **ret)
{
	const struct sh_options *o = sh->options;
	json_t *hello = json_object(), *argv;
	struct hs_err *err = NULL;
	int pid;

	json_object_set_new(hello, "mode",
			    json_string(mode ? mode : mode_name(o->mode)));
	json_object_set_new(hello, "max_pause", wr_u64(o->max_pause_ns));
	json_object_set_new(hello, "rung", json_string(o->rung ? o->rung : ""));
	json_object_set_new(hello, "probe", json_boolean(o->probe));
	json_object_set_new(hello, "shell_verbs", sh_verbs_json());
	json_object_set_new(hello, "options", settings(sh));
	set_target(hello, o);
	if (!mode && o->mode == SH_ATTACH) {
		err = o->ns ? sh_find_inner(o->target, &pid) :
			      sh_find_process(o->target, &pid);
		if (!err)
			json_object_set_new(hello, "pid", json_integer(pid));
	}
	if (!mode && o->mode == SH_CHECK)
		err = set_check(hello, o);
	if (!mode && o->mode == SH_DEMO) {
		err = sh_demo_argv(&argv);
		if (!err)
			json_object_set_new(hello, "argv", argv);
		json_object_set_new(hello, "wait_line", json_true());
		json_object_set_new(hello, "end_child", json_true());
	}
	if (!err)
		*ret = json_dumps(hello, JSON_COMPACT);
	if (!err && !*ret)
		err = hs_err_new(HS_ERR_USAGE, "the command line is not UTF-8");
	json_decref(hello);
	return err;
}

static void show_attached(struct sh_shell *sh, json_t *doc, void *arg)
{
	(void)arg;
	sh_out_doc(sh, NULL, doc);
}

/* --- the engine's death --------------------------------------------------- */

static void say_lost(enum outcome outcome, const char *how, const char *plugin)
{
	HS_TEXT t = { 0 };

	if (outcome == LOOPS)
		hs_text_add(&t, "gave no answer within 2 s and was stopped");
	else
		hs_text_add(&t, how);
	if (plugin)
		hs_text_addf(&t, " while the plugin '%s' ran", plugin);
	sh_say("heapsh: the engine %s: variables and results are lost",
	       hs_text_str(&t));
}

static void forget_state(struct sh_shell *sh)
{
	free(sh->state.prompt);
	sh->state.prompt = NULL;
	sh->state.attached = false;
	sh->state.taken_ns = 0;
}

/* Start one and let it take over the instants that the tracer holds. */
static enum outcome revive(struct sh_shell *sh)
{
	struct talk t = { .sh = sh, .on_doc = show_attached };
	HS_FREE char *hello = NULL;
	struct hs_err *err;

	err = sh_engine_start(&sh->roles);
	if (!err)
		err = make_hello(sh, "adopt", &hello);
	if (err) {
		sh_say("heapsh: %s", err->message);
		hs_err_free(err);
		return DIED;
	}
	return talk(&t, WR_HELLO, 0, hello);
}

/* Nothing more is going to be asked. */
static bool stops(const struct sh_shell *sh)
{
	return sh_signals.ended || (sh_signals.interrupted && !sh->interactive);
}

static void replace_engine(struct sh_shell *sh, enum outcome outcome)
{
	const char *plugin;
	unsigned deaths;

	sh_note(sh, SH_EXIT_FAILED);
	for (deaths = 0; outcome != ANSWERED && deaths < MAX_DEATHS; deaths++) {
		HS_FREE char *how =
			sh_engine_bury(&sh->roles, outcome == LOOPS, &plugin);

		say_lost(outcome, how, plugin);
		if (stops(sh))
			break;
		sh_signals.interrupted = 0;
		if (plugin)
			sh_say("heapsh: starting it again without the plugin "
			       "'%s'",
			       plugin);
		else
			sh_say("heapsh: starting it again");
		forget_state(sh);
		outcome = revive(sh);
	}
	if (outcome == ANSWERED)
		return;
	if (!stops(sh))
		sh_say("heapsh: no engine: it ends as soon as it is started");
	sh->quit = true;
}

static void look_at_tracer(struct sh_shell *sh)
{
	if (sh_tracer_died(&sh->roles))
		sh_say("heapsh: the tracer ended, and its instants with it: "
		       "what was read still answers; to attach again, leave "
		       "and start heapsh anew");
}

/* Words that came meanwhile, and whether it is still there. */
static enum outcome look_at_engine(struct sh_shell *sh)
{
	struct talk t = { .sh = sh };
	struct hs_err *err;

	if (sh->roles.engine_fd < 0)
		return DIED;
	err = receive(&t);
	hs_err_free(err);
	return err ? DIED : ANSWERED;
}

void sh_idle(struct sh_shell *sh)
{
	enum outcome outcome = look_at_engine(sh);

	if (outcome != ANSWERED)
		replace_engine(sh, outcome);
}

int sh_ask(struct sh_shell *sh, enum wr_type type, uint32_t arg,
	   const char *text, sh_on_doc *on_doc, void *on_doc_arg)
{
	struct talk t = { .sh = sh, .on_doc = on_doc, .arg = on_doc_arg };
	enum outcome outcome;

	// One that died between two lines has not seen this one.
	sh_idle(sh);
	if (sh->quit)
		return SH_EXIT_FAILED;
	outcome = talk(&t, type, arg, text);
	look_at_tracer(sh);
	if (outcome == ANSWERED)
		return t.status;
	replace_engine(sh, outcome);
	return SH_EXIT_FAILED;
}

/*
 * The engine died of the first HELLO. When that was a plugin's doing, a second
 * engine without it says better than we could what is missing; but a program
 * must not be started twice. False: that is that.
 */
static bool begin_again(struct sh_shell *sh, enum outcome outcome)
{
	const char *plugin;
	HS_FREE char *how = NULL;
	struct hs_err *err;

	how = sh_engine_bury(&sh->roles, outcome == LOOPS, &plugin);
	sh_say("heapsh: the engine %s%s%s%s, before it was attached",
	       outcome == LOOPS ? "gave no answer" : how,
	       plugin ? " while the plugin '" : "", plugin ? plugin : "",
	       plugin ? "' ran" : "");
	if (!plugin || sh_signals.interrupted || sh_signals.ended ||
	    !strcmp(mode_name(sh->options->mode), "run"))
		return false;
	sh_say("heapsh: starting it again without the plugin '%s'", plugin);
	err = sh_engine_start(&sh->roles);
	if (err)
		sh_out_error(sh, err, NULL);
	return !err;
}

int sh_begin(struct sh_shell *sh)
{
	HS_FREE char *hello = NULL;
	enum outcome outcome;
	struct hs_err *err;
	unsigned deaths = 0;

	err = make_hello(sh, NULL, &hello);
	if (!err)
		err = sh_roles_start(&sh->roles);
	if (!err)
		err = sh_signals_init(sh->roles.shared);
	if (err) {
		sh_out_error(sh, err, NULL);
		return SH_EXIT_NOT_ATTACHED;
	}
	for (;;) {
		struct talk t = { .sh = sh, .on_doc = show_attached };

		outcome = talk(&t, WR_HELLO, 0, hello);
		look_at_tracer(sh);
		if (sh_signals.interrupted)
			return SH_EXIT_INTERRUPTED;
		if (outcome == ANSWERED)
			return t.status;
		if (!begin_again(sh, outcome) || ++deaths > MAX_DEATHS)
			return SH_EXIT_NOT_ATTACHED;
	}
}

void sh_release(struct sh_shell *sh)
{
	struct talk t = { .sh = sh };

	if (sh->roles.engine_fd < 0 || sh->released)
		return;
	sh->released = true;
	// Whatever comes of it: its socket's end has the same meaning.
	talk(&t, WR_QUIT, 0, "");
}
