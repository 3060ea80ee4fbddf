// SPDX-License-Identifier: Apache-2.0
#include "tg_driver_eval.h"

#include <inttypes.h>

static const char *const ends[] = {
	[TG_EVAL_RETURNED] = "returned", [TG_EVAL_FAILED] = "failed",
	[TG_EVAL_CRASHED] = "crashed",	 [TG_EVAL_LATE] = "late",
	[TG_EVAL_STUCK] = "stuck",	 [TG_EVAL_EXITED] = "exited",
	[TG_EVAL_ENDED] = "ended",	 [TG_EVAL_CANCELLED] = "cancelled",
};

static uint64_t number(char *const *words, int n, int i)
{
	uint64_t v = 0;

	if (i < n && !hs_parse_u64(words[i], &v))
		fprintf(stderr, "tg_driver: %s is not a number\n", words[i]);
	return v;
}

static void say_error(struct hs_err *err)
{
	HS_TEXT t = { 0 };

	hs_text_escape(&t, err->message, strlen(err->message));
	printf("{\"error\": \"%s\", \"message\": \"%s\"}\n",
	       hs_code_name(err->code), hs_text_str(&t));
	hs_err_free(err);
}

static void say_result(const struct tg_eval_result *r)
{
	HS_TEXT why = { 0 };

	tg_eval_explain(r, &why);
	printf("\"end\": \"%s\", \"signal\": %d, \"status\": %d, "
	       "\"n_refused\": %u, \"refused\": %d, \"helped\": %u, "
	       "\"address\": %" PRIu64 ", \"copy\": %" PRIu64
	       ", \"cpu_us\": %" PRIu64 ", \"why\": \"%s\"}\n",
	       ends[r->end], r->signal, r->status, r->n_refused, r->refused,
	       r->n_helped, r->address, r->copy, r->cpu_ns / 1000,
	       hs_text_str(&why));
}

void driver_call(struct tg_eval *e, char *const *words, int n)
{
	uint64_t args[WR_PROBE_ARGS] = { 0 }, value = 0;
	struct tg_eval_result r;
	struct hs_err *err;
	int n_args = 0;

	while (n_args < WR_PROBE_ARGS && n_args + 3 < n) {
		args[n_args] = number(words, n, n_args + 3);
		n_args++;
	}
	err = tg_eval_call(e, number(words, n, 2), args, (size_t)n_args,
			   (uint32_t)number(words, n, 1), &r, &value);
	if (err) {
		say_error(err);
		return;
	}
	printf("{\"value\": %" PRIu64 ", ", value);
	say_result(&r);
}

static enum wr_probe_op kind(const char *word)
{
	return !strcmp(word, "visit") ? WR_PROBE_VISIT :
	       !strcmp(word, "text")  ? WR_PROBE_TEXT :
					WR_PROBE_VALUE;
}

static bool say_item(void *arg, const struct tg_eval_item *item)
{
	bool *first = arg;

	printf("%s{\"index\": %" PRIu64 ", \"end\": \"%s\", \"signal\": %d, "
	       "\"total\": %" PRIu64 ", \"values\": [",
	       *first ? "" : ", ", item->index, ends[item->end], item->signal,
	       item->total);
	for (uint64_t i = 0; item->values && i < item->n; i++)
		printf("%s%" PRIu64, i ? ", " : "", item->values[i]);
	printf("], \"text\": \"%.*s\"}", item->text ? (int)item->n : 0,
	       item->text ? item->text : "");
	*first = false;
	return true;
}

void driver_batch(struct tg_eval *e, char *const *words, int n)
{
	HS_FREE uint64_t *objects = hs_xcalloc((size_t)n + 1, 8);
	bool first = true;
	struct tg_eval_batch b = {
		.op = kind(n > 1 ? words[1] : ""),
		.n = n > 4 ? (uint64_t)n - 4 : 0,
		.objects = objects,
		.function = number(words, n, 3),
		.clear = 0,
		.cpu_ms = (uint32_t)number(words, n, 2),
		.each = say_item,
		.arg = &first,
	};
	struct tg_eval_result r;
	struct hs_err *err;

	for (int i = 4; i < n; i++)
		objects[i - 4] = number(words, n, i);
	printf("{\"items\": [");
	err = tg_eval_batch(e, &b, &r);
	if (err)
		r = (struct tg_eval_result){ .end = TG_EVAL_ENDED };
	hs_err_free(err);
	printf("], ");
	say_result(&r);
}

static bool count(void *arg, const struct tg_eval_item *item)
{
	uint64_t *n = arg;

	*n += item->end == TG_EVAL_RETURNED;
	return true;
}

void driver_rate(struct tg_eval *e, char *const *words, int n)
{
	uint64_t want = number(words, n, 4), good = 0, start;
	HS_FREE uint64_t *objects = hs_xcalloc(want + 1, 8);
	struct tg_eval_batch b = {
		.op = kind(n > 1 ? words[1] : ""),
		.n = want,
		.objects = objects,
		.function = number(words, n, 2),
		.each = count,
		.arg = &good,
	};
	struct tg_eval_result r;
	struct hs_err *err;

	for (uint64_t i = 0; i < want; i++)
		objects[i] = number(words, n, 3);
	start = hs_now_ns();
	err = tg_eval_batch(e, &b, &r);
	if (err) {
		say_error(err);
		return;
	}
	printf("{\"good\": %" PRIu64 ", \"ms\": %" PRIu64 ", ", good,
	       (hs_now_ns() - start) / 1000000);
	say_result(&r);
}
