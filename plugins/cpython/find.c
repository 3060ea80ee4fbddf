/* SPDX-License-Identifier: Apache-2.0 */
#include "find.h"

#include <stdarg.h>
#include <stdio.h>

#include "lookup.h"
#include "plain.h"

enum { OLDEST = 8, NEWEST = 13 };

static uint64_t symbol(const struct cpython_found *f, const char *name)
{
	return f->mem.host->symbol(f->mem.im, NULL, name, NULL);
}

static enum heapsh_answer refuse(struct cpython_found *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static enum heapsh_answer refuse(struct cpython_found *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->reason, sizeof(f->reason), fmt, ap);
	va_end(ap);
	return HEAPSH_REFUSED;
}

/* With the offsets of this layout, what does sys.hexversion say? 0: nothing */
static uint32_t ask_hexversion(struct cpython_found *f,
			       const struct cpython_layout *l)
{
	struct cpython_mem *m = &f->mem;
	uint64_t obj;
	int64_t v;

	m->lay = l;
	m->minor = l->minor;
	m->interp = cpython_field(m, m->runtime, l->runtime_interp_main);
	if (m->interp == 0)
		m->interp = cpython_field(m, m->runtime,
					  l->runtime_interp_head);
	obj = cpython_dict_gets(m, cpython_field(m, m->interp,
						 l->interp_sysdict),
				"hexversion");
	if (obj == 0 || !cpython_int_value(m, obj, &v) || v <= 0 ||
	    v > UINT32_MAX)
		return 0;
	return (uint32_t)v;
}

/* Only the right layout finds a number that names its own version. */
static uint32_t try_layouts(struct cpython_found *f)
{
	uint32_t hex;
	int exact;

	for (int minor = OLDEST; minor <= NEWEST; minor++) {
		const struct cpython_layout *l =
			cpython_layout_find(minor, 0, 0, &exact);

		hex = l != NULL ? ask_hexversion(f, l) : 0;
		if (hex >> 24 == 3 && (int)(hex >> 16 & 0xff) == minor)
			return hex;
	}
	return 0;
}

/* Py_Version, from 3.11 (Python/getversion.c); else by trying. */
static uint32_t hexversion(struct cpython_found *f)
{
	uint64_t at = symbol(f, "Py_Version");
	uint32_t v;

	if (at != 0 && cpython_copy(&f->mem, at, &v, sizeof(v)) &&
	    v >> 24 == 3)
		return v;
	return try_layouts(f);
}

static enum heapsh_answer too_old(struct cpython_found *f)
{
	const char *what = "Python 2";

	if (symbol(f, "PyInt_Type") == 0)
		what = symbol(f, "_PyRuntime") == 0 ? "CPython 3.6 or older" :
						      "CPython 3.7";
	return refuse(f, "this is %s; CPython 3.8 to 3.13 can be read", what);
}

/*
 * Builds with other structures: a debug build counts references in
 * _Py_NegativeRefcount() (Include/object.h, Py_REF_DEBUG), a free-threaded one
 * in _Py_DecRefShared() (Py_GIL_DISABLED).
 */
static bool other_build(struct cpython_found *f)
{
	if (symbol(f, "_Py_NegativeRefcount") != 0) {
		refuse(f, "this is a debug build of CPython; only release "
			  "builds can be read");
		return true;
	}
	if (symbol(f, "_Py_DecRefShared") != 0) {
		refuse(f, "this is a free-threaded build of CPython; only "
			  "builds with the GIL can be read");
		return true;
	}
	return false;
}

/* The structures' own description of themselves, from 3.13. */
static bool debug_offsets_ok(struct cpython_found *f)
{
	const struct cpython_layout *l = f->mem.lay;
	uint64_t at, free_threaded;
	char cookie[8];

	if (l->debug_offsets < 0)
		return true;
	at = f->mem.runtime + (uint64_t)l->debug_offsets;
	if (!cpython_copy(&f->mem, at, cookie, sizeof(cookie)) ||
	    memcmp(cookie, "xdebugpy", sizeof(cookie)) != 0) {
		refuse(f, "CPython %s: _PyRuntime does not begin with its "
			  "own description", f->version);
		return false;
	}
	free_threaded = cpython_field(&f->mem, at, l->debug_free_threaded);
	if (free_threaded != 0) {
		refuse(f, "this is a free-threaded build of CPython; only "
			  "builds with the GIL can be read");
		return false;
	}
	return true;
}

static bool damaged(struct cpython_found *f, const struct cpython_layout *l)
{
	const char *row = cpython_layout_damaged(l);

	if (row == NULL)
		return false;
	refuse(f, "the plugin's layout of CPython %s is not as it was "
		  "generated (layouts.c does not match digests.c): install "
		  "heapsh again, or run plugins/cpython/regen-layouts.py", row);
	return true;
}

bool cpython_find_next(struct cpython_found *f)
{
	const struct cpython_layout *l;
	int exact;

	do {
		l = cpython_layout_find(f->minor, f->patch, ++f->row, &exact);
		f->exact = exact;
	} while (l != NULL && (cpython_layout_damaged(l) != NULL ||
			       ask_hexversion(f, l) != f->hex));
	return l != NULL && debug_offsets_ok(f);
}

static enum heapsh_answer with_version(struct cpython_found *f, uint32_t hex)
{
	const struct cpython_layout *l;
	int exact;

	f->hex = hex;
	f->minor = (int)(hex >> 16 & 0xff);
	f->patch = (int)(hex >> 8 & 0xff);
	snprintf(f->version, sizeof(f->version), "3.%d.%d", f->minor,
		 f->patch);
	if (f->minor < OLDEST || f->minor > NEWEST)
		return refuse(f, "this is CPython %s; CPython 3.8 to 3.13 can "
				 "be read", f->version);
	if (other_build(f))
		return HEAPSH_REFUSED;
	l = cpython_layout_find(f->minor, f->patch, f->row, &exact);
	f->exact = exact;
	if (l != NULL && damaged(f, l))
		return HEAPSH_REFUSED;
	if (l == NULL ||
	    (ask_hexversion(f, l) != hex && !cpython_find_next(f)))
		return refuse(f, "CPython %s: its interpreter cannot be read "
				 "(still starting, ending, or another layout)",
			      f->version);
	if (!debug_offsets_ok(f))
		return HEAPSH_REFUSED;
	snprintf(f->reason, sizeof(f->reason),
		 "_PyRuntime at 0x%llx, sys.hexversion 0x%08x",
		 (unsigned long long)f->mem.runtime, (unsigned)hex);
	return HEAPSH_YES;
}

enum heapsh_answer cpython_find(const struct heapsh_host *host,
				struct heapsh_image *im,
				struct cpython_found *ret)
{
	uint32_t hex, width, little;

	*ret = (struct cpython_found){ 0 };
	ret->mem.host = host;
	ret->mem.im = im;
	host->machine(im, &width, &little);
	ret->type_type = symbol(ret, "PyType_Type");
	if (ret->type_type == 0) {
		snprintf(ret->reason, sizeof(ret->reason),
			 "no symbol PyType_Type in any of its files");
		return HEAPSH_NO;
	}
	if (width != 8 || !little)
		return refuse(ret, "this CPython is not a 64-bit x86 build");
	ret->mem.runtime = symbol(ret, "_PyRuntime");
	if (ret->mem.runtime == 0 || symbol(ret, "PyVectorcall_Call") == 0)
		return too_old(ret);
	hex = hexversion(ret);
	if (hex == 0 && !other_build(ret))
		refuse(ret, "a CPython whose version cannot be read: it is "
			    "still starting, or its layout is not known");
	return hex == 0 ? HEAPSH_REFUSED : with_version(ret, hex);
}
