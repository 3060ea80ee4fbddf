# SPDX-License-Identifier: Apache-2.0
"""PROFILE=1: where the time goes, in files beside the JSON file. With perf,
samples of heapsh over the process itself; where perf is not there or not
permitted, callgrind's counts of heapsh over a core that gcore wrote."""
import glob
import os
import shutil
import subprocess
import tempfile

from hstest import HEAPSH

FOLDER = os.environ.get("BENCH_PROFILES") or "bench-profiles"
SECONDS = 600


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
    if not os.path.exists(core) and run(
            ["gcore", "-o", os.path.join(tmp, "core"), str(heap.pid)]):
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


def profile(heap, lines):
    """A profile of each line over the heap's process."""
    if not os.environ.get("PROFILE"):
        return
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        for line in lines:
            name = "%s-%g-%s.txt" % (heap.heap, heap.millions,
                                     line.split("(")[0].replace(" ", "-"))
            path = os.path.join(FOLDER, name)
            argv = [HEAPSH, "attach", str(heap.pid), "-e", line]
            if by_perf(argv, tmp, path) or by_callgrind(heap, line, tmp,
                                                         path):
                print("# profile: " + path, flush=True)
            else:
                print("# no profile: neither perf nor valgrind works",
                      flush=True)
                return
