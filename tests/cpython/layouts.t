#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The committed layouts are those of each CPython that can be asked.

For each interpreter in $HEAPSH_PYTHONS (divided by colons), or found in
~/.pyenv/versions, the row made anew from its debugging information is compared
with the text of layouts.c and digests.c. An interpreter of a version without a row, of one
that has no DWARF, or a missing gdb is a skip that says so.
"""
import glob
import os
import subprocess
import sys

SRC = os.environ.get("abs_top_srcdir", ".")
ROOM = os.path.join(SRC, "plugins", "cpython")


def interpreters():
    given = os.environ.get("HEAPSH_PYTHONS")
    if given:
        return given.split(":")
    return sorted(glob.glob(os.path.expanduser(
        "~/.pyenv/versions/3.*/bin/python3")))


def version(python):
    out = subprocess.run([python, "-c", "import sys; print('%d.%d.%d' % "
                          "sys.version_info[:3])"],
                         stdout=subprocess.PIPE, text=True)
    return out.stdout.strip()


def main():
    committed = "".join(open(os.path.join(ROOM, name)).read()
                        for name in ("layouts.c", "digests.c"))
    found = interpreters()
    print("1..%d" % max(1, len(found)))
    if not found:
        print("ok 1 # SKIP no CPython with debugging information is installed")
        return
    for i, python in enumerate(found, 1):
        v = version(python)
        name = "layout of CPython %s is the one in its DWARF" % v
        if '{ "%s",' % v not in committed:
            print("ok %d %s # SKIP no row for this version" % (i, name))
            continue
        run = subprocess.run(
            [sys.executable, os.path.join(ROOM, "regen-layouts.py"),
             "--row", python], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if run.returncode == 77:
            print("ok %d %s # SKIP %s" % (i, name, run.stderr.strip()))
        elif run.returncode == 0 and all(
                part in committed for part in run.stdout.rsplit("\t{", 1)):
            print("ok %d %s" % (i, name))
        else:
            print("not ok %d %s" % (i, name))
            for line in run.stderr.splitlines():
                print("#", line)
            for line in run.stdout.splitlines():
                if line not in committed:
                    print("# differs:", line)


main()
