#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""call OBJ(ARG…): what a callable of the program answers or raises in a copy
is what it answers or raises in a child of the program itself; what it must not
do is reported, and has not happened."""
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (done, equal, heapsh, ok, python,  # noqa: E402
                    pythons)

# What each comes to that must not be, or that cannot be called.
SENTENCES = [
    ("opens()", r"PermissionError: .*; its system call openat\(\) was refused"),
    ("kills()", r"it crashed with signal 9 \(Killed\); that was in a copy"),
    ("os.fork()", r"(PermissionError|OSError).*refused"),
    ("loops() limit=200ms", r"it was ended after (0\.[2-9]|[1-9]\d*\.\d) s of processor"),
    ("waits()", r"waits for a lock that nobody"),
    ("exits()", r"it has called exit\(3\)"),
    ("writes_shared()", r"crashed with signal 11 \(Segmentation fault\)"),
    ("crashes()", r"crashed with signal 11 .* at 0x0"),
    ("recurses()", r"RecursionError: maximum recursion depth exceeded"),
    ("much()", r"MemoryError"),
    ("swallows()", r"it wanted openat, which a copy of the program may not "
     r"make \(1 was refused\)"),
    ("show", r"its arguments are missing"),
    ("show(heap)", r"an argument is of the shell"),
    ("show(same(1))", r"nothing of the program is run"),
    ("nobody(1)", r"nobody: no variable, no set word"),
    ("first.nobody(1)", r"has no attribute nobody"),
    ("7", r"neither an object of the program nor the signature"),
    ("'int (int)'", r"FUNCTION is missing"),
    ("show(0x10)", r"0x10: no object begins there"),
    ("show(1, limit=2, limit=3)", r"option limit= twice"),
]


def outcome(doc):
    if doc["type"] != "error":
        return doc["value"]
    return doc["message"].partition(": ")[2]


def asks_for_terminal(version, f):
    """The repr() of a table does: it is no call that acts."""
    r = heapsh(["attach", f.pid], ["call os.isatty(0)", "call os.isatty(1)"])
    equal([outcome(d) for d in r.results], ["False"] * 2,
          version + ": a copy has no terminal, and may ask")


def masked(text):
    """Addresses are of two processes, and new objects lie elsewhere."""
    return re.sub(r"0x[0-9a-f]+", "0x…", text)


def answers(version, f):
    cases = f.truth["cases"]
    got = heapsh(["attach", f.pid], ["call " + c for c, _ in cases]).results
    equal([(c, masked(outcome(d))) for (c, _), d in zip(cases, got)],
          [(c, masked(want)) for c, want in cases],
          "%s: %d calls answer and raise what the program's own do"
          % (version, len(cases)))
    equal([c for (c, want), d in zip(cases, got)
           if (d["type"] == "error") != bool(re.match(
               r"\w+(Error|Exit|Iteration)\b", want))],
          [], "%s: what was raised is an error" % version)
    got = heapsh(["attach", f.pid], [
        "call 0x%x(0x%x)" % (f.truth["function"], f.truth["first"]),
        "x = first", "call(show(x, limit=3), limit=2s)", "x = call(show(1))",
        "x", "call swallows() refused=1"]).results
    equal([outcome(d) for d in got],
          ["((Account('one', [1, 2, 3]),), [])",
           "((Account('one', [1, 2, 3]),), [('limit', 3)])", "((1,), [])",
           "'could not'"],
          "%s: by address, by the shell's names, in its call form" % version)


def refusals(version, f):
    lines = []
    for line, _ in SENTENCES:
        lines += ["call " + line, "call first.total()"]
    got = heapsh(["attach", f.pid], lines).results
    wrong = [(line, d) for (line, want), d in zip(SENTENCES, got[::2])
             if d["type"] != "error" or not re.search(want, d["message"])]
    equal(wrong, [], "%s: %d calls have their sentence"
          % (version, len(SENTENCES)))
    equal({d.get("value") for d in got[1::2]}, {"6"},
          "%s: the next call works each time" % version)


for version, path in pythons():
    with tempfile.TemporaryDirectory() as folder, \
            python(path, "calls.py", folder) as f:
        answers(version, f)
        refusals(version, f)
        asks_for_terminal(version, f)
        got = heapsh(["attach", f.pid], ["call first.add(9)",
                                         "call first.total()"]).results
        equal([outcome(d) for d in got], ["Account('one', [1, 2, 3, 9])", "6"],
              "%s: each call has a copy of its own" % version)
        ok(f.end() == (0, "same"), "%s: the program is unharmed" % version)
done()
