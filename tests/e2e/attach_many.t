#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many attaches leave nothing behind: no zombie, no stopped thread, no mapping,
no descriptor, no memory."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, ok, python,  # noqa: E402
                    pythons, SMOKE)

TIMES = 10 if SMOKE else 100


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
    r = heapsh(["attach", pid], ["heap"])
    docs = r.docs
    return r.status, docs[0] if docs else {"err": r.err}


version, path = pythons()[-1]
with python(path, "idle.py") as f:
    attach(f.pid)               # warm: page tables, caches
    before, maps_before, rss = facts(f.pid), maps(f.pid), rss_kb(f.pid)
    runs = [attach(f.pid) for _ in range(TIMES)]
    bad = [r for r in runs if r[0] or r[1].get("rung") != "frozen clone"]
    equal(bad, [], "idle: %d attaches by frozen clone" % TIMES)
    settled = sum(bool(r[1].get("settled")) for r in runs)
    ok(settled >= TIMES * 99 // 100, "idle: %d of %d settled"
       % (settled, TIMES))
    equal(facts(f.pid), before, "idle: descriptors, tracer, children, signals")
    equal(maps(f.pid), maps_before, "idle: mappings")
    ok(not states(f.pid) & set("TtZX"), "idle: no thread is stopped")
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
    equal(facts(f.pid), before, "busy: descriptors, tracer, children, signals")
    a, b = f.ask("progress"), None
    b = f.ask("progress")
    ok(all(x > 0 for x in a) and b != a or b, "busy: every thread goes on")
    ok(grown <= tgrown + 1024, "busy: RSS grew by %d kB, the twin's by %d"
       % (grown, tgrown))
    equal(f.end(), (0, "good"), "busy: ends well, its own check is right")
done()
