#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""asizeof's stats= against a walk of the program over its own structure, and
against Pympler's own lines where it can be imported."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import Shell, done, equal, ok, python, pythons  # noqa: E402

NUMBERS = ("total", "given", "sized", "seen", "ranked", "missed",
           "duplicates", "deepest")

env = {}
if os.environ.get("HEAPSH_BENCH_PEERS"):
    env["PYTHONPATH"] = os.environ["HEAPSH_BENCH_PEERS"]
for version, path in pythons():
    with python(path, "stats.py", env=env) as f:
        t, sh = f.truth["truth"], Shell(f.pid)
        doc = sh("asizeof obj stats=2 cutoff=0")
        lines = doc["value"].splitlines()
        equal({n: doc.get(n) for n in NUMBERS}, {n: t[n] for n in NUMBERS},
              "%s: what was given, sized, seen and ranked is so" % version)
        equal(doc["total"], sh("asizeof obj")["value"],
              "%s: the total is that of asizeof" % version)
        equal([[r["size"], r["depth"], r["address"]] for r in doc["largest"]],
              t["largest"], "%s: the largest objects are its own" % version)
        equal({r["kind"]: [r["count"], r["total"], r["high"]]
               for r in doc["profiles"]}, t["types"],
              "%s: rows of types are its own" % version)
        doc = sh("asizeof obj stats=1.02 above=3000")
        equal([r["size"] for r in doc["largest"]],
              [r[0] for r in t["largest"] if r[0] > 3000][:2],
              "%s: a fraction is how many, above= how large" % version)
        ok("profiles" not in doc, "%s: stats=1 has no types" % version)
        ok("basicsize, itemsize" in sh("asizeof obj stats=3")["value"],
           "%s: stats=3 has sizes of types" % version)
        for line, message in (
                ("asizeof obj stats=4",
                 "asizeof: option stats cannot be 4"),
                ("asizeof obj stats=1.2",
                 "asizeof: option stats cannot be 1.2"),
                ("asizeof obj cutoff=x",
                 "asizeof: option cutoff cannot be x")):
            equal(sh(line)["message"], message, "%s: %s" % (version, line))
        if f.truth["pympler"]:
            equal([x.strip() for x in lines[:9]],
                  [x.strip() for x in f.truth["pympler"]],
                  "%s: the lines are Pympler's" % version)
        sh.end()
        f.end()
done()
