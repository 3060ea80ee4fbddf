# SPDX-License-Identifier: Apache-2.0
"""What holds the rooms apart, as functions: each looks at a tree or at built
libraries and answers with a list of complaints, empty when all is well. The
tests run each twice: over the tree, and over a tiny one with a planted fault
that it must find."""
import collections
import os
import re
import subprocess

Room = collections.namedtuple("Room", "folder prefix sees")
# The table of HACKING.md, "Rooms": who may include whom. INC_<ROOM> in
# Makefile.am must say the same; a change of either is a change of the design.
ROOMS = {
    "base": Room("core/base", "hs_", ""),
    "wire": Room("core/wire", "wr_", "base"),
    "target": Room("core/target", "tg_", "base wire"),
    "image": Room("core/image", "im_", "base wire"),
    "model": Room("core/model", "md_", "base image"),
    "graph": Room("core/graph", "gr_", "base model"),
    "analysis": Room("core/analysis", "an_", "base model graph"),
    "lang": Room("core/lang", "lg_", "base wire model graph analysis"),
    "verb": Room("core/verb", "vb_", "base wire target image model graph "
                 "analysis lang"),
    "engine": Room("core/engine", "en_", "base wire target image model graph "
                   "analysis lang verb"),
    "view": Room("repl/view", "vw_", "base wire"),
    "shell": Room("repl/shell", "sh_", "base wire view"),
}
TREES = ("core", "repl", "plugins", "tests")
POISONED = r"\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol)\s*\("
UNFINISHED = r"\b(TO" r"DO|FIX" r"ME|X" r"XX|TB" r"D)\b"
READLINE = r"#\s*include\s*<readline/"
# What names a runtime: the engine knows none, plugins do.
RUNTIME = (r"\b_?Py[A-Z_]|\b(co|tp|ob)_[a-z]|"
           r"(?i:python|__dict__|f_locals|\bgil\b|\blua|tracemalloc)")
# Words of other tools, help texts, and the demo's program; five at most.
RUNTIME_IN_HELP = ("core/lang/elsewhere.c", "core/verb/flatsize.c",
                   "core/verb/topic.c", "repl/shell/demo.c")
MAX_LINES = 600
MAX_FUNCTION = 60


def sources(root, suffixes=(".c", ".h")):
    """Paths of the sources under root, relative to it."""
    for tree in TREES:
        for folder, subs, names in os.walk(os.path.join(root, tree)):
            subs[:] = sorted(s for s in subs
                             if s not in (".deps", ".libs", "__pycache__"))
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(folder, name), root)


def text_of(root, path):
    """Text of a file; None when it is a binary, such as a built test."""
    with open(os.path.join(root, path), "rb") as f:
        data = f.read()
    return None if b"\0" in data else data.decode()


def every_match(root, pattern, suffixes=(".c", ".h"), but=()):
    found = []
    for path in sources(root, suffixes):
        text = text_of(root, path)
        if text is None or path in but:
            continue
        for n, line in enumerate(text.split("\n"), 1):
            if re.search(pattern, line):
                found.append("%s:%d: %s" % (path, n, line.strip()))
    return found


def includes_with_slash(root):
    return every_match(root, r'^\s*#\s*include\s*"[^"]*/')


def poisoned_calls(root):
    return every_match(root, POISONED)


def unfinished_work(root):
    return every_match(root, UNFINISHED,
                       (".c", ".h", ".py", ".t", ".mk", ".bench", ".def"))


def runtimes_named(root):
    """Files of core/ and repl/ that name a runtime, but for five."""
    assert len(RUNTIME_IN_HELP) <= 5
    return [f for f in every_match(root, RUNTIME, (".c", ".h", ".def", ".mk"),
                                   but=RUNTIME_IN_HELP)
            if f.startswith(("core/", "repl/"))]


def readline_includes(root):
    """Complains unless at most one file includes readline, in repl/shell."""
    found = every_match(root, READLINE)
    files = {f.split(":")[0] for f in found}
    if len(files) <= 1 and all(f.startswith("repl/shell/") for f in files):
        return []
    return found


def twice_named_headers(root):
    seen, found = {}, []
    for path in sources(root, (".h",)):
        name = os.path.basename(path)
        if name in seen:
            found.append("%s and %s" % (seen[name], path))
        seen[name] = path
    return found


def missing_spdx(root):
    found = []
    for path in sources(root, (".c", ".h", ".py", ".t", ".mk", ".bench",
                               ".def")):
        text = text_of(root, path)
        if text is None:
            continue
        gpl = path.startswith("repl/")
        either = path.startswith("tests/")
        head = "\n".join(text.split("\n")[:3])
        m = re.search(r"SPDX-License-Identifier: (\S+)", head)
        allowed = {"GPL-3.0-or-later"} if gpl else {"Apache-2.0"}
        if either:
            allowed = {"GPL-3.0-or-later", "Apache-2.0"}
        if not m or m.group(1) not in allowed:
            found.append("%s: %s" % (path, m.group(1) if m else "no SPDX line"))
    return found


def columns(line):
    return len(line.expandtabs(8))


def written_by_hand(root, suffixes=(".c", ".h")):
    """(path, lines) of each source that no program wrote."""
    for path in sources(root, suffixes):
        lines = text_of(root, path).split("\n")
        if not any("do not edit" in line for line in lines[:8]):
            yield path, lines


def long_files(root):
    return ["%s: %d lines" % (path, len(lines) - 1)
            for path, lines in written_by_hand(root)
            if len(lines) - 1 > MAX_LINES]


def wide_lines(root):
    return ["%s:%d: %d columns" % (path, n, columns(line))
            for path, lines in written_by_hand(root)
            for n, line in enumerate(lines, 1) if columns(line) > 80]


def long_functions(root):
    """A function is what lies between a brace in column 0 and the next."""
    found = []
    for path, lines in written_by_hand(root, (".c",)):
        begin = None
        for n, line in enumerate(lines, 1):
            if line == "{":
                begin = n
            elif line == "}" and begin:
                if n - begin - 1 > MAX_FUNCTION:
                    name = lines[begin - 2].strip()
                    found.append("%s:%d: %d lines: %s"
                                 % (path, begin, n - begin - 1, name))
                begin = None
    return found


def make_variables(root):
    """Variables of Makefile.am with their references put in."""
    with open(os.path.join(root, "Makefile.am")) as f:
        text = f.read().replace("\\\n", " ")
    raw = dict(re.findall(r"^(\w+) = (.*)$", text, re.M))

    def value(m):
        inner = raw.get(m.group(1))
        return m.group(0) if inner is None else expand(inner)

    def expand(s):
        return re.sub(r"\$\((\w+)\)", value, s)

    return {name: expand(v) for name, v in raw.items()}


def wrong_include_paths(root):
    """Rooms whose INC_<ROOM> is not what ROOMS says."""
    found = []
    variables = make_variables(root)
    for name, room in ROOMS.items():
        flags = variables.get("INC_" + name.upper(), "").split()
        want = {ROOMS[r].folder for r in room.sees.split()} | {room.folder}
        got = {f.replace("$(top_srcdir)/", "") for f in flags
               if f != "-iquote"}
        if got != want:
            found.append("INC_%s: not allowed: %s; missing: %s" % (
                name.upper(), " ".join(sorted(got - want)) or "none",
                " ".join(sorted(want - got)) or "none"))
    return found


def include_flags(root, room):
    flags = make_variables(root)["INC_" + room.upper()]
    return flags.replace("$(top_srcdir)", root).split()


def cannot_compile(cc, root, room, header):
    """The compiler's words when header does not compile alone in room."""
    run = subprocess.run(
        cc + ["-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall",
              "-Werror", "-x", "c"] + include_flags(root, room) + ["-"],
        input='#include "%s"\n' % header, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return run.stdout if run.returncode else ""


def headers_not_alone(cc, root):
    found = []
    for name, room in ROOMS.items():
        folder = os.path.join(root, room.folder)
        for header in sorted(os.listdir(folder)):
            if header.endswith(".h"):
                words = cannot_compile(cc, root, name, header)
                if words:
                    found.append("%s/%s: %s" % (room.folder, header, words))
    return found


def symbols(paths):
    """({globals defined}, {undefined}) of object files and archives."""
    out = subprocess.run(["nm", "-g", "-P"] + paths, text=True, check=True,
                         stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout
    defined, undefined = set(), set()
    for line in out.splitlines():
        words = line.split()
        if len(words) < 2 or words[0].startswith("__"):
            continue
        (undefined if words[1] in "Uwv" else defined).add(words[0])
    return defined, undefined - defined


def room_files(build, name):
    """What was built of a room: its library, or the objects of a program."""
    archive = os.path.join(build, ".libs", "libhs_%s.a" % name)
    if os.path.exists(archive):
        return [archive]
    folder = os.path.join(build, ROOMS[name].folder)
    if not os.path.isdir(folder):
        return []
    return sorted(os.path.join(folder, f) for f in os.listdir(folder)
                  if f.endswith(".o"))


def symbol_faults(build):
    """Globals without their room's prefix, and references to rooms that the
    room must not see."""
    found, home, wants = [], {}, {}
    for name, room in ROOMS.items():
        files = room_files(build, name)
        if not files:
            continue
        defined, wants[name] = symbols(files)
        for s in sorted(defined - {"main"}):
            home[s] = name
            if not s.startswith(room.prefix):
                found.append("%s: %s does not begin with %s"
                             % (name, s, room.prefix))
    for name, undefined in wants.items():
        for s in sorted(undefined):
            if home.get(s, name) not in ROOMS[name].sees.split() + [name]:
                found.append("%s: refers to %s of %s" % (name, s, home[s]))
    return found


def all_seen(name):
    """The rooms that a room sees, and those that these see, nearest first."""
    found = []
    for r in reversed(ROOMS[name].sees.split()):
        found += [x for x in [r] + all_seen(r)]
    return list(dict.fromkeys(found))


def cannot_link(cc, build, name, flags, libs):
    """The linker's words when a room, all of it, does not link with the rooms
    below it and the system's libraries alone."""
    files = room_files(build, name)
    below = [f for r in all_seen(name) for f in room_files(build, r)]
    run = subprocess.run(
        cc + flags + ["-x", "c", "-", "-x", "none", "-o", os.devnull,
                      "-Wl,--whole-archive"] + files +
        ["-Wl,--no-whole-archive", "-Wl,--start-group"] + below +
        ["-Wl,--end-group"] + libs,
        input="int main(void) { return 0; }\n", text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return run.stdout if run.returncode else ""


def needed(binary):
    out = subprocess.run(["readelf", "-d", binary], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", out)


def exports(binary):
    out = subprocess.run(["nm", "-D", "-P", "--defined-only", binary],
                         text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    return sorted(line.split()[0] for line in out.splitlines())


def probe_faults(so):
    """It is copied into processes: no name may be looked up for it, and each
    relocation only adds where it lies."""
    found = ["imports " + line.split()[-1] for line in subprocess.run(
        ["nm", "-D", "--undefined-only", so], capture_output=True,
        text=True, check=True).stdout.splitlines()]
    relocations = subprocess.run(["readelf", "-rW", so], capture_output=True,
                                 text=True, check=True).stdout
    found += ["relocation " + t for t in
              re.findall(r"\bR_X86_64_\w+", relocations)
              if t != "R_X86_64_RELATIVE"]
    return found
