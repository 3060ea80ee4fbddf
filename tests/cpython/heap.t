#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes and references of a zoo, as the CPython plugin sees them through the
host and the graph; the oracle is sys.getsizeof() in the process itself."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import diag, done, equal, listens, ok, pythons  # noqa: E402

SRC = os.environ.get("abs_top_srcdir", ".")
BUILD = os.environ.get("abs_top_builddir", ".")
CENSUS = os.path.join(BUILD, "tests", "cpython", "census")
SHIFT = os.path.join(BUILD, "tests", "cpython", "shift")
PLUGIN = os.path.join(BUILD, "plugins", "cpython", ".libs", "cpython.so")
# Offsets whose shift must be refused in every version (-1: it has none).
MUST = ("tp_basicsize tp_flags tp_base ma_used ma_keys str_length list_items "
        "tuple_items set_mask func_code func_globals code_consts md_dict "
        "interp_modules ts_interp gil_locked gc_generations").split()


def ask(census, question):
    census.stdin.write(question + "\n")
    census.stdin.flush()
    lines = []
    for line in iter(census.stdout.readline, ".\n"):
        if not line:
            raise EOFError("census ended at: " + question)
        lines.append(line.rstrip("\n"))
    return lines


def sizes(census, rows):
    wrong = []
    for address, flat, name in rows:
        got = ask(census, "size " + address)[0].split("\t")
        if got[0] != name or (flat != "-1" and got[1] != flat):
            wrong.append((name, flat, got))
    return wrong


def shifts(pid):
    run = subprocess.run([SHIFT, str(pid), "8"] + MUST, text=True,
                         stdout=subprocess.PIPE)
    lines = run.stdout.splitlines()
    return ([] if lines and lines[0].startswith("right:") else lines[:1]) + \
        [line for line in lines if line.startswith(("believed", "placed"))]


def check(version, python):
    target = subprocess.Popen(
        [python, os.path.join(SRC, "tests", "cpython", "zoo_fixture.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    rows = []
    target.stdout.readline()
    for line in iter(target.stdout.readline, ".\n"):
        if not line:
            raise EOFError("the zoo of %s ended early" % version)
        rows.append(line.rstrip("\n").split("\t"))
    listens(target.pid)
    census = subprocess.Popen([CENSUS, str(target.pid), PLUGIN], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    try:
        diag(census.stdout.readline().strip())
        ok(len({r[2] for r in rows}) >= 100,
           "%s: the zoo has a hundred types" % version)
        equal(sizes(census, rows), [],
              "%s: every flat size is sys.getsizeof()" % version)
        equal(ask(census, "dangling"), [],
              "%s: every reference leads to an object" % version)
        alone = set(ask(census, "unreferenced tuple") +
                    ask(census, "unreferenced list") +
                    ask(census, "unreferenced dict") +
                    ask(census, "unreferenced set"))
        equal([r for r in rows if r[0] in alone], [],
              "%s: something refers to every container of the zoo" % version)
        links = [line.split("\t")[1] for line in ask(census, "heap")
                 if line.startswith("functools._lru_list_elem\t")]
        ok(links and int(links[0]) >= 2,
           "%s: entries of an lru_cache are objects" % version)
        equal(shifts(target.pid), [],
              "%s: a shifted offset is refused" % version)
    finally:
        census.kill()
        target.kill()


for found, path in pythons():
    check(found, path)
done()
