/* SPDX-License-Identifier: Apache-2.0 */
/**
 * image: bytes at an address, frozen in time. One contract over a running
 * process (live: may change under the reader), a frozen clone, an ELF core, a
 * saved snapshot, and literal bytes (tests/lib/fakeimage).
 *
 * An image is made of sorted, disjoint segments; a source gives their bytes.
 * Reads return how many bytes were read from the start: a hole is a normal
 * result. All reads may be made from several threads at once.
 */
#ifndef IM_IMAGE_H
#define IM_IMAGE_H

#include "err.h"
#include "task.h"

struct im_image;
struct im_reader;

enum im_kind { IM_LIVE, IM_CLONE, IM_CORE, IM_SNAPSHOT, IM_FAKE, IM_COPY };

/** A mapping: of /proc/PID/maps, or PT_LOAD joined with NT_FILE of a core. */
struct im_mapping {
	uint64_t start, end;	/* end exclusive; page-aligned */
	uint64_t offset;	/* in the file */
	uint32_t prot;		/* PROT_READ|PROT_WRITE|PROT_EXEC */
	bool shared;		/* MAP_SHARED: not frozen by a clone */
	uint64_t dev, inode;	/* of the file, 0 when anonymous or unknown */
	const char *path;	/* "" when anonymous; owned by the image */
	uint32_t module;	/* index, or UINT32_MAX */
};

/** A thread at the instant, as the tracer or the core's notes had it. */
struct im_thread {
	int tid;
	uint64_t ip, sp, tls;
	int64_t syscall;	/* number it is blocked in, or -1 */
	uint64_t args[6];
	char comm[16];
};

/** An ELF file mapped into the process. */
struct im_module {
	const char *path;	/* as the process knows it */
	const char *name;	/* without folder */
	uint64_t bias;		/* added to the file's virtual addresses */
	uint64_t start, end;	/* lowest and highest mapped address */
	char build_id[41];	/* hex, or "" */
};

/** The fixed facts of an image. */
struct im_info {
	enum im_kind kind;
	int pid;		/* of the program, 0 when not known */
	uint32_t width;		/* bytes of an address: 8 */
	bool little_endian;
	uint64_t taken_ns;	/* CLOCK_REALTIME of the instant */
	const char *command;	/* "program argument": owned by the image */
	uint64_t rss;		/* bytes at the instant, 0 when unknown */
};

/**
 * What a source must give. Called from several threads. ctx is the source's.
 */
struct im_source {
	/** As im_read: bytes from the start of [addr, addr+len) only. */
	uint64_t (*read)(void *ctx, uint64_t addr, void *buf, uint64_t len);
	void (*destroy)(void *ctx);
};

/**
 * New image over any source; takes ctx over (also on failure). Mappings and
 * threads are copied. modules are found from the mappings' paths.
 * root_pid: files are opened below /proc/root_pid/root and map_files (0: as
 * they are; for a core, by path and checked by build-id).
 */
struct hs_err *im_create(const struct im_info *info,
			 const struct im_mapping *maps, size_t n_maps,
			 const struct im_thread *threads, size_t n_threads,
			 const struct im_source *source, void *ctx,
			 int root_pid, struct im_image **ret) HS_MUST_USE;
void im_destroy(struct im_image *im);

/** Bytes resident, by /proc/PID/statm; 0 when not known. */
uint64_t im_process_rss(int pid);
/** Running process, nothing stopped: /proc/PID/maps and process_vm_readv. */
struct hs_err *im_open_live(int pid, struct im_image **ret) HS_MUST_USE;
/** The same; its /proc/PID/mem has been opened already, and is taken over. */
struct hs_err *im_open_running(int pid, int mem_fd,
			       struct im_image **ret) HS_MUST_USE;
/**
 * A frozen clone. mem_fd: its /proc/PID/mem, taken over, which is read; where
 * it is -1, process_vm_readv is. clone_pid: for that and /proc/PID/maps; pid:
 * the program. Threads are of the program at the instant.
 */
struct hs_err *im_open_clone(int pid, int clone_pid, int mem_fd,
			     const struct im_thread *threads, size_t n_threads,
			     struct im_image **ret) HS_MUST_USE;
/** What im_open_copy() takes: all borrowed, and not needed afterwards. */
struct im_copy {
	int pid;
	int fd;			/* memory file: the ranges, back to back */
	int mem_fd;		/* /proc/PID/mem of the process, or -1 */
	const struct im_range *ranges;	/* sorted, disjoint */
	size_t n_ranges;
	const char *maps;	/* text of /proc/PID/maps at the instant */
	size_t maps_bytes;
	const struct im_thread *threads;
	size_t n_threads;
	uint64_t taken_ns;
};
struct im_range {
	uint64_t start, end;	/* end exclusive */
};
/** A copy that was made while the process stood still. */
struct hs_err *im_open_copy(const struct im_copy *copy,
			    struct im_image **ret) HS_MUST_USE;
/**
 * ELF core, also a truncated one (missing ranges are holes and are listed by
 * im_missing). File-backed ranges that the core leaves out are read from the
 * files named in NT_FILE when their build-id agrees.
 */
struct hs_err *im_open_core(const char *path, struct im_image **ret)
	HS_MUST_USE;

/** Bytes of pages that were kept, and of those that were not. */
struct im_kept {
	uint64_t copied, left;
};
/**
 * Copy what a clone has into our memory, at most limit bytes and what task's
 * budget allows; reads are answered from that afterwards, so that the clone
 * can be ended. What the program can write comes first, and the smaller
 * mapping before the larger; of files only what libraries are made of. When
 * interrupted, what was copied by then is kept. Nobody may read meanwhile.
 */
void im_keep(struct im_image *im, struct hs_task *task, uint64_t limit,
	     struct im_kept *ret);
/** Give back what im_keep() copied: nothing can be read from then on. */
void im_forget(struct im_image *im, struct hs_task *task);

const struct im_info *im_info(const struct im_image *im);
size_t im_mappings(const struct im_image *im, const struct im_mapping **ret);
size_t im_threads(const struct im_image *im, const struct im_thread **ret);
size_t im_modules(const struct im_image *im, const struct im_module **ret);
/** The module that the program itself is, or NULL when nothing is mapped. */
const struct im_module *im_program(const struct im_image *im);
/** Mapping that holds addr, or NULL. O(log n). */
const struct im_mapping *im_mapping_at(const struct im_image *im,
				       uint64_t addr);
/** Bytes that a truncated core should hold and does not. */
uint64_t im_missing(const struct im_image *im);

/** Bytes read from the start; 0..len. Microseconds each. */
uint64_t im_read(struct im_image *im, uint64_t addr, void *buf, uint64_t len);
/** Little-endian word; false when not wholly readable (*ret untouched). */
bool im_read_u64(struct im_image *im, uint64_t addr, uint64_t *ret);
bool im_read_u32(struct im_image *im, uint64_t addr, uint32_t *ret);
/**
 * NUL-terminated bytes, at most cap-1, NUL added. Returns the length, or -1
 * when the first byte cannot be read.
 */
int64_t im_read_str(struct im_image *im, uint64_t addr, char *buf, size_t cap);

/**
 * A thread's own window on the image: view() costs a compare and a load while
 * the bytes are in it. Not shared between threads. budget may be NULL.
 */
struct hs_err *im_reader_create(struct im_image *im, struct hs_budget *budget,
				struct im_reader **ret) HS_MUST_USE;
void im_reader_destroy(struct im_reader *r);
/**
 * Pointer to len bytes, or NULL when not all are readable. Valid until the
 * next four views. len at most 64 MiB. Never returns another range's bytes.
 */
const void *im_view(struct im_reader *r, uint64_t addr, uint64_t len);
/** im_view() if it costs no read; NULL else. Valid until the next view. */
const void *im_view_at_hand(struct im_reader *r, uint64_t addr, uint64_t len);
/** Give back what is kept of bytes that no valid view points to. */
void im_reader_trim(struct im_reader *r);
/**
 * Lend a buffer that already holds [addr, addr+len): views inside cost
 * nothing until im_reader_lend(r, 0, NULL, 0).
 */
void im_reader_lend(struct im_reader *r, uint64_t addr, const void *bytes,
		    uint64_t len);

/** What is known of a module beyond the names that it exports. */
enum im_debug { IM_DEBUG_NONE, IM_DEBUG_SYMBOLS, IM_DEBUG_DWARF };
/** Of the file itself or of its debug file, whichever tells more. */
enum im_debug im_debug(struct im_image *im, const struct im_module *module);
/**
 * Symbol of one module (file name without folder) or of all, the program
 * first: .dynsym, then .symtab of the file and of its debug file
 * (/usr/lib/debug/.build-id). Absolute address; size may be NULL.
 */
bool im_symbol(struct im_image *im, const char *module, const char *name,
	       uint64_t *ret, uint64_t *size);
/**
 * A symbol that begins there is STT_GNU_IFUNC: called without arguments, it
 * answers the address of the function that one means.
 */
bool im_is_resolver(struct im_image *im, uint64_t addr);
/** Name and offset of the symbol that covers addr; false if none. */
bool im_symbol_at(struct im_image *im, uint64_t addr, const char **name,
		  uint64_t *offset);
#endif
