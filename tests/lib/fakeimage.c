// SPDX-License-Identifier: Apache-2.0
#include "fakeimage.h"

#include "image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static void *need(void *p)
{
	if (!p || p == MAP_FAILED)
		abort();
	return p;
}

void fakeimage_put(struct fakeimage *f, uint64_t addr, const void *bytes,
		   uint64_t len)
{
	struct fakeimage_piece p = { .addr = addr, .len = len };
	uint64_t room = hs_align_up(len, PAGE);

	p.map_len = room + PAGE;
	p.map = need(mmap(NULL, p.map_len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	if (mprotect((char *)p.map + room, PAGE, PROT_NONE))
		abort();
	p.bytes = (uint8_t *)p.map + room - len;
	memcpy(p.bytes, bytes, len);
	f->pieces = need(realloc(f->pieces, (f->n + 1) * sizeof(p)));
	f->pieces[f->n++] = p;
}

static const struct fakeimage_piece *piece_at(const struct fakeimage *f,
					      uint64_t addr)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (addr >= f->pieces[i].addr &&
		    addr - f->pieces[i].addr < f->pieces[i].len)
			return &f->pieces[i];
	}
	return NULL;
}

static uint64_t fake_read(void *ctx, uint64_t addr, void *buf, uint64_t len)
{
	struct fakeimage *f = ctx;
	uint64_t done = 0;

	__atomic_fetch_add(&f->reads, 1, __ATOMIC_RELAXED);
	while (done < len) {
		const struct fakeimage_piece *p = piece_at(f, addr + done);
		uint64_t from, n;

		if (!p)
			break;
		from = addr + done - p->addr;
		n = p->len - from < len - done ? p->len - from : len - done;
		memcpy((char *)buf + done, p->bytes + from, n);
		done += n;
	}
	return done;
}

struct im_image *fakeimage_open(struct fakeimage *f)
{
	const struct im_source source = { fake_read, NULL };
	const struct im_info info = { IM_FAKE, 0, 8, true, 0, "fake", 0 };
	struct im_mapping *maps = need(calloc(f->n + 1, sizeof(*maps)));
	struct im_image *im;
	struct hs_err *err;
	size_t i;

	for (i = 0; i < f->n; i++) {
		maps[i].start = f->pieces[i].addr & ~(uint64_t)(PAGE - 1);
		maps[i].end = hs_align_up(f->pieces[i].addr + f->pieces[i].len,
					  PAGE);
		maps[i].prot = PROT_READ | PROT_WRITE;
		maps[i].path = "";
	}
	err = im_create(&info, maps, f->n, NULL, 0, &source, f, 0, &im);
	free(maps);
	if (err)
		abort();
	return im;
}

void fakeimage_deinit(struct fakeimage *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		munmap(f->pieces[i].map, f->pieces[i].map_len);
	free(f->pieces);
	memset(f, 0, sizeof(*f));
}
