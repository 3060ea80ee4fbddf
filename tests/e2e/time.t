#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Summaries and their differences: what a program made and dropped, row by row,
and nothing for an idle one."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import Shell, done, equal, python, pythons  # noqa: E402


def table(doc):
    return {r["type"]: [r["count"], r["size"]] for r in doc.get("rows", [])}


def own(doc):
    return {k: v for k, v in table(doc).items() if k.startswith("__main__.")}


for version, path in pythons():
    with python(path, "change.py") as f:
        sh, t = Shell(f.pid), f.truth
        ids = " ".join("0x%x" % i for i in t["ids"])
        equal(table(sh("summary iso(%s) limit=none" %
                       ", ".join("0x%x" % i for i in t["ids"]))),
              t["summary"], "%s: summary of 1,000 objects" % version)
        s = own(sh("summary limit=none"))
        equal({k: s.get("__main__." + k) for k in ("Kept", "Dropped", "Still")},
              {"Kept": [1, t["sizes"]["Kept"]],
               "Dropped": [700, 700 * t["sizes"]["Dropped"]],
               "Still": [50, 50 * t["sizes"]["Still"]]},
              "%s: summary of the whole heap, own classes" % version)
        f.listens()
        sh("track start")
        idle = sh("track diff")
        equal(table(idle), {}, "%s: an idle program: nothing" % version)
        f.ask("change")
        f.listens()
        want = {"__main__.Kept": [300, 300 * t["sizes"]["Kept"]],
                "__main__.Dropped": [-600, -600 * t["sizes"]["Dropped"]]}
        equal(own(sh("track diff")), want,
              "%s: track diff: what was made and dropped" % version)
        equal(own(sh("summary diff @1")), want,
              "%s: summary diff with the first instant" % version)
        equal(table(sh("track diff")), {}, "%s: and then nothing" % version)
        equal(sh.end(), 0, "%s: status" % version)
        equal(f.end()[0], 0, "%s: the program ends well" % version)
done()
