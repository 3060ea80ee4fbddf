// SPDX-License-Identifier: Apache-2.0
// Frames and the documents in them, from any bytes. What is decoded must
// encode, and decode again to the same.
#include "doc.h"
#include "wire.h"

#include "fuzz.h"

static void check_document(const char *s, size_t n)
{
	struct hs_err *err;
	json_t *doc, *again;
	char *line;

	err = wr_doc_decode(s, n, &doc);
	if (err) {
		hs_err_free(err);
		return;
	}
	line = wr_doc_encode(doc);
	if (wr_doc_decode(line, strlen(line), &again) ||
	    !json_equal(doc, again))
		abort();
	free(line);
	json_decref(again);
	json_decref(doc);
}

/* Feed as much as is asked for; a whole frame of a document is looked into. */
static void fuzz_one(const uint8_t *bytes, size_t n)
{
	struct wr_reader r = { 0 };
	struct hs_err *err = NULL;
	bool done = false;
	size_t want;
	void *to;

	while (n && !err) {
		err = wr_reader_room(&r, &to, &want);
		if (err)
			break;
		want = want < n ? want : n;
		memcpy(to, bytes, want);
		bytes += want;
		n -= want;
		err = wr_reader_added(&r, want, &done);
		if (!err && done) {
			struct wr_frame f = wr_reader_take(&r);

			check_document(f.payload, f.h.length);
			wr_frame_deinit(&f);
		}
	}
	hs_err_free(err);
	wr_reader_deinit(&r);
}

/* Little-endian header: length, version 1, type DOC (64). */
#define FRAME(len, doc) \
	{ \
		len "\0\0\0" \
		    "\1\0" \
		    "\100\0" \
		    "\0\0\0\0" \
		    "\0\0\0\0" doc, \
			sizeof(doc) - 1 + 16 \
	}
#define COMMON \
	"{\"schema\":1,\"command\":\"h\",\"type\":\"text\"," \
	"\"instant\":null,\"partial\":true,"

static const struct fuzz_seed seeds[] = {
	FRAME("\0", ""),
	FRAME("\x5e", COMMON "\"value\":\"a\\u009b\\u0000\"}"),
	FRAME("\x5c", COMMON "\"rows\":[[1,{}],2.5e3]}"),
};

_Static_assert(sizeof(COMMON "\"value\":\"a\\u009b\\u0000\"}") - 1 == 0x5e &&
		       sizeof(COMMON "\"rows\":[[1,{}],2.5e3]}") - 1 == 0x5c,
	       "lengths in the seeds");

FUZZ_MAIN(seeds, HS_ARRAY_SIZE(seeds))
