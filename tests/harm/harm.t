#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Can an attach do harm? Programs of every kind are frozen, held and let go
again and again; each looks for damage to itself, and what the kernel says of
it is compared. The same programs are then visited by a plain injector, which
must be found out: else the suite would be blind.

HEAPSH_STRESS=1 (make stress): 1000 attaches a row instead of 50."""
import fcntl
import os
import random
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import harmtest
import hstest
import tgtest
from harmtest import (gone, grew, looped, N, sizes, sizes_at_rest, STRESS,
                      visible)
from hstest import diag, equal, ok, skip

NAIVE = os.path.join(tgtest.BUILD, "tests", "lib", "tg_naive")
CALLS = ("nanosleep", "poll", "select", "epoll_wait", "futex", "sigtimedwait",
         "semtimedop", "recv", "readv", "recvmmsg", "read")
# So often a plain injector may try. Of a hundred visits on one processor (on
# two) those to one thread that allocates did harm 2 (8) times, to registers 29
# (60), of fifteen to four threads 5 (7).
LUCK = 1000
d = tgtest.Driver()


def visited(name, f, n, hold_ms=0):
    return looped(d, name, f, n, hold_ms)


def row(*words, n=N, hold_ms=0, **kw):
    return harmtest.row(lambda name, f: visited(name, f, n, hold_ms), *words,
                        **kw)


def rows():
    row("malloc", 1)
    row("malloc", 4)
    row("malloc", 4, MALLOC_ARENA_MAX="1")
    row("churn", 4)
    row("registers", 0)
    row("registers", 3)
    row("signals")
    row("many", 1000, n=N // 10 or 1, same=True)
    row("maps", 10000)
    row("regions")
    row("memory", 64, same=True, TG_HUGE="1")
    row("parent")
    row("children", childless=False)
    row("blocked", hold_ms=7)
    for call in CALLS:
        row("blocked1", call, hold_ms=7)


def stops():
    """Stopped and continued by others all the while."""
    with tgtest.fixture("progress") as f:
        begun, done = threading.Event(), threading.Event()

        def signals():
            while not done.is_set():
                os.kill(f.pid, signal.SIGSTOP)
                time.sleep(random.uniform(0, 0.003))
                os.kill(f.pid, signal.SIGCONT)
                time.sleep(random.uniform(0, 0.003))
                begun.set()

        t = threading.Thread(target=signals)
        t.start()
        begun.wait()
        visited("stops", f, N)
        done.set()
        t.join()
        # The last word was SIGCONT.
        hstest.wait_for(lambda: visible(f.pid) == [False, False], "runs")
        equal(tgtest.none_left(f.pid), [], "stops: it runs, and has no zombie")
        ok(tgtest.ends_well(f, "stops: it found nothing wrong")
           .get("continued", 0) > 0, "stops: it was stopped indeed")


def closed_while_held():
    """What the program lets go of is gone, though the clone is there."""
    with tempfile.NamedTemporaryFile() as file:
        with tgtest.fixture("lock", env=dict(os.environ,
                                             TG_FILE=file.name)) as f:
            i = d.need("freeze", f.pid)
            f.ask("close")
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                ok(True, "lock: it can be had when the program gives it up")
            except OSError as e:
                ok(False, "lock: %s" % e)
            d.need("release", i["id"])
            tgtest.ends_well(f, "lock: it found nothing wrong")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with tgtest.fixture("socket", server.getsockname()[1]) as f:
            peer, _ = server.accept()
            i = d.need("freeze", f.pid)
            f.ask("close")
            r, _, _ = select.select([peer], [], [], 20)
            ok(r and peer.recv(1) == b"", "socket: its peer sees the end")
            d.need("release", i["id"])
            tgtest.ends_well(f, "socket: it found nothing wrong")
            peer.close()


def nothing_grows():
    """In the program and in us: descriptors, mappings, resident pages."""
    n = N if STRESS else 5 * N
    with tgtest.fixture("registers", 2) as f:
        visited("growth", f, N)
        before = [gone(f.pid), sizes_at_rest(d.tracer), sizes(f.pid)]
        visited("growth", f, n)
        after = [gone(f.pid), sizes_at_rest(d.tracer), sizes(f.pid)]
        for who, a, b in zip(("the tracer", "the program"), before[1:],
                             after[1:]):
            grew(a, b, "%d attaches later %s" % (n, who))
        tgtest.ends_well(f, "growth: it found nothing wrong")


def roles(shell):
    """Engine and tracer of a heapsh, by their names."""
    found = {}
    for pid, _ in tgtest.children(shell.p.pid):
        with open("/proc/%d/comm" % pid) as f:
            found[f.read().strip()] = pid
        for below, _ in tgtest.children(pid):
            with open("/proc/%d/comm" % below) as f:
                found[f.read().strip()] = below
    return found


def nothing_grows_in_a_session():
    """One heapsh, which attaches and lets go again and again: in all three of
    its processes, and in the program. Pages of instants that were given back
    are kept, up to the budget, but nothing else of them."""
    path = hstest.pythons()[-1][1]

    def turns(shell, n):
        for _ in range(n):
            shell("attach %d" % f.pid)
            shell("detach")
        gone(f.pid)

    def resting(who):
        return {name: sizes_at_rest(pid) for name, pid in who.items()}

    with hstest.python(path, "idle.py") as f:
        s = hstest.Shell(f.pid)
        who = dict(roles(s), **{"heapsh": s.p.pid, "the program": f.pid})
        ok(len(who) == 4, "engine and tracer are found") or diag(who)
        turns(s, 20)
        before = resting(who)
        turns(s, N)
        after = resting(who)
        for name in sorted(who):
            grew(before[name], after[name],
                 "%d attaches later %s" % (N, name), pages=512)
        s("attach %d" % f.pid)
        descriptors = []
        for _ in range(2):
            for _ in range(5):
                s("release")
                s("snap")
            descriptors.append([x[2] for x in resting(who).values()])
        equal(descriptors[1], descriptors[0],
              "instants that were given back hold no descriptor")
        s.end()


def harmed(words, library):
    """A plain dlopen() in a new process of this kind: is it well?"""
    with tgtest.fixture(*words) as f:
        # Of several threads the last: the first waits for us.
        tid = max(int(t) for t in os.listdir("/proc/%d/task" % f.pid))
        subprocess.run([NAIVE, str(tid), library], timeout=hstest.LIMIT,
                       stderr=subprocess.DEVNULL)
        try:
            f.p.stdin.write("\n")
            f.p.stdin.close()
            f.p.stdin = None
            said, _ = f.p.communicate(timeout=2)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            return True         # it hangs, or is dead
        return f.p.returncode != 0 or '"ok": true' not in said


def control():
    """The same programs, and a plain injector: the suite sees the harm."""
    if not os.access(NAIVE, os.X_OK):
        skip("a plain injector", "it was not built")
        return
    library = shutil.which("sh") and "libutil.so.1"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for words in ("malloc", 1), ("malloc", 4), ("registers", 0):
        ok(any(harmed(words, library) for _ in range(LUCK)),
           "%s: a plain dlopen() does harm, and is found out"
           % " ".join(map(str, words)))


harmtest.run_parts(rows, stops, closed_while_held, nothing_grows,
                   nothing_grows_in_a_session, control)
equal(d.do("list"), [], "nothing is held at the end")
equal(d.do("quit"), {"tracer_status": 0}, "the tracer ends when told to")
hstest.done()
