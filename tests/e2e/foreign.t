#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that nobody here wrote, under requests all the time: every request
is answered, also the last, which comes after the release."""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (done, equal, heapsh, ok, serve, skip,  # noqa: E402
                    wait_for)

APP = '''
class Session:
    def __init__(self, n):
        self.n = n
        self.data = "x" * 100


SESSIONS = {}


def app(environ, start_response):
    n = len(SESSIONS)
    SESSIONS["s%d" % n] = Session(n)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]
'''


class Load(threading.Thread):
    """A closed loop of requests, until told to stop."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.stop, self.n, self.bad = url, False, 0, []

    def once(self):
        try:
            with urllib.request.urlopen(self.url, timeout=20) as r:
                r.read()
                if r.status != 200:
                    self.bad.append(r.status)
        except OSError as e:
            self.bad.append(str(e))
        self.n += 1

    def run(self):
        while not self.stop:
            self.once()


URL = "http://127.0.0.1:%d/"


def up(port):
    try:
        urllib.request.urlopen(URL % port, timeout=20).read()
        return True
    except OSError:
        return False


def explore(name, argv, cls, cwd, pid_of=lambda p: p.pid):
    """argv: a word with %d in it is that for the port."""
    p, port = serve(lambda port: [x % port if "%d" in x else x for x in argv],
                    up, name, cwd=cwd)
    try:
        load = Load(URL % port)
        load.start()
        wait_for(lambda: load.n > 5, name + " is under load")
        r = heapsh(["attach", pid_of(p)],
                   ["set rows=10", "heap", "_.more", "x = (heap & %s)[0]" % cls,
                    "x.count", "asized x.byid[0].theone detail=2",
                    "release"])
        n = load.n
        wait_for(lambda: load.n > n + 3, name + " answers after the release")
        load.stop = True
        load.join(30)
        load.once()
        kinds = [d["type"] for d in r.results if d["type"] != "words"]
        equal((r.status, r.err.strip()), (0, ""), name + ": status and words")
        equal(kinds[:2], ["set", "set"], name + ": heap and _.more")
        ok("sized" in kinds, name + ": asized of an object of " + cls)
        equal(load.bad, [], "%s: all of %d requests answered" % (name, load.n))
        ok(p.poll() is None, name + ": still runs")
    finally:
        p.terminate()
        p.wait(30)


def gunicorn_worker(p):
    """The worker, not the arbiter: a child of it."""
    wait_for(lambda: kids(p.pid), "gunicorn has a worker")
    return kids(p.pid)[0]


def kids(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(x) for x in f.read().split()]


with tempfile.TemporaryDirectory() as tmp:
    explore("http.server", ["/usr/bin/python3", "-m", "http.server",
                            "%d", "--bind", "127.0.0.1"],
            "__main__.DualStackServer", tmp)
    if shutil.which("hg"):
        subprocess.run(["hg", "init", tmp + "/repo"], check=True)
        explore("hg serve", ["hg", "-R", tmp + "/repo", "serve", "-a",
                             "127.0.0.1", "-p", "%d"],
                "mercurial.hg.cachedlocalrepo", tmp)
    else:
        skip("hg serve", "mercurial is not installed")
    if shutil.which("gunicorn"):
        with open(tmp + "/app.py", "w") as f:
            f.write(APP)
        explore("gunicorn", ["gunicorn", "-b", "127.0.0.1:%d", "app:app"],
                "app.Session", tmp, gunicorn_worker)
    else:
        skip("gunicorn", "gunicorn is not installed")
done()
