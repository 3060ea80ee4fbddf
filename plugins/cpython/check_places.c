/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that follow each other in the definition of their structure: what a
 * process need not hold an object for, or says by no value. The sizes of the
 * structures are held against tp_basicsize (check_members.c), so that a member
 * more is noticed wherever it stands.
 */
#include "check_priv.h"

#include <stddef.h>

enum { OLDEST = 8, NEWEST = 13 };	/* minor versions */

static const struct place {
	size_t first, second;		/* fields of struct cpython_layout */
	const char *name;		/* of the second */
	int32_t bytes;			/* from the first to the second */
	int32_t from, to;		/* versions, inclusive */
} places[] = {
#define AT(field) offsetof(struct cpython_layout, field)
#define VERSION(minor, patch) ((minor) << 8 | (patch))
/* From patch p of minor from to patch q of minor to. */
#define VP(a, b, n, from, p, to, q) \
	{ AT(a), AT(b), #b, n, VERSION(from, p), VERSION(to, q) },
#define V(a, b, n, from, to) VP(a, b, n, from, 0, to, 255)
#define P(a, b, n) V(a, b, n, OLDEST, NEWEST)
/* The first member of its structure, or a number that is the same always. */
#define C(b, n) { SIZE_MAX, AT(b), #b, n, VERSION(OLDEST, 0), \
		  VERSION(NEWEST, 255) },
	P(ob_refcnt, ob_type, 8) P(ob_type, sizeof_object, 8)
	P(sizeof_object, ob_size, 0) P(tp_flags, tp_traverse, 16)
	C(ml_name, 0) P(ml_name, ml_meth, 8) P(ml_meth, ml_flags, 8)
	V(sizeof_type, ht_name, 432, 8, 9) V(sizeof_type, ht_name, 440, 10, 13)
	P(ht_name, ht_slots, 8) P(ht_slots, ht_qualname, 8)
	P(ht_qualname, ht_cached_keys, 8) P(ht_cached_keys, ht_module, 8)

	C(me_hash, 0) P(me_hash, me_key, 8) P(me_key, me_value, 8)
	P(me_value, sizeof_entry, 8)
	C(ume_key, 0) P(ume_key, ume_value, 8)
	P(ume_value, sizeof_unicode_entry, 8)
	{ SIZE_MAX, AT(values_array), "values_array", 0, VERSION(11, 0),
	  VERSION(12, 255) },
	C(values_capacity, 0) P(values_capacity, values_array, 8)
	P(values_capacity, values_size, 1) P(values_size, values_embedded, 1)
	P(values_embedded, values_valid, 1)

	P(str_length, str_hash, 8) P(str_hash, str_state, 8)
	P(str_state, str_wstr, 8) P(sizeof_str_ascii, str_utf8_length, 0)
	P(str_utf8_length, str_utf8, 8) P(str_utf8, str_wstr_length, 8)
	P(sizeof_str_compact, str_data, 0)
	P(set_fill, set_used, 8)
	P(sizeof_object, exc_args, 8)
	V(func_name, func_qualname, 40, 8, 9)
	V(func_name, func_qualname, 8, 10, 13)

	P(code_firstlineno, code_nlocalsplus, 4)
	P(code_cellvars, code_cell2arg, 8)
	V(code_linetable, code_extra, 24, 8, 10) P(code_extra, code_opcache, 16)
	P(code_opcache, code_opcache_size, 12) C(sizeof_opcache, 32)
	V(code_cached, code_extra, 24, 11, 11)
	V(code_cached, code_extra, 32, 12, 13)
	P(code_firsttraceable, code_extra, 8) P(code_extra, code_adaptive, 8)
	C(code_extra_size, 0) P(code_extra_size, sizeof_code_extra, 16)

	P(frame_locals, frame_valuestack, 8)
	P(frame_valuestack, frame_stacktop, 8)
	V(frame_valuestack, frame_trace, 16, 8, 9)
	V(frame_valuestack, frame_trace, 8, 10, 10)
	P(frame_trace, frame_stackdepth, 8) P(frame_trace, frame_lasti, 24)
	P(frame_lasti, frame_lineno, 4) P(frame_lasti, frame_localsplus, 256)
	P(frame_localsplus, sizeof_frame, 8)
	V(sizeof_object, frame_back, 0, 11, 13) P(frame_back, frame_iframe, 8)
	P(frame_iframe, frame_trace, 8) V(frame_trace, frame_lineno, 8, 11, 13)
	V(frame_lineno, sizeof_frame, 16, 11, 12)
	V(frame_lineno, sizeof_frame, 32, 13, 13)
	P(iframe_builtins, iframe_locals, 8)
	V(iframe_locals, iframe_frame_obj, 16, 11, 11)
	V(iframe_locals, iframe_frame_obj, 8, 12, 13)
	V(iframe_previous, iframe_instr, 8, 11, 11)
	V(iframe_previous, iframe_instr, 48, 12, 13)
	P(iframe_instr, iframe_stacktop, 8)
	V(iframe_stacktop, iframe_owner, 5, 11, 11)
	V(iframe_stacktop, iframe_owner, 6, 12, 13)
	P(iframe_stacktop, iframe_localsplus, 8)
	P(gen_code, gen_qualname, 24)
	V(sizeof_object, gen_qualname, 16, 12, 13)
	P(gen_frame_state, gen_iframe, 5)

	P(ob_size, deque_left, 8) P(deque_left, deque_leftindex, 16)
	P(deque_leftindex, deque_maxlen, 24)
	P(deque_maxlen, deque_numfreeblocks, 8)
	V(deque_maxlen, sizeof_deque, 16, 8, 10)
	V(deque_maxlen, sizeof_deque, 152, 11, 13)
	C(dequeblock_data, 8) P(dequeblock_data, dequeblock_right, 512)
	P(dequeblock_right, sizeof_dequeblock, 8)
	P(sizeof_dict, odict_first, 0) P(odict_first, odict_fast_nodes_size, 24)
	P(odict_fast_nodes_size, sizeof_odict, 40) C(sizeof_odictnode, 32)
	P(sizeof_dict, defdict_factory, 0) P(sizeof_object, lru_next, 8)
	P(ob_size, hamt_bitmap_array, 16)
	P(sizeof_object, teedata_numread, 8)
	P(teedata_numread, teedata_values, 16)
	P(sizeof_object, combinations_r, 24) P(sizeof_object, cwr_r, 24)
	P(sizeof_object, permutations_pool, 0)
	P(permutations_pool, permutations_r, 32)
	P(sizeof_object, product_pools, 0)
	P(sizeof_object, stringio_buf_size, 24)
	P(sizeof_object, buffered_buffer, 40)
	P(buffered_buffer, buffered_buffer_size, 64)
	P(sizeof_object, queue_get_idx, 16) P(queue_get_idx, queue_items, 8)
	P(queue_items, queue_items_cap, 8)
	P(queue_items_cap, queue_num_items, 8)
	P(sizeof_object, time_hastzinfo, 8) P(time_hastzinfo, time_tzinfo, 8)
	P(sizeof_object, datetime_hastzinfo, 8)
	P(datetime_hastzinfo, datetime_tzinfo, 16)
	P(ob_size, array_allocated, 16) P(array_allocated, array_descr, 8)
	C(arraydescr_itemsize, 4)
	P(sizeof_object, struct_codes, 16) C(formatcode_fmtdef, 0)
	C(sizeof_formatcode, 32)
	P(sizeof_object, decimal_flags, 8) P(decimal_flags, decimal_alloc, 32)
	P(sizeof_object, element_extra, 24) C(elementextra_attrib, 0)
	P(elementextra_attrib, elementextra_length, 8)
	P(elementextra_length, elementextra_allocated, 8)
	P(elementextra_allocated, elementextra_children, 8)
	P(elementextra_children, elementextra_own, 8)
	P(elementextra_own, sizeof_elementextra, 32)

	// of the standard library: library.c
	P(sizeof_object, tuplegetter_index, 0) P(ob_size, pdata_items, 8)
	P(sizeof_object, pickler_memo, 0)
	V(pickler_memo, pickler_output, 48, 8, 12)
	VP(pickler_memo, pickler_output, 40, 13, 0, 13, 0)
	VP(pickler_memo, pickler_output, 48, 13, 5, 13, 255)
	C(memotable_allocated, 16) P(memotable_allocated, memotable_entries, 8)
	P(memotable_entries, sizeof_memotable, 8)
	C(memoentry_key, 0) P(memoentry_key, sizeof_memoentry, 16)
	P(sizeof_object, unpickler_memo, 8)
	P(unpickler_memo, unpickler_memo_size, 8)
	V(unpickler_memo, unpickler_line, 128, 8, 12)
	VP(unpickler_memo, unpickler_line, 120, 13, 0, 13, 0)
	VP(unpickler_memo, unpickler_line, 128, 13, 5, 13, 255)
	VP(unpickler_line, unpickler_encoding, 72, 8, 0, 13, 5)
	VP(unpickler_line, unpickler_encoding, 88, 13, 18, 13, 255)
	P(unpickler_encoding, unpickler_errors, 8)
	P(unpickler_errors, unpickler_marks, 8)
	P(unpickler_marks, unpickler_marks_size, 16)
	P(sizeof_dict, stgdict_length, 16)
	P(stgdict_length, stgdict_elements, 24)
	P(stgdict_elements, stgdict_format, 80)
	P(stgdict_format, stgdict_ndim, 8)
	C(stginfo_initialized, 0) P(stginfo_initialized, stginfo_length, 24)
	P(stginfo_length, stginfo_elements, 24)
	P(stginfo_elements, stginfo_proto, 8)
	P(stginfo_proto, stginfo_argtypes, 32)
	P(stginfo_argtypes, stginfo_converters, 8)
	P(stginfo_converters, stginfo_restype, 8)
	P(stginfo_restype, stginfo_checker, 8)
	P(stginfo_checker, stginfo_module, 8)
	P(stginfo_module, stginfo_format, 16) P(stginfo_format, stginfo_ndim, 8)
	P(sizeof_object, cdata_ptr, 0) P(cdata_ptr, cdata_needsfree, 8)
	P(cdata_needsfree, cdata_size, 16) P(cdata_size, cdata_value, 40)
	V(sizeof_object, sqlite_trace, 96, 11, 11)
	V(sizeof_object, sqlite_trace, 104, 12, 13)
	P(sqlite_trace, sqlite_progress, 8)
	P(sqlite_progress, sqlite_authorizer, 8)
	C(sqlite_callable, 0) P(sqlite_callable, sqlite_module, 8)
	P(sizeof_object, sqlite_cache_first, 24)
	P(sizeof_object, sqlite_node_next, 32) P(ob_size, template_items, 24)
	V(sizeof_object, expat_handlers, 48, 8, 12)
	VP(sizeof_object, expat_handlers, 56, 13, 0, 13, 5)
	VP(sizeof_object, expat_handlers, 64, 13, 18, 13, 255)
	P(sizeof_object, zone_num_ttinfos, 32)
	P(zone_num_ttinfos, zone_ttinfos, 144)
	C(ttinfo_utcoff, 0) P(ttinfo_utcoff, ttinfo_dstoff, 8)
	P(ttinfo_dstoff, ttinfo_tzname, 8) P(ttinfo_tzname, sizeof_ttinfo, 16)
	P(sizeof_object, st_node, 0) C(node_str, 8)
	P(node_str, node_nchildren, 16) P(node_nchildren, node_child, 8)
	P(node_child, sizeof_node, 16)

	P(runtime_interp_head, runtime_interp_main, 8)
	V(interp_next, interp_threads, 8, 8, 10)
	V(interp_next, interp_threads, 16, 11, 11)
	V(interp_next, interp_id, 8, 12, 13)
	C(debug_free_threaded, 16)
	// 200 entries of 48 bytes, and two counts: pycore_typeobject.h
	P(interp_static_types, interp_extension_types, 9616)
	C(static_type_type, 0) V(static_type_type, static_type_dict, 16, 12, 12)
	V(static_type_type, static_type_dict, 24, 13, 13)
	P(static_type_dict, static_type_subclasses, 8)
	P(static_type_subclasses, sizeof_static_type, 16)
	P(ts_next, ts_interp, 8)
	V(ts_interp, ts_cframe, 32, 10, 10) V(ts_interp, ts_cframe, 40, 11, 12)
	V(ts_interp, ts_thread_id, 160, 8, 10)
	V(ts_interp, ts_thread_id, 136, 11, 11)
	V(ts_interp, ts_thread_id, 120, 12, 12)
	V(ts_interp, ts_thread_id, 136, 13, 13)
	V(ts_thread_id, ts_on_delete_data, 32, 8, 10)
	V(ts_thread_id, ts_on_delete_data, 40, 11, 12)
	V(interp_sysdict, interp_atexit, 2616, 10, 10)
	V(interp_sysdict, interp_atexit, 2632, 11, 11)
	V(interp_sysdict, interp_atexit, 3592, 12, 12)
	V(interp_sysdict, interp_atexit, 3072, 13, 13)
	P(interp_atexit, interp_atexit_n, 8)
	P(ts_thread_id, ts_native_id, 8) P(ts_interp, ts_eval_breaker, 8)

	// one generation, and statistics of three
	P(gc_permanent, gc_collecting, 96)

	C(pool_count, 0) P(pool_count, pool_freeblock, 8)
	P(pool_freeblock, pool_arenaindex, 24) P(pool_arenaindex, pool_szidx, 4)
	P(pool_szidx, pool_nextoffset, 4)
	P(pool_nextoffset, pool_maxnextoffset, 4)
	P(pool_maxnextoffset, sizeof_pool_header, 4)
	C(arena_address, 0) P(arena_address, arena_nfreepools, 16)
	P(arena_nfreepools, arena_ntotalpools, 4)
	P(arena_ntotalpools, sizeof_arena, 28)
	P(obmalloc_arenas, obmalloc_maxarenas, 8)
#undef AT
#undef V
#undef P
#undef C
};

static const struct {
	const char *name;
	size_t at;
} fields[] = {
#define F(name, source) { #name, offsetof(struct cpython_layout, name) },
#include "layout.def"
#undef F
};

static int32_t value(const struct cpython_layout *l, size_t field)
{
	int32_t v = 0;

	if (field != SIZE_MAX)
		memcpy(&v, (const char *)l + field, sizeof(v));
	return v;
}

void cpython_check_places(const struct cpython_layout *l,
			  struct cpython_verdict *ret)
{
	int32_t version = VERSION(l->minor, l->patch);

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (value(l, fields[i].at) < -1)
			cpython_wrong(ret, "%s is %d", fields[i].name,
				      (int)value(l, fields[i].at));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct place *p = &places[i];
		int32_t first = value(l, p->first);
		int32_t second = value(l, p->second);

		if (first >= 0 && second >= 0 && version >= p->from &&
		    version <= p->to && second != first + p->bytes)
			cpython_wrong(ret, "%s is %d, not %d, by what stands "
					   "before it in its structure",
				      p->name, (int)second,
				      (int)(first + p->bytes));
	}
}
