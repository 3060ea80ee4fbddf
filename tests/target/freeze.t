#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs of every kind are frozen, held and let go many times; they must not
be able to tell."""
import os
import select
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import harmtest
import hstest
import tgtest
from hstest import equal, ok

N = 5 if hstest.SMOKE else 40

d = tgtest.Driver()


def unharmed(words, n=N, hold_ms=0):
    """A fixture lives through n instants. Returns (driver's answer, what the
    fixture found)."""
    name = " ".join(str(w) for w in words)
    with tgtest.fixture(*words) as f:
        r = harmtest.looped(d, name, f, n, hold_ms)
        equal(tgtest.none_left(f.pid), [], "%s: no zombie is left" % name)
        return r, tgtest.ends_well(f, "%s: it found nothing wrong" % name)


def allocators_and_threads():
    unharmed(("malloc", 1))
    unharmed(("malloc", 4))
    unharmed(("churn", 4))


def registers():
    unharmed(("registers", 0))
    unharmed(("registers", 3))
    unharmed(("signals",))


def thousand_threads():
    r, _ = unharmed(("many", 1000), n=5)
    hstest.diag("1001 threads: pause %s us" % r.get("median_us"))


def blocked_calls():
    """All at once, then each as the only thread, which then is the one that
    is made to clone."""
    # Calls with a relative time begin it anew at each stop (those that the
    # kernel ends with EINTR, and those that came after the program was
    # restarted once); these do not. Were they to, 200 ms would become more
    # than 1200; on a busy machine they are late by themselves.
    exact = ("nanosleep", "poll", "select", "futex")
    for words in [("blocked",)] + [
            ("blocked1", c) for c in exact + (
                "epoll_wait", "sigtimedwait", "semtimedop", "recv", "readv",
                "recvmmsg", "read")]:
        n = 60 if words[-1] in exact + ("blocked",) else 20
        # One that is begun anew is so each time; a machine that stands still
        # for a second does that now and then.
        for _ in range(3):
            _, truth = unharmed(words, n=n, hold_ms=17)
            waits = {k: c for k, c in truth.get("calls", {}).items()
                     if k in exact}
            if all(c["longest_ms"] < 1000 for c in waits.values()):
                break
        for name, c in waits.items():
            if not ok(c["longest_ms"] < 1000, "%s: %s waits as long as it "
                      "should" % (words[0], name)):
                hstest.diag(c)


def parent():
    unharmed(("parent",), hold_ms=5)


def end_of_pipe():
    """The reader at the other end of a pipe sees it close while an instant is
    held: the clone holds nothing open."""
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        fd = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        with tgtest.fixture("eof", env=dict(os.environ,
                                            TG_FIFO=fifo)) as f:
            i = d.need("freeze", f.pid)
            equal(os.listdir("/proc/%d/fd" % i["snap"]), [],
                  "the clone has no descriptors")
            f.ask("close")
            r, _, _ = select.select([fd], [], [], 20)
            ok(r and os.read(fd, 1) == b"",
               "a pipe ends when the program closes it, clone or no clone")
            d.need("release", i["id"])
            tgtest.ends_well(f, "eof: it found nothing wrong")
        os.close(fd)


def in_call(pid):
    """The number of the call that it waits in, as the kernel says."""
    with open("/proc/%d/syscall" % pid) as s:
        return s.read().split()[0]


def same_bytes():
    """Below the stack pointer nothing is changed, neither in the program nor
    in its image; nothing is left of the visit."""
    with tgtest.fixture("stack") as f:
        hstest.wait_for(lambda: in_call(f.pid) == "271", "ppoll()")
        before = tgtest.footprint(f.pid)
        i = d.need("freeze", f.pid)
        got = d.need("read", i["id"], f.truth["start"], f.truth["len"])["hex"]
        equal(got, "a5" * f.truth["len"],
              "the image has the stack's bytes as they were")
        t = d.need("thread", i["id"], 0)
        equal([t["tid"], t["comm"], t["syscall"]],
              [f.pid, "tg_fixture", 271],
              "the thread is described: id, name, the call it waits in")
        equal(tgtest.clones() & set(p for p, _ in tgtest.children(f.pid)),
              {i["snap"]}, "while held, there is one clone, and it is named")
        with open("/proc/%d/oom_score_adj" % i["snap"]) as o:
            equal(o.read(), "1000\n",
                  "the clone is the first to go when memory is short")
        d.need("release", i["id"])
        equal(tgtest.footprint_again(f.pid, before), before,
              "mappings, descriptors and masks are as before")
        ok(not tgtest.alive(i["snap"]), "the clone has ended")
        tgtest.ends_well(f, "stack: no byte was changed")


def cannot_be_stopped():
    """A thread that waits for a vfork child cannot be stopped: all is undone
    in time, and the program goes on."""
    with tgtest.fixture("vfork") as f:
        tgtest.wait_vforked(f.pid)
        start = time.monotonic()
        r = d.do("freeze", f.pid)
        took = time.monotonic() - start
        equal(r.get("error"), "timeout", "a vfork is not waited for")
        ok("did not stop" in r.get("message", ""), "the message says why")
        ok(took < 20, "and it says so soon")
        tgtest.ends_well(f, "vfork: it found nothing wrong")


def too_late_for_one():
    """Where one thread keeps the others from being frozen, what those waited
    for is not interrupted either, at whichever moment they were stopped."""
    with tgtest.fixture("late") as f:
        tgtest.wait_vforked(f.pid)
        for _ in range(2):
            equal(d.do("freeze", f.pid).get("error"), "timeout",
                  "late: a vfork in another thread is not waited for")
        tgtest.ends_well(f, "late: the first thread was not interrupted")


def end_of(pid):
    """How a child of the tracer ended, which the list tells once."""
    ends = []

    def ended():
        ends.extend(c["wait_status"] for c in d.do("list")
                    if c["pid"] == pid and c["state"])
        return ends
    try:
        hstest.wait_for(ended, "the end of a spawned program")
    except TimeoutError:
        pass
    return ends


def spawned():
    """A child of the tracer can be frozen, and its end is told."""
    pid = d.need("spawn", "/bin/sleep", "1000")["pid"]
    i = d.need("freeze", pid)
    ok(i["snap"] > 0, "a spawned program can be frozen")
    d.need("release", i["id"])
    os.kill(pid, 15)
    equal(end_of(pid), [15], "the list tells how it ended")
    r = d.do("spawn", "/nonexistent/program")
    equal([r.get("error"), r.get("message")],
          ["name", "start /nonexistent/program: No such file or directory"],
          "a program that is not there is named")


def spawned_too_late():
    """A child of the tracer that does not stop in time is let go when it
    does: that it stopped is not taken for news of a child."""
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "fifo")
        os.mkfifo(fifo)
        fd = os.open(fifo, os.O_RDWR)
        pid = d.need("spawn", "/bin/sh", "-c",
                     "exec>/dev/null<%s&&exec\t%s\tvfork"
                     % (fifo, tgtest.FIXTURE))["pid"]
        tgtest.wait_vforked(pid)
        equal(d.do("freeze", pid).get("error"), "timeout",
              "a spawned program: a vfork is not waited for")
        os.write(fd, b"x")
        equal(end_of(pid), [0], "it goes on, and finds nothing wrong")
        os.close(fd)


for part in (allocators_and_threads, registers, thousand_threads,
             blocked_calls, parent, end_of_pipe, same_bytes,
             cannot_be_stopped, too_late_for_one, spawned,
             spawned_too_late):
    part()
equal(d.do("list"), [], "nothing is held at the end")
equal(tgtest.stat_field(d.tracer, 19), str(os.nice(0)),
      "the tracer goes before others during a stop only")
equal(d.do("quit"), {"tracer_status": 0}, "the tracer ends when told to")
hstest.done()
