// SPDX-License-Identifier: Apache-2.0
// The text of an edge, in the words of guppy 3's Heapy (guppy/heapy/Path.py).
#include "model_priv.h"

enum {
	KEY_COLUMNS = 40,	/* of a key's repr within [ ] */
	WORD_COLUMNS = 200,	/* of an attribute's name */
	STATIC_TEXT_MAX = 256,	/* of a plugin's own word */
};

/** Bare text of a name object, or NULL when it has none. free(). */
static char *name_at(struct md_model *m, uint64_t addr)
{
	char *s = addr ? md_render(m, addr, HEAPSH_RENDER_TEXT, WORD_COLUMNS) :
			 NULL;

	if (s && !*s) {
		free(s);
		s = NULL;
	}
	return s;
}

static void add_word(struct hs_text *t, const char *before, const char *text)
{
	if (!text) {
		hs_text_add(t, ".??");
		return;
	}
	hs_text_add(t, before);
	hs_text_escape(t, text, strnlen(text, STATIC_TEXT_MAX));
}

/** The plugin's own word for what holds an edge, or ours. */
static void add_holder(struct hs_text *t, const char *before, const char *text,
		       const char *otherwise)
{
	hs_text_add(t, before);
	if (!text)
		text = otherwise;
	hs_text_escape(t, text, strnlen(text, STATIC_TEXT_MAX));
}

static void add_local(struct hs_text *t, const char *name,
		      const struct heapsh_edge *e)
{
	if (!name) {
		hs_text_add(t, ".??");
		return;
	}
	add_holder(t, ".", e->text, "locals");
	hs_text_addf(t, e->b == 1 ? " ['%s']" : "['%s']", name);
}

static void add_value(struct hs_text *t, struct md_model *m, uint64_t key)
{
	HS_FREE char *s = md_render(m, key, HEAPSH_RENDER_SHORT, KEY_COLUMNS);

	hs_text_addf(t, "[%s]", s);
}

/** A key that is no object. Floats as C writes them: runtimes differ. */
static void add_scalar(struct hs_text *t, const struct heapsh_edge *e)
{
	double d;

	hs_text_addc(t, '[');
	if (e->text) {
		hs_text_escape(t, e->text, strnlen(e->text, STATIC_TEXT_MAX));
	} else if (e->b == HEAPSH_KEY_FLOAT) {
		memcpy(&d, &e->a, sizeof(d));
		hs_text_addf(t, "%.14g", d);
	} else {
		hs_text_addf(t, "%lld", (long long)e->a);
	}
	hs_text_addc(t, ']');
}

static void add_part(struct hs_text *t, struct md_model *m,
		     const struct heapsh_edge *e)
{
	HS_FREE char *name = name_at(m, e->a);

	add_holder(t, "<", e->text, "part");
	if (name)
		hs_text_addf(t, " %s>", name);
	else if (e->b)
		hs_text_addf(t, " %llu>", (unsigned long long)e->b);
	else
		hs_text_addc(t, '>');
}

char *md_label(struct md_model *m, const struct heapsh_edge *e)
{
	HS_FREE char *name = NULL;
	HS_TEXT t = { 0 };

	switch ((enum heapsh_label)e->label) {
	case HEAPSH_LABEL_INDEX:
		hs_text_addf(&t, "[%llu]", (unsigned long long)e->a);
		break;
	case HEAPSH_LABEL_VALUE:
		add_value(&t, m, e->a);
		break;
	case HEAPSH_LABEL_KEY:
		hs_text_addf(&t, ".keys()[%llu]", (unsigned long long)e->b);
		break;
	case HEAPSH_LABEL_ATTR:
		name = name_at(m, e->a);
		add_word(&t, ".", name);
		break;
	case HEAPSH_LABEL_NAME:
		add_word(&t, ".", e->text);
		break;
	case HEAPSH_LABEL_FIELD:
		add_word(&t, "->", e->text);
		break;
	case HEAPSH_LABEL_LOCAL:
		name = name_at(m, e->a);
		add_local(&t, name, e);
		break;
	case HEAPSH_LABEL_STACK:
		add_holder(&t, "->", e->text, "stack");
		hs_text_addf(&t, "[%llu]", (unsigned long long)e->a);
		break;
	case HEAPSH_LABEL_MEMBER:
		hs_text_addf(&t, "list(set)[%llu]", (unsigned long long)e->a);
		break;
	case HEAPSH_LABEL_SCALAR:
		add_scalar(&t, e);
		break;
	case HEAPSH_LABEL_PART:
		add_part(&t, m, e);
		break;
	case HEAPSH_LABEL_OFFSET:
		hs_text_addf(&t, "->+0x%llx", (unsigned long long)e->a);
		break;
	case HEAPSH_LABEL_NONE:
	default:	// a word that this host does not know
		hs_text_add(&t, ".??");
		break;
	}
	return hs_text_take(&t);
}

char *md_kind_name(struct md_model *m, uint32_t type, uint32_t owner)
{
	const struct md_type *t = md_type(m, type);

	if (!(t->flags & HEAPSH_TYPE_TABLE))
		return hs_xstrdup(t->name);
	if (owner >= md_n_types(m))
		return hs_xasprintf("%s (no owner)", t->name);
	return hs_xasprintf("%s of %s", t->name, md_type(m, owner)->name);
}
