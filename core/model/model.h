/* SPDX-License-Identifier: Apache-2.0 */
/**
 * model: the host side of plugin.h. Finds and loads plugins, asks them whose
 * the process is, and turns the winner's answers into C calls that the rooms to
 * the right use. No runtime is named here.
 */
#ifndef MD_MODEL_H
#define MD_MODEL_H

#include "err.h"
#include "task.h"

#include "plugin.h"

struct im_image;
struct im_reader;

/* --- plugins on disk ---------------------------------------------------- */

struct md_host;			/* the loaded plugins */

/** Borrowed from the host, until the next call of md_plugins(). */
struct md_plugin_info {
	const char *name, *path, *version;
	const char *problem;	/* why it was not loaded, or NULL */
	const char *fault;	/* why it is disabled, or NULL */
	const char *claim;	/* what it said of the last process, or "" */
	unsigned abi_minor;
	uint64_t calls, time_ns, reads;	/* of it, in it, by it */
};

/**
 * Load every plugin of the folders (each plugins/NAME/NAME.so, NAME.so, or the
 * build tree's NAME/.libs/NAME.so). A file or folder that others can write is
 * refused; so are a missing entry symbol or another ABI major: both show as
 * problem, never as failure. only: names to use, or NULL for all. skip: those
 * that have crashed, each "NAME" or "NAME:how".
 */
struct hs_err *md_host_create(const char *const *dirs, size_t n_dirs,
			      const char *const *only, size_t n_only,
			      const char *const *skip, size_t n_skip,
			      struct md_host **ret) HS_MUST_USE;
void md_host_destroy(struct md_host *host);
/** More folders, after md_set_running(): a plugin may die of being loaded. */
void md_scan(struct md_host *host, const char *const *dirs, size_t n_dirs);
size_t md_plugins(struct md_host *host, const struct md_plugin_info **ret);
/** Load one more file ("plugin load FILE"). */
struct hs_err *md_load(struct md_host *host, const char *path) HS_MUST_USE;
/**
 * Told the plugin that is about to run and for what ("open()"), and NULL when
 * it has returned; the engine writes it where the shell sees it after a crash.
 */
typedef void md_running_fn(void *arg, const char *name, const char *call);
void md_set_running(struct md_host *host, md_running_fn *fn, void *arg);
/**
 * Use it no more ("plugins disable"), or again. Instants that it has opened
 * keep their state and answer nothing meanwhile. HS_ERR_NAME.
 */
struct hs_err *md_disable(struct md_host *host, const char *name,
			  const char *why) HS_MUST_USE;
struct hs_err *md_enable(struct md_host *host, const char *name) HS_MUST_USE;

/** A call of a plugin that has not come back in its time. */
struct md_overdue {
	const char *plugin, *call;
	unsigned ms;
};
enum { MD_TICK_MS = 250 };
/**
 * To be called each MD_TICK_MS by a thread that does nothing else: true when a
 * call is overdue. Time in which the process is stopped does not count.
 */
bool md_tick(struct md_host *host, struct md_overdue *ret);
/** What every call may take instead of plugin.h's; 0: those. */
void md_set_limit_ms(struct md_host *host, unsigned ms);

/* --- whose is it -------------------------------------------------------- */

/** Borrowed from the host; valid as long as it. */
struct md_claim {
	const struct heapsh_plugin *plugin;
	struct heapsh_claim claim;
	/* Others that said yes: a process may hold several runtimes. */
	uint32_t n_others;
	struct {
		const struct heapsh_plugin *plugin;
		struct heapsh_claim claim;
	} others[3];
};
/**
 * Ask every plugin; the most confident YES comes first. HS_ERR_UNSUPPORTED when
 * none says yes: the message holds a refusal's own sentence, or what was seen
 * and which plugins looked.
 */
struct hs_err *md_probe(struct md_host *host, struct im_image *live,
			struct md_claim *ret) HS_MUST_USE;
/** Ask how to settle. Without an answer: flags CONSISTENT. */
void md_settle(struct md_host *host, const struct md_claim *claim,
	       struct im_image *frozen, struct heapsh_settle *ret);

/* --- one instant, understood -------------------------------------------- */

struct md_model;

/** A type, copied from the plugin's; number is its index. */
struct md_type {
	char *name;
	uint32_t flags;		/* heapsh_type_flags */
	uint64_t address, basic_size, item_size, pre_size;
};

/** Opens the plugin's state on the image. Borrows host and im. */
struct hs_err *md_open(struct md_host *host, const struct md_claim *claim,
		       struct im_image *im, struct hs_task *task,
		       struct md_model **ret) HS_MUST_USE;
void md_close(struct md_model *m);
/**
 * Before a frozen instant is believed: ask for some hundred of its objects in
 * several ways. HS_ERR_PLUGIN, and the plugin is disabled, when the answers do
 * not fit together. Milliseconds; where it would take more it is put off until
 * the first question of somebody else, unless now.
 */
struct hs_err *md_believe(struct md_model *m, bool now) HS_MUST_USE;
const struct heapsh_plugin *md_plugin(const struct md_model *m);
const struct heapsh_claim *md_claim(const struct md_model *m);
const struct heapsh_status *md_status(const struct md_model *m);
/**
 * Why nothing that this model answers can be believed any more: HS_ERR_PLUGIN
 * with the plugin's name, the reason and the remedy; or NULL.
 */
struct hs_err *md_fault(const struct md_model *m) HS_MUST_USE;
/** Disabled for what its plugin did, not because somebody wished it. */
bool md_found_out(const struct md_model *m);
/** The task whose cancel word host->cancelled() answers; per command. */
void md_set_task(struct md_model *m, struct hs_task *task);

/** Number of types known so far; grows while sweeping. Thread-safe. */
uint32_t md_n_types(const struct md_model *m);
/** Valid for the model's life. type < md_n_types(). */
const struct md_type *md_type(const struct md_model *m, uint32_t type);
/** UINT32_MAX when no type has that name or address. */
uint32_t md_type_by_name(const struct md_model *m, const char *name);
uint32_t md_type_by_address(const struct md_model *m, uint64_t addr);

/**
 * sweep/at/refs with the caller's callbacks: fill sink->object, ->edge,
 * ->nothing, ->want; reader is a im_reader of the calling thread. Embed the
 * sink as the first member of your own struct.
 */
void md_sweep(struct md_model *m, const struct heapsh_chunk *chunk,
	      struct heapsh_sink *sink);
void md_at(struct md_model *m, const uint64_t *addr, uint32_t n,
	   struct heapsh_sink *sink);
/** Does md_sweep() with this want look at chunk->bytes? Else it may be NULL. */
bool md_wants_bytes(const struct md_model *m, uint32_t want);
/** As the plugin's: *grain is checked (power of two, 4 KiB..1 MiB). */
uint32_t md_ranges(struct md_model *m, struct heapsh_range *ret, uint32_t cap,
		   uint64_t *grain);
void md_roots(struct md_model *m, heapsh_root_fn *emit, void *arg);

/*
 * Bytes, for the rooms to the right of this one, which do not see image.
 * As im_read, im_reader_create/_destroy and im_reader_lend: image.h says more.
 */
uint64_t md_read(struct md_model *m, uint64_t addr, void *buf, uint64_t len);
struct hs_err *md_reader_create(struct md_model *m, struct hs_budget *budget,
				struct im_reader **ret) HS_MUST_USE;
void md_reader_destroy(struct im_reader *r);
void md_reader_lend(struct im_reader *r, uint64_t addr, const void *bytes,
		    uint64_t len);
/** As im_view() and im_view_at_hand(). */
const void *md_view(struct im_reader *r, uint64_t addr, uint64_t len);
const void *md_view_at_hand(struct im_reader *r, uint64_t addr, uint64_t len);
/** Give back what the model's own readers keep. Of the main thread. */
void md_trim(struct md_model *m);

/* One object, main thread. */
struct md_object {
	struct heapsh_object o;
	const struct md_type *type;
};
/** False when no object begins there. */
bool md_object_at(struct md_model *m, uint64_t addr, struct md_object *ret);

/** An edge with its label's text made (escaped), for people. */
struct md_edge {
	struct heapsh_edge e;
	/* static text of the plugin in e.text stays valid */
};
/**
 * Every edge of the object in the plugin's own order. *ret is a malloc'ed
 * array that the caller frees. HS_ERR_NAME when there is no object.
 */
struct hs_err *md_edges(struct md_model *m, uint64_t addr, struct md_edge **ret,
			size_t *n) HS_MUST_USE;

/**
 * The nth (from 0) strong edge from addr to target; false when there is none.
 * Keeps no other: an object may have millions.
 */
bool md_edge_to(struct md_model *m, uint64_t addr, uint64_t target,
		uint32_t nth, struct md_edge *ret);

/** Repr of an object, escaped, at most max columns ("…" when cut). free(). */
char *md_render(struct md_model *m, uint64_t addr, uint32_t style, size_t max);
/**
 * As md_render() for each of n objects, on any thread: fn(arg, i, text, len) is
 * told, in order; the text has a NUL and lives until fn returns. text NULL: ask
 * md_render(). False, and nobody is told: the plugin has no such call.
 */
typedef void md_text_fn(void *arg, uint32_t i, const char *text, size_t len);
bool md_texts(struct md_model *m, struct im_reader *reader,
	      const uint64_t *addr, uint32_t n, uint32_t style, size_t max,
	      md_text_fn *fn, void *arg);
/**
 * Text of an edge: Heapy's words ("['k']", ".name", "->table", "[3]",
 * ".keys()[2]", "list(set)[1]", ".locals['x']", ".??"). free().
 */
char *md_label(struct md_model *m, const struct heapsh_edge *e);
/** "__main__.Account", or "dict of __main__.Account" for an owner. free(). */
char *md_kind_name(struct md_model *m, uint32_t type, uint32_t owner);

uint64_t md_lookup(struct md_model *m, const char *name, size_t n);
uint64_t md_attr(struct md_model *m, uint64_t addr, const char *name, size_t n);
/** The same of some hundred objects, of as many as one call may take. */
void md_attrs(struct md_model *m, const uint64_t *addr, uint32_t n_addr,
	      const char *name, size_t n, uint64_t *ret);
uint64_t md_item(struct md_model *m, uint64_t addr,
		 const struct heapsh_key *key);
/** The same of many objects. */
void md_items(struct md_model *m, const uint64_t *addr, uint32_t n,
	      const struct heapsh_key *key, uint64_t *ret);
void md_names(struct md_model *m, uint64_t addr, const char *prefix, size_t n,
	      heapsh_name_fn *fn, void *arg);
bool md_measure(struct md_model *m, uint64_t addr, struct heapsh_measure *ret);

/*
 * The optional interfaces that this host knows, each call checked; false, 0 or
 * no call where the plugin has none. Texts live until the next call and are
 * not escaped.
 */
bool md_thread(struct md_model *m, uint32_t index, struct heapsh_thread *ret);
/** Frame 0 is the innermost. */
bool md_frame(struct md_model *m, uint32_t thread, uint32_t index,
	      struct heapsh_frame *ret);
bool md_variable(struct md_model *m, uint32_t thread, uint32_t frame,
		 uint32_t index, struct heapsh_variable *ret);
void md_each_module(struct md_model *m, heapsh_name_fn *fn, void *arg);
/**
 * What the object's own code says, run in a disposable copy: its text (what:
 * heapsh_ask_what; escaped, at most max columns, free()), or how many bytes it
 * has. HS_ERR_UNSUPPORTED when no code can be run, HS_ERR_NAME when it ended in
 * another way than with an answer: the message is a clause about "it".
 */
struct hs_err *md_ask_text(struct md_model *m, uint64_t addr, uint32_t what,
			   size_t max, char **ret) HS_MUST_USE;
/**
 * The texts of many, in one copy; fn as md_texts()'s is told of those that have
 * one. Not on two threads at once. HS_ERR_CANCELLED, HS_ERR_UNSUPPORTED.
 */
struct hs_err *md_ask_texts(struct md_model *m, const uint64_t *addr,
			    uint32_t n, uint32_t what, size_t max,
			    md_text_fn *fn, void *arg) HS_MUST_USE;
struct hs_err *md_ask_flat(struct md_model *m, uint64_t addr,
			   uint64_t *ret) HS_MUST_USE;
/**
 * Escape character by character until max columns are full. An escape is taken
 * whole or not at all. more: there was text beyond s already.
 * free().
 */
char *md_fit(const char *s, size_t n, size_t max, bool more);
/**
 * A call of an object, in a disposable copy. RETURNED: *ret is its result's
 * text, escaped, at most max columns, free(). Any other end: how->why says it,
 * escaped. HS_ERR_UNSUPPORTED when no code can be run or the runtime has no
 * such call. Sizes are set here.
 */
struct hs_err *md_invoke(struct md_model *m, struct heapsh_invocation *what,
			 size_t max, struct heapsh_invoked *how,
			 char **ret) HS_MUST_USE;
/**
 * The steps of a call, for the running program itself; *ret is the caller's.
 * HS_ERR_UNSUPPORTED when the runtime has no such thing, or says why not.
 */
struct hs_err *md_script(struct md_model *m, struct heapsh_invocation *what,
			 struct heapsh_script *ret) HS_MUST_USE;
/** What is so as long as the object lives: how many; 0: not known. */
uint32_t md_alive(struct md_model *m, uint64_t object,
		  struct heapsh_guard ret[HEAPSH_GUARDS]);
/**
 * Numbers to change so that the running program calls function(arg), tried on
 * copies. HS_ERR_UNSUPPORTED: the runtime has no such way, or says why not.
 */
struct hs_err *md_safepoint(struct md_model *m, uint64_t function, uint64_t arg,
			    struct heapsh_safepoint_plan *ret) HS_MUST_USE;
/** An item that is a number and no object; false: there is none. */
bool md_item_number(struct md_model *m, uint64_t addr,
		    const struct heapsh_key *key, int64_t *ret);
/** A value that is no object: as heapsh_scalars.get(). */
bool md_scalar(struct md_model *m, uint64_t addr, const struct heapsh_key *key,
	       struct heapsh_key *ret);
/** Shallow hash of type and content; 0: has none. */
uint64_t md_content_hash(struct md_model *m, uint64_t addr);
/** Every type that a type's object comes from; names are empty. */
void md_each_base(struct md_model *m, uint64_t type, heapsh_name_fn *fn,
		  void *arg);
/**
 * False: no object of exactly that type has an attribute of that name (name
 * NULL: an item), so that none need be asked.
 */
bool md_type_may_have(struct md_model *m, uint32_t type, const char *name,
		      size_t n);
bool md_has_collector(struct md_model *m);
/** heapsh_collector_flags; 0 where the plugin does not say. */
uint32_t md_collector_flags(struct md_model *m, uint64_t addr);
bool md_has_usage(struct md_model *m);
/** False: no container that can grow. */
bool md_usage(struct md_model *m, uint64_t addr, struct heapsh_usage *ret);
/** Does the program take notes of its allocations? */
bool md_has_sites(struct md_model *m);
/** What to do so that it does, or instead, for people. free(). */
char *md_sites_how(struct md_model *m);
/** Frame index of an object's allocation; 0 is the innermost. */
bool md_site(struct md_model *m, uint64_t addr, uint32_t index,
	     struct heapsh_site *ret);

/**
 * Sizes by the rules of another tool: heapsh.compat.0. An id is an address, or
 * one with a number below 8 for what the tool would make.
 */
struct md_compat {
	const char *name;		/* borrowed from the plugin */
	uint64_t limit;
};
/** False: the plugin knows no other tool's rules. */
bool md_compat(struct md_model *m, struct md_compat *ret);
/** Before a walk; options: heapsh_compat_options. */
void md_compat_begin(struct md_model *m, uint32_t options);
bool md_compat_thing(struct md_model *m, uint64_t id,
		     struct heapsh_compat_thing *ret);
/** As md_edges(). */
struct hs_err *md_compat_edges(struct md_model *m, uint64_t id,
			       struct md_edge **ret, size_t *n) HS_MUST_USE;
/** Its texts, escaped; free() each. name is NULL where there is none. */
struct md_compat_words {
	char *kind, *name, *origin, *rule;
	bool has_length;		/* of what is made */
	uint64_t length, exact_length;
};
bool md_compat_words(struct md_model *m, uint64_t id,
		     struct md_compat_words *ret);
/**
 * The rules that the tool has of its own, by number; false past the last. Of
 * what has no origin, name is a heading.
 */
bool md_compat_own_rule(struct md_model *m, uint32_t index,
			struct md_compat_words *ret);
void md_compat_words_deinit(struct md_compat_words *w);
/**
 * Text of an object, of a long one both ends: "[1, 2, 3....99, 100]", at most
 * clip characters; clip 0: all of it, up to what a text may have. free().
 */
char *md_render_clipped(struct md_model *m, uint64_t addr, uint32_t style,
			size_t clip);

/**
 * Any interface by name, or NULL, with the state to pass. Look at its size and
 * for NULL members before use, and know that md_set_running() is not told.
 */
const void *md_interface(struct md_model *m, const char *name, void **state);

/**
 * Who runs code of the program for plugins; the members are those of struct
 * heapsh_eval (plugin.h), with an argument of the caller's for the image. All
 * may be called from any thread.
 */
struct md_evaluator {
	void *arg;
	const char *(*why_not)(void *arg);
	void (*call)(void *arg, uint64_t function, const uint64_t *args,
		     uint32_t n, uint32_t cpu_ms,
		     struct heapsh_eval_result *ret);
	void (*batch)(void *arg, const struct heapsh_eval_batch *batch,
		      struct heapsh_eval_result *ret);
	uint64_t (*read)(void *arg, uint64_t addr, void *buf, uint64_t len);
	uint64_t (*write)(void *arg, uint64_t addr, const void *buf,
			  uint64_t len);
	uint64_t (*scratch)(void *arg, uint64_t *len);
	void (*reset)(void *arg);
};
/** Give the model's plugin an evaluator; borrowed for the model's life. */
void md_set_evaluator(struct md_model *m, const struct md_evaluator *e);
/** What the plugin says a copy needs; without an answer: nothing. */
void md_prepare(struct md_model *m, struct heapsh_eval_setup *ret);

/** Sentences of the plugin, escaped, oldest first; borrowed. */
size_t md_diags(struct md_model *m, const char *const **ret);
/** Objects that the plugin named and that broke plugin.h's rules. */
uint64_t md_rejected(const struct md_model *m);
#endif
