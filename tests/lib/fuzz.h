/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A fuzz test is one function, fuzz_one(bytes, n), and some good inputs,
 * fuzz_seeds. Built by the Makefile it is a TAP test: every seed, every seed
 * cut off at each length, and FUZZ_ROUNDS mutations of them, the same ones each
 * time, and with FUZZ_SECONDS=n others for so long; given a folder, it only
 * writes the seeds there, a file each. With -DFUZZ_LIBFUZZER and clang
 * -fsanitize=fuzzer it is a libFuzzer target (tests/fuzz/run).
 *
 * Beside the source may lie a corpus, NAME.corpus: what libFuzzer found to
 * reach further than the seeds (tests/fuzz/keep), in hexadecimal, with an
 * empty line behind each input. It is run as it is, and saved with the seeds.
 */
#ifndef HS_TESTS_FUZZ_H
#define HS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct fuzz_seed {
	const void *bytes;
	size_t n;
};

static void fuzz_one(const uint8_t *bytes, size_t n);

#ifdef FUZZ_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	fuzz_one(bytes, n);
	return 0;
}
/* The seeds reach libFuzzer as files: run the TAP test with a folder. */
#define FUZZ_MAIN(seeds, n_seeds) \
	static const void *const fuzz_kept __attribute__((__used__)) = (seeds);
#else

#ifndef FUZZ_ROUNDS_OF_ALL
#define FUZZ_ROUNDS_OF_ALL 20000
#endif
enum { FUZZ_ROUNDS = FUZZ_ROUNDS_OF_ALL, FUZZ_GROW = 16 };

/* xorshift64: G. Marsaglia, Xorshift RNGs, 2003. */
static inline uint64_t fuzz_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static inline void fuzz_mutate(uint8_t *b, size_t *n, uint64_t *x)
{
	static const uint8_t edges[] = {
		0, 1, 0x7f, 0x80, 0xff, '"', '{', '['
	};
	size_t at = *n ? fuzz_random(x) % *n : 0;
	unsigned kind = fuzz_random(x) % 64;

	// Cuts and insertions are rare: after one of them little of a binary
	// format is where it was.
	if (kind == 0) {
		*n = at;
	} else if (kind < 4) {
		memmove(b + at + 1, b + at, *n - at);
		b[at] = (uint8_t)fuzz_random(x);
		++*n;
	} else if (*n && kind < 24) {
		b[at] = edges[fuzz_random(x) % sizeof(edges)];
	} else if (*n) {
		b[at] ^= (uint8_t)(1u << fuzz_random(x) % 8);
	}
}

/* The input lies at the end of its block, so that ASan sees one byte past. */
static inline void fuzz_exact(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	fuzz_one(copy, n);
	free(copy);
}

static inline void fuzz_seed_run(const struct fuzz_seed *seed, unsigned rounds)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
	uint8_t *b = malloc(seed->n + FUZZ_GROW);
	unsigned i, k;
	size_t n;

	if (!b)
		abort();
	for (n = 0; n <= seed->n; n++)
		fuzz_exact(seed->bytes, n);
	for (i = 0; i < rounds; i++) {
		memcpy(b, seed->bytes, seed->n);
		n = seed->n;
		for (k = 0; k <= i % FUZZ_GROW; k++)
			fuzz_mutate(b, &n, &x);
		fuzz_exact(b, n);
	}
	free(b);
}

/* FUZZ_SECONDS (make stress): more of them, others each time. */
static inline void fuzz_longer(const struct fuzz_seed *seeds, size_t n,
			       const struct fuzz_seed *corpus, size_t n_corpus)
{
	const char *s = getenv("FUZZ_SECONDS");
	time_t end = time(NULL) + (s ? strtol(s, NULL, 10) : 0);
	uint64_t x = (uint64_t)time(NULL) | 1;

	if (s)
		printf("# random state %llu\n", (unsigned long long)x);
	fflush(stdout);
	while (s && time(NULL) < end) {
		size_t i = fuzz_random(&x) % (n + n_corpus);
		const struct fuzz_seed *seed = i < n ? &seeds[i] :
						       &corpus[i - n];
		uint8_t *b = malloc(seed->n + 4 * FUZZ_GROW);
		size_t len = seed->n, k = fuzz_random(&x) % (3 * FUZZ_GROW);

		if (!b)
			abort();
		memcpy(b, seed->bytes, len);
		while (k--)
			fuzz_mutate(b, &len, &x);
		fuzz_exact(b, len);
		free(b);
	}
}

/* --- the corpus ---------------------------------------------------------- */

enum { FUZZ_CORPUS_MAX = 4096, FUZZ_INPUT_MAX = 65536 };

/* A line of hexadecimal to the end of an input. */
static inline size_t fuzz_hex(const char *line, uint8_t *to, size_t n)
{
	unsigned byte;

	while (n < FUZZ_INPUT_MAX && sscanf(line, "%2x", &byte) == 1) {
		to[n++] = (uint8_t)byte;
		line += 2;
	}
	return n;
}

static inline struct fuzz_seed fuzz_keep(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	struct fuzz_seed seed = { copy, n };

	if (!copy)
		abort();
	memcpy(copy, bytes, n);
	return seed;
}

/* The inputs of a file; how many. They stay until the end. */
static inline size_t fuzz_corpus_read(FILE *f, struct fuzz_seed *ret)
{
	static uint8_t input[FUZZ_INPUT_MAX];
	char line[256];
	size_t n = 0, len = 0;

	while (n < FUZZ_CORPUS_MAX && fgets(line, sizeof(line), f)) {
		size_t more = fuzz_hex(line, input, len);

		if (more == len && len)
			ret[n++] = fuzz_keep(input, len);
		len = more == len ? 0 : more;
	}
	return n;
}

/* source: "…/fuzz_x.c", as the compiler was given it, from the build folder. */
static inline size_t fuzz_corpus(const char *source, struct fuzz_seed *ret)
{
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%.*s.corpus",
		 (int)(strlen(source) - 2), source);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fuzz_corpus_read(f, ret);
	fclose(f);
	return n;
}

/* Puts seed i into a file of its own in folder; 0 when that worked. */
static inline int fuzz_seed_save(const struct fuzz_seed *seed,
				 const char *folder, const char *kind, size_t i)
{
	char path[4096];
	FILE *f;
	int failed;

	snprintf(path, sizeof(path), "%s/%s-%zu", folder, kind, i);
	f = fopen(path, "w");
	if (!f)
		return 1;
	failed = fwrite(seed->bytes, 1, seed->n, f) != seed->n;
	return fclose(f) || failed;
}

static inline int fuzz_save(const struct fuzz_seed *v, size_t n,
			    const char *folder, const char *kind)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < n; i++)
		failed |= fuzz_seed_save(&v[i], folder, kind, i);
	return failed;
}

static inline int fuzz_main(int argc, char **argv, const char *source,
			    const struct fuzz_seed *seeds, size_t n)
{
	static struct fuzz_seed corpus[FUZZ_CORPUS_MAX];
	size_t n_corpus = fuzz_corpus(source, corpus), i;

	if (argc == 2)
		return fuzz_save(seeds, n, argv[1], "seed") |
		       fuzz_save(corpus, n_corpus, argv[1], "kept");
	printf("1..%zu\n", n + (n_corpus != 0));
	for (i = 0; i < n; i++) {
		fuzz_seed_run(&seeds[i], (unsigned)(FUZZ_ROUNDS / n));
		printf("ok %zu - seed and its mutations\n", i + 1);
		fflush(stdout);
	}
	for (i = 0; i < n_corpus; i++)
		fuzz_exact(corpus[i].bytes, corpus[i].n);
	if (n_corpus)
		printf("ok %zu - %zu inputs of the corpus\n", n + 1, n_corpus);
	fuzz_longer(seeds, n, corpus, n_corpus);
	return 0;
}

#define FUZZ_MAIN(seeds, n_seeds) \
	int main(int argc, char **argv) \
	{ \
		return fuzz_main(argc, argv, __FILE__, seeds, n_seeds); \
	}
#endif
#endif
