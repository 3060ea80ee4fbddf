#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every type of the standard library that can be made: its size is what the
interpreter answers, its references include all that the collector is told of,
and what is beyond has a name, and lies in the object's own memory."""
import collections
import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import LIMIT, diag, done, equal, ok, python, pythons  # noqa: E402

BUILD = os.environ.get("abs_top_builddir", ".")
WEAK, CONTEXT, TABLE = 1, 2, 4		# heapsh_edge_flags, plugin.h
APPROXIMATE = 8				# heapsh_object_flags
BEFORE = 48		# bytes before an object that may be its own
NEAR, FAR = 1 << 11, 1 << 16	# bytes of another block that are looked at
# What a function of C's alone tells, from memory that no table describes.
TOLD = {"PyCapsule", "_ctypes.PyCPointerType"}
# Where a patch release without debugging information has another structure
# than the row of its minor: it is looked at word by word.
SCANNED = {("3.11.2", "_sre.SRE_Scanner")}
# From 3.12 on the interpreter keeps it for static types.
IN_STATE = "->tp_subclasses"


def census(pid, commands):
    p = subprocess.run(
        [BUILD + "/tests/cpython/census", str(pid),
         BUILD + "/plugins/cpython/.libs/cpython.so"],
        input="".join(c + "\n" for c in commands), capture_output=True,
        text=True, timeout=LIMIT)
    answers = p.stdout.partition("\n")[2].split(".\n")
    if p.returncode or len(answers) != len(commands) + 1:
        raise SystemExit("Bail out! census: " + p.stderr[-300:])
    return [a.split("\n")[:-1] for a in answers[:-1]]


def edges_of(pid, addresses):
    """{address: [(label, target, flags)]}"""
    out = {}
    lines = census(pid, ["edges %d" % a for a in addresses])
    for addr, answer in zip(addresses, lines):
        rows = [x.rsplit("\t", 2) for x in answer if x.count("\t") > 1]
        out[addr] = [(r[0], int(r[1]), int(r[2])) for r in rows]
    return out


class Memory:
    """The program's, as the kernel shows it."""

    def __init__(self, pid):
        self.f = open("/proc/%d/mem" % pid, "rb", 0)
        self.seen = {}

    def bytes(self, addr, n):
        try:
            self.f.seek(addr)
            return self.f.read(n) or b""
        except (OSError, ValueError, OverflowError):
            return b""

    def blocks(self, data):
        """What the words of the data may point to."""
        words = struct.unpack("<%dQ" % (len(data) // 8), data[:len(data) & ~7])
        return {w for w in words if w % 8 == 0 and 4096 < w < 1 << 47}

    def is_there(self, row, label, target):
        """Of a label that is an offset: does the word there say target?"""
        m = re.fullmatch(r"->\+0x([0-9a-f]+)", label)
        return not m or self.bytes(row["id"] + int(m[1], 16), 8) == \
            target.to_bytes(8, "little")

    def holds(self, row, target):
        """Is there a word that says target in the object, or in a block that
        a word of it points to, or in one that a word of that does?"""
        if row["id"] not in self.seen:
            body = self.bytes(row["id"] - BEFORE, BEFORE +
                              max(row["size"], row["basic"])) + bytes(8)
            self.seen[row["id"]] = body, self.blocks(body)
        body, first = self.seen[row["id"]]
        word = target.to_bytes(8, "little")
        return (word in body or
                any(word in self.bytes(w, NEAR) for w in first) or
                any(word in self.bytes(w, FAR) for w in first) or
                any(word in self.bytes(x, NEAR) for w in first
                    for x in self.blocks(self.bytes(w, 128))))


def sizes(version, rows, pid):
    answers = census(pid, ["size %d" % r["id"] for r in rows])
    wrong, about = collections.defaultdict(list), set()
    for r, answer in zip(rows, answers):
        if r["sizeof"] == "python":
            continue
        _, flat, _, flags = (answer[0] + "\t0\t0\t0").split("\t")[:4]
        if int(flat) != r["size"]:
            wrong[r["type"]].append("%s: %s, should be %d"
                                    % (r["name"], flat, r["size"]))
        elif int(flags) & APPROXIMATE:
            about.add(r["type"])
    ok(not wrong, "%s: %d flat sizes are sys.getsizeof's"
       % (version, len(rows)))
    for t, lines in sorted(wrong.items()):
        diag("%s: %s" % (t, "; ".join(lines[:3])))
    equal(sorted(about), [], "%s: none of them is an estimate" % version)


def reached(rows, edges, pid):
    """{address: what is referred to by way of its own table}"""
    tables = edges_of(pid, sorted({t for r in rows for _, t, flags
                                   in edges[r["id"]] if flags & TABLE}))
    links = {t for r in rows if r["type"] == "functools._lru_cache_wrapper"
             for _, t, _ in edges[r["id"]]}
    while links - set(tables):
        tables.update(edges_of(pid, sorted(links - set(tables))))
        links |= {t for a in links for label, t, _ in tables[a]
                  if label.startswith(("->root", "[V", "->next", "["))}
    for r in rows:
        out, lru = set(), r["type"] == "functools._lru_cache_wrapper"
        for _, t, flags in edges[r["id"]]:
            if flags & TABLE or lru:
                for _, u, _ in tables.get(t, ()):
                    out.add(u)
                    out.update(w for _, w, _ in tables.get(u, ()) if lru)
        yield r, out


def references(version, rows, edges, truth, pid):
    memory = Memory(pid)
    lacking, beyond = (collections.defaultdict(list) for _ in "12")
    for r, below in reached(rows, edges, pid):
        want, weak = truth[r["name"]]
        ours = {t for _, t, _ in edges[r["id"]]}
        n = len(set(want) - ours - below)
        if n and r["type"] not in TOLD:
            lacking[r["type"]].append("%s lacks %d" % (r["name"], n))
        for label, t, flags in edges[r["id"]]:
            if not memory.is_there(r, label, t):
                beyond[r["type"]].append("%s has no %s" % (r["name"], label))
            if t in want or flags & (WEAK | TABLE) or \
                    (version, r["type"]) in SCANNED:
                continue
            if label == "->??" or (label != IN_STATE and
                                   not memory.holds(r, t)):
                beyond[r["type"]].append("%s has %s" % (r["name"], label))
    for found, what in ((lacking, "nothing that the collector is told of is "
                         "missing"),
                        (beyond, "what is beyond is named, and there")):
        ok(not found, "%s: %s" % (version, what))
        for t, lines in sorted(found.items()):
            diag("%s: %s" % (t, "; ".join(lines[:3])))


def test(version, path):
    with python(path, "library.py") as f:
        rows = f.truth["rows"]
        ok(f.truth["types"] >= 150, "%s: %d types of %d modules, %d of them "
           "of C" % (version, f.truth["types"], f.truth["modules"],
                     f.truth["c"]))
        diag("no object of: " + ", ".join(f.truth["lacking"]))
        equal(sorted(set(f.truth["sizeof"]) - {r["type"] for r in rows}
                     - {"_ctypes.CType_Type"}), [],
              "%s: all that have a __sizeof__ are there" % version)
        sizes(version, rows, f.pid)
        edges = edges_of(f.pid, [r["id"] for r in rows])
        references(version, rows, edges, f.ask("truth"), f.pid)
        f.end()


for version, path in pythons():
    test(version, path)
done()
