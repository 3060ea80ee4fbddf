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


def check_first(name, sizes, docs):
    """How much room a class's first instances have is stored nowhere: what
    their blocks' sizes tell, to within one attribute."""
    got = [held(d) for d in docs]
    equal([(i, g, t) for i, (g, t) in enumerate(zip(got, sizes))
           if abs(g - t) > 8 or len(got) != len(sizes)], [],
          "%s attributes: held of first instances" % name)


for version, path in pythons():
    # Before 3.11 an instance's attributes are in a dict object of its own.
    apart = tuple(map(int, version.split(".")[:2])) < (3, 11)
    with python(path, "held.py") as f:
        truth, first = f.truth
        names = sorted(truth)
        cmds = ["show __main__.kept['%s'][500]" % n for n in names]
        dicts = ["instance", "instance_many"] if apart else []
        cmds += ["show __main__.kept['%s'][500].__dict__" % n for n in dicts]
        docs = heapsh(["attach", f.pid], cmds).results
        equal(len(docs), len(cmds), "%s: every command answered" % version)
        got = {n: held(d) for n, d in zip(names, docs)}
        for n, d in zip(dicts, docs[len(names):]):
            got[n] += held(d)
        equal({n: (g, truth[n]) for n, g in got.items()
               if g != truth[n]}, {},
              "%s: held of %d kinds of object" % (version, len(names)))
        for n, sizes in sorted(first.items()):
            check_first("%s: %s" % (version, n), sizes, heapsh(
                ["attach", f.pid],
                ["show __main__.first['%s'][%d]" % (n, i)
                 for i in range(len(sizes))]).results)
        equal(f.end()[0], 0, "%s: the program ends well" % version)
done()
