#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""asizeof, asizesof and asized over random graphs equal an oracle that runs in
the program itself, after the attach."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, int_of, ok, python,  # noqa: E402
                    pythons, values, SMOKE)

COUNT = 100 if SMOKE else 1000


def compare(what, version, got, want):
    wrong = [i for i, (g, w) in enumerate(zip(got, want)) if g != w]
    ok(len(got) == len(want) and not wrong,
       "%s: %s of %d graphs" % (version, what, len(want)))
    for i in wrong[:8]:
        diag("graphs[%d]: got %s, oracle %s" % (i, got[i], want[i]))


for version, path in pythons():
    with python(path, "deep.py", version.replace(".", ""), str(COUNT)) as f:
        names = ["__main__.graphs[%d]" % i for i in range(COUNT)]
        cmds = ["asizeof " + n for n in names]
        cmds += ["asizesof " + " ".join(names[i:i + 3])
                 for i in range(0, COUNT - 2, 3)]
        cmds += ["asized %s detail=1" % n for n in names]
        docs = heapsh(["attach", f.pid], cmds, timeout=600).results
        equal(len(docs), len(cmds), "%s: every command answered" % version)
        truth = f.ask("oracle")
        n = len(truth["asizesof"])
        compare("asizeof", version,
                [int_of(d.get("value", d.get("message")))
                 for d in docs[:COUNT]], truth["asizeof"])
        compare("asizesof", version,
                [[int_of(v.get("value")) for v in d.get("value", [])]
                 if isinstance(d.get("value"), list) else d
                 for d in docs[COUNT:COUNT + n]], truth["asizesof"])
        trees = docs[COUNT + n:]
        compare("asized size", version, [int_of(d.get("size")) for d in trees],
                truth["asizeof"])
        compare("asized flat", version, [int_of(d.get("flat")) for d in trees],
                truth["flat"])
        order = [d for d in trees
                 if [r["size"] for r in d.get("refs", [])] !=
                 sorted((r["size"] for r in d.get("refs", [])), reverse=True)]
        equal(len(order), 0, "%s: referents come by size" % version)
        equal(f.end()[0], 0, "%s: the program ended well" % version)
done()
