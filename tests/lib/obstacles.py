# SPDX-License-Identifier: Apache-2.0
"""Programs that are hard to attach to, each in a way of its own."""
import ctypes
import os
import shlex
import shutil
import struct
import subprocess

import hstest
from hstest import diag, ok

ROOT = os.geteuid() == 0
libc = ctypes.CDLL(None, use_errno=True)
NOBODY = ["setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups"]
SYSTEM = "/usr/bin/python3"     # which others may run, too

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


# --- what doctor says ---------------------------------------------------------

def doctor(f, *options, **kw):
    """{what: (how it is, what to type)}; several rows of a name are listed."""
    r = hstest.heapsh(["doctor"] + ([f.pid] if f else []) + list(options),
                      **kw)
    if r.status or not r.docs:
        diag("status %d: %s%s" % (r.status, r.out, r.err))
        return {}
    return rows_of(r)


def only(rows, what):
    return rows.get(what, [("nothing is said", "")])[0]


def obeys(line, f, rung, name):
    """The line that was to be typed does attach, and so."""
    words = shlex.split(line)
    if not ok(words[:1] in (["heapsh"], ["sudo"]), name + ": " + line):
        return
    words = words[1:] if words[0] == "sudo" else words
    r = hstest.heapsh(words[1:], ["len(heap & __main__.Item)"])
    if not ok(r.status == 0 and r.docs[0]["rung"] == rung and
              r.results[0].get("value") == 5000, name + ": it works"):
        diag(r.out + r.err)


def rows_of(result):
    """{what: [(how it is, what to type)]}"""
    rows = {}
    for what, value, line in result.docs[-1].get("rows", []):
        rows.setdefault(what, []).append((value, line))
    return rows


def copy_of_us(folder, more=()):
    """heapsh, its engine and a plugin, where others may run them; and MORE
    files of the build."""
    os.makedirs(folder + "/plugins/cpython/.libs", exist_ok=True)
    here = os.path.dirname(os.path.abspath(hstest.HEAPSH))
    for name in ("heapsh", "heapsh-engine",
                 "plugins/cpython/.libs/cpython.so", *more):
        shutil.copy(os.path.join(here, name), os.path.join(folder, name))
    subprocess.run(["chmod", "-R", "a+rX", folder])


def heapsh_by(prefix, args, commands=()):
    """As hstest.heapsh(), below a command that takes or gives permissions."""
    folder = "/tmp/heapsh-doctor-%d" % os.getpid()
    copy_of_us(folder)
    saved, hstest.HEAPSH = hstest.HEAPSH, prefix[0]
    try:
        return hstest.heapsh(prefix[1:] + [folder + "/heapsh"] + list(args),
                             commands, cwd="/")
    finally:
        hstest.HEAPSH = saved
        shutil.rmtree(folder)


def as_nobody(f):
    """doctor of a copy of us that others may run."""
    return rows_of(heapsh_by(NOBODY, ["doctor", f.pid]))
