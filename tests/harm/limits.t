#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that are short of something: of memory, of processes, of system
calls that they may make; such that are traced already. What an attach does to
them is to be refused, or another way, never to end them.

HEAPSH_STRESS=1 (make stress): 1000 attaches a row instead of 50, and a row that
sets vm.overcommit_memory for a second, which is everybody's; so does
HEAPSH_OWN_MACHINE=1 (make check-vm)."""
import json
import os
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import harmtest
import hstest
import tgtest
from cgroups import Group
from harmtest import looped, N, STRESS, visible
from hstest import diag, equal, ok, skip
from obstacles import libc, ROOT

MIB = 1 << 20
SEIZE, DETACH, INTERRUPT = 0x4206, 17, 0x4207
OVERCOMMIT = "/proc/sys/vm/overcommit_memory"
OURS = STRESS or os.environ.get("HEAPSH_OWN_MACHINE")
d = tgtest.Driver()


def row(visit, way, *words, **kw):
    return harmtest.row(visit, *words, way=", " + way, **kw)


def refused(code, what, n=N):
    """n times the same refusal, by its code and a word of its sentence."""
    def visit(name, f):
        said = set()
        for _ in range(n):
            r = d.patiently("freeze", f.pid)
            said.add((r.get("error"), what in r.get("message", "")))
        equal(said, {(code, True)}, "%s: refused %d times" % (name, n))
    return visit


def cloned(name, f):
    return looped(d, name, f, N)


def copied(name, f):
    return looped(d, name, f, max(N // 2, 3), 0, "copy")


def filtered():
    for words in (("registers", 3), ("malloc", 1), ("blocked",)):
        row(cloned if ROOT else refused("refused", "seccomp"), "all permitted",
            *words, TG_FILTER="all")
        # What its copies do is asked of no filter, where that is permitted.
        row(cloned if ROOT else refused("refused", "seccomp"),
            "its copies may not", *words, TG_FILTER="ours")
        row(refused("refused", "seccomp"), "no clone", *words,
            TG_FILTER="clone")
        row(copied, "no clone, copied", *words, TG_FILTER="clone")


def nearly_full():
    """Whatever is left in its group, nobody is ended by an attach."""
    with Group("memory") as g:
        if not g.path:
            skip("a group that is nearly full", g.why)
            return
        with g.started(tgtest.FIXTURE, "dirty", 64) as f:
            said, copies = set(), set()
            for left in (64 << 10, 256 << 10, MIB, 4 * MIB, 8 * MIB, 16 * MIB):
                g.limit(None)
                g.limit(g.used() + left)
                i = d.patiently("freeze", f.pid)
                said.add(i.get("error"))
                if "id" in i:
                    d.need("release", i["id"])
                r = d.do("copy", f.pid)
                copies.add(None if tgtest.is_late(r) else r.get("error"))
            equal(said, {"refused", None},
                  "a group that is nearly full: refused, or there is room")
            equal(copies, {None}, "a copy needs none of its memory")
            equal([g.killed(), f.ask("write")], [0, {"times": 2}],
                  "and nobody in it was ended")
            tgtest.ends_well(f, "nearly full: it found nothing wrong")


def becomes_full():
    """It writes to all it has while a copy is held: that one goes."""
    with Group("memory") as g:
        if not g.path:
            skip("a group that becomes full", g.why)
            return
        with g.started(tgtest.FIXTURE, "dirty", 64) as f:
            g.limit(g.used() + 16 * MIB)
            i = d.need("freeze", f.pid)
            equal(f.ask("write"), {"times": 2},
                  "a group that becomes full: the program has what it needs")
            hstest.wait_for(lambda: not tgtest.alive(i["snap"]), "the copy")
            ok(g.killed() > 0, "it is the copy that is ended")
            d.need("release", i["id"])
            equal([harmtest.gone(f.pid), visible(f.pid)],
                  [True, [False, False]], "and nothing is left of it")
            tgtest.ends_well(f, "becomes full: it found nothing wrong")


def is_slowed():
    """memory.high: above it, everybody in the group is made to wait."""
    with Group("memory") as g:
        if not g.path or not g.set("memory.high", "max"):
            skip("a group that is slowed", g.why or "cgroup v2 alone has it")
            return
        with g.started(tgtest.FIXTURE, "dirty", 64) as f:
            g.set("memory.high", g.used() + MIB)
            refused("refused", "its cgroup has ", 3)("nearly slowed", f)
            copied("nearly slowed, copied", f)
            g.set("memory.high", "max")
            cloned("no longer nearly slowed", f)
            tgtest.ends_well(f, "slowed: it found nothing wrong")


def ends_together():
    """memory.oom.group, as orchestrators of containers set it: the end of a
    copy would be that of all in the group."""
    with Group("memory") as g:
        if not g.path or not g.set("memory.oom.group", 1):
            skip("a group that ends together",
                 g.why or "cgroup v2 alone has it")
            return
        with g.started(tgtest.FIXTURE, "dirty", 64) as f:
            g.limit(g.used() + 16 * MIB)
            refused("refused", "memory.oom.group", 3)("ends together", f)
            copied("ends together, copied", f)
            g.limit(g.used() + 160 * MIB)
            i = d.need("freeze", f.pid)
            with open("/proc/%d/oom_score_adj" % i["snap"]) as s:
                equal(s.read(), "0\n", "ends together: no copy is the first "
                      "to go")
            equal([f.ask("write"), g.killed()], [{"times": 2}, 0],
                  "and there is room for all that the program writes")
            d.need("release", i["id"])
            tgtest.ends_well(f, "ends together: it found nothing wrong")


def few_processes():
    """pids.max: what it may still start is left to it."""
    with Group("pids") as g:
        if not g.path:
            skip("a group with few processes", g.why)
            return
        with g.started(tgtest.FIXTURE, "registers", 0) as f:
            g.limit(g.used() + 7)
            refused("refused", "(pids.max)", 3)("few processes", f)
            copied("few processes, copied", f)
            g.limit(g.used() + 8)
            cloned("some processes", f)
            tgtest.ends_well(f, "few processes: it found nothing wrong")


def no_process():
    """clone() itself fails, for a user who has no process left."""
    if not ROOT or not shutil.which("setpriv"):
        skip("no process left", "needs root and setpriv")
        return
    nobody = ["setpriv", "--reuid", "65531", "--regid", "65531",
              "--clear-groups", "prlimit", "--nproc=1"]
    with hstest.Fixture(nobody + [tgtest.FIXTURE, "registers", "0"]) as f:
        refused("os", "Resource temporarily unavailable")("no process left", f)
        equal([harmtest.gone(f.pid), visible(f.pid)],
              [True, [False, False]], "no process left: it runs on")
        copied("no process left, copied", f)
        tgtest.ends_well(f, "no process left: it found nothing wrong")


def traced():
    """By somebody else, whose it stays."""
    with tgtest.fixture("registers", 2) as f:
        if libc.ptrace(SEIZE, f.pid, None, None):
            skip("traced", "this test may not ptrace")
            return
        refused("refused", "it is traced already")("traced", f)
        with open("/proc/%d/status" % f.pid) as s:
            ok("TracerPid:\t%d\n" % os.getpid() in s.read(),
               "its tracer has it still")
        libc.ptrace(INTERRUPT, f.pid, None, None)
        os.waitpid(f.pid, 0x40000000)
        libc.ptrace(DETACH, f.pid, None, None)
        cloned("traced no more", f)
        tgtest.ends_well(f, "traced: it found nothing wrong")


def taken_at_once(o, f, held):
    """A heapsh is killed, at any moment of an attach or while it holds an
    instant; the next one comes at once."""
    if held:
        o.need("freeze", f.pid)
    else:
        o.say("loop %d 1000000" % f.pid)
        time.sleep(random.uniform(0, 0.02))
    os.kill(o.tracer, signal.SIGKILL)
    r = d.patiently("freeze", f.pid)
    if "id" in r:
        d.need("release", r["id"])
    return r.get("message")


def one_after_another():
    """What a killed heapsh has of a program is given back by the kernel a
    moment later: worth waiting for."""
    with tgtest.fixture("registers", 2) as f:
        said = set()
        for i in range(N):
            with tgtest.Driver() as o:
                said.add(taken_at_once(o, f, i % 4 == 0))
        equal(said, {None}, "one after another: %d attaches, each behind a "
              "heapsh that was killed" % N)
        d.need("clean", f.pid)
        hstest.wait_for(lambda: not tgtest.children(f.pid), "clean")
        tgtest.ends_well(f, "one after another: it found nothing wrong")


def two_at_once():
    """Two of them attach to one program as often as they can."""
    with tgtest.fixture("registers", 2) as f, tgtest.Driver() as o:
        said = []
        for _ in range(0, N, harmtest.ROUND):
            for each in (d, o):
                each.say("loop %d %d" % (f.pid, min(N, harmtest.ROUND)))
            said += [json.loads(each.line()) for each in (d, o)]
        equal([r for r in said if "error" in r], [],
              "two at once: %d attaches of each" % N)
        equal([harmtest.gone(f.pid), visible(f.pid)],
              [True, [False, False]], "two at once: it runs")
        tgtest.ends_well(f, "two at once: it found nothing wrong")


def stopped():
    """It stays stopped, and is continued by whom it was stopped by."""
    for way in ("clone", "copy"):
        with tgtest.fixture("progress") as f:
            os.kill(f.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, f.pid, os.WSTOPPED)
            looped(d, "stopped, " + way, f, max(N // 2, 3), 0, way)
            hstest.wait_for(lambda: tgtest.stat_field(f.pid, 3) == "T", "T")
            os.kill(f.pid, signal.SIGCONT)
            hstest.wait_for(lambda: visible(f.pid) == [False, False], "runs")
            tgtest.ends_well(f, "stopped, %s: it found nothing wrong" % way)


def committed():
    """vm.overcommit_memory 2, for the blink of an eye: it is the machine's."""
    if not OURS or not ROOT or not os.access(OVERCOMMIT, os.W_OK):
        skip("strict accounting of memory",
             "it is the whole machine's: make stress or check-vm, as root")
        return
    with open("/proc/meminfo") as m:
        kb = {x.split(":")[0]: int(x.split()[1]) for x in m}
    # Larger than half of what is left, so that there is no room for two.
    left = (kb["CommitLimit"] - kb["Committed_AS"]) // 1024
    with open(OVERCOMMIT) as f:
        before = f.read()
    with tgtest.fixture("registers", 2, env=dict(
            os.environ, TG_RESERVE=str(left * 2 // 3))) as f:
        try:
            with open(OVERCOMMIT, "w") as o:
                o.write("2")
            large = d.do("freeze", f.pid)
            copy = d.patiently("copy", f.pid)
        finally:
            with open(OVERCOMMIT, "w") as o:
                o.write(before)
        equal([large.get("error"), "vm.overcommit_memory is 2" in
               large.get("message", "")], ["refused", True],
              "no room for a second of its size: refused") or diag(large)
        ok("error" not in copy, "and copied") or diag(copy)
        cloned("as before", f)
        tgtest.ends_well(f, "overcommit: it found nothing wrong")


harmtest.run_parts(filtered, nearly_full, becomes_full, is_slowed,
                   ends_together, few_processes, no_process, traced,
                   one_after_another, two_at_once, stopped, committed)
equal(d.do("list"), [], "nothing is held at the end")
equal(d.do("quit"), {"tracer_status": 0}, "the tracer ends when told to")
hstest.done()
