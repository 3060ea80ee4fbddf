/* SPDX-License-Identifier: Apache-2.0 */
#include "kinds.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define SIZE(field) offsetof(struct cpython_layout, field)
#define CODE (HEAPSH_TYPE_CODE | HEAPSH_TYPE_CODE_LEAF)

// clang-format off
/* Sorted by name. */
static const struct cpython_known_type known[] = {
	{"EncodingMap", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_LOOSE},
	{"PyCapsule", CPYTHON_KIND_CAPSULE, 0, 0, 0},
	{"StgDict", CPYTHON_KIND_DICT, 0, 0,
	 CPYTHON_MORE_STGDICT},
	{"Struct", CPYTHON_KIND_STRUCT, 0, 0, 0},
	{"_ctypes.Array", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_ctypes.CFuncPtr", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_ctypes.CType_Type", CPYTHON_KIND_TYPE,
	 CODE | HEAPSH_TYPE_OF_TYPES, 0,
	 CPYTHON_MORE_CTYPE},
	{"_ctypes.PyCFuncPtr", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_ctypes.Structure", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_ctypes.Union", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_ctypes._CData", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_ctypes._Pointer", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_ctypes._SimpleCData", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_CDATA},
	{"_io.BufferedRandom", CPYTHON_KIND_BUFFERED, 0, 0, 0},
	{"_io.BufferedReader", CPYTHON_KIND_BUFFERED, 0, 0, 0},
	{"_io.BufferedWriter", CPYTHON_KIND_BUFFERED, 0, 0, 0},
	{"_io.BytesIO", CPYTHON_KIND_BYTESIO, 0, 0, 0},
	{"_io.StringIO", CPYTHON_KIND_STRINGIO, 0, 0, 0},
	{"_pickle.Pdata", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_PDATA},
	{"_pickle.Pickler", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_PICKLER},
	{"_pickle.Unpickler", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_UNPICKLER},
	{"_queue.SimpleQueue", CPYTHON_KIND_QUEUE, 0, 0, 0},
	{"_sre.SRE_Template", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_TEMPLATE},
	{"_struct.Struct", CPYTHON_KIND_STRUCT, 0, 0, 0},
	{"array.array", CPYTHON_KIND_ARRAY, 0, 0, 0},
	{"async_generator", CPYTHON_KIND_GENERATOR, 0, 0, 0},
	{"builtin_function_or_method", CPYTHON_KIND_OTHER, CODE, 0, 0},
	{"builtin_method", CPYTHON_KIND_OTHER, CODE, 0, 0},
	{"bytearray", CPYTHON_KIND_BYTEARRAY, HEAPSH_TYPE_TEXT, 0, 0},
	{"bytes", CPYTHON_KIND_BYTES, HEAPSH_TYPE_TEXT, 0, 0},
	{"code", CPYTHON_KIND_CODE, CODE, 0, 0},
	{"collections.OrderedDict", CPYTHON_KIND_ODICT,
	 0, SIZE(sizeof_odict), 0},
	{"collections.defaultdict", CPYTHON_KIND_DICT, 0, 0, 0},
	{"collections.deque", CPYTHON_KIND_DEQUE, 0, SIZE(sizeof_deque), 0},
	{"complex", CPYTHON_KIND_OTHER, 0, 0, 0},
	{"coroutine", CPYTHON_KIND_GENERATOR, 0, 0, 0},
	{"datetime.datetime", CPYTHON_KIND_DATETIME, 0, 0, 0},
	{"datetime.time", CPYTHON_KIND_TIME, 0, 0, 0},
	{"decimal.Decimal", CPYTHON_KIND_DECIMAL, 0, 0, 0},
	{"dict", CPYTHON_KIND_DICT, HEAPSH_TYPE_TABLE, SIZE(sizeof_dict), 0},
	{"float", CPYTHON_KIND_OTHER, 0, 0, 0},
	{"frame", CPYTHON_KIND_FRAME, 0, 0, 0},
	{"frozenset", CPYTHON_KIND_SET, 0, SIZE(sizeof_set), 0},
	{"function", CPYTHON_KIND_OTHER, HEAPSH_TYPE_CODE, 0, 0},
	{"functools._lru_cache_wrapper", CPYTHON_KIND_LRU_CACHE, 0, 0, 0},
	{"generator", CPYTHON_KIND_GENERATOR, 0, 0, 0},
	{"hamt_bitmap_node", CPYTHON_KIND_HAMT_ITEMS, 0, 0, 0},
	{"hamt_collision_node", CPYTHON_KIND_HAMT_ITEMS, 0, 0, 0},
	{"int", CPYTHON_KIND_LONG, 0, 0, 0},
	{"itertools._tee_dataobject", CPYTHON_KIND_TEE, 0, 0, 0},
	{"itertools.combinations", CPYTHON_KIND_COMBINATIONS, 0, 0, 0},
	{"itertools.combinations_with_replacement", CPYTHON_KIND_CWR, 0, 0, 0},
	{"itertools.permutations", CPYTHON_KIND_PERMUTATIONS, 0, 0, 0},
	{"itertools.product", CPYTHON_KIND_PRODUCT, 0, 0, 0},
	{"list", CPYTHON_KIND_LIST, 0, 0, 0},
	{"method", CPYTHON_KIND_OTHER, 0, 0, 0},
	{"method_descriptor", CPYTHON_KIND_OTHER, CODE, 0, 0},
	{"module", CPYTHON_KIND_MODULE, CODE, 0, 0},
	{"numpy.bool", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_1},
	{"numpy.bool_", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_1},
	{"numpy.bytes_", CPYTHON_KIND_BYTES, HEAPSH_TYPE_TEXT, 0,
	 CPYTHON_MORE_NP_BYTES},
	{"numpy.clongdouble", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_32},
	{"numpy.complex128", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_16},
	{"numpy.complex256", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_32},
	{"numpy.complex64", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.datetime64", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.dtype", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_DTYPE},
	{"numpy.float128", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_16},
	{"numpy.float16", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_2},
	{"numpy.float32", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_4},
	{"numpy.float64", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.int16", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_2},
	{"numpy.int32", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_4},
	{"numpy.int64", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.int8", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_1},
	{"numpy.intc", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_4},
	{"numpy.longdouble", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_16},
	{"numpy.longlong", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.ndarray", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_ARRAY},
	{"numpy.object_", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.timedelta64", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.uint16", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_2},
	{"numpy.uint32", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_4},
	{"numpy.uint64", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.uint8", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_1},
	{"numpy.uintc", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_4},
	{"numpy.ulonglong", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_8},
	{"numpy.void", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_NP_VOID},
	{"parser.st", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_PARSER},
	{"pyexpat.xmlparser", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_EXPAT},
	{"set", CPYTHON_KIND_SET, 0, SIZE(sizeof_set), 0},
	{"sqlite3.Cache", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_SQLITE_CACHE},
	{"sqlite3.Connection", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_SQLITE},
	{"str", CPYTHON_KIND_STR, HEAPSH_TYPE_TEXT, SIZE(sizeof_str), 0},
	{"tuple", CPYTHON_KIND_TUPLE, 0, 0, 0},
	{"type", CPYTHON_KIND_TYPE, CODE | HEAPSH_TYPE_OF_TYPES,
	 SIZE(sizeof_heap_type), 0},
	{"weakcallableproxy", CPYTHON_KIND_WEAKREF, 0, 0, 0},
	{"weakproxy", CPYTHON_KIND_WEAKREF, 0, 0, 0},
	{"weakref", CPYTHON_KIND_WEAKREF, 0, 0, 0},
	{"weakref.CallableProxyType", CPYTHON_KIND_WEAKREF, 0, 0, 0},
	{"weakref.ProxyType", CPYTHON_KIND_WEAKREF, 0, 0, 0},
	{"weakref.ReferenceType", CPYTHON_KIND_WEAKREF, 0, 0, 0},
	{"xml.etree.ElementTree.Element", CPYTHON_KIND_ELEMENT, 0, 0, 0},
	{"zoneinfo.ZoneInfo", CPYTHON_KIND_OTHER, 0, 0,
	 CPYTHON_MORE_ZONEINFO},
};
// clang-format on

static int compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct cpython_known_type *)row)->name);
}

const struct cpython_known_type *cpython_known_type(const char *tp_name)
{
	return bsearch(tp_name, known, sizeof(known) / sizeof(known[0]),
		       sizeof(known[0]), compare);
}

int64_t cpython_known_size(const struct cpython_known_type *k,
			   const struct cpython_layout *l)
{
	int32_t v;

	if (k->size_field == 0)
		return -1;
	memcpy(&v, (const char *)l + k->size_field, sizeof(v));
	return v;
}

bool cpython_name_tells(const struct cpython *st, uint64_t type,
			uint64_t tp_flags, const char *tp_name)
{
	return strchr(tp_name, '.') != NULL ||
	       (!(tp_flags & CPYTHON_TP_HEAPTYPE) && type >= st->image.start &&
		type < st->image.end);
}
