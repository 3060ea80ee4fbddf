#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Four threads hammer containers and one collects: counts are the program's
own, plus or minus what is printed as torn, and one object a running thread."""
import collections
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, ok, python,  # noqa: E402
                    pythons, SMOKE, starved)

TIMES = 20 if SMOKE else 500

version, path = pythons()[-1]
with python(path, "hammer.py", "4", "1000", "collect") as f:
    wrong, unsettled, collecting, torn = [], 0, 0, 0
    why = collections.Counter()
    for i in range(TIMES):
        r = heapsh(["attach", f.pid],
                   ["(heap & __main__.Item).count", "info setup"])
        docs = r.docs
        if r.status or len(docs) != 3:
            wrong.append((i, r.status, r.out[:300], r.err[:300]))
            continue
        if not docs[0]["settled"]:
            unsettled += not starved(docs[-1:])
            why.update(str(row[1]) for row in docs[2].get("rows", [])
                       if row[0] == "instant")
        collecting += docs[0]["collecting"]
        slack = docs[1].get("unread", {}).get("objects", 0)
        torn += slack
        n = docs[1]["value"]
        if not f.truth["items"] - slack <= n <= \
                f.truth["items"] + f.truth["threads"] + slack:
            wrong.append((i, n, f.truth["items"], docs[0]))
    equal(wrong, [], "%d attaches count the %d items" %
          (TIMES, f.truth["items"]))
    diag("not settled %d, in a collection %d, torn objects %d of %d attaches"
         % (unsettled, collecting, torn, TIMES))
    for reason, n in why.most_common():
        diag("%d not settled: %s" % (n, reason))
    ok(unsettled <= TIMES // 10 + collecting,
       "nine of ten settle, collector and all")
    equal(f.end(), (0, "good"), "the program's own check is right")
done()
