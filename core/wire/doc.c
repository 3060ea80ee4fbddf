// SPDX-License-Identifier: Apache-2.0
#include "doc.h"

#include <inttypes.h>
#include <math.h>

#include "text.h"

/* The largest integer up to which a double, and so a reader of JSON, has all
 * of them: RFC 8259, section 6. */
#define EXACT_MAX (INT64_C(1) << 53)

/* jansson fails when it has no memory; we end then, as base does. */
static HS_NORETURN void out_of_memory(void)
{
	fputs("heapsh: out of memory for a document\n", stderr);
	exit(1);
}

static json_t *must(json_t *j)
{
	if (!j)
		out_of_memory();
	return j;
}

/* Takes value over. */
static void set(json_t *doc, const char *key, json_t *value)
{
	if (json_object_set_new(doc, key, must(value)))
		out_of_memory();
}

json_t *wr_doc_create(const char *type)
{
	json_t *doc = must(json_object());

	set(doc, "schema", json_integer(WR_SCHEMA));
	set(doc, "command", json_string(""));
	set(doc, "type", json_string(type));
	set(doc, "instant", json_null());
	set(doc, "partial", json_false());
	return doc;
}

void wr_doc_stamp(json_t *doc, const char *command, unsigned instant,
		  bool partial)
{
	wr_set_text(doc, "command", command, strlen(command));
	set(doc, "instant", instant ? json_integer(instant) : json_null());
	set(doc, "partial", json_boolean(partial));
}

json_t *wr_u64(uint64_t v)
{
	char s[24];

	if (v <= (uint64_t)EXACT_MAX)
		return must(json_integer((json_int_t)v));
	snprintf(s, sizeof(s), "%" PRIu64, v);
	return must(json_string(s));
}

json_t *wr_i64(int64_t v)
{
	char s[24];

	if (v >= -EXACT_MAX && v <= EXACT_MAX)
		return must(json_integer(v));
	snprintf(s, sizeof(s), "%" PRId64, v);
	return must(json_string(s));
}

json_t *wr_addr(uint64_t addr)
{
	char s[24];

	snprintf(s, sizeof(s), "0x%" PRIx64, addr);
	return must(json_string(s));
}

json_t *wr_real(double v)
{
	if (isnan(v))
		return must(json_string("NaN"));
	if (isinf(v))
		return must(json_string(v < 0 ? "-Infinity" : "Infinity"));
	return must(json_real(v));
}

/* Invalid bytes as \xNN, all else as it is. */
static void add_valid(struct hs_text *t, const char *s, size_t n)
{
	size_t i, len;
	uint32_t cp;

	for (i = 0; i < n; i += len ? len : 1) {
		len = hs_utf8_decode(s + i, n - i, &cp);
		if (len)
			hs_text_addn(t, s + i, len);
		else
			hs_text_addf(t, "\\x%02x", (uint8_t)s[i]);
	}
}

static void set_hex(json_t *doc, const char *key, const char *s, size_t n)
{
	HS_FREE char *name = hs_xasprintf("%s_hex", key);
	HS_TEXT hex = { 0 };
	size_t i;

	for (i = 0; i < n; i++)
		hs_text_addf(&hex, "%02x", (uint8_t)s[i]);
	set(doc, name, json_string(hs_text_str(&hex)));
}

void wr_set_text(json_t *doc, const char *key, const char *s, size_t n)
{
	json_t *plain = json_stringn(s, n);
	HS_TEXT t = { 0 };

	if (plain) {
		set(doc, key, plain);
		return;
	}
	add_valid(&t, s, n);
	set(doc, key, json_stringn(hs_text_str(&t), t.len));
	set_hex(doc, key, s, n);
}

json_t *wr_doc_error(const struct hs_err *err)
{
	json_t *doc = wr_doc_create("error");

	set(doc, "code", json_string(hs_code_name(err->code)));
	wr_set_text(doc, "message", err->message, strlen(err->message));
	if (err->remedy)
		wr_set_text(doc, "remedy", err->remedy, strlen(err->remedy));
	else
		set(doc, "remedy", json_null());
	if (err->column >= 0)
		set(doc, "column", json_integer(err->column));
	return doc;
}

/* As JSON's own \uNNNN: DEL, C1, bidirectional controls and separators, which
 * jansson leaves as they are. They stand inside strings only. */
static void add_unsteering(struct hs_text *t, const char *s, size_t n)
{
	HS_TEXT safe = { 0 };
	uint32_t cp;

	hs_text_escape(&safe, s, n);
	if (safe.len == n)
		hs_text_addn(t, s, n);
	else if (hs_utf8_decode(s, n, &cp) == n)
		hs_text_addf(t, "\\u%04x", cp);
}

char *wr_doc_encode(const json_t *doc)
{
	HS_FREE char *raw = json_dumps(doc, JSON_COMPACT);
	struct hs_text t = { 0 };
	size_t i, n, len;
	uint32_t cp;

	if (!raw)
		out_of_memory();
	n = strlen(raw);
	for (i = 0; i < n; i += len) {
		for (len = 0;
		     i + len < n && raw[i + len] >= ' ' && raw[i + len] <= '~';
		     len++)
			;
		if (len) {
			hs_text_addn(&t, raw + i, len);
			continue;
		}
		len = hs_utf8_decode(raw + i, n - i, &cp);
		len = len ? len : 1;
		add_unsteering(&t, raw + i, len);
	}
	return hs_text_take(&t);
}

static struct hs_err *wrong(const char *what)
{
	return hs_err_new(HS_ERR_FORMAT, "read a document: %s", what);
}

static struct hs_err *check(const json_t *doc)
{
	const json_t *instant = json_object_get(doc, "instant");

	if (!json_is_object(doc))
		return wrong("it is no object");
	if (json_integer_value(json_object_get(doc, "schema")) != WR_SCHEMA)
		return wrong("its schema is not known");
	if (!json_is_string(json_object_get(doc, "command")))
		return wrong("command is no text");
	if (!json_is_string(json_object_get(doc, "type")))
		return wrong("type is no text");
	if (!json_is_integer(instant) && !json_is_null(instant))
		return wrong("instant is no number");
	if (!json_is_boolean(json_object_get(doc, "partial")))
		return wrong("partial is not true or false");
	return NULL;
}

struct hs_err *wr_doc_decode(const char *s, size_t n, json_t **ret)
{
	struct hs_err *err;
	json_error_t why;
	json_t *doc;

	doc = json_loadb(s, n, JSON_ALLOW_NUL, &why);
	if (!doc)
		return wrong(why.text);
	err = check(doc);
	if (err)
		json_decref(doc);
	else
		*ret = doc;
	return err;
}

uint64_t wr_as_u64(const json_t *j)
{
	uint64_t v = 0;

	if (json_is_integer(j))
		return json_integer_value(j) < 0
			       ? 0
			       : (uint64_t)json_integer_value(j);
	if (json_is_string(j) && !hs_parse_u64(json_string_value(j), &v))
		return 0;
	return v;
}

uint64_t wr_get_u64(const json_t *doc, const char *key)
{
	return wr_as_u64(json_object_get(doc, key));
}

int64_t wr_as_i64(const json_t *j)
{
	int64_t v = 0;

	if (json_is_integer(j))
		return json_integer_value(j);
	if (json_is_string(j) && !hs_parse_i64(json_string_value(j), &v))
		return 0;
	return v;
}

int64_t wr_get_i64(const json_t *doc, const char *key)
{
	return wr_as_i64(json_object_get(doc, key));
}

const char *wr_get_text(const json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "";
}
