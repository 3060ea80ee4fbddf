#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Flat sizes of a zoo of types equal what the interpreter itself answers; ids
resolve by name, by address and by path."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, int_of, ok, python,  # noqa: E402
                    pythons, values)

for version, path in pythons():
    with python(path, "zoo.py") as f:
        rows = f.truth["rows"]
        ok(f.truth["types"] >= 100,
           "%s: zoo of %d types" % (version, f.truth["types"]))
        cmds = ["flatsize __main__.zoo['%s']" % r["name"] for r in rows]
        cmds += ["flatsize 0x%x" % r["id"] for r in rows]
        got = [int_of(v) for v in values(heapsh(["attach", f.pid], cmds))]
        equal(len(got), len(cmds), "%s: every command answered" % version)
        for how, part in (("name", got[:len(rows)]),
                          ("address", got[len(rows):])):
            wrong = [(r["name"], r["type"], g, r["size"])
                     for r, g in zip(rows, part) if g != r["size"]]
            ok(not wrong, "%s: %d flat sizes by %s are sys.getsizeof's"
               % (version, len(rows), how))
            for w in wrong[:40]:
                diag("%s (%s): %s, should be %s" % w)
        shown = heapsh(["attach", f.pid],
                       ["show __main__.zoo['%s']" % r["name"] for r in rows])
        bad = [(r["name"], d.get("address"), hex(r["id"]))
               for r, d in zip(rows, shown.results)
               if d.get("address") != hex(r["id"])]
        equal(bad, [], "%s: names lead to the ids that it printed" % version)
        status, last = f.end()
        equal((status, last), (0, "same"),
              "%s: it ended well and no size had changed" % version)
done()
