#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Between two instants, what was made at the address of something that is gone
is not a survivor; what stayed is, also when it has grown."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import Shell, done, equal, ok, python, pythons  # noqa: E402


def named(ids):
    return "iso(%s)" % ", ".join("0x%x" % i for i in ids)


for version, path in pythons():
    with python(path, "reuse.py") as f:
        sh = Shell(f.pid)
        sh.say("before = heap")
        sh("before.count")                # it is read by now
        truth = f.ask("reuse")
        sh("snap")
        for kind, ids in truth["reused"].items():
            ok(len(ids) >= 10, "%s: %d addresses of %s were used again"
               % (version, len(ids), kind))
            equal((sh("%s & before" % named(ids)).get("count"),
                   sh("%s - before" % named(ids)).get("count")),
                  (0, len(ids)), "%s: none of these %s survived"
                  % (version, kind))
            equal(sh("(heap - before) & %s" % named(ids)).get("count"),
                  len(ids), "%s: heap - before has them" % version)
        for what in "stay", "grown":
            ids = truth[what]
            equal((sh("%s & before" % named(ids)).get("count"),
                   sh("%s - before" % named(ids)).get("count")),
                  (len(ids), 0), "%s: %d objects that %s survived"
                  % (version, len(ids), what))
        equal(sh.end(), 0, "%s: status" % version)
        equal(f.end()[0], 0, "%s: the program ends well" % version)
done()
