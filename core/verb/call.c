// SPDX-License-Identifier: Apache-2.0
/*
 * call: a C function of the program, in a copy of it. Its signature is what
 * the user says; nobody checks it against the truth. What a wrong one does, it
 * does to a copy.
 */
#include "verb_priv.h"

#include "image.h"
#include "live.h"
#include "marshal.h"
#include "tg_eval.h"

enum {
	MAX_COLLECTED = 100000,	/* calls of a callback that are shown */
	CPU_MS_MAX = 600000,
};

/** One call on its way. */
struct calling {
	const struct lg_call *call;
	struct lg_instant *in;
	struct tg_eval *eval;
	struct hs_arena arena;
	struct vb_signature *sig;
	const char *name;		/* of the function, as typed */
	uint64_t function;
	uint32_t cpu_ms;
	struct tg_eval_area area;
	struct vb_bytes bytes;
	struct wr_probe_request q;
	struct vb_ctype *types[WR_PROBE_FOREIGN_ARGS];	/* of arguments */
	size_t n_callbacks;
	const struct vb_signature *callbacks[WR_PROBE_COLLECTORS];
	struct tg_eval_result result;
};

static uint64_t read_copy(void *arg, uint64_t addr, void *buf, uint64_t len)
{
	return tg_eval_read(arg, addr, buf, len);
}

/* --- the function -------------------------------------------------------- */

/* "malloc", "libm.so.6:cos", a variable, 0x…; 0 when it is nothing. */
static uint64_t find_function(const struct calling *c)
{
	const char *colon = strchr(c->name, ':');
	HS_FREE char *module =
		colon ? hs_xstrndup(c->name, (size_t)(colon - c->name)) : NULL;
	const uint64_t *variable;
	uint64_t addr = 0;

	if (hs_parse_u64(c->name, &addr) ||
	    im_symbol(c->in->image, module, colon ? colon + 1 : c->name,
		      &addr, NULL))
		return addr;
	variable = hs_strmap_get(&c->call->session->variables, c->name);
	if (variable)
		addr = (uint64_t)lg_as_int(
			(struct lg_value *)(uintptr_t)*variable);
	return addr;
}

static struct hs_err *failed(const struct calling *c,
			     const struct tg_eval_result *r)
{
	HS_TEXT why = { 0 };

	if (r->end == TG_EVAL_CANCELLED)
		return hs_err_new(HS_ERR_CANCELLED, "interrupted");
	tg_eval_explain(r, &why);
	return hs_err_new(HS_ERR_OTHER, "call %s: %s; that was in a copy, the "
			  "program has noticed nothing", c->name,
			  hs_text_str(&why));
}

/*
 * strlen and its like are functions that choose a function by the processor:
 * the loader calls them, and so do we.
 */
static struct hs_err *resolve(struct calling *c)
{
	struct tg_eval_result r;
	struct hs_err *err;

	c->function = find_function(c);
	if (!c->function)
		return hs_err_remedy(hs_err_new(HS_ERR_NAME,
				"call: the program has no function '%s'",
				c->name),
			"call \"SIGNATURE\" LIBRARY:NAME, or an address");
	if (!im_is_resolver(c->in->image, c->function))
		return NULL;
	err = tg_eval_call(c->eval, c->function, NULL, 0, c->cpu_ms, &r,
			   &c->function);
	return err || r.end == TG_EVAL_RETURNED ? err : failed(c, &r);
}

/* --- its arguments ------------------------------------------------------- */

static char code_of_variable(const struct lg_value *v)
{
	switch (lg_kind(v)) {
	case LG_INT: case LG_BOOL: case LG_BYTES: return 'l';
	case LG_FLOAT: return 'd';
	default: return 'p';
	}
}

static struct hs_err *check_count(const struct calling *c, size_t n)
{
	uint32_t want = c->sig->n_params;

	if (n > WR_PROBE_FOREIGN_ARGS)
		return hs_err_new(HS_ERR_USAGE, "call %s: more than %d "
				  "arguments", c->name,
				  WR_PROBE_FOREIGN_ARGS);
	if (n == want || (n > want && c->sig->variadic))
		return NULL;
	return hs_err_new(HS_ERR_USAGE, "call %s: the signature has %u "
			  "parameters, and %zu arguments were given",
			  c->name, want, n);
}

/* A callback's argument is what it is to answer. */
static struct hs_err *put_callback(struct calling *c, const struct vb_ctype *t,
				   struct lg_value *v, const char *what,
				   uint8_t *to)
{
	size_t k = c->n_callbacks;

	if (k == WR_PROBE_COLLECTORS)
		return hs_err_new(HS_ERR_USAGE, "call %s: more than %d "
				  "callbacks", c->name, WR_PROBE_COLLECTORS);
	if (lg_kind(v) != LG_INT)
		return hs_err_new(HS_ERR_USAGE, "call: %s is a callback: give "
				  "the number that it is to answer", what);
	c->q.answers[k] = (uint64_t)lg_as_int(v);
	c->callbacks[k] = t->callback;
	c->n_callbacks++;
	memcpy(to, &c->q.collectors[k], sizeof(c->q.collectors[k]));
	return NULL;
}

static struct hs_err *put_argument(struct calling *c, size_t i,
				   struct lg_value *v)
{
	struct vb_ctype *t = i < c->sig->n_params ?
				     c->sig->params[i] :
				     vb_ctype_of(&c->arena,
						 code_of_variable(v));
	HS_FREE char *what = hs_xasprintf("argument %zu", i + 1);
	HS_FREE uint8_t *value = hs_xalloc(t->size + 16);
	struct hs_err *err;
	uint64_t at;

	c->types[i] = t;
	err = t->callback ? put_callback(c, t, v, what, value) :
			    vb_put(t, v, what, &c->bytes, value);
	if (err)
		return err;
	at = vb_bytes_room(&c->bytes, t->size);
	memcpy(c->bytes.data.s + (at - c->bytes.base), value, t->size);
	c->q.foreign.values[i] = at;
	return NULL;
}

static bool add_codes(struct calling *c, size_t n, char *codes, size_t *used)
{
	bool ok = vb_ctype_codes(c->sig->result, codes, WR_PROBE_TYPES, used);

	for (size_t i = 0; ok && i < n; i++)
		ok = vb_ctype_codes(c->types[i], codes, WR_PROBE_TYPES, used);
	return ok;
}

static struct hs_err *put_types(struct calling *c, size_t n)
{
	struct wr_probe_foreign *f = &c->q.foreign;
	char codes[WR_PROBE_TYPES];
	size_t used = 0;

	if (!add_codes(c, n, codes, &used))
		return hs_err_new(HS_ERR_USAGE, "call %s: the signature is "
				  "too long", c->name);
	f->types = vb_bytes_room(&c->bytes, used);
	f->n_types = used;
	memcpy(c->bytes.data.s + (f->types - c->bytes.base), codes, used);
	f->n_args = (uint32_t)n;
	f->n_fixed = c->sig->variadic ? c->sig->n_params : (uint32_t)n;
	f->result = vb_bytes_room(&c->bytes, c->sig->result->size + 16);
	return NULL;
}

static bool wants_callback(const struct calling *c)
{
	for (uint32_t i = 0; i < c->sig->n_params; i++) {
		if (c->sig->params[i]->callback)
			return true;
	}
	return false;
}

static struct hs_err *hello(struct calling *c)
{
	struct tg_eval_result r = { .end = TG_EVAL_RETURNED };
	uint64_t answer;
	struct hs_err *err;

	if (!wants_callback(c))
		return NULL;
	c->q.op = WR_PROBE_HELLO;
	err = tg_eval_request(c->eval, &c->q, 0, &r, &answer);
	return err || r.end == TG_EVAL_RETURNED ? err : failed(c, &r);
}

/* From c->bytes.base on. */
static struct hs_err *put_arguments(struct calling *c)
{
	size_t n = c->call->n_args - 2;
	struct hs_err *err = check_count(c, n);

	for (size_t i = 0; !err && i < n; i++)
		err = put_argument(c, i, c->call->args[i + 2]);
	return err ? err : put_types(c, n);
}

static struct hs_err *put_all(struct calling *c)
{
	struct hs_err *err = tg_eval_area(c->eval, &c->area);

	c->bytes.base = c->area.data;
	if (!err)
		err = hello(c);
	if (!err)
		err = put_arguments(c);
	if (err)
		return err;
	c->q.out = hs_align_up(c->bytes.base + c->bytes.data.len, 16);
	c->q.out_end = c->area.data_end;
	if (c->q.out > c->q.out_end ||
	    tg_eval_write(c->eval, c->bytes.base, c->bytes.data.s,
			  c->bytes.data.len) != c->bytes.data.len)
		return hs_err_new(HS_ERR_USAGE, "call %s: the arguments are "
				  "too large", c->name);
	return NULL;
}

/* --- its result ---------------------------------------------------------- */

/* Registers are used up from the left, as the ABI does. */
static struct lg_value *collected_arg(const struct calling *c,
				      const struct vb_ctype *t,
				      const struct wr_probe_collected *call,
				      size_t used[3])
{
	bool is_float = t->code == 'f' || t->code == 'd';
	const uint64_t *from;

	if (t->code == '{' || t->code == 'D')
		return lg_none();
	if (is_float && used[1] < HS_ARRAY_SIZE(call->floats))
		from = &call->floats[used[1]++];
	else if (!is_float && used[0] < HS_ARRAY_SIZE(call->ints))
		from = &call->ints[used[0]++];
	else if (used[2] < HS_ARRAY_SIZE(call->stack))
		from = &call->stack[used[2]++];
	else
		return lg_none();
	return vb_get(t, (const uint8_t *)from, c->in, read_copy, c->eval);
}

static struct lg_value *collected_call(const struct calling *c,
				       const struct wr_probe_collected *call)
{
	struct lg_value *items[VB_SIG_PARAMS], *list;
	const struct vb_signature *s;
	size_t used[3] = { 0 };

	if (call->which >= c->n_callbacks)
		return lg_none();
	s = c->callbacks[call->which];
	for (uint32_t i = 0; i < s->n_params; i++)
		items[i] = collected_arg(c, s->params[i], call, used);
	list = lg_list(items, s->n_params);
	for (uint32_t i = 0; i < s->n_params; i++)
		lg_unref(items[i]);
	return list;
}

/* What the callbacks were called with: a list of lists. */
static struct lg_value *collected(const struct calling *c)
{
	uint64_t room = c->q.used > c->q.out && c->q.used <= c->q.out_end ?
				c->q.used - c->q.out : 0;
	uint64_t n = room / sizeof(struct wr_probe_collected);
	HS_FREE struct wr_probe_collected *calls = NULL;
	HS_FREE struct lg_value **items = NULL;
	struct lg_value *list;

	if (n > MAX_COLLECTED)
		n = MAX_COLLECTED;
	calls = hs_xcalloc(n + 1, sizeof(*calls));
	items = hs_xcalloc(n + 1, sizeof(*items));
	n = tg_eval_read(c->eval, c->q.out, calls, n * sizeof(*calls)) /
	    sizeof(*calls);
	for (uint64_t i = 0; i < n; i++)
		items[i] = collected_call(c, &calls[i]);
	list = lg_list(items, n);
	for (uint64_t i = 0; i < n; i++)
		lg_unref(items[i]);
	return list;
}

static struct hs_err *get_result(struct calling *c, struct lg_value **ret)
{
	const struct vb_ctype *t = c->sig->result;
	HS_FREE uint8_t *bytes = hs_xalloc(t->size + 16);
	struct lg_value *both[2];

	if (tg_eval_read(c->eval, c->q.foreign.result, bytes, t->size) !=
	    t->size)
		return hs_err_new(HS_ERR_GONE,
				  "call %s: the copy has ended", c->name);
	*ret = vb_get(t, bytes, c->in, read_copy, c->eval);
	if (!c->n_callbacks)
		return NULL;
	both[0] = *ret;
	both[1] = collected(c);
	*ret = lg_list(both, 2);
	lg_unref(both[0]);
	lg_unref(both[1]);
	return NULL;
}

struct hs_err *vb_call_refused(const char *name, uint32_t n, int number)
{
	HS_TEXT call = { 0 };

	tg_eval_call_name(number, &call);
	return hs_err_remedy(
		hs_err_new(HS_ERR_REFUSED, "call %s: it wanted %s, which a "
			   "copy of the program may not make (%u %s refused)",
			   name, hs_text_str(&call), n,
			   n == 1 ? "was" : "were"),
		"refused=1 takes the result all the same");
}

static struct hs_err *perform(struct calling *c, struct lg_value **ret)
{
	uint64_t answer = 0;
	struct hs_err *err;
	bool all_the_same;

	err = lg_opt_bool(c->call, "refused", false, &all_the_same);
	if (!err)
		err = resolve(c);
	if (!err)
		err = put_all(c);
	if (err)
		return err;
	c->q.op = WR_PROBE_FOREIGN;
	c->q.function = c->function;
	err = tg_eval_request(c->eval, &c->q, c->cpu_ms, &c->result, &answer);
	if (err)
		return err;
	if (c->result.end != TG_EVAL_RETURNED)
		return failed(c, &c->result);
	if (answer != WR_PROBE_DONE)
		return hs_err_new(HS_ERR_USAGE, "call %s: such a signature "
				  "cannot be called", c->name);
	if (c->result.n_refused && !all_the_same)
		return vb_call_refused(c->name, c->result.n_refused,
				       c->result.refused);
	return get_result(c, ret);
}

/* --- in the program itself ----------------------------------------------- */

static struct hs_err *guard(const struct calling *c, struct vb_live_call *l)
{
	struct hs_err *err = NULL;

	for (size_t i = 2; !err && i < c->call->n_args; i++)
		err = vb_live_value(l, c->call->args[i]);
	return err;
}

/* The same bytes as for a copy, but where the probe has room for them. */
static struct hs_err *put_live(struct calling *c, struct vb_live_call *l)
{
	struct hs_err *err;

	if (wants_callback(c))
		return hs_err_new(HS_ERR_USAGE, "%s: a callback of ours cannot "
				  "be left in the program", l->what);
	c->bytes.base = l->live.box + sizeof(struct wr_probe_box);
	err = put_arguments(c);
	if (err)
		return err;
	if (c->bytes.data.len > WR_PROBE_BOX_DATA)
		return hs_err_new(HS_ERR_USAGE, "call %s: the arguments are "
				  "too large", c->name);
	c->q.op = WR_PROBE_FOREIGN;
	c->q.function = c->function;
	l->box->q = c->q;
	l->box->used = (uint32_t)c->bytes.data.len;
	memcpy(l->box->data, c->bytes.data.s, c->bytes.data.len);
	return guard(c, l);
}

static struct hs_err *perform_live(struct calling *c, struct lg_value **ret)
{
	const struct vb_ctype *t = c->sig->result;
	VB_LIVE_CALL l = { 0 };
	struct hs_err *err = vb_live_init(c->call, c->name, &l);
	uint64_t at;

	if (err)
		return err;
	c->in = l.live.in;
	err = l.sv->eval(l.sv->engine, c->in, &c->eval);
	if (!err)
		err = resolve(c);
	if (!err)
		err = put_live(c, &l);
	if (!err)
		err = vb_live_try(&l, NULL);
	if (!err)
		err = vb_live_go(&l);
	if (err)
		return err;
	at = c->q.foreign.result - c->bytes.base;
	*ret = vb_get(t, l.box->data + at, NULL, vb_live_read, &l);
	return NULL;
}

struct hs_err *vb_call_limit(const struct lg_call *call, uint32_t *ret)
{
	const char *text = lg_opt_text(call, "limit");
	uint64_t ns = UINT64_C(1000000000);

	if (text && (!hs_parse_duration(text, &ns) || ns < 1000000 ||
		     ns / 1000000 > CPU_MS_MAX))
		return hs_err_new(HS_ERR_USAGE, "call: limit=%s is no time "
				  "from 1ms to 10min", text);
	*ret = (uint32_t)(ns / 1000000);
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct calling c = { .call = call, .name = vb_word(call, 1) };
	const struct vb_services *sv;
	const char *text = vb_word(call, 0);
	struct hs_err *err = vb_services(call, &sv);
	bool live = false;

	if (!err)
		err = lg_current(call->session, &c.in);
	if (!err)
		err = vb_call_limit(call, &c.cpu_ms);
	if (!err)
		err = vb_live_wanted(call, &live);
	if (!err && !text)
		return live ? vb_invoke_live(call, c.cpu_ms, ret) :
			      vb_invoke(call, c.cpu_ms, ret);
	if (!err && !c.name)
		err = hs_err_remedy(hs_err_new(HS_ERR_USAGE,
					"call: FUNCTION is missing"),
			"call \"size_t (void *)\" malloc_usable_size 0x…");
	if (!err)
		err = vb_signature_parse(&c.arena, text, &c.sig);
	if (!err && live) {
		err = perform_live(&c, ret);
	} else if (!err) {
		err = sv->eval(sv->engine, c.in, &c.eval);
		if (!err)
			err = perform(&c, ret);
	}
	hs_text_deinit(&c.bytes.data);
	hs_arena_deinit(&c.arena);
	return err;
}

static const struct lg_arg args[] = {
	{ .name = "OBJ(ARG…)|SIGNATURE",
	  .kind = LG_ARG_CALL,
	  .help = "a callable of the program with its arguments, or a text: "
		  "\"double (int, const char *, ...)\"" },
	{ .name = "FUNCTION",
	  .kind = LG_ARG_WORD,
	  .optional = true,
	  .help = "of C: name, LIBRARY:NAME or address" },
	{ .name = "ARG",
	  .kind = LG_ARG_NUMBER,
	  .optional = true,
	  .many = true,
	  .help = "numbers, addresses, texts, objects; (1, 2) is a struct" },
	{ .name = NULL },
};
static const struct lg_arg options[] = {
	{ .name = "limit",
	  .kind = LG_ARG_OPTION,
	  .values = "TIME",
	  .help = "processor time that it may take; 1s" },
	{ .name = "refused",
	  .kind = LG_ARG_OPTION,
	  .values = "0|1",
	  .help = "1: its result, also where system calls were refused; 0" },
	VB_LIVE_OPTIONS,
	{ .name = NULL },
};

const struct lg_verb vb_call = {
	.name = "call",
	.args = args,
	.options = options,
	.summary = "call an object or a C function, in a copy of the program",
	.help =
		"OBJ(ARG…) is a call as the program would write it: a "
		"function, a class, a method of an object. Arguments are "
		"objects of the program, numbers, texts, b'…', None, True, "
		"False and tuples of these; NAME=ARG is a keyword. What is "
		"answered is shown by its repr(), what is raised as an error. "
		"Each such call has a copy of its own.\n\n"
		"The signature of a C function is written as in C and is "
		"believed: \"long (int, char *, ...)\", structs as \"struct { "
		"int a; double b[2]; }\", types that are not known behind a "
		"'*' only. Arguments are numbers, addresses, texts (copied, a "
		"pointer is passed), objects (their address), None (NULL), "
		"lists for structs. The result is a value: a number, the text "
		"behind a char *, a list for a struct, an object where it is "
		"one.\n\n"
		"A parameter \"int (*)(void *, int)\" is a callback that "
		"keeps what it is called with; its argument is the number "
		"that it answers, and the result is then (result, calls).\n\n"
		"The function runs in a disposable copy: what it changes "
		"there, the next C calls may see, the program never. Whether "
		"it crashes, loops, exits or waits for ever is reported. "
		"Files, other processes and signals are out of its reach: "
		"such calls are refused and reported.\n\n"
		"live=1 yes=1: the running program itself makes the call, "
		"once, where its runtime calls what was left for its main "
		"thread. The program must have loaded "
		"heapsh-probe.so (help probe load). Everything is tried in a "
		"copy first; what crashes, raises, loops or waits there, or "
		"is refused a system call (but with refused=1), is not called "
		"in the program. Objects must still be alive, and of their "
		"type. Where no safe point comes in time it is taken back.",
	.examples = "call __main__.accounts['x'].total(2, rate=1.5)\n"
		    "call \"size_t (const char *)\" strlen 'hello'\n"
		    "x = call(\"size_t (void *)\", malloc_usable_size, "
		    "0x7f0c2c000b20)\n"
		    "call \"double (double, double)\" libm.so.6:pow 2 10\n"
		    "call gc.collect() live=1 yes=1",
	.run = run,
};
