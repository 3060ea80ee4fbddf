// SPDX-License-Identifier: Apache-2.0
// Whose process is it, and how may a copy of it be settled.
#include "model_priv.h"

enum {
	SETTLE_MS = 60,		/* plugin.h: limit_ms 0 */
	SETTLE_MS_MAX = 5000,
	LIBRARIES_SHOWN = 4,
};

/** For "plugins": what it said of the last process. */
static void note_claim(struct md_loaded *l, const struct heapsh_claim *c)
{
	pthread_mutex_lock(&l->host->lock);
	if (c->answer == HEAPSH_NO)
		snprintf(l->claim, sizeof(l->claim), "not its");
	else
		snprintf(l->claim, sizeof(l->claim), "%s%s %s, %u %%",
			 c->answer == HEAPSH_REFUSED ? "refused: " : "",
			 c->runtime, c->version, c->confidence);
	pthread_mutex_unlock(&l->host->lock);
}

static void ask(struct md_loaded *l, struct heapsh_image *image,
		struct heapsh_claim *ret)
{
	struct md_call call;

	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	if (!md_enter(l, MD_PROBE, image, &call))
		return;
	l->plugin->probe(image, ret);
	md_leave(&call);
	ret->size = sizeof(*ret);
	if (ret->answer > HEAPSH_REFUSED)
		ret->answer = HEAPSH_NO;
	if (ret->confidence > 100)
		ret->confidence = 100;
	md_clean(ret->runtime, sizeof(ret->runtime));
	md_clean(ret->version, sizeof(ret->version));
	md_clean(ret->reason, sizeof(ret->reason));
	note_claim(l, ret);
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

enum asked { ASKED, DISABLED, NOT_LOADED };

static enum asked asked(const struct md_loaded *l)
{
	return !l->plugin ? NOT_LOADED : md_is_disabled(l) ? DISABLED : ASKED;
}

static void add_names(struct hs_text *t, const struct md_host *host,
		      enum asked which, const char *what)
{
	bool first = true;
	size_t i;

	for (i = 0; i < host->loaded.n; i++) {
		if (asked(host->loaded.v[i]) != which)
			continue;
		if (first)
			hs_text_addf(t, "%s%s", t->len ? "; " : "", what);
		hs_text_addf(t, "%s%s", first ? "" : ", ",
			     host->loaded.v[i]->name);
		first = false;
	}
}

static struct hs_err *nobodys(const struct md_host *host,
			      const struct im_image *im)
{
	HS_TEXT what = { 0 }, names = { 0 };

	add_process(&what, im);
	hs_text_add(&what, ": ");
	add_seen(&what, im);
	add_names(&names, host, ASKED, "asked: ");
	add_names(&names, host, DISABLED, "disabled: ");
	add_names(&names, host, NOT_LOADED, "not loaded: ");
	if (names.len)
		return hs_err_new(HS_ERR_UNSUPPORTED, "recognise %s: no plugin "
				  "knows it (%s)", hs_text_str(&what),
				  hs_text_str(&names));
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

/**
 * Two plugins for one runtime do not share it: the more confident reads it, of
 * equals the first. True: there was such a rival, and it stays or is replaced.
 */
static bool replace_rival(struct md_claim *c,
			  const struct heapsh_plugin *plugin,
			  const struct heapsh_claim *claim)
{
	uint32_t i;

	if (c->plugin && !strcmp(c->claim.runtime, claim->runtime)) {
		if (claim->confidence > c->claim.confidence) {
			c->plugin = plugin;
			c->claim = *claim;
		}
		return true;
	}
	for (i = 0; i < c->n_others; i++) {
		if (strcmp(c->others[i].claim.runtime, claim->runtime))
			continue;
		if (claim->confidence <= c->others[i].claim.confidence)
			return true;
		// It may belong further ahead now: as if it had not been there.
		c->n_others--;
		memmove(c->others + i, c->others + i + 1,
			(c->n_others - i) * sizeof(c->others[0]));
		return false;
	}
	return false;
}

/** Insert a yes, the most confident first; of equals the first. */
static void add_claim(struct md_claim *c, const struct heapsh_plugin *plugin,
		      const struct heapsh_claim *claim)
{
	const size_t max = HS_ARRAY_SIZE(c->others);
	size_t i;

	if (replace_rival(c, plugin, claim))
		return;
	if (!c->plugin || claim->confidence > c->claim.confidence) {
		if (c->plugin) {
			memmove(c->others + 1, c->others,
				(max - 1) * sizeof(c->others[0]));
			c->others[0].plugin = c->plugin;
			c->others[0].claim = c->claim;
			c->n_others += c->n_others < max;
		}
		c->plugin = plugin;
		c->claim = *claim;
		return;
	}
	i = c->n_others;
	while (i && c->others[i - 1].claim.confidence < claim->confidence)
		i--;
	if (i == max)
		return;
	memmove(c->others + i + 1, c->others + i,
		(max - 1 - i) * sizeof(c->others[0]));
	c->others[i].plugin = plugin;
	c->others[i].claim = *claim;
	c->n_others += c->n_others < max;
}

struct hs_err *md_probe(struct md_host *host, struct im_image *live,
			struct md_claim *ret)
{
	struct heapsh_claim claim, refused = { 0 };
	struct md_claim found = { 0 };
	struct heapsh_image *image;
	struct hs_err *err;
	size_t i;

	for (i = 0; i < host->loaded.n; i++) {
		struct md_loaded *l = host->loaded.v[i];

		if (!l->plugin)
			continue;
		err = md_image_create(live, l, NULL, &image);
		if (err)
			return err;
		ask(l, image, &claim);
		md_image_destroy(image);
		if (claim.answer == HEAPSH_YES)
			add_claim(&found, l->plugin, &claim);
		else if (claim.answer == HEAPSH_REFUSED &&
			 (!refused.answer ||
			  claim.confidence > refused.confidence))
			refused = claim;
	}
	// Any yes beats any refusal.
	if (!found.plugin)
		return refused.answer ? refusal(live, &refused) :
					nobodys(host, live);
	*ret = found;
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

static void settle_one(struct md_host *host, const struct heapsh_plugin *p,
		       struct im_image *frozen, struct heapsh_settle *ret)
{
	struct md_loaded *own = md_loaded_of(host, p);
	const struct im_thread *threads;
	struct heapsh_image *image;
	struct md_call call;
	struct hs_err *err;

	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	ret->flags = HEAPSH_SETTLE_CONSISTENT;
	if (!own || !p->settle)
		return;
	err = md_image_create(frozen, own, NULL, &image);
	if (err) {
		ret->flags = HEAPSH_SETTLE_IMPOSSIBLE;
		snprintf(ret->why, sizeof(ret->why), "%s", err->message);
		hs_err_free(err);
		return;
	}
	if (md_enter(own, MD_SETTLE, image, &call)) {
		ret->flags = 0;
		p->settle(image, ret);
		md_leave(&call);
	}
	md_image_destroy(image);
	check_script(ret, im_threads(frozen, &threads));
}

/*
 * Of several runtimes one is in the middle of something, as a rule: the first
 * that is not consistent has its script run. What then of the others is not
 * whole is said by their open().
 */
void md_settle(struct md_host *host, const struct md_claim *claim,
	       struct im_image *frozen, struct heapsh_settle *ret)
{
	uint32_t i;

	settle_one(host, claim->plugin, frozen, ret);
	for (i = 0; i < claim->n_others &&
	     ret->flags & HEAPSH_SETTLE_CONSISTENT; i++)
		settle_one(host, claim->others[i].plugin, frozen, ret);
}
