#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The heap equals the program's own census: exact for its own classes; of
built-in types no object is missing, and what is found beyond has a cause."""
import collections
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (diag, done, equal, heapsh, ok, python,  # noqa: E402
                    pythons)



def cause(i, kind, refs, kind_of, surplus, orphans,
          reachable):
    """Why an object is there that Python code cannot find; None: no cause."""
    kinds = {kind_of.get(r) for r in refs}
    if kind == "frame":
        return "frames, which the census leaves out"
    if kinds == {"code"}:
        return "internals of a code object (co_localsplusnames and kin)"
    if kinds and all(is_metaclass(k) for k in kinds):
        return "internals of a type (bases, caches, shared keys)"
    if kinds == {"frame"}:
        return "held by a frame that C runs"
    if any(r in surplus for r in refs):
        return "below another of these"
    if kinds == {"_json.Scanner"}:
        return "held by an object of C whose traverse leaves it out"
    if not refs and i in orphans:
        return "held by C alone (names, dicts)"
    if not refs and i in reachable:
        return "a root: the interpreter's own state (interned, method cache)"
    return None


def is_metaclass(kind):
    """By its name: objects of these kinds are types."""
    return kind in ("type", "enum.EnumType") or str(kind).endswith("Meta")



def read(path):
    rows = {}
    with open(path) as f:
        for line in f:
            i, size, kind = line.rstrip("\n").split(" ", 2)
            rows[int(i)] = (int(size), kind)
    return rows


def addresses(doc):
    return {int(r["address"], 16) for r in doc.get("rows", [])}


def table(doc):
    return {r["kind"]: (r["count"], int(r["size"])) for r in doc["rows"]}


for version, path in pythons():
    with tempfile.TemporaryDirectory() as tmp:
        with python(path, "census.py", tmp + "/census") as f:
            f.listens()
            census = read(tmp + "/census")
            docs = heapsh(["attach", f.pid], ["heap.bytype.all",
                          "x = heap.byid"] + ["x[%d:%d].all" % (
                              n, n + 90000) for n in (0, 90000, 180000)]
                          ).results
            equal([d["type"] for d in docs[:1]], ["set"],
                  "%s: a table by type" % version)
            types = table(docs[0])
            mine = collections.defaultdict(lambda: [0, 0])
            for size, kind in census.values():
                mine[kind][0] += 1
                mine[kind][1] += size
            own = {k: tuple(v) for k, v in mine.items()
                   if k.startswith("__main__.")}
            equal({k: types.get(k) for k in own}, own,
                  "%s: own classes: count and bytes" % version)
            ids = set().union(*map(addresses, docs[1:]))
            lost = {i: v for i, v in census.items() if i not in ids}
            ok(not lost, "%s: none of %d objects is missing"
               % (version, len(census)))
            for kind, n in collections.Counter(
                    v[1] for v in lost.values()).most_common(12):
                diag("%d of %s missing" % (n, kind))
            surplus = {i for i in ids if i not in census}
            if not ok(len(surplus) < 6000, "%s: %d objects beyond the census"
                      % (version, len(surplus))):
                continue
            order = sorted(surplus)
            asked = heapsh(["attach", f.pid],
                           ["orphans.byid.all", "x = heap.reachable.byid"] +
                           ["x[%d:%d].all" % (n, n + 90000)
                            for n in (0, 90000, 180000)] +
                           [c for i in order for c in
                            ("show 0x%x" % i,
                             "iso(0x%x).referrers.byid.all" % i)]).results
            orphans = addresses(asked.pop(0))
            reachable = set().union(*(addresses(asked.pop(0))
                                      for _ in range(3)))
            kind_of = {i: v[1] for i, v in census.items()}
            kind_of.update(zip(order, (d["kind"] for d in asked[::2])))
            why = collections.Counter()
            for i, refs in zip(order, map(addresses, asked[1::2])):
                c = cause(i, kind_of[i], refs, kind_of, surplus, orphans,
                          reachable)
                why[c] += 1
                if not c:
                    diag("no cause: %s at 0x%x from %s" % (
                        kind_of[i], i, [(hex(r), kind_of.get(r))
                                        for r in refs][:5]))
            ok(None not in why, "%s: each of %d objects beyond the census has "
               "a cause" % (version, len(surplus)))
            for c, n in why.most_common():
                diag("%6d %s" % (n, c))
            f.end()
done()
