// SPDX-License-Identifier: Apache-2.0
#include "tg_plant.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "tg_client.h"

/*
 * Pages that were planted into a process (plant.c) by a heapsh that was killed.
 * They are found by their address, which is made so that it is known, from the
 * request on that maps them; the note that lies in them says whose they are and
 * what leads there. All of it is bytes of a foreign process, which may lie: it
 * can have two pages of its own taken away, at an address to which nobody else
 * comes, and words of its own that are what it says set to what it says.
 */
enum { TRIES = 50, TRY_US = 2000 };

/** Two pages at a place of ours. */
struct found {
	struct tg_left_pages left;
	struct tg_plant_data data; /* number 0: was never filled */
};

/* --- which they are ------------------------------------------------------ */

static bool is_like(const struct tg_maps *maps, size_t i, uint64_t start,
		    uint64_t len, const char *prot)
{
	const struct tg_map *m = &maps->v.v[i];

	return i < maps->v.n && m->start == start && m->end == start + len &&
	       !m->inode && !*tg_map_path(maps, m) && !strcmp(m->prot, prot);
}

/* As they are before they are filled, and behind. */
static bool is_ours(const struct tg_maps *maps, size_t i)
{
	uint64_t at = maps->v.v[i].start;
	const uint64_t code = WR_TRACER_PLANT_CODE;

	return tg_plant_is_place(at) &&
	       (is_like(maps, i, at, WR_TRACER_PLANT_BYTES, "rw-p") ||
		(is_like(maps, i, at, code, "r-xp") &&
		 is_like(maps, i + 1, at + code, WR_TRACER_PLANT_BYTES - code,
			 "rw-p")));
}

static bool is_word(const struct wr_tracer_word *w)
{
	return (w->bytes == 1 || w->bytes == 4 || w->bytes == 8) &&
	       !(w->addr % w->bytes) && !(w->addr >> 47);
}

/* Of the form that we give it? */
static bool is_note(const struct tg_plant_note *n, uint64_t addr)
{
	if (memcmp(n->magic, TG_PLANT_MAGIC, sizeof(n->magic)) ||
	    n->addr != addr || n->n_words > WR_TRACER_WORDS)
		return false;
	for (uint32_t i = 0; i < n->n_words; i++) {
		if (!is_word(&n->words[i]))
			return false;
	}
	return true;
}

static bool owner_lives(const struct tg_plant_note *n)
{
	uint64_t start;

	return tg_start_time(n->owner, &start) && start == n->owner_start;
}

/* --- what leads there ---------------------------------------------------- */

static uint64_t word_now(int pid, const struct wr_tracer_word *w)
{
	uint64_t v = 0;

	return tg_live_read(NULL, pid, w->addr, &v, w->bytes) == w->bytes
		       ? v
		       : UINT64_MAX;
}

/** Of the words that are set, and set back. */
struct led {
	uint32_t n, n_now; /* of them, as they were set */
	uint32_t last; /* that says that something is there */
	uint64_t last_now;
};

static void look_at_words(int pid, const struct tg_plant_note *n,
			  struct led *ret)
{
	for (uint32_t i = 0; i < n->n_words; i++) {
		const struct wr_tracer_word *w = &n->words[i];

		if (!(w->flags & WR_TRACER_WORD_UNDO))
			continue;
		ret->last = i;
		ret->last_now = word_now(pid, w);
		ret->n++;
		ret->n_now += ret->last_now == w->now;
	}
}

static enum tg_left_state state_of(int pid, const struct tg_plant_data *d)
{
	struct led led = { 0 };

	if (!d->number || d->state == WR_TRACER_PLANT_DONE)
		return TG_LEFT_IDLE;
	if (d->state != WR_TRACER_PLANT_WAITS)
		return TG_LEFT_BUSY;
	look_at_words(pid, &d->note, &led);
	if (!led.n || led.last_now == d->note.words[led.last].before)
		return TG_LEFT_IDLE;
	return led.n == led.n_now ? TG_LEFT_WAITS : TG_LEFT_BUSY;
}

/* --- in one process ------------------------------------------------------ */

static bool is_traced(int pid)
{
	HS_TEXT status = { 0 };

	return tg_read_proc(pid, "status", &status) &&
	       tg_field_u64(hs_text_str(&status), "TracerPid");
}

/* false: they are somebody's who lives. */
static bool look(int pid, uint64_t addr, struct found *ret)
{
	const struct tg_plant_note *n = &ret->data.note;

	ret->left = (struct tg_left_pages){ .pid = pid, .addr = addr };
	if (tg_live_read(NULL, pid, addr + WR_TRACER_PLANT_CODE, &ret->data,
			 sizeof(ret->data)) != sizeof(ret->data))
		return false;
	// Who is about to fill them has stopped the process.
	if (!ret->data.number)
		return !is_traced(pid);
	if (!is_note(n, addr))
		return false;
	ret->left.state = state_of(pid, &ret->data);
	if (n->owner_space != tg_pid_space())
		ret->left.state = TG_LEFT_UNSURE;
	else if (n->pid == pid && owner_lives(n))
		return false;
	return true;
}

/** Result of a search. */
struct list {
	HS_VEC(struct found) v;
};

static void search(int pid, struct list *to)
{
	struct tg_maps maps = { 0 };
	struct hs_err *err = tg_maps_read(pid, &maps);

	for (size_t i = 0; !err && i < maps.v.n; i++) {
		struct found f;

		// A copy has what its process had: no leftover of its own.
		if (is_ours(&maps, i) && !tg_is_clone(pid) &&
		    look(pid, maps.v.v[i].start, &f))
			hs_vec_push(&to->v, f);
	}
	// One that has ended, or is not ours to look at.
	hs_err_free(err);
	tg_maps_deinit(&maps);
}

size_t tg_left_pages(int pid, struct tg_left_pages **ret)
{
	struct list found = { 0 };
	DIR *d = pid ? NULL : opendir("/proc");
	struct dirent *e;
	uint64_t one;

	if (pid)
		search(pid, &found);
	while (d && (e = readdir(d))) {
		if (hs_parse_u64(e->d_name, &one) && one <= INT32_MAX)
			search((int)one, &found);
	}
	if (d)
		closedir(d);
	*ret = hs_xcalloc(found.v.n + 1, sizeof(**ret));
	for (size_t i = 0; i < found.v.n; i++)
		(*ret)[i] = found.v.v[i].left;
	one = found.v.n;
	hs_vec_deinit(&found.v);
	return one;
}

/* --- taken out ----------------------------------------------------------- */

/*
 * With what still leads there, which goes first. Where that is not said to the
 * program (the last word), it must stay so, and of the rest goes what is ours.
 */
static void add_words(const struct found *f, struct tg_planting *to)
{
	const struct tg_plant_note *n = &f->data.note;
	struct led led = { 0 };

	if (!f->data.number || f->data.state != WR_TRACER_PLANT_WAITS)
		return;
	look_at_words(f->left.pid, n, &led);
	for (uint32_t i = 0; led.n && i < n->n_words; i++) {
		struct wr_tracer_word w = n->words[i];

		if (!(w.flags & WR_TRACER_WORD_UNDO))
			continue;
		if (word_now(f->left.pid, &w) == w.now)
			w.flags = WR_TRACER_WORD_CHECK | WR_TRACER_WORD_SET |
				  WR_TRACER_WORD_UNDO;
		else if (i == led.last)
			w.flags = WR_TRACER_WORD_CHECK;
		else
			continue;
		to->words[to->n_words++] = w;
	}
}

static struct hs_err *take_out(struct tg_client *c, const struct tg_plan *plan,
			       const struct found *f)
{
	struct tg_planting p = { .addr = f->left.addr };
	uint32_t state;

	p.data.number = f->data.number;
	add_words(f, &p);
	return tg_uproot(c, plan, &p, &state);
}

/* A thread does not stop at once, or it has moved on since we looked. */
static struct hs_err *clean_once(struct tg_client *c, int pid,
				 const struct tg_plan *plan)
{
	struct list found = { 0 };
	struct hs_err *err = NULL;

	search(pid, &found);
	for (size_t i = 0; !err && i < found.v.n; i++) {
		enum tg_left_state state = found.v.v[i].left.state;

		if (state == TG_LEFT_IDLE || state == TG_LEFT_WAITS)
			err = take_out(c, plan, &found.v.v[i]);
	}
	hs_vec_deinit(&found.v);
	return err;
}

static bool is_later(const struct hs_err *err)
{
	return err && (err->code == HS_ERR_TIMEOUT ||
		       (err->code == HS_ERR_REFUSED && err->errnum == EAGAIN));
}

struct hs_err *tg_clean_pages(struct tg_client *c, int pid, size_t *ret)
{
	HS_FREE struct tg_left_pages *before = NULL;
	HS_FREE struct tg_left_pages *after = NULL;
	size_t n = tg_left_pages(pid, &before), left;
	struct tg_plan *plan = NULL;
	struct tg_report report;
	struct hs_err *err = tg_check(c, pid, NULL, &report);

	if (!err)
		err = tg_plan_create(&report, &plan);
	if (!err)
		err = clean_once(c, pid, plan);
	for (int i = 0; i < TRIES && is_later(err); i++) {
		hs_err_free(err);
		usleep(TRY_US);
		err = clean_once(c, pid, plan);
	}
	tg_plan_destroy(plan);
	if (!err) {
		left = tg_left_pages(pid, &after);
		// Another heapsh may have left some meanwhile.
		*ret = n > left ? n - left : 0;
	}
	return err;
}
