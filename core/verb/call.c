// SPDX-License-Identifier: Apache-2.0
/*
 * call: a C function of the program, in a copy of it. Its signature is what
 * the user says; nobody checks it against the truth. What a wrong one does, it
 * does to a copy.
 */
#include "verb_priv.h"

#include "calling.h"
#include "image.h"
#include "live.h"

enum { CPU_MS_MAX = 600000 };

/* --- the function -------------------------------------------------------- */

/* "malloc", "libm.so.6:cos", a variable, 0x…; 0 when it is nothing. */
static uint64_t find_function(const struct vb_calling *c)
{
	const char *colon = strchr(c->name, ':');
	HS_FREE char *module =
		colon ? hs_xstrndup(c->name, (size_t)(colon - c->name)) : NULL;
	const uint64_t *variable;
	uint64_t addr = 0;

	if (hs_parse_u64(c->name, &addr) ||
	    im_symbol(c->in->image, module, colon ? colon + 1 : c->name, &addr,
		      NULL))
		return addr;
	variable = hs_strmap_get(&c->call->session->variables, c->name);
	if (variable)
		addr = (uint64_t)lg_as_int(
			(struct lg_value *)(uintptr_t)*variable);
	return addr;
}

static struct hs_err *failed(const struct vb_calling *c,
			     const struct tg_eval_result *r)
{
	HS_TEXT why = { 0 };

	if (r->end == TG_EVAL_CANCELLED)
		return hs_err_new(HS_ERR_CANCELLED, "interrupted");
	tg_eval_explain(r, &why);
	return hs_err_new(HS_ERR_OTHER,
			  "call %s: %s; that was in a copy, the "
			  "program has noticed nothing",
			  c->name, hs_text_str(&why));
}

/*
 * strlen and its like are functions that choose a function by the processor:
 * the loader calls them, and so do we.
 */
static struct hs_err *resolve(struct vb_calling *c)
{
	struct tg_eval_result r;
	struct hs_err *err;

	c->function = find_function(c);
	if (!c->function)
		return hs_err_remedy(
			hs_err_new(HS_ERR_NAME,
				   "call: the program has no function '%s'",
				   c->name),
			"call \"SIGNATURE\" LIBRARY:NAME, or an address");
	if (!im_is_resolver(c->in->image, c->function))
		return NULL;
	err = tg_eval_call(c->eval, c->function, NULL, 0, c->cpu_ms, &r,
			   &c->function);
	return err || r.end == TG_EVAL_RETURNED ? err : failed(c, &r);
}

/* --- in a copy ----------------------------------------------------------- */

static struct hs_err *hello(struct vb_calling *c)
{
	struct tg_eval_result r = { .end = TG_EVAL_RETURNED };
	uint64_t answer;
	struct hs_err *err;

	if (!vb_call_wants_callback(c))
		return NULL;
	c->q.op = WR_PROBE_HELLO;
	err = tg_eval_request(c->eval, &c->q, 0, &r, &answer);
	return err || r.end == TG_EVAL_RETURNED ? err : failed(c, &r);
}

static struct hs_err *put_all(struct vb_calling *c)
{
	struct hs_err *err = tg_eval_area(c->eval, &c->area);

	c->bytes.base = c->area.data;
	if (!err)
		err = hello(c);
	if (!err)
		err = vb_call_put(c);
	if (err)
		return err;
	c->q.out = hs_align_up(c->bytes.base + c->bytes.data.len, 16);
	c->q.out_end = c->area.data_end;
	if (c->q.out > c->q.out_end ||
	    tg_eval_write(c->eval, c->bytes.base, c->bytes.data.s,
			  c->bytes.data.len) != c->bytes.data.len)
		return hs_err_new(HS_ERR_USAGE,
				  "call %s: the arguments are "
				  "too large",
				  c->name);
	return NULL;
}

struct hs_err *vb_call_refused(const char *name, uint32_t n, int number)
{
	HS_TEXT call = { 0 };

	tg_eval_call_name(number, &call);
	return hs_err_remedy(
		hs_err_new(HS_ERR_REFUSED,
			   "call %s: it wanted %s, which a "
			   "copy of the program may not make (%u %s refused)",
			   name, hs_text_str(&call), n,
			   n == 1 ? "was" : "were"),
		"refused=1 takes the result all the same");
}

static struct hs_err *perform(struct vb_calling *c, struct lg_value **ret)
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
		return hs_err_new(HS_ERR_USAGE,
				  "call %s: such a signature "
				  "cannot be called",
				  c->name);
	if (c->result.n_refused && !all_the_same)
		return vb_call_refused(c->name, c->result.n_refused,
				       c->result.refused);
	return vb_call_get(c, ret);
}

/* --- in the program itself ----------------------------------------------- */

static struct hs_err *guard(const struct vb_calling *c, struct vb_live_call *l)
{
	struct hs_err *err = NULL;

	for (size_t i = 2; !err && i < c->call->n_args; i++)
		err = vb_live_value(l, c->call->args[i]);
	return err;
}

/* The same bytes as for a copy, but where the probe has room for them. */
static struct hs_err *put_live(struct vb_calling *c, struct vb_live_call *l)
{
	struct hs_err *err;

	if (vb_call_wants_callback(c))
		return hs_err_new(HS_ERR_USAGE,
				  "%s: a callback of ours cannot "
				  "be left in the program",
				  l->what);
	c->bytes.base = l->live.box + sizeof(struct wr_probe_box);
	err = vb_call_put(c);
	if (err)
		return err;
	if (c->bytes.data.len > WR_PROBE_BOX_DATA)
		return hs_err_new(HS_ERR_USAGE,
				  "call %s: the arguments are "
				  "too large",
				  c->name);
	c->q.op = WR_PROBE_FOREIGN;
	c->q.function = c->function;
	l->box->q = c->q;
	l->box->used = (uint32_t)c->bytes.data.len;
	memcpy(l->box->data, c->bytes.data.s, c->bytes.data.len);
	return guard(c, l);
}

static struct hs_err *perform_live(struct vb_calling *c, struct lg_value **ret)
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
		return hs_err_new(HS_ERR_USAGE,
				  "call: limit=%s is no time "
				  "from 1ms to 10min",
				  text);
	*ret = (uint32_t)(ns / 1000000);
	return NULL;
}

static struct hs_err *run(const struct lg_call *call, struct lg_value **ret)
{
	struct vb_calling c = { .call = call, .name = vb_word(call, 1) };
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
		return live ? vb_invoke_live(call, c.cpu_ms, ret)
			    : vb_invoke(call, c.cpu_ms, ret);
	if (!err && !c.name)
		err = hs_err_remedy(
			hs_err_new(HS_ERR_USAGE, "call: FUNCTION is missing"),
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
	.help = "OBJ(ARG…) is a call as the program would write it: a "
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
