# SPDX-License-Identifier: Apache-2.0
"""What benchmarks stand on: rows of "name value unit (ratio to what)", where the
ratio is to something measured in the same run on the same machine, and so is
what can be compared between machines."""
import time


def row(name, value, unit, ratio=None, to=None):
    tail = " (%.2f times %s)" % (ratio, to) if to else ""
    print("%-32s %10.2f %s%s" % (name, value, unit, tail), flush=True)


def best_of(n, function, *args):
    """Least wall seconds of n calls, and what the last call returned."""
    best = float("inf")
    for _ in range(n):
        began = time.perf_counter()
        result = function(*args)
        best = min(best, time.perf_counter() - began)
    return best, result
