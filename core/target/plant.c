// SPDX-License-Identifier: Apache-2.0
#include "tg_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe_wire.h"
#include "tg_packet.h"

/*
 * A function is planted into the running program: two pages of memory, and a
 * few words of the program's own, changed while all threads stand still, by
 * which it comes to call the function itself, where and when its own code
 * could have done the same. None of its threads is made to run anything but
 * mmap, mprotect and munmap.
 *
 * Should we die: before the words are written there are two pages that nobody
 * knows of; behind, the function is called once, as if we lived, and takes the
 * pages away itself. The words that say that something is there come last, so
 * that half of them is nothing.
 *
 * Where the program has loaded the probe, the function and its memory are the
 * probe's, and no page is needed, nor a thread: the box is filled, the word
 * that says so last. The probe itself drops what nobody waits for any more.
 */
enum {
	STOP_MS_MAX = 10000,
	CALL_MS = 10000,
	PAGE = 4096,
};

/** One request. */
struct planting {
	struct tg_tracer *t;
	struct wr_tracer_plant q;
	struct tg_stop stop;
	struct tg_stacks stacks;
	struct tg_gadgets gadgets;
	struct wr_tracer_word words[WR_TRACER_WORDS];
	uint8_t content[WR_PROBE_BOX_BYTES];	/* or WR_TRACER_PLANT_BYTES */
	int mem_fd;
	uint32_t state;		/* wr_tracer_planted_state; of a box, its own */
	bool gone;		/* it has taken the pages away */
};
_Static_assert((int)WR_PROBE_BOX_BYTES >= (int)WR_TRACER_PLANT_BYTES,
	       "content has room for both");

static void planting_deinit(struct planting *p)
{
	tg_stop_deinit(&p->stop);
	hs_close_p(&p->stop.pidfd);
	hs_close_p(&p->mem_fd);
	free(p->stacks.v);
	free(p);
}

/* --- words --------------------------------------------------------------- */

static uint64_t masked(const struct wr_tracer_word *w, uint64_t v)
{
	return w->bytes == 8 ? v : v & ((UINT64_C(1) << 8 * w->bytes) - 1);
}

static bool read_word(const struct planting *p, const struct wr_tracer_word *w,
		      uint64_t *ret)
{
	*ret = 0;
	return tg_mem_read(p->mem_fd, w->addr, ret, w->bytes);
}

static struct hs_err *cannot(const struct planting *p, const char *what)
{
	return hs_err_os(errno, "%s process %d", what, p->q.pid);
}

/* The program has moved on since it was looked at. */
static struct hs_err *moved(const struct planting *p, size_t i)
{
	struct hs_err *err =
		hs_err_new(HS_ERR_REFUSED, "change process %d: word %zu, at "
			   "0x%llx, is not what it was", p->q.pid, i,
			   (unsigned long long)p->words[i].addr);

	err->errnum = EAGAIN;
	return err;
}

static struct hs_err *not_now(const struct planting *p, const char *why)
{
	struct hs_err *err = hs_err_new(HS_ERR_REFUSED, "use process %d: %s",
					p->q.pid, why);

	err->errnum = EAGAIN;
	return err;
}

/* planted: words that are ours must still be as we have left them. */
static struct hs_err *check_words(const struct planting *p, bool planted)
{
	for (size_t i = 0; i < p->q.n_words; i++) {
		const struct wr_tracer_word *w = &p->words[i];
		bool ours = planted && w->flags & WR_TRACER_WORD_SET;
		uint64_t v;

		if (!(w->flags & WR_TRACER_WORD_CHECK) ||
		    (ours && !(w->flags & WR_TRACER_WORD_UNDO)))
			continue;
		if (!read_word(p, w, &v))
			return cannot(p, "read memory of");
		if (v != masked(w, ours ? w->now : w->before))
			return moved(p, i);
	}
	return NULL;
}

static struct hs_err *write_words(const struct planting *p)
{
	for (size_t i = 0; i < p->q.n_words; i++) {
		const struct wr_tracer_word *w = &p->words[i];
		uint64_t v = w->now;

		if (!(w->flags & (WR_TRACER_WORD_SET | WR_TRACER_WORD_OR)))
			continue;
		if (w->flags & WR_TRACER_WORD_OR && !read_word(p, w, &v))
			return cannot(p, "read memory of");
		if (w->flags & WR_TRACER_WORD_OR)
			v |= w->now;
		if (!tg_mem_write(p->mem_fd, w->addr, &v, w->bytes))
			return cannot(p, "write into");
	}
	return NULL;
}

/* Backwards: first that nothing is there, then what was. */
static void undo_words(const struct planting *p)
{
	for (size_t i = p->q.n_words; i-- > 0;) {
		const struct wr_tracer_word *w = &p->words[i];

		if (w->flags & WR_TRACER_WORD_UNDO)
			(void)tg_mem_write(p->mem_fd, w->addr, &w->before,
					   w->bytes);
	}
}

/* --- pages --------------------------------------------------------------- */

static struct hs_err *call(struct planting *p, struct tg_call call,
			   const char *what, int64_t expected)
{
	uint64_t deadline = hs_now_ns() + UINT64_C(1) * CALL_MS * TG_MS;
	struct tg_remote io = { .call = call };
	enum tg_end end =
		tg_hijack_call(p->t, &p->t->hijack, deadline, &io);

	// It cannot be taken back. Our end lets all go on, and the thread's
	// frame restores it.
	if (end == TG_LATE)
		_exit(70);
	if (end != TG_DONE)
		return hs_err_new(HS_ERR_OTHER, "%s process %d: its thread "
				  "does not answer", what, p->q.pid);
	if (io.result < 0)
		return hs_err_os((int)-io.result, "%s process %d", what,
				 p->q.pid);
	if (io.result != expected)
		return hs_err_new(HS_ERR_OTHER, "%s process %d: the place is "
				  "taken", what, p->q.pid);
	return NULL;
}

static struct hs_err *unmap(struct planting *p)
{
	struct tg_call c = {
		.nr = SYS_munmap,
		.args = { p->q.addr, WR_TRACER_PLANT_BYTES },
	};

	return call(p, c, "unmap memory of", 0);
}

static struct hs_err *map(struct planting *p)
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
		err = cannot(p, "write into");
	if (!err)
		err = call(p, protect, "protect memory of", 0);
	if (err)
		hs_err_free(unmap(p));
	return err;
}

/* --- the requests -------------------------------------------------------- */

static struct hs_err *plant(struct planting *p)
{
	struct hs_err *err = map(p);

	if (err)
		return err;
	err = write_words(p);
	if (err) {
		undo_words(p);
		hs_err_free(unmap(p));
	}
	return err;
}

/* Is one of its threads between our instructions? */
static bool is_inside(const struct planting *p)
{
	for (size_t i = 0; i < p->stop.tasks.n; i++) {
		uint64_t ip = tg_arch_ip(&p->stop.tasks.v[i].state.regs);

		if (ip - p->q.addr < WR_TRACER_PLANT_CODE)
			return true;
	}
	return false;
}

static struct hs_err *look(struct planting *p)
{
	uint64_t now[2], state;

	// Not there, or somebody else's: the code has run and has gone.
	p->gone = !tg_mem_read(p->mem_fd, p->q.addr + WR_TRACER_PLANT_CODE,
			       now, sizeof(now)) ||
		  now[1] != p->q.box_number;
	state = p->gone ? WR_TRACER_PLANT_DONE : now[0];
	p->state = (uint32_t)state;
	if (p->gone)
		return NULL;
	if (state == WR_TRACER_PLANT_WAITS)
		return check_words(p, true);
	if (state != WR_TRACER_PLANT_DONE || is_inside(p))
		return not_now(p, "what was planted is being run");
	return NULL;
}

static struct hs_err *uproot(struct planting *p)
{
	if (p->state == WR_TRACER_PLANT_WAITS)
		undo_words(p);
	return p->gone ? NULL : unmap(p);
}

/* --- the same in a box of the probe's ------------------------------------ */

static bool read_box(const struct planting *p, uint64_t ret[2])
{
	return tg_mem_read(p->mem_fd, p->q.addr, ret, 2 * sizeof(ret[0]));
}

static bool write_box_state(const struct planting *p, uint64_t state)
{
	return tg_mem_write(p->mem_fd, p->q.addr, &state, sizeof(state));
}

static struct hs_err *check_box(struct planting *p)
{
	uint64_t now[2];

	if (!read_box(p, now))
		return cannot(p, "read memory of");
	if (now[0] != p->q.box_state || now[1] != p->q.box_number)
		return not_now(p, "somebody else has used the probe");
	return check_words(p, false);
}

static struct hs_err *fill_box(struct planting *p)
{
	const uint64_t state = WR_PROBE_BOX_WAITS;
	struct hs_err *err;

	if (!tg_mem_write(p->mem_fd, p->q.addr + sizeof(state),
			  p->content + sizeof(state),
			  p->q.n_box - sizeof(state)) ||
	    !write_box_state(p, state))
		return cannot(p, "write into");
	err = write_words(p);
	if (err) {
		undo_words(p);
		(void)write_box_state(p, WR_PROBE_BOX_DROPPED);
	}
	return err;
}

static struct hs_err *look_into_box(struct planting *p)
{
	uint64_t now[2];

	if (!read_box(p, now))
		return cannot(p, "read memory of");
	p->state = (uint32_t)now[0];
	if (now[1] != p->q.box_number)
		p->state = WR_PROBE_BOX_DROPPED;
	if (p->state == WR_PROBE_BOX_RUNS)
		return not_now(p, "the call is being made");
	return NULL;
}

/*
 * The words go only where all are as we have left them: an entry that others
 * stand behind stays, and serves nothing.
 */
static struct hs_err *empty_box(struct planting *p)
{
	struct hs_err *err;

	if (p->state != WR_PROBE_BOX_WAITS)
		return NULL;
	if (!write_box_state(p, WR_PROBE_BOX_DROPPED))
		return cannot(p, "write into");
	err = check_words(p, true);
	if (!err)
		undo_words(p);
	hs_err_free(err);
	return NULL;
}

/* --- all of it ----------------------------------------------------------- */

/* All stand still; step() with one of them at hand. */
static struct hs_err *with_thread(struct planting *p,
				  struct hs_err *(*step)(struct planting *p))
{
	uint32_t i = tg_hijack_choose(&p->stop, &p->stacks, p->mem_fd);
	struct hs_err *err;

	if (i == p->stop.tasks.n)
		return not_now(p, "none of its threads stands where it can be "
			       "used");
	err = tg_hijack_begin(&p->t->hijack, p->q.pid, &p->stop.tasks.v[i],
			      &p->gadgets, p->mem_fd);
	if (err)
		return err;
	err = step(p);
	tg_hijack_end(&p->t->hijack);
	return err;
}

static struct hs_err *take_words(struct planting *p, struct tg_packet *in)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, 2);
	struct hs_err *err;

	if (fd < 0 || p->q.n_words > WR_TRACER_WORDS)
		return hs_err_new(HS_ERR_FORMAT, "plant: %u words",
				  p->q.n_words);
	err = tg_memfd_read(fd, 0, p->words,
			    p->q.n_words * sizeof(p->words[0]));
	for (uint32_t i = 0; !err && i < p->q.n_words; i++) {
		uint32_t n = p->words[i].bytes;

		if ((n != 1 && n != 4 && n != 8) || p->words[i].addr % n ||
		    p->words[i].addr >> 47)
			err = hs_err_new(HS_ERR_FORMAT, "plant: word %u", i);
	}
	return err;
}

static struct hs_err *take_content(struct planting *p, struct tg_packet *in)
{
	HS_CLOSE int fd = tg_packet_take_fd(in, 3);

	if (fd < 0)
		return hs_err_new(HS_ERR_FORMAT, "plant: no content");
	return tg_memfd_read(fd, 0, p->content,
			     p->q.n_box ? p->q.n_box : WR_TRACER_PLANT_BYTES);
}

static struct hs_err *take_request(struct planting *p, struct tg_packet *in)
{
	struct hs_err *err;

	memcpy(&p->q, in->bytes, sizeof(p->q));
	p->stop.pid = p->q.pid;
	p->stop.pidfd = tg_packet_take_fd(in, 0);
	p->gadgets = (struct tg_gadgets){ .syscall_ret = p->q.syscall_ret,
					  .restore_rt = p->q.restore_rt };
	if (in->head.size != sizeof(p->q) || p->q.pid <= 0 || !p->q.stop_ms ||
	    p->q.stop_ms > STOP_MS_MAX || p->stop.pidfd < 0 || !p->q.addr ||
	    p->q.addr % (p->q.n_box ? 8 : PAGE) || p->q.addr >> 47 ||
	    p->q.n_box > sizeof(p->content) || p->q.n_box % 8)
		return hs_err_new(HS_ERR_FORMAT, "plant: wrong request");
	err = tg_take_stacks(in, 1, p->q.n_stacks, &p->stacks);
	if (!err)
		err = take_words(p, in);
	if (err)
		return err;
	p->mem_fd = tg_proc_open(p->q.pid, "mem", O_RDWR);
	if (p->mem_fd < 0)
		return hs_err_new(HS_ERR_DENIED, "open memory of process %d: "
				  "%s", p->q.pid, strerror(-p->mem_fd));
	if (!tg_process_lives(p->stop.pidfd))
		return hs_err_new(HS_ERR_GONE, "process %d has ended",
				  p->q.pid);
	return NULL;
}

static void reply(const struct planting *p, struct tg_packet *out)
{
	struct wr_tracer_planted r;

	memcpy(&r, out->bytes, sizeof(r));
	r.head.size = sizeof(r);
	r.state = p->state;
	r.reserved = 0;
	r.pause_ns = p->stop.ended_ns - p->stop.started_ns;
	memcpy(out->bytes, &r, sizeof(r));
}

static struct hs_err *do_it(struct planting *p, struct tg_packet *out,
			    struct hs_err *(*check)(struct planting *p),
			    struct hs_err *(*step)(struct planting *p))
{
	struct hs_err *err =
		tg_stop_all(p->t, &p->stop,
			    UINT64_C(1) * p->q.stop_ms * TG_MS);

	if (err)
		return err;
	err = check(p);
	if (!err)
		err = p->q.n_box || p->gone ? step(p) : with_thread(p, step);
	tg_stop_end(p->t, &p->stop);
	if (!err)
		reply(p, out);
	return err;
}

static struct hs_err *check_before(struct planting *p)
{
	return check_words(p, false);
}

static struct planting *planting_create(struct tg_tracer *t)
{
	struct planting *p = hs_xalloc(sizeof(*p));

	p->t = t;
	p->mem_fd = p->stop.pidfd = -1;
	return p;
}

struct hs_err *tg_do_plant(struct tg_tracer *t, struct tg_packet *in,
			   struct tg_packet *out)
{
	struct planting *p = planting_create(t);
	struct hs_err *err = take_request(p, in);

	if (!err)
		err = take_content(p, in);
	if (!err)
		err = p->q.n_box ? do_it(p, out, check_box, fill_box) :
				   do_it(p, out, check_before, plant);
	planting_deinit(p);
	return err;
}

struct hs_err *tg_do_uproot(struct tg_tracer *t, struct tg_packet *in,
			    struct tg_packet *out)
{
	struct planting *p = planting_create(t);
	struct hs_err *err = take_request(p, in);

	if (!err)
		err = p->q.n_box ? do_it(p, out, look_into_box, empty_box) :
				   do_it(p, out, look, uproot);
	planting_deinit(p);
	return err;
}
