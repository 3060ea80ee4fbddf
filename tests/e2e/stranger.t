#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A plugin built by a stranger: plugins/example copied out of the tree, built
with the installed header by a C and a C++ compiler, drives heapsh over its toy
process. And plugins that go wrong in every call and in every way: each is
refused, left out or disabled, with its name and the reason, and a thousand
further commands work."""
import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (SMOKE, SRC, Fixture, diag, done, equal,  # noqa: E402
                    heapsh, ok, skip, values)

BUILD = os.environ.get("abs_top_builddir", ".")
BAD = os.path.join(BUILD, "tests", "plugins", ".libs")
TOY = os.path.join(BUILD, "tests", "fixtures", "example_process")


class Toy(Fixture):
    """The toy process, and what it says of itself."""

    def __init__(self, *args):
        self.objects, self.counts, self.globals = {}, {}, {}
        super().__init__([TOY] + list(args))
        words = self.truth.split("\t")
        while words[0] != "ready":
            if words[0] == "object":
                self.objects[words[1]] = words[2:]
            elif words[0] == "count":
                self.counts[words[1]] = [int(w) for w in words[2:]]
            elif words[0] == "global":
                self.globals[words[1]] = words[2]
            words = self.line().split("\t")


def run(argv, **kw):
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    env.update(kw.pop("env", {}))
    return subprocess.run(argv, capture_output=True, text=True, env=env, **kw)


# --- a stranger's build ------------------------------------------------------

def install(root):
    """Install what a plugin is built with; the folder for -I."""
    r = run(["make", "-s", "-C", BUILD, "install-pkgincludeHEADERS",
             "install-pkgconfigDATA", "DESTDIR=" + root])
    if not ok(r.returncode == 0, "the header is installed"):
        diag(r.stdout + r.stderr)
    found = glob.glob(root + "/**/heapsh/plugin.h", recursive=True)
    equal(len(found), 1, "there is one <heapsh/plugin.h>")
    return os.path.dirname(os.path.dirname(found[0]))


def check_pkg_config(root, include):
    pc = glob.glob(root + "/**/heapsh.pc", recursive=True)
    tool = shutil.which("pkg-config")
    if not tool or not pc:
        skip("pkg-config knows heapsh", "there is no pkg-config")
        return
    r = run([tool, "--cflags", "heapsh"],
            env={"PKG_CONFIG_PATH": os.path.dirname(pc[0]),
                 "PKG_CONFIG_SYSROOT_DIR": root})
    equal(r.stdout.split(), ["-I" + include], "pkg-config knows heapsh")


def drive(folder, name):
    """What a user types first, over the plugin alone."""
    with Toy("300") as toy:
        list_at = toy.globals["accounts"]
        n, flat, held = toy.counts["bank.Account"]
        r = heapsh(["attach", toy.pid, "--plugin-path", folder, "--plugin",
                    name], ["heap", "1", "heap.count", "asized accounts[0] detail=2",
                            "accounts", "accounts[7].owner", "plugins", "(heap & bank.Account).size", "set rows=3",
                            "heap", "_.more", "big[100]", "leng accounts"])
        d = r.results
        total = sum(c[0] for c in toy.counts.values())
        equal([d[0]["count"], d[2]["value"]], [total, total],
              name + ": heap has every object")
        kinds = {row["kind"]: (row["count"], row["size"])
                 for row in d[0]["rows"]}
        equal(kinds["bank.Account"], (n, flat), name + ": and their kinds")
        equal(kinds["table of bank.Account"][0], n,
              name + ": tables are those of their owners")
        sized = d[3]
        account = toy.objects[sized["address"]]
        equal([sized["flat"], account[0]], [int(account[1]), "bank.Account"],
              name + ": asized has the process's own size")
        names = [ref["name"] for ref in sized["refs"]]
        ok(any("table" in n for n in names), name + ": and named references")
        equal([d[4]["address"], d[5]["value"]], [list_at, "'customer 7'"],
              name + ": names, items and attributes need no code")
        row = d[6]["rows"][0]
        equal([row[0], row[3], row[-1]],
              [name, "Example 1, 100 %", os.path.join(folder, name + ".so")],
              name + ": plugins shows it")
        equal(d[7]["value"], flat, name + ": a kind is a set")
        equal([len(d[8]["rows"]), d[9]["rows"][0]["index"]], [3, 3],
              name + ": _.more goes on")
        equal([d[10]["value"], d[11]["value"]], ["'owner'", 300],
              name + ": texts are in quotes, and lists have lengths")
        equal((r.status, toy.end()[0]), (0, 0), name + ": all ends well")


def check_builds(tmp):
    include = install(tmp + "/root")
    check_pkg_config(tmp + "/root", include)
    shutil.copytree(os.path.join(SRC, "plugins", "example"), tmp + "/copy")
    cc = os.environ.get("CC", "cc").split()
    builds = [("in_c", cc + ["-std=c11"]),
              ("in_cplusplus", ["c++", "-x", "c++", "-std=c++20"])]
    if not SMOKE:
        builds.append(("in_clang", ["clang++", "-x", "c++", "-std=c++20"]))
    folder = tmp + "/plugins"
    os.mkdir(folder, 0o755)
    builds += [(name + "_more", compiler) for name, compiler in builds]
    for name, compiler in builds:
        if not shutil.which(compiler[0]):
            skip(name + " is built", compiler[0] + " is not there")
            continue
        source = "example_more.c" if name.endswith("more") else "example.c"
        r = run(compiler + ["-Wall", "-Wextra", "-Werror", "-Wno-pedantic",
                            "-Wno-missing-field-initializers", "-fPIC",
                            "-shared", "-I" + include, "-o",
                            "%s/%s.so" % (folder, name), source],
                cwd=tmp + "/copy")
        if not ok(r.returncode == 0, name + " is built"):
            diag(r.stderr[:2000])
            continue
        if source == "example.c":
            drive(folder, name)
    with open(os.path.join(SRC, "plugins", "example", "example.c")) as f:
        ok(len(f.readlines()) < 150, "the example has less than 150 lines")


# --- those that go wrong -----------------------------------------------------

# Call: what makes the host ask it. Calls at an attach need nothing.
CALLS = [("load", None), ("probe", None), ("settle", None), ("open", None),
         ("ranges", None), ("sweep", None), ("at", None), ("roots", None),
         ("render", "accounts[0].owner"), ("lookup", "accounts"),
         ("attr", "accounts[0].owner"), ("item", "accounts[0]"),
         ("names", "acounts"), ("measure", "leng accounts"),
         ("get_interface", "threads"), ("thread", "threads"),
         ("frame", "frames"), ("variable", "threads[0].frames[0]"),
         ("each", "modules"), ("close", "detach"),
         ("hash", "a = heap & Node\nsnap\na & heap")]
# Ways to lie that are found out as the instant is opened, and the words.
LIES = [("size", "the object at 0x"), ("type", "the object at 0x"),
        ("outside", "lead to addresses that are not mapped"),
        ("absurd", "larger than the process"),
        ("kinds", "has a type, and so on"),
        ("order", "lie elsewhere or are out of order")]
# Further commands after each fault.
MORE = 20 if SMOKE else 1000
HOUR_MS = 3600 * 1000


def evil(how, line=None, limit_ms=None):
    """A session with the plugin that goes wrong so, and with the good one."""
    env = dict(os.environ, HEAPSH_EVIL=how)
    if limit_ms:
        env["HEAPSH_PLUGIN_MS"] = str(limit_ms)
    with Toy("-q") as toy:
        commands = line.split("\n") if line else []
        commands += ["plugins", "attach %d" % toy.pid]
        commands += ["accounts[3].owner"] * MORE + ["plugins"]
        r = heapsh(["attach", toy.pid, "--plugin-path", BAD, "--plugin",
                    "evil", "--plugin", "example"], commands, env=env,
                   timeout=500)     # 67 million roots are 10 s of our own
        r.harm = toy.end()[0]
    return r


def state_of(r, name):
    """What the last "plugins" says of it."""
    tables = [d for d in r.docs if d["command"] == "plugins"]
    names = [c["name"] for c in tables[-1]["columns"]] if tables else []
    for row in tables[-1]["rows"] if tables else []:
        if row[0] == name:
            return row[names.index("State")]
    return None


def judge(r, what, *words):
    good = values(r).count("'customer 3'")
    text = r.err + r.out
    if not ok(good == MORE and r.harm == 0 and "evil" in text and
              all(w in text for w in words), what):
        diag("%d of %d commands work, status %d; wanted %r" %
             (good, MORE, r.status, words))
        diag(r.err[:1500])


def deaths(pool):
    """Each call crashes, and each loops: (session, what, words)."""
    calls = [c for c in CALLS if c[0] in ("load", "sweep", "item")] if SMOKE \
        else CALLS
    jobs = []
    for call, line in calls:
        name = "heapsh_plugin_0" if call == "load" else call
        jobs.append((pool.submit(evil, "crash:" + call, line),
                     "%s() crashes" % name,
                     ["Segmentation fault) in %s()" % name]))
        jobs.append((pool.submit(evil, "loop:" + call, line, 500),
                     "%s() loops" % name,
                     ["was ended after 0.5 s in %s()" % name]))
    return jobs


def lies(pool):
    """Answers that cannot be, and those without an end."""
    said = "the plugin 'evil' is disabled: "
    jobs = [(pool.submit(evil, how), "its answers lie (%s): found out before "
             "it is believed" % how, [said, words])
            for how, words in (LIES[:2] if SMOKE else LIES)]
    for how, line, words in [
            ("again:thread", "threads", "its thread() names 0x1 as number 0"),
            ("again:frame", "frames", "as number 0 and as number 1"),
            ("read:render", "accounts[0].owner", "its render() read more than"),
            ("read:item", "accounts[0]", "its item() read more than"),
            ("emit:sweep", None, "its sweep() emitted more than"),
            ("emit:roots", None, "its roots() emitted more than")]:
        # What counts is how often, however long the machine takes for it.
        if not SMOKE or how.startswith("again"):
            jobs.append((pool.submit(evil, how, line, HOUR_MS), how,
                         ["'evil' is disabled", words]))
    return jobs


def check_faults():
    """Four sessions at a time."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        dead, liars = deaths(pool), lies(pool)
        for job, what, words in dead + liars:
            judge(job.result(), what, *words)
        for jobs, begins in ((dead, "left out: the engine"),
                             (liars, "disabled: ")):
            for job, what, _ in jobs:
                state = state_of(job.result(), "evil")
                if not str(state).startswith(begins):
                    ok(False, what + ": plugins says so")
                    diag(state)
    ok(True, "plugins says of each why it is not used")


def check_interfaces():
    """What example_more.c adds, against what the process has made."""
    with Toy() as toy:
        r = heapsh(["attach", toy.pid], [
            "threads", "modules", "(heap & bank.Account).byprod", "garbage",
            "cycles garbage", "waste", "(heap & text).count", "a = heap & text",
            "snap", "(a & heap).count"])
        d = r.results
        equal([x["type"] for x in d if x["type"] == "error"], [],
              "example_more: nothing is refused")
        equal([row[1] for row in d[0]["rows"]], ["main", "worker"],
              "example_more: threads")
        equal([row[1] for row in d[1]["rows"]], ["main"],
              "example_more: modules")
        equal([(row["kind"], row["count"]) for row in d[2]["rows"]],
              [("bank.toy:12", toy.counts["bank.Account"][0])],
              "example_more: allocation sites")
        kinds = {row["kind"]: row["count"] for row in d[3]["rows"]}
        equal(kinds.get("Node"), toy.counts["Node"][0],
              "example_more: the island is what the collector would free")
        equal([row[5] for row in d[4]["rows"]], ["1 to run"],
              "example_more: and it has a finalizer")
        equal({row[4]: row[0] for row in d[5]["rows"]},
              {kind: toy.counts[kind][2] - toy.counts[kind][1]
               for kind in ("list", "table")},
              "example_more: what containers have room for")
        equal(d[6]["value"], d[-1]["value"], "example_more: equal content")
        equal(toy.end()[0], 0, "and the process ends well")


def rows_of(r):
    return {row[0]: row[1:] for d in r.docs for row in d.get("rows", [])}


def check_ours():
    """The plugins that are shipped keep the rules themselves."""
    lua = shutil.which("lua5.4")
    runs = [("cpython", [sys.executable, "-c", "import sys, json; "
                         "a = [{i: str(i)} for i in range(9999)]; "
                         "print(1, flush=True); sys.stdin.read()"])]
    if lua:
        runs.append(("lua", [lua, "-e", "t = {} for i = 1, 9999 do t[i] = {i, "
                             "x = i} end print(1) io.stdout:flush() "
                             "io.read()"]))
    else:
        skip("plugin-check: lua keeps the rules", "there is no lua5.4")
    for name, argv in runs:
        with Fixture(argv) as f:
            r = heapsh(["plugin-check", os.path.join(
                BUILD, "plugins", name, ".libs", name + ".so"), f.pid])
            bad = {k: v for k, v in rows_of(r).items()
                   if v[0] not in ("ok", "none")}
            equal((r.status, bad), (0, {}),
                  "plugin-check: %s keeps the rules" % name)


def check_plugin_check(toy):
    """plugin-check: a line a check, and the exit status."""
    good = os.path.join(BUILD, "plugins", "example", ".libs", "example.so")
    bad = os.path.join(BAD, "evil.so")
    r = heapsh(["plugin-check", good, toy.pid])
    rows = rows_of(r)
    ok(r.status == 0 and len(rows) >= 20 and
       {v[0] for v in rows.values()} == {"ok", "none"},
       "plugin-check: the example is right in all")
    r = heapsh(["plugin-check", good])
    rows = rows_of(r)
    equal((r.status, rows["garbage"][0], rows["sweep"][0]),
          (0, "ok", "not run"), "plugin-check: without a process, garbage")
    for how, check, words in [
            ("crash:sweep", "sweep", "killed by signal 11"),
            ("crash:render", "render", "killed by signal 11"),
            ("crash:open", "open", "killed by signal 11"),
            ("size", "same answer twice", "the object at 0x"),
            ("kinds", "same answer twice", "has a type, and so on"),
            ("outside", "references", "lead to no object")]:
        r = heapsh(["plugin-check", bad, toy.pid],
                   env=dict(os.environ, HEAPSH_EVIL=how))
        row = rows_of(r)[check]
        ok(r.status == 1 and row[0] == "WRONG" and words in row[1],
           "plugin-check finds %s" % how) or diag("%r" % rows_of(r))
    check_ours()
    r = heapsh(["plugin-check", "/nonexistent/x.so"])
    equal((r.status, rows_of(r)["load"][0]), (1, "WRONG"),
          "plugin-check: no such file")
    equal(heapsh(["plugin-check", good, "999999999"]).status, 3,
          "plugin-check: no such process")
    equal(heapsh(["plugin-check"]).status, 2, "plugin-check what?")


def check_by_hand(toy):
    r = heapsh(["attach", toy.pid, "--plugin", "example"],
               ["heap.count", "plugins disable example", "heap.count",
                "accounts", "plugins", "attach %d" % toy.pid,
                "plugins enable example", "heap.count",
                "plugins disable nobody"])
    v = values(r)
    equal([v[0], v[7]], [v[0]] * 2, "disabled and enabled: the same answer")
    ok("is disabled: by 'plugins disable'" in v[2] and v[2] == v[3],
       "meanwhile its instants say so")
    ok("disabled: example" in v[5], "and it is not asked")
    ok("there is no plugin of that name" in v[8], "nobody is not disabled")
    equal(r.status, 1, "which counts as failures")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        check_builds(tmp)
    check_interfaces()
    with Toy("-q") as toy:
        r = heapsh(["attach", toy.pid, "--plugin-path", BAD, "--plugin",
                    "other_abi", "--plugin", "short_table", "--plugin",
                    "no_entry", "--plugin", "example"], ["plugins"])
        ok("it is for plugin ABI 7, and this heapsh has 0" in r.out and
           "its table has 16 bytes instead of" in r.out and
           "no heapsh plugin" in r.out, "what is no plugin of ours is listed")
        check_by_hand(toy)
        check_plugin_check(toy)
        equal(toy.end()[0], 0, "the process ends well")
    judge(evil("nothing"), "the plugin that is spoilt is fine else")
    r = evil("say:open")
    judge(r, "a plugin has a sentence for people", "heapsh: some are missing")
    equal((r.err + r.out).count("some are missing"), 2,
          "said once of each of two instants")
    check_faults()
    done()


main()
