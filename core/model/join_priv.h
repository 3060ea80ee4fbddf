/* SPDX-License-Identifier: Apache-2.0 */
/** What join.c and joinquery.c share: several plugins over one process. */
#ifndef MD_JOIN_PRIV_H
#define MD_JOIN_PRIV_H

#include "model_priv.h"

struct part_range {
	struct heapsh_range range;
	uint32_t part;
};

struct joint {
	struct md_model *part[MD_PARTS];
	uint32_t n;
	struct part_range *ranges;	/* sorted */
	uint32_t n_ranges;
	uint32_t n_threads[MD_PARTS];	/* + 1; 0: not counted */
	pthread_mutex_t lock;		/* of reader */
	struct im_reader *reader;	/* to look over the border */
};

/* Members of md_joint_plugin, as plugin.h says; joinquery.c. */
uint64_t md_joint_render(void *state, uint64_t addr, uint32_t style,
			 char *buf, uint64_t cap);
uint64_t md_joint_lookup(void *state, struct heapsh_text name);
uint64_t md_joint_attr(void *state, uint64_t addr, struct heapsh_text name);
uint64_t md_joint_item(void *state, uint64_t addr,
		       const struct heapsh_key *key);
void md_joint_names(void *state, uint64_t addr, struct heapsh_text prefix,
		    heapsh_name_fn *fn, void *arg);
int md_joint_measure(void *state, uint64_t addr, struct heapsh_measure *ret);
const void *md_joint_offers(const char *name);

#endif
