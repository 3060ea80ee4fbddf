#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Under each setting of kernel.yama.ptrace_scope, by who may not do everything:
which ways lead into a program, what is said of those that do not, and that
what is said to type works.

The setting is the whole machine's: only where HEAPSH_OWN_MACHINE says that it
is the test's (make check-vm) all four are made, 3 at the end: from there is no
way back. Else it is the one that is there."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import obstacles
from hstest import diag, equal, ok, skip
from obstacles import ROOT, SYSTEM, obeys, only, program, rows_of

YAMA = "/proc/sys/kernel/yama/ptrace_scope"
OURS = ROOT and bool(os.environ.get("HEAPSH_OWN_MACHINE"))
WHO = obstacles.NOBODY if ROOT else []
PROBE = "heapsh-probe.so"
N = "len(heap & __main__.Item)"
LETS = "kernel.yama.ptrace_scope is 1: only its parent and root may, and " \
       "who it lets (one started by \"heapsh run\", or with " \
       "LD_PRELOAD=heapsh-probe.so, can be attached)"
WHY = {1: LETS,
       2: "kernel.yama.ptrace_scope is 2: only root may (CAP_SYS_PTRACE)",
       3: "kernel.yama.ptrace_scope is 3: nobody may, until the next boot"}
ROW = {0: ("0: whoever has the same user may attach", ""),
       1: ("1: only parents and root may attach",
           "sudo sysctl kernel.yama.ptrace_scope=0"),
       2: ("2: only root may attach",
           "sudo sysctl kernel.yama.ptrace_scope=0"),
       3: ("3: nobody may attach until the next boot",
           "boot with another setting")}
PRELOADED = "import ctypes; ctypes.CDLL(%r)"

FORKING = """
import json, os, subprocess, sys, time
child = os.fork()
if not child:
    time.sleep(600)
again = subprocess.Popen([sys.executable, "-c", "import time\\n"
                          "print(1, flush=True)\\ntime.sleep(600)"],
                         stdout=subprocess.PIPE)
again.stdout.readline()
print(json.dumps([child, again.pid]), flush=True)
sys.stdin.readline()
os.kill(child, 9)
again.kill()
"""


def heapsh(args, commands=(), prefix=WHO):
    """The copy of us that anybody may run, by WHO."""
    argv = list(prefix) + [FOLDER + "/heapsh"] + [str(a) for a in args]
    p = subprocess.run(argv + ["-f", "json"] + (["-x", "-"] if commands else
                                                []),
                       input="".join(c + "\n" for c in commands), text=True,
                       capture_output=True, timeout=hstest.LIMIT, cwd="/")
    return hstest.Result(p)


def gives(f, rung, name, *options, **kw):
    """Attach; the rung is this one and the heap is the program's."""
    r = heapsh(["attach", f.pid, *options], [N, "probe status"], **kw)
    if not ok(r.status == 0 and r.docs[0].get("rung") == rung and
              r.results[0].get("value") == 5000, "%s: %s" % (name, rung)):
        diag("status %d\n%s\n%s" % (r.status, r.out, r.err))
    return r


def refused(f, why, remedy, name, *options, **kw):
    r = heapsh(["attach", f.pid, *options], ["1"], **kw)
    d = r.docs[0] if r.out else {}
    equal([r.status, d.get("message"), d.get("remedy")],
          [3, "attach to %d: %s" % (f.pid, why), remedy], name)


def diagnosed(f, scope, remedy, name):
    """What doctor says of the program and of the setting."""
    d = rows_of(heapsh(["doctor", f.pid]))
    equal(only(d, "yama (kernel.yama.ptrace_scope)"), ROW[scope],
          name + ": the setting")
    equal(only(d, "not to be attached"),
          ("attach to %d: %s" % (f.pid, WHY[scope]), remedy),
          name + ": why it may not be attached")
    return only(d, "yama (kernel.yama.ptrace_scope)")[1]


def run(options, commands):
    """heapsh run, its output to a file, since the program outlives it."""
    words = [w for c in commands for w in ("-e", c)]
    code = "import time\nwhile True:\n    time.sleep(0.01)\n"
    with tempfile.TemporaryFile("w+") as out:
        status = subprocess.call(
            WHO + [FOLDER + "/heapsh", "run", *options, "-f", "json", *words,
                   SYSTEM, "-c", code],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
            timeout=hstest.LIMIT)
        out.seek(0)
        said = out.read()
    docs = [json.loads(d) for d in said.splitlines() if d[:2] == "{\""]
    for pid in {d["pid"] for d in docs if d.get("pid")}:
        os.kill(pid, signal.SIGTERM)
    return status, docs, said


def started(scope, option, rung):
    """heapsh run: ours is the parent, or the probe permits it. The engine is
    neither, and so has the tracer open what it is to read."""
    name = ("yama %d, run %s" % (scope, option)).strip()
    commands = ["heap.count"]
    if option != "--stop":      # no code can be run in a copy
        commands += ["probe load yes=1", "snap", "probe status"]
    status, docs, said = run([option] if option else [], commands)
    if scope > 1:
        ok(status == 3 and WHY[scope] in said, name + ": refused, and said "
           "why") or diag("status %d\n%s" % (status, said))
        return
    # What is loaded already is not loaded again, which is a refusal.
    count = [d["value"] for d in docs if d["type"] == "number"]
    ok(status == (option == "--probe") and docs[0].get("rung") == rung and
       count and count[0] > 1000, "%s: %s" % (name, rung)) or diag(said)
    if option != "--stop":
        ok("processes of the same user may attach" in str(docs[-1]),
           name + ": it can have the probe loaded") or diag(said)


def consenting(scope):
    """Programs that have loaded the probe, in two ways; and what they fork."""
    env = dict(os.environ, LD_PRELOAD=FOLDER + "/" + PROBE)
    for way, f in (
            ("LD_PRELOAD", hstest.Fixture(
                WHO + [SYSTEM, "-c", obstacles.PROGRAM % ""], env=env)),
            ("dlopen", program(SYSTEM, PRELOADED % env["LD_PRELOAD"], WHO))):
        name = "yama %d, %s" % (scope, way)
        with f:
            if scope > 1:
                refused(f, WHY[scope], remedy(scope, f), name)
                continue
            r = gives(f, "preloaded probe", name)
            ok("processes of the same user may attach" in str(r.results[-1]),
               name + ": probe status knows that it was asked for")
            for option, rung in (("--stop", "stopped and copied"),
                                 ("--live", "live")):
                gives(f, rung, name + " " + option, option)
            d = rows_of(heapsh(["doctor", f.pid]))
            equal([only(d, "not to be attached")[0],
                   only(d, "attach gives")],
                  ["nothing is said", ("a frozen clone",
                                       "heapsh attach %d" % f.pid)],
                  name + ": doctor knows that it may be attached")


def offspring(scope):
    """What such a program forks is another, which has not asked; what it
    executes does, where LD_PRELOAD is handed down."""
    env = dict(os.environ, LD_PRELOAD=FOLDER + "/" + PROBE)
    name = "yama %d, " % scope
    with hstest.Fixture(WHO + [SYSTEM, "-c", FORKING], env=env) as f:
        for pid, asks in zip(f.truth, (False, True)):
            r = heapsh(["attach", pid], ["heap.count"])
            d = r.docs[0]
            if asks or not scope:
                equal([r.status, d.get("rung")], [0, "preloaded probe"],
                      name + "executed by one: preloaded probe")
            else:
                equal([r.status, d.get("message")],
                      [3, "attach to %d: %s" % (pid, WHY[1])],
                      name + "forked by one: refused")
        f.end()


def remedy(scope, f):
    return None if scope == 3 else "sudo heapsh attach %d" % f.pid


def forbidden(scope):
    """A program that was not asked."""
    name = "yama %d" % scope
    with program(SYSTEM, prefix=WHO) as f:
        if not scope:
            for option, rung in (((), "frozen clone"),
                                 (("--stop",), "stopped and copied"),
                                 (("--live",), "live")):
                gives(f, rung, name, *option)
            return
        line = remedy(scope, f)
        for option in (), ("--stop",), ("--live",):
            refused(f, WHY[scope], line,
                    " ".join([name, "refused", *option]), *option)
        setting = diagnosed(f, scope, line or "", name)
        ok(int(f.ask("")) > 0, name + ": the program goes on")
        if scope < 3 and ROOT:
            obeys(line, f, "frozen clone", name + ", as root")
        if scope < 3 and OURS and shutil.which("sysctl"):
            subprocess.run(setting.replace("sudo ", "").split(),
                           stdout=subprocess.DEVNULL)
            gives(f, "frozen clone", name + ", after " + setting)
            set_to(scope)


def root_without(scope):
    """Root of a container that withholds SYS_PTRACE."""
    if not ROOT or not scope:
        return
    less = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps",
            "-sys_ptrace"]
    with program(SYSTEM, prefix=less) as f:
        refused(f, WHY[scope], None if scope == 3 else
                "docker run --cap-add=SYS_PTRACE …, or run heapsh outside "
                "the container", "yama %d, root without SYS_PTRACE" % scope,
                prefix=less)


def everybody(scope):
    """3: root neither."""
    if scope < 3 or not ROOT:
        return
    with program(SYSTEM, prefix=WHO) as f:
        for option in (), ("--stop",), ("--live",):
            refused(f, WHY[3], None, " ".join(["yama 3, root", *option]),
                    *option, prefix=[])


def set_to(scope):
    with open(YAMA, "w") as f:
        f.write(str(scope))


def under(scope):
    forbidden(scope)
    consenting(scope)
    if scope < 2:
        offspring(scope)
    started(scope, "", "frozen clone")
    started(scope, "--stop", "stopped and copied")
    started(scope, "--probe", "preloaded probe")
    root_without(scope)
    everybody(scope)


if not os.path.exists(YAMA):
    skip("yama", "this kernel has none (make check-vm)")
elif not os.access(SYSTEM, os.X_OK) or ROOT and not shutil.which("setpriv"):
    skip("yama", "needs %s and setpriv" % SYSTEM)
else:
    diag("CPythons tested: " + hstest._version(SYSTEM)[0])
    with open(YAMA) as y:
        now = int(y.read())
    with tempfile.TemporaryDirectory(dir="/tmp") as FOLDER:
        os.chmod(FOLDER, 0o755)
        obstacles.copy_of_us(FOLDER, [PROBE])
        for each in (0, 1, 2, 3) if OURS else (now,):
            if OURS:
                set_to(each)
            under(each)
        if not OURS:
            skip("other settings of yama than %d" % now,
                 "it is the whole machine's (make check-vm)")
hstest.done()
