#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the CPython plugin reads is what each CPython says of itself.

read_fixture.py, run by every CPython that is here, prints its own repr()s,
addresses, lines and variables; peek reads the same from its memory.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import diag, done, listens, ok, pythons, skip  # noqa: E402

SRC = os.environ.get("abs_top_srcdir", ".")
BUILD = os.environ.get("abs_top_builddir", ".")
FIXTURE = os.path.join(SRC, "tests", "cpython", "read_fixture.py")
PEEK = os.environ.get("PEEK", os.path.join(BUILD, "tests", "cpython", "peek"))
TOPICS = ("repr", "text", "lookup", "attr", "item", "names", "thread", "cut", "roots",
          "collector")


class Peek:
    """Questions to the program that reads the fixture's memory."""

    def __init__(self, facts):
        self.process = subprocess.Popen(
            [PEEK, str(facts["pid"]), facts["version"]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, question):
        self.process.stdin.write((question + "\n").encode())
        self.process.stdin.flush()
        lines = []
        for line in iter(self.process.stdout.readline, b".\n"):
            if not line:
                raise EOFError("peek ended at: " + question)
            lines.append(line)
        return b"".join(lines)

    def address(self, question):
        return int(self.ask(question), 16)

    def end(self):
        self.process.stdin.close()
        return self.process.wait()


def check_repr(peek, f):
    got = peek.ask("repr %#x 100000" % f["address"])[:-1]
    want = f["text"].encode("utf-8", "surrogatepass")
    if got != want:
        return "%s: %r, not %r" % (f["name"], got[:300], want[:300])


def check_cut(peek, f):
    """However small the buffer, what is there is the beginning."""
    want = f["text"].encode("utf-8", "surrogatepass")
    for cap in (0, 1, 2, 7, 40):
        got = peek.ask("repr %#x %d" % (f["address"], cap))[:-1]
        quotes = want[:1] in b"'\"b"    # the choice of quotes looks no further
        if got != want[:cap] and not (quotes and cap < len(want)):
            return "%s in %d bytes: %r" % (f["name"], cap, got)


def check_text(peek, f):
    got = peek.ask("text %#x 100000" % f["address"])[:-1]
    if got.hex() != f["text"]:
        return "%r, not %r" % (got.hex()[:300], f["text"][:300])


def check_lookup(peek, f):
    got = peek.address("lookup " + f["name"])
    if got != f["address"]:
        return "%s: %#x, not %#x" % (f["name"], got, f["address"])


def check_attr(peek, f):
    got = peek.address("attr %#x %s" % (f["of"], f["name"]))
    if got != f["address"]:
        return "%s: %#x, not %#x" % (f["of_name"], got, f["address"])


def check_item(peek, f):
    got = peek.address("item %#x %s" % (f["of"], f["key"]))
    if got != f["address"]:
        return "[%s]: %#x, not %#x" % (f["key"], got, f["address"])


def check_names(peek, f):
    lines = peek.ask("names %#x %s" % (f["of"], f["prefix"])).decode()
    got = sorted({line.split()[0] for line in lines.splitlines()})
    missing = set(f["names"]) - set(got)
    if missing or (not f.get("at_least") and got != f["names"]):
        return "%#x: missing %s of %s" % (f["of"], missing, got)


def read_threads(peek):
    """Threads by ident, as peek sees them."""
    threads = {}
    for line in peek.ask("threads").decode().splitlines():
        word, _, rest = line.partition(" ")
        if word == "thread":
            tid, ident, name = rest.split(" ", 2)
            frames = []
            threads[int(ident)] = (int(tid), name, frames)
        elif word == "frame":
            at, function, path = rest.split(" ", 2)
            frames.append((int(at), function, path, {}))
        elif rest.startswith("local "):
            _, name, address = rest.split(" ")
            frames[-1][3][name] = int(address, 16)
    return threads


def check_thread(peek, f):
    tid, name, frames = read_threads(peek)[f["ident"]]
    if name != f["name"]:
        return "name %r, not %r" % (name, f["name"])
    # 3.8 to 3.10 leave it to the host to match pthread_self()
    if tid and tid != f["tid"]:
        return "tid %d, not %d" % (tid, f["tid"])
    # above the frame that told, those that wait
    first = next((i for i, fr in enumerate(frames) if fr[1] == "stay"), -1)
    frames = frames[first + 1:]
    if [fr[:3] for fr in frames] != [
            (w["line"], w["function"], w["file"]) for w in f["frames"]]:
        return "%s: frames %s, not %s" % (
            name, [fr[:3] for fr in frames],
            [(w["line"], w["function"], w["file"]) for w in f["frames"]])
    for got, want in zip(frames, f["frames"]):
        bound = {k: v for k, v in got[3].items() if v}
        missing = {k: v for k, v in want["variables"].items()
                   if bound.get(k) != v}
        if missing or set(bound) - set(want["variables"]):
            return "%s in %s: %s, not %s" % (name, got[1], bound,
                                             want["variables"])


def read_roots(peek, question):
    """[(flags, address, name)]"""
    roots = []
    for line in peek.ask(question).decode().splitlines():
        flags, address, name = line.split(" ", 2)
        roots.append((int(flags), int(address, 16), name))
    return roots


def check_roots(peek, f):
    roots = read_roots(peek, "roots")
    by_name = {name: address for _, address, name in roots}
    wrong = {n: hex(by_name.get(n, 0)) for n, a in f["named"].items()
             if by_name.get(n) != a}
    if wrong:
        return "%s, not %s" % (wrong, {n: hex(f["named"][n]) for n in wrong})
    types = {a for _, a, name in roots if name.startswith("types[")}
    if types != set(f["types"]):
        return "static types: %d missing, %d too many" % (
            len(set(f["types"]) - types), len(types - set(f["types"])))
    # what the threads' frames hold is told by themselves; here: that it is
    local = [name for flags, _, name in roots if flags & 1]
    for name in ("y", "argument"):
        if not any("['%s']" % name in n for n in local):
            return "no root for the variable %s" % name


def check_collector(peek, f):
    found = {a for _, a, _ in read_roots(peek, "collector")}
    missing = set(f["tracked"]) - found
    if missing:
        return "%d of %d tracked objects are missing" % (
            len(missing), len(f["tracked"]))


CHECKS = {"repr": check_repr, "text": check_text, "lookup": check_lookup,
          "attr": check_attr, "item": check_item, "names": check_names,
          "thread": check_thread, "cut": check_cut, "roots": check_roots,
          "collector": check_collector}


def examine(python):
    """[(topic, number of facts, complaints)]"""
    fixture = subprocess.Popen([python, "-u", FIXTURE], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               encoding="utf-8", errors="surrogatepass")
    facts = []
    for line in iter(fixture.stdout.readline, "ready\n"):
        if not line:
            raise EOFError("the fixture ended early")
        facts.append(json.loads(line))
    listens(facts[0]["pid"])
    peek = Peek(facts[0])
    facts += [dict(f, what="cut") for f in facts if f["what"] == "repr"]
    result = []
    for topic in TOPICS:
        asked = [f for f in facts if f["what"] == topic]
        wrong = [w for w in (CHECKS[topic](peek, f) for f in asked) if w]
        result.append((topic, len(asked), wrong))
    status = peek.end()
    fixture.stdin.close()
    fixture.wait()
    result.append(("end", 1, ["peek ended with %d" % status] if status
                   else []))
    return result


def main():
    found = pythons()
    if not found:
        skip("what the plugin reads", "no CPython 3.8 to 3.13 was found")
    for version, python in found:
        for topic, asked, wrong in examine(python):
            ok(asked and not wrong, "%s of %s: %d facts"
               % (topic, version, asked))
            for w in wrong[:20]:
                diag(w.encode("ascii", "backslashreplace").decode())
    done()


main()
