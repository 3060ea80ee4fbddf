// SPDX-License-Identifier: Apache-2.0
// Symbols without a file: what the dynamic linker itself uses is in memory.
// System V ABI, "Dynamic Section"; DT_GNU_HASH as in binutils' bfd/elflink.c.
#include "symbols.h"

enum {
	DYNAMIC_MAX = 1024,	/* entries; ld writes some 30 */
	DYNSYM_MAX = 1 << 22,	/* symbols: 96 MiB */
	STRINGS_MAX = 128 << 20,
};

struct dynamic {
	uint64_t symtab, strtab, strsz, gnu_hash, hash, versym;
};

/**
 * glibc has made these entries absolute, musl and the vdso leave them relative.
 * 0 when it is outside of the module either way.
 */
static uint64_t resolve(const struct im_loaded *mod, uint64_t v)
{
	if (v >= mod->pub.start && v < mod->pub.end)
		return v;
	v += mod->pub.bias;
	return v >= mod->pub.start && v < mod->pub.end ? v : 0;
}

static void read_dynamic(struct im_image *im, const struct im_loaded *mod,
			 struct dynamic *ret)
{
	size_t n = mod->dynamic_size / sizeof(Elf64_Dyn), i;
	HS_FREE Elf64_Dyn *dyn = NULL;

	n = n < DYNAMIC_MAX ? n : DYNAMIC_MAX;
	dyn = hs_xcalloc(n + 1, sizeof(*dyn));
	n = im_read(im, mod->dynamic, dyn, n * sizeof(*dyn)) / sizeof(*dyn);
	for (i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		uint64_t v = dyn[i].d_un.d_val;

		if (dyn[i].d_tag == DT_SYMTAB)
			ret->symtab = resolve(mod, v);
		else if (dyn[i].d_tag == DT_STRTAB)
			ret->strtab = resolve(mod, v);
		else if (dyn[i].d_tag == DT_GNU_HASH)
			ret->gnu_hash = resolve(mod, v);
		else if (dyn[i].d_tag == DT_HASH)
			ret->hash = resolve(mod, v);
		else if (dyn[i].d_tag == DT_VERSYM)
			ret->versym = resolve(mod, v);
		else if (dyn[i].d_tag == DT_STRSZ)
			ret->strsz = v;
	}
}

/** Largest of n words at addr; 0 when they cannot be read. */
static uint32_t largest_bucket(struct im_image *im, uint64_t addr, uint32_t n)
{
	HS_FREE uint32_t *words = hs_xcalloc(n, sizeof(*words));
	uint32_t max = 0, i;

	if (im_read(im, addr, words, n * sizeof(*words)) !=
	    n * sizeof(*words))
		return 0;
	for (i = 0; i < n; i++)
		max = words[i] > max ? words[i] : max;
	return max;
}

/**
 * Number of symbols by the GNU hash: the last chain ends with the last symbol.
 *
 *	nbuckets symoffset bloom_size bloom_shift | bloom (8 bytes each) |
 *	buckets (4 bytes each) | chain values, bit 0 set on a chain's last
 */
static uint32_t count_gnu(struct im_image *im, uint64_t hash)
{
	uint32_t head[4], last, word;
	uint64_t buckets, chains;

	if (im_read(im, hash, head, sizeof(head)) != sizeof(head) ||
	    !head[0] || head[0] > DYNSYM_MAX || head[2] > DYNSYM_MAX)
		return 0;
	buckets = hash + sizeof(head) + UINT64_C(8) * head[2];
	chains = buckets + UINT64_C(4) * head[0];
	last = largest_bucket(im, buckets, head[0]);
	if (last < head[1])
		return head[1] < DYNSYM_MAX ? head[1] : 0;
	for (; last < DYNSYM_MAX; last++) {
		if (!im_read_u32(im, chains + UINT64_C(4) * (last - head[1]),
				 &word))
			return 0;
		if (word & 1)
			return last + 1;
	}
	return 0;
}

static uint32_t count_syms(struct im_image *im, const struct dynamic *d)
{
	uint32_t n;

	// DT_HASH: nbucket, nchain; nchain is the number of symbols.
	if (d->hash && im_read_u32(im, d->hash + 4, &n) && n <= DYNSYM_MAX)
		return n;
	return d->gnu_hash ? count_gnu(im, d->gnu_hash) : 0;
}

void im_symtab_from_memory(struct im_symtab *t, struct im_image *im,
			   const struct im_loaded *mod)
{
	HS_FREE uint16_t *versions = NULL;
	HS_FREE Elf64_Sym *syms = NULL;
	HS_FREE char *strings = NULL;
	struct im_rawsyms raw = { 0 };
	struct dynamic d = { 0 };
	uint32_t n;
	size_t size;

	read_dynamic(im, mod, &d);
	if (!d.symtab || !d.strtab || !d.strsz || d.strsz > STRINGS_MAX)
		return;
	n = count_syms(im, &d);
	if (!n)
		return;
	syms = hs_xcalloc(n, sizeof(*syms));
	strings = hs_xalloc(d.strsz);
	raw.syms = syms;
	raw.n = im_read(im, d.symtab, syms, n * sizeof(*syms)) / sizeof(*syms);
	raw.strings = strings;
	raw.strings_size = im_read(im, d.strtab, strings, d.strsz);
	versions = hs_xcalloc(n, sizeof(*versions));
	size = n * sizeof(*versions);
	if (d.versym && im_read(im, d.versym, versions, size) == size)
		raw.versions = versions;
	im_symtab_add(t, &raw, mod->pub.bias);
}
