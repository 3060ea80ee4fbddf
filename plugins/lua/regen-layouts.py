#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write layouts.c from the debugging information of Luas.

    regen-layouts.py VERSION=FILE... > layouts.c

FILE holds the DWARF of that Lua: a separated .debug file, or a library or
program built with -g. gdb reads it: the second half of this file runs inside
gdb. What is asked for stands in layout.def. Exit status 77: no gdb, or no
DWARF.
"""
import os
import re
import subprocess
import sys

# gdb runs this text without a file's name.
HERE = os.environ.get("LUA_LAYOUTS_HERE") or \
    os.path.dirname(os.path.abspath(__file__))


def fields():
    text = open(os.path.join(HERE, "layout.def")).read()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for body in re.findall(r"^F\((.*?)\)$", text, re.M | re.S):
        name, rest = body.split(",", 1)
        yield name, "".join(re.findall(r'"([^"]*)"', rest)).split("|")


# --- inside gdb -------------------------------------------------------------

def lookup(gdb, name):
    try:
        return gdb.lookup_type(name).strip_typedefs()
    except gdb.error:
        return None


def member(gdb, t, part):
    """(offset, type) of a member, also of an anonymous one's."""
    if t.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return None
    for f in t.fields():
        ft = f.type.strip_typedefs()
        if f.name == part:
            return f.bitpos // 8, ft
        if not f.name:
            found = member(gdb, ft, part)
            if found is not None:
                return f.bitpos // 8 + found[0], found[1]
    return None


def one(gdb, what):
    """The number that one alternative names, or None."""
    size = what.startswith("sizeof ")
    what = what[7:] if size else what
    pointee = what.startswith("*")
    array = what.endswith("[]")
    path = what.strip("*[]").split(".")
    t, offset = lookup(gdb, path[0]), 0
    for part in path[1:]:
        found = None if t is None else member(gdb, t, part)
        if found is None:
            return None
        offset, t = offset + found[0], found[1]
    if t is None or (array and t.code != gdb.TYPE_CODE_ARRAY):
        return None
    if pointee:
        t = t.target().strip_typedefs()
    return t.sizeof if size else offset


def inside(gdb):
    for name, alternatives in fields():
        values = [v for v in (one(gdb, w) for w in alternatives)
                  if v is not None]
        print("@%s %d" % (name, values[0] if values else -1))


# --- outside ----------------------------------------------------------------

def ask(path):
    """{field: number}, or None."""
    try:
        out = subprocess.run(
            ["gdb", "-nx", "-batch", "-q", "-ex",
             "python exec(open(%r).read())" % os.path.abspath(__file__), path],
            capture_output=True, text=True,
            env=dict(os.environ, LUA_LAYOUTS_HERE=HERE)).stdout
    except FileNotFoundError:
        return None
    found = dict(re.findall(r"^@(\w+) (-?\d+)$", out, re.M))
    return found if found.get("th_global", "-1") != "-1" else None


def digest(numbers):
    """What lua_layout_damaged() must find: FNV-1a."""
    h = 0xcbf29ce484222325
    for n in numbers:
        h = (h ^ int(n) & 0xffffffff) * 0x100000001b3 & (1 << 64) - 1
    return h


def row(version, path):
    found = ask(path)
    if found is None:
        sys.exit(77)
    minor, patch = version.split(".")[1:]
    said = digest([minor, patch] + [found[name] for name, _ in fields()])
    words = [".minor = %s," % minor, ".patch = %s," % patch]
    words += [".%s = %s," % (name, found[name]) for name, _ in fields()]
    lines = [""]
    for w in words:
        if len(lines[-1]) + len(w) + 1 > 64:
            lines.append("")
        lines[-1] += " " * bool(lines[-1]) + w
    return ("\t{ /* Lua %s */\n\t\t.digest = UINT64_C(0x%016x),\n\t\t%s\n\t},\n"
            % (version, said, "\n\t\t".join(lines)))


def main():
    rows = "".join(row(*arg.split("=", 1)) for arg in sys.argv[1:])
    print("/* SPDX-License-Identifier: Apache-2.0 */\n"
          "/*\n"
          " * Written by regen-layouts.py from layout.def and DWARF for "
          "x86-64: do not\n"
          " * edit. -1: this version has no such member.\n"
          " */\n"
          '#include "lualayout.h"\n\n'
          "// clang-format off\n"
          "const struct lua_layout lua_layouts[] = {\n%s\t{ .minor = 0 }\n};"
          % rows)


if os.environ.get("LUA_LAYOUTS_HERE"):
    import gdb
    inside(gdb)
elif __name__ == "__main__":
    main()
