// SPDX-License-Identifier: Apache-2.0
// One module's symbols: an array by address and a hash over it by name.
#include "symbols.h"

enum {
	SYMS_MAX = 1 << 24,	/* Chromium with debug symbols has 2 million */
	TEXT_MAX = INT32_MAX,	/* bytes of names */
	NAME_MAX_LEN = 1 << 14,	/* C++ mangles some names to over 4 KiB */
	LOOK_BACK = 64,		/* symbols that may lie within one another */
};

/** FNV-1a, 64 bits: draft-eastlake-fnv-17, section 5. */
static uint64_t hash_name(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static uint32_t rank_of(const Elf64_Sym *sym, bool hidden)
{
	if (ELF64_ST_BIND(sym->st_info) == STB_LOCAL)
		return IM_SYM_LOCAL;
	return hidden ? IM_SYM_HIDDEN : IM_SYM_GLOBAL;
}

static bool is_wanted(const Elf64_Sym *sym)
{
	unsigned type = ELF64_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS)
		return false;
	return type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE ||
	       type == STT_COMMON || type == STT_GNU_IFUNC;
}

/**
 * Length of the name without version, 0 to leave it out. A name that is no
 * default version ("memcpy@GLIBC_2.2.5") is not what one means by it.
 */
static size_t name_len(const struct im_rawsyms *raw, const Elf64_Sym *sym,
		       bool *hidden)
{
	const char *s, *at;
	size_t n;

	if (sym->st_name >= raw->strings_size)
		return 0;
	s = raw->strings + sym->st_name;
	n = strnlen(s, raw->strings_size - sym->st_name);
	if (n == raw->strings_size - sym->st_name || n > NAME_MAX_LEN)
		return 0;
	at = raw->versioned_names ? memchr(s, '@', n) : NULL;
	if (at) {
		*hidden = at[1] != '@';
		n = (size_t)(at - s);
	}
	return n;
}

static bool push_text(struct im_symtab *t, const char *s, size_t n,
		      uint32_t *ret)
{
	if (n + 1 > TEXT_MAX - t->text.n)
		return false;
	hs_vec_reserve(&t->text, t->text.n + n + 1);
	*ret = (uint32_t)t->text.n;
	memcpy(t->text.v + t->text.n, s, n);
	t->text.v[t->text.n + n] = '\0';
	t->text.n += n + 1;
	return true;
}

void im_symtab_add(struct im_symtab *t, const struct im_rawsyms *raw,
		   uint64_t bias)
{
	size_t i;

	for (i = 0; i < raw->n && t->syms.n < SYMS_MAX; i++) {
		const Elf64_Sym *sym = &raw->syms[i];
		// VERSYM_HIDDEN: System V ABI, "Symbol Versioning".
		bool hidden = raw->versions && (raw->versions[i] & 0x8000);
		struct im_sym s;
		size_t n;

		if (!is_wanted(sym))
			continue;
		n = name_len(raw, sym, &hidden);
		if (!n || !push_text(t, raw->strings + sym->st_name, n,
				     &s.name))
			continue;
		s.addr = sym->st_value + bias;
		s.size = sym->st_size;
		s.resolver = ELF64_ST_TYPE(sym->st_info) == STT_GNU_IFUNC;
		s.rank = t->source * IM_SYM_RANKS + rank_of(sym, hidden);
		hs_vec_push(&t->syms, s);
	}
	t->source++;
}

static int by_addr(const void *a, const void *b, void *arg)
{
	const struct im_sym *syms = arg;
	const struct im_sym *x = &syms[*(const uint32_t *)a];
	const struct im_sym *y = &syms[*(const uint32_t *)b];

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/**
 * All by address. Most processes are understood by names alone, and sorting is
 * most of what a table costs. Two threads may make it at once: one is kept.
 */
static const uint32_t *sorted(struct im_symtab *t)
{
	uint32_t *v = atomic_load_explicit(&t->by_addr, memory_order_acquire);
	uint32_t *had = NULL;

	if (v)
		return v;
	v = hs_xcalloc(t->syms.n + 1, sizeof(*v));
	for (size_t i = 0; i < t->syms.n; i++)
		v[i] = (uint32_t)i;
	qsort_r(v, t->syms.n, sizeof(*v), by_addr, t->syms.v);
	if (atomic_compare_exchange_strong(&t->by_addr, &had, v))
		return v;
	free(v);
	return had;
}

/** Slot of the name: its own, or the empty one where it belongs. */
static uint32_t *slot(const struct im_symtab *t, const char *name)
{
	size_t mask = t->n_buckets - 1, i = hash_name(name) & mask;

	while (t->by_name[i] &&
	       strcmp(t->text.v + t->syms.v[t->by_name[i] - 1].name, name))
		i = (i + 1) & mask;
	return &t->by_name[i];
}

/** Of two of one name. */
static bool is_better(const struct im_sym *a, const struct im_sym *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->addr < b->addr;
}

void im_symtab_finish(struct im_symtab *t)
{
	size_t i;

	if (!t->syms.n)
		return;
	for (t->n_buckets = 16; t->n_buckets < 2 * t->syms.n; )
		t->n_buckets *= 2;
	t->by_name = hs_xcalloc(t->n_buckets, sizeof(*t->by_name));
	for (i = 0; i < t->syms.n; i++) {
		const struct im_sym *s = &t->syms.v[i];
		uint32_t *at = slot(t, t->text.v + s->name);

		if (!*at || is_better(s, &t->syms.v[*at - 1]))
			*at = (uint32_t)i + 1;
	}
}

const struct im_sym *im_symtab_find(const struct im_symtab *t, const char *name)
{
	uint32_t i = t->n_buckets ? *slot(t, name) : 0;

	return i ? &t->syms.v[i - 1] : NULL;
}

const struct im_sym *im_symtab_cover(struct im_symtab *t, uint64_t addr)
{
	const struct im_sym *best = NULL, *v = t->syms.v;
	const uint32_t *order = sorted(t);
	size_t lo = 0, hi = t->syms.n, i;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v[order[mid]].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (i = lo; i > 0 && lo - i < LOOK_BACK; i--) {
		const struct im_sym *s = &v[order[i - 1]];

		if (best && s->addr != best->addr)
			break;
		if (s->size ? addr - s->addr < s->size :
			      s->addr == v[order[lo - 1]].addr)
			best = s;
	}
	return best;
}

void im_symtab_destroy(struct im_symtab *t)
{
	if (!t || t->shared)
		return;
	hs_vec_deinit(&t->syms);
	hs_vec_deinit(&t->text);
	free(t->by_name);
	free(t->by_addr);
	free(t);
}
