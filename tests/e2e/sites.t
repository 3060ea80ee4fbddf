#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""View 9 of Heapy's, byprod: lines that allocated objects are those that the
program's own tracemalloc answers."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import Shell, done, equal, ok, python, pythons  # noqa: E402


def counts(doc):
    return {r["kind"]: r["count"] for r in doc["rows"]}


for version, path in pythons():
    with python(path, "sites.py") as f:
        t, sh = f.truth, Shell(f.pid)
        for name, line in (("nodes", "(heap & Node).byprod.all"),
                           ("slots", "(heap & Slot).byprod.all"),
                           ("arrays", "iso(arrays).referents.byprod.all"),
                           ("texts", "(iso(texts).referents & str)"
                                     ".byprod.all"),
                           ("none", "iso(None, int, sys).byprod.all")):
            doc = sh(line)
            equal(counts(doc) if "rows" in doc else doc.get("message"),
                  t[name], "%s: producers of %s are tracemalloc's"
                  % (version, name))
        doc = sh("iso(arrays[3]).prod")
        equal(["%s:%s" % (r[1], r[2]) for r in doc.get("rows", [])],
              t["trace"], "%s: a traceback is tracemalloc's" % version)
        (where, n), = t["nodes"].items()
        line = int(where.rsplit(":", 1)[1])
        equal(sh("(heap & Node) <= Prod('%s', %d)" % (t["file"], line))
              .get("value"), True, "%s: a line is a kind" % version)
        ok(sh("Prod('%s').count" % t["file"])["value"] >= 100,
           "%s: so is a file" % version)
        equal(sh("heap.byprod")["header"], "Producer (line of allocation)",
              "%s: the header is Heapy's" % version)
        sh.end()
        f.ask("stop")
        sh = Shell(f.pid)
        equal(sh("heap.byprod")["type"], "error",
              "%s: without notes it is an error" % version)
        sh.end()
        equal(f.end()[0], 0, "%s: the process ended well" % version)
done()
