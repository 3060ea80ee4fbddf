#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Code of a program that is in namespaces of its own, or not root's, or has a
libffi of its own (by ctypes): it is called in copies all the same, answers as
it does in a child of its own, and the program is as it was."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import FIXTURES, diag, equal, ok, skip

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
          "--inh-caps=-all", "--bounding-set=-all"]
SPACES = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount",
          "--mount-proc", "--net", "--ipc", "--uts"]
# C functions, and what Python's own ways say to the same question.
LINES = [('call "size_t (const char *)" strlen "hello"', 5),
         ('call "double (double, double)" libm.so.6:pow 2 10', 1024.0),
         ('call "int (int)" abs (-3)', 3)]


def below(pid):
    """The last process of a chain of only children."""
    while True:
        kids = [p for p, _ in tgtest.children(pid)]
        if not kids:
            return pid
        pid = kids[0]


def ask(pid, lines, prefix=()):
    p = subprocess.run(
        [*prefix, hstest.HEAPSH, "attach", str(pid), "-f", "json", "-x", "-"],
        input="".join(x + "\n" for x in lines), capture_output=True,
        text=True, timeout=hstest.LIMIT)
    return hstest.Result(p)


def called(f, pid, name, prefix=()):
    cases = [c for c in f.truth["cases"] if "0x" not in c[1]][:20]
    r = ask(pid, ["call " + c for c, _ in cases] + [x for x, _ in LINES] +
            ["show first repr=1", "call kills()", "call first.total()"],
            prefix)
    if not ok(r.status in (0, 1) and r.docs[0].get("rung") == "frozen clone",
              name + ": attached"):
        diag("status %d\n%.500s\n%.500s" % (r.status, r.out, r.err))
        return
    said = [d["value"] if d["type"] != "error" else
            d["message"].partition(": ")[2] for d in r.results]
    n = len(cases)
    equal([(c, s) for (c, _), s in zip(cases, said)],
          [tuple(c) for c in cases], name + ": its callables answer")
    equal(said[n:n + len(LINES)], [w for _, w in LINES],
          name + ": C functions, beside a libffi of its own")
    equal(said[-3], "Account('one', [1, 2, 3])", name + ": a repr()")
    ok("signal 9" in said[-2] and said[-1] == "6",
       name + ": what it must not do is reported")


def load(f, pid, name, prefix=()):
    d = ask(pid, ["probe load yes=1 wait=30s"], prefix).results[0]
    with open("/proc/%d/maps" % pid) as m:
        there = "heapsh-probe.so" in m.read()
    said = d.get("value") or d.get("message")
    ok(("has loaded" in said and there) or
       ("nothing was changed" in said and not there),
       "%s: probe load: %s" % (name, said))


def run(path, prefix, name, by=()):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        argv = [path, os.path.join(FIXTURES, "calls.py"), folder]
        if prefix and prefix[0] == "unshare":
            argv = ["sh", "-c", '"$@"; exit 0', "sh"] + argv
        try:
            f = hstest.Fixture(list(prefix) + argv,
                               stderr=subprocess.DEVNULL)
        except (OSError, TimeoutError):
            f = None
        if not f or not isinstance(f.truth, dict):
            skip(name, "it does not start: %r" % (f and f.truth,))
            return
        with f:
            pid = below(f.pid)
            called(f, pid, name, by)
            equal(f.end(), (0, "same"), name + ": the program is unharmed")


def run_loading(path, prefix, name, by=()):
    argv = [path, os.path.join(FIXTURES, "loading.py"), "idle", "0", "0"]
    if prefix and prefix[0] == "unshare":
        argv = ["sh", "-c", '"$@"; exit 0', "sh"] + argv
    f = hstest.Fixture(list(prefix) + argv, stderr=subprocess.DEVNULL)
    if not isinstance(f.truth, dict):
        skip(name + ": probe load", "it does not start")
        return
    with f:
        load(f, below(f.pid), name, by)
        equal(f.end(), (0, "same"), name + ": and it ends well")


def reaches(prefix, path):
    """May these be executed so?"""
    return not any(subprocess.run([*prefix, x, "--version"],
                                  capture_output=True).returncode
                   for x in (hstest.HEAPSH, path))


every = hstest.pythons()
for kind, prefix, by, path in (
        ("namespaces", SPACES, (), every[-1][1]),
        ("nobody's", NOBODY, NOBODY, "/usr/bin/python3"),
        ("nobody's, by root", NOBODY, (), "/usr/bin/python3")):
    if prefix[0] == "setpriv" and (os.geteuid() or not
                                   shutil.which("setpriv")):
        skip(kind, "needs root and setpriv")
        continue
    if by and not reaches(by, path):
        skip(kind, "another user cannot reach the build tree")
        continue
    run(path, prefix, kind, by)
    run_loading(path, prefix, kind, by)
hstest.done()
