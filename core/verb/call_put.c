// SPDX-License-Identifier: Apache-2.0
/* Arguments of a call, as bytes of the program. */
#include "calling.h"

static char code_of_variable(const struct lg_value *v)
{
	switch (lg_kind(v)) {
	case LG_INT:
	case LG_BOOL:
	case LG_BYTES:
		return 'l';
	case LG_FLOAT:
		return 'd';
	default:
		return 'p';
	}
}

static struct hs_err *check_count(const struct vb_calling *c, size_t n)
{
	uint32_t want = c->sig->n_params;

	if (n > WR_PROBE_FOREIGN_ARGS)
		return hs_err_new(HS_ERR_USAGE,
				  "call %s: more than %d "
				  "arguments",
				  c->name, WR_PROBE_FOREIGN_ARGS);
	if (n == want || (n > want && c->sig->variadic))
		return NULL;
	return hs_err_new(HS_ERR_USAGE,
			  "call %s: the signature has %u "
			  "parameters, and %zu arguments were given",
			  c->name, want, n);
}

/* A callback's argument is what it is to answer. */
static struct hs_err *put_callback(struct vb_calling *c,
				   const struct vb_ctype *t, struct lg_value *v,
				   const char *what, uint8_t *to)
{
	size_t k = c->n_callbacks;

	if (k == WR_PROBE_COLLECTORS)
		return hs_err_new(HS_ERR_USAGE,
				  "call %s: more than %d "
				  "callbacks",
				  c->name, WR_PROBE_COLLECTORS);
	if (lg_kind(v) != LG_INT)
		return hs_err_new(HS_ERR_USAGE,
				  "call: %s is a callback: give "
				  "the number that it is to answer",
				  what);
	c->q.answers[k] = (uint64_t)lg_as_int(v);
	c->callbacks[k] = t->callback;
	c->n_callbacks++;
	memcpy(to, &c->q.collectors[k], sizeof(c->q.collectors[k]));
	return NULL;
}

static struct hs_err *put_argument(struct vb_calling *c, size_t i,
				   struct lg_value *v)
{
	struct vb_ctype *t =
		i < c->sig->n_params
			? c->sig->params[i]
			: vb_ctype_of(&c->arena, code_of_variable(v));
	HS_FREE char *what = hs_xasprintf("argument %zu", i + 1);
	HS_FREE uint8_t *value = hs_xalloc(t->size + 16);
	struct hs_err *err;
	uint64_t at;

	c->types[i] = t;
	err = t->callback ? put_callback(c, t, v, what, value)
			  : vb_put(t, v, what, &c->bytes, value);
	if (err)
		return err;
	at = vb_bytes_room(&c->bytes, t->size);
	memcpy(c->bytes.data.s + (at - c->bytes.base), value, t->size);
	c->q.foreign.values[i] = at;
	return NULL;
}

static bool add_codes(struct vb_calling *c, size_t n, char *codes, size_t *used)
{
	bool ok = vb_ctype_codes(c->sig->result, codes, WR_PROBE_TYPES, used);

	for (size_t i = 0; ok && i < n; i++)
		ok = vb_ctype_codes(c->types[i], codes, WR_PROBE_TYPES, used);
	return ok;
}

static struct hs_err *put_types(struct vb_calling *c, size_t n)
{
	struct wr_probe_foreign *f = &c->q.foreign;
	char codes[WR_PROBE_TYPES];
	size_t used = 0;

	if (!add_codes(c, n, codes, &used))
		return hs_err_new(HS_ERR_USAGE,
				  "call %s: the signature is "
				  "too long",
				  c->name);
	f->types = vb_bytes_room(&c->bytes, used);
	f->n_types = used;
	memcpy(c->bytes.data.s + (f->types - c->bytes.base), codes, used);
	f->n_args = (uint32_t)n;
	f->n_fixed = c->sig->variadic ? c->sig->n_params : (uint32_t)n;
	f->result = vb_bytes_room(&c->bytes, c->sig->result->size + 16);
	return NULL;
}

bool vb_call_wants_callback(const struct vb_calling *c)
{
	for (uint32_t i = 0; i < c->sig->n_params; i++) {
		if (c->sig->params[i]->callback)
			return true;
	}
	return false;
}

struct hs_err *vb_call_put(struct vb_calling *c)
{
	size_t n = c->call->n_args - 2;
	struct hs_err *err = check_count(c, n);

	for (size_t i = 0; !err && i < n; i++)
		err = put_argument(c, i, c->call->args[i + 2]);
	return err ? err : put_types(c, n);
}
