/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include "layout.h"
#include "walk.h"

enum {
	/* variables, and entries of the value stack, of one frame */
	MAX_SLOTS = 1 << 16,
	/* enum _frameowner, from 3.11, Include/internal/pycore_frame.h */
	OWNED_BY_GENERATOR = 1,
	OWNED_BY_CSTACK = 3,
	/* enum _framestate, from 3.11: the frame holds nothing any more */
	FRAME_CLEARED = 4,
	/* from 3.11, Include/internal/pycore_code.h */
	CO_FAST_CELL = 0x40,
	CO_FAST_FREE = 0x80,
};

static int tuple_length(const struct cpython_mem *m, uint64_t tuple)
{
	int64_t n = cpython_i64(m, tuple, m->lay->ob_size, 0);

	return n < 0 || n > MAX_SLOTS ? 0 : (int)n;
}

static uint64_t tuple_item(const struct cpython_mem *m, uint64_t tuple, int i)
{
	if (i < 0 || i >= tuple_length(m, tuple))
		return 0;
	return cpython_word(m, tuple + (unsigned)m->lay->tuple_items +
				       (unsigned)i * 8);
}

static bool is_code(const struct cpython_mem *m, uint64_t obj)
{
	return obj != 0 && cpython_form_of(m, obj) == CPYTHON_FORM_CODE;
}

/* Number of entries on the value stack: 3.8 and 3.9 have a pointer behind the
 * last, 3.10 a count; both say "none" while the frame runs. */
static int old_stack(const struct cpython_mem *m, uint64_t obj)
{
	uint64_t first = cpython_field(m, obj, m->lay->frame_valuestack);
	uint64_t top = cpython_field(m, obj, m->lay->frame_stacktop);
	int64_t n = cpython_i32(m, obj, m->lay->frame_stackdepth, 0);

	if (m->lay->frame_stacktop >= 0)
		n = top > first ? (int64_t)((top - first) / 8) : 0;
	return n < 0 || n > MAX_SLOTS ? 0 : (int)n;
}

/* Up to 3.10: PyFrameObject, Include/cpython/frameobject.h */
static bool read_old(const struct cpython_mem *m, uint64_t obj,
		     struct cpython_frame *f)
{
	const struct cpython_layout *l = m->lay;
	int nlocals;

	f->object = obj;
	f->code = cpython_field(m, obj, l->frame_code);
	if (!is_code(m, f->code))
		return false;
	f->globals = cpython_field(m, obj, l->frame_globals);
	f->builtins = cpython_field(m, obj, l->frame_builtins);
	f->locals = cpython_field(m, obj, l->frame_locals);
	f->previous = cpython_field(m, obj, l->frame_back);
	f->slots = obj + (unsigned)l->frame_localsplus;
	nlocals = cpython_i32(m, f->code, l->code_nlocals, 0);
	f->n_slots = nlocals < 0 || nlocals > MAX_SLOTS ? 0 : nlocals;
	f->n_slots += tuple_length(m, cpython_field(m, f->code,
						    l->code_cellvars));
	f->n_slots += tuple_length(m, cpython_field(m, f->code,
						    l->code_freevars));
	f->n_stack = old_stack(m, obj);
	f->offset = cpython_i32(m, obj, l->frame_lasti, -1);
	// 3.10 counts instructions of two bytes
	if (m->minor == 10 && f->offset > 0)
		f->offset = f->offset > INT32_MAX / 2 ? -1 : f->offset * 2;
	return true;
}

/*
 * The offset of the instruction in bytes. A thread's frame is incomplete until
 * its first instruction that can be traced (_PyFrame_IsIncomplete).
 */
static void read_instruction(const struct cpython_mem *m, int owner,
			     struct cpython_frame *f)
{
	uint64_t instr = cpython_field(m, f->address, m->lay->iframe_instr);
	uint64_t start = f->code + (unsigned)m->lay->code_adaptive;
	int64_t offset = (int64_t)(instr - start);
	int first = cpython_i32(m, f->code, m->lay->code_firsttraceable, 0);

	f->offset = offset < -2 || offset > INT32_MAX ? -1 : (int)offset;
	f->incomplete = owner != OWNED_BY_GENERATOR &&
			offset < (int64_t)first * 2;
}

/*
 * stacktop counts the variables too. It is -1 while the frame runs, or has
 * called C code: then what is on its stack is not known from outside.
 */
static void read_slots(const struct cpython_mem *m, struct cpython_frame *f)
{
	int n = cpython_i32(m, f->code, m->lay->code_nlocalsplus, 0);
	int top = cpython_i32(m, f->address, m->lay->iframe_stacktop, -1);

	f->slots = f->address + (unsigned)m->lay->iframe_localsplus;
	f->n_slots = n < 0 || n > MAX_SLOTS ? 0 : n;
	f->n_stack = top <= f->n_slots || top > MAX_SLOTS ? 0
							  : top - f->n_slots;
}

/* From 3.11: _PyInterpreterFrame, Include/internal/pycore_frame.h */
static bool read_new(const struct cpython_mem *m, uint64_t addr,
		     struct cpython_frame *f)
{
	const struct cpython_layout *l = m->lay;
	int owner = cpython_u8(m, addr, l->iframe_owner, -1);

	if (owner < 0)
		return false;
	f->previous = cpython_field(m, addr, l->iframe_previous);
	f->code = cpython_field(m, addr, l->iframe_code);
	// a shim, which stands for C code that called the interpreter
	if ((m->minor >= 12 && owner >= OWNED_BY_CSTACK) ||
	    !is_code(m, f->code)) {
		f->code = 0;
		f->incomplete = true;
		return true;
	}
	f->object = cpython_field(m, addr, l->iframe_frame_obj);
	f->function = cpython_field(m, addr, l->iframe_func);
	f->globals = cpython_field(m, addr, l->iframe_globals);
	f->builtins = cpython_field(m, addr, l->iframe_builtins);
	f->locals = cpython_field(m, addr, l->iframe_locals);
	read_slots(m, f);
	read_instruction(m, owner, f);
	return true;
}

bool cpython_frame_read(const struct cpython_mem *m, uint64_t address,
			struct cpython_frame *ret)
{
	*ret = (struct cpython_frame){ .address = address };
	if (address == 0 || (address & 7) != 0)
		return false;
	return m->minor < 11 ? read_old(m, address, ret)
			     : read_new(m, address, ret);
}

bool cpython_frame_of_object(const struct cpython_mem *m, uint64_t obj,
			     struct cpython_frame *ret)
{
	if (m->minor < 11)
		return cpython_frame_read(m, obj, ret);
	return cpython_frame_read(m, cpython_field(m, obj,
						   m->lay->frame_iframe), ret);
}

bool cpython_frame_of_generator(const struct cpython_mem *m, uint64_t gen,
				struct cpython_frame *ret)
{
	int state;

	if (m->minor < 11)
		return cpython_frame_read(m, cpython_field(m, gen,
							   m->lay->gen_frame),
					  ret);
	state = cpython_u8(m, gen, m->lay->gen_frame_state, FRAME_CLEARED);
	if ((int8_t)state >= FRAME_CLEARED)
		return false;
	return cpython_frame_read(m, gen + (unsigned)m->lay->gen_iframe, ret);
}

uint64_t cpython_frame_innermost(const struct cpython_mem *m, uint64_t tstate)
{
	uint64_t cframe;

	if (m->lay->ts_current_frame >= 0)
		return cpython_field(m, tstate, m->lay->ts_current_frame);
	if (m->lay->ts_cframe >= 0 && m->lay->cframe_current_frame >= 0) {
		cframe = cpython_field(m, tstate, m->lay->ts_cframe);
		return cpython_field(m, cframe, m->lay->cframe_current_frame);
	}
	return cpython_field(m, tstate, m->lay->ts_frame);
}

/* ------------------------------------------------------------------------
 * Variables
 */

/* Up to 3.10: co_varnames, then co_cellvars, then co_freevars. */
static uint64_t old_name(const struct cpython_mem *m, uint64_t code, int i,
			 bool *is_cell)
{
	int n = cpython_i32(m, code, m->lay->code_nlocals, 0);
	uint64_t names;

	if (n < 0)
		return 0;
	*is_cell = i >= n;
	if (i < n)
		return tuple_item(m, cpython_field(m, code,
						   m->lay->code_varnames), i);
	i -= n;
	names = cpython_field(m, code, m->lay->code_cellvars);
	n = tuple_length(m, names);
	if (i >= n) {
		i -= n;
		names = cpython_field(m, code, m->lay->code_freevars);
	}
	return tuple_item(m, names, i);
}

static uint64_t new_name(const struct cpython_mem *m, uint64_t code, int i,
			 bool *is_cell)
{
	uint64_t kinds = cpython_field(m, code, m->lay->code_localspluskinds);
	uint64_t names = cpython_field(m, code, m->lay->code_localsplusnames);
	int kind = cpython_u8(m, kinds + (unsigned)i, m->lay->bytes_data, 0);

	*is_cell = kind & (CO_FAST_CELL | CO_FAST_FREE);
	return tuple_item(m, names, i);
}

bool cpython_frame_slot(const struct cpython_mem *m,
			const struct cpython_frame *f, int i,
			struct cpython_slot_value *ret)
{
	*ret = (struct cpython_slot_value){ 0 };
	// numbers of slots may be any: no more than there are
	if (i < 0 || i >= f->n_slots + f->n_stack ||
	    !cpython_copy(m, f->slots + (unsigned)i * 8, &ret->value,
			  sizeof(ret->value)))
		return false;
	if (i < f->n_slots)
		ret->name = m->minor < 11
				    ? old_name(m, f->code, i, &ret->is_cell)
				    : new_name(m, f->code, i, &ret->is_cell);
	// a variable that is also an argument becomes a cell at its first
	// instruction; until then the bare value is there
	if (ret->is_cell && ret->value != 0)
		ret->is_cell = cpython_form_of(m, ret->value) ==
			       CPYTHON_FORM_CELL;
	return true;
}

static void variable_edge(struct heapsh_sink *sink,
			  const struct cpython_slot_value *slot)
{
	struct heapsh_edge e = {
		.label = HEAPSH_LABEL_LOCAL,
		.target = slot->value,
		.a = slot->name,
		.b = slot->is_cell,
		.text = "f_locals",
	};

	sink->edge(sink, &e);
}

static void stack_edge(struct heapsh_sink *sink, uint64_t target, int i)
{
	struct heapsh_edge e = {
		.label = HEAPSH_LABEL_STACK,
		.target = target,
		.a = (unsigned)i,
		.text = "f_valuestack",
	};

	sink->edge(sink, &e);
}

static void name_edge(struct heapsh_sink *sink, uint64_t target,
		      uint32_t flags, const char *text)
{
	struct heapsh_edge e = {
		.flags = flags,
		.label = HEAPSH_LABEL_NAME,
		.target = target,
		.text = text,
	};

	if (target != 0)
		sink->edge(sink, &e);
}

void cpython_frame_edges(const struct cpython_mem *m,
			 const struct cpython_frame *f,
			 struct heapsh_sink *sink)
{
	struct cpython_slot_value slot;

	if (f->code == 0)
		return;
	for (int i = 0; cpython_frame_slot(m, f, i, &slot); i++) {
		if (slot.value == 0)
			continue;
		if (i < f->n_slots)
			variable_edge(sink, &slot);
		else
			stack_edge(sink, slot.value, i - f->n_slots);
	}
	if (f->locals != f->globals)
		name_edge(sink, f->locals, 0, "f_locals");
	name_edge(sink, f->code, HEAPSH_EDGE_CONTEXT, "f_code");
	name_edge(sink, f->function, HEAPSH_EDGE_CONTEXT, "f_func");
	name_edge(sink, f->globals, HEAPSH_EDGE_CONTEXT, "f_globals");
	name_edge(sink, f->builtins, HEAPSH_EDGE_CONTEXT, "f_builtins");
}
