#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A deep size finds a megabyte behind every kind of holder, and none behind a
weak reference."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (done, equal, heapsh, int_of, python,  # noqa: E402
                    pythons, values)

N = 1000000

for version, path in pythons():
    with python(path, "megabyte.py") as f:
        t = f.truth
        got = dict(zip(t["holders"], values(heapsh(["attach", f.pid], [
            "asizeof holders['%s']" % h for h in t["holders"]]))))
        equal({h: v for h, v in got.items()
               if not N <= (int_of(v) if v is not None else 0) < 5 * N}, {},
              "%s: each of %d holders has its megabyte"
              % (version, len(got)))
        got = dict(zip(t["weak"], values(heapsh(["attach", f.pid], [
            "asizeof weak['%s']" % h for h in t["weak"]]))))
        equal({h: v for h, v in got.items() if int_of(v) > 50000}, {},
              "%s: nothing is found behind weak references" % version)
        equal(f.end(), (0, "same"), "%s: it ended well" % version)
done()
