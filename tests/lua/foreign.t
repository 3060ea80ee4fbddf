#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs of Debian that embed liblua5.3 and were written by others: haproxy,
with a state for each of its threads, and nmap while a script of its runs. Their
tables are listed, and they go on."""
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import (LIMIT, Shell, done, equal, ok, serve,  # noqa: E402
                    skip, sleeps)

APP = '''
sessions = {}
for i = 1, 50 do sessions["s" .. i] = { n = i, data = ("x"):rep(100) } end
core.register_service("hello", "http", function(applet)
	sessions.last = { path = applet.path }
	applet:set_status(200)
	applet:add_header("content-length", "5")
	applet:start_response()
	applet:send("hello")
end)
core.register_task(function()
	local waited = { "what a task waits with" }
	while true do core.sleep(3600) end
end)
'''
CONFIG = '''
global
	nbthread 2
	lua-load-per-thread %s
defaults
	mode http
	timeout client 20s
	timeout connect 20s
	timeout server 20s
frontend f
	bind 127.0.0.1:%d
	http-request use-service lua.hello
'''


SCRIPT = """
hostrule = function(host) return true end
categories = { "safe" }
action = function(host)
	local held = { name = "what the script holds", list = {} }
	for i = 1, 1000 do held.list[i] = { port = i } end
	nmap.registry.mine = held
	io.stderr:write("ready\\n")
	io.read()
	return #held.list .. " ports"
end
"""


def get(port, path):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path),
                                    timeout=20) as r:
            return r.read()
    except OSError:
        return None


def check(pid, port):
    sleeps(pid)
    sh = Shell(pid)
    equal((sh.attached["runtime"], sh.attached["version"][:3]), ("Lua", "5.3"),
          "recognised by its library")
    doc = sh("heap")
    ok(doc["count"] > 1000, "%d objects" % doc["count"])
    said = [r[1] for r in sh("info setup")["rows"] if r[0] == "layout"][0]
    ok("; 3 states, " in said, "the common state and one for each thread")
    ok("counts %d bytes" % doc["size"] in said,
       "sizes add up to what the three collectors count")
    # the common state has no script: the threads' have
    states = [n for n in (1, 2, 3)
              if sh("L%d._G.sessions" % n)["type"] == "object"]
    equal(len(states), 2, "each thread has run the script")
    equal(sorted({sh("L%d._G.sessions.s7.data" % n)["value"]
                  for n in states}), ["'" + "x" * 100 + "'"],
          "_G.sessions.s7.data of each")
    ok("{path='/seen'}" in
       [sh("L%d._G.sessions.last" % n).get("value") for n in states],
       "the table that the last request left")
    rows = sh("frames.all")["rows"]
    ok(any(r[3].endswith("app.lua") for r in rows),
       "the frame that a waiting task is in")
    sh.end()
    equal(get(port, "/again"), b"hello", "it serves on")


def check_nmap(pid):
    sh = Shell(pid)
    equal((sh.attached["runtime"], sh.attached["version"][:3]), ("Lua", "5.3"),
          "nmap's Lua is recognised")
    ok(sh("heap").get("count", 0) > 1000, "its objects are listed")
    said = [r[1] for r in sh("info setup")["rows"] if r[0] == "layout"][0]
    ok("counts %d bytes" % sh("heap.size")["value"] in said,
       "sizes add up to what its collector counts")
    mine = "registry._LOADED.nmap.registry.mine"
    equal(sh(mine + ".name").get("value"), "'what the script holds'",
          "what a script holds is found by its name")
    equal(sh("len(%s.list)" % mine).get("value"), 1000, "and how much it is")
    ok(any(r[2] == "function:4" and r[3].endswith("mine.nse")
           for r in sh("frames.all")["rows"]),
       "the script's function is on a coroutine's stack")
    sh.end()


def run_nmap(path, folder):
    script = os.path.join(folder, "mine.nse")
    with open(script, "w") as f:
        f.write(SCRIPT)
    with subprocess.Popen(
            [path, "-n", "-Pn", "-sT", "-p", "9", "--script", script,
             "127.0.0.1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True) as p:
        line = p.stderr.readline()
        if line != "ready\n":
            p.kill()
            skip("nmap", "it does not run a script here: %r" % line)
            return
        check_nmap(p.pid)
        out = p.communicate("\n", timeout=LIMIT)[0]
        ok("1000 ports" in out, "nmap goes on, and ends its script")


path = shutil.which("nmap")
if path is None:
    skip("nmap", "it is not installed")
else:
    with tempfile.TemporaryDirectory() as folder:
        run_nmap(path, folder)
path = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
if path is None:
    skip("haproxy", "it is not installed")
    done()
with tempfile.TemporaryDirectory() as folder:
    app, config = (os.path.join(folder, n) for n in ("app.lua", "cfg"))
    with open(app, "w") as f:
        f.write(APP)

    def argv_of(port):
        with open(config, "w") as f:
            f.write(CONFIG % (app, port))
        return [path, "-db", "-f", config]
    p, port = serve(argv_of, lambda port: get(port, "/seen"), "haproxy")
    try:
        if p.poll() is None:
            check(p.pid, port)
        else:
            skip("haproxy", "it does not start here: %d" % p.returncode)
    finally:
        p.terminate()
        p.wait()
done()
