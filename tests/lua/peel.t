#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Objects are found in one look through memory, without following lists; the
collector's own lists, followed one by one, lead to the same objects. Also while
the collector is at work, with dead objects and freed memory about."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (FIXTURES, LIMIT, SMOKE, Fixture, diag,  # noqa: E402
                    done, equal, ok, skip)

PEEL = os.path.join(os.environ.get("abs_top_builddir", "."),
                    "tests", "lua", "peel")
STEPS = (0, 0, 1, 2, 5, 0, 10, 30, 0, 100, 1, 1)


def peel(pid):
    run = subprocess.run([PEEL, str(pid)], timeout=LIMIT, capture_output=True,
                         text=True)
    words = run.stdout.split()
    if len(words) != 4:
        diag("status %d: %s%s" % (run.returncode, run.stdout, run.stderr))
        return "nothing", 0, 0, 0
    return (words[0],) + tuple(int(w) for w in words[1:])


def check(name, v, pid, least):
    how, objects, upvalues, differ = peel(pid)
    equal(how, "peeled", "%s: the collector's count agrees" % name)
    equal(differ, 0, "%s: and so do its lists" % name)
    ok(objects > least, "%s: %d objects" % (name, objects))
    ok((upvalues > 0) == (v == "5.3"),
       "%s: of 5.3, up-values are none of them" % name)


def check_phases(v, path, *mode):
    argv = [path, os.path.join(FIXTURES, "phases.lua"), *mode]
    with Fixture(argv) as f:
        for i, step in enumerate(STEPS[:4] if SMOKE else STEPS):
            f.ask(str(step))
            f.listens()
            check(" ".join(("Lua", v, *mode, "step", str(i))), v, f.pid, 20000)
        equal(f.end()[0], 0, "the fixture of %s goes on well" % v)


for v in ("5.4",) if SMOKE else ("5.4", "5.3", "5.1"):
    path = shutil.which("lua" + v)
    if path is None:
        skip("Lua " + v, "no program lua%s" % v)
        continue
    with Fixture([path, os.path.join(FIXTURES, "zoo.lua")]) as f:
        f.listens()
        check("Lua %s, zoo" % v, v, f.pid, 20000)
    for mode in ("fresh", "churn"):
        argv = [path, os.path.join(FIXTURES, "bench_heap.lua"), "100000", mode]
        with Fixture(argv) as f:
            f.listens()
            check("Lua %s, %s" % (v, mode), v, f.pid, 95000)
    check_phases(v, path)
    if v == "5.4":
        check_phases(v, path, "generational")
done()
