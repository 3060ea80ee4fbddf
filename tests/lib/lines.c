// SPDX-License-Identifier: Apache-2.0
#include "lines.h"

#include "image.h"
#include "model.h"

#include <unistd.h>

#include "text.h"
#include "unit.h"

struct toy toy;
static struct md_host *host;
static struct hs_task task;
struct lg_session session;
unsigned line_number;

static void assert_ok(struct hs_err *err)
{
	if (err)
		fail_msg("%s", err->message);
}

/* --- an engine of instants ------------------------------------------------ */

struct lg_instant *instants[8];
static size_t n_instants;

static void instant_destroy(struct lg_instant *in, void *arg)
{
	(void)arg;
	md_close(in->model);
	im_destroy(in->image);
	free(in);
}

/* Another look at the live process: nothing of it changes between two lines
 * unless the test asks it to. */
static struct lg_instant *take(const char *name)
{
	struct lg_instant *in = hs_xalloc(sizeof(*in));
	struct md_claim claim;

	in->refs = 1;
	in->number = (unsigned)n_instants + 1;
	in->name = name ? hs_xstrdup(name) : NULL;
	in->destroy = instant_destroy;
	assert_ok(im_open_live(toy.pid, &in->image));
	assert_ok(md_probe(host, in->image, &claim));
	assert_ok(md_open(host, &claim, in->image, &task, &in->model));
	assert_true(n_instants < HS_ARRAY_SIZE(instants));
	instants[n_instants++] = in;
	return in;
}

static void make_current(struct lg_instant *in)
{
	lg_instant_unref(session.current);
	session.current = lg_instant_ref(in);
}

static struct hs_err *snap(void *engine, const char *name,
			   struct lg_value **ret)
{
	(void)engine;
	make_current(take(name));
	*ret = lg_words("taken");
	return NULL;
}

static size_t all_instants(void *engine, struct lg_instant *const **ret)
{
	(void)engine;
	*ret = instants;
	return n_instants;
}

static struct hs_err *instant(void *engine, const char *which,
			      struct lg_instant **ret)
{
	uint64_t number = 0;

	(void)engine;
	hs_parse_u64(which, &number);
	for (size_t i = 0; i < n_instants; i++) {
		if (instants[i]->number != number &&
		    (!instants[i]->name || strcmp(instants[i]->name, which)))
			continue;
		*ret = instants[i];
		return NULL;
	}
	return hs_err_new(HS_ERR_NAME, "no instant %s", which);
}

static struct hs_err *use(void *engine, const char *which,
			  struct lg_value **ret)
{
	struct lg_instant *in;
	struct hs_err *err = instant(engine, which, &in);

	if (err)
		return err;
	make_current(in);
	*ret = lg_words("used");
	return NULL;
}

static struct hs_err *changed(void *engine, const char *name, const char *value)
{
	(void)engine;
	if (!strcmp(name, "hold") && !strcmp(value, "1s"))
		return hs_err_new(HS_ERR_REFUSED, "too short");
	return NULL;
}

static const struct vb_services services = {
	.snap = snap,
	.instants = all_instants,
	.instant = instant,
	.use = use,
	.changed = changed,
};

int open_session(void **state)
{
	const char *only[] = { "toy_full" }, *top = getenv("abs_top_builddir");
	HS_FREE char *dir = hs_xasprintf("%s/tests/plugins/.libs",
					 top ? top : ".");
	const char *dirs[] = { dir };

	(void)state;
	toy_start(&toy, NULL, NULL);
	hs_task_init(&task, NULL, NULL);
	assert_ok(md_host_create(dirs, 1, only, 1, NULL, 0, &host));
	session.verbs = vb_verbs;
	session.n_verbs = vb_n_verbs;
	session.settings = vb_settings;
	session.n_settings = vb_n_settings;
	session.task = &task;
	session.services = (void *)(uintptr_t)&services;
	lg_session_init(&session);
	make_current(take(NULL));
	return 0;
}

int close_session(void **state)
{
	(void)state;
	lg_session_deinit(&session);
	while (n_instants)
		lg_instant_unref(instants[--n_instants]);
	md_host_destroy(host);
	return toy_stop(&toy);
}

/* --- what is asked -------------------------------------------------------- */

static char *formatted(const char *fmt, va_list ap) HS_PRINTF(1, 0);
static char *formatted(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	return s;
}

/* The document of a line, borrowed until the next one; NULL: none. */
json_t *run(const char *fmt, ...)
{
	static json_t *doc;
	struct hs_err *err;
	va_list ap;
	char *line;

	va_start(ap, fmt);
	line = formatted(fmt, ap);
	va_end(ap);
	json_decref(doc);
	doc = NULL;
	err = lg_run(&session, line, ++line_number, &doc);
	if (err)
		fail_msg("%s: %s", line, err->message);
	free(line);
	return doc;
}

/* The line must fail so; remedy may be NULL. */
void fails(const char *line, const char *message, const char *remedy)
{
	json_t *doc = NULL;
	struct hs_err *err = lg_run(&session, line, ++line_number, &doc);

	assert_null(doc);
	if (!err)
		fail_msg("%s: should fail", line);
	if (message)
		assert_string_equal(err->message, message);
	if (remedy && !err->remedy)
		fail_msg("%s: no remedy", line);
	if (remedy)
		assert_string_equal(err->remedy, remedy);
	hs_err_free(err);
}

/* A message with an address in it; valid until the next one. */
const char *said(const char *fmt, ...)
{
	static char *message;
	va_list ap;

	free(message);
	va_start(ap, fmt);
	message = formatted(fmt, ap);
	va_end(ap);
	return message;
}

const char *text(const json_t *doc, const char *key)
{
	return wr_get_text(doc, key);
}

uint64_t number(const json_t *doc, const char *key)
{
	return wr_get_u64(doc, key);
}

const json_t *row(const json_t *doc, size_t i)
{
	return json_array_get(json_object_get(doc, "rows"), i);
}

size_t n_rows(const json_t *doc)
{
	return json_array_size(json_object_get(doc, "rows"));
}

/* The row of a kind, or NULL. */
const json_t *kind(const json_t *doc, const char *name)
{
	for (size_t i = 0; i < n_rows(doc); i++)
		if (!strcmp(text(row(doc, i), "kind"), name))
			return row(doc, i);
	return NULL;
}

uint64_t value(const char *line)
{
	return number(run("%s", line), "value");
}

bool truth(const char *line)
{
	json_t *doc = run("%s", line);

	assert_string_equal(text(doc, "type"), "bool");
	return json_is_true(json_object_get(doc, "value"));
}

struct census census(const char *type)
{
	struct census c = { 0 };

	for (uint32_t i = 0; i < toy.n_objects; i++) {
		const struct toy_object *o = &toy.objects[i];

		if (type && strcmp(o->type, type))
			continue;
		c.n++;
		c.flat += o->flat;
		c.held += o->held;
	}
	return c;
}
