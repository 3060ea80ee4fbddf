# SPDX-License-Identifier: Apache-2.0
"""Programs that are hard to attach to, each in a way of its own."""
import ctypes
import os
import struct

import hstest

ROOT = os.geteuid() == 0
libc = ctypes.CDLL(None, use_errno=True)

# A program that knows how many of a class it has, and goes on counting.
PROGRAM = """
import ctypes, struct, sys, threading, time
class Item:
    pass
items = [Item() for _ in range(5000)]
libc = ctypes.CDLL(None)
%s
turns = 0
def turn():
    global turns
    while True:
        turns += 1
        time.sleep(0.001)
threading.Thread(target=turn, daemon=True).start()
print("{}", flush=True)
while sys.stdin.readline() != "":
    print(turns, flush=True)
"""
FILTER = """
f = ctypes.create_string_buffer(%r)
p = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", %d,
                                            ctypes.addressof(f)))
assert not libc.prctl(38, 1, 0, 0, 0)
assert not libc.prctl(22, 2, p)
"""


def no_clone():
    """A seccomp filter that ends whoever makes clone() with our flags, but
    not pthread_create() with its own."""
    program = ((0x20, 0, 0, 0), (0x15, 0, 3, 56), (0x20, 0, 0, 16),
               (0x15, 0, 1, 0), (6, 0, 0, 0x80000000), (6, 0, 0, 0x7fff0000))
    raw = b"".join(struct.pack("<HBBI", *i) for i in program)
    return FILTER % (raw, len(program))


def program(path, code="", prefix=()):
    return hstest.Fixture(list(prefix) + [path, "-c", PROGRAM % code])


ALLOW = FILTER % (struct.pack("<HBBI", 6, 0, 0, 0x7fff0000), 1)


def group(controller, name, value, pid):
    """A limit in a cgroup (v1) of its own for pid; its folder, or None."""
    path = "/sys/fs/cgroup/%s/heapsh-ladder-%d" % (controller, os.getpid())
    try:
        os.mkdir(path)
        with open(os.path.join(path, "cgroup.procs"), "w") as g:
            g.write(str(pid))
        with open(os.path.join(path, name), "w") as g:
            g.write(value)
    except OSError:
        return None
    return path
