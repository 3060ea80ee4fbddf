#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many attaches leave nothing behind: no zombie, no stopped thread, no mapping,
no descriptor, no memory."""
import ctypes
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (comes_to, done, equal, heapsh, ok, python,  # noqa: E402
                    pythons, SMOKE, starved, wait_for)

TIMES = 10 if SMOKE else 100
# Of us and all that we start: else the kernel may gather pages of a program
# into a huge one at any time, and it has 2 MiB more.
PR_SET_THP_DISABLE = 41
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def read(path):
    with open(path, "rb") as f:
        return f.read().decode("utf-8", "replace")


def rss_kb(pid):
    for line in read("/proc/%d/smaps_rollup" % pid).splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])


def children(pid):
    found = []
    for tid in os.listdir("/proc/%d/task" % pid):
        found += read("/proc/%d/task/%s/children" % (pid, tid)).split()
    return found


def states(pid):
    out = set()
    for tid in os.listdir("/proc/%d/task" % pid):
        st = read("/proc/%d/task/%s/stat" % (pid, tid))
        out.add(st[st.rindex(")") + 2])
    return out


def facts(pid):
    status = dict(x.split(":", 1) for x in
                  read("/proc/%d/status" % pid).splitlines() if ":" in x)
    return {"descriptors": sorted(os.listdir("/proc/%d/fd" % pid)),
            "tracer": status["TracerPid"].strip(),
            "children": children(pid),
            "signals": status["SigPnd"] + status["ShdPnd"]}


def maps(pid):
    return [x.split(None, 5)[0:2] + x.split(None, 5)[5:]
            for x in read("/proc/%d/maps" % pid).splitlines()]


def attach(pid):
    """(status, what attach answered); it settled, or there was no time."""
    r = heapsh(["attach", pid], ["heap", "info setup"])
    docs = r.docs
    if not docs:
        return r.status, {"err": r.err}
    return r.status, dict(docs[0], settled=docs[0].get("settled") or
                          starved(docs[-1:]))


version, path = pythons()[-1]
with python(path, "idle.py") as f:
    f.listens()
    attach(f.pid)               # warm: page tables, caches
    before, maps_before, rss = facts(f.pid), maps(f.pid), rss_kb(f.pid)
    runs = [attach(f.pid) for _ in range(TIMES)]
    bad = [r for r in runs if r[0] or r[1].get("rung") != "frozen clone"]
    equal(bad, [], "idle: %d attaches by frozen clone" % TIMES)
    settled = sum(bool(r[1].get("settled")) for r in runs)
    ok(settled >= TIMES * 99 // 100, "idle: %d of %d settled"
       % (settled, TIMES))
    comes_to(lambda: facts(f.pid), before,
             "idle: descriptors, tracer, children, signals")
    comes_to(lambda: maps(f.pid), maps_before, "idle: mappings")
    comes_to(lambda: states(f.pid) & set("TtZX"), set(),
             "idle: no thread is stopped")
    grown = rss_kb(f.pid) - rss
    ok(grown <= 64, "idle: RSS grew by %d kB" % grown)
    equal(f.end(), (0, "same"), "idle: ends well, nothing has changed")

with python(path, "hammer.py", "4", "500") as f, \
        python(path, "hammer.py", "4", "500") as twin:
    attach(f.pid)
    before = facts(f.pid)
    start, tstart = rss_kb(f.pid), rss_kb(twin.pid)
    runs = [attach(f.pid) for _ in range(TIMES)]
    grown, tgrown = rss_kb(f.pid) - start, rss_kb(twin.pid) - tstart
    bad = [r for r in runs if r[0] or r[1].get("rung") != "frozen clone"]
    equal(bad, [], "busy: %d attaches by frozen clone" % TIMES)
    settled = sum(bool(r[1].get("settled")) for r in runs)
    ok(settled >= TIMES * 99 // 100, "busy: %d of %d settled"
       % (settled, TIMES))
    comes_to(lambda: facts(f.pid), before,
             "busy: descriptors, tracer, children, signals")
    a = f.ask("progress")
    wait_for(lambda: all(x < y for x, y in zip(a, f.ask("progress"))),
             "every thread goes on")
    ok(True, "busy: every thread goes on")
    ok(grown <= tgrown + 1024, "busy: RSS grew by %d kB, the twin's by %d"
       % (grown, tgrown))
    equal(f.end(), (0, "good"), "busy: ends well, its own check is right")
done()
