#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of shell, engine and tracer at ten moments each: nothing is left
behind, the target is unharmed."""
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (HEAPSH, diag, done, equal, ok, python,  # noqa: E402
                    pythons, wait_for, SMOKE)


def cmdline(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def tree(pid):
    """Processes below pid: {role: pid}."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as f:
                st = f.read()
        except OSError:
            continue
        if int(st[st.rindex(")") + 2:].split()[1]) == pid:
            for role in ("--engine", "--tracer"):
                if role in cmdline(int(name)):
                    found[role[2:]] = int(name)
    return found


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            st = f.read()
        return st[st.rindex(")") + 2] != "Z"
    except OSError:
        return False


def clones(pid):
    """Children of the target that run (a zombie does not)."""
    out = []
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, tid)) as f:
            out += [int(x) for x in f.read().split()]
    return [c for c in out if alive(c)]


def tracer_of(pid):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith("TracerPid"):
                return int(line.split()[1])


version, path = pythons()[-1]
rnd = random.Random(5)
MOMENTS = 3 if SMOKE else 10
with python(path, "hammer.py", "2", "20000") as f:
    for role in ("shell", "engine", "tracer"):
        left = []
        for moment in range(MOMENTS):
            p = subprocess.Popen([HEAPSH, "attach", str(f.pid), "-f", "json",
                                  "-x", "-"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
            if moment % 2:
                # in the middle of things: somewhere in the attach or the sweep
                p.stdin.write("heap\nheap.reachable\nsnap\nheap\n" * 5)
                p.stdin.flush()
                time.sleep(rnd.random() * 0.4)
            else:
                # while an instant is held and nothing happens
                p.stdin.write("heap\n")
                p.stdin.flush()
                p.stdout.readline()
                p.stdout.readline()
            roles = tree(p.pid)
            roles["shell"] = p.pid
            if role in roles:
                try:
                    os.kill(roles[role], signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                p.stdin.write("asizeof 1\n")
                p.stdin.close()
            except BrokenPipeError:
                pass
            p.stdin = None
            try:
                out, err = p.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                left.append("%s %d: the shell hangs" % (role, moment))
                p.kill()
                continue
            if role == "engine" and p.returncode >= 0 and "engine" not in err:
                left.append("engine %d: not said: %.200s" % (moment, err))
            try:
                wait_for(lambda: not any(alive(x) for x in roles.values()) and
                         not clones(f.pid) and not tracer_of(f.pid),
                         "end", 20)
            except TimeoutError:
                left.append("%s %d: %r %r %r" % (
                    role, moment, {k: alive(v) for k, v in roles.items()},
                    clones(f.pid), tracer_of(f.pid)))
        equal(left, [], "kill -9 of %s at %d moments" % (role, MOMENTS))
        a = f.ask("progress")
        wait_for(lambda: all(x < y for x, y in zip(a, f.ask("progress"))),
                 "every thread goes on")
        ok(True, "after kills of %s the target goes on" % role)
    equal(f.end(), (0, "good"), "the target ends well")
done()
