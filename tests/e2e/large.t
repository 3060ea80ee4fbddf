#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sets of many rows: all of them come in parts and print as one table, a page
far down is what it would be above, and Ctrl-C or a reader that goes away ends
it. Ctrl-C ends whatever takes long. Truth: the process says what it made; sums;
every format beside the others."""
import csv
import io
import json
import mmap
import os
import signal
import subprocess
import sys
import threading
import time

SRC = os.environ.get("abs_top_srcdir", ".")
sys.path.insert(0, os.path.join(SRC, "tests", "lib"))
from hstest import (HEAPSH, Shell, done, equal, heapsh, ok,  # noqa: E402
                    python, pythons)

MILLIONS = 0.015
LARGE = 0.15


def all_formats(f, version):
    lines = ["x = heap.byid", "x.all", "x[9000:9010]", "x[-3:]",
             "iso(accounts).byid.all", "heap.bytype.all"]
    docs = heapsh(["attach", f.pid], lines).results
    whole, rows = docs[0], docs[0]["rows"]
    equal(len(docs), 5, version + ": a document each")
    equal([r["index"] for r in rows], list(range(whole["count"])),
          version + ": every row, in order")
    ok(len(rows) > f.truth["made"], version + ": all that was made")
    total, sums = 0, []
    for r in rows:
        total += r["size"]
        sums.append(total)
    equal([r["cumulative"] for r in rows], sums, version + ": cumulative")
    equal((total, whole["more"], whole["first"]), (whole["size"], 0, 0),
          version + ": and the sum of all")
    ok(all(a["size"] >= b["size"] for a, b in zip(rows, rows[1:])),
       version + ": the largest first")
    page = [r["address"] for r in rows[9000:9010]]
    equal(sorted(r["address"] for r in docs[1]["rows"]), sorted(page),
          version + ": a page far down")
    equal(sorted(r["address"] for r in docs[2]["rows"]),
          sorted(r["address"] for r in rows[-3:]), version + ": the last page")
    equal((docs[3]["count"], "part" in docs[3]), (1, False),
          version + ": few rows are one part")
    other_formats(f, version, rows)


def other_formats(f, version, rows):
    out = heapsh(["attach", f.pid, "-e", "heap.byid.all"], form="csv").out
    got = [r for r in csv.reader(io.StringIO(out))]
    equal((got[0][0], len(got), [r[0] for r in got[1:]].count("index")),
          ("index", len(rows) + 1, 0), version + ": CSV has one head")
    out = heapsh(["attach", f.pid, "-e", "heap.byid.all"], form=None).out
    text = out.splitlines()
    equal(len(text), len(rows) + 2, version + ": text, a line a row")
    equal([int(t.split()[0]) for t in text[2:]], list(range(len(rows))),
          version + ": text, in order")
    # Columns end where those of the first row end.
    ends = {tuple(end_of(t, n) for n in range(5)) for t in text[2:]}
    equal(len(ends), 1, version + ": text, all parts aligned")


def end_of(line, n):
    """Where column n of numbers ends."""
    at = 0
    for word in line.split()[:n + 1]:
        at = line.index(word, at) + len(word)
    return at


def goes_away(f, version):
    p = subprocess.run("%s -q attach %d -e 'heap.byid.all | head -3'"
                       % (HEAPSH, f.pid), shell=True, capture_output=True,
                       text=True, timeout=60)
    equal((p.returncode, len(p.stdout.splitlines()), p.stderr), (0, 3, ""),
          version + ": heap.byid.all | head")
    p = subprocess.run("%s -q attach %d -e heap.byid.all | head -3"
                       % (HEAPSH, f.pid), shell=True, capture_output=True,
                       text=True, timeout=60)
    equal((len(p.stdout.splitlines()), p.stderr), (3, ""),
          version + ": a closed pipe outside")


def interrupted(f, version):
    """Nobody reads on, so that it is in the middle; then Ctrl-C."""
    p = subprocess.Popen([HEAPSH, "attach", str(f.pid), "-f", "json", "-x",
                          "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    p.stdin.write(b"heap.byid.all\nheap.count\n")
    p.stdin.flush()
    start = os.read(p.stdout.fileno(), 2000) + \
        os.read(p.stdout.fileno(), 2000)
    os.kill(p.pid, signal.SIGINT)
    # Standard input stays open: who writes it waits for an answer.
    out, _ = read_all(p)
    docs = [json.loads(x) for x in (start + out).splitlines()]
    equal([d["type"] for d in docs], ["attached", "set", "error"],
          version + ": Ctrl-C in the middle: what was shown, and why no more")
    ok(docs[1].get("cut_off") is True and docs[1]["rows"],
       version + ": it says that it was cut off")
    equal((docs[2]["code"], p.returncode), ("cancelled", 130),
          version + ": interrupted")


def read_all(p):
    out = p.stdout.read()
    return out, p.wait(60)


# What takes long, in an order in which each stands on those before.
LONG = ["heap.count", "iso(accounts).referrers.count",
        "retained iso(accounts)", "heap.byid.all", "heap.byrcs", "heap.byvia",
        "find type=str value~none", "asizeof accounts",
        "sp accounts[7].name", "heap.pathsin", "duplicates",
        "waste", "top 5 by retained", "heap.retained"]


def word_of(shell):
    """The word that Ctrl-C sets (core/base/task.h: behind a version), in the
    memory that shell and engine share."""
    for pid in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % pid) as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
            with open("/proc/%s/cmdline" % pid) as f:
                argv = f.read().split("\0")
        except (OSError, ValueError):
            continue
        if parent == shell.p.pid and "--engine" in argv:
            fd = argv[argv.index("--engine") + 2]
            path = "/proc/%s/fd/%s" % (pid, fd)
            return mmap.mmap(os.open(path, os.O_RDWR), 8)
    raise RuntimeError("no engine")


class Impatient(threading.Thread):
    """Ctrl-C each tenth of a millisecond."""

    def __init__(self, word):
        super().__init__(daemon=True)
        self.word, self.stop = word, False

    def run(self):
        while not self.stop:
            self.word[4] = 1
            time.sleep(0.0001)


def interrupt(shell, word, line):
    """What a line answers under Ctrl-C, and whether it works then."""
    finger = Impatient(word)
    finger.start()
    first = shell(line)
    finger.stop = True
    finger.join()
    return first.get("code", first["type"]), shell(line)["type"] != "error"


def gives_up(f, version):
    shell = Shell(f.pid)
    word = word_of(shell)
    equal(word[0], 1, version + ": the shared word, version 1")
    for line in LONG:
        got = interrupt(shell, word, line)
        # Done before the finger had a processor: once more, from scratch.
        for _ in range(50):
            if got[0] == "cancelled":
                break
            shell.end()
            shell = Shell(f.pid)
            word = word_of(shell)
            got = interrupt(shell, word, line)
        equal(got, ("cancelled", True),
              "%s: Ctrl-C in %s, and then it works" % (version, line))
    shell.end()


def bounded(f, version):
    """Too little memory is refused, and who types the remedies gets there."""
    limit, tries = "2M", 0
    while tries < 8:
        got = heapsh(["attach", f.pid], ["set memory=" + limit,
                                         "heap.count"]).results[-1]
        if got["type"] != "error":
            break
        remedy = got.get("remedy") or ""
        if got["code"] != "nomem" or not remedy.startswith("set memory="):
            break
        limit = remedy[len("set memory="):]
        tries += 1
    ok(0 < tries and got["type"] == "number" and
       got["value"] > f.truth["made"], "%s: %d times refused, then %s: %s"
       % (version, tries, limit, got))


def by_type(doc):
    return {r["kind"]: (r["count"], r["size"]) for r in doc["rows"]}


def counted(f, version):
    """Where memory is for numbers alone, the word heap still has these."""
    whole = heapsh(["attach", f.pid], ["heap.bytype.all"]).results[0]
    heap, limit = {"type": "error", "code": "nomem"}, 1 << 20
    # How much is needed depends on the number of processors.
    while heap.get("code") == "nomem" and limit < 1 << 30:
        limit += limit // 8
        heap, count, kept = heapsh(["attach", f.pid], [
            "set memory=%d" % limit, "heap", "heap.count",
            "x = heap"]).results[-3:]
    if not ok(heap["type"] == "set" and "note" in heap,
              "%s: a table in %d bytes: %.300r" % (version, limit, heap)):
        return
    equal((heap["count"], heap["size"], heap["held"], by_type(heap)),
          (whole["count"], whole["size"], whole["held"], by_type(whole)),
          version + ": numbers by type, and they are those of the heap")
    ok("set memory=" in heap["note"], version + ": " + heap["note"])
    equal([d.get("code") for d in (count, kept)], ["nomem"] * 2,
          version + ": what needs objects is refused")


for version, path in pythons():
    with python(path, "bench_heap.py", "accounts", str(MILLIONS)) as f:
        f.truth = f.ask("make")
        f.listens()
        all_formats(f, version)
        goes_away(f, version)
        interrupted(f, version)
        equal(f.end()[0], 0, version + ": the process ended well")
    newest = version, path
with python(newest[1], "bench_heap.py", "accounts", str(LARGE)) as f:
    f.truth = f.ask("make")
    f.listens()
    gives_up(f, newest[0])
    bounded(f, newest[0])
    counted(f, newest[0])
    equal(f.end()[0], 0, newest[0] + ": the large process ended well")
done()
