// SPDX-License-Identifier: Apache-2.0
#include "tg_plant.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "tg_client.h"

enum {
	STOP_MS = 200,		/* for all threads to stop */
	ASK_MS = 30000,
	PAGE = 4096,
};

_Static_assert(sizeof(struct tg_plant_data) <=
		       WR_TRACER_PLANT_BYTES - WR_TRACER_PLANT_CODE,
	       "the data is one page");

/*
 * Bits 12 to 35 of a place are made of those above it, so that a place is known
 * for one. Nobody else has reason to map two pages just there: the kernel deals
 * out addresses beside others, and people ask for round ones.
 */
enum { PAGE_BITS = 12, MARK_BITS = 24, HIGH_SHIFT = PAGE_BITS + MARK_BITS };

static uint64_t place_of(uint64_t high)
{
	// Any odd number that spreads; this one is 2^64 over the golden ratio.
	uint64_t mark = (high + 1) * UINT64_C(0x9e3779b97f4a7c15) >>
			(64 - MARK_BITS);

	return high << HIGH_SHIFT | mark << PAGE_BITS;
}

bool tg_plant_is_place(uint64_t addr)
{
	return addr == place_of(addr >> HIGH_SHIFT);
}

/* Between a quarter and half of the gap; 0: it is too small. */
static uint64_t place_within(uint64_t start, uint64_t len)
{
	uint64_t high = (start + len / 4) >> HIGH_SHIFT;
	uint64_t at = place_of(high);

	if (at < start + len / 4)
		at = place_of(high + 1);
	return at < start + len / 2 - WR_TRACER_PLANT_BYTES ? at : 0;
}

/*
 * Within the largest gap, away from what grows; its middle is where copies have
 * what code runs with (evaluate.c).
 */
uint64_t tg_plant_place(int pid)
{
	uint64_t end = UINT64_C(1) << 16, best = 0, at = 0;
	struct tg_maps maps = { 0 };

	hs_err_free(tg_maps_read(pid, &maps));
	for (size_t i = 0; i < maps.v.n; i++) {
		const struct tg_map *m = &maps.v.v[i];

		if (m->start >> 47)
			break;
		if (m->start > end && m->start - end > best) {
			best = m->start - end;
			at = end;
		}
		end = m->end;
	}
	tg_maps_deinit(&maps);
	return best > 64 * PAGE ? place_within(at, best) : 0;
}

/* Of us, who will take it out again. */
static void fill_note(const struct tg_planting *p, struct tg_plant_note *ret)
{
	memcpy(ret->magic, TG_PLANT_MAGIC, sizeof(ret->magic));
	ret->addr = p->addr;
	ret->owner = getpid();
	(void)tg_start_time(ret->owner, &ret->owner_start);
	ret->owner_space = tg_pid_space();
	ret->pid = p->pid;
	ret->n_words = p->n_words;
	memcpy(ret->words, p->words, p->n_words * sizeof(p->words[0]));
}

void tg_plant_content(const struct tg_planting *p, uint8_t *to)
{
	struct tg_plant_data *data =
		(struct tg_plant_data *)(to + WR_TRACER_PLANT_CODE);
	size_t n;
	const uint8_t *code = tg_arch_plant_code(&n);

	memset(to, 0, WR_TRACER_PLANT_BYTES);
	memcpy(to, code, n);
	*data = p->data;
	fill_note(p, &data->note);
}

static struct hs_err *ask(struct tg_client *c, const struct tg_plan *plan,
			  struct tg_planting *p, uint32_t type,
			  const uint8_t *content, uint32_t *ret)
{
	struct wr_tracer_plant m = {
		.pid = plan->pid,
		.n_words = p->n_words,
		.stop_ms = STOP_MS + plan->n_threads,
		.syscall_ret = plan->gadgets.syscall_ret,
		.restore_rt = plan->gadgets.restore_rt,
		.addr = p->addr,
		.n_box = p->box ? p->n_box : 0,
		.box_state = p->box_state,
		.box_number = p->box ? p->box_number : p->data.number,
	};
	uint64_t n_content = p->box ? p->n_box : WR_TRACER_PLANT_BYTES;
	struct tg_plan now = { 0 };
	struct tg_maps maps = { 0 };
	struct wr_tracer_planted r;
	TG_PACKET q = { 0 };
	TG_PACKET a = { 0 };
	struct hs_err *err;

	tg_packet_init(&q, type, sizeof(m), 0);
	tg_packet_add_fd(&q, fcntl(plan->pidfd, F_DUPFD_CLOEXEC, 3));
	// Threads may have come and gone: stacks as they are now.
	err = tg_maps_read(plan->pid, &maps);
	tg_find_stacks(&maps, &now);
	tg_maps_deinit(&maps);
	m.n_stacks = (uint32_t)now.stacks.n;
	m.head = q.head;
	memcpy(q.bytes, &m, sizeof(m));
	if (!err)
		err = tg_add_ranges(&q, now.stacks.v, now.stacks.n);
	hs_vec_deinit(&now.stacks);
	if (!err)
		err = tg_packet_add_bytes(&q, p->words,
					  p->n_words * sizeof(p->words[0]));
	if (!err && content)
		err = tg_packet_add_bytes(&q, content, n_content);
	if (!err)
		err = tg_client_ask(c, &q, ASK_MS, &a);
	if (err)
		return tg_or_gone(err, plan->pid, plan->start_time);
	memcpy(&r, a.bytes, sizeof(r));
	p->pause_ns += r.pause_ns;
	*ret = r.state;
	return NULL;
}

struct hs_err *tg_plant(struct tg_client *c, const struct tg_plan *plan,
			struct tg_planting *p)
{
	HS_FREE uint8_t *content = hs_xalloc(WR_TRACER_PLANT_BYTES);
	struct hs_err *err;
	uint32_t state;

	p->pid = plan->pid;
	if (!p->box) {
		tg_plant_content(p, content);
		return ask(c, plan, p, WR_TRACER_PLANT, content, &state);
	}
	err = ask(c, plan, p, WR_TRACER_PLANT, (const uint8_t *)p->box,
		  &state);
	if (!err)
		p->box_number = p->box->number;
	return err;
}

struct hs_err *tg_uproot(struct tg_client *c, const struct tg_plan *plan,
			 struct tg_planting *p, uint32_t *ret)
{
	return ask(c, plan, p, WR_TRACER_UPROOT, NULL, ret);
}

uint64_t tg_live_read(struct tg_client *c, int pid, uint64_t addr, void *buf,
		      uint64_t len)
{
	HS_CLOSE int fd = tg_memory(c, pid);
	uint64_t done = 0;

	while (fd >= 0 && done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done,
				  (off_t)(addr + done));

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return done;
}

uint64_t tg_live_lease(void)
{
	const uint64_t ns = UINT64_C(1000000) * WR_PROBE_LEASE_MS;
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ns;
}

/* Eight aligned bytes: the program sees the one time or the other. */
void tg_live_renew(int pid, uint64_t box)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/mem", pid);
	uint64_t at = box + offsetof(struct wr_probe_box, until_ns);
	HS_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	uint64_t until = tg_live_lease();

	// Where it cannot be written the lease ends, and nothing is called.
	if (fd >= 0 && pwrite(fd, &until, sizeof(until), (off_t)at) < 0)
		errno = 0;
}

struct hs_err *tg_plant_look(struct tg_client *c, const struct tg_planting *p,
			     int pid, struct tg_plant_data *ret)
{
	if (tg_live_read(c, pid, tg_plant_argument(p), ret, sizeof(*ret)) !=
		    sizeof(*ret) ||
	    ret->number != p->data.number)
		return tg_gone(pid);
	return NULL;
}
