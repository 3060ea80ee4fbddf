// SPDX-License-Identifier: Apache-2.0
// Runs the checks of plugin-check, each in a child that may die of it.
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

enum {
	CHECK_SECONDS = 30,	/* then it loops */
	GARBAGE = 1 << 20,	/* bytes of the synthetic image */
};
#define GARBAGE_AT UINT64_C(0x10000000)

void en_wrong(struct en_check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->ret->verdict == EN_WRONG)
		return;
	c->ret->verdict = EN_WRONG;
	va_start(ap, fmt);
	vsnprintf(c->ret->what, sizeof(c->ret->what), fmt, ap);
	va_end(ap);
}

void en_fine(struct en_check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->ret->verdict == EN_WRONG)
		return;
	c->ret->verdict = EN_OK;
	va_start(ap, fmt);
	vsnprintf(c->ret->what, sizeof(c->ret->what), fmt, ap);
	va_end(ap);
}

void en_absent(struct en_check *c, const char *what)
{
	en_fine(c, "%s", what);
	c->ret->verdict = EN_NONE;
}

uint64_t en_random(struct en_check *c, uint64_t n)
{
	// xorshift64*, Vigna 2016
	c->rng ^= c->rng >> 12;
	c->rng ^= c->rng << 25;
	c->rng ^= c->rng >> 27;
	return (c->rng * UINT64_C(0x2545f4914f6cdd1d) >> 11) % n;
}

/* --- the synthetic image ------------------------------------------------- */

static uint64_t read_garbage(void *arg, uint64_t addr, void *buf, uint64_t len)
{
	const uint8_t *bytes = arg;
	uint64_t n;

	if (addr < GARBAGE_AT || addr - GARBAGE_AT >= GARBAGE)
		return 0;
	n = GARBAGE - (addr - GARBAGE_AT);
	n = len < n ? len : n;
	memcpy(buf, bytes + (addr - GARBAGE_AT), n);
	return n;
}

/** bytes: of GARBAGE, and outliving the image. */
static struct hs_err *make_garbage(uint64_t *bytes, struct im_image **ret)
{
	const struct im_source source = { read_garbage, NULL };
	const struct im_info info = { .kind = IM_FAKE, .width = 8,
				      .little_endian = true,
				      .command = "garbage" };
	const struct im_mapping map = { .start = GARBAGE_AT,
					.end = GARBAGE_AT + GARBAGE,
					.prot = 3, .path = "",
					.module = UINT32_MAX };
	struct en_check c = { .rng = 20 };
	size_t i;

	// Half of the words point to words of its own.
	for (i = 0; i < GARBAGE / sizeof(*bytes); i++)
		bytes[i] = i % 2 ? en_random(&c, UINT64_MAX) :
			   GARBAGE_AT + en_random(&c, GARBAGE) / 8 * 8;
	return im_create(&info, &map, 1, NULL, 0, &source, bytes, 0, ret);
}

/* --- one check ----------------------------------------------------------- */

static void take_err(struct en_check *c, struct hs_err *err)
{
	if (err)
		en_wrong(c, "%s", err->message);
	hs_err_free(err);
}

struct sampler {
	struct heapsh_sink sink;	/* first */
	struct en_check *c;
};

static void sample_object(struct heapsh_sink *sink,
			  const struct heapsh_object *o)
{
	struct en_check *c = ((struct sampler *)sink)->c;

	if (c->n_sample < EN_SAMPLE)
		c->sample[c->n_sample++] = *o;
}

/** Half of the sample from the roots, half from the first range. */
static void sample_root(void *arg, const struct heapsh_root *root)
{
	struct en_check *c = arg;
	struct md_object o;

	if (c->n_sample < EN_SAMPLE / 2 &&
	    md_object_at(c->model, root->target, &o))
		c->sample[c->n_sample++] = o.o;
}

static void sample_references(struct en_check *c)
{
	uint32_t i, from = 0;
	struct md_edge *edges;
	struct md_object o;
	size_t n, k;

	for (i = from; i < c->n_sample && c->n_sample < EN_SAMPLE / 2; i++) {
		struct hs_err *err = md_edges(c->model, c->sample[i].address,
					      &edges, &n);

		if (err) {
			hs_err_free(err);
			continue;
		}
		for (k = 0; k < n && k < 16 && c->n_sample < EN_SAMPLE / 2; k++)
			if (md_object_at(c->model, edges[k].e.target, &o))
				c->sample[c->n_sample++] = o.o;
		free(edges);
	}
}

static void sample(struct en_check *c)
{
	struct sampler s = { .c = c };
	HS_FREE uint8_t *buf = NULL;
	struct heapsh_range r[64];
	struct im_reader *reader;
	struct heapsh_chunk chunk = { .size = sizeof(chunk) };
	uint64_t grain;

	md_roots(c->model, sample_root, c);
	sample_references(c);
	if (!md_ranges(c->model, r, HS_ARRAY_SIZE(r), &grain))
		return;
	chunk.address = r[0].start;
	chunk.len = r[0].end - r[0].start < grain ? r[0].end - r[0].start :
						    grain;
	buf = hs_xalloc(chunk.len);
	chunk.bytes = buf;
	md_read(c->model, chunk.address, buf, chunk.len);
	s.sink = (struct heapsh_sink){ .size = sizeof(s.sink),
				       .want = HEAPSH_WANT_OBJECTS |
					       HEAPSH_WANT_SIZES,
				       .object = sample_object };
	hs_err_free(md_reader_create(c->model, NULL, &reader));
	s.sink.reader = reader;
	md_reader_lend(reader, chunk.address, buf, chunk.len);
	md_sweep(c->model, &chunk, &s.sink);
	md_reader_destroy(reader);
}

/** Bring the plugin as far as the check needs it. */
static void prepare(struct en_check *c, const char *path, enum en_stage stage)
{
	take_err(c, md_host_create(NULL, 0, NULL, 0, NULL, 0, &c->host));
	if (c->ret->verdict != EN_WRONG)
		take_err(c, md_load(c->host, path));
	if (c->ret->verdict != EN_WRONG && stage >= EN_CLAIMED)
		take_err(c, md_probe(c->host, c->image, &c->claim));
	if (c->ret->verdict != EN_WRONG && stage >= EN_OPEN)
		take_err(c, md_open(c->host, &c->claim, c->image, c->task,
				    &c->model));
	if (c->ret->verdict != EN_WRONG && stage >= EN_SAMPLED)
		sample(c);
}

static void run_one(struct en_check *c, const char *path,
		    const struct en_check_row *row)
{
	struct hs_err *fault;

	alarm(CHECK_SECONDS);
	prepare(c, path, row->stage);
	if (c->ret->verdict == EN_WRONG)
		return;
	row->run(c);
	if (!c->model)
		return;
	// What the host's guard saw on the way.
	fault = md_fault(c->model);
	take_err(c, fault);
	if (md_rejected(c->model))
		en_wrong(c, "%llu objects lie outside what was asked for, or "
			 "are out of order",
			 (unsigned long long)md_rejected(c->model));
}

static void how_it_died(struct en_check *c, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		en_wrong(c, "it did not return within %d s", CHECK_SECONDS);
	else if (WIFSIGNALED(status))
		en_wrong(c, "it was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		en_wrong(c, "it ended the process with status %d",
			 WEXITSTATUS(status));
}

/** In a child, which answers through c->ret. */
static struct hs_err *run_apart(struct en_check *c, const char *path,
				const struct en_check_row *row)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return hs_err_os(errno, "start a process for a check");
	if (!pid) {
		signal(SIGALRM, SIG_DFL);
		run_one(c, path, row);
		// Not exit(): nothing of the engine is to be flushed twice.
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	how_it_died(c, status);
	return NULL;
}

/* --- all of them --------------------------------------------------------- */

static void add_row(json_t *doc, const char *name, const struct en_finding *f)
{
	static const char *const verdicts[] = { "not run", "ok", "none",
						"WRONG" };
	HS_TEXT what = { 0 };

	hs_text_escape(&what, f->what, strnlen(f->what, sizeof(f->what)));
	json_array_append_new(json_object_get(doc, "rows"),
			      json_pack("[sss]", name, verdicts[f->verdict],
					hs_text_str(&what)));
}

static json_t *make_table(void)
{
	static const char *const columns[] = { "Check", "Verdict", "What" };
	json_t *doc = wr_doc_create("table"), *heads = json_array();
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(columns); i++)
		json_array_append_new(heads, json_pack("{ssss}", "name",
						       columns[i], "align",
						       "left"));
	json_object_set_new(doc, "columns", heads);
	json_object_set_new(doc, "rows", json_array());
	return doc;
}

/** As an attach would: what follows looks at a consistent instant. */
static struct hs_err *settle_as_told(struct en_engine *en, struct en_check *c,
				     struct tg_instant *t)
{
	bool settled;

	if (!t || t->state != WR_TRACER_UNSETTLED)
		return NULL;
	return en_settle(en, t, &c->ret->settle, &c->image, &settled);
}

/** A later stage is not tried when an earlier one went wrong. */
static struct hs_err *run_all(struct en_engine *en, struct en_check *c,
			      struct tg_instant *t, const char *path,
			      json_t *doc, bool *fine)
{
	int reached = c->image ? EN_SAMPLED : EN_LOADED;
	struct hs_err *err = NULL;
	size_t i;

	for (i = 0; i < en_n_checks && !err; i++) {
		const struct en_check_row *row = &en_checks[i];

		memset(c->ret, 0, sizeof(*c->ret));
		if ((int)row->stage <= reached) {
			err = run_apart(c, path, row);
		} else {
			snprintf(c->ret->what, sizeof(c->ret->what), "%s",
				 c->image || reached < EN_LOADED ?
					 "what comes before it is wrong" :
					 "give the PID of a process that the "
					 "plugin knows");
		}
		if (c->ret->verdict == EN_WRONG) {
			*fine = false;
			if (row->gate)
				reached = (int)row->stage - 1;
		}
		if (c->ret->verdict == EN_OK && row->run == en_check_settle)
			err = settle_as_told(en, c, t);
		add_row(doc, row->name, c->ret);
		if (!err)
			err = hs_check_cancel(&en->task);
	}
	return err;
}

static struct hs_err *take_image(struct en_engine *en, const json_t *hello,
				 struct tg_instant **t, struct im_image **ret)
{
	int pid = (int)wr_get_i64(hello, "pid");
	const char *core = wr_get_text(hello, "core");

	*t = NULL;
	*ret = NULL;
	if (pid)
		return en_freeze(en, pid, t, ret);
	return *core ? im_open_core(core, ret) : NULL;
}

struct hs_err *en_plugin_check(struct en_engine *en, const json_t *hello,
			       json_t **doc, bool *fine)
{
	HS_FREE uint64_t *bytes = hs_xalloc(GARBAGE);
	HS_FREE struct en_check *c = hs_xalloc(sizeof(*c));
	struct tg_instant *t = NULL;
	struct hs_err *err;

	c->task = &en->task;
	c->rng = 4711;
	c->ret = mmap(NULL, sizeof(*c->ret), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->ret == MAP_FAILED)
		return hs_err_os(errno, "map memory for the checks");
	*fine = true;
	*doc = make_table();
	err = make_garbage(bytes, &c->garbage);
	if (!err)
		err = take_image(en, hello, &t, &c->image);
	if (!err)
		err = run_all(en, c, t, wr_get_text(hello, "file"), *doc,
			      fine);
	im_destroy(c->image);
	im_destroy(c->garbage);
	if (t)
		hs_err_free(tg_release(en->tracer, t));
	tg_instant_free(t);
	munmap(c->ret, sizeof(*c->ret));
	if (err) {
		json_decref(*doc);
		*doc = NULL;
	}
	return err;
}
