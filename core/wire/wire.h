/* SPDX-License-Identifier: Apache-2.0 */
/**
 * wire: what goes between shell and engine. (Tracer: tracer_wire.h.)
 *
 * A stream of frames, each a fixed header and a payload. Everything received
 * is bounded and checked: the other side may be a newer, older or broken one.
 *
 *   shell  -> engine  HELLO    JSON {argv facts: see below}
 *                     COMMAND  UTF-8 line; header.arg: number of the line
 *                     COMPLETE UTF-8 line; header.arg: cursor's byte offset
 *                     QUIT     empty: release everything, answer DONE, end
 *   engine -> shell   DOC      one document as JSON (doc.h)
 *                     WORDS    UTF-8 text for people (standard error)
 *                     MATCHES  JSON {start, words: [{text, help}]}
 *                     DONE     JSON state (struct wr_state); header.arg: exit
 *                              status of the line. Ends each COMMAND, HELLO.
 *
 * HELLO: {mode: "attach"|"open"|"run"|"check"|"none", pid, file, argv: […],
 *   max_pause, rung: "copy"|"live"|"",
 *   options: {setting: text}, shell_verbs: [{name, usage, summary, help}],
 *   wait_line: bool, end_child: bool}. wait_line: of a program that is run,
 *   the first line of its standard output says that it is ready; end_child: it
 *   ends with us (the demo).
 *   The engine attaches and answers with an "attached" or "error" document.
 * DONE: {prompt: "4711 @2", pid, instant, taken_ns, attached: bool,
 *   settings: {name: text}}; the shell makes the prompt's age from taken_ns.
 */
#ifndef WR_WIRE_H
#define WR_WIRE_H

#include "err.h"
#include "task.h"

enum { WR_VERSION = 1 };
/** Longest payload: a streamed document is cut into rows well below it. */
enum { WR_MAX_PAYLOAD = 256 << 20 };

enum wr_type {
	WR_HELLO = 1, WR_COMMAND, WR_COMPLETE, WR_QUIT,
	WR_DOC = 64, WR_WORDS, WR_MATCHES, WR_DONE,
};

/** 16 bytes, little-endian as the machine is: both ends are this machine. */
struct wr_header {
	uint32_t length;	/* of the payload, bytes */
	uint16_t version;	/* WR_VERSION */
	uint16_t type;		/* enum wr_type */
	uint32_t arg;		/* see above */
	uint32_t reserved;	/* 0 */
};

struct wr_frame {
	struct wr_header h;
	char *payload;		/* malloc'ed, NUL added after length bytes */
};
void wr_frame_deinit(struct wr_frame *f);

/**
 * The memory that shell and engine share (a memfd). The plugin that is running
 * is named in it, so that after a crash the shell can leave it out.
 */
struct wr_shared {
	struct hs_shared task;
	char plugin[64];	/* NUL inside; "" when none runs */
	char call[32];		/* what it was called for: "open()" */
	uint32_t overdue_ms;	/* not 0: it did not return within so long */
};

/** Send a whole frame; HS_ERR_GONE when the other side has closed. */
struct hs_err *wr_send(int fd, enum wr_type type, uint32_t arg,
		       const void *payload, size_t length) HS_MUST_USE;
/**
 * Receive one frame into *ret (wr_frame_deinit it). HS_ERR_GONE at the end of
 * the stream, HS_ERR_FORMAT on a bad header. Blocks; EINTR is retried.
 */
struct hs_err *wr_recv(int fd, struct wr_frame *ret) HS_MUST_USE;

/**
 * One frame that arrives in pieces, for who must not block. {0} is empty. No
 * byte past the frame's end is ever asked for. Loop: wr_reader_room(), put at
 * most *n bytes there, wr_reader_added(). The payload grows with what has come,
 * not with what the header promises.
 */
struct wr_reader {
	struct wr_frame frame;
	size_t have;		/* bytes of header and payload so far */
	size_t cap;		/* bytes allocated for the payload */
};
/** Where the next *n (at least 1) bytes go. HS_ERR_NOMEM. */
struct hs_err *wr_reader_room(struct wr_reader *r, void **ret, size_t *n)
	HS_MUST_USE;
/** n bytes were put there. *done: the frame is whole. HS_ERR_FORMAT. */
struct hs_err *wr_reader_added(struct wr_reader *r, size_t n, bool *done)
	HS_MUST_USE;
/** Hand out the whole frame (wr_frame_deinit it) and begin the next. */
struct wr_frame wr_reader_take(struct wr_reader *r);
/**
 * Take what a socket has, without blocking. *done: wr_reader_take() it now;
 * else poll and come again. HS_ERR_GONE, HS_ERR_FORMAT.
 */
struct hs_err *wr_reader_poll(struct wr_reader *r, int fd, bool *done)
	HS_MUST_USE;
void wr_reader_deinit(struct wr_reader *r);
#endif
