#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A layout of which one field is wrong is refused: every field of every
version is moved, one at a time, over a zoo of objects and over an interpreter
that has done nothing; none may be believed. Most are refused by what the
process holds; WRITTEN names those that only the row itself tells (it is not
what was written), and why."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (FIXTURES, LIMIT, SMOKE, SRC, Fixture, diag,  # noqa: E402
                    done, equal, ok, skip)

SHIFT = os.path.join(os.environ.get("abs_top_builddir", "."),
                     "tests", "lua", "shift")
BARE = "print(1) io.stdout:flush() io.read()"

WRITTEN = {
    "nothing reads it":
        "sizeof_g_mt sizeof_global tab_flags th_env ci_trap ci_nextraargs "
        "ci_callstatus upval_tt",
    "0, or nearly, while all is well":
        "th_allowhook th_hook th_basehookcount th_hookcount th_hookmask "
        "sizeof_hookmask th_openupval g_gckind g_finobj udata_nuv udata_uv "
        "udata_user proto_abslineinfo sizeof_abslineinfo proto_is_vararg "
        "proto_numparams proto_linedefined",
    "an address beside another that is as good, or that is the same":
        "ci_func ci_base ci_savedpc th_savedpc th_top th_globals tab_lastfree "
        "upval_v upval_value upval_open_next udata_metatable proto_p "
        "proto_upvalues node_value g_mt",
    "a few bytes too many, fewer than the collector counts beside objects":
        "sizeof_thread sizeof_main sizeof_upval sizeof_upvaldesc sizeof_proto "
        "sizeof_table sizeof_lineinfo sizeof_ci str_text udata_len udata_mem "
        "tab_alimit g_gcdebt proto_sizep",
}


def fields():
    """Names of layout.def, read as text."""
    with open(os.path.join(SRC, "plugins", "lua", "layout.def")) as f:
        return re.findall(r"^F\((\w+)", f.read(), re.M)


def shift(argv, by):
    """What the program says first, and {how: {field}}."""
    with Fixture(argv) as f:
        f.listens()
        run = subprocess.run([SHIFT, str(f.pid), str(by)], timeout=LIMIT,
                             capture_output=True, text=True)
    first, *lines = run.stdout.splitlines() or ["nothing: " + run.stderr]
    said = {"caught": set(), "written": set(), "believed": set()}
    for line in lines:
        how, field = line.split(":")[0].split(" ")
        said[how].add(field)
    return first, said


def check(v, path, by):
    """Fields that neither process has refused by itself."""
    untold = None
    for what, argv in (("zoo", [path, os.path.join(FIXTURES, "zoo.lua")]),
                       ("bare", [path, "-e", BARE])):
        name = "Lua %s, %s, by %+d" % (v, what, by)
        first, said = shift(argv, by)
        if not ok(first.startswith("right: "), name + ": it is right unmoved"):
            diag(first)
            return set()
        equal(sorted(said["believed"]), [], name + ": none moved is believed")
        ok(sum(map(len, said.values())) > 90,
           name + ": all fields of the version were moved")
        untold = said["written"] if untold is None else \
            untold & said["written"]
    return untold


def main():
    written = set(" ".join(WRITTEN.values()).split())
    equal(sorted(written - set(fields())), [], "exceptions are fields")
    seen, found = set(), 0
    for v in ("5.4",) if SMOKE else ("5.4", "5.3", "5.1"):
        path = shutil.which("lua" + v)
        if path is None:
            skip("Lua " + v, "no program lua" + v)
            continue
        found += 1
        untold = check(v, path, 8)
        equal(sorted(untold - written), [],
              "Lua %s: all others are refused by the process itself" % v)
        seen |= untold
        if not SMOKE:
            check(v, path, -8)
    if found == 3:
        equal(sorted(written - seen), [], "every exception is needed")
    done()


main()
