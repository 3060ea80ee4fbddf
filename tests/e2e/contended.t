#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A copy of a program that stops at a lock of malloc() is not consistent: of
such, one in five is. Another instant is taken, and few are left."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (comes_to, diag, done, equal, heapsh,  # noqa: E402
                    ok, python, pythons, SMOKE, starved)
import tgtest  # noqa: E402

TIMES = 6 if SMOKE else 30

version, path = pythons()[-1]
with python(path, "contended.py",
            env={"PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1"}) as f:
    wrong, unsettled = [], 0
    for _ in range(TIMES):
        r = heapsh(["attach", f.pid], ["len(heap & __main__.Item)",
                                       "info setup"])
        if r.status or r.results[0].get("value") != f.truth["items"]:
            wrong.append((r.status, r.out[:300], r.err[:300]))
            continue
        unsettled += not (r.docs[0]["settled"] or starved(r.docs[-1:]))
    equal(wrong, [], "%d attaches count the %d items" %
          (TIMES, f.truth["items"]))
    if not ok(unsettled <= max(TIMES // 15, 1), "all but a few settle"):
        diag("%d of %d did not" % (unsettled, TIMES))
    comes_to(lambda: tgtest.children(f.pid), [],
             "what was given back is gone")
    equal(f.end()[1], "good", "the program goes on")
done()
