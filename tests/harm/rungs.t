#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The harm suite by the other ways to look at a program: stopped and copied,
read as it runs, with the probe loaded from the start, and with functions of
its own called in copies of it, some of which crash there. The program must
not notice any of it.

HEAPSH_STRESS=1 (make stress): 1000 attaches a row instead of 50."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import harmtest
import hstest
import tgtest
from harmtest import grew, looped, N, sizes, sizes_at_rest, STRESS, visible
from hstest import diag, equal, ok, skip

COPIES = N if STRESS else max(N // 2, 3)
PROBE = os.path.join(tgtest.BUILD, "heapsh-probe.so")
d = tgtest.Driver()


def row(visit, way, *words, **kw):
    return harmtest.row(visit, *words, way=", " + way, **kw)


def copied():
    def visit(name, f):
        return looped(d, name, f, COPIES, 0, "copy")

    # Milliseconds for each thousand of mappings, and each 10 MB.
    def few(name, f):
        return looped(d, name, f, max(N // 10, 2), 0, "copy")

    for words in (("malloc", 1), ("malloc", 4), ("churn", 4), ("registers", 0),
                  ("registers", 3), ("signals",), ("regions",), ("parent",),
                  ("blocked",)):
        row(visit, "copied", *words)
    row(few, "copied", "maps", 10000)
    row(few, "copied", "memory", 64, same=True, TG_HUGE="1")
    row(visit, "copied", "children", childless=False)
    with tgtest.fixture("registers", 2) as f:
        looped(d, "copies grow", f, N, 0, "copy")
        before = [sizes_at_rest(d.tracer), sizes(f.pid)]
        looped(d, "copies grow", f, 2 * N, 0, "copy")
        for who, a, b in zip(("the tracer", "the program"), before,
                             [sizes_at_rest(d.tracer), sizes(f.pid)]):
            grew(a, b, "%d copies later %s" % (2 * N, who))
        tgtest.ends_well(f, "copies grow: it found nothing wrong")


def live():
    """No runtime is in there: every plugin looks, and none knows it."""
    n = max(N // 10, 2)

    def visit(name, f):
        said = set()
        for _ in range(n):
            r = hstest.heapsh(["attach", f.pid, "--live"], ["1"])
            said.add((r.status, "no plugin knows it" in r.out))
        equal(said, {(3, True)}, "%s: looked at %d times" % (name, n))

    for words in (("malloc", 4), ("registers", 3), ("signals",), ("churn", 4),
                  ("blocked",)):
        row(visit, "live", *words)


def preloaded():
    def visit(name, f):
        return looped(d, name, f, N)

    def copy(name, f):
        return looped(d, name, f, COPIES, 0, "copy")

    if not os.access(PROBE, os.R_OK):
        skip("with the probe", "it was not built")
        return
    for words in (("malloc", 4), ("registers", 3), ("signals",), ("churn", 4),
                  ("blocked",)):
        row(visit, "preloaded", *words, LD_PRELOAD=PROBE)
    row(copy, "preloaded and copied", "malloc", 4, LD_PRELOAD=PROBE)


def symbols():
    """Where functions of the fixture lie in its file."""
    out = subprocess.run(["nm", tgtest.FIXTURE], capture_output=True,
                         text=True, check=True).stdout
    words = [line.split() for line in out.splitlines()]
    return {w[2]: int(w[0], 16) for w in words if len(w) == 3}


def base(pid):
    with open("/proc/%d/maps" % pid) as f:
        return int(f.readline().split("-")[0], 16)


def evaluated():
    """Three functions of the program in copies of it: one that answers, one
    that waits for input and tells its copy to stop, one that crashes there."""
    at = symbols()
    n = max(N // 5, 3)
    calls = (("tg_now_ns", "returned"), ("tg_told_to_stop", "returned"),
             ("tg_blocked_index", "crashed"))

    def visit(name, f):
        odd = []
        for _ in range(n):
            i = d.need("freeze", f.pid)
            d.need("eval", i["id"])
            for function, end in calls:
                r = d.need("call", 1000, base(f.pid) + at[function], 0)
                if r["end"] != end:
                    odd.append((function, r["why"]))
            d.need("release", i["id"])
        equal(odd, [], "%s: %d instants, %d calls" % (name, n, 3 * n))

    for words in (("malloc", 4), ("registers", 3), ("signals",), ("churn", 4),
                  ("blocked",)):
        row(visit, "evaluated", *words)


def settled():
    """A copy of the copy runs on by itself, to a limit or to a call."""
    n = max(N // 2, 3)

    def visit(name, f):
        states = set()
        for _ in range(n):
            i = d.need("freeze", f.pid)
            states.add(d.need("settle", i["id"], 0, 20)["state"])
            d.need("release", i["id"])
        ok(states <= {tgtest.SETTLED, tgtest.LIMIT, tgtest.FAULT},
           "%s: %d settled, or not" % (name, n)) or diag(states)

    for words in (("malloc", 1), ("malloc", 4), ("registers", 3),
                  ("signals",), ("regions",), ("blocked",)):
        row(visit, "settled", *words)


def slow():
    """Between seizing a thread and stopping it time passes, in which children
    end, signals come and threads go."""
    n = max(N // 5, 3)

    def visit(name, f):
        return looped(slow_tracer, name, f, n)

    def copy(name, f):
        return looped(slow_tracer, name, f, n, 0, "copy")

    if not os.access(tgtest.FAULTY, os.X_OK):
        skip("a slow tracer", "tg_driver_fault was not built")
        return
    with tgtest.Driver(HEAPSH_TEST_SLOW_US="4000") as slow_tracer:
        for words in (("children",), ("signals",), ("malloc", 4), ("blocked",),
                      ("blocked1", "epoll_wait"), ("blocked1", "poll")):
            row(visit, "slowly", *words, childless=words[0] != "children")
        row(copy, "slowly copied", "children", childless=False)
        row(copy, "slowly copied", "blocked1", "epoll_wait")


harmtest.run_parts(slow, copied, live, preloaded, evaluated, settled)
equal(d.do("list"), [], "nothing is held at the end")
equal(visible(d.tracer), [False, False], "the tracer is well")
equal(d.do("quit"), {"tracer_status": 0}, "and ends when told to")
hstest.done()
