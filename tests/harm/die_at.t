#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tracer is killed behind each of its requests to the kernel, one after
the other, through a whole attach, settling and release; then the program is
killed at each of these moments. Neither harms the other. The same of a program
that is stopped and copied: there the kernel lets it go on, and nothing but that
is needed; and of one that a function is planted into, as probe load does."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import equal, ok

# Every n in a stress run; in make check each third, another third each time.
STEP = 1 if os.environ.get("HEAPSH_STRESS") else 3
FIRST = 1 + os.getpid() % STEP
MOST = 4000


def unused_word(pid):
    """At the end of the stack, which the kernel leaves 0."""
    with open("/proc/%d/maps" % pid) as f:
        end = [x for x in f if "[stack]" in x][0].split("-")[1].split()[0]
    return int(end, 16) - 8


def read_word(pid):
    with open("/proc/%d/mem" % pid, "rb", 0) as f:
        f.seek(unused_word(pid))
        return int.from_bytes(f.read(8), "little")


def attach(d, pid, way):
    """A whole one. False when it went wrong somewhere."""
    if way == "plant":
        return "error" not in d.do("plant", pid, unused_word(pid))
    if way == "copy":
        return "error" not in d.do("copy", pid)
    i = d.do("freeze", pid)
    if "error" in i:
        return False
    j = d.do("settle", i["id"], 0, 200)
    r = d.do("release", i["id"])
    return "error" not in j and "error" not in r


class Pages:
    """What is mapped in the program, and what a doctor finds there."""

    def __init__(self, pid):
        self.pid, self.states, self.odd = pid, [], []
        self.doctor = tgtest.Driver()
        self.maps = tgtest.lone_pages(pid)

    def look(self, n):
        """Behind death n: what there is more is found, and taken away."""
        there = tgtest.lone_pages(self.pid) != self.maps
        left = self.doctor.do("left", self.pid)
        self.states += [x[1] for x in left]
        if there != bool(left):
            self.odd.append((n, there, left))
        if left and self.doctor.do("uproot", self.pid) != {"cleaned": 1}:
            self.odd.append((n, "not cleaned", left))
        if tgtest.lone_pages(self.pid) != self.maps or \
                self.doctor.do("left", self.pid):
            self.odd.append((n, "still there"))
        if read_word(self.pid) != 0:
            self.odd.append((n, "the word"))

    def end(self, name):
        self.doctor.end()
        equal(self.odd, [], name + ": every page is found, and taken away")
        ok({0, 1} <= set(self.states), "of %d that were left %d waited"
           % (len(self.states), self.states.count(1)))


def tracer_dies(words, way="clone"):
    name = " ".join(words) + ", " + way
    odd, most, n, deaths = [], 0, FIRST, 0
    with tgtest.fixture(*words) as f:
        mask = tgtest.blocked_signals(f.pid)
        pages = Pages(f.pid) if way == "plant" else None
        while n < MOST:
            before = len(tgtest.children(f.pid))
            with tgtest.Driver(HEAPSH_TEST_DIE_AT=str(n)) as d:
                done = attach(d, f.pid, way)
                died = d.was_killed()
            why = tgtest.settled(f.pid)
            if why:
                odd.append((n, why))
            if pages:
                pages.look(n)
            most = max(most, len(tgtest.children(f.pid)) - before)
            if done and not died:
                break
            deaths += died
            n += STEP
        equal(odd, [], "%s, tracer killed behind request %d, %d, … %d: "
              "nothing is left stopped, traced or running"
              % (name, FIRST, FIRST + STEP, n - STEP))
        ok(deaths * STEP > 40, "%d of them were in time" % deaths)
        if pages:
            pages.end(name)
        if way != "clone":
            equal(most, 0, "no zombie, ever")
        else:
            ok(most <= 1, "at most one zombie each time")
            clean(f)
        if words[0] == "registers":
            equal(tgtest.mask_again(f.pid, mask), mask,
                  "its signal mask is as before")
        tgtest.ends_well(f, name + ": it found nothing wrong")


def clean(f):
    with tgtest.Driver() as d:
        d.do("clean", f.pid)
        hstest.wait_for(lambda: not tgtest.children(f.pid), "clean")
    ok(True, "and all of those can be taken away")


def target_dies(words, way="clone"):
    name = " ".join(words) + ", " + way
    odd, n = [], FIRST
    while n < MOST:
        with tgtest.fixture(*words) as f:
            with tgtest.Driver(HEAPSH_TEST_KILL_AT=str(n),
                               HEAPSH_TEST_KILL_PID=str(f.pid)) as d:
                start = time.monotonic()
                attach(d, f.pid, way)
                if time.monotonic() - start > 20:
                    odd.append((n, "slow"))
                d.say("quit")
                if '"tracer_status": 0' not in d.line():
                    odd.append((n, "the tracer does not end well"))
            status, _ = f.end()     # one that dies may take a while
            if status == 0:
                break
            if status != -signal.SIGKILL:
                odd.append((n, status))
        n += 2 * STEP
    equal(odd, [], "%s, program killed behind request %d, … %d: the tracer "
          "goes on, and its parent can reap it" % (name, FIRST, n - 2 * STEP))


if not os.access(tgtest.FAULTY, os.X_OK):
    hstest.skip("deaths at each request", "tg_driver_fault was not built")
    hstest.done()
tracer_dies(["registers", "2"])
tracer_dies(["registers", "2"], "copy")
tracer_dies(["registers", "2"], "plant")
if not hstest.SMOKE:
    tracer_dies(["malloc", "4"])
    target_dies(["malloc", "4"])
    tracer_dies(["malloc", "4"], "plant")
    target_dies(["registers", "2"], "plant")
if STEP == 1:
    # Not here: calls that any stop by a tracer ends with EINTR (epoll_wait).
    # A death between the stop and our hiding it leaves that to the program.
    for way in ("clone", "copy", "plant"):
        tracer_dies(["signals"], way)
        tracer_dies(["churn", "4"], way)
        target_dies(["registers", "8"], way)
    tracer_dies(["malloc", "4"], "copy")
    for call in ("select", "read"):
        tracer_dies(["blocked1", call])
        tracer_dies(["blocked1", call], "copy")
hstest.done()
