/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What /proc says about a process. For the client; the tracer reads maps when
 * it copies a process, and status, which are the kernel's own words.
 */
#ifndef TG_PROC_H
#define TG_PROC_H

#include "base.h"
#include "err.h"
#include "text.h"
#include "vec.h"

/** Whole file, at most 64 MiB; false with errno. ret is emptied first. */
bool tg_read_file(const char *path, struct hs_text *ret);
/** As tg_read_file, of "/proc/PID/NAME". */
bool tg_read_proc(int pid, const char *name, struct hs_text *ret);
/** "Key:   value" of a file of such lines: the value, or NULL. Borrowed until
 * the text changes; ends at the line's end, which is not NUL. */
const char *tg_field(const char *text, const char *key);
/** Number of such a line, 0 when absent. "kB" is not applied. */
uint64_t tg_field_u64(const char *text, const char *key);
/** Fields of /proc/PID/stat, by the numbers of proc(5). */
enum {
	TG_STAT_MINFLT = 10,	/* faults of all threads; not of disk */
	TG_STAT_START = 22,	/* clock ticks since boot */
};
/** One of them that is a number; false when there is no such process. */
bool tg_stat_field(int pid, int field, uint64_t *ret);
/** TG_STAT_START. */
bool tg_start_time(int pid, uint64_t *ret);

/** What getpid() answers in it: its number in its own name space. */
int tg_pid_of_itself(int pid);
/**
 * The number by which parent knows its child, when they are in a namespace of
 * their own; also of a zombie.
 */
int tg_pid_within(int parent, int child);

/** Inode of our own pid namespace, 0: not known. */
uint64_t tg_pid_space(void);

#define TG_TRACER_NAME "heapsh-tracer"	/* of its process */
enum { TG_TURN_MS = 2000 };	/* the longest pause of a copy, by default */
/**
 * Wait while a heapsh other than ours traces tid, until the deadline. false:
 * somebody does, *ret_tracer: a heapsh still, or another who will not let go
 * by itself. our_tracer: 0 when there is none.
 */
bool tg_await_turn(int tid, int our_tracer, uint64_t deadline_ns,
		   int *ret_tracer);

/** A line of maps. */
struct tg_map {
	uint64_t start, end, offset, inode;
	uint32_t dev_major, dev_minor;
	char prot[5];		/* "rw-p" */
	uint32_t path;		/* offset in names; "" when anonymous */
};
struct tg_maps {
	HS_VEC(struct tg_map) v;
	struct hs_text names;
};
struct hs_err *tg_maps_read(int pid, struct tg_maps *ret) HS_MUST_USE;
void tg_maps_deinit(struct tg_maps *m);
static inline const char *tg_map_path(const struct tg_maps *m,
				      const struct tg_map *map)
{
	return m->names.s + map->path;
}

/** target.h says what. */
struct tg_headroom;
void tg_headroom_read(int pid, struct tg_headroom *ret);
#endif
