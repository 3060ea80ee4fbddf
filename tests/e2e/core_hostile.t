#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cores that were cut off anywhere, or in which bits were flipped, are answered
in words: the engine neither dies nor hangs, whatever they hold."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
import hstest
from hstest import diag, equal, ok, pythons, python, skip

# The same flips each time; others when HEAPSH_STRESS or HEAPSH_SEED says so.
SEED = int(os.environ.get("HEAPSH_SEED") or (
    time.time_ns() % 1000000 if os.environ.get("HEAPSH_STRESS") else 1))
FLIPS = 500
FILES = 2 if hstest.SMOKE else 10      # each with so many flipped bytes
CMDS = ["heap", "threads", "asized __main__.names detail=1", "summary"]
random.seed(SEED)


def asked(core):
    """What is wrong with the answer, or None."""
    try:
        r = hstest.heapsh(["open", core], CMDS, timeout=60)
    except subprocess.TimeoutExpired:
        return "no answer within a minute"
    if r.status not in (0, 1, 3):
        return "status %d: %s" % (r.status, r.err[-200:])
    if "the engine" in r.err or "Traceback" in r.err:
        return r.err[-200:]
    if r.status == 3 and "message" not in r.out:
        return "no word: %s" % r.out[-200:]
    return None


def cut(core, size, step):
    odd = []
    with open(core, "r+b") as c:
        at = size - size % step
        while at >= 0:
            c.truncate(at)
            why = asked(core)
            if why:
                odd.append((at, why))
            at -= step
    equal(odd, [], "cut at every %d MiB of %d" % (step >> 20, size >> 20))


def flipped(core, whole, where, name):
    odd = []
    for i in range(FILES):
        shutil.copy(whole, core)
        with open(core, "r+b") as c:
            for _ in range(FLIPS):
                at = random.randrange(*where)
                c.seek(at)
                byte = c.read(1)[0]
                c.seek(at)
                c.write(bytes([byte ^ 1 << random.randrange(8)]))
        why = asked(core)
        if why:
            odd.append((i, why))
    equal(odd, [], "%d flipped bits %s, %d times" % (FLIPS, name, FILES))


if not shutil.which("gcore"):
    skip("hostile cores", "gdb's gcore is not installed")
    hstest.done()
diag("HEAPSH_SEED=%d" % SEED)
for version, path in pythons()[-1:]:
    with tempfile.TemporaryDirectory() as tmp, python(path, "idle.py") as f:
        f.listens()
        subprocess.run(["gcore", "-o", tmp + "/core", str(f.pid)],
                       capture_output=True, stdin=subprocess.DEVNULL)
        whole = "%s/core.%d" % (tmp, f.pid)
        if not ok(os.path.exists(whole), "%s: gcore wrote a core" % version):
            continue
        size = os.path.getsize(whole)
        core = tmp + "/hostile"
        flipped(core, whole, (0, 65536), "in headers and notes")
        flipped(core, whole, (0, size), "anywhere")
        shutil.copy(whole, core)
        cut(core, size, 4 << 20 if hstest.SMOKE else 1 << 20)
hstest.done()
