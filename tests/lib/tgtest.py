# SPDX-License-Identifier: Apache-2.0
"""A tracer and its client (tg_driver), programs to be stopped (tg_fixture),
and what the kernel says about both."""
import json
import os
import signal
import subprocess
import time

import hstest

BUILD = os.environ.get("abs_top_builddir", ".")
DRIVER = os.path.join(BUILD, "tests", "lib", "tg_driver")
FAULTY = os.path.join(BUILD, "tests", "lib", "tg_driver_fault")
FIXTURE = os.path.join(BUILD, "tests", "fixtures", "tg_fixture")
SETTLED, LIMIT, FAULT = 1, 2, 3     # enum wr_tracer_settle_state
UNSETTLED = 0
VFORK = "58"        # SYS_vfork


def is_late(r):
    return "error" in r and (r["error"] == "timeout" or
                             "the limit for its pause" in r["message"])


class Driver(hstest.Fixture):
    """Commands of tg_driver, one line each. faults: of tg_driver_fault, which
    has them chosen by its environment."""

    def __init__(self, prefix=(), **faults):
        super().__init__(list(prefix) + [FAULTY if faults else DRIVER],
                         env=dict(os.environ, **faults))
        self.tracer = self.truth["tracer"]

    def do(self, *words):
        return self.ask(" ".join(str(w) for w in words))

    def patiently(self, *words):
        """do(), and again where a thread was not given the processor in time
        to stop, which is said: a person would, too."""
        end = time.monotonic() + hstest.LIMIT
        r = self.do(*words)
        while is_late(r) and time.monotonic() < end:
            r = self.do(*words)
        return r

    def loop(self, pid, n):
        """n instants, not counting those that came too late."""
        end, made = time.monotonic() + hstest.LIMIT, 0
        while made < n and time.monotonic() < end:
            r = self.do("loop", pid, n - made)
            if "error" in r:
                return r
            made += r["n"]
        return {"n": made}

    def need(self, *words):
        """patiently(), for what must succeed."""
        r = self.patiently(*words)
        if "error" in r:
            raise AssertionError("%s: %s" % (" ".join(map(str, words)),
                                             r["message"]))
        return r

    def was_killed(self):
        """The tracer, by one of its own requests? Ends it if not. One that
        is about to end may look alive; its parent knows."""
        return self.do("quit")["tracer_status"] == signal.SIGKILL


def fixture(*words, **kw):
    return hstest.Fixture([FIXTURE] + [str(w) for w in words], **kw)


def ends_well(f, name):
    """Tell the fixture to end; it must find all as it should be."""
    status, said = f.end()
    try:
        truth = json.loads(said.split("\n")[-1])
    except ValueError:
        truth = {}
    if not hstest.ok(status == 0 and truth.get("ok") is True, name):
        hstest.diag("exit status %s, said: %s" % (status, said))
    return truth


def stat_field(pid, n):
    """Field n, from 1, of /proc/PID/stat; None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            text = f.read().decode("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2:].split()[n - 3]


def _listed_children(pid):
    """As the kernel lists them; None when it does not (CONFIG_PROC_CHILDREN),
    or when a thread has gone meanwhile."""
    found = []
    try:
        for tid in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, tid)) as f:
                found += [int(p) for p in f.read().split()]
    except OSError:
        return None
    return [(p, stat_field(p, 3)) for p in sorted(found)]


def children(pid):
    """[(pid, state)] of all children, zombies too."""
    found = _listed_children(pid)
    if found is not None:
        return [c for c in found if c[1] is not None]
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and stat_field(int(name), 4) == str(pid):
            found.append((int(name), stat_field(int(name), 3)))
    return found


def none_left(pid):
    """Its children when there are none, or in the end. A busy machine may give
    a thread of the program too little time to wait for a clone that has ended;
    then the tracer comes back, each half second."""
    return becomes([], children, pid)


def wait_vforked(pid):
    """Until a thread of it waits for its vfork() child."""
    def waits():
        for tid in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/syscall" % (pid, tid)) as f:
                if stat_field(int(tid), 3) == "D" and \
                        f.read().split()[0] == VFORK:
                    return bool(children(pid))
        return False
    hstest.wait_for(waits, "vfork")


def clones():
    """pids of processes that are called as our clones are."""
    found = set()
    for name in os.listdir("/proc"):
        try:
            with open("/proc/%s/comm" % name) as f:
                if name.isdigit() and f.read() == "heapsh-snap\n":
                    found.add(int(name))
        except OSError:
            pass
    return found


def footprint(pid):
    """What must be the same before and after: mappings, descriptors, the
    state of every thread and its signal mask."""
    with open("/proc/%d/maps" % pid) as f:
        maps = sorted(line.split()[0] + line.split()[1] for line in f)
    fds = sorted(os.listdir("/proc/%d/fd" % pid))
    masks = []
    for tid in sorted(os.listdir("/proc/%d/task" % pid)):
        with open("/proc/%d/task/%s/status" % (pid, tid)) as f:
            masks += [line.rstrip() for line in f
                      if line.startswith(("TracerPid", "SigBlk"))]
    return {"maps": maps, "fds": fds, "masks": masks}


def lone_pages(pid):
    """How often two pages lie alone, with nothing near: as what is planted."""
    with open("/proc/%d/maps" % pid) as f:
        ends = [int(x, 16) for row in f for x in row.split()[0].split("-")]
    n, start, end = 0, ends[0], ends[1]
    for low, high in zip(ends[2::2], ends[3::2]):
        if low - end > 1 << 30:
            n += end - start == 8192
            start = low
        end = high
    return n


def held(pid):
    """Why the program is not as it was, or None."""
    try:
        for tid in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/status" % (pid, tid)) as f:
                text = f.read()
            if "TracerPid:\t0" not in text:
                return "traced"
            if "\nState:\tt" in text or "\nState:\tT" in text:
                return "stopped"
    except (FileNotFoundError, ProcessLookupError):
        return None     # a thread that came and went
    if any(s not in "ZX" for _, s in children(pid)):
        return "a copy of it runs"
    return None


def settled(pid):
    """Why it is not as it was, also after some seconds, or None."""
    try:
        hstest.wait_for(lambda: not held(pid), "let go", 20)
    except TimeoutError:
        return held(pid)
    return None


def blocked_signals(pid):
    """The signal mask of a process' first thread, in hexadecimal."""
    with open("/proc/%d/status" % pid) as f:
        return [line.split()[1] for line in f if line.startswith("SigBlk")][0]


def becomes(want, look, *args):
    """What look() finds when that is what is wanted, or in the end."""
    try:
        hstest.wait_for(lambda: look(*args) == want, "as before")
    except TimeoutError:
        pass
    return look(*args)


def mask_again(pid, mask):
    """A thread that is let go has it back when it has made its next step."""
    return becomes(mask, blocked_signals, pid)


def footprint_again(pid, before):
    """A thread that did not stop in time, on a busy machine, is let go when it
    does."""
    return becomes(before, footprint, pid)


def alive(pid):
    state = stat_field(pid, 3)
    return state is not None and state not in "ZX"
