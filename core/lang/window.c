// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * Rows of a listing that are shown. Row numbers are of the whole listing, on
 * whatever page: _[12] is the row printed as 12.
 */

uint64_t lg_page(const struct lg_session *s, const struct lg_window *w)
{
	if (w->page == LG_ALL)
		return LG_ALL_ROWS;
	return w->page ? w->page : lg_setting_rows(s);
}

uint64_t lg_window_end(const struct lg_session *s, const struct lg_window *w,
		       uint64_t n)
{
	uint64_t page = lg_page(s, w), left;

	if (w->first >= n)
		return n;
	left = n - w->first;
	// as Heapy: a row takes no more room than "<1 more row…>"
	return left <= page || left - page == 1 ? n : w->first + page;
}

struct hs_err *lg_window_move(const struct lg_session *s, struct lg_window *w,
			      uint64_t n, int64_t how)
{
	uint64_t end = lg_window_end(s, w, n), page = lg_page(s, w);

	if (how == LG_MORE && end >= n)
		return hs_err_remedy(
			hs_err_new(HS_ERR_NAME, "more: the last row is shown"),
			"_.top is the first page, _.prev the one before");
	if (how == LG_PREV && !w->first)
		return hs_err_new(HS_ERR_NAME, "prev: the first row is shown");
	if (how == LG_MORE)
		w->first = end;
	else if (how == LG_PREV)
		w->first -= page < w->first ? page : w->first;
	else
		w->first = 0;
	if (how == LG_EVERY)
		w->page = LG_ALL;
	else if (how == LG_TOP && w->page == LG_ALL)
		w->page = 0; // SET.all.top is a page again
	return NULL;
}

struct hs_err *lg_row(int64_t i, uint64_t n, uint64_t *ret)
{
	uint64_t row = i < 0 ? n - (0 - (uint64_t)i) : (uint64_t)i;

	if (row < n) {
		*ret = row;
		return NULL;
	}
	if (!n)
		return hs_err_new(HS_ERR_NAME, "row [%lld]: there are no rows",
				  (long long)i);
	return hs_err_new(HS_ERR_NAME, "row [%lld]: the rows are 0 to %llu",
			  (long long)i, (unsigned long long)(n - 1));
}

/* A bound, or def when it is absent; clipped to least..most. */
static struct hs_err *bound_of(const struct lg_value *v, int64_t def, int64_t n,
			       int64_t least, int64_t most, int64_t *ret)
{
	int64_t i;

	*ret = def;
	if (!v || v->kind == LG_NONE)
		return NULL;
	if (v->kind != LG_INT && v->kind != LG_BOOL)
		return hs_err_new(HS_ERR_USAGE, "a slice takes numbers, not %s",
				  lg_kind_words(v));
	i = v->u.i;
	if (i < 0)
		i = i < -n ? -1 : i + n;
	*ret = i < least ? least : i > most ? most : i;
	return NULL;
}

static struct hs_err *step_of(const struct lg_value *v, int64_t *ret)
{
	*ret = 1;
	if (!v || v->kind == LG_NONE)
		return NULL;
	if (v->kind != LG_INT || !v->u.i)
		return hs_err_new(HS_ERR_USAGE, "the step of a slice is a "
						"number other than 0");
	*ret = v->u.i;
	return NULL;
}

struct hs_err *lg_range(struct lg_value *const bound[3], uint64_t n,
			struct lg_range *ret)
{
	int64_t len = n > INT64_MAX ? INT64_MAX : (int64_t)n;
	int64_t from, to, step;
	struct hs_err *err = step_of(bound[2], &step);
	bool down;
	uint64_t span;

	if (err)
		return err;
	down = step < 0;
	err = bound_of(bound[0], down ? len - 1 : 0, len, down ? -1 : 0,
		       down ? len - 1 : len, &from);
	if (!err)
		err = bound_of(bound[1], down ? -1 : len, len, down ? -1 : 0,
			       down ? len - 1 : len, &to);
	if (err)
		return err;
	span = down ? (from > to ? (uint64_t)(from - to) : 0)
		    : (to > from ? (uint64_t)(to - from) : 0);
	ret->from = from;
	ret->step = step;
	ret->n = span ? (span - 1) / (down ? 0 - (uint64_t)step
					   : (uint64_t)step) +
				 1
		      : 0;
	return NULL;
}
