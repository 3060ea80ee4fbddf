#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""References that the collector is never told of."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, python,  # noqa: E402
                    pythons)

for version, path in pythons():
    with python(path, "hidden.py") as f:
        pairs = f.truth["pairs"]
        r = heapsh(["attach", f.pid],
                   ["0x%x & iso(0x%x).referents" % (other, owner)
                    for _, owner, other in pairs])
        missing = [p for p, d in zip(pairs, r.results)
                   if d.get("count") != 1]
        diag("%s: %s" % (version, " ".join(sorted({p[0] for p in pairs}))))
        equal(missing, [], "%s: what is held is a referent, %d times"
              % (version, len(pairs)))
        rows = heapsh(["attach", f.pid],
                      ["orphans.bytype.all"]).results[0]["rows"]
        equal([x["kind"] for x in rows if "sqlite3Node" in x["kind"]], [],
              "%s: every count of a statement's node is found" % version)
        equal(f.end()[0], 0, "%s: the program ends well" % version)
done()
