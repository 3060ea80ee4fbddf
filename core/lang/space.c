// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

/*
 * threads, threads[0], threads[0].frames, …frames[2].locals['x']: what the
 * runtime itself knows of its threads, by HEAPSH_THREADS_0. Nothing is kept:
 * each step asks the plugin again.
 */

struct hs_err *lg_runtime(struct lg_session *s, struct lg_instant *in,
			  struct md_model **ret)
{
	struct md_model *m = lg_instant_model(in, s->task);
	void *state;

	if (!md_interface(m, HEAPSH_THREADS_0, &state))
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "list threads: the plugin %s does not know "
				  "those of its runtime",
				  md_plugin(m)->name);
	*ret = m;
	return NULL;
}

static uint32_t n_threads(struct md_model *m)
{
	struct heapsh_thread t;
	uint32_t n = 0;

	while (md_thread(m, n, &t))
		n++;
	return n;
}

static uint32_t n_frames(struct lg_session *s, struct md_model *m,
			 uint32_t thread)
{
	struct heapsh_frame f;
	uint32_t n = 0;

	while (!hs_cancelled(s->task) && md_frame(m, thread, n, &f))
		n++;
	return n;
}

static uint32_t n_variables(struct md_model *m, const struct lg_space_value *v)
{
	struct heapsh_variable var;
	uint32_t n = 0;

	while (md_variable(m, v->thread, v->frame, n, &var))
		n++;
	return n;
}

struct hs_err *lg_space_len(struct lg_session *s, struct lg_value *v,
			    uint64_t *ret)
{
	const struct lg_space_value *space = &v->u.space;
	struct md_model *m;
	struct hs_err *err = lg_runtime(s, v->in, &m);
	uint64_t n = 0;
	uint32_t threads;

	if (err)
		return err;
	switch (space->space) {
	case LG_THREADS:
		n = n_threads(m);
		break;
	case LG_ALL_FRAMES:
		threads = n_threads(m);
		for (uint32_t i = 0; i < threads; i++)
			n += n_frames(s, m, i);
		break;
	case LG_THREAD:
	case LG_FRAMES:
		n = n_frames(s, m, space->thread);
		break;
	case LG_FRAME:
	case LG_LOCALS:
	default:
		n = n_variables(m, space);
		break;
	}
	err = hs_check_cancel(s->task);
	if (!err)
		*ret = n;
	return err;
}

struct hs_err *lg_frame_at(struct lg_session *s, struct lg_value *v, uint64_t i,
			   struct lg_space_value *ret)
{
	struct md_model *m;
	struct hs_err *err = lg_runtime(s, v->in, &m);
	uint32_t threads, n;

	if (err)
		return err;
	ret->space = LG_FRAME;
	if (v->u.space.space != LG_ALL_FRAMES) {
		ret->thread = v->u.space.thread;
		ret->frame = (uint32_t)i;
		return NULL;
	}
	threads = n_threads(m);
	for (uint32_t t = 0; t < threads; t++, i -= n) {
		n = n_frames(s, m, t);
		ret->thread = t;
		ret->frame = (uint32_t)i;
		if (i < n)
			return NULL;
	}
	err = hs_check_cancel(s->task);
	return err ? err : hs_err_new(HS_ERR_NAME, "no such frame");
}

/* --- [key] ---------------------------------------------------------------- */

static struct hs_err *thread_named(struct lg_session *s, struct lg_value *v,
				   struct lg_value *key, struct lg_value **ret)
{
	struct lg_near near = { 0 };
	struct heapsh_thread t;
	struct md_model *m;
	struct hs_err *err = lg_runtime(s, v->in, &m);
	size_t n;
	const char *name = lg_as_text(key, &n);

	if (err)
		return err;
	for (uint32_t i = 0; md_thread(m, i, &t); i++) {
		if (t.name.n == n && !memcmp(t.name.s, name, n)) {
			*ret = lg_space(v->in, LG_THREAD, i, 0);
			lg_near_drop(&near);
			return NULL;
		}
		lg_near_add(&near, t.name.s, t.name.n);
	}
	return lg_near_remedy(
		hs_err_remedy(hs_err_new(HS_ERR_NAME,
					 "no thread is named '%s'", name),
			      "threads lists them"),
		&near, name);
}

static struct hs_err *variable(struct lg_session *s, struct lg_value *v,
			       const char *name, size_t n,
			       struct lg_value **ret)
{
	struct lg_near near = { 0 };
	struct heapsh_variable var;
	struct md_model *m;
	struct hs_err *err = lg_runtime(s, v->in, &m);

	if (err)
		return err;
	for (uint32_t i = 0;
	     md_variable(m, v->u.space.thread, v->u.space.frame, i, &var);
	     i++) {
		if (!var.name.n || var.name.n != n ||
		    memcmp(var.name.s, name, n)) {
			lg_near_add(&near, var.name.s, var.name.n);
			continue;
		}
		lg_near_drop(&near);
		if (!var.target)
			return hs_err_new(HS_ERR_NAME,
					  "variable '%s' has no "
					  "value at this moment",
					  name);
		*ret = lg_object(v->in, var.target);
		return NULL;
	}
	return lg_near_remedy(
		hs_err_new(HS_ERR_NAME, "the frame has no variable '%s'", name),
		&near, name);
}

static struct hs_err *numbered(struct lg_session *s, struct lg_value *v,
			       int64_t i, struct lg_value **ret)
{
	struct lg_space_value frame = { 0 };
	struct heapsh_variable var;
	struct md_model *m;
	uint64_t n, row;
	struct hs_err *err = lg_space_len(s, v, &n);

	if (!err)
		err = lg_row(i, n, &row);
	if (err)
		return err;
	switch (v->u.space.space) {
	case LG_THREADS:
		*ret = lg_space(v->in, LG_THREAD, (uint32_t)row, 0);
		return NULL;
	case LG_THREAD:
	case LG_FRAMES:
	case LG_ALL_FRAMES:
		err = lg_frame_at(s, v, row, &frame);
		if (!err)
			*ret = lg_space(v->in, LG_FRAME, frame.thread,
					frame.frame);
		return err;
	case LG_FRAME:
	case LG_LOCALS:
	default:
		err = lg_runtime(s, v->in, &m);
		if (err)
			return err;
		if (!md_variable(m, v->u.space.thread, v->u.space.frame,
				 (uint32_t)row, &var) ||
		    !var.target)
			return hs_err_new(HS_ERR_NAME,
					  "variable [%lld] has "
					  "no value at this moment",
					  (long long)i);
		*ret = lg_object(v->in, var.target);
		return NULL;
	}
}

struct hs_err *lg_space_item(struct lg_session *s, struct lg_value *v,
			     struct lg_value *key, struct lg_value **ret)
{
	enum lg_space space = v->u.space.space;
	size_t n;
	const char *name = lg_as_text(key, &n);

	if (key->kind == LG_INT)
		return numbered(s, v, key->u.i, ret);
	if (name && space == LG_THREADS)
		return thread_named(s, v, key, ret);
	if (name && (space == LG_LOCALS || space == LG_FRAME))
		return variable(s, v, name, n, ret);
	return hs_err_new(HS_ERR_USAGE, "frames are counted: [0] is the "
					"innermost");
}

/* --- .name ---------------------------------------------------------------- */

static struct hs_err *get_window(struct lg_session *s, struct lg_value *v,
				 int64_t how, struct lg_value **ret)
{
	const struct lg_space_value *space = &v->u.space;
	LG_GUARD moved =
		lg_space(v->in, space->space, space->thread, space->frame);
	uint64_t n;
	struct hs_err *err = lg_space_len(s, v, &n);

	moved->u.space.window = space->window;
	if (!err)
		err = lg_window_move(s, &moved->u.space.window, n, how);
	if (!err)
		*ret = hs_take(moved);
	return err;
}

static struct hs_err *get_space(struct lg_session *s, struct lg_value *v,
				int64_t space, struct lg_value **ret)
{
	(void)s;
	*ret = lg_space(v->in, (enum lg_space)space, v->u.space.thread,
			v->u.space.frame);
	return NULL;
}

static struct hs_err *get_count(struct lg_session *s, struct lg_value *v,
				int64_t arg, struct lg_value **ret)
{
	uint64_t n;
	struct hs_err *err = lg_space_len(s, v, &n);

	(void)arg;
	if (!err)
		*ret = lg_int((int64_t)n);
	return err;
}

enum { THREAD_NAME, THREAD_TID, THREAD_IDENT, THREAD_LOCK };

static struct hs_err *get_thread(struct lg_session *s, struct lg_value *v,
				 int64_t what, struct lg_value **ret)
{
	struct heapsh_thread t;
	struct md_model *m;
	struct hs_err *err = lg_runtime(s, v->in, &m);

	if (err)
		return err;
	if (!md_thread(m, v->u.space.thread, &t))
		return hs_err_new(HS_ERR_NAME, "no such thread");
	if (what == THREAD_NAME)
		*ret = lg_text(t.name.s, t.name.n);
	else if (what == THREAD_LOCK)
		*ret = lg_bool(t.holds_lock);
	else
		*ret = lg_int(what == THREAD_TID ? t.tid : (int64_t)t.ident);
	return NULL;
}

enum { FRAME_FUNCTION, FRAME_FILE, FRAME_LINE, FRAME_CODE, FRAME_OBJECT };

static struct hs_err *get_frame(struct lg_session *s, struct lg_value *v,
				int64_t what, struct lg_value **ret)
{
	struct heapsh_frame f;
	struct md_model *m;
	struct hs_err *err = lg_runtime(s, v->in, &m);
	uint64_t addr;

	if (err)
		return err;
	if (!md_frame(m, v->u.space.thread, v->u.space.frame, &f))
		return hs_err_new(HS_ERR_NAME, "no such frame");
	addr = what == FRAME_CODE ? f.code : f.object;
	if (what == FRAME_FUNCTION)
		*ret = lg_text(f.function.s, f.function.n);
	else if (what == FRAME_FILE)
		*ret = lg_text(f.file.s, f.file.n);
	else if (what == FRAME_LINE)
		*ret = lg_int(f.line);
	else
		*ret = addr ? lg_object(v->in, addr) : lg_none();
	return NULL;
}

/* clang-format off */
const struct lg_attr lg_threads_attrs[] = {
	LG_PAGE_ATTRS(get_window),
	{ { "count", "number of rows" }, get_count, 0 },
	{ { NULL, NULL }, NULL, 0 },
};
const struct lg_attr lg_thread_attrs[] = {
	{ { "frames", "its frames, the innermost first" },
	  get_space, LG_FRAMES },
	{ { "name", "as the runtime calls it" }, get_thread, THREAD_NAME },
	{ { "tid", "the kernel's number of it" }, get_thread, THREAD_TID },
	{ { "ident", "the runtime's number of it" },
	  get_thread, THREAD_IDENT },
	{ { "holds_lock", "did it hold the runtime's lock" },
	  get_thread, THREAD_LOCK },
	{ { "more", "the frames after these" }, get_window, LG_MORE },
	{ { "prev", "the frames before these" }, get_window, LG_PREV },
	{ { "top", "the innermost frames" }, get_window, LG_TOP },
	{ { "all", "every frame" }, get_window, LG_EVERY },
	{ { NULL, NULL }, NULL, 0 },
};
const struct lg_attr lg_frame_attrs[] = {
	{ { "locals", "its variables: locals['x']" }, get_space, LG_LOCALS },
	{ { "function", "name of its function" }, get_frame, FRAME_FUNCTION },
	{ { "file", "file of its code" }, get_frame, FRAME_FILE },
	{ { "line", "line that it is at" }, get_frame, FRAME_LINE },
	{ { "code", "its code object" }, get_frame, FRAME_CODE },
	{ { "object", "its frame object, when there is one" },
	  get_frame, FRAME_OBJECT },
	{ { "more", "the variables after these" }, get_window, LG_MORE },
	{ { "prev", "the variables before these" }, get_window, LG_PREV },
	{ { "top", "the first variables" }, get_window, LG_TOP },
	{ { "all", "every variable" }, get_window, LG_EVERY },
	{ { NULL, NULL }, NULL, 0 },
};
/* clang-format on */
