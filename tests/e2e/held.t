#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Held bytes of instances, dicts, lists, sets and slots equal what tracemalloc
saw them ask for."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import done, equal, heapsh, python, pythons  # noqa: E402

def held(doc):
    return int(doc.get("held", -10 ** 9))


for version, path in pythons():
    # Before 3.11 an instance's attributes are in a dict object of its own.
    apart = tuple(map(int, version.split(".")[:2])) < (3, 11)
    with python(path, "held.py") as f:
        names = sorted(f.truth)
        cmds = ["show __main__.kept['%s'][500]" % n for n in names]
        dicts = ["instance", "instance_many"] if apart else []
        cmds += ["show __main__.kept['%s'][500].__dict__" % n for n in dicts]
        docs = heapsh(["attach", f.pid], cmds).results
        equal(len(docs), len(cmds), "%s: every command answered" % version)
        got = {n: held(d) for n, d in zip(names, docs)}
        for n, d in zip(dicts, docs[len(names):]):
            got[n] += held(d)
        equal({n: (g, f.truth[n]) for n, g in got.items()
               if g != f.truth[n]}, {},
              "%s: held of %d kinds of object" % (version, len(names)))
        equal(f.end()[0], 0, "%s: the program ends well" % version)
done()
