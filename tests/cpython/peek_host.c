/* SPDX-License-Identifier: Apache-2.0 */
#include "peek_host.h"

#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_MAPS = 4096, PAGE = 4096, N_BUCKETS = 1 << 14 };

struct page {
	struct page *next;
	uint64_t addr;
	ssize_t n;		/* bytes of it, 0: unreadable */
	char bytes[PAGE];
};

struct map {
	uint64_t start, end, offset;
	uint32_t prot;
	char path[512];
};

struct heapsh_image {
	int pid, mem;
	struct map *maps;
	uint32_t n_maps;
	void *views[HEAPSH_VIEWS];
	unsigned next_view;
	unsigned n_types;
	struct page **pages;	/* N_BUCKETS; NULL: none are kept */
};

static const struct page *page_at(struct heapsh_image *im, uint64_t addr)
{
	struct page **p = &im->pages[addr / PAGE % N_BUCKETS];

	while (*p != NULL && (*p)->addr != addr)
		p = &(*p)->next;
	if (*p == NULL) {
		*p = calloc(1, sizeof(**p));
		if (*p == NULL)
			abort();
		(*p)->addr = addr;
		(*p)->n = pread(im->mem, (*p)->bytes, PAGE, (off_t)addr);
	}
	return *p;
}

static uint64_t host_read(struct heapsh_image *im, uint64_t addr, void *buf,
			  uint64_t len)
{
	uint64_t done = 0;

	if (im->pages == NULL || len > 64 * PAGE) {
		ssize_t n = pread(im->mem, buf, len, (off_t)addr);

		return n < 0 ? 0 : (uint64_t)n;
	}
	while (done < len) {
		uint64_t from = (addr + done) % PAGE, n = PAGE - from;
		const struct page *p = page_at(im, addr + done - from);

		if (p->n != PAGE)
			break;
		if (n > len - done)
			n = len - done;
		memcpy((char *)buf + done, p->bytes + from, n);
		done += n;
	}
	return done;
}

static const void *host_view(struct heapsh_image *im, void *reader,
			     uint64_t addr, uint64_t len)
{
	const struct page *page;
	void **v;

	(void)reader;
	if (im->pages != NULL && addr % PAGE + len <= PAGE) {
		page = page_at(im, addr - addr % PAGE);
		return page->n == PAGE ? page->bytes + addr % PAGE : NULL;
	}
	v = &im->views[im->next_view++ % HEAPSH_VIEWS];
	if (len > 64 << 20 || addr >> 47)
		return NULL;
	// a fresh block each time: a use of one that is too old is then seen
	free(*v);
	*v = malloc(len ? len : 1);
	return *v && host_read(im, addr, *v, len) == len ? *v : NULL;
}

/* Value of a dynamic symbol of a file, as in the file; 0: none. */
static uint64_t symbol_in(Elf *elf, const char *name, uint64_t *size)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		Elf_Data *data;
		GElf_Shdr sh;
		GElf_Sym sym;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_DYNSYM ||
		    !(data = elf_getdata(scn, NULL)))
			continue;
		for (int i = 0; gelf_getsym(data, i, &sym); i++) {
			const char *s = elf_strptr(elf, sh.sh_link,
						   sym.st_name);

			if (s && sym.st_value && strcmp(s, name) == 0) {
				if (size)
					*size = sym.st_size;
				return sym.st_value;
			}
		}
	}
	return 0;
}

/* Address of the file's first byte less that of its first load segment. */
static uint64_t bias_of(Elf *elf, uint64_t start)
{
	GElf_Phdr ph;
	size_t n = 0;

	elf_getphdrnum(elf, &n);
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_LOAD)
			return start - (ph.p_vaddr & ~UINT64_C(4095));
	return 0;
}

static uint64_t symbol_of_map(struct heapsh_image *im, const struct map *map,
			      const char *name, uint64_t *size)
{
	char path[600];
	uint64_t value = 0;
	Elf *elf;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root%s", im->pid, map->path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF) {
		value = symbol_in(elf, name, size);
		if (value)
			value += bias_of(elf, map->start);
	}
	elf_end(elf);
	close(fd);
	return value;
}

static uint64_t host_symbol(struct heapsh_image *im, const char *module,
			    const char *name, uint64_t *size)
{
	for (uint32_t i = 0; i < im->n_maps; i++) {
		const struct map *map = &im->maps[i];
		const char *base = strrchr(map->path, '/');
		uint64_t value;

		if (map->offset != 0 || !base ||
		    (module && strcmp(base + 1, module) != 0) ||
		    (!module && !strstr(base, "python") &&
		     !strstr(base, "lua")))
			continue;
		value = symbol_of_map(im, map, name, size);
		if (value)
			return value;
	}
	return 0;
}

static int host_mapping(struct heapsh_image *im, uint32_t index,
			struct heapsh_mapping *ret)
{
	const struct map *map = &im->maps[index];

	if (index >= im->n_maps)
		return 0;
	*ret = (struct heapsh_mapping){
		.size = sizeof(*ret),
		.prot = map->prot,
		.start = map->start,
		.end = map->end,
		.offset = map->offset,
		.module = map->path[0] == '/' ? 0 : UINT32_MAX,
		.path = { map->path, strlen(map->path) },
	};
	return 1;
}

static int host_thread(struct heapsh_image *im, uint32_t index,
		       struct heapsh_thread_state *ret)
{
	(void)im;
	(void)index;
	(void)ret;
	return 0;
}

static void host_machine(struct heapsh_image *im, uint32_t *width,
			 uint32_t *little_endian)
{
	(void)im;
	*width = 8;
	*little_endian = 1;
}

static uint32_t host_type(struct heapsh_image *im, const struct heapsh_type *t)
{
	(void)t;
	return im->n_types++;
}

static int host_cancelled(struct heapsh_image *im)
{
	(void)im;
	return 0;
}

static void host_diag(struct heapsh_image *im, uint32_t level,
		      const char *text)
{
	(void)im;
	(void)level;
	fprintf(stderr, "%s\n", text);
}

static const void *host_interface(const char *name)
{
	(void)name;
	return NULL;
}

const struct heapsh_host peek_host = {
	.size = sizeof(peek_host),
	.abi_minor = HEAPSH_ABI_MINOR,
	.read = host_read,
	.view = host_view,
	.symbol = host_symbol,
	.mapping = host_mapping,
	.thread = host_thread,
	.machine = host_machine,
	.type = host_type,
	.cancelled = host_cancelled,
	.diag = host_diag,
	.get_interface = host_interface,
};

static void read_maps(struct heapsh_image *im)
{
	char path[64], line[1024], prot[8];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", im->pid);
	f = fopen(path, "re");
	while (f && im->n_maps < MAX_MAPS && fgets(line, sizeof(line), f)) {
		struct map *map = &im->maps[im->n_maps];

		map->path[0] = '\0';
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64
			   " %*s %*s %511s", &map->start, &map->end, prot,
			   &map->offset, map->path) < 4)
			continue;
		map->prot = (prot[0] == 'r') | (prot[1] == 'w') << 1 |
			    (prot[2] == 'x') << 2;
		im->n_maps++;
	}
	if (f)
		fclose(f);
}

struct heapsh_image *peek_open(int pid)
{
	struct heapsh_image *im = calloc(1, sizeof(*im));
	char path[64];

	elf_version(EV_CURRENT);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	im->pid = pid;
	im->mem = open(path, O_RDONLY | O_CLOEXEC);
	im->maps = calloc(MAX_MAPS, sizeof(*im->maps));
	read_maps(im);
	if (im->mem < 0 || im->n_maps == 0) {
		peek_close(im);
		return NULL;
	}
	return im;
}

void peek_keep_pages(struct heapsh_image *im)
{
	im->pages = calloc(N_BUCKETS, sizeof(struct page *));
}

void peek_close(struct heapsh_image *im)
{
	for (int i = 0; im->pages != NULL && i < N_BUCKETS; i++)
		for (struct page *p = im->pages[i], *next; p; p = next) {
			next = p->next;
			free(p);
		}
	free(im->pages);
	for (int i = 0; i < HEAPSH_VIEWS; i++)
		free(im->views[i]);
	if (im->mem >= 0)
		close(im->mem);
	free(im->maps);
	free(im);
}
