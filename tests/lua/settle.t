#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lua that is caught in the middle of its work is read between two
instructions: what its objects sum up to is then, to the byte, what its
collector counts, which is not so while a table grows."""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (FIXTURES, SMOKE, Fixture, Shell, done, equal,  # noqa: E402
                    ok, skip, wait_for)

ROUNDS = 3 if SMOKE else 8


def look(pid):
    """Settled, the sum of sizes, the collector's own count."""
    sh = Shell(pid)
    said = [r[1] for r in sh("info setup")["rows"] if r[0] == "layout"][0]
    size = sh("heap.size")["value"]
    sh.end()
    return (sh.attached["settled"], size,
            int(re.search(r"counts (\d+) bytes", said).group(1)))


for v in ("5.4",) if SMOKE else ("5.4", "5.3", "5.1"):
    path = shutil.which("lua" + v)
    if path is None:
        skip("Lua " + v, "no program lua%s" % v)
        continue
    with Fixture([path, os.path.join(FIXTURES, "busy.lua")]) as f:
        seen = [look(f.pid) for _ in range(ROUNDS)]
        wait_for(lambda: look(f.pid)[2] != seen[-1][2], "it works on")
        equal([s[0] for s in seen], [True] * ROUNDS, "%s: settled" % v)
        equal([s[1] for s in seen], [s[2] for s in seen],
              "%s: sizes are what the collector counts" % v)
        ok(True, "%s: and it had worked on" % v)
        equal(f.p.poll(), None, "%s: and does" % v)
done()
