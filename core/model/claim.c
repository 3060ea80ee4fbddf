// SPDX-License-Identifier: Apache-2.0
// Whose process is it, and how may a copy of it be settled.
#include "model_priv.h"

enum {
	SETTLE_MS = 60,		/* plugin.h: limit_ms 0 */
	SETTLE_MS_MAX = 5000,
	LIBRARIES_SHOWN = 4,
};

static void ask(struct md_host *host, const struct md_loaded *l,
		struct heapsh_image *image, struct heapsh_claim *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	md_enter(host, l->name);
	l->plugin->probe(image, ret);
	md_leave(host);
	ret->size = sizeof(*ret);
	if (ret->answer > HEAPSH_REFUSED)
		ret->answer = HEAPSH_NO;
	if (ret->confidence > 100)
		ret->confidence = 100;
	md_clean(ret->runtime, sizeof(ret->runtime));
	md_clean(ret->version, sizeof(ret->version));
	md_clean(ret->reason, sizeof(ret->reason));
}

/** "process 4711" */
static void add_process(struct hs_text *t, const struct im_image *im)
{
	if (im_info(im)->pid)
		hs_text_addf(t, "process %d", im_info(im)->pid);
	else
		hs_text_add(t, "the process");
}

/** What kind of program that is, by what every such program is linked with. */
static const struct {
	const char *prefix, *what;
} languages[] = {
	{ "libstdc++.so", "a C++ program" },
	{ "libc++.so", "a C++ program" },
	{ "libc.so", "a C program" },
	{ "ld-musl", "a C program" },
};

static const char *language(const struct im_module *mods, size_t n)
{
	size_t i, k;

	for (i = 0; i < HS_ARRAY_SIZE(languages); i++) {
		const char *prefix = languages[i].prefix;

		for (k = 0; k < n; k++) {
			if (!strncmp(mods[k].name, prefix, strlen(prefix)))
				return languages[i].what;
		}
	}
	return "a program without a C library";
}

static void add_libraries(struct hs_text *t, const struct im_module *mods,
			  size_t n, const struct im_module *program)
{
	size_t i, shown = 0;

	for (i = 0; i < n; i++) {
		if (&mods[i] == program || mods[i].name[0] == '[' ||
		    !strncmp(mods[i].name, "ld-", 3))
			continue;
		if (shown++ == LIBRARIES_SHOWN) {
			hs_text_add(t, ", …");
			break;
		}
		hs_text_add(t, shown == 1 ? " (" : ", ");
		hs_text_escape(t, mods[i].name, strlen(mods[i].name));
	}
	if (shown)
		hs_text_addc(t, ')');
}

/** "sleep, a C program (libc.so.6)" */
static void add_seen(struct hs_text *t, const struct im_image *im)
{
	const struct im_module *program = im_program(im), *mods;
	size_t n = im_modules(im, &mods);

	if (!program) {
		hs_text_add(t, "no ELF file is mapped into it");
		return;
	}
	hs_text_escape(t, program->name, strlen(program->name));
	hs_text_addf(t, ", %s", language(mods, n));
	add_libraries(t, mods, n, program);
}

static void add_names(struct hs_text *t, const struct md_host *host,
		      bool loaded, const char *first)
{
	size_t i;

	for (i = 0; i < host->infos.n; i++) {
		if (!host->infos.v[i].problem != loaded)
			continue;
		hs_text_addf(t, "%s%s", first, host->infos.v[i].name);
		first = ", ";
	}
}

static struct hs_err *nobodys(const struct md_host *host,
			      const struct im_image *im)
{
	HS_TEXT what = { 0 }, asked = { 0 };

	add_process(&what, im);
	hs_text_add(&what, ": ");
	add_seen(&what, im);
	add_names(&asked, host, true, "asked: ");
	add_names(&asked, host, false, asked.len ? "; not loaded: " :
						   "not loaded: ");
	if (asked.len)
		return hs_err_new(HS_ERR_UNSUPPORTED, "recognise %s: no plugin "
				  "knows it (%s)", hs_text_str(&what),
				  hs_text_str(&asked));
	return hs_err_remedy(
		hs_err_new(HS_ERR_UNSUPPORTED, "recognise %s: no plugin is "
			   "there to ask", hs_text_str(&what)),
		"name their folder: heapsh --plugin-path DIR …");
}

static struct hs_err *refusal(const struct im_image *im,
			      const struct heapsh_claim *c)
{
	HS_TEXT who = { 0 };

	if (c->reason[0])
		return hs_err_new(HS_ERR_UNSUPPORTED, "%s", c->reason);
	add_process(&who, im);
	return hs_err_new(HS_ERR_UNSUPPORTED, "read %s: this %s %s is not one "
			  "that the plugin can read", hs_text_str(&who),
			  c->runtime, c->version);
}

struct hs_err *md_probe(struct md_host *host, struct im_image *live,
			struct md_claim *ret)
{
	struct heapsh_claim claim, best = { 0 };
	const struct heapsh_plugin *whose = NULL;
	struct heapsh_image *image;
	struct hs_err *err;
	size_t i;

	err = md_image_create(live, NULL, &image);
	if (err)
		return err;
	for (i = 0; i < host->loaded.n; i++) {
		if (!host->loaded.v[i].plugin)
			continue;
		ask(host, &host->loaded.v[i], image, &claim);
		// Any yes beats any refusal; YES < REFUSED in the enum.
		if (claim.answer == HEAPSH_NO ||
		    (whose && (best.answer < claim.answer ||
			       (best.answer == claim.answer &&
				best.confidence >= claim.confidence))))
			continue;
		best = claim;
		whose = host->loaded.v[i].plugin;
	}
	md_image_destroy(image);
	if (!whose)
		return nobodys(host, live);
	if (best.answer == HEAPSH_REFUSED)
		return refusal(live, &best);
	ret->plugin = whose;
	ret->claim = best;
	return NULL;
}

/** Hold the script to what plugin.h says of it. */
static void check_script(struct heapsh_settle *s, size_t n_threads)
{
	uint32_t i;
	bool bad = s->n_writes > HS_ARRAY_SIZE(s->writes);

	md_clean(s->why, sizeof(s->why));
	s->size = sizeof(*s);
	s->flags &= HEAPSH_SETTLE_CONSISTENT | HEAPSH_SETTLE_IMPOSSIBLE;
	if (s->flags)
		return;
	for (i = 0; !bad && i < s->n_writes; i++)
		bad = s->writes[i].len > sizeof(s->writes[i].bytes) ||
		      s->writes[i].after > 1;
	if (bad || s->thread >= n_threads) {
		s->flags = HEAPSH_SETTLE_IMPOSSIBLE;
		s->n_writes = 0;
		snprintf(s->why, sizeof(s->why),
			 "the plugin's settle script is wrong");
	}
	if (!s->limit_ms)
		s->limit_ms = SETTLE_MS;
	if (s->limit_ms > SETTLE_MS_MAX)
		s->limit_ms = SETTLE_MS_MAX;
}

void md_settle(struct md_host *host, const struct md_claim *claim,
	       struct im_image *frozen, struct heapsh_settle *ret)
{
	const struct im_thread *threads;
	struct heapsh_image *image;
	struct hs_err *err;

	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	ret->flags = HEAPSH_SETTLE_CONSISTENT;
	if (!claim->plugin->settle)
		return;
	err = md_image_create(frozen, NULL, &image);
	if (err) {
		ret->flags = HEAPSH_SETTLE_IMPOSSIBLE;
		snprintf(ret->why, sizeof(ret->why), "%s", err->message);
		hs_err_free(err);
		return;
	}
	ret->flags = 0;
	md_enter(host, md_name_of(host, claim->plugin));
	claim->plugin->settle(image, ret);
	md_leave(host);
	md_image_destroy(image);
	check_script(ret, im_threads(frozen, &threads));
}
