// SPDX-License-Identifier: Apache-2.0
#include "eval.h"

struct lg_instant *lg_instant_ref(struct lg_instant *in)
{
	in->refs++;
	return in;
}

void lg_instant_unref(struct lg_instant *in)
{
	if (!in || --in->refs)
		return;
	gr_destroy(in->graph);
	an_summary_destroy(in->summary);
	json_decref(in->attached);
	free(in->name);
	if (in->destroy)
		in->destroy(in, in->destroy_arg);
}

struct md_model *lg_instant_model(struct lg_instant *in, struct hs_task *task)
{
	md_set_task(in->model, task);
	return in->model;
}

struct hs_err *lg_instant_graph(struct lg_instant *in, struct hs_task *task,
				struct gr_graph **ret)
{
	struct hs_err *err = NULL;

	if (!in->graph && !lg_instant_readable(in))
		return hs_err_remedy(hs_err_new(HS_ERR_FAULT,
						"sweep the heap of instant %u: "
						"it was released before",
						in->number),
				     "snap takes a new one");
	if (!in->graph) {
		err = gr_build(lg_instant_model(in, task), task, 0, &in->graph);
		hs_progress_end(task);
	}
	if (!err) {
		md_set_task(in->model, task);
		*ret = in->graph;
	}
	return err;
}

struct hs_err *lg_current(struct lg_session *s, struct lg_instant **ret)
{
	if (!s->current)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"no process is attached"),
				     "attach PID, or open FILE");
	*ret = s->current;
	return md_fault(s->current->model);
}
