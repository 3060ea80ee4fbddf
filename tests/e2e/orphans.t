#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What C alone is seen to hold, in an interpreter that waits for a line, is
held by C: the address of every orphan stands in a thread's stack, in the data
of a file or in the heap of malloc(), or the orphan lies in a file itself. What
never ends (static objects of 3.11, immortal ones since 3.12) is not among
them."""
import array
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import Fixture, diag, done, equal, heapsh, ok, pythons  # noqa: E402

# Who keeps a reference where only a list of its own, in a pool, says so.
IN_POOLS = re.compile("list: |module: <module '_warnings'>")


def mappings(pid):
    """(start, end, "file" or name) of what may be written."""
    file_end = 0
    for line in open("/proc/%d/maps" % pid):
        span, prot, _, _, _, *path = line.split()
        start, end = (int(x, 16) for x in span.split("-"))
        is_file = bool(path) and path[0].startswith("/")
        bss = not path and start == file_end
        if is_file:
            file_end = end
        if "w" in prot:
            name = "file" if is_file or bss else path[0] if path else ""
            yield start, end, name


def where(pid, addresses):
    """{address: where words that equal it are}"""
    found = {a: set() for a in addresses}
    with open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for start, end, name in mappings(pid):
            if name not in ("file", "[heap]", "[stack]"):
                continue
            mem.seek(start)
            for a in addresses & set(array.array("Q", mem.read(end - start))):
                found[a].add(name)
            for a in addresses:
                if name == "file" and start <= a < end:
                    found[a].add("itself")
    return found


def test(version, path):
    f = Fixture([path, "-c", "print('ready', flush=True); input()"])
    try:
        f.listens()
        heap, orphans = [
            d for d in heapsh(["attach", f.pid],
                              ["heap", "set rows=100000",
                               "orphans.byid"]).results if "rows" in d]
        rows = {int(r["address"], 16): r["kind"] for r in orphans["rows"]}
        places = where(f.pid, set(rows))
    finally:
        f.p.kill()
        f.p.wait()
    diag("%s: %d orphans of %d objects" % (version, len(rows), heap["count"]))
    ok(0 < len(rows) * 25 < heap["count"],
       "%s: few objects of an idle interpreter are orphans" % version)
    equal([kind for a, kind in rows.items()
           if not places[a] and not IN_POOLS.match(kind)], [],
          "%s: C holds the %d orphans" % (version, len(rows)))


for found, path in pythons():
    test(found, path)
done()
