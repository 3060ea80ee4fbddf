#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""basicsize, itemsize, leng and len() of a zoo of objects are what its types,
len() and Pympler say; modules are those of sys.modules; a class that nothing
is an instance of is an empty kind."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, int_of, ok, python,  # noqa: E402
                    pythons, skip, values)

WORDS = ("basicsize", "itemsize", "leng")
# What Pympler takes for dicts by their names.
DICTS = {"WeakKeyDictionary", "WeakValueDictionary"}


def untold(row, word):
    """Only the object's own code can tell: a hint of how many items an iterator
    has left, a view's length."""
    return row[2] in DICTS or \
        word == 2 and ("iterator" in row[2] or row[2] == "memoryview")


def differences(rows, got, want):
    """(object, word, answer, should be) of every word with an answer."""
    return [(r[0], r[2], w, g[i], want(r, i))
            for r, g in zip(rows, got) for i, w in enumerate(WORDS)
            if want(r, i) != "?" and g[i] != want(r, i)]


def say(name, wrong):
    if not ok(not wrong, name):
        for w in wrong[:40]:
            diag("%s (%s): %s %s, should be %s" % w)


def lengths(version, f, rows):
    rows = [r for r in rows if r[6] != "?"]
    docs = heapsh(["attach", f.pid], ["len(0x%x)" % r[1] for r in rows]).results
    told = [(r[0], d["value"], r[6]) for r, d in zip(rows, docs)
            if r[6] is not None and int_of(d.get("value")) != r[6]]
    equal(told, [], "%s: %d lengths are len()'s" % (version, len(rows)))
    loud = [d["message"] for r, d in zip(rows, docs) if r[0] == "list_loud"]
    ok(len(loud) == 1 and
       loud[0].startswith("len of __main__.Loud at 0x") and
       loud[0].endswith(" is not known"),
       "%s: a __len__ in Python is not guessed" % version)


def sizes(version, f, rows):
    cmds = ["%s(0x%x)" % (w, r[1]) for r in rows for w in WORDS]
    flat = [int_of(v) for v in values(heapsh(["attach", f.pid], cmds))]
    got = list(zip(*[iter(flat)] * 3))
    equal(len(got), len(rows), "%s: every command answered" % version)
    say("%s: sizes of %d objects are those of their types"
        % (version, len(rows)),
        differences(rows, got, lambda r, i: r[3 + i]))
    if rows[0][7] is None:
        skip("%s: the same as Pympler's" % version, "no Pympler here")
        return
    say("%s: the same as Pympler's" % version,
        differences(rows, got,
                    lambda r, i: "?" if untold(r, i) else r[7][i]))


for version, path in pythons():
    with python(path, "measure.py") as f:
        rows = f.truth["rows"]
        sizes(version, f, rows)
        lengths(version, f, rows)
        r = heapsh(["attach", f.pid], [
            "modules().all", "show modules", "heap & __main__.Attributes",
            "heap & __main__.Loud"]).results
        want = [[n, "0x%x" % a] for n, a in f.truth["modules"]]
        equal([row[1:3] for row in r[0].get("rows", [])], want,
              "%s: modules are those of sys.modules, in order" % version)
        equal(r[1].get("rows"), r[0].get("rows")[:1000],
              "%s: show modules is the same" % version)
        equal((r[2].get("count"), r[3].get("count")), (0, 1),
              "%s: a class stands for its instances, also of none" % version)
        equal(f.end()[0], 0, "%s: the program ends well" % version)
done()
