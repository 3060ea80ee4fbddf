#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs in namespaces of their own, and such whose files are gone: names,
symbols and heap are found all the same, and nothing is left behind."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import diag, equal, ok, pythons, skip
from obstacles import PROGRAM, ROOT

ALL = ["--user", "--map-root-user", "--pid", "--fork", "--mount",
       "--mount-proc", "--net", "--ipc", "--uts"]


def understood(args, f, pid, name):
    """The heap is the program's, by symbols of its own files; it goes on and
    has no child more than before."""
    before = tgtest.children(pid)
    r = hstest.heapsh(["attach"] + args,
                      ["len(heap & __main__.Item)", "threads"])
    a = r.docs[0]
    if not ok(r.status == 0 and a.get("rung") == "frozen clone" and
              a.get("runtime") == "CPython", name + ": attached"):
        diag("status %d\n%s%s" % (r.status, r.out, r.err))
        return
    equal([r.results[0].get("value"), len(r.results[1]["rows"])], [5000, 2],
          name + ": its objects and threads")
    hstest.comes_to(lambda: tgtest.children(pid), before,
                    name + ": no child more")
    was = int(f.ask(""))
    hstest.wait_for(lambda: int(f.ask("")) > was, "progress")
    ok(True, name + ": it goes on")


def inside(path, flags, name, before="", args=None):
    """path in namespaces: below a shell, so that it is not the first there."""
    code = before + '"$0" -c "$1"; exit 0'
    try:
        f = hstest.Fixture(["unshare"] + flags +
                           ["sh", "-c", code, path, PROGRAM % ""],
                           stderr=subprocess.DEVNULL)
    except (OSError, TimeoutError):
        f = None
    if not f or f.truth != {}:
        skip(name, "unshare may not: %r" % (f and f.truth,))
        return
    with f:
        pid = f.pid
        while True:
            below = [p for p, _ in tgtest.children(pid)]
            if not below:
                break
            pid = below[0]
        understood(args or [pid], f, pid, name)
        f.end()


def first_there(path):
    """As PID 1 of a namespace, where zombies would be its own to wait for."""
    with hstest.Fixture(["unshare"] + ALL + [path, "-c", PROGRAM % ""],
                        stderr=subprocess.DEVNULL) as f:
        if f.truth != {}:
            skip("PID 1", "unshare may not")
            return
        pid = tgtest.children(f.pid)[0][0]
        understood([pid], f, pid, "PID 1 of its namespace")
        f.end()


def by_inner_number(path):
    code = '"$0" -c "$1"; exit 0'
    with hstest.Fixture(["unshare"] + ALL + ["sh", "-c", code, path,
                                              PROGRAM % ""],
                        stderr=subprocess.DEVNULL) as f:
        if f.truth != {}:
            skip("--ns", "unshare may not")
            return
        pid = tgtest.children(tgtest.children(f.pid)[0][0])[0][0]
        with open("/proc/%d/status" % pid) as s:
            inner = [x.split()[-1] for x in s if x.startswith("NSpid")][0]
        r = hstest.heapsh(["attach", "--ns", inner],
                          ["len(heap & __main__.Item)"])
        if "processes are called so" in r.out + r.err:
            skip("--ns", "another container has a process %s" % inner)
        else:
            equal([r.docs[0].get("pid"), r.results[0].get("value")],
                  [pid, 5000], "--ns: by the container's own number")
        r = hstest.heapsh(["attach", "--ns", "999999999"], ["1"])
        equal([r.status, r.docs[0]["message"]],
              [3, "attach 999999999: no process has this number in a container"],
              "--ns: a number that none has")
        f.end()


def hidden_folder(path):
    """What is mapped is not to be seen by its name any more."""
    real = os.path.realpath(path)
    home = os.path.dirname(os.path.dirname(real))
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(real, os.path.join(folder, "python3"))
        env = dict(os.environ, PYTHONHOME=home,
                   LD_LIBRARY_PATH=os.path.join(home, "lib"))
        with hstest.Fixture(["unshare", "--mount", copy, "-c", PROGRAM % ""],
                            env=env, stderr=subprocess.DEVNULL) as f:
            if f.truth != {}:
                skip("a hidden folder", "unshare may not")
                return
            r = subprocess.run(["nsenter", "-t", str(f.pid), "-m", "mount",
                                "-t", "tmpfs", "none", folder])
            if r.returncode:
                skip("a hidden folder", "nsenter may not mount")
                return
            understood([f.pid], f, f.pid, "its folder is hidden")


def gone_files(path):
    """Its executable was deleted, or replaced by another (an upgrade)."""
    real = os.path.realpath(path)
    home = os.path.dirname(os.path.dirname(real))
    for name in ("deleted", "replaced"):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "python3")
            shutil.copy(real, copy)
            env = dict(os.environ, PYTHONHOME=home,
                       LD_LIBRARY_PATH=os.path.join(home, "lib"))
            with hstest.Fixture([copy, "-c", PROGRAM % ""], env=env) as f:
                os.unlink(copy)
                if name == "replaced":
                    shutil.copy("/bin/true", copy)
                understood([f.pid], f, f.pid, "its executable was " + name)


found = pythons()
for version, path in found[-1:]:
    if not ROOT:
        skip("namespaces", "needs root")
    else:
        inside(path, ["--mount"], "another mount namespace")
        inside(path, ["--net"], "another network namespace")
        inside(path, ALL, "user, pid, mount and network namespaces")
        inside(path, ["--mount"], "no /proc inside",
               "umount -l /proc || exit 3; ")
        inside(path, ["--mount"], "a read-only root",
               "mount -o remount,bind,ro / || exit 3; ")
        hidden_folder(path)
        first_there(path)
        by_inner_number(path)
    gone_files(path)
hstest.done()
