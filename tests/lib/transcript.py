# SPDX-License-Identifier: Apache-2.0
"""Sessions that are told in a document: what is typed, what is answered, and
whether another answer is the same but for numbers and addresses."""
import re


def mask(line):
    """Numbers, addresses and what they are aligned with do not matter."""
    line = re.sub(r"\(/usr/bin/python3 .*?\):", "(python …):", line)
    line = re.sub(r"=+", "=", line)
    line = re.sub(r"0x[0-9a-f]+|\d+(\.\d+)*", "N", line)
    line = re.sub(r"\bN ([um]s|s)$", "N s", line)
    return re.sub(r"[ =]+", " ", line).strip()


def session(text):
    """(what is typed, all that is answered) in the indented lines of text."""
    lines = [x[4:] for x in text.splitlines() if x.startswith("    ")]
    lines = [x for x in lines if x.strip() and not x.startswith("$ ")]
    return ([x[2:] for x in lines if x.startswith("> ")],
            [mask(x) for x in lines if not x.startswith("> ")])


def agrees(want, got):
    """A line that ends in … tells how it begins."""
    if want.endswith("…") and want != "…":
        return got.startswith(want[:-1])
    return got == want


def differs(want, got):
    """Index of the first line of want that got does not have; None when all
    agree. A line of … stands for any number of lines."""
    g = 0
    for w, line in enumerate(want):
        if line == "…":
            nxt = want[w + 1] if w + 1 < len(want) else None
            while g < len(got) and (nxt is None or
                                    not agrees(nxt, got[g])):
                g += 1
        elif g < len(got) and agrees(line, got[g]):
            g += 1
        else:
            return w
    return None if g == len(got) else len(want)
