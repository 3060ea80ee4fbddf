// SPDX-License-Identifier: Apache-2.0
/**
 * The types that a plugin has told of. Threads of a sweep add to them while
 * others look them up, so rows never move: they lie in chunks that are never
 * given back, and the number of rows is published after the row is written.
 */
#include "model_priv.h"

enum {
	CHUNK_SHIFT = 12,
	CHUNK = 1 << CHUNK_SHIFT,
	CHUNKS = 1 << 12,	/* 16.7 million types */
	FLAGS = 0x1ff,		/* all of heapsh_type_flags */
	NONE = UINT32_MAX,
};

struct row {
	struct md_type type;
	uint32_t next;		/* of the same key, or NONE */
};

struct md_types {
	_Atomic(struct row *) chunks[CHUNKS];
	_Atomic uint32_t n;
	pthread_mutex_t lock;	/* for all that follows */
	struct hs_arena text;
	struct hs_map by_key;	/* hash of name and address: first row */
	struct hs_map by_addr;
	struct hs_strmap by_name;
};

struct md_types *md_types_create(void)
{
	struct md_types *t = hs_xalloc(sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void md_types_destroy(struct md_types *t)
{
	size_t i;

	if (!t)
		return;
	for (i = 0; i < CHUNKS; i++)
		free(atomic_load(&t->chunks[i]));
	hs_map_deinit(&t->by_key);
	hs_map_deinit(&t->by_addr);
	hs_strmap_deinit(&t->by_name);
	hs_arena_deinit(&t->text);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct row *row(const struct md_types *t, uint32_t i)
{
	struct row *chunk = atomic_load_explicit(&t->chunks[i >> CHUNK_SHIFT],
						 memory_order_acquire);

	return &chunk[i & (CHUNK - 1)];
}

uint32_t md_types_n(const struct md_types *t)
{
	return atomic_load_explicit(&t->n, memory_order_acquire);
}

const struct md_type *md_types_get(const struct md_types *t, uint32_t i)
{
	return i < md_types_n(t) ? &row(t, i)->type : NULL;
}

/** FNV-1a over the name, from the address on. */
static uint64_t key_of(const char *name, uint64_t addr)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ addr;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return h;
}

static uint32_t find(const struct md_types *t, uint64_t key, const char *name,
		     uint64_t addr)
{
	const uint64_t *first = hs_map_get(&t->by_key, key);
	uint32_t i = first ? (uint32_t)*first : NONE;

	while (i != NONE && (row(t, i)->type.address != addr ||
			     strcmp(row(t, i)->type.name, name)))
		i = row(t, i)->next;
	return i;
}

static uint64_t bounded(uint64_t size)
{
	return size < MD_SIZE_MAX ? size : MD_SIZE_MAX;
}

static void index_row(struct md_types *t, uint64_t key, uint32_t i)
{
	struct row *r = row(t, i);
	const uint64_t *first = hs_map_get(&t->by_key, key);

	r->next = first ? (uint32_t)*first : NONE;
	hs_map_put(&t->by_key, key, i);
	if (!hs_strmap_get(&t->by_name, r->type.name))
		hs_strmap_put(&t->by_name, r->type.name, i);
	if (r->type.address && !hs_map_get(&t->by_addr, r->type.address))
		hs_map_put(&t->by_addr, r->type.address, i);
}

/** With the lock held. name is escaped. */
static uint32_t append(struct md_types *t, const struct heapsh_type *type,
		       const char *name, uint64_t key)
{
	uint32_t i = md_types_n(t);
	struct row *r;

	if (i == (uint32_t)CHUNKS * CHUNK)
		return NONE;
	if (!(i & (CHUNK - 1)))
		atomic_store_explicit(&t->chunks[i >> CHUNK_SHIFT],
				      hs_xcalloc(CHUNK, sizeof(*r)),
				      memory_order_release);
	r = row(t, i);
	r->type.name = hs_arena_strndup(&t->text, name, strlen(name));
	r->type.flags = type->flags & FLAGS;
	r->type.address = type->address;
	r->type.basic_size = bounded(type->basic_size);
	r->type.item_size = bounded(type->item_size);
	r->type.pre_size = bounded(type->pre_size);
	index_row(t, key, i);
	atomic_store_explicit(&t->n, i + 1, memory_order_release);
	return i;
}

uint32_t md_types_add(struct md_types *t, const struct heapsh_type *type)
{
	struct heapsh_text raw = md_clamp(type->name, MD_NAME_MAX);
	HS_TEXT name = { 0 };
	uint64_t key;
	uint32_t i;

	hs_text_escape(&name, raw.s, raw.n);
	if (raw.n && raw.n < type->name.n)
		hs_text_add(&name, "…");
	if (!name.len)
		hs_text_add(&name, "?");
	key = key_of(hs_text_str(&name), type->address);
	pthread_mutex_lock(&t->lock);
	i = find(t, key, hs_text_str(&name), type->address);
	if (i == NONE)
		i = append(t, type, hs_text_str(&name), key);
	pthread_mutex_unlock(&t->lock);
	return i;
}

uint32_t md_types_unknown(struct md_types *t)
{
	static const struct heapsh_type unknown = {
		.size = sizeof(unknown),
		.flags = HEAPSH_TYPE_APPROXIMATE,
		.name = { "<unknown type>", 14 },
	};

	return md_types_add(t, &unknown);
}

uint32_t md_types_by_name(struct md_types *t, const char *name)
{
	const uint64_t *i;
	uint32_t ret;

	pthread_mutex_lock(&t->lock);
	i = hs_strmap_get(&t->by_name, name);
	ret = i ? (uint32_t)*i : NONE;
	pthread_mutex_unlock(&t->lock);
	return ret;
}

uint32_t md_types_by_address(struct md_types *t, uint64_t addr)
{
	const uint64_t *i;
	uint32_t ret;

	pthread_mutex_lock(&t->lock);
	i = hs_map_get(&t->by_addr, addr);
	ret = i ? (uint32_t)*i : NONE;
	pthread_mutex_unlock(&t->lock);
	return ret;
}
