/* SPDX-License-Identifier: Apache-2.0 */
/** graph: what its files share and nobody else sees. */
#ifndef GR_GRAPH_PRIV_H
#define GR_GRAPH_PRIV_H

#include "graph.h"

#include "bits.h"

/* --- memory (vec.c) ----------------------------------------------------- */

/** Zeroed array of n items; ret is the address of the pointer to it. */
struct hs_err *gr_alloc(struct hs_task *task, uint64_t n, size_t item_size,
			void *ret) HS_MUST_USE;
/**
 * Array that follows the target: grows by half, charged to the task's budget.
 * Zeroed beyond n. {0} with item_size set is empty.
 */
struct gr_vec {
	void *v;
	uint64_t n, cap;	/* items */
	size_t item_size;
};
/** Room for need items in all. Moves v. */
struct hs_err *gr_vec_reserve(struct hs_task *task, struct gr_vec *vec,
			      uint64_t need) HS_MUST_USE;
/** v is item_size bytes. */
struct hs_err *gr_vec_push(struct hs_task *task, struct gr_vec *vec,
			   const void *item) HS_MUST_USE;
void gr_vec_deinit(struct hs_budget *b, struct gr_vec *vec);

/* --- order (sort.c) ----------------------------------------------------- */

/** gr_sort_u64() of what is in the order of the bits below shift already. */
void gr_sort_above(uint64_t *v, uint64_t *tmp, size_t n, unsigned shift);

/* --- threads (parallel.c) ----------------------------------------------- */

typedef struct hs_err *gr_part_fn(void *arg, unsigned thread);
/**
 * Run fn on up to n threads, this one among them as thread 0, and wait. Where
 * the system gives fewer threads, fewer run: fn takes its work from a shared
 * counter. Returns the first error; fn should look at *stop now and then,
 * which is set with it.
 */
struct hs_err *gr_parallel(unsigned n, gr_part_fn *fn, void *arg,
			   _Atomic bool *stop) HS_MUST_USE;
/** 0: as many as cores, at most GR_MAX_THREADS. */
unsigned gr_threads(unsigned wanted);

/* --- sets of addresses (space.c) ---------------------------------------- */

/**
 * A bit per 8 bytes of address space, in blocks of 1 << shift bytes that are
 * made when a bit in them is first set.
 *
 *	| block number      | word in block | bit | 000 |
 *	 63           shift  shift-1      9  8 3   2 0
 */
struct gr_space {
	struct hs_task *task;		/* borrowed */
	unsigned shift;			/* 9..19 */
	uint32_t block_words;		/* 1 << (shift - 9) */
	uint32_t slab_blocks;		/* blocks that are allocated at once */
	uint32_t n_blocks;
	struct gr_slot *slots;		/* open addressing */
	uint64_t n_slots;		/* 0 or 2^k, twice n_blocks */
	struct gr_vec slabs;		/* of uint64_t * */
	struct gr_vec bases;		/* block number by block */
};
struct gr_slot {
	uint64_t key;			/* block number + 1; 0: free */
	uint32_t block;
};
enum {
	GR_SPACE_SMALL = 12,
	GR_SPACE_BLOCK = 19,
	GR_SPACE_SLAB = 256 * 1024,	/* bytes; from there on mapped */
};

void gr_space_init(struct gr_space *s, struct hs_task *task, unsigned shift);
void gr_space_deinit(struct gr_space *s);
/** Find or make the block that holds addr. */
struct hs_err *gr_space_block(struct gr_space *s, uint64_t addr,
			      uint32_t *ret) HS_MUST_USE;
/** Set addr's bit (its low 3 bits are not looked at); *had: it was set. */
struct hs_err *gr_space_put(struct gr_space *s, uint64_t addr, bool *had)
	HS_MUST_USE;

static inline uint64_t gr_hash_u64(uint64_t v)
{
	v *= UINT64_C(0x9e3779b97f4a7c15);	// 2^64 / golden ratio
	return v ^ v >> 32;
}

/** Block that holds addr, or GR_NONE. */
static inline uint32_t gr_space_find(const struct gr_space *s, uint64_t addr)
{
	uint64_t key = (addr >> s->shift) + 1, mask = s->n_slots - 1, i;

	if (HS_UNLIKELY(!s->n_slots))
		return GR_NONE;
	for (i = gr_hash_u64(key) & mask; s->slots[i].key; i = (i + 1) & mask)
		if (s->slots[i].key == key)
			return s->slots[i].block;
	return GR_NONE;
}

static inline uint64_t *gr_space_words(const struct gr_space *s,
				       uint32_t block)
{
	uint64_t *const *slabs = s->slabs.v;

	return slabs[block / s->slab_blocks] +
	       (size_t)(block % s->slab_blocks) * s->block_words;
}

static inline uint32_t gr_space_word(const struct gr_space *s, uint64_t addr)
{
	return (uint32_t)(addr >> 9) & (s->block_words - 1);
}

static inline bool gr_space_has(const struct gr_space *s, uint64_t addr)
{
	uint32_t block = gr_space_find(s, addr);

	return block != GR_NONE &&
	       gr_space_words(s, block)[gr_space_word(s, addr)] >>
			       (addr >> 3 & 63) & 1;
}

/* --- address <-> id (index.c) ------------------------------------------- */

/**
 * Ids are ranks: the number of objects at lower addresses. Blocks are of 512
 * KiB, so that the rank of a word within its block fits 16 bits. The bits stay
 * where they were set: blocks are numbered as they were made, and order has
 * their numbers in the order of addresses.
 */
struct gr_index {
	struct gr_slot *slots;		/* block number -> block */
	uint64_t n_slots;
	struct gr_vec bases;		/* block number by block */
	struct gr_vec slabs;		/* of uint64_t *: bits, by block */
	uint32_t *first;		/* by block: id of its first object */
	uint32_t *order;		/* n_blocks blocks */
	uint16_t *rank;			/* objects before the word, in block */
	uint32_t n_blocks;
	uint32_t n;			/* objects */
	struct hs_budget *budget;
};
enum {
	GR_BLOCK_WORDS = 1 << (GR_SPACE_BLOCK - 9),
	GR_SLAB_WORDS = GR_SPACE_SLAB / 8,
};

/**
 * Freeze the space, whose shift is GR_SPACE_BLOCK and which is emptied.
 * HS_ERR_UNSUPPORTED above 2^31 - 1
 * objects.
 */
struct hs_err *gr_index_init(struct gr_index *x, struct gr_space *from,
			     struct hs_task *task) HS_MUST_USE;
void gr_index_deinit(struct gr_index *x);
uint64_t gr_index_addr(const struct gr_index *x, uint32_t id);
/** How many objects lie below addr. O(log blocks). */
uint32_t gr_index_rank(const struct gr_index *x, uint64_t addr);

/** Number of addr's word among all, or UINT64_MAX: no object near. */
static inline uint64_t gr_index_cell(const struct gr_index *x, uint64_t addr)
{
	uint64_t key = (addr >> GR_SPACE_BLOCK) + 1;
	uint64_t mask = x->n_slots - 1, i;

	for (i = gr_hash_u64(key) & mask; x->slots[i].key; i = (i + 1) & mask)
		if (x->slots[i].key == key)
			return (uint64_t)x->slots[i].block * GR_BLOCK_WORDS +
			       (addr >> 9 & (GR_BLOCK_WORDS - 1));
	return UINT64_MAX;
}

/** The word that is this cell. */
static inline const uint64_t *gr_index_word(const struct gr_index *x,
					    uint64_t cell)
{
	uint64_t *const *slabs = x->slabs.v;

	return slabs[cell / GR_SLAB_WORDS] + cell % GR_SLAB_WORDS;
}

static inline uint32_t gr_index_at(const struct gr_index *x, uint64_t cell,
				   uint64_t addr)
{
	unsigned bit = addr >> 3 & 63;
	uint64_t word = *gr_index_word(x, cell);

	if (!(word >> bit & 1) || addr & 7)
		return GR_NONE;
	return x->first[cell / GR_BLOCK_WORDS] + x->rank[cell] +
	       hs_popcount(word & ((UINT64_C(1) << bit) - 1));
}

static inline uint32_t gr_index_id(const struct gr_index *x, uint64_t addr)
{
	uint64_t cell = gr_index_cell(x, addr);

	return cell == UINT64_MAX ? GR_NONE : gr_index_at(x, cell, addr);
}

/* --- shapes (shape.c) --------------------------------------------------- */

struct gr_shapes {
	struct hs_task *task;
	struct gr_vec all;		/* of struct gr_shape */
	uint32_t *slots;		/* shape number + 1; 0: free */
	uint64_t n_slots;
};
void gr_shapes_init(struct gr_shapes *s, struct hs_task *task);
void gr_shapes_deinit(struct gr_shapes *s);
/** Number of the shape; what->count is not looked at and not added. */
struct hs_err *gr_shapes_put(struct gr_shapes *s, const struct gr_shape *what,
			     uint32_t *ret) HS_MUST_USE;
static inline struct gr_shape *gr_shapes_at(const struct gr_shapes *s,
					    uint32_t i)
{
	return (struct gr_shape *)s->all.v + i;
}

/* --- id -> shape (nodes.c) ---------------------------------------------- */

/**
 * Shapes of objects that follow each other. They stay where the sweep put
 * them: as numbers of its thread, of two bytes while these suffice.
 */
struct gr_run {
	void *v;			/* uint32_t each if wide, or uint16_t */
	uint32_t first, n;		/* ids */
	uint8_t map;			/* of gr_nodes */
	bool wide, own;			/* own: v is no slab's */
};
struct gr_nodes {
	struct gr_vec runs;		/* of struct gr_run, by first */
	uint32_t *near;			/* run of id i << GR_NEAR_SHIFT */
	uint32_t n;
	struct gr_vec slabs[GR_MAX_THREADS];	/* of struct gr_slab */
	uint32_t *outside;		/* shapes of what is outside */
	uint32_t n_outside;
	/* A thread's numbers -> shapes; the last, empty: they are shapes. */
	struct gr_vec map[GR_MAX_THREADS + 1];	/* of uint32_t */
	/* Back again, 0 for none, while shapes change. */
	struct gr_vec local[GR_MAX_THREADS];	/* of uint32_t */
	struct hs_task *task;		/* borrowed: of the graph */
};
struct gr_slab {
	void *v;
	uint64_t bytes;
};
enum { GR_NEAR_SHIFT = 10, GR_NARROW = 1 << 16, GR_DIRECT = GR_MAX_THREADS };

void gr_nodes_init(struct gr_nodes *x, struct hs_task *task);
void gr_nodes_deinit(struct gr_nodes *x);
/** Add what is number shape to a run, whose v has room for it. */
static inline void gr_run_add(struct gr_run *r, uint32_t shape)
{
	if (HS_UNLIKELY(r->wide))
		((uint32_t *)r->v)[r->n++] = shape;
	else
		((uint16_t *)r->v)[r->n++] = (uint16_t)shape;
}
/**
 * The runs of g's jobs, a job each and without first, and runs of what is
 * outside of them, whose shapes are 0 until they are set.
 */
struct hs_err *gr_nodes_join(struct gr_nodes *x, const struct gr_graph *g,
			     const struct gr_run *jobs) HS_MUST_USE;
/** The object is of another shape from now on; then gr_nodes_seal(). */
struct hs_err *gr_nodes_set(struct gr_nodes *x, uint32_t id, uint32_t shape)
	HS_MUST_USE;
void gr_nodes_seal(struct gr_nodes *x);

static inline struct gr_run *gr_nodes_run(const struct gr_nodes *x,
					  uint32_t id)
{
	struct gr_run *r = x->runs.v;

	for (r += x->near[id >> GR_NEAR_SHIFT]; id - r->first >= r->n; r++)
		;
	return r;
}

static inline uint32_t gr_nodes_get(const struct gr_nodes *x, uint32_t id)
{
	const struct gr_run *r = gr_nodes_run(x, id);
	const uint32_t *map = x->map[r->map].v;
	uint32_t v;

	id -= r->first;
	v = r->wide ? ((const uint32_t *)r->v)[id] :
		      ((const uint16_t *)r->v)[id];
	return map ? map[v] : v;
}

/* --- what is streamed (jobs.c) ------------------------------------------ */

/** A run of claimed bytes within one window. */
struct gr_piece {
	uint64_t start, len;
};
/** What one thread takes at once: the claimed bytes of one MiB of addresses. */
struct gr_job {
	uint32_t first_piece, n_pieces;
};
struct gr_jobs {
	struct gr_piece *pieces;
	struct gr_job *jobs;
	uint64_t n_pieces, n_jobs;
	uint64_t cap_pieces, cap_jobs;	/* as allocated */
	uint64_t bytes;
	struct hs_budget *budget;
};
enum { GR_WINDOW_SHIFT = 20, GR_WINDOW = 1 << GR_WINDOW_SHIFT };

/** Ask the plugin for its ranges and cut them. */
struct hs_err *gr_jobs_init(struct gr_jobs *j, struct md_model *m,
			    struct hs_task *task) HS_MUST_USE;
void gr_jobs_deinit(struct gr_jobs *j);

/** A thread's buffer and window on the image. */
struct gr_stream {
	struct md_model *m;
	struct hs_task *task;
	struct im_reader *reader;
	uint8_t *buf;			/* GR_WINDOW bytes, page-aligned */
	uint64_t unread;		/* bytes that could not be read */
};
struct hs_err *gr_stream_init(struct gr_stream *s, struct md_model *m,
			      struct hs_task *task) HS_MUST_USE;
void gr_stream_deinit(struct gr_stream *s);
/** Read the piece and have the plugin sweep it into sink. */
void gr_stream_sweep(struct gr_stream *s, const struct gr_piece *p,
		     struct heapsh_sink *sink);

/**
 * Read all bytes from addr to addr + GR_WINDOW and lend them to the reader,
 * until gr_stream_return(). False: not all can be read.
 */
bool gr_stream_lend(struct gr_stream *s, uint64_t addr);
void gr_stream_return(struct gr_stream *s);

/* --- the graph ---------------------------------------------------------- */

/** Compressed rows: targets of node i are v[start(i)] .. v[start(i + 1)]. */
struct gr_rows {
	uint32_t *v;
	uint64_t n_v;
	uint32_t *off;			/* n + 1, from the base of its page */
	uint64_t *base;			/* a page of 65536 nodes */
	uint32_t n;
};
enum { GR_PAGE_SHIFT = 16 };

static inline uint64_t gr_rows_start(const struct gr_rows *r, uint32_t id)
{
	return r->base[id >> GR_PAGE_SHIFT] + r->off[id];
}
/** Room for n + 1 offsets, all 0. */
struct hs_err *gr_rows_init(struct gr_rows *r, struct hs_task *task,
			    uint32_t n) HS_MUST_USE;
/** off holds degrees: make starts of them, and room for the targets. */
struct hs_err *gr_rows_place(struct gr_rows *r, struct hs_task *task)
	HS_MUST_USE;
void gr_rows_deinit(struct gr_rows *r, struct hs_budget *b);
void gr_drop_rows(struct gr_graph *g);
/** HS_ERR_FAULT when they are gone. */
struct hs_err *gr_check_bytes(const struct gr_graph *g) HS_MUST_USE;

/* --- dominators (dominators.c) ------------------------------------------ */

struct gr_dom {
	uint32_t *idom;			/* n: node, GR_ROOTS or GR_NONE */
	uint64_t *retained;		/* n: bytes held */
	uint32_t *order;		/* inner nodes, after their dominator */
	uint32_t n_order, cap_order;
};

void gr_dom_deinit(struct gr_dom *dom, uint32_t n, struct hs_budget *b);

/**
 * The search for dominators (domsearch.c). Leaves, nodes without an edge, take
 * no part in it: each is dominated by what is common to its referrers. Nodes
 * are numbered from 1 in the order of a depth-first walk; 0 stands for what
 * all roots hang on.
 */
struct gr_search {
	struct gr_graph *g;
	struct hs_task *task;
	uint64_t *root;			/* n bits */
	uint32_t *number;		/* n: 0: not reached; or GR_IS_LEAF */
	uint32_t m, cap;		/* numbers; of which there is room */
	uint32_t *vertex;		/* number -> id */
	uint32_t *idom;			/* number -> number, which is less */
	uint32_t *parent, *semi, *label; /* scratch of cap + 1 */
	struct gr_vec stack;		/* uint32_t */
	uint64_t steps;
};
enum { GR_IS_LEAF = UINT32_MAX };

/** Number and find ->idom. g has rows; root is set; the rest is {0}. */
struct hs_err *gr_search_run(struct gr_search *s) HS_MUST_USE;
void gr_search_deinit(struct gr_search *s);

struct gr_graph {
	struct md_model *m;		/* borrowed */
	struct hs_task task;		/* of our own: carries the budget */
	unsigned threads;
	struct gr_jobs jobs;
	struct gr_quality quality;

	uint32_t n;
	struct gr_index index;
	struct gr_shapes shapes;
	struct gr_nodes nodes;
	uint64_t *outside;		/* n bits: not found by the sweep */
	struct gr_owned *owned;		/* notes_priv.h */

	struct gr_root *roots;
	size_t n_roots, cap_roots;

	bool bytes_gone;
	bool has_rows;
	struct gr_rows out, in;
	uint32_t *refcount;		/* n, saturated */

	uint64_t *reached;		/* n bits, or NULL */
	uint64_t *alive;		/* reached, or held by C */

	struct gr_dom dom;
	uint32_t *depth;		/* n, or NULL */
};

/**
 * Bits of the nodes that only C holds: orphans and immortals that no root
 * reaches. As gr_set_from_bits() wants them.
 */
struct hs_err *gr_c_roots(struct gr_graph *g, struct hs_task *task,
			  uint64_t **ret) HS_MUST_USE;

static inline uint64_t gr_bitmap_bytes(uint32_t n)
{
	return hs_bits_words(n) * sizeof(uint64_t);
}

/** What a sweep thread and the walk outside collect. columns.c joins them. */
struct gr_find {
	struct hs_task *task;
	bool totals;			/* shapes are counted, and no more */
	struct gr_shapes shapes;
	/* Shapes seen last: a third of the time of the table of shapes. */
	struct gr_recent {
		uint64_t flat, held;
		uint32_t type, flags;
		uint32_t shape;
		bool used;
		uint64_t n;		/* seen, and not counted yet */
	} recent[1024];
	struct gr_vec late_addr, late_shape;	/* uint64_t, uint32_t */
	struct gr_notes *owners;		/* by table, or NULL: none */
	uint64_t refused;
};
void gr_find_init(struct gr_find *f, struct hs_task *task);
void gr_find_deinit(struct gr_find *f);
/** The shape is none of those seen last: *r is where it is noted. */
struct hs_err *gr_find_slowly(struct gr_find *f, struct gr_recent *r,
			      const struct heapsh_object *o) HS_MUST_USE;
/** Number of the object's shape in f, counted. */
static inline struct hs_err *gr_find_shape(struct gr_find *f,
					   const struct heapsh_object *o,
					   uint32_t *ret)
{
	size_t i = (o->flat + o->type * UINT64_C(389)) &
		   (HS_ARRAY_SIZE(f->recent) - 1);
	struct gr_recent *r = &f->recent[i];
	struct hs_err *err;

	if (HS_UNLIKELY(r->flat != o->flat || r->held != o->held ||
			r->type != o->type || r->flags != o->flags ||
			!r->used)) {
		err = gr_find_slowly(f, r, o);
		if (err)
			return err;
	}
	*ret = r->shape;
	r->n++;
	return NULL;
}
/** Objects that were found so are counted in their shapes from now on. */
void gr_find_count(struct gr_find *f);
/** An object that comes out of order, or from outside the ranges. */
struct hs_err *gr_find_late(struct gr_find *f, const struct heapsh_object *o)
	HS_MUST_USE;
struct hs_err *gr_find_owner(struct gr_find *f, uint64_t table, uint64_t owner)
	HS_MUST_USE;
/** Give back what only finding more would need; more may follow. */
struct hs_err *gr_find_seal(struct gr_find *f) HS_MUST_USE;

/** All that gr_build() holds until the columns are filled. */
struct gr_building {
	struct gr_graph *g;
	struct hs_task *task;
	bool totals;			/* gr_totals(): no bits, no runs */
	struct gr_space space;		/* of objects, shift GR_SPACE_BLOCK */
	uint64_t (*swept)[2];		/* a bit a page, of the first blocks */
	uint64_t n_swept;		/* blocks that have one */
	struct gr_run *runs;		/* a job each */
	struct gr_find find[GR_MAX_THREADS];
	struct gr_vec outside[GR_MAX_THREADS];	/* uint64_t: to look at */
	uint64_t unread[GR_MAX_THREADS];	/* bytes */
	_Atomic uint64_t next_job;
	_Atomic bool stop;
};

/** Is addr in what is swept? O(log pieces). */
bool gr_jobs_has(const struct gr_jobs *j, uint64_t addr);

/** Is the whole page of addr swept? */
static inline bool gr_is_swept(const struct gr_building *b, uint64_t addr)
{
	uint32_t block = gr_space_find(&b->space, addr);
	unsigned page = addr >> 12 & 127;

	if (HS_UNLIKELY(b->totals))
		return gr_jobs_has(&b->g->jobs, addr);
	return block < b->n_swept &&
	       b->swept[block][page >> 6] >> (page & 63) & 1;
}

struct hs_err *gr_sweep(struct gr_building *b) HS_MUST_USE;
void gr_sweep_free(struct gr_building *b);
struct hs_err *gr_closure(struct gr_building *b) HS_MUST_USE;
struct hs_err *gr_columns(struct gr_building *b) HS_MUST_USE;
struct hs_err *gr_owners(struct gr_building *b) HS_MUST_USE;
struct hs_err *gr_forward(struct gr_graph *g, struct hs_task *task)
	HS_MUST_USE;
struct hs_err *gr_reverse(struct gr_graph *g, struct hs_task *task)
	HS_MUST_USE;

/* --- sets (set.c) ------------------------------------------------------- */

/** Takes bits (gr_bitmap_bytes(n), charged to g->task) over, also on error. */
struct hs_err *gr_set_from_bits(struct gr_graph *g, uint64_t *bits,
				struct gr_set **ret) HS_MUST_USE;

struct gr_set {
	struct gr_graph *g;
	uint32_t refs;
	uint32_t n;
	enum { GR_ALL, GR_LIST, GR_BITS } kind;
	uint32_t *list;		/* ascending */
	uint64_t *bits;
	uint32_t hint;		/* list: where the last next() was */
	bool summed;
	uint64_t flat, held;
};
#endif
