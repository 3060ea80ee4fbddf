#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell without a terminal: -e, -x, formats, pipes, redirections, exit
statuses, and the engine's death. The engine is a fake one."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from fakeshell import Shell  # noqa: E402
from hstest import done, equal, ok, wait_for  # noqa: E402

HEAP = ("Partition of a set of 3 objects. Total size = 96 bytes.\n"
        " Index  Count   %     Size   % Cumulative  % "
        "Kind (class / dict of class)\n"
        "     0      3 100       96 100        96 100 str\n")
ATTACHED = ("Attached to 4711 (python3 app.py): CPython 3.11.2 · RSS 131 MiB "
            "· paused 3.1 ms\n")


def is_safe(data):
    """No control of any kind but newlines."""
    text = data.decode()
    return not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def results(sh):
    r = sh.run("attach", "4711", "-e", "heap")
    equal((r.stdout, r.stderr, r.returncode), (HEAP, ATTACHED, 0),
          "-e prints the result, the rest goes to standard error")
    r = sh.run("attach", "4711", "-q", "-e", "heap")
    equal((r.stdout, r.stderr), (HEAP, ""), "-q keeps to results")
    equal(sh.log("hello")[-1]["hello"]["pid"], 4711, "HELLO has the pid")
    r = sh.run("attach", "4711", "-q", "-e", "number", "-e", "number")
    equal(r.stdout, "1\n2\n", "lines are numbered")
    r = sh.run("attach", "4711", "-q", "-e", "number; number # ; number")
    equal(r.stdout, "1\n1\n", "; divides a line, # ends it")
    r = sh.run("attach", "4711", "-q", "-x", "-",
               stdin="heap\r\n# nothing\n\n  number\n")
    equal(r.stdout, HEAP + "2\n", "a script is standard input")
    r = sh.run("attach", "4711", "-q", stdin="number\n")
    equal(r.stdout, "1\n", "without -e and terminal, lines are read too")
    with open(sh.path("script"), "w") as f:
        f.write("number\nnumber")
    r = sh.run("attach", "4711", "-q", "-e", "number", "-x", "script", "-e",
               "source script")
    equal(r.stdout, "1\n2\n3\n5\n6\n", "-e and -x run in their order")
    r = sh.run("attach", "4711", "-q", "-e", "help", "-e", "set rows=7")
    equal((r.stdout, r.stderr), ("help\n  heap  all\n", "rows is 7\n"),
          "help is a result, a sentence is for people")
    r = sh.run("attach", "4711", "-q", "-x", "absent")
    equal((r.stdout, r.stderr, r.returncode),
          ("", "heapsh: read absent: No such file or directory\n"
           "  try: -x FILE, -x - or -e COMMAND\n", 2),
          "a script that cannot be read is an error")


def formats(sh):
    r = sh.run("attach", "4711", "-f", "json", "-e", "heap", "-e", "fail x")
    docs = [json.loads(line) for line in r.stdout.splitlines()]
    equal([d["type"] for d in docs], ["attached", "set", "error"],
          "json: every document is a line, in order, on standard output")
    equal(r.stderr, "", "json: nothing is said twice")
    r = sh.run("attach", "4711", "-qf", "csv", "-e", "heap", "-e", "fail x",
               binary=True)
    equal(r.stdout, b"index,count,size,cumulative,kind,retained,address\r\n"
          b"0,3,96,96,str,,\r\n", "csv: tables")
    r = sh.run("attach", "1", "-f", "json")
    equal([json.loads(r.stdout)["code"], r.returncode], ["denied", 3],
          "json: an attach that is refused is a document")
    r = sh.run("attach", "4711", "-qe", "heap", "--color", "always")
    ok(r.stdout.startswith("Partition") and "\x1b[1m Index" in r.stdout,
       "colour when asked for")
    r = sh.run("attach", "4711", "-e", "echo é·", env={"LC_ALL": "C"})
    equal((r.stdout, " - paused" in r.stderr), ("\\u00e9\\u00b7\n", True),
          "a locale without UTF-8 gets ASCII")


def hostile(sh):
    for form in "text", "json", "csv":
        r = sh.run("attach", "4711", "-f", form, "-e", "nasty", binary=True)
        ok(is_safe(r.stdout.replace(b"\r\n", b"\n")) and is_safe(r.stderr),
           "%s: no control character comes out" % form)
    r = sh.run("attach", "4711", "-e", "badjson", "-e", "number", binary=True)
    ok(is_safe(r.stderr) and b"cannot be read" in r.stderr and
       r.stdout == b"2\n" and r.returncode == 1,
       "a document that is none is an error, and the next command works")


def statuses(sh):
    def status(*args, **kw):
        return sh.run(*args, **kw).returncode

    equal(status("attach", "4711", "-e", "fail", "-e", "heap"), 1,
          "1: some command failed")
    r = sh.run("attach", "4711", "-q", "--stop-on-error", "-e", "fail", "-e",
               "number")
    equal((r.stdout, r.returncode), ("", 1), "--stop-on-error stops")
    equal(status("attach", "4711", "-e", "gone", "-e", "fail"), 4,
          "4: the target went away")
    equal(status("attach", "1", "-e", "heap"), 3, "3: not attached")
    for args in (["attach"], ["demo", "x"], ["frobnicate"], ["-Z"],
                 ["attach", "1", "--format", "xml"], ["--max-pause", "soon"],
                 ["attach", "1", "-e"], ["--eval"], ["--quiet=1"],
                 ["attach", "1", "--live", "--stop"], ["attach", "1", "2"]):
        equal(status(*args), 2, "2: usage: heapsh " + " ".join(args))
    r = sh.run("atach", "1")
    equal(r.stderr, "heapsh: 'atach' is no command; 'attach' is\n"
          "  try: heapsh --help\n", "a command that is near is named")
    equal((sh.run("-V").stdout.split()[0], status("--version")),
          ("heapsh", 0), "--version")
    ok("heapsh attach PID|NAME" in sh.run("--help").stdout, "--help")
    p = subprocess.run("%s attach 4711 -qe 'long 100000' | head -n 1; "
                       "echo ${PIPESTATUS[0]}" % sh.heapsh, shell=True,
                       executable="/bin/bash", env=sh.env, text=True,
                       capture_output=True)
    equal((p.stdout.split(), p.stderr), (["n", "141"], ""),
          "141, quietly: nobody reads on")
    with open("/dev/full", "w") as full:
        p = subprocess.run([sh.heapsh, "attach", "4711", "-qe", "heap"],
                           stdout=full, stderr=subprocess.PIPE, text=True,
                           env=sh.env)
    equal((p.stderr, p.returncode),
          ("heapsh: write the result: No space left on device\n", 1),
          "a full disk is an error")


def moved(sh):
    """An installation elsewhere than it was configured for finds itself."""
    where = {"heapsh": "bin", "heapsh-engine": "libexec/heapsh"}
    for name, folder in where.items():
        os.makedirs(sh.path("moved/" + folder))
        shutil.copy(sh.path(name), sh.path("moved/" + folder))
    r = subprocess.run([sh.path("moved/bin/heapsh"), "attach", "4711", "-qe",
                        "number"], stdin=subprocess.DEVNULL, env=sh.env,
                       capture_output=True, text=True)
    equal((r.stdout, r.returncode), ("1\n", 0), "moved, it finds its engine")


def sinks(sh):
    def run(line):
        return sh.run("attach", "4711", "-qe", line)

    equal(run("long 30 | head -3 | tail -1").stdout, " 1\n",
          "a pipe gets the result, and sh runs it")
    equal(run("echo 'a | b' | cat").stdout, "'a | b'\n", "quotes hold")
    equal(run("echo (a | b > c)").stdout, "(a | b > c)\n", "brackets hold")
    run("x = heap | dict > y")
    equal(sh.log("command")[-1]["line"], "x = heap | dict > y",
          "right of name = they are operators")
    equal(run("stream 100000 | head -c 3").stdout, "000",
          "a pipe that is closed early stops the command")
    equal(run("stream 100000 | head -c 3").returncode, 0, "and is no failure")
    equal(run("heap | false").returncode, 1, "the pipe's status counts")
    run("echo 1 > out")
    equal(sh.read("out"), "1\n", "> writes a file")
    r = run("echo 2 > out")
    equal((sh.read("out"), r.stderr, r.returncode),
          ("1\n", "heapsh: write to out: it exists\n"
           "  try: echo 2 >| out\n", 1), "> refuses an existing one")
    run("echo 2 >| out")
    equal(sh.read("out"), "2\n", ">| overwrites")
    run("echo 3 >> 'out'; echo 4 >> \"out\"")
    equal(sh.read("out"), "2\n3\n4\n", ">> appends")
    run("fail > none")
    ok(not os.path.exists(sh.path("none")),
       "a command that failed leaves no empty file")
    r = run("heap > a b")
    equal(r.stderr, "heapsh: one file, and no more\n    heap > a b\n"
          "            ^\n", "two files are an error with a caret")
    r = run("heap | heapu")
    ok("there is no such command" in r.stderr and
       "try: (heap | heapu), for a union of sets" in r.stderr and
       r.returncode == 1 and not r.stdout,
       "a pipe into a set says how to write a union")
    r = run("heap | (heapu & x)")
    ok("try: (heap | (heapu & x)), for a union" in r.stderr,
       "also a pipe into one in parentheses")
    equal(run("echo 5 > /dev/null").returncode, 0, "/dev/null exists, and is "
          "no file to lose")
    equal(run("heap | (cat; echo)").returncode, 0, "a subshell is sh's")
    r = run("heap | nosuchcommand")
    ok("nosuchcommand: there is no such command" in r.stderr and
       "union" not in r.stderr, "a pipe into nothing says so")
    equal(run("!echo $((1+1)); echo b | cat # c").stdout, "2\nb\n",
          "! takes the rest of the line")


def verbs(sh):
    r = sh.run("attach", "4711", "-q", "-e", "number", "-e", "history",
               "-e", "number | cat; history")
    equal(r.stdout, "1\n    1  number\n    2  history\n3\n"
          "    1  number\n    2  history\n    3  number | cat; history\n",
          "history has the lines with their numbers")
    r = sh.run("attach", "4711", "-q", "-e", "quit", "-e", "number")
    equal((r.stdout, r.returncode), ("", 0), "quit ends it")
    with open(sh.path("self"), "w") as f:
        f.write("source self\n")
    r = sh.run("attach", "4711", "-q", "-x", "self")
    ok("16 files within each other" in r.stderr and r.returncode == 1,
       "source that sources itself ends")
    names = [v["name"] for v in sh.log("hello")[-1]["hello"]["shell_verbs"]]
    equal(names, ["history", "source", "quit", "exit", "!"],
          "HELLO tells the engine of them, for help")


def roles(sh):
    sh.run("run", "-e", "argv", "--plugin-path", "/x", "--plugin", "p", "--",
           "prog", "-e", "arg")
    hello = sh.log("hello")[-1]
    equal(hello["hello"]["argv"], ["prog", "-e", "arg"],
          "what follows PROG is the program's")
    equal(hello["argv"][4:], ["--plugin-path", "/x", "--plugin", "p"],
          "the engine is told of plugins")
    sh.run("open", "core.1", "--max-pause", "50ms")
    hello = sh.log("hello")[-1]["hello"]
    equal((hello["mode"], hello["file"], hello["max_pause"]),
          ("open", "core.1", 50000000), "open FILE")
    sh.clear_log()
    sh.run("attach", "4711", "-e", "heap")
    wait_for(lambda: sh.log("tracer ends"), "the tracer ends with us")
    equal(sorted(e["event"] for e in sh.log()),
          ["command", "done", "hello", "quit", "tracer", "tracer ends"],
          "one tracer, one engine, and both end")


def death(sh):
    sh.clear_log()
    r = sh.run("attach", "4711", "-q", "-e", "pid", "-e", "crash bad\x1bone",
               "-e", "argv", "-e", "pid")
    pids = re.findall(r"^\d+$", r.stdout, re.M)
    ok(len(set(pids)) == 2 and "was killed by signal 11" in r.stderr and
       "while the plugin 'bad\\x1bone' ran: variables and results are lost"
       in r.stderr and r.returncode == 1,
       "the engine's death by a plugin is told, and a new one goes on")
    ok("--skip-plugin bad\\x1bone" in r.stdout, "without that plugin")
    equal([h["hello"]["mode"] for h in sh.log("hello")], ["attach", "adopt"],
          "the new one takes over the tracer's instants")
    r = sh.run("attach", "4711", "-q", "-e", "killed", "-e", "argv", "-e",
               "number")
    ok("was killed by signal 9" in r.stderr and r.stdout == "\n3\n" and
       "plugin" not in r.stderr, "SIGKILL blames no plugin")
    r = sh.run("attach", "4711", "-q", "-e", "garbage", "-e", "number")
    ok("version 65535" in r.stderr and r.stdout == "2\n",
       "an engine that speaks nonsense is started again")
    r = sh.run("attach", "4711", "-e", "argv", env={"FAKE_CRASH": "hello"})
    ok("before it was attached" in r.stderr and "4711 (python3" in r.stderr
       and r.stdout == "--skip-plugin broken:the engine was killed by "
       "signal 11 (Segmentation fault)\n" and r.returncode == 0,
       "a plugin that ends the engine at attach is left out")
    sh.run("attach", "4711", "-q", "-e", "set rows=3", "-e", "crash p")
    equal(sh.log("hello")[-1]["hello"]["options"], {"rows": "3"},
          "settings go over to the new engine")


def interrupts(sh):
    def start(*commands):
        args = [sh.heapsh, "attach", "4711", "-q"]
        for c in commands:
            args += ["-e", c]
        sh.clear_log()
        return subprocess.Popen(args, env=sh.env, text=True,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    p = start("sleep", "number")
    wait_for(lambda: sh.log("sleeping"), "the command runs")
    before = time.monotonic()
    p.send_signal(signal.SIGINT)
    out, err = p.communicate()
    equal((out, err, p.returncode), ("", "heapsh: interrupted\n", 130),
          "Ctrl-C: 130, and nothing more is run")
    ok(time.monotonic() - before < 10, "at once")
    p = start("hang", "number")
    wait_for(lambda: sh.log("hanging"), "the command runs")
    p.send_signal(signal.SIGINT)
    out, err = p.communicate()
    ok("gave no answer within 2 s and was stopped while the plugin 'loope' "
       "ran" in err and out == "", "an engine that does not answer is killed")
    p = start("sleep")
    wait_for(lambda: sh.log("sleeping"), "the command runs")
    p.send_signal(signal.SIGTERM)
    p.communicate()
    equal(p.returncode, 143, "SIGTERM ends it")
    wait_for(lambda: sh.log("tracer ends"), "the tracer ends after SIGTERM")
    p = start("sleep")
    wait_for(lambda: sh.log("sleeping"), "the command runs")
    p.kill()
    p.communicate()
    wait_for(lambda: sh.log("tracer ends"), "the tracer ends after SIGKILL")
    ok(True, "the tracer ends with us, however we end")


def names(sh):
    name = "zebra-%d" % os.getpid()     # which no other test has
    me = sh.path(name)
    with open(me, "w") as f:
        f.write("import sys; print('up', flush=True); sys.stdin.read()")

    def start():
        p = subprocess.Popen([sys.executable, me], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        p.stdout.readline()
        return p

    a = start()
    r = sh.run("attach", name, "-e", "number")
    equal((r.returncode, sh.log("hello")[-1]["hello"]["pid"]), (0, a.pid),
          "attach NAME finds the process by a word of its command line")
    b = start()
    r = sh.run("attach", name, "-e", "number")
    ok(r.returncode == 3 and "2 processes are called so" in r.stderr and
       str(a.pid) in r.stderr and str(b.pid) in r.stderr,
       "several are listed: 3")
    for p in a, b:
        p.communicate()
    r = sh.run("attach", name, "-e", "number")
    equal((r.stderr, r.returncode),
          ("heapsh: attach " + name + ": no process is called so\n"
           "  try: ps x lists what runs\n", 3),
          "none: 3")
    r = sh.run("attach", "99999999999", "-e", "number")
    equal(r.returncode, 3, "a number that is no pid: 3")


with Shell() as shell:
    for part in (results, formats, hostile, statuses, moved, sinks, verbs,
                 roles, death, interrupts, names):
        part(shell)
done()
