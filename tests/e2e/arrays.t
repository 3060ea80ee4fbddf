#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""numpy: sizes are what numpy answers, the items of object arrays and the bases
of views are references, and data counts once."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (LIMIT, diag, done, equal, heapsh, int_of,  # noqa: E402
                    ok, python, pythons, skip, values)

IMMORTAL = 4    # HEAPSH_OBJECT_IMMORTAL: what numpy 2.5 makes of some on 3.13
BUILD = os.environ.get("abs_top_builddir", ".")


def census(pid, commands):
    p = subprocess.run(
        [BUILD + "/tests/cpython/census", str(pid),
         BUILD + "/plugins/cpython/.libs/cpython.so"],
        input="".join(c + "\n" for c in commands), capture_output=True,
        text=True, timeout=LIMIT)
    answers = p.stdout.partition("\n")[2].split(".\n")
    if p.returncode or len(answers) != len(commands) + 1:
        raise SystemExit("Bail out! census: " + p.stderr[-300:])
    return [[line.split("\t") for line in a.split("\n")[:-1]]
            for a in answers[:-1]]


def sizes(version, f, rows):
    got = census(f.pid, ["size %d" % r["id"] for r in rows])
    wrong = [(r["name"], a[0], r["size"]) for r, a in zip(rows, got)
             if len(a[0]) < 4 or int(a[0][1]) != r["size"] or
             int(a[0][3]) & ~IMMORTAL]
    ok(not wrong, "%s: %d sizes are sys.getsizeof's" % (version, len(rows)))
    diag("\n".join("%s: %s, should be %d" % w for w in wrong))
    short = [(r["name"], a[0][2]) for r, a in zip(rows, got)
             if int(a[0][2]) < r.get("data", 0)]
    equal(short, [], "%s: what is held includes the data" % version)


def references(version, f, rows):
    got = census(f.pid, ["edges %d" % r["id"] for r in rows])
    items, bases, parts = [], [], []
    for r, edges in zip(rows, got):
        by = {}
        for label, target, _ in edges:
            by.setdefault(label.rstrip("0123456789[]") or "[", []).append(
                int(target))
        if "items" in r:
            none = {t for t in by.get("[", ())} - set(r["items"])
            if not set(r["items"]) <= set(by.get("[", ())) or len(none) > 1:
                items.append((r["name"], len(by.get("[", ())),
                              len(r["items"])))
            if by.get(".base", [0]) != [r["base"]] or \
                    by.get(".dtype") != [r["dtype"]]:
                bases.append(r["name"])
        elif "parts" in r and not set(r["parts"]) <= {
                int(e[1]) for e in edges}:
            parts.append(r["name"])
    equal(items, [], "%s: items of arrays that own their data" % version)
    equal(bases, [], "%s: .base and .dtype of arrays" % version)
    equal(parts, [], "%s: fields, names and metadata of dtypes" % version)


def test(version, path):
    with python(path, "arrays.py") as f:
        if not f.truth:
            skip(version, "it has no numpy")
            return
        rows = f.truth["rows"]
        sizes(version + ", numpy " + f.truth["version"], f, rows)
        references(version, f, rows)
        a = "__main__.arrays['%s']"
        got = [int_of(v) for v in values(heapsh(["attach", f.pid], [
            "asizeof " + a % "megabyte", "asizeof " + a % "megabyte_base",
            "asizeof(%s, %s)" % (a % "ones", a % "view"),
            "asizeof " + a % "ones", "flatsize " + a % "view"]))]
        ok(got[0] > 1000000 and got[1] > 1000000,
           "%s: a megabyte is found behind an item and behind a view"
           % version)
        equal(got[2] - got[3], got[4], "%s: the data of an array and its view "
              "counts once" % version)
        equal(f.end(), (0, "same"), "%s: it ended well" % version)


for version, path in pythons():
    test(version, path)
done()
