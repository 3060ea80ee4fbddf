/* SPDX-License-Identifier: Apache-2.0 */
/**
 * engine: the role that holds instants, plugins and the language. It reads
 * frames from the shell, answers with documents, and asks the tracer for
 * clones. One thread, but for the sweeps of graph.
 */
#ifndef EN_ENGINE_H
#define EN_ENGINE_H

#include "err.h"
#include "task.h"
#include "text.h"
#include "vec.h"

#include "wire.h"

#include "image.h"
#include "lang.h"
#include "model.h"
#include "probe_wire.h"
#include "target.h"
#include "verb.h"

/** What the command line of the engine says; borrowed from argv. */
struct en_options {
	int socket_fd;		/* to the shell */
	int shared_fd;		/* struct wr_shared */
	int service_fd;		/* to the tracer */
	HS_VEC(const char *) plugin_dirs, plugins, skip;
};

/** One instant with what only the engine knows of it. */
struct en_instant {
	struct lg_instant lg;		/* first: lang's view of it */
	struct en_engine *engine;
	struct tg_instant *tracer;	/* NULL: a core */
	struct en_eval *eval;		/* who runs its code, or NULL */
	uint64_t released_at;		/* hs_now_ns(), 0: held */
	uint64_t look_again;		/* hs_now_ns(): at what it costs */
	size_t n_said;			/* of the plugin's sentences */
};

/** How an instant is to be had; EN_AUTO: the best that is possible. */
enum en_rung { EN_AUTO, EN_COPY, EN_LIVE };

struct en_engine {
	struct en_options options;
	struct wr_shared *shared;
	struct hs_budget budget;
	struct hs_task task;
	struct md_host *host;
	struct en_watch *watch;
	const char *ran, *ran_call;	/* the plugin's last call */
	struct tg_client *tracer;	/* NULL without a tracer */
	struct lg_session session;
	struct vb_services services;
	HS_VEC(struct lg_instant *) instants;	/* references, oldest first */
	unsigned n_taken;		/* number of the newest instant */

	int pid;			/* attached to, or 0 */
	int child;			/* we started it, or 0 */
	int child_fd;			/* its pidfd, or -1 */
	bool end_child;			/* and end it (the demo) */
	struct md_claim claim;		/* of the attached process */
	uint64_t max_pause_ns;
	enum en_rung rung;		/* that the user asked for */
	json_t *shell_verbs;		/* of HELLO, or NULL */
	uint64_t idle_since;		/* hs_now_ns() */
	uint64_t looked;		/* hs_now_ns(): at what they cost */
	bool quit;
};

/** The engine's whole life. Returns the exit status of the process. */
int en_main(const struct en_options *options);

/* attach.c: a process or file becomes an instant. */
struct hs_err *en_attach(struct en_engine *en, int pid,
			 struct lg_instant **ret) HS_MUST_USE;
struct hs_err *en_open(struct en_engine *en, const char *path,
		       struct lg_instant **ret) HS_MUST_USE;
struct hs_err *en_snap(struct en_engine *en, const char *name,
		       struct lg_instant **ret) HS_MUST_USE;
/**
 * Freeze the process for someone else than a session: *t (NULL when it can only
 * be read as it runs) is the caller's to release and free.
 */
struct hs_err *en_freeze(struct en_engine *en, int pid, struct tg_instant **t,
			 struct im_image **ret) HS_MUST_USE;
/**
 * Settle t as the plugin's script says. On return *im is the image to read (it
 * may be another one) and *settled says whether it is consistent.
 */
struct hs_err *en_settle(struct en_engine *en, struct tg_instant *t,
			 const struct heapsh_settle *s, struct im_image **im,
			 bool *settled) HS_MUST_USE;
/** After a death: the tracer's instants again. Errors become words. */
void en_adopt(struct en_engine *en);

/* family.c */
/** A child of pid, or of a child, that a plugin knows; 0: there is none. */
int en_family_find(struct en_engine *en, int pid, struct md_claim *claim);
/** Says so where children that run the same program hold more than pid does. */
void en_family_say(struct en_engine *en, int pid);

/* ladder.c: how an instant is had. */

/** How this one is, and why not better. */
struct en_way {
	int pid;
	enum tg_rung rung;
	struct tg_report report;
	char *reason;			/* why no better rung, or NULL */
};
void en_way_deinit(struct en_way *way);
#define EN_WAY HS_CLEANUP(en_way_deinit) struct en_way
enum en_rung en_rung_of(const char *word);
/** The best rung that is possible, nothing being stopped. */
struct hs_err *en_way_find(struct en_engine *en, int pid,
			   struct en_way *ret) HS_MUST_USE;
/**
 * Take the instant, by a lower rung where the process itself is in the way of
 * this one. *ret is NULL for TG_LIVE.
 */
struct hs_err *en_way_take(struct en_engine *en, struct en_way *way,
			   struct tg_instant **ret) HS_MUST_USE;
/** Words to the user when it was not the first rung. */
void en_way_say(struct en_engine *en, const struct en_way *way);

/* instant.c: the list of them. */
/** New, empty, with one reference of the caller. */
struct en_instant *en_instant_create(struct en_engine *en);
static inline struct en_instant *en_instant_of(struct lg_instant *in)
{
	return (struct en_instant *)in;
}
/** Append to the list (one reference) and make it current (another). */
void en_instant_enter(struct en_engine *en, struct lg_instant *in);
struct hs_err *en_instant_find(struct en_engine *en, const char *which,
			       struct lg_instant **ret) HS_MUST_USE;
/** Give its clone back. Twice is fine. */
struct hs_err *en_instant_release(struct en_engine *en, struct lg_instant *in)
	HS_MUST_USE;
/**
 * The same, but its pages are copied first, as far as memory allows. To ret is
 * added what still answers, as half a sentence.
 */
struct hs_err *en_instant_keep(struct en_engine *en, struct lg_instant *in,
			       struct hs_text *ret) HS_MUST_USE;
/** Release all and forget them; values may outlive them. */
void en_instants_clear(struct en_engine *en);

/* evaluate.c: code of the program is run. */
/** For an instant whose model is open. */
void en_eval_create(struct en_instant *in);
/** Its copy ends, before the clone that it is of. */
void en_eval_end(struct en_instant *in);
void en_eval_destroy(struct en_instant *in);
/** For verbs: vb_services.eval. */
struct hs_err *en_eval_of(void *engine, struct lg_instant *lg,
			  struct tg_eval **ret) HS_MUST_USE;

/* load.c */
/** vb_services.probe_load */
struct hs_err *en_probe_load(void *engine, uint64_t wait_ns,
			     struct lg_value **ret) HS_MUST_USE;

/* live.c: vb_services.live_begin, .live_end, .live_try, .live_call */
struct hs_err *en_live_begin(void *engine, const char *what,
			     struct vb_live *ret) HS_MUST_USE;
void en_live_end(void *engine, struct vb_live *live);
struct hs_err *en_live_try(void *engine, const char *what,
			   const struct vb_live *live, uint32_t cpu_ms,
			   struct wr_probe_box *io,
			   struct tg_eval_result *ret) HS_MUST_USE;
struct hs_err *en_live_call(void *engine, const char *what,
			    struct vb_live *live, uint64_t wait_ns,
			    struct wr_probe_box *io) HS_MUST_USE;

/* lifetime.c */
/** How often, at most, it is asked what an instant costs the program. */
#define EN_LOOK_NS UINT64_C(1000000000)
enum { EN_WHOLE_MOST = 2 };	/* instants whose graphs keep all layers */
enum { EN_KEPT_MOST = 2 };	/* released instants whose pages are kept */
/** Between lines, once a second: give back what `hold` or `cow` say. */
void en_lifetime(struct en_engine *en);

/* run.c: a program of our own. */
struct hs_err *en_run(struct en_engine *en, const json_t *hello,
		      struct lg_instant **ret) HS_MUST_USE;
void en_own_child(struct en_engine *en, int pid);
void en_end_child(struct en_engine *en);

/* doctor.c */
/** What is permitted, recognised, left behind, and what to do about it. */
struct hs_err *en_doctor(void *engine, int pid, json_t **ret) HS_MUST_USE;
/** attach.c: the process as it runs, though the tracer alone may open it. */
struct hs_err *en_open_live(struct en_engine *en, int pid,
			    struct im_image **ret) HS_MUST_USE;
/** attach.c: which plugin's is it? Asked of the running process. */
struct hs_err *en_recognise(struct en_engine *en,
			    const struct tg_report *report,
			    struct md_claim *ret) HS_MUST_USE;
/** A model of the process as it runs; im is borrowed. */
struct hs_err *en_look(struct en_engine *en, const struct md_claim *claim,
		       struct im_image *im, struct md_model **ret) HS_MUST_USE;

/* services.c, setup.c */
void en_services_init(struct en_engine *en);
/** A sentence as a verb's value. */
struct lg_value *en_sentence(const char *fmt, ...) HS_PRINTF(1, 2);
/** `set memory=`: a size, "auto" or "none"; checked by the setting's record. */
void en_set_memory(struct en_engine *en, const char *value);
json_t *en_setup(void *engine);
json_t *en_attached_doc(struct lg_instant *in);

/* watch.c */
/**
 * Begin to end this process when a plugin's call does not return in its time;
 * the shell starts it again without the plugin. HEAPSH_PLUGIN_MS is taken
 * for every limit, for tests.
 */
struct hs_err *en_watch_start(struct en_engine *en) HS_MUST_USE;
void en_watch_end(struct en_engine *en);

/* where.c */
/**
 * Append HEAPSH_PLUGIN_PATH (ignored when uid and euid differ; absolute
 * folders only) and the tree's or the installed folder. Kept for ever.
 */
void en_where_plugins(struct en_options *o);

/** heapsh-probe.so, in the tree or installed. free(). */
char *en_where_probe(void);

/* loop.c */
void en_words(struct en_engine *en, const char *fmt, ...) HS_PRINTF(2, 3);
#endif
