# SPDX-License-Identifier: Apache-2.0
"""Rows of the harm suite: a program that knows what is true of itself is
visited again and again; afterwards it must have found nothing wrong, and
nobody may see that it was visited."""
import os
import time

import hstest
import tgtest
from hstest import diag, equal, ok, skip

# "1": 1000 attaches a row; another number: so many.
STRESS = int(os.environ.get("HEAPSH_STRESS") or 0)
TRIES = 60      # more than N, before that is said of a machine
ROUND = 50      # attaches in one answer, which then is not long in coming
N = 1000 if STRESS == 1 else STRESS or (5 if hstest.SMOKE else 50)


def visible(pid):
    """What anybody can see of a process that is let go: not stopped, not
    traced, without children of ours."""
    with open("/proc/%d/status" % pid) as f:
        text = f.read()
    state = text[text.index("State:\t") + 7]
    return [state in "TtZX", "TracerPid:\t0" not in text]


def looped(d, name, f, n, hold_ms=0, way="clone"):
    """n instants of f; a quarter may come too late, which a busy machine does
    for a while. Then others are made: if that does not help it is our doing."""
    done, r = {"n": 0, "late": 0}, {}
    name = "%s: %d attaches" % (name, n)
    while "error" not in r and (
            sum(done.values()) < n or
            done["late"] > done["n"] // 3 and sum(done.values()) < n + TRIES):
        r = d.do("loop", f.pid, min(ROUND, max(n - sum(done.values()), 5)),
                 hold_ms, way)
        done = {k: v + r.get(k, 0) for k, v in done.items()}
    good = "error" not in r and done["late"] <= done["n"] // 3
    if not good and done["late"] and way == "copy" and \
            os.environ.get("HEAPSH_OWN_MACHINE"):
        # It is emulated, perhaps.
        skip(name, "a copy takes longer than it may, on this machine")
    elif not ok(good, name):
        diag((done, r))
    return r


def gone(pid, childless=True):
    """Nothing of ours is left in it, or soon: where no thread could be had
    for it, which a busy machine lets wait, the tracer comes back."""
    def free():
        now = tgtest.children(pid)
        return not visible(pid)[1] and not (
            now and (childless or tgtest.clones() & {p for p, _ in now}))
    try:
        hstest.wait_for(free, "gone")
    except TimeoutError:
        return False
    return True


def row(visit, *words, way="", same=False, childless=True, **env):
    """visit(name, fixture) of the program of these words."""
    name = " ".join([str(w) for w in words] +
                    ["%s=%s" % (k, os.path.basename(v))
                     for k, v in sorted(env.items())]) + way
    start = time.monotonic()
    with tgtest.fixture(*words, env=dict(os.environ, **env)) as f:
        before = tgtest.footprint(f.pid) if same else None
        r = visit(name, f)
        wrong = [not gone(f.pid, childless)] + visible(f.pid)
        left = tgtest.children(f.pid) if childless else []
        if same:
            equal(tgtest.footprint_again(f.pid, before), before,
                  name + ": the same mappings, descriptors and masks")
        equal([wrong, left], [[False, False, False], []],
              name + ": neither stopped nor traced, and no zombie")
        tgtest.ends_well(f, name + ": it found nothing wrong")
    diag("%.1f s" % (time.monotonic() - start))
    return r


def rests(pid):
    """How it waits for what is to do next, or None: it reads its standard
    input, or polls (7) for as long as it takes, an engine second by second.
    Asleep alone it may be also where it waits for another of ours. With a
    count that grows when it does anything else."""
    with open("/proc/%d/status" % pid) as f:
        text = f.read()
    with open("/proc/%d/syscall" % pid) as f:
        call = f.read().split()
    idle = call[:2] == ["0", "0x0"] or \
        call[:1] == ["7"] and call[3] in ("0xffffffff", "0x3e8")
    if not idle or "\nState:\tS" not in text:
        return None
    return call, text[text.index("\nvoluntary_ctxt_switches"):]


def sizes_at_rest(pid):
    """Of a process of ours that has answered, and undone what the answer
    took: it waits for the next request, and did so all the while."""
    found = []

    def look():
        before = rests(pid)
        found[:] = [sizes(pid)] if before else []
        return before and rests(pid) == before
    hstest.wait_for(look, "process %d does not wait" % pid)
    return found[0]


def sizes(pid):
    """Resident pages; mappings, descriptors, children. The counter in statm
    is off by dozens of pages a processor (Linux 6.2, percpu_counter)."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        rss = int(f.read().split("\nRss:")[1].split()[0]) // 4
    with open("/proc/%d/maps" % pid) as f:
        maps = len(f.readlines())
    return [rss, maps, len(os.listdir("/proc/%d/fd" % pid)),
            len(tgtest.children(pid))]


def grew(before, after, who, pages=64):
    """Equal in all, and resident memory in all but some pages."""
    a, b = before, after
    if not ok(b[1:] == a[1:] and b[0] - a[0] < pages,
              who + " has the same mappings, descriptors and children, and "
              "no more memory"):
        diag("%s, %s" % (a, b))


def run_parts(*parts):
    """Each part of a test, or those that HARM_PARTS names, with its time."""
    wanted = os.environ.get("HARM_PARTS")
    for part in parts:
        if wanted and part.__name__ not in wanted.split(","):
            continue
        start = time.monotonic()
        part()
        diag("%s: %.1f s" % (part.__name__, time.monotonic() - start))
