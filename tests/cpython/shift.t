#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A layout of which one field is wrong is refused: every field of every
version is moved, one at a time, over a process with an object of every type
and over one that has done nothing; none may be believed. Most are refused by
what the process itself holds. PLACED names those that only the members beside
them in their structure tell, and why."""
import concurrent.futures
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (FIXTURES, LIMIT, SMOKE, Fixture, diag,  # noqa: E402
                    done, equal, ok, pythons)

SHIFT = os.path.join(os.environ.get("abs_top_builddir", "."),
                     "tests", "cpython", "shift")
BARE = "print('ready', flush=True); input()"

# In any process:
PLACED = {
    "nothing is there unless somebody asked, or a counter ran":
        "code_cached code_extra code_extra_size sizeof_code_extra "
        "code_opcache_size sizeof_opcache",
    "0, or the same as its neighbour, while all is well":
        "code_firsttraceable frame_lineno deque_leftindex deque_maxlen "
        "deque_numfreeblocks teedata_numread queue_items_cap queue_num_items "
        "stringio_buf_size buffered_buffer buffered_buffer_size "
        "datetime_hastzinfo time_hastzinfo decimal_flags decimal_alloc "
        "iframe_instr iframe_stacktop iframe_locals ts_eval_breaker "
        "struct_codes tp_traverse "
        "frame_lasti frame_stackdepth frame_stacktop arena_nfreepools arena_ntotalpools pool_freeblock",
    "one or two objects of a library would tell, which condemn no row":
        "values_capacity",
    "the first of a list of one is the last":
        "lru_next odict_first runtime_interp_head interp_next",
    "not within the object, but in a block or table of its own":
        "arraydescr_itemsize formatcode_fmtdef sizeof_formatcode "
        "dequeblock_data dequeblock_right sizeof_dequeblock sizeof_odictnode "
        "element_extra elementextra_attrib elementextra_length "
        "elementextra_allocated elementextra_children elementextra_own "
        "sizeof_elementextra values_array",
    "a number, which addresses of a program at a fixed place look like":
        "array_allocated odict_fast_nodes_size gen_frame_state",
    "of modules of the standard library, in blocks of their own": " ".join(
        "%s_%s" % (struct, member) for struct, members in {
            "tuplegetter": "index", "pdata": "items",
            "pickler": "memo output", "memotable": "allocated entries",
            "memoentry": "key", "unpickler": "memo memo_size marks marks_size "
            "line encoding errors", "stgdict": "format ndim length elements",
            "stginfo": "proto argtypes converters restype checker module "
            "initialized format ndim length elements",
            "cdata": "ptr needsfree size value", "sqlite": "trace progress "
            "authorizer callable module cache_first node_next",
            "template": "items", "expat": "handlers",
            "zone": "ttinfos num_ttinfos", "ttinfo": "utcoff dstoff tzname",
            "st": "node", "node": "str nchildren child",
            "sizeof": "memotable memoentry ttinfo node"}.items()
        for member in members.split()),
    "what a thread leaves, what is done at exit: nothing, mostly":
        "ts_on_delete_data interp_atexit interp_atexit_n",
    "behind all that is looked at": "defdict_factory sizeof_frame "
        "interp_extension_types",
    "an allocator that is not found may not be in use":
        "pool_count pool_arenaindex pool_szidx pool_nextoffset "
        "pool_maxnextoffset sizeof_pool_header arena_address sizeof_arena",
}
# In a process that has done nothing, whose modules have no such object:
NONE_THERE = (
    "str_utf8 str_utf8_length gen_qualname iframe_frame_obj "
    "iframe_owner frame_back frame_trace frame_iframe hamt_bitmap_array "
    "teedata_values combinations_r cwr_r permutations_r permutations_pool "
    "product_pools deque_left sizeof_deque queue_items "
    "queue_get_idx time_tzinfo datetime_tzinfo array_descr")
# What the frame of a process with one frame leads to is not always refused.
SOMETIMES = {"iframe_previous", "ts_thread_id"}


def fields():
    """Names of layout.def, read as text."""
    text = open(os.path.join(os.environ.get("abs_top_srcdir", "."), "plugins",
                             "cpython", "layout.def")).read()
    return re.findall(r"^F\((\w+)", text, re.M)


def shift(job):
    """(job, what the program says first, {how: {field}})"""
    version, path, what, by = job
    argv = [path, "-c", BARE] if what == "bare" else \
        [path, os.path.join(FIXTURES, "edges.py")]
    f = Fixture(argv)
    f.listens()
    run = subprocess.run([SHIFT, str(f.pid), str(by)], capture_output=True,
                         text=True, timeout=LIMIT)
    f.p.kill()
    f.p.wait()
    first, *lines = run.stdout.splitlines() or ["nothing"]
    said = {"caught": set(), "placed": set(), "believed": set()}
    for line in lines:
        how, field = line.split(":")[0].split(" ")
        said[how].add(field)
    return job, first, said


def judge(job, first, said, allowed):
    name = "%s, %s, by %+d" % (job[0], job[2], job[3])
    if not ok(first.startswith("right: "), name + ": unmoved, it is right"):
        diag(first)
        return
    n = sum(map(len, said.values()))
    equal(sorted(said["believed"]), [],
          "%s: none of %d moved fields is believed" % (name, n))
    ok(n > 220, name + ": all fields of the version were moved")
    if job[3] < 0:
        return
    equal(sorted(said["placed"] - allowed), [],
          "%s: the process itself refuses %d" % (name, len(said["caught"])))


def main():
    placed = set(" ".join(PLACED.values()).split())
    bare = placed | SOMETIMES | set(NONE_THERE.split())
    equal(sorted(bare - set(fields())), [], "exceptions are fields")
    found = pythons()
    jobs = [(v, path, what, 8) for v, path in found
            for what in ("rich", "bare")][:1 if SMOKE else None]
    if not SMOKE:
        jobs.append((*found[-1], "bare", -8))
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for job, first, said in pool.map(shift, jobs):
            judge(job, first, said, bare if job[2] == "bare" else placed)
            seen |= said["placed"]
    if len(found) >= 6 and not SMOKE:
        equal(sorted(bare - seen - SOMETIMES), [], "every exception is needed")
    done()


main()
