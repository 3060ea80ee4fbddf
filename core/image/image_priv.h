/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this room share. Not for others. */
#ifndef IM_IMAGE_PRIV_H
#define IM_IMAGE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "arena.h"
#include "image.h"
#include "vec.h"

enum {
	IM_PAGE = 4096,		/* x86-64; the only machine so far */
	IM_PATH_MAX = 4096,	/* Linux, PATH_MAX, with the NUL */
};

typedef HS_VEC(struct im_mapping) im_mapping_vec;

struct im_symtab;		/* symbols.h */

/** An im_module and what its own headers, read from memory, say. */
struct im_loaded {
	struct im_module pub;
	uint64_t dynamic, dynamic_size;	/* of PT_DYNAMIC; 0: none */
	uint64_t phdr;			/* address of the program headers */
	uint64_t dev, inode;		/* of the mapping that begins it */
	uint64_t first_end;		/* end of that mapping: map_files */
	_Atomic(struct im_symtab *) symtab;	/* made on first use */
};

struct im_image {
	struct im_info info;
	struct im_source source;
	void *ctx;
	int root_pid;
	uint64_t missing;
	struct im_mapping *maps;
	size_t n_maps;
	struct im_thread *threads;
	size_t n_threads;
	struct im_module *modules;	/* as shown; loaded[i].pub */
	struct im_loaded *loaded;
	size_t n_modules;
	size_t program;			/* index in modules */
	struct hs_arena text;		/* paths and names */
	pthread_mutex_t symtab_lock;	/* while one is made */
};

/** All that im_create() takes, and what only our own sources know. */
struct im_make {
	struct im_info info;
	const struct im_mapping *maps;
	size_t n_maps;
	const struct im_thread *threads;
	size_t n_threads;
	struct im_source source;
	void *ctx;
	int root_pid;
	uint64_t phdr;			/* AT_PHDR of the program, or 0 */
	uint64_t missing;
};
/** As im_create(). */
struct hs_err *im_make(const struct im_make *make, struct im_image **ret)
	HS_MUST_USE;

/* maps.c */
/**
 * Parse one line of /proc/PID/maps, without its newline. The path is put into
 * arena, with the kernel's \012 made a newline again. False: not such a line.
 */
bool im_parse_map(const char *line, size_t n, struct hs_arena *arena,
		  struct im_mapping *ret);
/**
 * Parse the whole text. Lines that are none are left out; what overlaps an
 * earlier line is cut, since a live process may change between two reads.
 */
void im_parse_maps(const char *text, size_t n, struct hs_arena *arena,
		   im_mapping_vec *ret);
/** Sort by address and cut overlaps: the lower, then the first, wins. */
void im_sort_maps(im_mapping_vec *maps);
/** Read a file of /proc whole, at most limit bytes. free() *ret. */
struct hs_err *im_slurp(const char *path, size_t limit, char **ret, size_t *n)
	HS_MUST_USE;

/* modules.c */
/** Fill modules, program and the mappings' module. */
struct hs_err *im_find_modules(struct im_image *im, uint64_t phdr)
	HS_MUST_USE;
/**
 * Hex of the GNU build id in the notes of [notes, notes+n) to ret; false when
 * there is none of 1 to 20 bytes.
 */
bool im_build_id(const uint8_t *notes, size_t n, char ret[41]);
/** Length of path without the kernel's " (deleted)". */
size_t im_path_len(const char *path);

/* process.c */
/** Bytes of a process: what IM_LIVE and IM_CLONE read with. */
struct im_process;
/** mem_fd is taken over, also on failure. */
struct hs_err *im_process_create(int pid, int mem_fd, struct im_process **ret)
	HS_MUST_USE;
extern const struct im_source im_process_source;
/** The image of pid's memory through its maps; who: the program's pid. */
struct hs_err *im_open_process(enum im_kind kind, int who, int pid, int mem_fd,
			       const struct im_thread *threads,
			       size_t n_threads, struct im_image **ret)
	HS_MUST_USE;

/** "program argument": the arguments, "" when there are none. free(). */
char *im_process_command(int pid);
/** Where the kernel put the program's own headers; 0 when not known. */
uint64_t im_process_phdr(int pid);

/* file.c */
/**
 * The file that a module was mapped from, read-only, or -1: by its path in the
 * process's own root when that is still the same file, else through map_files
 * or exe. A file of another inode is taken when its build id agrees.
 */
int im_open_module(struct im_image *im, const struct im_loaded *mod);
/** Debug file of a build id (hex): process's root, then ours; or -1. */
int im_open_debug(struct im_image *im, const char *build_id);
/** Build id of an ELF file; false when it has none or is none. */
bool im_file_build_id(int fd, char ret[41]);
/** Open a regular file below root ("" is ours), or -1. Opens no device. */
int im_open_regular(const char *root, const char *path);

#endif
