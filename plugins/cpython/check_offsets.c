/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process says of its own layout: from 3.13 on, _PyRuntime begins
 * with offsets for debuggers. The table must say the same.
 */
#include "check_priv.h"

#include <stddef.h>

/* Words of _Py_DebugOffsets (CPython 3.13, Include/internal/pycore_runtime.h),
 * counted from its cookie, and the members of ours that they must equal. */
#define W(word, member) \
	{ word, offsetof(struct cpython_layout, member), #member }
static const struct {
	uint32_t word;
	size_t member;
	const char *name;
} words[] = {
	W(5, runtime_interp_head), W(7, interp_id), W(8, interp_next),
	W(9, interp_threads), W(10, interp_gc), W(11, interp_modules),
	W(12, interp_sysdict), W(13, interp_builtins), W(14, interp_gil),
	W(21, ts_next), W(22, ts_interp), W(23, ts_current_frame),
	W(24, ts_thread_id), W(25, ts_native_id), W(29, iframe_previous),
	W(30, iframe_code), W(31, iframe_instr), W(32, iframe_localsplus),
	W(33, iframe_owner), W(35, code_filename), W(36, code_name),
	W(37, code_qualname), W(38, code_linetable), W(39, code_firstlineno),
	W(40, code_argcount), W(41, code_localsplusnames),
	W(42, code_localspluskinds), W(43, code_adaptive),
	W(44, sizeof_object), W(45, ob_type), W(46, sizeof_type),
	W(47, tp_name), W(48, tp_repr), W(49, tp_flags), W(51, tuple_items),
	W(52, ob_size), W(54, list_items), W(55, ob_size), W(56, sizeof_dict),
	W(57, ma_keys), W(58, ma_values), W(60, float_value), W(62, long_tag),
	W(63, long_digits), W(65, ob_size), W(66, bytes_data),
	W(68, str_state), W(69, str_length), W(70, sizeof_str_ascii),
	W(72, gc_collecting),
};
#undef W
enum { N_WORDS = 73, FREE_THREADED = 2 };

void cpython_check_offsets(const struct cpython *st,
			   struct cpython_verdict *ret)
{
	const struct cpython_layout *l = st->mem.lay;
	uint64_t said[N_WORDS];
	int32_t ours;

	if (l->debug_offsets < 0)
		return;
	if (!cpython_copy(&st->mem,
			  st->mem.runtime + (uint64_t)l->debug_offsets, said,
			  sizeof(said))) {
		cpython_wrong(ret, "_Py_DebugOffsets cannot be read");
		return;
	}
	if (l->debug_free_threaded != FREE_THREADED * 8)
		cpython_wrong(ret, "_Py_DebugOffsets.free_threaded is not at "
				   "%d", (int)l->debug_free_threaded);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		memcpy(&ours, (const char *)l + words[i].member, sizeof(ours));
		if (ours >= 0 && said[words[i].word] != (uint64_t)ours)
			cpython_wrong(ret, "%s is %d in the table, %llu in the "
					   "process's _Py_DebugOffsets",
				      words[i].name, ours,
				      (unsigned long long)said[words[i].word]);
	}
}
