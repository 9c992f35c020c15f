#!/usr/bin/env python3
"""Every memory order is explained where it stands, and tied to its entry in docs/protocols.md.

Fails when
  - a memory order has no comment on its line or in the 3 lines above;
  - an order that is more than relaxed has no [tag.n] there, the step that it belongs to (relaxed ones
    order nothing: their comment says why that is enough);
  - of the orders with one tag none acquires, or none releases: they pair with nothing;
  - a [tag.n] in a comment is neither written in docs/protocols.md nor a step of its [tag] there;
  - std::atomic or a fence is used outside detail/atomic.hpp, the seam of the model tests.
"""

import collections
import os
import re
import sys

MODULES = ("runtime", "channels", "context")
SEAM = "runtime/include/weft/detail/atomic.hpp"
PROTOCOLS = "docs/protocols.md"

SHORT = r"(?:relaxed|acquire|release|acq_rel|seq_cst)"
# std::memory_order_acquire, memory_order::acquire, or the short name as a whole argument.
ORDER = re.compile(rf"\bmemory_order(?:_|::)({SHORT})\b"
                   rf"|[<(,]\s*(?:\w+::)*({SHORT})\s*(?=[>),])")
# A short name that begins a line continues an argument list broken above it.
ORDER_AT_START = re.compile(rf"^\s*(?:\w+::)*({SHORT})\s*(?=[>),])")
RAW_ATOMIC = re.compile(r"\bstd::atomic(?:_\w+)?\b")
ACQUIRING, RELEASING = {"acquire", "acq_rel", "seq_cst"}, {"release", "acq_rel", "seq_cst"}
TAG = re.compile(r"\[([a-z][a-z_]*)\.(\d+)\]")


def split_lines(text):
    """(code, comment) for each line: strings and comments blanked in code, only comments in the other."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
                       r"|(?<!\w)'(?:\\.|[^'\\\n])*'", re.S)
    code, comment, at = [], [], 0

    def blank(part):
        return re.sub(r"[^\n]", " ", part)

    for found in token.finditer(text):
        part, between = found[0], text[at:found.start()]
        is_comment = part.startswith(("//", "/*"))
        code += [between, blank(part)]
        comment += [blank(between), part if is_comment else blank(part)]
        at = found.end()
    code.append(text[at:])
    comment.append(blank(text[at:]))
    return list(zip("".join(code).split("\n"), "".join(comment).split("\n")))


def known_steps():
    """The set of (tag, step) that docs/protocols.md defines."""
    steps = set()
    if not os.path.isfile(PROTOCOLS):
        return steps
    with open(PROTOCOLS, encoding="utf-8") as source:
        text = source.read()
    steps |= {(tag, int(n)) for tag, n in TAG.findall(text)}
    for tag, body in re.findall(r"^#+ \[([a-z_]+)\](.*?)(?=^#|\Z)", text, re.S | re.M):
        # "Steps" and its continuation lines: a number that stands alone begins a step.
        for part in re.findall(r"^Steps.*(?:\n[ \t]+.*)*", body, re.M):
            steps |= {(tag, int(n)) for n in re.findall(r"(?<!\S)(\d+)[.:]?(?=\s)", part)}
    return steps


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    steps = known_steps()
    orders = collections.Counter()
    tied = collections.defaultdict(set)  # by tag: the orders beside it
    files = tags = errors = 0

    def fail(path, line, message):
        nonlocal errors
        errors += 1
        print(f"{path}:{line}: {message}")

    for module in MODULES:
        for folder, _, names in sorted(os.walk(module)):
            for name in sorted(names):
                if not name.endswith((".hpp", ".cpp", ".h")):
                    continue
                path = f"{folder}/{name}"
                files += 1
                with open(path, encoding="utf-8") as source:
                    lines = split_lines(source.read())
                for index, (code, comment) in enumerate(lines):
                    for tag, step in TAG.findall(comment):
                        tags += 1
                        if (tag, int(step)) not in steps:
                            fail(path, index + 1, f"[{tag}.{step}] is not in {PROTOCOLS}")
                    if path == SEAM:
                        continue
                    if RAW_ATOMIC.search(code):
                        fail(path, index + 1, "use detail::atomic: std::atomic escapes the model tests")
                    found = [a or b for a, b in ORDER.findall(code)] + ORDER_AT_START.findall(code)
                    orders.update(found)
                    near = " ".join(text for _, text in lines[max(0, index - 3):index + 1])
                    if found and not near.strip():
                        fail(path, index + 1, f"{found[0]}: no comment says why this order")
                    strong = set(found) - {"relaxed"}
                    if strong and not code.lstrip().startswith("using "):
                        if not TAG.search(near):
                            fail(path, index + 1, f"{min(strong)}: no [tag.n] says what it pairs with")
                        for tag, _ in TAG.findall(near):
                            tied[tag] |= strong

    for tag, found in sorted(tied.items()):
        if not found & ACQUIRING or not found & RELEASING:
            fail(PROTOCOLS, 1, f"[{tag}]: in the sources it has only {', '.join(sorted(found))}: "
                               "nothing pairs with that")

    counts = ", ".join(f"{n} {order}" for order, n in sorted(orders.items()))
    print(f"orderings: {files} files, {sum(orders.values())} sites ({counts or 'none'}), "
          f"{tags} tags, {errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
