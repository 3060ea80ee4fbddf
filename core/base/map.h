/* SPDX-License-Identifier: Apache-2.0 */
/** Open-addressing map u64 → u64. Keys are any value. Not thread-safe. */
#ifndef HS_MAP_H
#define HS_MAP_H

#include "base.h"

struct hs_map {
	uint64_t *keys, *vals;
	uint8_t *used;
	size_t n, cap;		/* cap is 0 or a power of two */
};
void hs_map_deinit(struct hs_map *m);
/** Pointer to the value, valid until the next put; NULL if absent. */
uint64_t *hs_map_get(const struct hs_map *m, uint64_t key);
/** Insert or overwrite. Returns true when the key is new. */
bool hs_map_put(struct hs_map *m, uint64_t key, uint64_t val);
/** Iterate: *i from 0; false at the end. */
bool hs_map_next(const struct hs_map *m, size_t *i, uint64_t *key,
		 uint64_t *val);

/** Map of strings to u64; copies keys. {0} is empty. */
struct hs_strmap {
	char **keys;
	uint64_t *vals;
	size_t n, cap;
};
void hs_strmap_deinit(struct hs_strmap *m);
/** Pointer to the value, valid until the next put; NULL if absent. */
uint64_t *hs_strmap_get(const struct hs_strmap *m, const char *key);
/** Insert or overwrite. Returns true when the key is new. */
bool hs_strmap_put(struct hs_strmap *m, const char *key, uint64_t val);
#endif
