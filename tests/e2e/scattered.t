#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What only lists name whose items lie all over the heap, in no order, is
found: each object once, none missing. Truth: the process says what it made,
and in what order."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import done, equal, heapsh, ok, python, pythons  # noqa: E402


def bytes_of(f):
    rows = heapsh(["attach", f.pid], ["Type('bytes')"]).results[0]
    return rows["count"], rows["size"]


for version, path in pythons():
    with python(path, "scattered.py") as f:
        before = bytes_of(f)
        truth = f.ask("make")
        after = bytes_of(f)
        ok(truth["far"] > truth["made"] // 2,
           version + ": items of neighbours are no neighbours")
        equal((after[0] - before[0], after[1] - before[1]),
              (truth["made"], truth["bytes"]),
              version + ": all that they name is found, once")

done()
