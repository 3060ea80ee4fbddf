/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census PID PLUGIN: what the CPython plugin makes of a process that holds
 * still, through the host and the graph as the engine uses them. Commands are
 * lines of standard input; each answer ends in a line with a dot.
 *
 *	size ADDR	type, flat, held, flags
 *	edges ADDR	label, target, flags of every edge
 *	heap		a line for each type: name, count, flat, held
 *	unreferenced [TYPE]	objects that nothing is seen to refer to
 *	all TYPE	their addresses
 *	dangling	edges to where no object is
 *	quality		what was not believed
 */
#include "graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "image.h"
#include "text.h"

static struct md_model *model;
static struct gr_graph *graph;
static struct hs_task task;

static void must(struct hs_err *err)
{
	if (err == NULL)
		return;
	fprintf(stderr, "census: %s\n", err->message);
	exit(1);
}

static void say_size(uint64_t addr)
{
	struct md_object o;

	if (!md_object_at(model, addr, &o)) {
		printf("nothing\n");
		return;
	}
	printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%u\n", o.type->name, o.o.flat,
	       o.o.held, (unsigned)o.o.flags);
}

static void say_edges(uint64_t addr)
{
	struct md_edge *edges;
	size_t n;

	must(md_edges(model, addr, &edges, &n));
	for (size_t i = 0; i < n; i++) {
		HS_FREE char *label = md_label(model, &edges[i].e);
		HS_TEXT shown = { 0 };

		hs_text_escape(&shown, label, strlen(label));
		printf("%s\t%" PRIu64 "\t%u\n", hs_text_str(&shown),
		       edges[i].e.target, (unsigned)edges[i].e.flags);
	}
	free(edges);
}

static void build(void)
{
	if (graph == NULL)
		must(gr_build(model, &task, 2, &graph));
}

struct row {
	uint64_t n, flat, held;
};

static void add(struct row *rows, uint32_t id)
{
	struct row *r = &rows[gr_type(graph, id)];

	r->n++;
	r->flat += gr_flat(graph, id);
	r->held += gr_held(graph, id);
}

static void say_rows(const struct row *rows)
{
	for (uint32_t i = 0; i < md_n_types(model); i++)
		if (rows[i].n != 0)
			printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
			       md_type(model, i)->name, rows[i].n,
			       rows[i].flat, rows[i].held);
}

static void say_heap(void)
{
	HS_FREE struct row *rows = NULL;

	build();
	rows = hs_xcalloc(md_n_types(model) + 1, sizeof(*rows));
	for (uint32_t i = 0; i < gr_n(graph); i++)
		add(rows, i);
	say_rows(rows);
}

static void say_unreferenced(void)
{
	HS_FREE struct row *rows = NULL;
	struct gr_set *set;
	uint32_t id = 0;

	build();
	must(gr_set_unreferenced(graph, &task, &set));
	rows = hs_xcalloc(md_n_types(model) + 1, sizeof(*rows));
	for (; gr_set_next(set, &id); id++)
		add(rows, id);
	say_rows(rows);
	gr_set_unref(set);
}

static void say_unreferenced_of(const char *type)
{
	struct gr_set *set;
	uint32_t id = 0;

	build();
	must(gr_set_unreferenced(graph, &task, &set));
	for (; gr_set_next(set, &id); id++)
		if (strcmp(md_type(model, gr_type(graph, id))->name, type) == 0)
			printf("%" PRIu64 "\n", gr_addr(graph, id));
	gr_set_unref(set);
}

static void say_all(const char *type)
{
	build();
	for (uint32_t i = 0; i < gr_n(graph); i++)
		if (strcmp(md_type(model, gr_type(graph, i))->name, type) == 0)
			printf("%" PRIu64 "\n", gr_addr(graph, i));
}

static void say_dangling_of(uint32_t id)
{
	struct md_edge *edges;
	size_t n;

	must(md_edges(model, gr_addr(graph, id), &edges, &n));
	for (size_t i = 0; i < n; i++) {
		HS_FREE char *label = NULL;

		if (gr_id(graph, edges[i].e.target) != GR_NONE)
			continue;
		label = md_label(model, &edges[i].e);
		printf("%s\t%" PRIu64 "\t%s\t%" PRIu64 "\n",
		       md_type(model, gr_type(graph, id))->name,
		       gr_addr(graph, id), label, edges[i].e.target);
	}
	free(edges);
}

static void say_dangling(void)
{
	build();
	for (uint32_t i = 0; i < gr_n(graph); i++)
		say_dangling_of(i);
}

static void say_quality(void)
{
	const struct gr_quality *q;

	build();
	must(gr_need_rows(graph, &task));
	q = gr_quality(graph);
	printf("torn\t%" PRIu64 "\nunread\t%" PRIu64 "\ndangling\t%" PRIu64
	       "\nrefused\t%" PRIu64 "\n", q->torn, q->unread, q->dangling,
	       q->refused);
}

static void answer(char *line)
{
	char *word = strsep(&line, " \n"), *rest = strsep(&line, "\n");
	uint64_t addr = 0;

	if (rest != NULL)
		hs_parse_u64(rest, &addr);
	if (strcmp(word, "size") == 0)
		say_size(addr);
	else if (strcmp(word, "edges") == 0)
		say_edges(addr);
	else if (strcmp(word, "heap") == 0)
		say_heap();
	else if (strcmp(word, "unreferenced") == 0 && rest && *rest)
		say_unreferenced_of(rest);
	else if (strcmp(word, "unreferenced") == 0)
		say_unreferenced();
	else if (strcmp(word, "all") == 0 && rest)
		say_all(rest);
	else if (strcmp(word, "dangling") == 0)
		say_dangling();
	else if (strcmp(word, "quality") == 0)
		say_quality();
	printf(".\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct im_image *im;
	struct md_host *host;
	struct md_claim claim;
	uint64_t pid, t0;
	char line[256];

	if (argc != 3 || !hs_parse_u64(argv[1], &pid))
		return 2;
	hs_task_init(&task, NULL, NULL);
	must(im_open_live((int)pid, &im));
	must(md_host_create(NULL, 0, NULL, 0, NULL, 0, &host));
	must(md_load(host, argv[2]));
	must(md_probe(host, im, &claim));
	must(md_open(host, &claim, im, &task, &model));
	printf("%s %s: %s; %s\n", claim.claim.runtime, claim.claim.version,
	       claim.claim.reason, md_status(model)->layout);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		t0 = hs_now_ns();
		answer(line);
		fprintf(stderr, "%s %.1f ms\n", line,
			(double)(hs_now_ns() - t0) / 1e6);
	}
	gr_destroy(graph);
	md_close(model);
	md_host_destroy(host);
	im_destroy(im);
	return 0;
}
