#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A copy of the copy is run up to a consistent point; nobody else notices."""
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import equal, ok

N = 5 if hstest.SMOKE else 40
# What happens "now and then" is tried so often before it is missed: the rarest
# of them comes at one of ten instants or more.
LUCK = 200
d = tgtest.Driver()


def word(i, addr):
    raw = bytes.fromhex(d.need("read", i["id"], addr, 8)["hex"])
    return struct.unpack("<Q", raw)[0]


def invariant_holds():
    """The program changes a, the heap and b, then makes a system call. In the
    raw copies a and b differ now and then; in settled ones never."""
    torn = raw_torn = settled = n = 0
    with tgtest.fixture("invariant") as f:
        while n < N or (not raw_torn and n < LUCK):
            n += 1
            i = d.need("freeze", f.pid)
            raw_torn += word(i, f.truth["a"]) != word(i, f.truth["b"])
            i = d.need("settle", i["id"], 0, 2000)
            settled += i["state"] == tgtest.SETTLED
            torn += word(i, f.truth["a"]) != word(i, f.truth["b"])
            equal(tgtest.children(i["snap"]), [(i["eval"], "t")],
                  "the settled copy is a child of the copy") \
                if i["id"] == 1 else None
            d.need("release", i["id"])
            if tgtest.alive(i["eval"]):
                ok(False, "the settled copy has ended")
        equal(settled, n, "%d of %d settle" % (settled, n))
        ok(raw_torn > 0, "raw copies are torn now and then (%d of %d)"
           % (raw_torn, n))
        equal(torn, 0, "settled copies never are")
        equal(tgtest.none_left(f.pid), [], "no zombie is left")
        tgtest.ends_well(f, "invariant: it found nothing wrong")


def where_it_stands():
    with tgtest.fixture("invariant") as f:
        i = d.need("settle", d.need("freeze", f.pid)["id"], 0, 2000)
        t = d.need("thread", i["id"], 0)
        ok(t["syscall"] in (7, 110),
           "the thread stands at the call that was not made (%d)"
           % t["syscall"])
        equal(i["image"], i["eval"], "the image is the settled copy")
        equal(d.do("settle", i["id"], 0, 10).get("error"), "usage",
              "an instant is settled once")
        d.need("release", i["id"])


def writes():
    """Words are written into the copy, before and after, and only there."""
    with tgtest.fixture("invariant") as f:
        i = d.need("freeze", f.pid)
        flag = f.truth["flag"]
        i = d.need("settle", i["id"], 0, 2000,
                   "before", flag, "f00f000000000000",
                   "or", flag, "0110000000000000",
                   "and", flag, "ff1f000000000000",
                   "after", flag + 4, "aabb")
        equal(i["state"], tgtest.SETTLED, "a script with writes settles")
        equal(word(i, flag), 0xbbaa00001ff1,
              "set, or and and before, set after")
        d.need("release", i["id"])
        i = d.need("freeze", f.pid)
        i = d.need("settle", i["id"], 0, 100, "before", 16, "00")
        equal([i["state"], i["eval"], i["image"], i["why"]],
              [tgtest.FAULT, 0, i["snap"], "the copy could not be written to"],
              "where nothing is mapped nothing can be written")
        equal(tgtest.none_left(i["snap"]), [],
              "and the failed copy is gone, its zombie too")
        d.need("release", i["id"])
        tgtest.ends_well(f, "writes: the program has none of them")


def shared_memory():
    """What is shared with others is closed to the copy: it takes a fault
    rather than write there, and the instant stays unsettled. An instant that
    was taken behind the writing settles: then another is taken."""
    with tgtest.fixture("invariant", 1) as f:
        for n in range(LUCK):
            i = d.need("settle", d.need("freeze", f.pid)["id"], 0, 2000)
            if i["state"] != tgtest.SETTLED or n == LUCK - 1:
                break
            d.need("release", i["id"])
        equal([i["state"], i["why"], i["image"]],
              [tgtest.FAULT, "the copy took signal 11", i["snap"]],
              "a copy that would write to shared memory is stopped")
        ok(len(d.need("read", i["id"], f.truth["a"], 8)["hex"]) == 16,
           "the raw copy is still there to be read")
        d.need("release", i["id"])
        tgtest.ends_well(f, "shared: nobody else wrote to it")


def the_call_is_not_made():
    """The call at which a copy arrives would be a signal to the program."""
    with tgtest.fixture("invariant", 2) as f:
        at = set()
        for n in range(LUCK):
            if n >= 10 and 62 in at:
                break
            i = d.need("settle", d.need("freeze", f.pid)["id"], 0, 2000)
            at.add(d.need("thread", i["id"], 0)["syscall"])
            d.need("release", i["id"])
        ok(62 in at, "a copy arrives at kill()")
        equal(d.loop(f.pid, 300).get("n"), 300,
              "that its only thread is at a signal is no reason to give up")
        tgtest.ends_well(f, "kill() was not called by any copy")


def limit():
    """A thread that makes no system call does not settle, and says so in
    time."""
    with tgtest.fixture("spin") as f:
        i = d.need("freeze", f.pid)
        start = time.monotonic()
        i = d.need("settle", i["id"], i["tids"].index(f.truth["tid"]), 30)
        took = time.monotonic() - start
        equal(i["state"], tgtest.LIMIT, "a thread that spins does not settle")
        ok("no consistent point within" in i["why"], "it says why")
        ok(took < 20, "and soon")
        d.need("release", i["id"])
        tgtest.ends_well(f, "spin: it found nothing wrong")


def blocked_already():
    """A thread that waits in a call is where it would arrive: nothing runs."""
    with tgtest.fixture("many", 3) as f:
        i = d.need("settle", d.need("freeze", f.pid)["id"], 1, 2000)
        equal(i["state"], tgtest.SETTLED, "a waiting thread is settled")
        d.need("release", i["id"])
        equal(d.do("settle", 12345, 0, 60).get("message"), "no instant",
              "an instant that is not there cannot be settled")
        tgtest.ends_well(f, "many: it found nothing wrong")


for part in (invariant_holds, where_it_stands, writes, shared_memory,
             the_call_is_not_made, limit, blocked_already):
    part()
equal(d.do("quit"), {"tracer_status": 0}, "the tracer ends when told to")
hstest.done()
