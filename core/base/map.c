// SPDX-License-Identifier: Apache-2.0
#include "map.h"

/*
 * Linear probing, at most three quarters full. Nothing is ever removed, so a
 * probe ends at the first free slot.
 *
 * The mixing is fixed, so that iteration order and output are the same from
 * run to run. A target that crafts its addresses can therefore make these maps
 * slow; loops that fill them look at hs_cancelled().
 */

/* The finaliser of MurmurHash3 (A. Appleby, public domain): addresses differ
 * in their middle bits, and every one of those reaches the low ones. */
static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 33;
	return h;
}

static bool is_full(size_t n, size_t cap)
{
	return n >= cap - cap / 4;
}

static size_t next_cap(size_t cap)
{
	return cap ? cap * 2 : 16;
}

/* Slot of key, or the free one where it belongs. cap is not 0. */
static size_t map_slot(const struct hs_map *m, uint64_t key)
{
	size_t mask = m->cap - 1, i = mix(key) & mask;

	while (m->used[i] && m->keys[i] != key)
		i = (i + 1) & mask;
	return i;
}

static void map_grow(struct hs_map *m)
{
	struct hs_map old = *m;
	size_t i = 0;
	uint64_t key, val;

	m->n = 0;
	m->cap = next_cap(old.cap);
	m->keys = hs_xcalloc(m->cap, sizeof(*m->keys));
	m->vals = hs_xcalloc(m->cap, sizeof(*m->vals));
	m->used = hs_xcalloc(m->cap, sizeof(*m->used));
	while (hs_map_next(&old, &i, &key, &val))
		hs_map_put(m, key, val);
	hs_map_deinit(&old);
}

void hs_map_deinit(struct hs_map *m)
{
	free(m->keys);
	free(m->vals);
	free(m->used);
	*m = (struct hs_map){ 0 };
}

uint64_t *hs_map_get(const struct hs_map *m, uint64_t key)
{
	size_t i;

	if (!m->cap)
		return NULL;
	i = map_slot(m, key);
	return m->used[i] ? &m->vals[i] : NULL;
}

bool hs_map_put(struct hs_map *m, uint64_t key, uint64_t val)
{
	size_t i;
	bool is_new;

	if (is_full(m->n, m->cap))
		map_grow(m);
	i = map_slot(m, key);
	is_new = !m->used[i];
	m->n += is_new;
	m->used[i] = 1;
	m->keys[i] = key;
	m->vals[i] = val;
	return is_new;
}

bool hs_map_next(const struct hs_map *m, size_t *i, uint64_t *key,
		 uint64_t *val)
{
	while (*i < m->cap && !m->used[*i])
		++*i;
	if (*i >= m->cap)
		return false;
	*key = m->keys[*i];
	*val = m->vals[*i];
	++*i;
	return true;
}

/* FNV-1a (draft-eastlake-fnv-17, section 2), mixed. */
static uint64_t hash_str(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return mix(h);
}

static size_t strmap_slot(const struct hs_strmap *m, const char *key)
{
	size_t mask = m->cap - 1, i = hash_str(key) & mask;

	while (m->keys[i] && strcmp(m->keys[i], key))
		i = (i + 1) & mask;
	return i;
}

static void strmap_grow(struct hs_strmap *m)
{
	struct hs_strmap old = *m;
	size_t i, to;

	m->cap = next_cap(old.cap);
	m->keys = hs_xcalloc(m->cap, sizeof(*m->keys));
	m->vals = hs_xcalloc(m->cap, sizeof(*m->vals));
	for (i = 0; i < old.cap; i++) {
		if (!old.keys[i])
			continue;
		to = strmap_slot(m, old.keys[i]);
		m->keys[to] = old.keys[i];
		m->vals[to] = old.vals[i];
	}
	free(old.keys);
	free(old.vals);
}

void hs_strmap_deinit(struct hs_strmap *m)
{
	size_t i;

	for (i = 0; i < m->cap; i++)
		free(m->keys[i]);
	free(m->keys);
	free(m->vals);
	*m = (struct hs_strmap){ 0 };
}

uint64_t *hs_strmap_get(const struct hs_strmap *m, const char *key)
{
	size_t i;

	if (!m->cap)
		return NULL;
	i = strmap_slot(m, key);
	return m->keys[i] ? &m->vals[i] : NULL;
}

bool hs_strmap_put(struct hs_strmap *m, const char *key, uint64_t val)
{
	size_t i;
	bool is_new;

	if (is_full(m->n, m->cap))
		strmap_grow(m);
	i = strmap_slot(m, key);
	is_new = !m->keys[i];
	if (is_new) {
		m->keys[i] = hs_xstrdup(key);
		m->n++;
	}
	m->vals[i] = val;
	return is_new;
}
