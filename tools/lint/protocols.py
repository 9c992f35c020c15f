#!/usr/bin/env python3
"""Every protocol is checked by something, is found in the sources, and gets what is said of it in the
table of proof.

Fails when
  - an entry of docs/protocols.md has no "Checked by", or a file is named there that does not exist;
  - no comment in the sources stands at a step of an entry: [name.1];
  - a model, a mutation or an order of tests/model, or a random history, belongs to no entry by its name
    (PROTOCOLS in tools/prove);
  - a mutation of tests/model/mutate.py is named by no model, which is to find it. (That a model names one
    that does not exist fails when it runs.)
"""

import glob
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys

PROTOCOLS = "docs/protocols.md"
SOURCES = ["runtime/**/*.?pp", "channels/**/*.?pp", "context/**/*.?pp"]
ENTRY = re.compile(r"^## \[([a-z_]+)\].*?(?=^## |\Z)", re.S | re.M)
CHECKED = re.compile(r"^Checked by[ ]+(\S.*(?:\n[ \t]+\S.*)*)", re.M)
FILE = re.compile(r"[\w/]+\.(?:cpp|hpp|pml|py|sh)\b")
TEST = re.compile(r"^TEST(_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.M)
IN_TABLE = re.compile(r'^\s*\{"([A-Z]\w+)",', re.M)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def files(*patterns):
    return sorted(p for pattern in patterns for p in glob.glob(pattern, recursive=True))


def load_prove():
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("prove", "tools/prove")
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("prove", loader))
    loader.exec_module(module)
    return module


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    errors = 0

    def fail(where, message):
        nonlocal errors
        errors += 1
        print(f"{where}: {message}")

    entries = {found[1]: found[0] for found in ENTRY.finditer(read(PROTOCOLS))}
    tests = {os.path.basename(p) for p in files("tests/**/*.*")}
    tagged = {tag for path in files(*SOURCES)
              for tag in re.findall(r"\[([a-z][a-z_]*)\.\d+\]", read(path))}
    for name, text in entries.items():
        checked = CHECKED.search(text)
        if not checked:
            fail(PROTOCOLS, f'[{name}] has no "Checked by"')
        for path in FILE.findall(checked[1]) if checked else []:
            if not any(map(os.path.isfile, (path, f"tests/{path}"))) and (
                    "/" in path or path not in tests):
                fail(PROTOCOLS, f"[{name}] is checked by {path}, which does not exist")
        if name not in tagged:
            fail(PROTOCOLS, f"[{name}] has none of its steps in the sources")

    prove = load_prove()
    models, in_tables, written = [], [], set()
    for path in files("tests/model/*.cpp"):
        text = read(path)
        models += [(path, f"{suite}.{test}") for kind, suite, test in TEST.findall(text) if kind != "_P"]
        in_tables += [(path, name) for name in IN_TABLE.findall(text)]
        written |= set(re.findall(r'"([A-Z]\w+)"', text))
    mutations = subprocess.run([sys.executable, "tests/model/mutate.py", "--names"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip().split(",")
    histories = [("tests/linear/history_test.cpp", prove.name_of_history(test))
                 for _, suite, test in TEST.findall(read("tests/linear/history_test.cpp")) if "istories" in suite]
    mutate = "tests/model/mutate.py"
    for where, name in models + in_tables + histories + [(mutate, m) for m in mutations]:
        found, protocol = prove.find_protocol(name)
        if not found:
            fail(where, f"{name}: no protocol is named for it: add one to PROTOCOLS in tools/prove")
        for part in protocol.split(", ") if protocol else []:
            if part not in entries:
                fail(where, f"{name}: {PROTOCOLS} has no entry [{part}]")
    for name in mutations:
        if name not in written:
            fail(mutate, f"{name}: no model is named that finds it")

    print(f"protocols: {len(entries)} entries, {len(models)} tests of tests/model, {len(in_tables)} orders and "
          f"defects in tables, {len(mutations)} mutations, {len(histories)} histories, {errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
