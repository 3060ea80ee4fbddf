#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A room sees the rooms of its line in the table and no other: include paths,
headers, symbols, links; each net with a planted fault that it must find.

The build says with what: CC, CFLAGS, LDFLAGS, LIBS are those of the Makefile.
"""
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

SRC = os.environ.get("abs_top_srcdir", ".")
BUILD = os.environ.get("abs_top_builddir", ".")
sys.path[:0] = [os.path.join(SRC, "tests", "lib"),
                os.path.join(SRC, "tests", "style")]
import nets  # noqa: E402
from hstest import diag, done, ok  # noqa: E402

CC = shlex.split(os.environ.get("CC", "cc"))
FLAGS = shlex.split(os.environ.get("LINK_FLAGS", ""))
LIBS = shlex.split(os.environ.get("LINK_LIBS", ""))
LIBRARIES = [r for r in nets.ROOMS if r not in ("engine", "shell")]


def holds(complaints, what):
    ok(not complaints, what)
    for c in complaints[:20]:
        diag(c)


def finds(complaints, expected, what):
    if not ok(any(expected in c for c in complaints),
              "%s: the planted fault is found" % what):
        diag("expected: %s" % expected)
        diag("got: %s" % complaints)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def planted_tree(root):
    """image includes graph.h, and has a header that needs another."""
    shutil.copy(os.path.join(SRC, "Makefile.am"), root)
    for room in nets.ROOMS.values():
        os.makedirs(os.path.join(root, room.folder))
    write(root + "/core/graph/graph.h", "int gr_walk(void);\n")
    write(root + "/core/image/image.h", '#include "graph.h"\n')
    write(root + "/core/wire/wire.h", "uint32_t wr_x;\n")


def archive(folder, name, code):
    c = os.path.join(folder, name + ".c")
    o = os.path.join(folder, name + ".o")
    write(c, code)
    subprocess.run(CC + FLAGS + ["-c", c, "-o", o], check=True)
    subprocess.run(["ar", "crs", "%s/.libs/libhs_%s.a" % (folder, name), o],
                   check=True)


def planted_build(build):
    """image calls into graph, and has a global without its prefix."""
    os.makedirs(build + "/.libs")
    archive(build, "graph", "int gr_walk(void);\n"
            "int gr_walk(void) { return 1; }\n")
    archive(build, "image", "int gr_walk(void);\nint helper(void);\n"
            "int helper(void) { return gr_walk(); }\n")


def check_includes():
    holds(nets.wrong_include_paths(SRC), "INC_ROOM is the table of rooms")
    holds(nets.headers_not_alone(CC, SRC),
          "each header compiles alone with its room's path")
    with tempfile.TemporaryDirectory() as root:
        planted_tree(root)
        found = nets.headers_not_alone(CC, root)
        finds(found, "core/image/image.h", "a header that looks up")
        finds(found, "core/wire/wire.h", "a header that is not complete")
        with open(root + "/Makefile.am", "a") as f:
            f.write("INC_IMAGE = -iquote $(top_srcdir)/core/graph\n")
        finds(nets.wrong_include_paths(root), "INC_IMAGE: not allowed: "
              "core/graph", "an include path against the table")
    ok("poisoned" in nets.cannot_compile(
        CC, SRC, "base", 'base.h"\nchar *x(char *a) { return str'
        'cpy(a, a); }\n//"'), "a poisoned function does not compile")


def check_symbols():
    holds(nets.symbol_faults(BUILD),
          "globals have their room's prefix and refer to rooms it sees")
    with tempfile.TemporaryDirectory() as build:
        planted_build(build)
        found = nets.symbol_faults(build)
        finds(found, "image: helper does not begin with im_", "a bare global")
        finds(found, "image: refers to gr_walk of graph", "a call upwards")
        finds([nets.cannot_link(CC, build, "image", FLAGS, LIBS)],
              "gr_walk", "a room that is not closed")


def check_links():
    for room in LIBRARIES:
        words = nets.cannot_link(CC, BUILD, room, FLAGS, LIBS)
        holds([words] if words else [],
              "%s links with the rooms that it sees" % room)


def check_binaries():
    engine = nets.needed(os.path.join(BUILD, "heapsh-engine"))
    ok(engine and not [x for x in engine if "readline" in x or "tinfo" in x],
       "the engine needs no readline")
    shell = nets.needed(os.path.join(BUILD, "heapsh"))
    if nets.every_match(SRC, nets.READLINE):
        ok(any("readline" in x for x in shell),
           "the net that looks for readline finds the shell's")
    ok(not [x for x in shell if "libdw" in x or "libelf" in x],
       "the shell reads no ELF")


def check_plugins():
    for folder in sorted(os.listdir(os.path.join(SRC, "plugins"))):
        so = os.path.join(BUILD, "plugins", folder, ".libs", folder + ".so")
        if os.path.exists(so):
            names = [n for n in nets.exports(so) if not n.startswith("__")]
            ok(names == ["heapsh_plugin_0"],
               "plugin %s exports its entry and nothing else" % folder)


def check_probe():
    so = os.path.join(BUILD, "heapsh-probe.so")
    holds(nets.probe_faults(so),
          "the probe imports nothing, and can be put anywhere")
    finds(nets.probe_faults(os.path.join(BUILD, "heapsh-engine")),
          "imports", "a program that imports")


check_includes()
check_symbols()
check_links()
check_binaries()
check_plugins()
check_probe()
done()
