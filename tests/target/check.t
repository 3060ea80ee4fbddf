#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What may not be frozen, or should not, is refused before anything is
stopped, each with a sentence and what helps."""
import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from cgroups import Group
from hstest import equal, ok, skip

libc = ctypes.CDLL(None, use_errno=True)
ROOT = os.geteuid() == 0
NOBODY = 65534
AS_NOBODY = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
             "--clear-groups"]
d = tgtest.Driver()


def refused(pid, code, sentence, remedy, name, driver=d, also_freeze=True):
    r = driver.do("check", pid)
    equal([r.get("error"), r.get("message"), r.get("remedy")],
          [code, "attach to %d: %s" % (pid, sentence), remedy], name)
    if also_freeze:
        equal(driver.do("freeze", pid).get("error"), code,
              name + ": nothing is frozen")


def live(pid):
    return "heapsh attach %d --live" % pid


def facts():
    with tgtest.fixture("memory", 50) as f:
        f.listens()
        r = d.need("check", f.pid)
        equal([r["pid"], r["threads"], r["comm"]], [f.pid, 1, "tg_fixture"],
              "facts: id, threads, name")
        with open("/proc/%d/statm" % f.pid) as s:
            rss = int(s.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        ok(abs(r["rss"] - rss) < 1 << 20, "facts: resident size")
        ok(1000 < r["pause_us"] < 10000, "facts: a pause of milliseconds")
        # Less than any process takes, be its pages small or huge.
        r = d.do("check", f.pid, 100)
        ok(r.get("error") == "refused" and
           "it would stand still for about " in r["message"] and
           r["message"].endswith(" and the limit is 100.0 us"),
           "a pause over the limit is refused")


def not_there():
    with open("/proc/sys/kernel/pid_max") as f:
        pid = int(f.read())     # one more than any has, or will have
    refused(pid, "name", "there is no such process", "", "no such process")
    pid = os.fork()
    if not pid:
        os._exit(0)
    hstest.wait_for(lambda: tgtest.stat_field(pid, 3) == "Z", "zombie")
    refused(pid, "gone", "it has ended (a zombie, which its parent has not "
            "waited for)", "", "a zombie")
    os.waitpid(pid, 0)


def threads():
    with tgtest.fixture("many", 1) as f:
        tid = max(int(t) for t in os.listdir("/proc/%d/task" % f.pid))
        refused(tid, "name", "it is a thread of process %d" % f.pid,
                "heapsh attach %d" % f.pid, "a thread")
    # PF_KTHREAD (Linux, include/linux/sched.h)
    if not int(tgtest.stat_field(2, 9) or 0) & 0x200000:
        skip("a thread of the kernel", "none is seen here")
    else:
        refused(2, "refused", "it is a thread of the kernel", "",
                "a thread of the kernel")


def stopped():
    """A stopped job is frozen as it is; its parent is not told of anything."""
    with tgtest.fixture("memory", 1) as f:
        os.kill(f.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, f.pid, os.WSTOPPED)
        for _ in range(3):
            i = d.need("settle", d.need("freeze", f.pid)["id"], 0, 2000)
            hstest.wait_for(lambda: tgtest.stat_field(f.pid, 3) == "T", "T")
            equal(i["state"], tgtest.SETTLED,
                  "a stopped process stays stopped")
            d.need("release", i["id"])
        # Let go, it stops again by itself.
        hstest.wait_for(lambda: tgtest.stat_field(f.pid, 3) == "T", "stop")
        equal(tgtest.none_left(f.pid), [],
              "it is still stopped at the end, and has no zombie")
        equal(os.waitid(os.P_PID, f.pid,
                        os.WSTOPPED | os.WCONTINUED | os.WNOHANG), None,
              "its parent sees neither a stop nor a continuation")
        os.kill(f.pid, signal.SIGCONT)
        tgtest.ends_well(f, "and goes on when told to")


def traced():
    SEIZE, DETACH, INTERRUPT = 0x4206, 17, 0x4207
    with tgtest.fixture("memory", 1) as f:
        if libc.ptrace(SEIZE, f.pid, None, None):
            skip("a traced process", "this test may not ptrace")
            return
        with open("/proc/self/comm") as c:
            comm = c.read().strip()
        refused(f.pid, "refused", "it is traced already, by %s (process %d)"
                % (comm, os.getpid()), live(f.pid), "a traced process")
        libc.ptrace(INTERRUPT, f.pid, None, None)
        os.waitpid(f.pid, 0x40000000)
        libc.ptrace(DETACH, f.pid, None, None)
        tgtest.ends_well(f, "a traced process goes on")


def python_child(code, prefix=()):
    """A python that runs code, prints a line and waits."""
    return hstest.Fixture(list(prefix) + [sys.executable, "-c", (
        "import ctypes, struct, sys\nlibc = ctypes.CDLL(None)\n" + code +
        "\nprint('{}', flush=True)\nsys.stdin.readline()")])


def filters(*program):
    """Code that installs a seccomp filter: (code, jt, jf, k) each."""
    raw = b"".join(struct.pack("<HBBI", *i) for i in program)
    return ("f = ctypes.create_string_buffer(%r)\n"
            "p = ctypes.create_string_buffer("
            "struct.pack('<HxxxxxxQ', %d, ctypes.addressof(f)))\n"
            "assert not libc.prctl(38, 1, 0, 0, 0)\n"
            "assert not libc.prctl(22, 2, p)" % (raw, len(program)))


LOAD_NR, IS, RET = (0x20, 0, 0, 0), 0x15, 0x06
ALLOW, KILL, EPERM = 0x7fff0000, 0x80000000, 0x00050001


def filtered(driver, prefix=()):
    with python_child(filters((RET, 0, 0, ALLOW)), prefix) as f:
        refused(f.pid, "refused", "it filters system calls (seccomp mode 2): "
                "one its filter does not know may end it", live(f.pid),
                "a process that filters system calls", driver)


def seccomp():
    """Where its filters are shown to us they are asked, one by one; where
    not, or when they say no, nothing is made in the process at all."""
    if not ROOT:
        filtered(d)
        skip("filters that are asked", "needs root")
        return
    allow = filters((RET, 0, 0, ALLOW))
    with python_child(allow + "\n" + allow) as f:
        equal(d.loop(f.pid, 5).get("n"), 5,
              "filters that permit all are no obstacle")
        equal(tgtest.none_left(f.pid), [], "and no zombie stays")
    # clone (56), wait4 (61), rt_sigreturn (15), exit_group (231)
    for nr, answer in ((56, KILL), (56, EPERM), (61, KILL), (15, KILL),
                       (231, EPERM)):
        code = filters(LOAD_NR, (IS, 0, 1, nr), (RET, 0, 0, answer),
                       (RET, 0, 0, ALLOW))
        with python_child(code) as f:
            r = d.do("freeze", f.pid)
            ok(r.get("error") == "refused" and "its filter does not permit"
               in r["message"], "one that does not permit call %d (%x) is "
               "believed" % (nr, answer)) or hstest.diag(r)
            ok(tgtest.alive(f.pid), "and nothing is tried")
    # What is done with the copy is no business of the filter any more: it
    # has no close_range (436) and no prctl (157).
    code = filters(LOAD_NR, (IS, 1, 0, 436), (IS, 0, 1, 157),
                   (RET, 0, 0, KILL), (RET, 0, 0, ALLOW))
    with python_child(code) as f:
        equal(d.loop(f.pid, 5).get("n"), 5,
              "a filter is not asked for what the copy does")


def namespaces():
    """Other namespaces are no obstacle: names and numbers are translated."""
    for flags in (["--pid", "--fork"], ["--user", "--map-root-user"],
                  ["--mount"], ["--net"],
                  ["--user", "--map-root-user", "--pid", "--fork", "--mount",
                   "--net", "--ipc", "--uts"]):
        name = " ".join(f for f in flags if f[2:] in (
            "pid", "user", "mount", "net"))
        p = subprocess.Popen(["unshare"] + flags +
                             [tgtest.FIXTURE, "registers", "2"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
        if not p.stdout.readline():
            skip("other namespaces: " + name, "unshare may not")
            continue
        pid = tgtest.children(p.pid)[0][0] if "--fork" in flags else p.pid
        i = d.need("settle", d.need("freeze", pid)["id"], 0, 2000)
        equal([i["state"], tgtest.children(i["snap"])],
              [tgtest.SETTLED, [(i["eval"], "t")]],
              "frozen in other namespaces: " + name)
        d.need("release", i["id"])
        r = d.loop(pid, 50)
        ok(r.get("n") == 50, "and again: " + name) or hstest.diag(r)
        equal(tgtest.none_left(pid), [], "no zombie is left: " + name)
        out, _ = p.communicate("\n")
        equal([p.returncode, '"ok": true' in out], [0, True],
              "it found nothing wrong: " + name)


def to_be_init():
    """The next child of this one would be the init of a new namespace, which
    can have no process more when that ends: it must not be our clone."""
    p = subprocess.Popen([sys.executable, "-c", (
        "import ctypes, os, sys\nlibc = ctypes.CDLL(None)\n"
        "ok = not libc.unshare(0x20000000)\nprint(ok, flush=True)\n"
        "sys.stdin.readline()\nos.waitpid(os.fork() or os._exit(7), 0)\n"
        "print('forked')")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    if p.stdout.readline() != "True\n":
        skip("a namespace that is still empty", "unshare may not")
        p.communicate("\n")
        return
    refused(p.pid, "refused", "its children go to a process namespace of "
            "their own", live(p.pid), "a namespace that is still empty")
    equal(p.communicate("\n")[0], "forked\n", "it can still begin it")


def elf32():
    """A program of the least size that is a process: pause()."""
    code = b"\xb8\x1d\x00\x00\x00\xcd\x80\xeb\xf7"
    at = 0x8048000
    head = b"\x7fELF\1\1\1" + bytes(9) + struct.pack(
        "<HHIIIIIHHHHHH", 2, 3, 1, at + 84, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    load = struct.pack("<IIIIIIII", 1, 0, at, at, 84 + len(code),
                       84 + len(code), 5, 4096)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "elf32")
        with open(path, "wb") as f:
            f.write(head + load + code)
        os.chmod(path, 0o755)
        try:
            p = subprocess.Popen([path])
        except OSError as e:
            skip("a 32-bit program", str(e))
            return
        refused(p.pid, "refused", "it is not a 64-bit program of x86-64", "",
                "a 32-bit program")
        p.kill()
        p.wait()


def permissions():
    if not ROOT or not shutil.which("setpriv"):
        skip("not permitted", "needs root and setpriv")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for path in (tgtest.DRIVER, tgtest.FIXTURE):
            shutil.copy(path, folder)
        driver = os.path.join(folder, os.path.basename(tgtest.DRIVER))
        if open(driver, "rb").read(2) == b"#!":
            skip("not permitted", "the driver is libtool's script")
            return
        unprivileged(folder, driver)


def unprivileged(folder, driver):
    program = os.path.join(folder, os.path.basename(tgtest.FIXTURE))
    saved, tgtest.DRIVER = tgtest.DRIVER, driver
    with tgtest.Driver(AS_NOBODY) as n, tgtest.fixture("memory", 1) as f, \
            hstest.Fixture(AS_NOBODY + [program, "memory", "1"]) as own, \
            hstest.Fixture(AS_NOBODY + ["prlimit", "--nproc=1", program,
                                        "memory", "1"]) as full, \
            python_child("libc.prctl(4, 0)", AS_NOBODY) as hidden:
        refused(f.pid, "denied", "it belongs to root",
                "sudo heapsh attach %d" % f.pid, "another user's", n)
        refused(hidden.pid, "denied", "it is marked as not dumpable (it "
                "changed its user, or said so by prctl)",
                "sudo heapsh attach %d" % hidden.pid, "not dumpable", n)
        r = n.loop(own.pid, 3)
        ok(r.get("n") == 3, "one's own can be frozen without privileges")
        equal(tgtest.none_left(own.pid), [], "and leaves no zombie")
        r = d.patiently("freeze", full.pid)
        equal([r.get("error"), r.get("message")],
              ["os", "clone process %d: Resource temporarily unavailable"
               % full.pid], "no room for another process: clone() says so")
        tgtest.ends_well(full, "and the program goes on")
        filtered(n, AS_NOBODY)
    tgtest.DRIVER = saved


def headroom():
    for controller, limit, sentence in (
            ("pids", 1, "its cgroup has no room for another process "
             "(pids.max)"),
            ("memory", 2 << 20, "its cgroup has ")):
        with Group(controller) as g, tgtest.fixture("memory", 8) as f:
            if not g.path:
                skip("headroom of " + controller, g.why)
                continue
            g.add(f.pid)
            g.limit(limit)
            r = d.do("check", f.pid)
            ok(r.get("error") == "refused" and sentence in r["message"],
               "headroom of %s is looked at" % controller) or hstest.diag(r)
            f.end()


for part in (facts, not_there, threads, stopped, traced, seccomp, namespaces, to_be_init,
             elf32, permissions, headroom):
    part()
equal(d.do("quit"), {"tracer_status": 0}, "the tracer ends when told to")
hstest.done()
