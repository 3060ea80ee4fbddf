#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions that are called in copies cut at all that ties the program to the
world: files, locks, timers, memory that others have, too, signals, processes.
Nothing comes through; and they are called well wherever the thread stands."""
import os
import resource
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import equal, ok

FIXTURE = os.path.join(tgtest.BUILD, "tests", "fixtures", "world_fixture")
WATCHED = os.path.join(tgtest.BUILD, "tests", "fixtures", "watched_fixture")
EPERM = 1
d = tgtest.Driver()
# Functions whose call is refused, and answer EPERM.
REFUSED = [
    "append", "send", "read_pipe", "unlock_file", "unlock_record", "shutdown",
    "ftruncate", "write_by_proc", "write_parent", "trace_parent", "punch",
    "move_segment", "map_again", "kill_all", "kill_me", "kill_my_group",
    "queue", "disarm", "die_with_parent", "make_thread", "vfork",
    "by_other_abi", "by_x32",
]
# Those that crash: what is shared is not writable in a copy.
CRASHES = ["take_robust", "write_segment", "write_ring", "write_aio"]
FAULTS = [("fault", signal.SIGSEGV), ("divide", signal.SIGFPE),
          ("trap", signal.SIGTRAP)]


class Program(hstest.Fixture):
    def __init__(self, mode, folder, **kw):
        super().__init__([FIXTURE, mode, folder], start_new_session=True, **kw)
        self.id = d.need("freeze", self.pid)["id"]
        d.need("eval", self.id, 1 if mode == "tiny" else 0)

    def call(self, name, *args):
        return d.need("call", 2000, self.truth[name], *args)

    def ends_well(self, name):
        d.need("release", self.id)
        equal(self.end(), (0, '{"wrong": ""}'), name)


def contained(folder):
    with Program("idle", folder) as p:
        before = tgtest.footprint(p.pid)
        for name in REFUSED:
            r = p.call(name)
            if not ok((r["end"], r["value"]) == ("returned", EPERM) and
                      r["n_refused"] == 1, name + ": is refused"):
                hstest.diag(r)
        for name in CRASHES:
            if not p.truth.get(name.split("_")[1], True):
                hstest.skip(name, "this kernel has none for us")
                continue
            r = p.call(name)
            ok((r["end"], r["signal"]) == ("crashed", signal.SIGSEGV),
               name + ": crashes in the copy: " + str(r["end"]))
        equal(p.call("write_private")["value"], 13,
              "what is private of a shared file is the copy's own")
        r = p.call("alarm")
        ok(r["end"] == "returned" and r["refused"] == 37, "alarm: is refused")
        equal(p.call("odd_state")["value"], 0, "a function begins as it may")
        equal(tgtest.footprint_again(p.pid, before), before,
              "it is what it was")
        p.ends_well("and finds its world as it was")


def stands(mode, folder):
    """Wherever it stands, there is room, and faults are told as such."""
    with Program(mode, folder) as p:
        if mode == "altstack":
            equal(p.call("changed_around")["value"], 0,
                  "altstack: nothing beside the small stack is changed")
        equal(p.call("deep", 100)["value"], 100,
              mode + ": there is room for 100 frames")
        for name, number in FAULTS:
            r = p.call(name)
            equal((r["end"], r["signal"]), ("crashed", number),
                  "%s: %s is told, and no handler runs" % (mode, name))
        equal(p.call("odd_state")["value"], 0, mode + ": and the next works")
        p.ends_well(mode + ": the program finds its world as it was")


def limited(name, **limits):
    """What is ours in a copy does not count against the program's limits."""
    def limit():
        for what, n in limits.items():
            resource.setrlimit(getattr(resource, "RLIMIT_" + what), (n, n))

    with tempfile.TemporaryDirectory() as folder:
        p = Program("idle", folder, preexec_fn=limit)
        r = d.do("call", 2000, p.truth["odd_state"])
        if "error" in r and os.getuid() and "allocate" in r["message"]:
            hstest.skip(name, "the limit cannot be raised by us")
        else:
            equal((r.get("end"), r.get("value")), ("returned", 0), name)
        p.ends_well(name + ": the program ends well")


def watched():
    """Its clone() would wait for a thread that stands still with the others."""
    with hstest.Fixture([WATCHED]) as f:
        if "no" in f.truth:
            hstest.skip("memory that is watched", f.truth["no"])
            return
        start = time.monotonic()
        r = d.do("freeze", f.pid)
        ok(time.monotonic() - start < 10 and
           "userfaultfd" in r.get("message", "") and
           r["remedy"] == "heapsh attach %d --live" % f.pid,
           "watched: %s" % r.get("message"))
        ok("pieces" in d.patiently("copy", f.pid),
           "watched: a copy may be made")
        equal(f.end(), (0, '{"forks": 0, "faults": 1}'),
              "watched: it was told of no child")


for way in ("idle", "altstack", "tiny", "signals"):
    with tempfile.TemporaryDirectory() as folder:
        if way == "idle":
            contained(folder)
        stands(way, folder)
limited("with little data", DATA=8 << 20)
limited("with little address space", AS=64 << 20)
limited("with a small stack", STACK=128 << 10)
watched()
hstest.done()
