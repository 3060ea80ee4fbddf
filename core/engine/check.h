/* SPDX-License-Identifier: Apache-2.0 */
/**
 * heapsh plugin-check: a plugin is run through everything that the host asks,
 * each check in a process of its own, so that one which crashes or loops fails
 * alone. check.c runs them, checks.c is what they are.
 */
#ifndef EN_CHECK_H
#define EN_CHECK_H

#include "engine.h"

enum en_verdict {
	EN_NOT_RUN,	/* an earlier one is wrong */
	EN_OK,
	EN_NONE,	/* the plugin leaves this to the host */
	EN_WRONG,
};

/** What a check found; in memory that is shared with who started it. */
struct en_finding {
	enum en_verdict verdict;
	char what[512];
	struct heapsh_settle settle;	/* of the check "settle" */
};

enum { EN_SAMPLE = 512 };	/* objects that are looked at closely */

/** What a check works with; it lives in the check's process. */
struct en_check {
	struct hs_task *task;
	struct im_image *image;	/* the process, or NULL: garbage alone */
	struct im_image *garbage;
	struct md_host *host;	/* with the plugin alone */
	struct md_claim claim;
	struct md_model *model;
	struct en_finding *ret;
	uint64_t rng;
	/* Objects from everywhere, for those that look at single ones. */
	struct heapsh_object sample[EN_SAMPLE];
	uint32_t n_sample;
};

/** How far a check needs its plugin to be. */
enum en_stage { EN_LOADED, EN_CLAIMED, EN_OPEN, EN_SAMPLED };

struct en_check_row {
	const char *name;
	enum en_stage stage;
	bool gate;		/* wrong: no later stage is reached */
	void (*run)(struct en_check *c);
};
extern const struct en_check_row en_checks[];
extern const size_t en_n_checks;

/* checks.c, checks_objects.c */
void en_check_settle(struct en_check *c);
void en_check_roots(struct en_check *c);
void en_check_at(struct en_check *c);
void en_check_edges(struct en_check *c);
void en_check_render(struct en_check *c);
void en_check_names(struct en_check *c);
void en_check_items(struct en_check *c);
void en_check_measure(struct en_check *c);
void en_check_interfaces(struct en_check *c);
void en_check_content(struct en_check *c);
void en_check_close(struct en_check *c);
/** Wrong, for this reason; the first one stays. */
void en_wrong(struct en_check *c, const char *fmt, ...) HS_PRINTF(2, 3);
/** Fine, unless something was wrong. */
void en_fine(struct en_check *c, const char *fmt, ...) HS_PRINTF(2, 3);
/** Not given: the host finds out by itself. */
void en_absent(struct en_check *c, const char *what);
/** A number below n, not 0. */
uint64_t en_random(struct en_check *c, uint64_t n);

/**
 * Run all over a process or core, or over garbage alone. *doc: a table, a row
 * a check. False by *fine: something is wrong. The error is of what stands
 * before the checks: no such file, no such process.
 */
struct hs_err *en_plugin_check(struct en_engine *en, const json_t *hello,
			       json_t **doc, bool *fine) HS_MUST_USE;
#endif
