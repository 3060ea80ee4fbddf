#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What every verb answers with --format json is what doc/heapsh.schema.json
says, and has no member that is not told of there."""
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("abs_top_srcdir", "."),
                                "tests", "lib"))
from hstest import SRC, diag, done, equal, heapsh, ok, python  # noqa: E402
from hstest import pythons  # noqa: E402

LINES = """
heap; heap.bytype.retained; heap.byid; heap.byrcs; heap.bymodule; heap.parts
Type; heap.er; heap.stat; heap.count; heap.size; heap.brief; heap.all
(heap & dict).diff(heap & list); None; True; 3.5; 'x'; b'x'; len(heap)
asizeof things; asizeof things stats=3; asizesof things names
asizeof things compat=pympler stats=3; asized things compat=pympler detail=1
modules filter=json sort=name; cycles garbage sort=size
asized things detail=1; asized things names; flatsize things; basicsize things
itemsize things; leng things; flatsize things[0] eval=1
call "size_t (const char *)" strlen 'hello'; call things[0].n.bit_length()
cycles garbage; garbage; heapu; orphans; audit orphans limit=2; garbage graph
duplicates limit=3; waste limit=3; waste by=object
find type=str limit=3; iso things; modules; named_refs names; refs names
pathsin things; pathsout things; sp things; shpaths things; why things
get_rp(things); rp things; graph things depth=1; refbrowser things
help; help asized; info setup; locals; plugins; probe status; probe load
doctor; attach nobody; open nothing; load 'nothing'; plugin load nothing.so
plugins disable lua; plugins enable lua; plugins disable nothing
retained (heap & dict); top 3 by retained; rows heap; set; set rows=20
show names; show frames; show modules; show threads; threads[0]; frames
frames[0].locals; snap; snaps; use 1; summary; summary diff; track start
track diff; setref; setref 'off'; release; (1, (2, things), heap); things
nonsense; asizeof (; things[99999]; names['key-1'].n; heap.dump('FILE')
load 'FILE'; detach; heap
"""


class Schema:
    """As much of JSON Schema as that file makes use of."""

    def __init__(self, path):
        with open(path) as f:
            self.root = json.load(f)

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.root["$defs"][schema["$ref"].split("/")[-1]]
        return schema

    def branches(self, schema, v):
        """Of a oneOf, those that are of the document's type."""
        all_ = [self.resolve(x) for x in schema.get("oneOf", [])]
        return [x for x in all_
                if x["properties"]["type"]["const"] == v.get("type")]

    def wrong(self, schema, v, where="", known=()):
        """Sentences about what is not as it should be."""
        schema = self.resolve(schema)
        if "anyOf" in schema and \
                all(self.wrong(x, v, where) for x in schema["anyOf"]):
            return ["%s: %.60r is none of %r" % (where, v, schema["anyOf"])]
        if "const" in schema and (v != schema["const"] or
                                  type(v) is not type(schema["const"])):
            return ["%s: %.60r is not %r" % (where, v, schema["const"])]
        if "enum" in schema and v not in schema["enum"]:
            return ["%s: %.60r is not listed" % (where, v)]
        if "type" in schema and not self.is_a(v, schema["type"]):
            return ["%s: %.60r is no %s" % (where, v, schema["type"])]
        if isinstance(v, str) and not re.search(schema.get("pattern", ""), v):
            return ["%s: %.60r is not %s" % (where, v, schema["pattern"])]
        if "minimum" in schema and v is not None and v < schema["minimum"]:
            return ["%s: %r is too small" % (where, v)]
        if isinstance(v, list) and "items" in schema:
            return [w for i, x in enumerate(v) for w in
                    self.wrong(schema["items"], x, "%s[%d]" % (where, i))]
        return self.members(schema, v, where, known) \
            if isinstance(v, dict) else []

    def members(self, schema, v, where, known):
        properties = schema.get("properties", {})
        out = ["%s: no %s" % (where, k)
               for k in schema.get("required", []) if k not in v]
        for k in v:
            if k in properties:
                out += self.wrong(properties[k], v[k], where + "." + k)
            elif "oneOf" not in schema and k not in known:
                out.append("%s: %s is not told of" % (where, k))
        if "oneOf" in schema:
            found = self.branches(schema, v)
            if len(found) != 1:
                return out + ["%s: %d types" % (where, len(found))]
            out += self.wrong(found[0], v, where,
                              tuple(known) + tuple(properties))
        return out

    @staticmethod
    def is_a(v, names):
        kinds = {"object": dict, "array": list, "string": str,
                 "boolean": bool, "null": type(None), "integer": int,
                 "number": (int, float)}
        for name in [names] if isinstance(names, str) else names:
            if isinstance(v, kinds[name]) and \
                    (name == "boolean" or not isinstance(v, bool)):
                return True
        return False


def verbs():
    with open(os.path.join(SRC, "core", "verb", "verbs.def")) as f:
        return re.findall(r"^VB_VERB\((\w+)\)", f.read(), re.M)


def is_tried(verb, lines):
    names = verb, verb.replace("_", " ")
    return any(re.match(re.escape(n) + r"($|[ (])", line)
               for n in names for line in lines)


def planted(schema, doc):
    wrong = []
    for change in ({"count": "many"}, {"more": -1}, {"novelty": 1},
                   {"rows": [{"index": 0}]}, {"type": "sets"},
                   {"schema": 2}):
        wrong.append(schema.wrong(schema.root, dict(doc, **change)))
    lacks = dict(doc)
    del lacks["size"]
    wrong.append(schema.wrong(schema.root, lacks))
    ok(all(wrong), "planted faults are found") or diag(wrong)


schema = Schema(os.path.join(SRC, "doc", "heapsh.schema.json"))
lines = [x.strip() for x in re.split("[;\n]", LINES) if x.strip()]
equal([v for v in verbs() if not is_tried(v, lines)], [],
      "every verb is tried")
version, path = pythons()[-1]
with tempfile.TemporaryDirectory() as folder, python(path, "idle.py") as f:
    dump = os.path.join(folder, "a.hpy")
    r = heapsh(["attach", f.pid],
               [x.replace("FILE", dump) for x in lines])
    equal(len(r.err), 0, "nothing but documents") if r.err else None
    wrong = {}
    for doc in r.docs:
        for sentence in schema.wrong(schema.root, doc):
            wrong.setdefault((doc["type"], doc["command"][:30]),
                             []).append(sentence)
    for (kind, command), sentences in wrong.items():
        diag("%s (%s): %s" % (command, kind, sentences[0]))
    ok(not wrong, "%d documents are as the schema says" % len(r.docs))
    types = {d["type"] for d in r.docs}
    equal(sorted(set(schema.root["properties"]["type"]["enum"]) - types), [],
          "and of every type there was one")
    planted(schema, next(d for d in r.docs if d["type"] == "set"))
    equal(f.end(), (0, "same"), "the program ends well")
done()
