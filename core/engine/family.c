// SPDX-License-Identifier: Apache-2.0
/*
 * What was typed is the number of a shell, a sudo, a supervisor: the program
 * that one means is a child of it.
 */
#include "engine.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "text.h"
#include "vec.h"

enum { MAX_FAMILY = 64 };	/* processes that are looked at */

struct family {
	HS_VEC(int) pids;	/* the first is the one that was typed */
};

static void add_children_of_thread(struct family *f, int pid, uint64_t tid)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/task/%llu/children", pid,
					  (unsigned long long)tid);
	FILE *file = fopen(path, "re");
	int child;

	if (!file)
		return;
	while (f->pids.n < MAX_FAMILY && fscanf(file, "%d", &child) == 1)
		hs_vec_push(&f->pids, child);
	fclose(file);
}

static void add_children(struct family *f, int pid)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/task", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	uint64_t tid;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (hs_parse_u64(entry->d_name, &tid) && tid <= INT_MAX)
			add_children_of_thread(f, pid, tid);
	closedir(dir);
}

/** Does a plugin know it? Nothing is stopped for that. */
static bool is_known(struct en_engine *en, int pid, struct md_claim *claim)
{
	struct im_image *live;
	struct hs_err *err = im_open_live(pid, &live);

	if (!err) {
		err = md_probe(en->host, live, claim);
		im_destroy(live);
	}
	hs_err_free(err);
	return !err;
}

int en_family_find(struct en_engine *en, int pid, struct md_claim *claim)
{
	struct family f = { 0 };
	int found = 0;

	hs_vec_push(&f.pids, pid);
	for (size_t i = 0; !found && i < f.pids.n; i++) {
		if (i && is_known(en, f.pids.v[i], claim))
			found = f.pids.v[i];
		add_children(&f, f.pids.v[i]);
	}
	hs_vec_deinit(&f.pids);
	return found;
}
