#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rungs of the ladder: each gives the same heap, and where a better one is
not to be had heapsh takes the next and says why. The program goes on."""
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from cgroups import Group
from hstest import diag, equal, ok, pythons, skip
from obstacles import ALLOW, ROOT, libc, no_clone, program

COPY, LIVE = "stopped and copied", "live"


def goes_on(f, name):
    """It answers, has no child and no tracer, and its thread runs."""
    before, after = int(f.ask("")), 0
    end = time.monotonic() + 20
    while after <= before and time.monotonic() < end:
        after = int(f.ask(""))

    def left():
        with open("/proc/%d/status" % f.pid) as s:
            traced = "TracerPid:\t0" not in s.read()
        return [after > before, traced, tgtest.children(f.pid)]
    hstest.comes_to(left, [True, False, []],
                    name + ": the program goes on, and has no child")


def attach(f, rung, name, *options, **kw):
    """Attach; the rung is this one, and the heap is the program's."""
    r = hstest.heapsh(["attach", f.pid] + list(options),
                      ["len(heap & __main__.Item)", "threads"], **kw)
    a = r.docs[0]
    if not ok(r.status == 0 and a.get("rung") == rung,
              "%s: %s" % (name, rung)):
        diag("status %d\n%s\n%s" % (r.status, r.out, r.err))
        return a, r.err
    equal(r.results[0].get("value"), 5000, "%s: every object is there" % name)
    equal(len(r.results[1].get("rows", [])), 2, "%s: both threads" % name)
    return a, r.err


def asked_for(path):
    with program(path) as f:
        attach(f, "frozen clone", "without options")
        a, err = attach(f, COPY, "--stop", "--stop")
        ok(a.get("pause_ns", 0) > 0 and not err, "its pause is told")
        a, err = attach(f, LIVE, "--live", "--live")
        equal([a.get("pause_ns"), a.get("settled"), err], [0, False, ""],
              "nothing was stopped, and nothing is promised")
        r = hstest.heapsh(["attach", f.pid, "--live"], ["1"], form=None)
        ok("live" in r.err and "may be inconsistent" in r.err,
           "a person is told so") or diag(r.err)
        goes_on(f, "asked for")
        r = hstest.heapsh(["attach", f.pid, "--live", "--stop"], ["1"])
        equal([r.status, r.err.split("\n")[0]],
              [2, "heapsh: --live and --stop are two ways to attach: it is "
               "one or the other"], "not both")
        for option in ([], ["--stop"]):
            r = hstest.heapsh(["attach", f.pid, "--max-pause", "10us"]
                              + option, ["1"])
            a = r.docs[0]
            ok(r.status == 3 and "it would stand still for about " in
               a["message"] and a["message"].endswith("the limit is 10.0 us"),
               "a limit for the pause is kept, with the estimate beside it"
               ) or diag(r.out)


def snaps(path):
    """New instants are had the same way; released ones cost nothing."""
    with program(path) as f:
        for option, rung in (("--stop", COPY), ("--live", LIVE)):
            r = hstest.heapsh(["attach", f.pid, option],
                              ["snap", "len(heap & __main__.Item)",
                               "release", "len(heap & __main__.Item)",
                               "snap", "len(heap & __main__.Item)"])
            docs = r.docs
            equal([d.get("value") for d in docs if d["type"] == "number"],
                  [5000] * 3, option + ": three instants")
            equal([d["rung"] for d in docs if d["type"] == "attached"],
                  [rung] * 3, option + ": all by this rung")
        goes_on(f, "snap")


def stopped(path):
    with program(path) as f:
        os.kill(f.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, f.pid, os.WSTOPPED)
        attach(f, "frozen clone", "a stopped process")
        attach(f, COPY, "a stopped process, --stop", "--stop")
        hstest.wait_for(lambda: tgtest.stat_field(f.pid, 3) == "T", "T")
        ok(True, "it stays stopped")
        os.kill(f.pid, signal.SIGCONT)
        goes_on(f, "stopped")


def traced(path):
    SEIZE, DETACH, INTERRUPT = 0x4206, 17, 0x4207
    with program(path) as f:
        if libc.ptrace(SEIZE, f.pid, None, None):
            skip("a traced process", "this test may not ptrace")
            return
        r = hstest.heapsh(["attach", f.pid], ["1"])
        equal([r.status, r.docs[0]["remedy"]],
              [3, "heapsh attach %d --live" % f.pid],
              "of a traced process, reading it live is offered")
        attach(f, LIVE, "a traced process", "--live")
        libc.ptrace(INTERRUPT, f.pid, None, None)
        os.waitpid(f.pid, 0x40000000)
        libc.ptrace(DETACH, f.pid, None, None)
        goes_on(f, "traced")


def filtered(path):
    """One that filters calls is copied, since no call need be made in it."""
    with program(path, no_clone()) as f:
        a, err = attach(f, COPY, "a filter that does not permit clone()")
        ok("no frozen clone of %d: " % f.pid in err and
           "its memory was copied while it stood still" in err and
           a.get("reason", "") in err, "and why is said") or diag(err)
        goes_on(f, "filtered")
    if not ROOT:
        return
    with program(path, ALLOW) as f:
        attach(f, "frozen clone", "a filter that permits it")
        goes_on(f, "filtered, permitted")


def full(path):
    """No room for another process: RLIMIT_NPROC of a user's own."""
    if not os.access("/usr/bin/python3", os.X_OK):
        skip("no room for a process", "others may not run " + path)
        return
    path = "/usr/bin/python3"
    if not ROOT or not shutil.which("setpriv"):
        skip("no room for a process", "needs root and setpriv")
        return
    # Of a user who has no other process: another test's would count, too.
    user = str(30000 + os.getpid() % 30000)
    nobody = ["setpriv", "--reuid", user, "--regid", user,
              "--clear-groups", "prlimit", "--nproc=2"]
    with program(path, prefix=nobody) as f:
        a, err = attach(f, COPY, "no room for another process")
        ok("Resource temporarily unavailable" in a.get("reason", ""),
           "clone() said so") or diag(a)
        goes_on(f, "full")


def groups(path):
    for controller, value, sentence in (
            ("pids", 2, "its cgroup has no room for another process "
             "(pids.max)"),
            ("memory", 3 << 20, "its cgroup has ")):
        # What it has already stays with the group where it came from.
        with Group(controller) as g, program(path) as f:
            if not g.path:
                skip("a full cgroup: " + controller, g.why)
                continue
            g.limit(value)
            g.add(f.pid)
            a, err = attach(f, COPY, "a full cgroup (%s)" % controller)
            ok(sentence in a.get("reason", ""), "it is named") or diag(a)
            goes_on(f, controller)


def too_large(path):
    """Neither a clone nor room for a copy: it is read as it runs."""
    with program(path, no_clone()) as f:
        r = hstest.heapsh(["attach", f.pid, "--max-pause", "5ms"],
                          ["len(heap & __main__.Item)"])
        a = r.docs[0]
        equal([r.status, a.get("rung"), r.results[0].get("value")],
              [0, LIVE, 5000], "neither clone nor copy: read live")
        ok("it filters system calls" in a["reason"] and
           "it would stand still" in a["reason"] and
           "it is read as it runs" in r.err, "both reasons are said"
           ) or diag(r.err)
        goes_on(f, "too large")


found = pythons()
for version, path in found[-1:]:
    for part in (asked_for, snaps, stopped, traced, filtered, full, groups,
                 too_large):
        part(path)
for version, path in found[:-1]:
    with program(path) as f:
        for option, rung in (("--stop", COPY), ("--live", LIVE)):
            attach(f, rung, version + " " + option, option)
        goes_on(f, version)
hstest.done()
