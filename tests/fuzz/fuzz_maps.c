// SPDX-License-Identifier: Apache-2.0
// Any text as /proc/PID/maps: what comes out is sorted, disjoint, whole pages.
#include "image_priv.h"

#include "fuzz.h"

static void fuzz_one(const uint8_t *bytes, size_t n)
{
	struct hs_arena arena = { 0 };
	im_mapping_vec maps = { 0 };
	size_t i;

	im_parse_maps((const char *)bytes, n, &arena, &maps);
	for (i = 0; i < maps.n; i++) {
		const struct im_mapping *m = &maps.v[i];

		if (m->start >= m->end || m->start % IM_PAGE ||
		    m->end % IM_PAGE || (i && m->start < maps.v[i - 1].end) ||
		    im_path_len(m->path) > n)
			abort();
	}
	hs_vec_deinit(&maps);
	hs_arena_deinit(&arena);
}

static const char good[] =
	"55d0c0a00000-55d0c0a01000 r--p 00000000 fe:01 917 /usr/bin/python3\n"
	"55d0c0a01000-55d0c0c01000 r-xp 00001000 fe:01 917 /usr/bin/python3\n"
	"7f06dd64f000-7f06dd651000 r-xp 00000000 00:00 0          [vdso]\n"
	"7f06dd651000-7f06dd652000 rw-s 00000000 00:05 4 /a\\012b (deleted)\n";
static const char odd[] =
	"1000-3000 r--p 0 0:0 0\n"
	"2000-5000 rwxs fff 1:1 1 x\n"
	"0-1000 ---p 0 0:0 0";

static const struct fuzz_seed seeds[] = {
	{ good, sizeof(good) - 1 },
	{ odd, sizeof(odd) - 1 },
};

FUZZ_MAIN(seeds, HS_ARRAY_SIZE(seeds))
