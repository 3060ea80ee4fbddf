#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may not attach, and programs that may not be attached to: each is made on
purpose, doctor has the right sentence, and what it says to type works."""
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
from obstacles import (NOBODY, ROOT, SYSTEM, as_nobody, doctor, heapsh_by,
                       obeys, only, program, rows_of)

YAMA = "/proc/sys/kernel/yama/ptrace_scope"
# One thread, which may not start another.
ALONE = """
import ctypes, sys
class Item:
    pass
items = [Item() for _ in range(5000)]
libc = ctypes.CDLL(None)
print("{}", flush=True)
%s
while sys.stdin.readline() != "":
    print(1, flush=True)
"""


def alone(path, code="", prefix=()):
    return hstest.Fixture(list(prefix) + [path, "-c", ALONE % code])


def init_to_be(path):
    """Its next child, our clone, would be the init of a namespace."""
    with alone(path, prefix=["unshare", "--pid"]) as f:
        if f.truth != {}:
            skip("a namespace for its children", "unshare may not")
            return
        d = doctor(f)
        value, line = only(d, "no clone")
        equal(value, "its children go to a process namespace of their own",
              "a namespace for its children is seen")
        obeys(line, f, "live", "what leads around it")
        obeys(only(d, "attach gives")[1], f, "stopped and copied",
              "a namespace for its children")
        equal(f.ask(""), 1, "it goes on")
        p = subprocess.run(["nsenter", "-t", str(f.pid), "-p", "true"],
                           stderr=subprocess.DEVNULL)
        ok(p.returncode == 0, "and can still begin that namespace")


def strict(path):
    """It may read, write and end, no more: a clone() would end it."""
    # What is called must be there already: to find it would take calls.
    code = ("byte, read, prctl = ctypes.create_string_buffer(1), libc.read, "
            "libc.prctl\nread(0, byte, 0)\nprctl(22, 1, 0, 0, 0)\n"
            "read(0, byte, 1)")
    with alone(path, code) as f:
        hstest.wait_for(lambda: "Seccomp:\t1" in open(
            "/proc/%d/status" % f.pid).read(), "strict")
        d = doctor(f)
        value, line = only(d, "no clone")
        equal(value, "it permits itself no system calls (seccomp mode 1)",
              "strict seccomp is seen")
        obeys(only(d, "attach gives")[1], f, "stopped and copied",
              "strict seccomp")
        ok(tgtest.alive(f.pid) and tgtest.stat_field(f.pid, 3) in "SR",
           "it goes on")


def more_capable(path):
    """Of the same user, but it has a capability that we have not."""
    prefix = NOBODY + ["--inh-caps", "+net_raw", "--ambient-caps", "+net_raw"]
    with program(SYSTEM, prefix=prefix) as f:
        if f.truth != {}:
            skip("a capability more", "setpriv may not")
            return
        value, line = only(as_nobody(f), "not to be attached")
        ok("it may have more capabilities than we" in value,
           "a capability more is named") or diag(value)
        obeys(line, f, "frozen clone", "a capability more, as root")


def as_in_a_container(path):
    """Root, but without SYS_PTRACE, and the program is another user's."""
    less = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps",
            "-sys_ptrace"]
    with program(SYSTEM, prefix=NOBODY) as f:
        r = heapsh_by(less, ["doctor", f.pid])
        d = rows_of(r)
        value, line = only(d, "not to be attached")
        ok("a container withholds SYS_PTRACE" in value and
           only(d, "we are")[0] == "user 0, without CAP_SYS_PTRACE",
           "root without SYS_PTRACE is told so") or diag(value)
        equal(line, "docker run --cap-add=SYS_PTRACE …, or run heapsh outside "
              "the container", "and how to have it")
        obeys("sudo heapsh attach %d" % f.pid, f, "frozen clone",
              "with SYS_PTRACE")


def no_room_here(path):
    """set memory=: a copy does not fit, a clone needs no room of ours."""
    with program(path) as f:
        r = hstest.heapsh(["attach", f.pid], ["set memory=16MiB", "doctor %d" %
                                              f.pid])
        d = rows_of(r)
        value, _ = only(d, "no copy")
        ok("a copy of its memory takes " in value and
           "heapsh may use " in value, "no room for a copy here is seen") or diag(r.out)
        obeys(only(d, "attach gives")[1], f, "frozen clone",
              "no room for a copy")


# --- yama, where the kernel has none; tests/e2e/yama.t else --------------------

WORDS = {
    0: ("0: whoever has the same user may attach", ""),
    1: ("1: only parents and root may attach",
        "sudo sysctl kernel.yama.ptrace_scope=0"),
    2: ("2: only root may attach", "sudo sysctl kernel.yama.ptrace_scope=0"),
    3: ("3: nobody may attach until the next boot",
        "boot with another setting"),
}


def said_of_yama(path):
    """What is said of each setting: a file in the place of the kernel's."""
    for scope, (words, line) in WORDS.items():
        mount = ("mount -t tmpfs none /proc/sys/kernel && "
                 "mkdir /proc/sys/kernel/yama && "
                 "echo %d > %s && exec \"$@\"" % (scope, YAMA))
        r = heapsh_by(["unshare", "--mount", "sh", "-c", mount, "sh"] +
                      NOBODY, ["doctor"])
        if r.status:
            skip("yama %d" % scope, "unshare may not mount")
            continue
        equal(only(rows_of(r), "yama (kernel.yama.ptrace_scope)"),
              (words, line), "yama %d, as a user" % scope)


# --- accounting of memory --------------------------------------------------------

def strict_accounting(path):
    """vm.overcommit_memory 2, as we see it: a file in the place of the
    kernel's, which is the whole machine's (tests/harm/limits.t)."""
    with open("/proc/meminfo") as m:
        kb = {x.split(":")[0]: int(x.split()[1]) for x in m}
    limit = kb["CommitLimit"] << 10
    reserve = ("libc.mmap.restype = ctypes.c_void_p; assert libc.mmap(None, "
               "ctypes.c_size_t(%d), 3, 0x22, -1, 0) != 2**64 - 1" % limit)
    mount = ("mount --bind \"$0\" /proc/sys/vm/overcommit_memory && "
             "exec \"$@\"")
    with tempfile.NamedTemporaryFile("w") as mode, \
            program(path, reserve) as f:
        mode.write("2\n")
        mode.flush()
        r = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mount, mode.name,
             os.path.abspath(hstest.HEAPSH), "doctor", str(f.pid), "-f",
             "json"], capture_output=True, text=True)
        if r.returncode:
            skip("strict accounting", r.stderr)
            return
        equal(only(rows_of(hstest.Result(r)), "no clone"),
              ("vm.overcommit_memory is 2, and a second process of its size "
               "would go over the limit", "sudo sysctl vm.overcommit_memory=0"),
              "strict accounting of memory is seen")
        obeys("heapsh attach %d" % f.pid, f, "frozen clone",
              "without it")


# --- cgroup v2 -------------------------------------------------------------------

def second_hierarchy(path):
    """Limits as cgroup v2 writes them: files in the place of the kernel's,
    where both controllers are still of the first."""
    folder = "/sys/fs/cgroup"
    files = {"memory.max": 64 << 20, "memory.current": 63 << 20,
             "memory.stat": "inactive_file 4096", "pids.max": 100,
             "pids.current": 99}
    lines = "; ".join("echo %s > %s/%s" % (v, folder, n)
                      for n, v in files.items())
    mount = "mount -t tmpfs none %s && { %s; } && exec \"$@\"" % (folder, lines)
    with program(path) as f:
        with open("/proc/%d/cgroup" % f.pid) as g:
            if "0::/\n" not in g.read():
                skip("cgroup v2", "it is in no group of the second hierarchy's "
                     "top")
                return
        r = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mount, "sh",
             os.path.abspath(hstest.HEAPSH), "doctor", str(f.pid), "-f",
             "json"], capture_output=True, text=True)
        d = rows_of(hstest.Result(r))
        equal([line for _, line in d.get("no clone", [])],
              ["echo max | sudo tee %s/pids.max" % folder,
               "echo max | sudo tee %s/memory.max" % folder],
              "cgroup v2: both limits are seen, and where they are written")
        ok("1.0 MiB of memory left, 1 processes left" in
           only(d, "its cgroup")[0], "and what they leave") or diag(d)


found = pythons()
for version, path in found[-1:]:
    if not ROOT or not shutil.which("setpriv"):
        skip("who may not attach", "needs root and setpriv")
        break
    for part in (init_to_be, strict, more_capable, as_in_a_container,
                 no_room_here, said_of_yama, strict_accounting, second_hierarchy):
        part(path)
hstest.done()
