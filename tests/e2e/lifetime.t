#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An instant is given back on request, after a time, and when it costs the
program too much; what was in it can be looked at afterwards."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import tgtest  # noqa: E402
from hstest import (SMOKE, Shell, comes_to, done, equal, ok,  # noqa: E402
                    python, pythons, wait_for)

LOOK = ["asized tree['leaf 7'] detail=2", "asizeof tree", "tree['leaf 1999']",
        "refs tree", "find type=list size>1000"]


def plain(doc):
    """Without what tells when it was asked."""
    return {k: v for k, v in doc.items() if k not in ("instant",)}


def state(sh):
    row = sh("snaps")["rows"][-1]
    return next(c for c in row if c in ("held", "kept", "released"))


def answers_afterwards(version, f, swept):
    sh = Shell(f.pid)
    name = "%s, %s: " % (version, "swept" if swept else "not swept")
    before = [plain(sh(line)) for line in LOOK] + \
        [plain(sh("heap")) if swept else None]
    if not swept:
        sh.end()
        sh = Shell(f.pid)
    f.ask("write")
    said = sh("release")
    ok("are kept and still answer" in said["value"], name + said["value"])
    comes_to(lambda: tgtest.children(f.pid), [], name + "the clone is gone")
    for line, was in zip(LOOK + ["heap"], before):
        if was:
            equal(plain(sh(line)), was, name + line)
    equal(state(sh), "kept", name + "snaps says kept")
    equal(sh.end(), 0, name + "the shell ends well")


def after(seconds, sh):
    """State of the newest instant after so long: a look is a second's."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and state(sh) == "held":
        time.sleep(0.1)
    return state(sh)


def little_is_free(version, f):
    """8 MiB are more than 5 % of it, and no reason to let go."""
    sh = Shell(f.pid)
    f.ask("write some")
    equal(after(2.5, sh), "held", version + ": some megabytes are free")
    sh.end()


def others_are_no_cost(version, f):
    """Other copies share its pages, too: when they end nothing was written."""
    sh = Shell(f.pid)
    for _ in range(3):
        sh("snap")
    after(1.5, sh)
    for n in 1, 2, 3:
        sh("release %d" % n)
    equal(after(1.5, sh), "held",
          version + ": the end of other copies is no cost")
    sh.end()


def costs_too_much(version, f):
    """What the program writes is copied; at 5 % of its memory we let go."""
    sh = Shell(f.pid)

    def written():
        f.ask("write")
        return state(sh) == "kept"

    wait_for(written, "an instant of a program that writes is let go")
    ok(True, version + ": an instant is let go when its pages are written")
    comes_to(lambda: tgtest.children(f.pid), [],
             version + ": the clone is gone")
    sh.end()


def setting_off(version, f):
    """cow=off: it stays; then hold= lets go of it."""
    sh = Shell(f.pid)
    sh.say("set cow=off")
    f.ask("write")
    sh.say("set hold=2s")
    wait_for(lambda: not tgtest.children(f.pid), "the idle clone ends")
    equal(state(sh), "kept", version + ": an idle instant is kept")
    sh.end()


def the_newest_are_kept(version, f):
    """A session of many instants does not hold all their memory."""
    sh = Shell(f.pid)
    count = sh("heap.count")["value"]
    for _ in range(4):
        sh("release")
        sh("snap")
    sh("release")
    found = [next(c for c in row if c in ("held", "kept", "released"))
             for row in sh("snaps")["rows"]]
    equal(found, ["released"] * 3 + ["kept"] * 2,
          version + ": pages of the two newest are kept")
    equal(sh("tree").get("type"), "object",
          version + ": the newest still answers")
    sh("use 1")
    said = sh("tree").get("message", "")
    ok("released" in said, "%s: the oldest does not: %s" % (version, said))
    equal(sh("heap.count")["value"], count, version + ": its table does")
    for line in ("heap.reachable.count", "heapu.count", "orphans.count",
                 "heap.referrers.count", "heap.maprox.n.count", "waste",
                 "duplicates", "modules", "threads"):
        said = sh(line).get("message", "")
        ok("released before" in said, "%s: %s: %s" % (version, line, said))
    equal(sh.end(), 1, version + ": that shell ends")


LAYERS = ("heap.count", "heap.reachable.count", "iso(accounts[5]).domisize",
          "heap.retained")


def of_engine(sh):
    """Resident memory of the engine, bytes: the largest of the shell's."""
    return max(resident(pid) for pid, _ in tgtest.children(sh.p.pid))


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def what_can_be_made_again_goes(version, path):
    """Rows and dominators of a hundred thousand objects are 5 MB an instant of
    7; older ones do not keep them, and still answer."""
    with python(path, "bench_heap.py", "plain", "0.1") as f:
        f.ask("make")
        f.listens()
        sh = Shell(f.pid)
        shown = [plain(sh(line)) for line in LAYERS]
        ways = plain(sh("pathsin accounts[7]"))     # a listing of @1
        sh.say("ways = _")
        for n in range(26):
            if n == 5:
                before = of_engine(sh)
            sh("snap")
            for line in LAYERS[:2] if SMOKE else LAYERS:
                sh(line)
        grown = (of_engine(sh) - before) / 20
        ok(grown < 4 << 20, "%s: an older instant keeps %d KiB" %
           (version, grown // 1024))
        equal(plain(sh("ways"))["rows" if "rows" in ways else "paths"],
              ways["rows" if "rows" in ways else "paths"],
              version + ": a listing of the first is as it was")
        sh("use 1")
        equal([plain(sh(line)) for line in LAYERS], shown,
              version + ": the first answers as it did")
        sh.end()


def memory_has_a_limit(version, f):
    sh = Shell(f.pid)
    sh.say("set memory=32M")
    said = sh("release")["value"]
    ok("are not (set memory=)" in said, "%s: %s" % (version, said))
    equal(sh("tree").get("type"), "object",
          version + ": the small, where the objects are, is kept first")
    sh.end()


pythons_here = pythons()
for version, path in pythons_here:
    with python(path, "lifetime.py") as f:
        for swept in True, False:
            answers_afterwards(version, f, swept)
        little_is_free(version, f)
        others_are_no_cost(version, f)
        costs_too_much(version, f)
        setting_off(version, f)
        memory_has_a_limit(version, f)
        the_newest_are_kept(version, f)
        equal(f.end()[0], 0, version + ": the program ends well")
    if path == pythons_here[-1][1]:
        what_can_be_made_again_goes(version, path)
done()
