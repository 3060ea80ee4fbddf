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
    """n instants of f; a few may come too late on a busy machine."""
    done, r = {"n": 0, "late": 0}, {}
    name = "%s: %d attaches" % (name, n)
    while sum(done.values()) < n and "error" not in r:
        r = d.do("loop", f.pid, min(ROUND, n - sum(done.values())), hold_ms,
                 way)
        done = {k: v + r.get(k, 0) for k, v in done.items()}
    if too_slow(r):
        skip(name, "a copy takes longer than it may, on this machine")
    elif not ok(sum(done.values()) >= n and done["late"] <= n // 4, name):
        diag((done, r))


def too_slow(r):
    """Where the machine is emulated it may be."""
    return os.environ.get("HEAPSH_OWN_MACHINE") and \
        "it takes longer than the limit for its pause" in r.get("message", "")


def gone(pid):
    """Nothing of ours is left in it, or soon: where no thread could be had
    for it, which a busy machine lets wait, the tracer comes back."""
    def free():
        return not visible(pid)[1] and not (
            tgtest.clones() & {p for p, _ in tgtest.children(pid)})
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
        wrong = [not gone(f.pid)] + visible(f.pid)
        left = tgtest.children(f.pid) if childless else []
        if same:
            equal(tgtest.footprint(f.pid), before,
                  name + ": the same mappings, descriptors and masks")
        equal([wrong, left], [[False, False, False], []],
              name + ": neither stopped nor traced, and no zombie")
        tgtest.ends_well(f, name + ": it found nothing wrong")
    diag("%.1f s" % (time.monotonic() - start))
    return r


def at_rest(pid):
    """A process of ours: it has answered, and undone what the answer took,
    when it waits for the next request."""
    def waits():
        with open("/proc/%d/status" % pid) as f:
            return "\nState:\tS" in f.read()
    hstest.wait_for(waits, "process %d does not wait" % pid)
    return pid


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
