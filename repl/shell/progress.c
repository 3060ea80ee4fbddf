// SPDX-License-Identifier: GPL-3.0-or-later
// "sweeping heap: 1200000 of 2400000 objects, 50 %, 1.2 M/s, 1.0 s left"
#include "shell.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	PATIENT_NS = 1000000000, /* shorter things need no line */
	REDRAW_NS = 200000000,
};

/* The engine writes while we read: copy, bound, escape. */
static void add_word(struct hs_text *t, const char *s, size_t cap,
		     const struct vw_style *style)
{
	char copy[sizeof(((struct hs_shared *)NULL)->what)];

	memcpy(copy, s, cap);
	vw_foreign(t, style, copy, strnlen(copy, cap));
}

static void add_rate(struct hs_text *t, double per_second)
{
	if (per_second >= 1e6)
		hs_text_addf(t, ", %.1f M/s", per_second / 1e6);
	else if (per_second >= 1e3)
		hs_text_addf(t, ", %.1f k/s", per_second / 1e3);
	else
		hs_text_addf(t, ", %.0f/s", per_second);
}

void sh_progress_text(struct hs_text *ret, const struct wr_shared *shared,
		      uint64_t now_ns, const struct vw_style *style)
{
	const struct hs_shared *s = &shared->task;
	uint64_t done = atomic_load(&s->done), total = atomic_load(&s->total);
	uint64_t started = atomic_load(&s->started_ns);
	double seconds = (double)(now_ns - started) / 1e9, left;
	HS_TEXT t = { 0 };

	add_word(&t, s->what, sizeof(s->what), style);
	hs_text_addf(&t, ": %" PRIu64, done);
	if (total)
		hs_text_addf(&t, " of %" PRIu64, total);
	hs_text_addc(&t, ' ');
	add_word(&t, s->unit, sizeof(s->unit), style);
	if (total && done <= total)
		hs_text_addf(&t, ", %.0f %%",
			     100.0 * (double)done / (double)total);
	if (done && seconds > 0)
		add_rate(&t, (double)done / seconds);
	if (done && done <= total) {
		left = seconds * (double)(total - done) / (double)done;
		hs_text_add(&t, ", ");
		// of a clock that was read before it began
		hs_text_duration(&t, left < 1e9 ? (uint64_t)(left * 1e9) :
						  UINT64_MAX);
		hs_text_add(&t, " left");
	}
	vw_clip(ret, style, hs_text_str(&t),
		style->width ? style->width - 1 : SIZE_MAX);
}

void sh_progress_tick(struct sh_progress *p, const struct wr_shared *shared)
{
	uint64_t started = atomic_load(&shared->task.started_ns);
	uint64_t now = hs_now_ns();
	const struct sh_options none = { 0 };
	const struct sh_shell plain = { .options = &none };
	struct vw_style style;
	HS_TEXT t = { 0 };

	if (!started) {
		sh_progress_erase(p);
		return;
	}
	if (now < started || now - started < PATIENT_NS ||
	    now - p->drawn_ns < REDRAW_NS || !isatty(2))
		return;
	style = sh_style(&plain, 2);
	sh_progress_text(&t, shared, now, &style);
	fprintf(stderr, "\r%s\033[K", hs_text_str(&t));
	p->shown = true;
	p->drawn_ns = now;
}

void sh_progress_erase(struct sh_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
