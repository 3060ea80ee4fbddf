#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What only the program's own code knows: text forms, references and sizes of
an extension module's types, asked in copies. The program itself, whatever its
code tries, is as it was."""
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (SMOKE, FIXTURES, done, equal, heapsh,  # noqa: E402
                    int_of, ok, python, pythons, skip, values)

LATEST = 2.0		# seconds an answer may take
ROUNDS = int(os.environ.get("HEAPSH_ROUNDS", 10 if SMOKE else 25))
# What each hostile text form comes to.
SENTENCES = {
    "kills": r"crashed with signal 9 \(Killed\)",
    "kills_parent": r"PermissionError.*kill\(\) was refused",
    "forks": r"PermissionError.*refused",
    "opens": r"PermissionError.*openat\(\) was refused",
    "loops": r"ended after [1-9]\d*\.\d s of processor time",
    "waits": r"waits for a lock that nobody",
    "exits": r"has called exit\(3\)",
    "shares": r"crashed with signal 11 \(Segmentation fault\)",
    "recurses": r"RecursionError: maximum recursion depth",
    "raises": r"raised ValueError: no text for you",
    "is_none": r"raised TypeError: __repr__ returned non-string",
    "crashes": r"crashed with signal 11 .* at 0x0",
}


def hostile(version, path):
    with tempfile.TemporaryDirectory() as folder, \
            python(path, "reprs.py", folder) as f:
        names = [n for n in SENTENCES for _ in "12"]
        got = heapsh(["attach", f.pid], [
            "show o_%s repr=1" % n if i % 2 == 0 else "show o_plain repr=1"
            for i, n in enumerate(names)]).results
        wrong = [(n, d) for n, d in zip(names[::2], got[::2])
                 if d["type"] != "error" or
                 not re.search(SENTENCES[n], d["message"])]
        equal(wrong, [], "%s: %d hostile text forms have their sentence"
              % (version, len(SENTENCES)))
        equal({d.get("value") for d in got[1::2]}, {"plain \u20ac text of 42"},
              "%s: the next command works each time" % version)
        got = values(heapsh(["attach", f.pid], [
            "show o_counts repr=1", "show o_counts str=1",
            "flatsize lying eval=1", "flatsize lying"]))
        equal(got[:2], ["tick 1"] * 2,
              "%s: each is asked in a copy of its own" % version)
        equal([[int_of(v["value"]) for v in got[2]], int_of(got[3])],
              [[f.truth["dict"], f.truth["lying"]], f.truth["dict"]],
              "%s: a __sizeof__ of Python's is shown, not taken" % version)
        equal(f.end(), (0, "same"), "%s: the program is unharmed" % version)


def compile_chain(path, folder):
    """Why it could not be, or None."""
    include = subprocess.run(
        [path, "-c", "import sysconfig as s; print(s.get_paths()['include'])"],
        capture_output=True, text=True).stdout.strip()
    if not os.path.exists(os.path.join(include, "Python.h")):
        return "it has no Python.h"
    cc = os.environ.get("CC", "cc").split()
    p = subprocess.run([*cc, "-O1", "-fPIC", "-shared", "-pthread",
                        "-I" + include, "-o", folder + "/chain.so",
                        os.path.join(FIXTURES, "chain.c")],
                       capture_output=True, text=True)
    return None if p.returncode == 0 else "it does not compile: " + p.stderr


def extension(version, path, folder):
    with python(path, "chain.py", folder, "0", "20000") as f:
        rows = f.truth["rows"]
        plain = [r for r in rows if not r["name"].startswith("lying")]
        got = values(heapsh(["attach", f.pid], ["flatsize objects['%s']"
                                                % r["name"] for r in plain]))
        equal([int_of(v) for v in got], [r["size"] for r in plain],
              "%s: sizes are what __sizeof__ answers" % version)
        got = heapsh(["attach", f.pid], ["set rows=1000"] + [
            "refs objects['%s']" % r["name"] for r in plain]).results
        lacks = [r["name"] for r, d in zip(plain, got)
                 if not set(r["refs"]) <= {int(x[-2], 16) for x in d["rows"]}
                 | {r["id"] for r in rows if r["name"] == "sub"}
                 and r["name"] != "sub"]
        equal(lacks, [], "%s: references are what tp_traverse tells"
              % version)
        got = heapsh(["attach", f.pid],
                     ["set rows=1000", "show objects['chain']"]).results[0]
        named = {r[0]: int(r[2], 16) for r in got["rows"]}
        links = {int(r[2], 16) for r in got["rows"] if r[0] == "->??"}
        equal({k: v for k, v in named.items() if k != "->??"},
              {"->+0x%x" % int(k): v for k, v in f.truth["slots"].items()},
              "%s: a word without a name is called by its offset" % version)
        equal(links, set(rows[0]["refs"]),
              "%s: what lies in other blocks is ->??" % version)
        got = values(heapsh(["attach", f.pid], [
            "asizeof objects['megabyte']", "asizeof objects['lying']",
            "len(heap & chain.Chain)", "heap.size",
            "len((heap & chain.Chain).referents)",
            "asizeof objects['lying_too']"]))
        ok(int_of(got[0]) > 1000000,
           "%s: a megabyte behind a list of its own blocks" % version)
        ok(all(5000 <= int_of(got[i]) < 10000 for i in (1, 5)) and
           int_of(got[3]) < 10 ** 8,
           "%s: a __sizeof__ that lies is in no total" % version)
        equal(int_of(got[2]), 20003, "%s: every object of an unknown type"
              % version)
        equal(f.end(), (0, "same"), "%s: the module's program ended well"
              % version)


def bare(pid):
    """Seconds of an attach that asks nothing, now."""
    start = time.monotonic()
    heapsh(["attach", pid], ["1"])
    return time.monotonic() - start


def sized(pid, row):
    """One attach that asks: what is wrong with its answers; how long it took,
    if that was long and the machine had time for us."""
    start = time.monotonic()
    r = heapsh(["attach", pid], ["flatsize objects['chain']", "set rows=1000",
                                 "refs objects['chain']"])
    took = time.monotonic() - start
    size, rows = r.results[0], r.results[-1].get("rows", ())
    right = int_of(size.get("value")) == row["size"] and \
        set(row["refs"]) <= {int(x[-2], 16) for x in rows}
    # Two answers and an attach.
    slow = took > 2 * LATEST and took > 10 * bare(pid)
    return None if right else (size, len(rows)), took if slow else 0


def hammered(version, path, folder):
    """Again and again, while four threads allocate. Late is what has no answer
    in time three times in a row."""
    late, wrong = [], []
    with python(path, "chain.py", folder, "4", "0") as f:
        for i in range(ROUNDS):
            took = []
            while len(took) < 3 and all(took):
                bad, slow = sized(f.pid, f.truth["rows"][0])
                wrong += [(i, bad)] if bad else []
                took.append(slow)
            late += [(i, took)] if all(took) else []
        equal(wrong, [], "%s: right in %d of %d attaches under a hammer"
              % (version, ROUNDS - len(wrong), ROUNDS))
        equal(late, [], "%s: they come within %g s" % (version, LATEST))
        equal(f.end(), (0, "same"), "%s: the hammered program ended well"
              % version)


every = pythons()
for version, path in every:
    hostile(version, path)
    with tempfile.TemporaryDirectory() as folder:
        why = compile_chain(path, folder)
        if why:
            skip(version, why)
            continue
        extension(version, path, folder)
        if path == every[-1][1]:
            hammered(version, path, folder)
done()
