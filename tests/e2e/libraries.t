#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Types of C code of numpy, pandas and lxml, which nothing describes: sizes and
references are what they tell themselves."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, python, pythons,  # noqa: E402
                    skip)

for version, path in pythons():
    with python(path, "libraries.py") as f:
        rows = f.truth
        if not rows:
            skip(version, "it has neither numpy nor pandas nor lxml")
            continue
        docs = heapsh(["attach", f.pid], ["set rows=20000"] + [
            c for r in rows for c in ("flatsize 0x%x" % r[1],
                                      "refs 0x%x" % r[1])]).results
        sizes, lacks = [], []
        for row, size, refs in zip(rows, docs[::2], docs[1::2]):
            ours = {int(x[-2], 16) for x in refs.get("rows", ())}
            if row[2] is not None and (size.get("value") != row[2] or
                                       size.get("approximate")):
                sizes.append((row[0], size, row[2]))
            if set(row[3]) - ours - {row[4]}:
                lacks.append(row[0])
        diag("%s: %s" % (version, ", ".join(r[0] for r in rows)))
        equal(sizes, [], "%s: sizes of %d types are their own"
              % (version, len(rows)))
        equal(lacks, [], "%s: nothing that they tell is missing" % version)
        equal(f.end(), (0, "same"), "%s: it ended well" % version)
done()
