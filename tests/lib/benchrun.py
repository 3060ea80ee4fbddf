# SPDX-License-Identifier: Apache-2.0
"""One process with a heap of a known kind and size, and heapsh over it, as the
rows of `make bench` use them."""
import json
import os
import signal
import subprocess
import threading
import time

import benchprofile
import hsbench
from hstest import HEAPSH, Shell, heapsh, python

PYTHON = os.environ.get("BENCH_PYTHON", "/usr/bin/python3")
PEERS = os.environ.get("HEAPSH_BENCH_PEERS")
# What a peer may take for one answer.
PEER_SECONDS = float(os.environ.get("BENCH_PEER_SECONDS") or 400)
# Objects of the interpreter's own that come and go between two looks.
NOISE = 200
NOISE_BYTES = 64 << 10
SLOW = 10			# millions of objects


class Wrong(Exception):
    """A figure of something that is not true is none."""


def available():
    """Bytes that programs may still use."""
    with open("/proc/meminfo") as f:
        for line in f:
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) << 10
    return 0


def by_kind(doc):
    return {r["kind"]: (r["count"], r["size"]) for r in doc["rows"]}


def check(doc, before, truth):
    """Is a table of the heap what it was before and what was made since?"""
    count = doc["count"] - before["count"] - truth["made"]
    size = doc["size"] - before["size"] - truth["bytes"]
    if abs(count) > NOISE or abs(size) > NOISE_BYTES:
        raise Wrong("heap: %d objects and %d bytes more than were made"
                    % (count, size))
    own = [k for k in truth["kinds"] if "__main__." + k in by_kind(doc)]
    for kind in own:
        got = by_kind(doc)["__main__." + kind]
        if list(got) != truth["kinds"][kind]:
            raise Wrong("heap: %s of %s, made were %s"
                        % (got, kind, truth["kinds"][kind]))
    if "Account" in truth["kinds"] and "Account" not in own:
        raise Wrong("heap: no row of __main__.Account")


def field(pid, file, key):
    """Bytes behind "key:" in a file of /proc/PID; 0 when it has gone."""
    try:
        with open("/proc/%d/%s" % (pid, file)) as f:
            for line in f:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) << 10
    except (OSError, IndexError, ValueError):
        pass
    return 0


def children(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as f:
                if int(f.read().rpartition(")")[2].split()[1]) == pid:
                    found.append(int(name))
        except (OSError, ValueError):
            pass
    return found


def family(pid):
    """A process, its children, and theirs: a copy may be copied itself."""
    found = [pid]
    for p in found:
        found += children(p)
    return found


def pss(pid):
    """Of a process and the copies of it."""
    return sum(field(p, "smaps_rollup", "Pss") for p in family(pid))


class Session:
    """A shell fed line by line; remembers how long each line took."""

    def __init__(self, target):
        self.target = target
        self.began = time.perf_counter()
        self.shell = Shell(target)
        self.ends = {"": time.perf_counter()}
        self.took = {"": self.ends[""] - self.began}
        self.docs = {}

    def line(self, text, assign=""):
        if text not in self.took:
            began = time.perf_counter()
            if assign:
                self.shell.say("%s = %s" % (assign, text))
            try:
                self.docs[text] = self.shell(assign or text)
            except ValueError:
                raise Wrong("%s: no answer of %s" % (text,
                                                     self.shell.attached))
            self.ends[text] = time.perf_counter()
            self.took[text] = self.ends[text] - began
            if self.docs[text]["type"] == "error":
                raise hsbench.NotMeasured(self.docs[text]["message"])
        return self.took[text]

    def after(self, text):
        """Seconds from exec to the line's answer, without other lines than
        those of the sum; they were run before."""
        self.line(text)
        return self.ends[text] - self.began

    def memory(self):
        """Bytes: the peaks of all our processes, and what the copies keep."""
        return sum(field(p, "status", "VmHWM")
                   for p in family(self.shell.p.pid)), pss(self.target)

    def end(self):
        try:
            self.shell.end()
        except subprocess.TimeoutExpired:
            self.shell.p.kill()
            self.shell.p.wait()


class Run:
    """A heap and its rows. env: of the target; reserve: seconds that must be
    left for another round."""

    def __init__(self, kind, millions, name="", env=None, reserve=60):
        self.kind, self.millions = kind, millions
        self.heap = name or kind
        self.env, self.reserve = env or {}, reserve
        self.session = self.peers = None
        self.took = {}			# seconds, by line
        self.profiles = {}
        self.memory, self.collected = {}, None

    def __enter__(self):
        self.target = python(PYTHON, "bench_heap.py", self.kind,
                             str(self.millions), env=self.env)
        self.pid = self.target.pid
        try:
            if self.target.truth != "empty":
                raise Wrong("bench_heap.py: %s" % self.target.truth)
            self.before = heapsh(["-q", "attach", self.pid, "-e",
                                  "heap"]).results[-1]
            self.target.say("make")
            self.truth = json.loads(self.target.line(900))
        except BaseException:
            self.target.__exit__()
            raise
        self.objects = self.before["count"] + self.truth["made"]
        return self

    def __exit__(self, *exc):
        self.next_round()
        self.end_peers()
        self.target.__exit__(*exc)

    def next_round(self):
        if self.session:
            self.session.end()
        self.session = None

    # --- samples, in seconds ---

    def collect(self):
        """The target's own collection. While a copy of it exists, collecting
        would copy each page: then it is the one before."""
        if not self.session:
            self.collected = self.target.ask("collect")
        return self.collected

    def collected_last(self):
        return self.collected or self.collect()

    def heapsh(self, *commands, prefix=()):
        """From exec to exit. What "heap" answers is checked."""
        argv = list(prefix) + [HEAPSH, "attach", str(self.pid), "-f", "json"]
        for c in commands:
            argv += ["-e", c]
        began = time.perf_counter()
        p = subprocess.run(argv, capture_output=True, text=True, timeout=600)
        seconds = time.perf_counter() - began
        if p.returncode:
            raise Wrong("%s: exit status %d: %s%s" % (
                " ".join(commands), p.returncode, p.stderr, p.stdout[:1000]))
        if commands[0] == "heap":
            check(json.loads(p.stdout.splitlines()[-len(commands)]),
                  self.before, self.truth)
        return seconds

    def text(self, command):
        """From exec to exit of a command that prints for people."""
        began = time.perf_counter()
        subprocess.run([HEAPSH, "-q", "attach", str(self.pid), "-e", command],
                       stdout=subprocess.DEVNULL, check=True, timeout=600)
        return time.perf_counter() - began

    def line(self, text, assign=""):
        if not self.session:
            self.session = Session(self.pid)
        seconds = self.session.line(text, assign)
        self.took[text] = seconds
        if text == "heap":
            check(self.session.docs[text], self.before, self.truth)
        return seconds

    def after(self, text):
        self.line(text)
        return self.session.after(text)

    # --- memory ---

    def peaks(self, lines):
        """{line: bytes} of a session: ours at most, with what copies keep."""
        self.next_round()
        alone = pss(self.pid)
        for text in lines:
            self.line(text)
            ours, theirs = self.session.memory()
            self.memory[text] = ours + max(0, theirs - alone)
        self.next_round()
        return self.memory

    # --- peers ---

    def start_peers(self):
        """The same heap in a process that has the peers, too."""
        if not PEERS:
            raise hsbench.NotMeasured("HEAPSH_BENCH_PEERS is not set")
        env = dict(self.env, PYTHONPATH=PEERS)
        f = python(PYTHON, "bench_heap.py", self.kind, str(self.millions),
                   env=env)
        f.say("make")
        f.line(900)
        self.peers = f

    def end_peers(self):
        if self.peers:
            self.peers.__exit__()
        self.peers = None

    def ask_peer(self, word, bytes_each, seconds_each):
        """What they need for their answer; at most so much an object."""
        if available() < self.objects * bytes_each:
            raise hsbench.NotMeasured("not enough memory")
        if hsbench.left() < self.objects * seconds_each:
            raise hsbench.NotMeasured("no time left")
        if not self.peers:
            self.start_peers()
        try:
            self.peers.say(word)
            seconds = json.loads(self.peers.line(PEER_SECONDS))
        except TimeoutError:
            self.end_peers()
            raise hsbench.NotMeasured("more than %d s" % PEER_SECONDS)
        except ValueError:
            self.end_peers()
            raise hsbench.NotMeasured("it ended without an answer")
        if seconds is None:
            raise hsbench.NotMeasured("not in HEAPSH_BENCH_PEERS")
        return seconds

    # --- profiles ---

    def profile(self, line):
        """Path of a profile of it, or None: made once a line."""
        if line not in self.profiles:
            self.next_round()
            self.profiles[line] = benchprofile.profile(self, line)
        return self.profiles[line]


# --- what the machine can do ------------------------------------------------

CHUNK = 1 << 20


def writable(pid):
    """Anonymous memory of a process, cut into chunks."""
    chunks = []
    with open("/proc/%d/maps" % pid) as f:
        for line in f:
            words = line.split()
            if words[1][:2] != "rw" or (len(words) > 5 and
                                        words[5] != "[heap]"):
                continue
            start, end = (int(x, 16) for x in words[0].split("-"))
            chunks += [(at, min(CHUNK, end - at))
                       for at in range(start, end, CHUNK)]
    return chunks


def read_all(pid, threads):
    """Seconds that as many threads need to read it into a buffer each."""
    chunks = iter(writable(pid))
    fd = os.open("/proc/%d/mem" % pid, os.O_RDONLY)

    def read():
        buffer = bytearray(CHUNK)
        for start, n in chunks:
            try:
                os.preadv(fd, [memoryview(buffer)[:n]], start)
            except OSError:
                pass

    workers = [threading.Thread(target=read) for _ in range(threads)]
    began = time.perf_counter()
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    os.close(fd)
    return time.perf_counter() - began


# --- Ctrl-C -------------------------------------------------------------------

def start(pid):
    return subprocess.Popen(
        [HEAPSH, "attach", str(pid), "-f", "json", "-x", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)


def interrupt(pid, lines, last, delay):
    """Seconds from Ctrl-C, that long into the last line (None: the attach), to
    the word that it was interrupted; None when the line was done before."""
    p = start(pid)
    try:
        for line in lines + (last,) if last else ():
            p.stdout.readline()
            p.stdin.write(line + "\n")
            p.stdin.flush()
        time.sleep(delay)
        began = time.perf_counter()
        os.kill(p.pid, signal.SIGINT)
        if not last:
            return time.perf_counter() - began if p.wait(60) == 130 else None
        for doc in p.stdout:
            if '"code":"cancelled"' in doc[-2000:]:
                return time.perf_counter() - began
        return None
    finally:
        # By itself: a killed one would still be letting go of the process.
        p.stdin.close()
        p.wait(60)


def longest_interrupt(run, lines, last):
    """The longest of three, early, in the middle and late in the line; of two
    where lines are slow."""
    timed = last if last else ""
    if timed not in run.took:
        run.next_round()
        for line in lines + (timed,):
            run.line(line)
    run.next_round()
    parts = (0.2, 0.5, 0.75) if run.millions < SLOW else (0.3, 0.7)
    all_of = [interrupt(run.pid, lines, last, run.took[timed] * part)
              for part in parts]
    all_of = [t for t in all_of if t is not None]
    if not all_of:
        raise hsbench.NotMeasured("done before Ctrl-C")
    return max(all_of)
