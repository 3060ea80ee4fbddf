// SPDX-License-Identifier: Apache-2.0
/* doctor: what a heapsh that was killed has left, and how it is taken away. */
#include "doctor.h"

#include "tg_plant.h"

static const char *pages_word(enum tg_left_state state)
{
	switch (state) {
	case TG_LEFT_WAITS:
		return ", whose function waits to be called";
	case TG_LEFT_BUSY:
		return ", in use: they go by themselves";
	case TG_LEFT_UNSURE:
		return " or is of another pid namespace, and lives";
	case TG_LEFT_IDLE:
	default:
		return "";
	}
}

static void pages_row(const struct tg_left_pages *p, const char *of,
		      const char *type, json_t *rows)
{
	HS_FREE char *what =
		hs_xasprintf("two pages in %s at 0x%llx, by a heapsh that was "
			     "killed%s",
			     of, (unsigned long long)p->addr,
			     pages_word(p->state));

	en_doctor_row(rows, "left behind", what, type);
}

static size_t every_page(json_t *rows)
{
	HS_FREE struct tg_left_pages *v = NULL;
	size_t n = tg_left_pages(0, &v);

	for (size_t i = 0; i < n; i++) {
		HS_FREE char *type = hs_xasprintf("heapsh doctor %d", v[i].pid);
		HS_FREE char *of = hs_xasprintf("%d", v[i].pid);

		pages_row(&v[i], of, type, rows);
	}
	return n;
}

void en_doctor_left(json_t *rows)
{
	HS_FREE struct tg_leftover *v = NULL;
	size_t n = tg_leftovers(0, &v);

	for (size_t i = 0; i < n; i++) {
		HS_FREE char *type =
			hs_xasprintf("heapsh doctor %d", v[i].parent);
		HS_FREE char *what =
			hs_xasprintf("a copy of %d, by a heapsh that was "
				     "killed (%s %d)",
				     v[i].parent,
				     v[i].running ? "process" : "zombie",
				     v[i].pid);

		en_doctor_row(rows, "left behind", what, type);
	}
	n += every_page(rows);
	if (!n)
		en_doctor_row(rows, "left behind", "nothing", "");
}

static void removed_row(size_t gone, size_t n, struct hs_err *err, json_t *rows)
{
	if (gone)
		en_doctor_rowf(rows, "removed", "%zu of %zu", gone, n);
	if (err)
		en_doctor_row(rows, "not removed", err->message,
			      err->remedy ? err->remedy : "");
	hs_err_free(err);
}

static size_t clean_copies(struct en_engine *en, int pid, json_t *rows)
{
	HS_FREE struct tg_leftover *v = NULL;
	size_t n = tg_leftovers(pid, &v), gone = 0;
	struct hs_err *err;

	if (!n)
		return 0;
	err = tg_clean(en->tracer, pid, &gone);
	for (size_t i = 0; i < n; i++)
		en_doctor_rowf(rows, "left behind",
			       "a copy of it, by a heapsh that was "
			       "killed (%s %d)",
			       v[i].running ? "process" : "zombie", v[i].pid);
	removed_row(gone, n, err, rows);
	return n;
}

static size_t clean_pages(struct en_engine *en, int pid, json_t *rows)
{
	HS_FREE struct tg_left_pages *v = NULL;
	size_t n = tg_left_pages(pid, &v), gone = 0;
	struct hs_err *err;

	if (!n)
		return 0;
	err = tg_clean_pages(en->tracer, pid, &gone);
	for (size_t i = 0; i < n; i++)
		pages_row(&v[i], "it", "", rows);
	removed_row(gone, n, err, rows);
	return n;
}

void en_doctor_clean(struct en_engine *en, int pid, json_t *rows)
{
	size_t n = clean_copies(en, pid, rows);

	n += clean_pages(en, pid, rows);
	if (!n)
		en_doctor_row(rows, "left behind", "nothing", "");
}
