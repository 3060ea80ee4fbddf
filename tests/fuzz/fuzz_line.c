// SPDX-License-Identifier: Apache-2.0
// Lines as they come from a user, a script or a pipe: parsed, evaluated and
// completed against a session that no process is attached to.
#include "lang_tree.h"

#include "fuzz.h"

static void run(struct lg_session *s, const char *line, unsigned number)
{
	json_t *doc = NULL;
	struct hs_err *err = lg_run(s, line, number, &doc);

	if (err && (err->column > (int)strlen(line) || !*err->message))
		abort();
	hs_err_free(err);
	json_decref(doc);
	json_decref(lg_complete(s, line, strlen(line)));
	json_decref(lg_complete(s, line, strlen(line) / 2));
}

static void fuzz_one(const uint8_t *bytes, size_t n)
{
	char *text = hs_xstrndup((const char *)bytes, n);
	char *line = text, *end;
	struct lg_session s;
	struct hs_task task;
	unsigned number = 1;

	tree_session(&s, &task);
	do {
		end = strchr(line, '\n');
		if (end)
			*end++ = 0;
		run(&s, line, number++);
		line = end;
	} while (line);
	lg_session_deinit(&s);
	free(text);
}

#define SEED(text) \
	{ \
		text, sizeof(text) - 1 \
	}
static const struct fuzz_seed fuzz_seeds[] = {
	SEED("x = (1, 'a\\u20acb', b'\\xff', None)\nx[1:]\n_[0]\n_2\nlen(x)"),
	SEED("asizeof a -b\nasized (x - y) detail=2 align=(3 - 1)\nx = snap n"),
	SEED("find x type=a.B size>64k value!~'a b'\nset rows=20\nhelp sets"),
	SEED("threads[0].frames[2].locals['x'].y[-1:2:3] == ~0x7f | @z ^ _"),
	SEED("-1.5e3 - 0b11 & 0o17 <= 3 not in (1,)\n'\\x41\\101\\N' # c"),
	SEED("y = asized(x, detail = 2)\nasizeof(heap & list)[0].z\n?\nheap?"),
	SEED("(5?\n?(5\n ?\n\t?? ?"),
	SEED("heap.more.bytype\n_.prev & dict\nlen((1, 2))\nid(3)\ntype('a')"),
};

FUZZ_MAIN(fuzz_seeds, HS_ARRAY_SIZE(fuzz_seeds))
