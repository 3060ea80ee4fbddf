#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What heapsh has the program do itself: a call of an object, a call of a
function of C, probe load. Of each a whole command, in which the tracer dies
behind each of its requests to the kernel, one after the other; then the
program. What is asked for happens once or never, what is left is known to a
doctor and taken away, and neither harms the other."""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import equal, ok

# Every n in a stress run; in make check some, and others each time: mostly of
# the last, which are of the program itself. Of its copies: tests/target.
STRESS = bool(os.environ.get("HEAPSH_STRESS"))
EARLY, LATE, LAST = 2, 3 if hstest.SMOKE else 8, 250
PROBE = os.path.join(tgtest.BUILD, "heapsh-probe.so")
ENGINE = os.path.join(tgtest.BUILD, "tests", "lib", "engine_fault")
WAIT = " yes=1 wait=60s"


class Faulty:
    """A heapsh whose engine dies where it is told, in a folder of its own."""

    def __init__(self, folder):
        self.program = os.path.join(folder, "heapsh")
        shutil.copy(hstest.HEAPSH, self.program)
        shutil.copy(ENGINE, os.path.join(folder, "heapsh-engine"))
        for name in ("plugins", "heapsh-probe.so"):
            os.symlink(os.path.join(tgtest.BUILD, name),
                       os.path.join(folder, name))

    def do(self, pid, command, **faults):
        """(its exit status, seconds)"""
        start = time.monotonic()
        p = subprocess.run(
            [self.program, "attach", str(pid), "-q", "-e", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=hstest.LIMIT,
            env=dict(os.environ, **faults))
        return p.returncode, time.monotonic() - start


def count(faulty, way):
    """(it went well, requests of the tracer)"""
    path = os.path.join(os.path.dirname(faulty.program), "count")
    with way.start() as f:
        way.begin(f)
        status, _ = faulty.do(f.pid, way.command(0), HEAPSH_TEST_COUNT=path)
        made = way.made(f, 0)
    with open(path) as file:
        return (status, made) == (0, 1), int(file.read())


def moments(faulty, way):
    """Numbers of requests at which to die, ascending. Some need many more, where
    a lock is waited for in a copy."""
    counts = [count(faulty, way) for _ in range(3)]
    n = min(x for _, x in counts)
    ok(all(well for well, _ in counts) and n > LAST,
       "%s: %s requests" % (way.name, [x for _, x in counts]))
    if STRESS:
        return list(range(1, n + 1))
    first = random.sample(range(1, n - LAST), EARLY)
    return sorted(first + random.sample(range(n - LAST, n), LATE))


class Way:
    """One kind of thing, in one program after the other."""

    def __init__(self, path):
        self.path = path

    def start(self):
        return hstest.python(self.path, "live.py", "idle", "1",
                             env={"LD_PRELOAD": PROBE})

    def begin(self, f):
        """Another program."""

    def same(self, f, before):
        """Is all that must not change as it was? The state that was asked for
        is behind a safe point."""
        now = f.ask("state")
        return [k for k in ("threads", "foreign", "account", "env")
                if now[k] != before[k]]


class OfObject(Way):
    name, once = "call of an object", False

    def command(self, n):
        return "call grow(%d) live=1" % n + WAIT

    def made(self, f, n):
        return f.ask("state")["log"].count("('grow', %d)" % n)


class OfFunction(Way):
    name, once = "call of a function", False

    def begin(self, f):
        self.all = 0

    def command(self, n):
        return 'call "int (void *, void *)" PyList_Append ' \
            "(__main__.grown) (__main__.account) live=1" + WAIT

    def made(self, f, n):
        before, self.all = self.all, f.ask("eval len(grown)")
        self.all = int(self.all)
        return self.all - before


class Load(Way):
    name, once = "probe load", True

    def start(self):
        return hstest.python(self.path, "loading.py", "idle", "1", "0")

    def command(self, n):
        return "probe load" + WAIT

    def same(self, f, before):
        now = f.ask("state")
        return [k for k in ("threads", "trace", "signals", "mask", "files")
                if now[k] != before[k]]

    def made(self, f, n):
        return int(f.ask("state")["loaded"])


def doctor(pid):
    """The rows that say what was left in it, and how it went."""
    p = subprocess.run([hstest.HEAPSH, "doctor", str(pid), "-f", "json"],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=hstest.LIMIT)
    rows = hstest.Result(p).docs[-1]["rows"]
    return [r for r in rows if r[0] in ("left behind", "removed",
                                        "not removed")]


def look(f, n, odd):
    """Behind death n. Pages that wait are gone when the main thread has come by;
    others are a doctor's. How many it took away."""
    why = tgtest.settled(f.pid)
    if why:
        odd.append((n, why))
    f.ask("state")
    if not tgtest.lone_pages(f.pid):
        return 0
    said = doctor(f.pid)
    if tgtest.lone_pages(f.pid) or \
            not any("two pages in it at 0x" in r[1] for r in said) or \
            not any(r[0] == "removed" for r in said):
        odd.append((n, said))
    return 1


def one_death(faulty, way, f, first, n, odd):
    """(was it in time, was it made)"""
    status, _ = faulty.do(f.pid, way.command(n), HEAPSH_TEST_DIE_AT=str(n))
    pages = look(f, n, odd)
    made = way.made(f, n)
    if made not in (0, 1) or (status == 0 and not made):
        odd.append((n, status, "made %d times" % made))
    wrong = way.same(f, first)
    if wrong:
        odd.append((n, wrong))
    return status != 0, made, pages


def tracer_dies(faulty, version, way, all_n):
    odd, died, made, pages, todo = [], 0, 0, 0, list(all_n)
    while todo:
        with way.start() as f:
            way.begin(f)
            loaded = False
            while todo and not loaded:
                n = todo.pop(0)
                got = one_death(faulty, way, f, f.truth, n, odd)
                died += got[0]
                made += got[1]
                pages += got[2]
                loaded = way.once and got[1]
            odd += [("left", x) for x in left(f)]
            end = f.end()
            if end != (0, "same"):
                odd.append((n, end))
    equal(odd, [], "%s: %s, tracer killed behind request %s: made once or "
          "never, nothing else" % (version, way.name, words_of(all_n)))
    ok(died, "%d deaths, %d made, %d times pages were left and removed"
       % (died, made, pages))


def words_of(all_n):
    if len(all_n) > 20:
        return "%d … %d" % (all_n[0], all_n[-1])
    return ", ".join(map(str, all_n))


def left(f):
    """Copies that died with their tracer: a doctor takes them away."""
    doctor(f.pid)
    try:
        hstest.wait_for(lambda: not tgtest.children(f.pid), "clean")
    except TimeoutError:
        return tgtest.children(f.pid)
    return []


def target_dies(faulty, version, way, all_n):
    odd, died = [], 0
    for n in all_n:
        with way.start() as f:
            status, took = faulty.do(f.pid, way.command(n),
                                     HEAPSH_TEST_KILL_AT=str(n),
                                     HEAPSH_TEST_KILL_PID=str(f.pid))
            if f.p.poll() is None and status == 0:
                continue    # fewer requests than last time
            f.p.wait(hstest.LIMIT)
            died += 1
            if took > 60 or f.p.returncode != -signal.SIGKILL or \
                    status not in (0, 1, 3, 4):
                odd.append((n, took, f.p.returncode, status))
    equal(odd, [], "%s: %s, program killed behind request %s (%d times): "
          "heapsh says so and ends"
          % (version, way.name, words_of(all_n), died))


every = hstest.pythons()
with tempfile.TemporaryDirectory() as folder:
    faulty = Faulty(folder)
    for version, path in every if STRESS else [every[-1]]:
        for kind in (OfObject, OfFunction, Load):
            way = kind(path)
            n = moments(faulty, way)
            tracer_dies(faulty, version, way, n)
            if STRESS or kind is not OfFunction:
                target_dies(faulty, version, way, n[::3])
hstest.done()
