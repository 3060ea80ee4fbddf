# SPDX-License-Identifier: Apache-2.0
"""The frame of `make bench`.

A row is a function that takes one sample, registered with its name, its unit,
what it is compared with and what it may be at most:

    rows = Rows()

    @rows("attach -e heap", "s", peer=gc_collect, limit=at(20, times(0.6)))
    def whole(run):
        return run.heapsh("heap")

Rows are measured in turns with their peers, on the same process, so that a
machine that becomes slower does so for both; told are medians, their spread,
and the median of the ratios pair by pair. A figure that is not reached stands
as it is, and one that was not measured says why.

Each figure is a line of the table and an object of the JSON file, whose
members are FIELDS. What was measured in another way is told by row()."""
import json
import os
import statistics
import sys
import time

FIELDS = ("script", "heap", "objects", "name", "unit", "median", "least", "most",
          "samples", "peer", "peer_median", "ratio", "ratio_least",
          "ratio_most", "limit", "limit_value", "reached", "why", "profile")
PAIRS = int(os.environ.get("BENCH_PAIRS") or 5)
# Of the whole run; what does not fit any more is "not measured".
SECONDS = float(os.environ.get("BENCH_SECONDS") or 1500)
BEGAN = float(os.environ.get("BENCH_BEGAN") or time.time())
DIGITS = 4
kept = [0]


def left():
    """Seconds that this script may still take."""
    return BEGAN + SECONDS - kept[0] - time.time()


def keep(part):
    """That part of the run's time is for the scripts behind this one."""
    kept[0] = part * SECONDS


# --- limits ---------------------------------------------------------------

def times(n):
    """At most n times its peer."""
    return ("times", n)


def faster(n):
    """At least n times as fast as its peer."""
    return ("faster", n)


def most(n):
    """At most n of its unit."""
    return ("most", n)


def at(*sizes_and_limits):
    """at(2, most(1), 20, most(9)): by millions of objects. Others have none."""
    pairs = dict(zip(sizes_and_limits[::2], sizes_and_limits[1::2]))
    return lambda run: pairs.get(run.millions)


def limit_words(limit):
    if not limit:
        return ""
    kind, n = limit
    return {"times": "<= %gx", "faster": "1/%g", "most": "<= %g"}[kind] % n


def is_reached(limit, value, ratio):
    """None where there is no limit, or nothing to hold against it."""
    if not limit:
        return None
    kind, n = limit
    if kind == "most":
        return value <= n
    if ratio is None:
        return None
    return ratio <= n if kind == "times" else ratio <= 1 / n


# --- figures --------------------------------------------------------------

def rounded(v):
    return None if v is None else float("%.*g" % (DIGITS, v))


def figure(heap, objects, name, unit, samples=(), peer="", peers=(),
           limit=None, why=""):
    """The figure of samples; peers: as many of the peer's, pair by pair, or
    any number where they were not measured in turns."""
    f = dict.fromkeys(FIELDS)
    f.update(script=os.environ.get("BENCH_SCRIPT", ""), heap=heap,
             objects=objects, name=name, unit=unit, peer=peer,
             samples=len(samples), why=why)
    if limit:
        f.update(limit=limit[0], limit_value=limit[1])
    if not samples:
        return f
    f.update(median=rounded(statistics.median(samples)),
             least=rounded(min(samples)), most=rounded(max(samples)))
    ratios = ratios_of(samples, peers)
    if ratios:
        f.update(peer_median=rounded(statistics.median(peers)),
                 ratio=rounded(statistics.median(ratios)),
                 ratio_least=rounded(min(ratios)),
                 ratio_most=rounded(max(ratios)))
    f["reached"] = is_reached(limit, f["median"], f["ratio"])
    return f


def ratios_of(samples, peers):
    if len(peers) == len(samples):
        return [s / p for s, p in zip(samples, peers) if p]
    if peers and statistics.median(peers):
        return [statistics.median(samples) / statistics.median(peers)]
    return []


LINE = "%-34s %8s %-18s %-2s %7s %-18s %-8s %s"
HEAD = LINE % ("figure", "median", "[least..most]", "", "times",
               "[least..most]", "limit", "of")


def number(v):
    if v is None:
        return ""
    return "%.0f" % v if abs(v) >= 100 else "%.3g" % v


def span(f, least, most):
    if f["samples"] < 2 or f[least] is None or f[least] == f[most]:
        return ""
    return "[%s..%s]" % (number(f[least]), number(f[most]))


def line_of(f):
    if not f["samples"]:
        return "%-34s %8s not measured: %s" % (f["name"], "-", f["why"])
    word = "  NOT REACHED" if f["reached"] is False else ""
    word += "  (%s)" % f["profile"] if f["profile"] else ""
    limit = (f["limit"], f["limit_value"]) if f["limit"] else None
    peer = f["peer"]
    if f["peer_median"] is not None:
        peer += ", %s %s" % (number(f["peer_median"]), f["unit"])
    if f["why"]:
        peer += ": not measured: " + f["why"]
    return (LINE % (
        f["name"], number(f["median"]), span(f, "least", "most"), f["unit"],
        number(f["ratio"]), span(f, "ratio_least", "ratio_most"),
        limit_words(limit), peer)).rstrip() + word


def tell(f):
    """A line of the table now, an object of the JSON file in the end."""
    print(line_of(f), flush=True)
    path = os.environ.get("BENCH_FIGURES")
    if path:
        with open(path, "a") as out:
            out.write(json.dumps(f) + "\n")


def title(words):
    print("\n# %s" % words, flush=True)


# --- rows -----------------------------------------------------------------

class Row:
    def __init__(self, function, name, unit, peer, limit, where, line):
        self.function, self.name, self.unit = function, name, unit
        self.peer, self.limit, self.where = peer, limit, where
        self.line = line

    def limit_of(self, run):
        return self.limit(run) if callable(self.limit) else self.limit


class Peer:
    """What rows are compared with: its name, and a function that takes one
    sample."""

    def __init__(self, function, name):
        self.function, self.name = function, name

    def __call__(self, run):
        return self.function(run)


def peer(name):
    return lambda function: Peer(function, name)


class Rows:
    """Registered rows, in order, and the measuring of them."""

    def __init__(self):
        self.rows = []

    def __call__(self, name, unit, peer=None, limit=None, where=None,
                 line=None):
        """where(run): is it measured there? A limit is one for all sizes or
        at() some. line: of which a profile is kept where it is not
        reached."""
        def register(function):
            self.rows.append(Row(function, name, unit, peer, limit, where,
                                 line))
            return function
        return register

    def of(self, run):
        return [r for r in self.rows if not r.where or r.where(run)]

    def measure(self, run, rounds=PAIRS):
        """All rows of a run in turns, then their figures, which are returned.
        run: has heap, objects, millions; next_round() ends a round,
        profile(line) returns where a profile of it is, or None."""
        rows = self.of(run)
        samples = {r: ([], []) for r in rows}
        why = {}
        done = 0
        while done < rounds and (not done or left() > run.reserve):
            run.next_round()
            for r in rows:
                if r not in why:
                    self.sample(run, r, samples[r], why)
            done += 1
        run.next_round()
        figures = []
        for r in rows:
            ours, theirs = samples[r]
            f = figure(run.heap, run.objects, r.name, r.unit, ours,
                       r.peer.name if r.peer else "", theirs,
                       r.limit_of(run), why.get(r, ""))
            if r.line and f["reached"] is False:
                f["profile"] = run.profile(r.line)
            tell(f)
            figures.append(f)
        return figures

    def sample(self, run, row, to, why):
        ours, theirs = to
        try:
            beside = row.peer(run) if row.peer else None
            value = row.function(run)
        except NotMeasured as e:
            why[row] = str(e)
            return
        ours.append(value)
        if beside is not None:
            theirs.append(beside)


class NotMeasured(Exception):
    """With the reason, for the table."""


# --- scripts with figures of their own ------------------------------------

def row(name, value, unit, ratio=None, to="", limit=None):
    """One figure that was measured already; ratio: to what."""
    f = figure("", None, name, unit, [value], to or "", (), limit)
    if ratio is not None:
        f.update(ratio=rounded(ratio),
                 reached=is_reached(limit, f["median"], ratio))
    tell(f)


def best_of(n, function, *args):
    """Least wall seconds of n calls, and what the last call returned."""
    best = float("inf")
    for _ in range(n):
        began = time.perf_counter()
        result = function(*args)
        best = min(best, time.perf_counter() - began)
    return best, result
