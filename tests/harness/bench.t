#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The frame of `make bench`: figures, limits, the check of each timed table,
and one run over small heaps, whose JSON file has a stable form. No time is
looked at."""
import json
import os
import subprocess
import sys
import tempfile

SRC = os.environ.get("abs_top_srcdir", ".")
sys.path.insert(0, os.path.join(SRC, "tests", "lib"))
import benchrun  # noqa: E402
import hsbench  # noqa: E402
from hsbench import at, faster, figure, most, times  # noqa: E402
from hstest import SMOKE, diag, done, equal, ok  # noqa: E402

RUN = os.path.join(SRC, "tests", "bench", "run")
HEAP = os.path.join(SRC, "tests", "bench", "heap.bench")


class Sized:
    def __init__(self, millions):
        self.millions = millions


def figures():
    f = figure("h", 7, "n", "s", [3, 1, 2], "p", [2, 2, 2], times(1.1))
    equal((f["median"], f["least"], f["most"], f["ratio"], f["reached"]),
          (2, 1, 3, 1, True), "median, spread, ratio pair by pair")
    equal(figure("h", 7, "n", "s", [3, 9, 2], "p", [2, 3, 2])["ratio"], 1.5,
          "the median of ratios, not the ratio of medians")
    equal(tuple(f), hsbench.FIELDS, "members are FIELDS, in their order")
    equal(figure("h", 7, "n", "s", [2, 2], "p", [3, 3, 60])["ratio"], 0.6667,
          "a peer with other numbers of samples: the ratio of medians")
    f = figure("h", 7, "n", "s", [], "p", (), most(1), why="no memory")
    equal((f["median"], f["reached"]), (None, None), "not measured")
    ok("not measured: no memory" in hsbench.line_of(f), "and why")


def limits():
    reached = hsbench.is_reached
    equal([reached(times(2), 9, r) for r in (1.9, 2.1, None)],
          [True, False, None], "at most n times the peer")
    equal([reached(faster(40), 9, r) for r in (1 / 41, 1 / 39)],
          [True, False], "n times as fast")
    equal([reached(most(4), v, None) for v in (4, 4.1)], [True, False],
          "at most n")
    limit = at(2, most(1), 20, most(9))
    equal([limit(Sized(m)) for m in (0.2, 2.0, 20)],
          [None, most(1), most(9)], "limits of some sizes")
    f = figure("h", 7, "n", "s", [2], "p", [1], times(1))
    ok(hsbench.line_of(f).endswith("NOT REACHED"), "a line that says so")


def checks():
    def table(count, size, row):
        return {"count": count, "size": size, "rows": [
            {"kind": "__main__.Account", "count": row[0], "size": row[1]}]}

    before = table(1000, 9000, (0, 0))
    before["rows"] = []
    truth = {"made": 5000, "bytes": 500000, "kinds": {"Account": [100, 4800]}}

    def refuses(doc):
        try:
            benchrun.check(doc, before, truth)
            return False
        except benchrun.Wrong:
            return True

    equal([refuses(table(*t)) for t in (
        (6000, 509000, (100, 4800)), (5000, 509000, (100, 4800)),
        (6000, 809000, (100, 4800)), (6000, 509000, (99, 4800)),
        (6000, 509000, (100, 4801)))], [False, True, True, True, True],
        "a table that is not true is refused")


def whole():
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "bench.json")
        env = dict(os.environ, BENCH_SIZES="0.02", BENCH_PAIRS="1",
                   BENCH_JSON=path, BENCH_HEAPS="accounts" if SMOKE else
                   "accounts,shuffled,deep,chain,malloc,large,buffers", PROFILE="",
                   HEAPSH_BENCH_PEERS="")
        p = subprocess.run([RUN, HEAP], env=env, capture_output=True,
                           text=True, timeout=500)
        if not ok(p.returncode == 0, "a run over small heaps"):
            diag(p.stdout + p.stderr)
            return
        with open(path) as f:
            doc = json.load(f)
    equal((doc["schema"], sorted(doc)),
          ("heapsh-bench 1", ["began", "figures", "heapsh", "machine",
                              "schema", "seconds"]), "its JSON file")
    ok(all(tuple(f) == hsbench.FIELDS for f in doc["figures"]),
       "every figure has the same members")
    heaps = {f["heap"] for f in doc["figures"]}
    equal(heaps, set(env["BENCH_HEAPS"].split(",")), "heaps of every kind")
    mute = [f for f in doc["figures"] if not f["samples"] and not f["why"]]
    equal(mute, [], "a figure that is not there says why")
    told = [f["name"] for f in doc["figures"]
            if f["heap"] == "accounts" and f["samples"]]
    missing = [n for n in ("gc.collect()", "attach -e heap",
                           "with dominators, in all",
                           "peak of memory: table", "heap.byvia",
                           "heap.byid, page 1,000,000") if n not in told]
    equal(missing, [], "figures of the heap of accounts")
    equal([n for n in told if n not in p.stdout], [], "each has a line")


figures()
limits()
checks()
whole()
done()
