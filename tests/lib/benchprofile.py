# SPDX-License-Identifier: Apache-2.0
"""Where the time goes, in files beside the JSON file: of what is not reached,
and with PROFILE=1 of table, rows and dominators in any case. With perf, samples
of heapsh over the process itself; where perf is not there or not permitted,
callgrind's counts of heapsh over a core that gcore wrote: minutes for a large
heap, and therefore only with PROFILE=1."""
import glob
import os
import re
import shutil
import subprocess
import tempfile

from hstest import HEAPSH

FOLDER = os.environ.get("BENCH_PROFILES") or os.path.join(
    os.path.dirname(os.environ.get("BENCH_JSON") or ""), "bench-profiles")
ALWAYS = bool(os.environ.get("PROFILE"))
SECONDS = 600
LARGE = 2			# millions of objects


def run(argv, out=subprocess.DEVNULL):
    try:
        return subprocess.run(argv, stdout=out, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL,
                              timeout=SECONDS).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


def by_perf(argv, tmp, path):
    data = os.path.join(tmp, "perf.data")
    if not shutil.which("perf") or run(
            ["perf", "record", "-q", "-F", "997", "-g", "-o", data] + argv):
        return False
    with open(path, "w") as out:
        return not run(["perf", "report", "--stdio", "--no-children", "-g",
                        "none", "--percent-limit", "0.3", "-i", data], out)


def by_callgrind(heap, line, tmp, path):
    core = os.path.join(tmp, "core.%d" % heap.pid)
    if not shutil.which("valgrind") or not shutil.which("gcore"):
        return False
    if run(["gcore", "-o", os.path.join(tmp, "core"), str(heap.pid)]):
        return False
    counts = os.path.join(tmp, "callgrind.%p")
    if run(["valgrind", "--tool=callgrind", "--trace-children=yes",
            "--callgrind-out-file=" + counts, HEAPSH, "open", core,
            "-e", line]):
        return False
    # Of its processes, the engine is the one that worked.
    found = max(glob.glob(os.path.join(tmp, "callgrind.*")),
                key=os.path.getsize)
    with open(path, "w") as out:
        return not run(["callgrind_annotate", found], out)


def profile(heap, line):
    """Path of a profile of the line over the heap's process, or None."""
    name = "%s-%g-%s.txt" % (heap.heap, heap.millions,
                             re.sub(r"\W+", "-", line).strip("-"))
    path = os.path.join(FOLDER, name)
    argv = [HEAPSH, "attach", str(heap.pid), "-e", line]
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        if by_perf(argv, tmp, path):
            return path
        if (ALWAYS or heap.millions <= LARGE) and by_callgrind(heap, line,
                                                                tmp, path):
            return path
    print("# no profile of %s: neither perf nor valgrind works" % line,
          flush=True)
    return None
