#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names lead where Python's do: fields of a namedtuple, items of a range, the
variables of a module's frame."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (done, equal, heapsh, python, pythons,  # noqa: E402
                    values)

for version, path in pythons():
    with python(path, "names.py") as f:
        t = f.truth
        got = heapsh(["attach", f.pid], ["show " + n for n in t["objects"]])
        equal({n: d.get("address") for n, d in zip(t["objects"], got.results)},
              {n: hex(i) for n, i in t["objects"].items()},
              "%s: fields of namedtuples are their items" % version)
        got = values(heapsh(["attach", f.pid], list(t["numbers"])))
        equal({n: int(v) for n, v in zip(t["numbers"], got)}, t["numbers"],
              "%s: items of a range are numbers" % version)
        got = heapsh(["attach", f.pid], t["lacking"]).results
        equal([d["type"] for d in got], ["error"] * len(got),
              "%s: beyond a range, and beyond 64 bits, is nothing" % version)
        got = heapsh(["attach", f.pid], [
            "threads[0].frames[0].locals", "threads[0].frames[0]"]).results
        # from 3.12 on a comprehension's own are slots of the frame, too
        names = [sorted({r[1] for r in d["rows"]} - {"i", "name", "text"})
                 for d in got]
        equal(names, [t["names"]] * 2,
              "%s: a module's frame has the module's variables" % version)
        equal(f.end(), (0, "same"), "%s: it ended well" % version)
done()
