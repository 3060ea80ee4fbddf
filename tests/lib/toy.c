// SPDX-License-Identifier: Apache-2.0
#include "toy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static __attribute__((__noreturn__)) void die(const char *what)
{
	printf("Bail out! example process: %s\n", what);
	exit(99);
}

static void *grow(void *v, uint32_t n, size_t size)
{
	// Full at the powers of two.
	if (n & (n - 1))
		return v;
	v = realloc(v, (n ? 2 * (size_t)n : 1) * size);
	if (!v)
		die("out of memory");
	return v;
}

static void take_object(struct toy *t, const char *line)
{
	struct toy_object o = { .first_edge = t->n_edges };

	if (sscanf(line, "object\t%" SCNx64 "\t%31[^\t]\t%" SCNu64 "\t%" SCNu64
		   "\t%" SCNu64, &o.addr, o.type, &o.flat, &o.held,
		   &o.refs) != 5)
		die(line);
	t->objects = grow(t->objects, t->n_objects, sizeof(o));
	t->objects[t->n_objects++] = o;
}

static void take_edge(struct toy *t, const char *line)
{
	struct toy_edge e = { 0 };
	char weak[8];
	uint64_t from;

	if (sscanf(line, "edge\t%" SCNx64 "\t%" SCNx64 "\t%7s\t%63[^\n]",
		   &from, &e.to, weak, e.label) != 4)
		die(line);
	e.weak = !strcmp(weak, "weak");
	t->edges = grow(t->edges, t->n_edges, sizeof(e));
	t->edges[t->n_edges++] = e;
	t->objects[t->n_objects - 1].n_edges++;
}

static void take_name(struct toy_name **v, uint32_t *n, const char *line)
{
	struct toy_name name = { 0 };

	if (sscanf(line, "%*s\t%63[^\t]\t%" SCNx64, name.name, &name.addr) != 2)
		die(line);
	*v = grow(*v, *n, sizeof(name));
	(*v)[(*n)++] = name;
}

static void read_truth(struct toy *t)
{
	char line[256];

	while (fgets(line, sizeof(line), t->out)) {
		if (!strncmp(line, "object\t", 7))
			take_object(t, line);
		else if (!strncmp(line, "edge\t", 5))
			take_edge(t, line);
		else if (!strncmp(line, "root\t", 5))
			take_name(&t->roots, &t->n_roots, line);
		else if (!strncmp(line, "global\t", 7))
			take_name(&t->globals, &t->n_globals, line);
		else if (!strncmp(line, "ready\t", 6))
			return;
	}
	die("it ended before it was ready");
}

void toy_start(struct toy *t, const char *arg1, const char *arg2)
{
	const char *top = getenv("abs_top_builddir");
	char path[4096];
	int in[2], out[2];

	memset(t, 0, sizeof(*t));
	snprintf(path, sizeof(path), "%s/tests/fixtures/example_process",
		 top ? top : ".");
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		die("no pipes");
	fflush(stdout);
	t->pid = fork();
	if (t->pid < 0)
		die("no process");
	if (!t->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(path, path, arg1, arg2, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	t->in = fdopen(in[1], "w");
	t->out = fdopen(out[0], "r");
	read_truth(t);
}

int toy_stop(struct toy *t)
{
	int status;

	fclose(t->in);
	if (waitpid(t->pid, &status, 0) != t->pid)
		die("it cannot be waited for");
	fclose(t->out);
	free(t->objects);
	free(t->edges);
	free(t->roots);
	free(t->globals);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const struct toy_object *toy_object(const struct toy *t, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < t->n_objects; i++) {
		if (t->objects[i].addr == addr)
			return &t->objects[i];
	}
	return NULL;
}

uint64_t toy_global(const struct toy *t, const char *name)
{
	uint32_t i;

	for (i = 0; i < t->n_globals; i++) {
		if (!strcmp(t->globals[i].name, name))
			return t->globals[i].addr;
	}
	die(name);
	return 0;
}

uint64_t toy_sum(struct toy *t)
{
	char line[64];
	uint64_t sum;

	fputs("sum\n", t->in);
	fflush(t->in);
	if (!fgets(line, sizeof(line), t->out) ||
	    sscanf(line, "sum\t%" SCNx64, &sum) != 1)
		die("no sum");
	return sum;
}
