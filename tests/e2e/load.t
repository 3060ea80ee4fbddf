#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""probe load: a running CPython has the probe afterwards and nothing else; its
sums are right, its signals come, and its threads, files and tracing are as
before. Where it is not loaded nothing has changed."""
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (HEAPSH, SMOKE, diag, done, equal,  # noqa: E402
                    heapsh, kill_within, ok, python, pythons, wait_for)

ROUNDS = int(os.environ.get("HEAPSH_ROUNDS", 2 if SMOKE else 4))
KILLS = 4 if SMOKE else 12
MOVES = {"steps", "ticks", "added", "loaded"}


def same(a, b):
    """What of a program's state must not change has not."""
    return {k: (a[k], b[k]) for k in a if k not in MOVES and a[k] != b[k]}


def moved(a, b):
    return b["steps"] > a["steps"] and b["ticks"] > a["ticks"]


def rounds(version, path, kind, threads):
    what = "%s: %s, %d more threads" % (version, kind, threads)
    wrong, ends = [], set()
    for i in range(ROUNDS):
        with python(path, "loading.py", kind, str(threads), "0") as f:
            before = f.ask("state")
            said = heapsh(["attach", f.pid],
                          ["probe load yes=1 wait=30s"]).results[0]
            after = f.ask("state")
            if "has loaded" not in str(said.get("value")) or \
                    not after["loaded"] or same(before, after) or \
                    not moved(before, after):
                wrong.append((i, said, same(before, after), after["loaded"]))
            ends.add(f.end())
    equal(wrong, [], "%s: loaded %d of %d times, and nothing else"
          % (what, ROUNDS - len(wrong), ROUNDS))
    equal(ends, {(0, "same")}, what + ": the program is unharmed")


def once(version, path):
    """It says what it has done, and does it once."""
    with python(path, "loading.py", "idle", "0", "0") as f:
        got = heapsh(["attach", f.pid], [
            "probe load", "probe load yes=1", "probe load yes=1", "snap",
            "probe status"]).results
        ok("changes the running program" in got[0]["message"] and
           got[0]["remedy"] == "probe load yes=1",
           "%s: not without an explicit yes" % version)
        ok("has loaded" in got[1].get("value", "") and
           "has loaded heapsh-probe.so already" in got[2].get("message", ""),
           "%s: once" % version)
        rows = dict(map(tuple, got[-1]["rows"]))
        ok(rows.get("loaded", "").endswith("heapsh-probe.so") and
           rows.get("features") == "none is in use",
           "%s: probe status lists it, idle" % version)
        equal(f.end(), (0, "same"), "%s: that program is unharmed" % version)


def taken_back(version, path):
    """A main thread that runs no Python code is not made to."""
    with python(path, "loading.py", "blocked", "0", "0") as f:
        f.listens()
        a, maps = f.truth, open("/proc/%d/maps" % f.pid).read()
        d = heapsh(["attach", f.pid],
                   ["probe load yes=1 wait=300ms"]).results[0]
        ok("no safe point; it was taken back" in d.get("message", ""),
           "%s: a blocked program: %s" % (version, d.get("message")))
        equal(open("/proc/%d/maps" % f.pid).read(), maps,
              "%s: its mappings are as before" % version)
        b = f.ask("state")
        equal((same(a, b), b["loaded"]), ({}, False),
              "%s: nor is it loaded when it runs again" % version)
        # and the queue works
        f.listens()
        d = heapsh(["attach", f.pid],
                   ["probe load yes=1 wait=300ms"]).results[0]
        ok("taken back" in d.get("message", ""),
           "%s: taken back once more" % version)
        equal(f.end(), (0, "same"), "%s: the blocked one ended well" % version)


def contended(version, path):
    """Another thread adds to the queue all the time."""
    got, odd = [], []
    for _ in range(ROUNDS):
        with python(path, "loading.py", "busy", "1", "1") as f:
            d = heapsh(["attach", f.pid],
                       ["probe load yes=1 wait=10s"]).results[0]
            got.append(d.get("value") or d.get("message"))
            s = f.ask("state")
            if not s["loaded"] and "nothing was changed" not in got[-1] and \
                    "taken back" not in got[-1]:
                odd.append(got[-1])
            if not s["added"] or s["foreign"] != f.truth["foreign"]:
                odd.append(s)
            end = f.end()
            if end != (0, "same"):
                odd.append(end)
    diag("%s: %s" % (version, {x[:60] for x in got}))
    equal(odd, [], "%s: a queue that is in use is left or used, not broken"
          % version)


def killed(version, path):
    """heapsh is killed at any moment of it."""
    random.seed(7)
    odd, n = [], 0
    while n < KILLS:
        with python(path, "loading.py", "busy", "2", "0") as f:
            before = f.ask("state")
            while n < KILLS and not before["loaded"]:
                n += 1
                kill_within(f.pid, "probe load yes=1", 0.02, 0.15)
                after = f.ask("state")
                if not moved(before, after) or \
                        after["threads"] != before["threads"]:
                    odd.append(same(before, after))
                before = after
            end = f.end()
            if end != (0, "same"):
                odd.append(end)
    equal(odd, [], "%s: it goes on when heapsh is killed, and ends well"
          % version)


def left_alone(version, path):
    """heapsh is killed when all is planted: the program does the rest itself,
    and takes away what was put there."""
    with python(path, "loading.py", "blocked", "0", "0") as f:
        def foreign():
            with open("/proc/%d/maps" % f.pid) as maps:
                rows = [x.split() for x in maps]
            return sum(len(r) == 5 and "x" in r[1] for r in rows)

        f.listens()
        before = foreign()
        p = subprocess.Popen(
            [HEAPSH, "attach", str(f.pid), "-q", "-e",
             "probe load yes=1 wait=1h"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        wait_for(lambda: foreign() > before and traced(f.pid) == 0, "planted")
        os.killpg(p.pid, 9)
        p.wait()
        wait_for(lambda: traced(f.pid) == 0, "let go")
        f.ask("state")
        wait_for(lambda: f.ask("state")["loaded"], "loaded")
        s = f.ask("state")
        equal((foreign(), s["foreign"]), (before, f.truth["foreign"]),
              "%s: left alone it loads, and keeps no page of ours" % version)
        equal(f.end(), (0, "same"), "%s: and ends well" % version)


def traced(pid):
    with open("/proc/%d/status" % pid) as f:
        return [int(x.split()[1]) for x in f if x.startswith("TracerPid")][0]


every = pythons()
for version, path in every:
    rounds(version, path, "busy", 2)
    rounds(version, path, "idle", 0)
    once(version, path)
    taken_back(version, path)
contended(*every[-1])
contended(*every[0])
killed(*every[-1])
left_alone(*every[0])
if len(every) > 1:
    left_alone(*every[-1])
done()
