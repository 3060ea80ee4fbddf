/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All types that were met, by address. Looked up for every word that might be
 * the type of an object, from several threads, without a lock; a table that is
 * full is replaced by a larger one and kept until the end, so that a reader of
 * it stays right. Words that turned out not to be types are remembered in a
 * small cache that may forget.
 */
#include "object.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { FIRST_CAP = 1024, N_NOT_TYPES = 8192, MAX_TYPES = 1 << 22 };

struct table {
	struct table *older;
	size_t mask, n;
	_Atomic(struct cpython_type *) slot[];
};

struct cpython_types {
	_Atomic(struct table *) table;
	pthread_mutex_t lock;		/* over every change */
	struct cpython_type *all;
	_Atomic uint64_t not_types[N_NOT_TYPES];
};

static size_t hash(uint64_t addr)
{
	return (size_t)((addr >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static struct table *table_create(size_t cap, struct table *older)
{
	struct table *t = calloc(1, sizeof(*t) + cap * sizeof(t->slot[0]));

	if (t == NULL)
		return NULL;
	t->mask = cap - 1;
	t->older = older;
	return t;
}

struct cpython_types *cpython_types_create(void)
{
	struct cpython_types *types = calloc(1, sizeof(*types));
	struct table *t = table_create(FIRST_CAP, NULL);

	if (types == NULL || t == NULL) {
		free(types);
		free(t);
		return NULL;
	}
	atomic_init(&types->table, t);
	pthread_mutex_init(&types->lock, NULL);
	return types;
}

void cpython_types_destroy(struct cpython_types *types)
{
	struct cpython_type *t, *next;
	struct table *table, *older;

	if (types == NULL)
		return;
	for (t = types->all; t != NULL; t = next) {
		next = t->next;
		cpython_type_free(t);
	}
	for (table = types->table; table != NULL; table = older) {
		older = table->older;
		free(table);
	}
	pthread_mutex_destroy(&types->lock);
	free(types);
}

/* Slot that holds the address, or the free one where it would be. */
static _Atomic(struct cpython_type *) *find(struct table *t, uint64_t addr)
{
	size_t i = hash(addr) & t->mask;
	struct cpython_type *have;

	for (;; i = (i + 1) & t->mask) {
		have = atomic_load_explicit(&t->slot[i], memory_order_acquire);
		if (have == NULL || have->address == addr)
			return &t->slot[i];
	}
}

static bool grow(struct cpython_types *types)
{
	struct table *old = types->table;
	struct table *t = table_create((old->mask + 1) * 2, old);

	if (t == NULL)
		return false;
	for (struct cpython_type *k = types->all; k != NULL; k = k->next)
		atomic_store_explicit(find(t, k->address), k,
				      memory_order_relaxed);
	t->n = old->n;
	atomic_store_explicit(&types->table, t, memory_order_release);
	return true;
}

/* Under the lock. */
static const struct cpython_type *add(struct cpython_types *types,
				      struct cpython_type *t)
{
	struct table *table = types->table;

	if (table->n >= MAX_TYPES ||
	    (table->n * 2 > table->mask && !grow(types))) {
		cpython_type_free(t);
		return NULL;
	}
	table = types->table;
	t->next = types->all;
	types->all = t;
	table->n++;
	atomic_store_explicit(find(table, t->address), t, memory_order_release);
	return t;
}

static const struct cpython_type *meet(const struct cpython *st,
				       const struct cpython_mem *m,
				       uint64_t addr)
{
	struct cpython_types *types = st->types;
	const struct cpython_type *known;
	struct cpython_type *t;

	pthread_mutex_lock(&types->lock);
	known = *find(types->table, addr);
	if (known == NULL) {
		t = cpython_describe(st, m, addr);
		if (t != NULL)
			known = add(types, t);
		else
			atomic_store_explicit(
				&types->not_types[hash(addr) % N_NOT_TYPES],
				addr, memory_order_relaxed);
	}
	pthread_mutex_unlock(&types->lock);
	return known;
}

const struct cpython_type *cpython_type(const struct cpython *st,
					const struct cpython_mem *m,
					uint64_t addr)
{
	struct cpython_types *types = st->types;
	const struct cpython_type *t;

	t = *find(atomic_load_explicit(&types->table, memory_order_acquire),
		  addr);
	if (t != NULL)
		return t;
	if (!cpython_plausible(addr) ||
	    atomic_load_explicit(&types->not_types[hash(addr) % N_NOT_TYPES],
				 memory_order_relaxed) == addr)
		return NULL;
	return meet(st, m, addr);
}
