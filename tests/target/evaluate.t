#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions of a program are called in copies of it, whatever they do; the
program itself notices nothing."""
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
import tgtest
from hstest import equal, ok

N = 10 if hstest.SMOKE else 100
LUCK = 1000     # tries of what happens now and then, before it is missed
FIXTURE = os.path.join(tgtest.BUILD, "tests", "fixtures", "eval_fixture")
EPERM, ETIMEDOUT = 1, 110
SYS_clone, SYS_openat, SYS_kill, SYS_mprotect = 56, 257, 62, 10
d = tgtest.Driver()
folder = tempfile.TemporaryDirectory()
FILE = os.path.join(folder.name, "written")


class Program(hstest.Fixture):
    """eval_fixture, attached to; functions are called by name."""

    def __init__(self, mode):
        super().__init__([FIXTURE, mode, FILE], start_new_session=True)
        self.id = None

    def attach(self):
        self.id = d.need("freeze", self.pid)["id"]
        d.need("eval", self.id)

    def release(self):
        d.need("release", self.id)

    def call(self, name, *args, ms=1000):
        return d.need("call", ms, self.truth[name], *args)

    def node(self, i):
        return self.truth["nodes"] + i * self.truth["node_bytes"]

    def ends_well(self, name):
        status, said = self.end()
        ok(status == 0 and said == '{"ok": true}', name)
        if said != '{"ok": true}':
            hstest.diag("status %s: %s" % (status, said))


def values(p):
    r = p.call("add", 1, 2, 3, 4, 5, 6, 7)
    equal((r["end"], r["value"]), ("returned", 7654321),
          "a function of seven arguments returns its value")
    r = p.call("use_malloc")
    equal((r["end"], r["value"]), ("returned", 3000),
          "one that allocates and frees works")
    p.call("write_own")
    r = p.call("write_own")
    equal(r["copy"], 1, "calls that return share a copy")


def misbehaves(p):
    """(function, end, what else is so)"""
    cases = [
        ("crash", "crashed", lambda r: r["signal"] == signal.SIGSEGV and
         r["address"] == 16),
        ("abort", "crashed", lambda r: r["signal"] == signal.SIGABRT),
        ("recurse", "crashed", lambda r: r["signal"] == signal.SIGSEGV),
        ("hang", "late", lambda r: r["cpu_us"] >= 200000),
        ("exit", "exited", lambda r: r["status"] == 3),
        ("_exit", "exited", lambda r: r["status"] == 4),
        ("fork", "returned", lambda r: r["value"] == EPERM and
         r["refused"] == SYS_clone),
        ("write_file", "returned", lambda r: r["value"] == EPERM and
         r["refused"] == SYS_openat),
        ("kill_parent", "returned", lambda r: r["value"] == EPERM and
         r["refused"] == SYS_kill),
        ("kill_group", "returned", lambda r: r["value"] == EPERM and
         r["refused"] == SYS_kill),
        ("write_shared", "crashed", lambda r: r["signal"] == signal.SIGSEGV
         and r["address"] == p.truth["shared"] + 8),
        ("unprotect", "returned", lambda r: r["value"] == EPERM and
         r["refused"] == SYS_mprotect),
        ("take_never", "stuck", lambda r: "nobody" in r["why"]),
        ("wait", "returned", lambda r: r["value"] == ETIMEDOUT),
        ("eat_memory", "returned", lambda r: 256 < r["value"] < 4096),
    ]
    for name, end, holds in cases:
        r = p.call(name, ms=20000 if name == "eat_memory" else 200)
        if not ok(r["end"] == end and holds(r),
                  "%s: %s" % (name, r["why"] or end)):
            hstest.diag(r)
        r = p.call("add", 1, 1, 1, 1, 1, 1, 1)
        if r["value"] != 1111111:
            equal(r, "1111111", "and the next call works")


def batches(p):
    """13 crashes in visit; 17 loops, 19 exits in size; 23 has no name."""
    nodes = [p.node(i) for i in range(100)]
    r = d.need("batch", "visit", 200, p.truth["visit"], *nodes)
    want = [[] if i == 13 else ([nodes[i + 1]] if i < 99 else []) +
            ([] if i % 3 else [nodes[0]]) for i in range(100)]
    equal([i["values"] for i in r["items"]], want,
          "visit: every target, in order")
    equal([(i["index"], i["end"]) for i in r["items"]
           if i["end"] != "returned"], [(13, "crashed")],
          "the node that crashes it is named, and costs no other")
    r = d.need("batch", "value", 200, p.truth["size"], *nodes)
    equal([(i["index"], i["end"]) for i in r["items"]
           if i["end"] != "returned"], [(17, "late"), (19, "exited")],
          "value: one loops and one exits")
    equal([i["values"][0] for i in r["items"] if i["end"] == "returned"],
          [{13: 13, 23: 23}.get(i, 1000 + i) for i in range(100)
           if i not in (17, 19)], "all the others have their value")
    r = d.need("batch", "text", 200, p.truth["name"], *nodes)
    equal([i["text"] for i in r["items"]],
          ["" if i == 23 else "node %d" % i for i in range(100)],
          "text: every name, also after one that has none")
    r = d.need("rate", "visit", p.truth["visit"], nodes[1], 100000)
    equal(r["good"], 100000, "100000 objects go through in parts")


def nothing_stays(p):
    i = d.need("freeze", p.pid)
    d.need("eval", i["id"])
    p.call("add", 1)
    copies = [c for c, _ in tgtest.children(i["snap"])]
    ok(len(copies) == 1, "the copy is a child of the clone")
    d.need("release", i["id"])
    ok(not any(tgtest.alive(c) for c in copies), "and ends with it")
    equal(tgtest.none_left(p.pid), [], "the program has no zombie")


def idle():
    with_file = os.path.exists(FILE)
    p = Program("idle")
    p.listens()
    before = tgtest.footprint(p.pid)
    p.attach()
    values(p)
    misbehaves(p)
    batches(p)
    p.release()
    nothing_stays(p)
    equal(tgtest.footprint_again(p.pid, before), before,
          "the program is what it was: mappings, descriptors, masks")
    p.ends_well("and finds nothing wrong")
    ok(not with_file and not os.path.exists(FILE), "no file was written")


def busy(mode, function, want, what, until_helped=False):
    """Right in every one of N instants, or of more until another thread had
    to help; how often one had to."""
    p = Program(mode)
    n = good = helped = 0
    while n < N or (until_helped and not helped and n < LUCK):
        n += 1
        p.attach()
        r = p.call(function)
        good += (r["end"], r["value"]) == ("returned", want)
        if r["end"] != "returned":
            hstest.diag(r)
        helped += r["helped"] > 0
        p.release()
    equal(good, n, "%s: %d of %d (others had to run on in %d)"
          % (what, good, n, helped))
    p.ends_well("%s: the program finds nothing wrong" % mode)
    return helped


def other_namespace():
    """Where it is called by another number than here."""
    prefix = ["unshare", "-Urpfm", "--mount-proc"]
    if subprocess.run(prefix + ["true"], capture_output=True).returncode:
        hstest.skip("in another namespace", "unshare is not permitted here")
        return
    with hstest.Fixture(prefix + [FIXTURE, "idle", FILE]) as f:
        pid = tgtest.children(f.pid)[0][0]
        i = d.patiently("freeze", pid)
        if "error" in i:
            hstest.skip("in another namespace", i["message"])
            return
        d.need("eval", i["id"])
        r = d.need("call", 1000, f.truth["abort"])
        equal((r["end"], r["signal"]), ("crashed", signal.SIGABRT),
              "in another namespace: abort() is its own")
        r = d.need("call", 1000, f.truth["kill_parent"])
        equal((r["value"], r["refused"]), (EPERM, SYS_kill),
              "and kill() of others is refused")
        d.need("release", i["id"])


def engine_dies():
    """The copy of an engine that is gone ends with its instant."""
    p = Program("idle")
    p.attach()
    p.call("add", 1)
    d.need("reconnect")
    i = d.need("list")[0]
    copies = [c for c, _ in tgtest.children(i["snap"])]
    d.need("adopt", i["id"])
    d.need("eval", i["id"])
    equal(p.call("add", 1)["value"], 1, "another engine can call, too")
    d.need("release", i["id"])
    ok(copies and not any(tgtest.alive(c) for c in copies),
       "the copy of the engine that died has ended")
    p.ends_well("the program finds nothing wrong")


def copy_killed():
    p = Program("idle")
    i = d.need("freeze", p.pid)
    p.id = i["id"]
    d.need("eval", p.id)
    p.call("add", 1)
    for c, _ in tgtest.children(i["snap"]):
        os.kill(c, signal.SIGKILL)
    r = d.do("call", 1000, p.truth["add"], 1)
    ok(r.get("end", "ended") == "ended" or r.get("value") == 1,
       "a copy that was killed is told as such, or has been replaced")
    equal(p.call("add", 2)["value"], 2, "the next call has a new one")
    p.release()
    p.ends_well("the program finds nothing wrong")


def ends_soon(pid):
    end = time.monotonic() + 20
    while tgtest.alive(pid) and time.monotonic() < end:
        time.sleep(0.005)
    return not tgtest.alive(pid)


def tracer_killed():
    """Whatever was under way: the program goes on, no copy stays."""
    other = tgtest.Driver()
    p = Program("hammer")
    i = other.need("freeze", p.pid)
    other.need("eval", i["id"])
    other.need("call", 1000, p.truth["add"], 1)
    copies = [c for c, _ in tgtest.children(i["snap"])] + [i["snap"]]
    other.say("call 20000 %d" % p.truth["hang"])
    os.kill(other.tracer, signal.SIGKILL)
    other.line()
    ok(len(copies) == 2 and all(ends_soon(c) for c in copies),
       "the tracer is killed in the middle of a call: so are its copies")
    p.ends_well("the program finds nothing wrong")
    other.end()


def dies_anywhere():
    """The tracer is killed behind request n to the kernel, for many n: through
    the freeze, the making of a copy, a call in it, another thread's help."""
    if not os.access(tgtest.DRIVER + "_fault", os.X_OK):
        hstest.skip("deaths at many requests", "tg_driver_fault is not built")
        return
    p = Program("lock")
    left, n, deaths, died = [], 5, 0, True
    while died and n < 4000:
        before = {c for c, _ in tgtest.children(p.pid)}
        tgtest.DRIVER += "_fault"
        os.environ["HEAPSH_TEST_DIE_AT"] = str(n)
        try:
            other = tgtest.Driver()
        finally:
            del os.environ["HEAPSH_TEST_DIE_AT"]
            tgtest.DRIVER = tgtest.DRIVER[:-len("_fault")]
        with other:
            i = other.do("freeze", p.pid)
            if "error" not in i:
                other.do("eval", i["id"])
                other.do("call", 1000, p.truth["take_mutex"])
                other.do("release", i["id"])
            died = other.was_killed()
        new = {c for c, _ in tgtest.children(p.pid)} - before
        left += [(n, c) for c in new if not ends_soon(c)]
        deaths += died
        n += 11 if hstest.SMOKE else 5
    equal(left, [], "the tracer is killed behind request 5, 10, … %d: no "
          "copy stays" % n)
    ok(deaths > (3 if hstest.SMOKE else 10), "%d of them were in time" % deaths)
    p.ends_well("the program finds nothing wrong")


idle()
busy("hammer", "use_malloc", 3000, "under four threads that allocate")
ok(busy("arena", "use_malloc", 3000, "with one lock for all",
        not hstest.SMOKE) > 0 or hstest.SMOKE,
   "now and then the lock is another thread's")
ok(busy("lock", "take_mutex", 7, "a lock that is nearly always taken",
        True) > 0,
   "its owner gives it back, in the copy")
other_namespace()
engine_dies()
copy_killed()
tracer_killed()
dies_anywhere()
hstest.done()
