#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small web service that leaks, for `heapsh demo`.

Visitors come and look at pages. Each visit is kept in the visitor's session,
"for the recommendations", and no session is ever forgotten. After a week of
this, somebody asks where the memory went.
"""
import os
import random
import sys
import threading
import time

VISITORS = 12
FIRST_VISITS = 40000
VISITS_A_TURN = 20
PAUSE = 0.05  # seconds between turns


class Visit:
    """One page that one visitor looked at."""

    def __init__(self, number, page, query):
        self.number = number
        self.page = page
        self.query = query
        self.seconds = number % 97 / 10


class Session:
    """What is known of a visitor."""

    def __init__(self, name):
        self.name = name
        self.visits = []  # the leak: only ever appended to


class SessionCache:
    def __init__(self):
        self.sessions = {}
        self.lock = threading.Lock()

    def session(self, name):
        with self.lock:
            if name not in self.sessions:
                self.sessions[name] = Session(name)
            return self.sessions[name]


class Pages:
    """Renders; forgets what it rendered, as it should."""

    def __init__(self):
        self.names = [f"/product/{i}" for i in range(200)]
        self.recent = {}

    def render(self, name):
        body = self.recent.get(name)
        if body is None:
            if len(self.recent) > 50:
                self.recent.clear()
            body = self.recent[name] = f"<h1>{name}</h1>" * 20
        return body


cache = SessionCache()
pages = Pages()


def handle(number, chance):
    session = cache.session(f"visitor-{chance.randrange(VISITORS):02}")
    page = chance.choice(pages.names)
    pages.render(page)
    session.visits.append(Visit(number, page, f"?from={number}"))


def serve(parent):
    """Serve until heapsh is gone."""
    chance = random.Random(1)
    number = 0
    while number < FIRST_VISITS:
        handle(number, chance)
        number += 1
    print("leaky: serving", flush=True)
    while os.getppid() == parent:
        for _ in range(VISITS_A_TURN):
            handle(number, chance)
            number += 1
        time.sleep(PAUSE)


if __name__ == "__main__":
    try:
        serve(os.getppid())
    except KeyboardInterrupt:
        sys.exit(0)
