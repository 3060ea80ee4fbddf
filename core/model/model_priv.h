/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this room share. Not for others. */
#ifndef MD_MODEL_PRIV_H
#define MD_MODEL_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "model.h"

#include "arena.h"
#include "image.h"
#include "map.h"
#include "text.h"
#include "vec.h"

enum {
	MD_NAME_MAX = 1024,	/* bytes of a type's name before escaping */
	MD_TEXT_MAX = 1 << 20,	/* bytes of any text that a plugin hands out */
	MD_DIAGS_MAX = 64,	/* sentences kept of one image */
};

/* Larger sizes are a lie: x86-64's user addresses end here. */
#define MD_SIZE_MAX (UINT64_C(1) << 47)

/* --- plugins ------------------------------------------------------------- */

/** One file that was looked at. */
struct md_loaded {
	void *dl;			/* of dlopen(), or NULL */
	const struct heapsh_plugin *plugin;	/* NULL: see info.problem */
	char *name;			/* of the file; in the host's text */
};

/** HS_VEC(char *), with a name. */
struct md_strings {
	char **v;
	size_t n, cap;
};

struct md_host {
	struct hs_arena text;
	HS_VEC(struct md_loaded) loaded;
	HS_VEC(struct md_plugin_info) infos;	/* of the same order */
	struct md_strings only, skip;
	pthread_mutex_t lock;		/* guards what follows */
	unsigned inside;		/* calls under way */
	void (*running)(void *arg, const char *name);
	void *running_arg;
};

/** Called around every call into a plugin; name lives as long as the host. */
void md_enter(struct md_host *host, const char *name);
void md_leave(struct md_host *host);
/** The name of a loaded plugin; "?" when it is not of this host. */
const char *md_name_of(const struct md_host *host,
		       const struct heapsh_plugin *p);
/**
 * Why this file must not be loaded, or NULL: it, or a folder above it, can be
 * written by someone else. free().
 */
char *md_distrust(const char *path);

/* --- what a plugin holds ------------------------------------------------- */

struct md_types;

/** One image, as a plugin sees it through the host. */
struct heapsh_image {
	struct im_image *im;
	struct im_reader *reader;	/* of the main thread */
	struct md_types *types;
	_Atomic(struct hs_task *) task;	/* whose cancel word counts; or NULL */
	const struct md_evaluator *evaluator;	/* borrowed, or NULL */
	pthread_mutex_t lock;		/* guards diags */
	HS_VEC(char *) diags;
};

struct hs_err *md_image_create(struct im_image *im, struct hs_task *task,
			       struct heapsh_image **ret) HS_MUST_USE;
void md_image_destroy(struct heapsh_image *h);
/** The table of functions that every plugin is given. */
extern const struct heapsh_host md_services;
/** Answer of get_interface(HEAPSH_EVAL_0); the same for every image. */
extern const struct heapsh_eval md_eval_services;
/** Keep a sentence, escaped; the first MD_DIAGS_MAX are. */
void md_add_diag(struct heapsh_image *h, const char *text);

struct md_types *md_types_create(void);
void md_types_destroy(struct md_types *t);
uint32_t md_types_add(struct md_types *t, const struct heapsh_type *type);
uint32_t md_types_n(const struct md_types *t);
const struct md_type *md_types_get(const struct md_types *t, uint32_t i);
uint32_t md_types_by_name(struct md_types *t, const char *name);
uint32_t md_types_by_address(struct md_types *t, uint64_t addr);
/** The type of objects whose plugin gave none. */
uint32_t md_types_unknown(struct md_types *t);

struct md_model {
	struct md_host *host;
	const char *name;		/* of the plugin */
	const struct heapsh_plugin *plugin;
	void *state;
	struct heapsh_image *image;
	struct heapsh_claim claim;
	struct heapsh_status status;
	_Atomic uint64_t rejected;	/* objects that broke the rules */
};

/* --- what the host answers itself ---------------------------------------- */

/**
 * The plugin's own text of an object, not escaped: at most cap bytes of it are
 * in buf. Returns its length, which may be more than cap; 0: it gives none.
 */
uint64_t md_raw(struct md_model *m, uint64_t addr, uint32_t style, char *buf,
		uint64_t cap);
/* As plugin.h says of members that are NULL; defaults.c. */
uint64_t md_default_lookup(struct md_model *m, struct heapsh_text name);
uint64_t md_default_attr(struct md_model *m, uint64_t addr,
			 struct heapsh_text name);
uint64_t md_default_item(struct md_model *m, uint64_t addr,
			 const struct heapsh_key *key);
void md_default_names(struct md_model *m, uint64_t addr,
		      struct heapsh_text prefix, heapsh_name_fn *fn, void *arg);
bool md_default_measure(struct md_model *m, uint64_t addr,
			struct heapsh_measure *ret);

/** As written, but no longer than max and never NULL. */
struct heapsh_text md_clamp(struct heapsh_text t, uint64_t max);
/**
 * Make an array that a plugin filled a string: ended, escaped, cut to fit.
 */
void md_clean(char *s, size_t cap);

#endif
