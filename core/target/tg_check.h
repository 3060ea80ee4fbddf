/* SPDX-License-Identifier: Apache-2.0 */
/** One check: check.c looks at what a process is, room.c at what it costs. */
#ifndef TG_CHECK_H
#define TG_CHECK_H

#include "target.h"
#include "tg_client.h"
#include "tg_proc.h"

struct tg_asking {
	struct tg_client *c;
	int pid;
	struct tg_options o;
	struct tg_report *r;
	struct hs_text status;	/* /proc/PID/status */
	int our_tracer;
};

enum { TG_KB = 1024 };

/** "attach to PID: WHY", with the rung that is always left as a remedy. */
struct hs_err *tg_refuse(const struct tg_asking *k, const char *why)
	HS_MUST_USE;
/** Fill in what r says of pauses. */
void tg_estimate(const struct tg_asking *k);

/* NULL, or why not. */
struct hs_err *tg_check_pause(const struct tg_asking *k) HS_MUST_USE;
struct hs_err *tg_check_watched(const struct tg_asking *k) HS_MUST_USE;
struct hs_err *tg_check_pids(const struct tg_asking *k) HS_MUST_USE;
struct hs_err *tg_check_memory(const struct tg_asking *k) HS_MUST_USE;
struct hs_err *tg_check_overcommit(const struct tg_asking *k) HS_MUST_USE;
struct hs_err *tg_check_ours(const struct tg_asking *k) HS_MUST_USE;
#endif
