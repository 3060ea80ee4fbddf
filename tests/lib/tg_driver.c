// SPDX-License-Identifier: Apache-2.0
/*
 * A tracer and its client, moved by lines on standard input; one line of JSON
 * answers each. The first line names the tracer. What the tests of the target
 * room and the measurement of its pause stand on; "help" lists the commands.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"
#include "text.h"
#include "tg_driver_eval.h"
#include "tg_plant.h"
#include "vec.h"

struct driver {
	int control;
	pid_t tracer;
	struct tg_client *client;
	HS_VEC(struct tg_instant *) instants;
	struct tg_eval *eval;
	/* Of the engine that has died: to be freed, not to be used. */
	struct tg_client *old_client;
	struct tg_eval *old_eval;
};

/* Words of a line; at most this many. */
enum { MAX_WORDS = 256 };
struct line {
	char *v[MAX_WORDS];
	int n;
};

static uint64_t number(const struct line *l, int i)
{
	uint64_t n = 0;

	if (i < l->n && !hs_parse_u64(l->v[i], &n))
		fprintf(stderr, "tg_driver: %s is not a number\n", l->v[i]);
	return n;
}

static void say_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar((unsigned char)*s < 0x20 ? ' ' : *s);
	}
	putchar('"');
}

/* True (and said) when there is an error. */
static bool say_error(struct hs_err *err)
{
	if (!err)
		return false;
	printf("{\"error\": ");
	say_string(hs_code_name(err->code));
	printf(", \"message\": ");
	say_string(err->message);
	printf(", \"remedy\": ");
	say_string(err->remedy ? err->remedy : "");
	printf("}\n");
	hs_err_free(err);
	return true;
}

static struct tg_instant *find(struct driver *d, uint64_t id)
{
	for (size_t i = 0; i < d->instants.n; i++) {
		if (d->instants.v[i]->id == id)
			return d->instants.v[i];
	}
	return NULL;
}

static void forget(struct driver *d, const struct tg_instant *in)
{
	for (size_t i = 0; i < d->instants.n; i++) {
		if (d->instants.v[i] != in)
			continue;
		tg_instant_free(d->instants.v[i]);
		d->instants.v[i] = d->instants.v[--d->instants.n];
		return;
	}
}

static void say_instant(const struct tg_instant *in)
{
	printf("{\"id\": %" PRIu64 ", \"pid\": %d, \"snap\": %d, "
	       "\"eval\": %d, \"image\": %d, \"pause_us\": %" PRIu64
	       ", \"clone_us\": %" PRIu64 ", \"settle_us\": %" PRIu64
	       ", \"state\": %d, \"why\": ",
	       in->id, in->pid, in->snap_pid, in->eval_pid, in->image_pid,
	       in->pause_ns / 1000, in->clone_ns / 1000, in->settle_ns / 1000,
	       (int)in->state);
	say_string(in->why);
	printf(", \"tids\": [");
	for (uint32_t i = 0; i < in->n_threads; i++)
		printf("%s%d", i ? ", " : "", in->threads[i].tid);
	printf("]}\n");
}

/* check PID [MAX_PAUSE_US] */
static void do_check(struct driver *d, const struct line *l)
{
	struct tg_options o = { .max_pause_ns = number(l, 2) * 1000 };
	struct tg_report r;

	if (say_error(tg_check(d->client, (int)number(l, 1), &o, &r)))
		return;
	printf("{\"pid\": %d, \"threads\": %u, \"rss\": %" PRIu64
	       ", \"pause_us\": %" PRIu64 ", \"needed\": %" PRIu64
	       ", \"comm\": ",
	       r.pid, r.n_threads, r.rss_bytes, r.pause_ns / 1000,
	       r.needed_bytes);
	say_string(r.comm);
	printf("}\n");
}

/* Stopped and copied: there is nothing to be released. */
static struct hs_err *copy(struct driver *d, int pid, struct tg_instant **ret)
{
	const struct tg_options o = { .rung = TG_COPY,
				      .copy_bytes = UINT64_MAX };
	struct tg_report r;
	struct hs_err *err = tg_check(d->client, pid, &o, &r);

	if (!err)
		err = tg_copy(d->client, &r, 0, ret);
	if (!err)
		hs_vec_push(&d->instants, *ret);
	return err;
}

static struct hs_err *freeze(struct driver *d, int pid,
			     struct tg_instant **ret)
{
	struct tg_plan *plan = NULL;
	struct tg_report r;
	struct hs_err *err = tg_check(d->client, pid, NULL, &r);

	if (!err)
		err = tg_plan_create(&r, &plan);
	if (!err)
		err = tg_freeze(d->client, plan, ret);
	tg_plan_destroy(plan);
	if (!err)
		hs_vec_push(&d->instants, *ret);
	return err;
}

static void do_freeze(struct driver *d, const struct line *l)
{
	struct tg_instant *in;

	if (!say_error(freeze(d, (int)number(l, 1), &in)))
		say_instant(in);
}

/* copy PID: stopped and copied, and forgotten again. */
static void do_copy(struct driver *d, const struct line *l)
{
	struct tg_instant *in;

	if (say_error(copy(d, (int)number(l, 1), &in)))
		return;
	printf("{\"pause_us\": %" PRIu64 ", \"pieces\": %zu, "
	       "\"threads\": %u}\n",
	       in->pause_ns / 1000, in->mirror->n_pieces, in->n_threads);
	forget(d, in);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A busy machine stops a thread too late, or us in a copy; it says so. */
static bool was_late(struct hs_err **err)
{
	if (*err && strstr((*err)->message, "the limit for its pause"))
		return hs_err_catch(err, (*err)->code);
	return hs_err_catch(err, HS_ERR_TIMEOUT);
}

/* loop PID N [HOLD_MS [copy]]: freeze (or copy), hold, release, N times. */
static void do_loop(struct driver *d, const struct line *l)
{
	uint64_t n = number(l, 2), failed = 0, done = 0;
	uint64_t *pauses = hs_xcalloc(n + 1, sizeof(*pauses));
	bool copied = l->n > 4 && !strcmp(l->v[4], "copy");
	struct hs_err *err = NULL;

	while (done < n && !err) {
		struct tg_instant *in;

		err = (copied ? copy : freeze)(d, (int)number(l, 1), &in);
		if (was_late(&err)) {
			failed++;
			n--;
			continue;
		}
		if (err)
			break;
		poll(NULL, 0, (int)number(l, 3));
		pauses[done++] = in->pause_ns / 1000;
		err = tg_release(d->client, in);
		forget(d, in);
	}
	if (!say_error(err)) {
		qsort(pauses, done, sizeof(*pauses), by_value);
		printf("{\"n\": %" PRIu64 ", \"late\": %" PRIu64
		       ", \"min_us\": %" PRIu64 ", \"median_us\": %" PRIu64
		       ", \"max_us\": %" PRIu64 "}\n",
		       done, failed, pauses[0], pauses[done / 2],
		       done ? pauses[done - 1] : 0);
	}
	free(pauses);
}

static struct tg_instant *named(struct driver *d, const struct line *l)
{
	struct tg_instant *in = find(d, number(l, 1));

	if (!in)
		puts("{\"error\": \"driver\", \"message\": \"no instant\"}");
	return in;
}

/* read ID ADDR LEN, of the image: hex, as far as it could be read. */
static void do_read(struct driver *d, const struct line *l)
{
	struct tg_instant *in = named(d, l);
	uint64_t len = number(l, 3);
	HS_FREE uint8_t *buf = hs_xalloc(len + 1);
	ssize_t n;

	if (!in)
		return;
	n = pread(in->mem_fd, buf, len, (off_t)number(l, 2));
	printf("{\"hex\": \"");
	for (ssize_t i = 0; i < n; i++)
		printf("%02x", buf[i]);
	printf("\"}\n");
}

/* thread ID INDEX */
static void do_thread(struct driver *d, const struct line *l)
{
	struct tg_instant *in = named(d, l);
	const struct tg_thread *t;

	if (!in)
		return;
	t = &in->threads[number(l, 2) % in->n_threads];
	printf("{\"tid\": %d, \"rip\": %llu, \"rsp\": %llu, \"fs_base\": "
	       "%" PRIu64 ", \"syscall\": %" PRId64 ", \"xstate\": %u, "
	       "\"comm\": ",
	       t->tid, t->regs.rip, t->regs.rsp, t->fs_base, t->syscall,
	       t->xstate_size);
	say_string(t->comm);
	printf("}\n");
}

static bool parse_write(const char *addr, const char *hex,
			struct wr_tracer_write *w)
{
	memset(w, 0, sizeof(*w));
	if (!hs_parse_u64(addr, &w->addr) ||
	    strlen(hex) > 2 * sizeof(w->bytes))
		return false;
	w->len = (uint32_t)(strlen(hex) / 2);
	for (uint32_t i = 0; i < w->len; i++) {
		char byte[5] = { '0', 'x', hex[2 * i], hex[2 * i + 1] };
		uint64_t v;

		if (!hs_parse_u64(byte, &v))
			return false;
		w->bytes[i] = (uint8_t)v;
	}
	return true;
}

/* settle ID THREAD LIMIT_MS [before|or|and|after ADDR HEX]... */
static void do_settle(struct driver *d, const struct line *l)
{
	struct wr_tracer_write before[MAX_WORDS], after[MAX_WORDS], w;
	struct tg_instant *in = named(d, l);
	struct tg_script s = {
		.thread = (uint32_t)number(l, 2),
		.limit_ms = (uint32_t)number(l, 3),
		.before = before,
		.after = after,
	};

	if (!in)
		return;
	for (int i = 4; i + 2 < l->n; i += 3) {
		if (!parse_write(l->v[i + 1], l->v[i + 2], &w))
			continue;
		if (!strcmp(l->v[i], "or"))
			w.mode = WR_TRACER_OR;
		if (!strcmp(l->v[i], "and"))
			w.mode = WR_TRACER_AND;
		if (!strcmp(l->v[i], "after"))
			after[s.n_after++] = w;
		else
			before[s.n_before++] = w;
	}
	if (!say_error(tg_settle(d->client, in, &s)))
		say_instant(in);
}

static void do_release(struct driver *d, const struct line *l)
{
	struct tg_instant *in = named(d, l);

	if (!in || say_error(tg_release(d->client, in)))
		return;
	tg_eval_destroy(d->eval);
	d->eval = NULL;
	forget(d, in);
	printf("{\"released\": 1}\n");
}

static void do_list(struct driver *d, const struct line *l)
{
	HS_FREE struct wr_tracer_item *v = NULL;
	size_t n;

	(void)l;
	if (say_error(tg_list(d->client, &v, &n)))
		return;
	printf("[");
	for (size_t i = 0; i < n; i++)
		printf("%s{\"id\": %" PRIu64 ", \"pid\": %d, \"snap\": %d, "
		       "\"eval\": %d, \"state\": %u, \"wait_status\": %d, "
		       "\"gone\": %u}",
		       i ? ", " : "", v[i].id, v[i].pid, v[i].snap_pid,
		       v[i].eval_pid, v[i].state, v[i].wait_status, v[i].gone);
	printf("]\n");
}

/* eval ID [THREAD]: an evaluator of the instant; there is one at a time. */
static void do_eval(struct driver *d, const struct line *l)
{
	struct tg_instant *in = named(d, l);
	struct tg_eval_setup s = {
		.thread = l->n > 2 ? (uint32_t)number(l, 2) : UINT32_MAX,
	};

	if (!in)
		return;
	tg_eval_destroy(d->eval);
	tg_eval_create(d->client, in, &s, NULL, &d->eval);
	puts("{\"eval\": 1}");
}

static void with_eval(struct driver *d, const struct line *l,
		      void (*run)(struct tg_eval *e, char *const *v, int n))
{
	if (d->eval)
		run(d->eval, l->v, l->n);
	else
		puts("{\"error\": \"driver\", \"message\": \"no eval\"}");
}

static void do_call(struct driver *d, const struct line *l)
{
	with_eval(d, l, driver_call);
}

static void do_batch(struct driver *d, const struct line *l)
{
	with_eval(d, l, driver_batch);
}

static void do_rate(struct driver *d, const struct line *l)
{
	with_eval(d, l, driver_rate);
}

static void bury_engine(struct driver *d)
{
	tg_eval_destroy(d->old_eval);
	tg_client_destroy(d->old_client);
	d->old_eval = NULL;
	d->old_client = NULL;
}

/* The engine dies and another takes its place: all instants are forgotten. */
static void do_reconnect(struct driver *d, const struct line *l)
{
	int fd;

	(void)l;
	while (d->instants.n)
		forget(d, d->instants.v[0]);
	bury_engine(d);
	d->old_client = d->client;
	d->old_eval = d->eval;	// its copy stays, as the engine's would
	d->client = NULL;
	d->eval = NULL;
	if (say_error(tg_new_service(d->control, &fd)) ||
	    say_error(tg_client_create(fd, &d->client)))
		return;
	printf("{\"reconnected\": 1}\n");
}

static void do_adopt(struct driver *d, const struct line *l)
{
	struct tg_instant *in;

	if (say_error(tg_adopt(d->client, number(l, 1), &in)))
		return;
	hs_vec_push(&d->instants, in);
	say_instant(in);
}

/* spawn PROGRAM ARGUMENT...; its output goes to standard error. */
static void do_spawn(struct driver *d, const struct line *l)
{
	const char *argv[MAX_WORDS + 1] = { 0 };
	struct tg_spawn s = {
		.argv = argv,
		.env = (const char *const *)environ,
		.stdio = { -1, 2, 2 },
	};
	int pid;

	for (int i = 1; i < l->n; i++)
		argv[i - 1] = l->v[i];
	if (!say_error(tg_spawn(d->client, &s, &pid)))
		printf("{\"pid\": %d}\n", pid);
}

/* clean PID: zombies that others have left in it. */
static void do_clean(struct driver *d, const struct line *l)
{
	size_t n = 0;

	if (!say_error(tg_clean(d->client, (int)number(l, 1), &n)))
		printf("{\"cleaned\": %zu}\n", n);
}

/*
 * plant PID ADDRESS: two pages, and a word that is 0 and becomes 1; then all of
 * it is taken out again.
 */
static void do_plant(struct driver *d, const struct line *l)
{
	struct tg_planting p = {
		.words = { { .addr = number(l, 2), .now = 1, .bytes = 8,
			     .flags = WR_TRACER_WORD_CHECK |
				      WR_TRACER_WORD_SET |
				      WR_TRACER_WORD_UNDO } },
		.n_words = 1,
		.data.number = hs_now_ns() | 1,
	};
	int pid = (int)number(l, 1);
	struct tg_plan *plan = NULL;
	struct tg_report r;
	uint32_t state = 0;
	struct hs_err *err = tg_check(d->client, pid, NULL, &r);

	if (!err)
		err = tg_plan_create(&r, &plan);
	p.addr = tg_plant_place(pid);
	if (!err)
		err = tg_plant(d->client, plan, &p);
	if (!err)
		err = tg_uproot(d->client, plan, &p, &state);
	tg_plan_destroy(plan);
	if (!say_error(err))
		printf("{\"uprooted\": %u}\n", state);
}

/* left PID: pages that others have left in it: [address, state] of each. */
static void do_left(struct driver *d, const struct line *l)
{
	HS_FREE struct tg_left_pages *v = NULL;
	size_t n = tg_left_pages((int)number(l, 1), &v);

	(void)d;
	printf("[");
	for (size_t i = 0; i < n; i++)
		printf("%s[%" PRIu64 ", %d]", i ? ", " : "", v[i].addr,
		       (int)v[i].state);
	printf("]\n");
}

/* uproot PID: take those away. */
static void do_uproot(struct driver *d, const struct line *l)
{
	size_t n = 0;

	if (!say_error(tg_clean_pages(d->client, (int)number(l, 1), &n)))
		printf("{\"cleaned\": %zu}\n", n);
}

/* quit: the shell ends. How long the tracer took, and its exit status. */
static void do_quit(struct driver *d, const struct line *l)
{
	int status = -1;

	(void)l;
	hs_close_p(&d->control);
	if (waitpid(d->tracer, &status, 0) < 0)
		status = -errno;
	printf("{\"tracer_status\": %d}\n", status);
}

static const struct {
	const char *name;
	void (*run)(struct driver *d, const struct line *l);
} commands[] = {
	{ "check", do_check },		{ "freeze", do_freeze },
	{ "loop", do_loop },		{ "read", do_read },
	{ "thread", do_thread },	{ "settle", do_settle },
	{ "release", do_release },	{ "list", do_list },
	{ "reconnect", do_reconnect },	{ "adopt", do_adopt },
	{ "clean", do_clean },		{ "copy", do_copy },
	{ "spawn", do_spawn },		{ "quit", do_quit },
	{ "eval", do_eval },		{ "call", do_call },
	{ "batch", do_batch },		{ "rate", do_rate },
	{ "plant", do_plant },		{ "left", do_left },
	{ "uproot", do_uproot },
};

static void obey(struct driver *d, char *text)
{
	struct line l = { 0 };
	char *save, *w = strtok_r(text, " \n", &save);

	for (; w && l.n < MAX_WORDS; w = strtok_r(NULL, " \n", &save))
		l.v[l.n++] = w;
	for (size_t i = 0; l.n && i < HS_ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, l.v[0])) {
			commands[i].run(d, &l);
			fflush(stdout);
			return;
		}
	}
	printf("{\"error\": \"driver\", \"message\": \"commands:");
	for (size_t i = 0; i < HS_ARRAY_SIZE(commands); i++)
		printf(" %s", commands[i].name);
	printf("\"}\n");
	fflush(stdout);
}

static bool start(struct driver *d)
{
	int control[2], service[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, service))
		return false;
	d->tracer = fork();
	if (d->tracer < 0)
		return false;
	if (!d->tracer)
		_exit(tg_tracer_main(control[1], service[1]));
	close(control[1]);
	close(service[1]);
	d->control = control[0];
	return !say_error(tg_client_create(service[0], &d->client));
}

int main(void)
{
	struct driver d = { 0 };
	HS_FREE char *text = NULL;
	size_t cap = 0;

	if (!start(&d)) {
		perror("tg_driver");
		return 1;
	}
	printf("{\"tracer\": %d}\n", (int)d.tracer);
	fflush(stdout);
	while (getline(&text, &cap, stdin) > 0)
		obey(&d, text);
	bury_engine(&d);
	tg_eval_destroy(d.eval);
	tg_client_destroy(d.client);
	while (d.instants.n)
		forget(&d, d.instants.v[0]);
	hs_vec_deinit(&d.instants);
	return 0;
}
