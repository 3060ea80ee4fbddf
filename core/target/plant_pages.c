// SPDX-License-Identifier: Apache-2.0
#include "tg_planting.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALL_MS = 10000 };

static struct hs_err *call(struct tg_sowing *p, struct tg_call call,
			   const char *what, int64_t expected)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * CALL_MS * TG_MS;
	struct tg_remote io = { .call = call };
	enum tg_end end = tg_hijack_call(p->t, &p->t->hijack, deadline, &io);

	// It cannot be taken back. Our end lets all go on, and the thread's
	// frame restores it.
	if (end == TG_LATE)
		_exit(70);
	if (end != TG_DONE)
		return hs_err_new(HS_ERR_OTHER,
				  "%s process %d: its thread "
				  "does not answer",
				  what, p->q.pid);
	if (io.result < 0)
		return hs_err_os((int)-io.result, "%s process %d", what,
				 p->q.pid);
	if (io.result != expected)
		return hs_err_new(HS_ERR_OTHER,
				  "%s process %d: the place is "
				  "taken",
				  what, p->q.pid);
	return NULL;
}

/* All stand still; step() with one of them at hand. */
static struct hs_err *with_thread(struct tg_sowing *p,
				  struct hs_err *(*step)(struct tg_sowing *p))
{
	uint32_t i = tg_hijack_choose(&p->stop, &p->stacks, p->mem_fd);
	struct hs_err *err;

	if (i == p->stop.tasks.n)
		return tg_sow_not_now(p, "none of its threads stands where it "
					 "can be used");
	err = tg_hijack_begin(&p->t->hijack, p->q.pid, &p->stop.tasks.v[i],
			      &p->gadgets, p->mem_fd);
	if (err)
		return err;
	err = step(p);
	tg_hijack_end(&p->t->hijack);
	return err;
}

/* --- planted --- */

static struct hs_err *unmap(struct tg_sowing *p)
{
	struct tg_call c = {
		.nr = SYS_munmap,
		.args = { p->q.addr, WR_TRACER_PLANT_BYTES },
	};

	return call(p, c, "unmap memory of", 0);
}

static struct hs_err *map(struct tg_sowing *p)
{
	struct tg_call c = {
		.nr = SYS_mmap,
		.args = { p->q.addr, WR_TRACER_PLANT_BYTES,
			  PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			  ~UINT64_C(0), 0 },
	};
	struct tg_call protect = {
		.nr = SYS_mprotect,
		.args = { p->q.addr, WR_TRACER_PLANT_CODE,
			  PROT_READ | PROT_EXEC },
	};
	struct hs_err *err;

	err = call(p, c, "map memory into", (int64_t)p->q.addr);
	if (err)
		return err;
	if (!tg_mem_write(p->mem_fd, p->q.addr, p->content,
			  WR_TRACER_PLANT_BYTES))
		err = tg_sow_cannot(p, "write into");
	if (!err)
		err = call(p, protect, "protect memory of", 0);
	if (err)
		hs_err_free(unmap(p));
	return err;
}

static struct hs_err *plant(struct tg_sowing *p)
{
	struct hs_err *err = map(p);

	if (err)
		return err;
	err = tg_words_write(p);
	if (err)
		hs_err_free(unmap(p));
	return err;
}

struct hs_err *tg_pages_check(struct tg_sowing *p)
{
	return tg_words_check(p, false);
}

struct hs_err *tg_pages_plant(struct tg_sowing *p)
{
	return with_thread(p, plant);
}

/* --- taken out again --- */

/* Is one of its threads between our instructions? */
static bool is_inside(const struct tg_sowing *p)
{
	for (size_t i = 0; i < p->stop.tasks.n; i++) {
		uint64_t ip = tg_arch_ip(&p->stop.tasks.v[i].state.regs);

		if (ip - p->q.addr < WR_TRACER_PLANT_CODE)
			return true;
	}
	return false;
}

/* Nobody has come to write more than the code. */
static bool is_unfilled(struct tg_sowing *p)
{
	static const uint8_t zero[WR_TRACER_PLANT_CODE];
	const uint8_t *data = p->content + WR_TRACER_PLANT_CODE;
	size_t n;
	const uint8_t *code = tg_arch_plant_code(&n);

	return tg_mem_read(p->mem_fd, p->q.addr, p->content,
			   WR_TRACER_PLANT_BYTES) &&
	       !memcmp(data, zero, sizeof(zero)) &&
	       (!memcmp(p->content, zero, n) || !memcmp(p->content, code, n)) &&
	       !memcmp(p->content + n, zero, sizeof(zero) - n);
}

struct hs_err *tg_pages_look(struct tg_sowing *p)
{
	uint64_t now[2], state;

	if (!p->q.box_number) {
		p->gone = !is_unfilled(p);
		p->state = WR_TRACER_PLANT_DONE;
		return NULL;
	}
	// Not there, or somebody else's: the code has run and has gone.
	p->gone = !tg_mem_read(p->mem_fd, p->q.addr + WR_TRACER_PLANT_CODE, now,
			       sizeof(now)) ||
		  now[1] != p->q.box_number;
	state = p->gone ? WR_TRACER_PLANT_DONE : now[0];
	p->state = (uint32_t)state;
	if (p->gone)
		return NULL;
	if (state == WR_TRACER_PLANT_WAITS)
		return tg_words_check(p, true);
	if (state != WR_TRACER_PLANT_DONE || is_inside(p))
		return tg_sow_not_now(p, "what was planted is being run");
	return NULL;
}

struct hs_err *tg_pages_uproot(struct tg_sowing *p)
{
	if (p->state == WR_TRACER_PLANT_WAITS)
		tg_words_undo(p);
	return p->gone ? NULL : with_thread(p, unmap);
}
