#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One process with two runtimes: both heaps, each object once, references
across the border where pointers show them."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (FIXTURES, Fixture, Shell, done, equal,  # noqa: E402
                    heapsh, ok, skip)

CONFIG = "/usr/bin/python3-config"
CC = os.environ.get("CC", "cc").split()


def words(*argv):
    """What a tool prints, in words; None where it is not there."""
    if shutil.which(argv[0]) is None:
        return None
    p = subprocess.run(argv, capture_output=True, text=True)
    return p.stdout.split() if p.returncode == 0 else None


def build(folder):
    """The program, or why it cannot be built here."""
    python = words(CONFIG, "--embed", "--includes", "--ldflags")
    lua = words("pkg-config", "--cflags", "--libs", "lua5.4")
    if python is None or lua is None:
        return None, "needs libpython3-dev and liblua5.4-dev"
    path = os.path.join(folder, "both_runtimes")
    p = subprocess.run(CC[-1:] + ["-o", path, os.path.join(
        FIXTURES, "both_runtimes.c")] + python + lua,
        capture_output=True, text=True)
    return (path, "") if p.returncode == 0 else (None, p.stderr[-300:])


def counts(doc):
    return {r["kind"]: r["count"] for r in doc["rows"]}


def alone(pid, plugin):
    p = heapsh(["--plugin", plugin, "attach", pid],
               ["heap.bytype.all", "heap.size"])
    return counts(p.results[0]), p.results[1]["value"]


def check(f):
    sh = Shell(f.pid)
    equal(sh.attached["runtime"][:7] + sh.attached["runtime"][-6:],
          "CPython + Lua", "both are recognised: %s %s"
          % (sh.attached["runtime"], sh.attached["version"]))
    both = counts(sh("heap.bytype.all"))
    size = sh("heap.size")["value"]
    python, python_size = alone(f.pid, "cpython")
    lua, lua_size = alone(f.pid, "lua")
    equal(lua_size, f.truth["bytes"], "Lua's part is what Lua counts")
    line = "len(find(heap, value~'^[a-z]+e$'))"
    own = [heapsh(["--plugin", p, "attach", f.pid], [line]).results[0]["value"]
           for p in ("cpython", "lua")]
    equal(sh(line)["value"], sum(own), "texts are asked of whom they are: %r"
          % own)
    equal(set(python) & set(lua), set(), "their kinds have their own names")
    equal(both, dict(python, **lua), "each object of both, once")
    equal(size, python_size + lua_size, "and its size")
    rows = {r[0]: r[2] for r in sh("show handle_of_python")["rows"]}
    equal(rows.get("<data>"), f.truth["list"],
          "what a userdata holds of Python's")
    rows = {r[0]: r[2] for r in sh("show lua_state")["rows"]}
    equal(rows.get("->pointer"), f.truth["lua"],
          "what a capsule holds of Lua's")
    equal(sh("0x%x & iso(handle_of_python).referents"
             % int(f.truth["list"], 16)).get("count"), 1,
          "the list is a referent of the userdata")
    equal(sh("heap & __main__.Account").get("count"), 50, "Python's classes")
    equal(sh("heap & table").get("count"), both["table"], "Lua's kinds")
    equal(sh("cache[3].name").get("value"), "'entry 3'", "Lua's names")
    equal(sh("accounts[3].n").get("value"), "3", "Python's names")
    equal(sh("L2._G.x").get("value"), "{7}", "a second state of Lua's")
    names = [r[1] for r in sh("threads.all")["rows"]]
    equal(names[-2:], ["main of L1", "main of L2"], "threads of both")
    equal(sh("threads[0].frames")["rows"][0][1], "<module>",
          "frames of Python's")
    equal(sh.end(), 0, "status")


with tempfile.TemporaryDirectory() as folder:
    program, why = build(folder)
    if program is None:
        skip("a program with two runtimes", why.replace("\n", " "))
        done()
    with Fixture([program]) as f:
        check(f)
        ok(f.end()[0] == 0, "the program ends well")
done()
