#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doctor: each obstacle, made on purpose, is named with a line to type, and
that line works; what a killed heapsh has left is taken away."""
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from cgroups import Group
from hstest import diag, equal, ok, pythons, skip
from obstacles import (ALLOW, NOBODY, ROOT, SYSTEM, as_nobody, doctor,
                       libc, no_clone, obeys, only, program)

def types(line, name):
    ok(line.startswith("echo ") and " | sudo tee /" in line,
       name + ": " + line)
    subprocess.run(["sh", "-c", line.replace("sudo ", "")],
                   stdout=subprocess.DEVNULL)


def healthy(path):
    with program(path) as f:
        d = doctor(f)
        equal([only(d, "traced by"), only(d, "seccomp"),
               only(d, "left behind")],
              [("nobody", ""), ("none", ""), ("nothing", "")],
              "of a process without obstacles: nothing in the way")
        ok("CPython " in only(d, "runtime")[0], "its runtime is named")
        ok("objects agree" in only(d, "layout")[0] or
           "debug" in only(d, "layout")[0], "its layout is, and why it is "
           "trusted") or diag(only(d, "layout"))
        ok("2 threads" in only(d, "size")[0], "its size")
        ok(only(d, "a frozen clone")[0].startswith("about "),
           "what it would cost")
        obeys(only(d, "attach gives")[1], f, "frozen clone", "what to type")
        r = hstest.heapsh(["doctor", f.pid], form=None)
        ok(len(r.out.splitlines()) < 40, "it fits a screen")
        ok("\u2026" not in r.out and "objects agree" in r.out,
           "and no sentence is cut off") or diag(r.out)
        # Nothing was stopped: the same in the shell, without attaching.
        r = hstest.heapsh(["attach", f.pid], ["doctor %d" % f.pid,
                                              "len(heap & __main__.Item)"])
        equal(r.results[-1].get("value"), 5000, "and it is a verb")
        r = hstest.heapsh(["doctor", "999999999"])
        equal([r.status, r.docs[0]["message"]],
              [1, "doctor: there is no process 999999999"], "no such process")


def filtered(path):
    with program(path, no_clone()) as f:
        d = doctor(f)
        equal(only(d, "seccomp")[0], "mode 2, 1 filters", "a filter is seen")
        obeys(only(d, "attach gives")[1], f, "stopped and copied",
              "a filter that is not asked before the stop")
    if not ROOT or not shutil.which("setpriv"):
        skip("a filter that we may not see", "needs root and setpriv")
        return
    with program(SYSTEM, ALLOW, prefix=NOBODY) as f:
        d = as_nobody(f)
        value, line = only(d, "no clone")
        ok("it filters system calls" in value, "a filter that is not shown")
        obeys(line, f, "frozen clone", "as root it is asked")


def owners(path):
    if not ROOT or not shutil.which("setpriv"):
        skip("another user's process", "needs root and setpriv")
        return
    with program(path) as f:
        value, line = only(as_nobody(f), "not to be attached")
        equal(value, "attach to %d: it belongs to root" % f.pid,
              "another user's process")
        obeys(line, f, "frozen clone", "as root")
    hidden = "assert not libc.prctl(4, 0, 0, 0, 0)"
    with program(SYSTEM, hidden, prefix=NOBODY) as f:
        d = as_nobody(f)
        ok("not dumpable" in only(d, "owner")[0] and
           "not dumpable" in only(d, "not to be attached")[0],
           "one that is not dumpable")
        obeys(only(d, "not to be attached")[1], f, "frozen clone",
              "not dumpable, as root")


def traced(path):
    SEIZE, DETACH, INTERRUPT = 0x4206, 17, 0x4207
    with program(path) as f:
        if libc.ptrace(SEIZE, f.pid, None, None):
            skip("a traced process", "this test may not ptrace")
            return
        d = doctor(f)
        value, line = only(d, "no clone, no copy")
        ok("it is traced already, by " in value and
           "(process %d)" % os.getpid() in only(d, "traced by")[0],
           "its tracer is named")
        obeys(line, f, "live", "a traced process")
        obeys(only(d, "attach gives")[1], f, "live", "at the end, too")
        libc.ptrace(INTERRUPT, f.pid, None, None)
        os.waitpid(f.pid, 0x40000000)
        libc.ptrace(DETACH, f.pid, None, None)


def stopped(path):
    with program(path) as f:
        os.kill(f.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, f.pid, os.WSTOPPED)
        d = doctor(f)
        equal(only(d, "state")[0], "stopped: it stays so", "a stopped one")
        obeys(only(d, "attach gives")[1], f, "frozen clone", "stopped")
        os.kill(f.pid, signal.SIGCONT)


def limited(path):
    with program(path) as f:
        d = doctor(f, "--max-pause", "10us")
        value, line = only(d, "no clone, no copy")
        ok("it would stand still for about" in value, "too long a pause")
        obeys(line, f, "frozen clone", "a longer pause is permitted")


def groups(path):
    for controller, value, sentence in (
            ("pids", 2, "its cgroup has no room for another process "
             "(pids.max)"),
            ("memory", 3 << 20, "its cgroup has ")):
        with Group(controller) as g, program(path) as f:
            if not g.path:
                skip("a full cgroup: " + controller, g.why)
                continue
            g.limit(value)
            g.add(f.pid)
            d = doctor(f)
            said, line = only(d, "no clone")
            ok(sentence in said, "a full cgroup (%s)" % controller)
            types(line, controller)
            obeys(only(doctor(f), "attach gives")[1], f, "frozen clone",
                  "after that (%s)" % controller)


def leftovers(path):
    with program(path) as f:
        for _ in range(2):
            with tgtest.Driver() as t:
                i = t.need("freeze", f.pid)
                os.kill(t.tracer, signal.SIGKILL)
                hstest.wait_for(lambda: not tgtest.alive(i["snap"]), "end")
        left = [p for p, _ in tgtest.children(f.pid)]
        equal(len(left), 2, "two that were killed left a zombie each")
        rows = doctor(None).get("left behind", [])
        ok(sum("copy of %d," % f.pid in v and t == "heapsh doctor %d" % f.pid
               for v, t in rows) == 2, "doctor knows whose they are")
        d = doctor(f)
        equal([len(d.get("left behind", [])), only(d, "removed")[0],
               tgtest.children(f.pid)], [2, "2 of 2", []],
              "doctor PID takes them away")
        equal(only(doctor(f), "left behind")[0], "nothing", "all of them")
        f.ask("")


found = pythons()
for version, path in found[-1:]:
    for part in (healthy, filtered, owners, traced, stopped, limited, groups,
                 leftovers):
        part(path)
hstest.done()
