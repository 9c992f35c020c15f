#!/usr/bin/env python3
"""Fails when a file includes something that its layer must not know. The tables are the rule."""

import fnmatch
import os
import re
import sys

# Layer, its files (first match wins), the layers whose headers it may include besides its own.
LAYERS = [
    ("detail", "runtime/include/weft/detail/*", "public"),
    ("os", "runtime/src/detail/*", "detail"),
    ("public", "runtime/include/weft/*", "detail"),
    ("stack", "runtime/src/stack/*", "detail os"),
    # What the layers below it may say to the crash reporter: these headers know no other.
    ("report", "runtime/src/debug/crash.hpp runtime/src/debug/dump.hpp runtime/src/debug/quit.hpp"
               " runtime/src/debug/lost_wait.hpp runtime/src/debug/stall.hpp"
               " runtime/src/debug/ask.hpp",
     "detail os public"),
    ("queues", "runtime/src/sched/goroutine.* runtime/src/sched/locals.hpp"
               " runtime/src/sched/global_queue.* runtime/src/sched/ring.* runtime/src/sched/deque.* runtime/src/time/clock.*"
               " runtime/src/time/timer_heap.* runtime/src/net/poll*.* runtime/src/net/epoll.*",
     "detail os public stack"),
    ("sched", "runtime/src/sched/*", "detail os public stack queues report"),
    ("sync", "runtime/src/sync/* runtime/src/time/* runtime/src/error/*", "detail os public stack queues sched report"),
    ("net", "runtime/src/net/*", "detail os public stack queues sched report"),
    ("testing", "runtime/src/testing/*", "detail os public stack queues sched report"),
    ("debug", "runtime/src/debug/*", "detail os public stack queues sched report"),
    ("channels public", "channels/include/*", "detail public"),
    ("channels", "channels/src/*", "detail public,channels public"),
    ("context public", "context/include/*", "detail public,channels public"),
    ("context", "context/src/*", "detail public,channels public,context public"),
]
# Outside headers that only these layers may include; public headers may include none of them.
OUTSIDE = {"boost/": ["stack"], "concurrentqueue/": ["queues", "sched"]}
# Operating-system headers, which no public header may include.
SYSTEM = re.compile(r"(sys|linux|arpa|net|netinet|asm|bits)/|(pthread|unistd|fcntl|sched|signal|poll|"
                    r"semaphore|dlfcn|execinfo|ucontext|immintrin|x86intrin)\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MODULES = ("runtime", "channels", "context")


def allowed_layers(text):
    """'a b,c d': the words of the first part, and the later parts as they are."""
    first, *rest = text.split(",")
    return set(first.split()) | set(rest)


def layer_of(path):
    for name, patterns, _ in LAYERS:
        if any(fnmatch.fnmatch(path, pattern) for pattern in patterns.split()):
            return name
    return None


def resolve(path, quote, name):
    """The repository path that an include names, or None for a header from outside."""
    module = path.split("/")[0]
    places = [f"{m}/include" for m in MODULES]
    if quote == '"':
        places = [os.path.dirname(path), f"{module}/src"] + places + [f"{m}/src" for m in MODULES]
    for place in places:
        candidate = os.path.normpath(f"{place}/{name}")
        if os.path.isfile(candidate):
            return candidate
    return None


def check(path, quote, name):
    layer = layer_of(path)
    if layer is None:
        return "this file is in no layer: add it to the table in tools/lint/layers.py"
    target = resolve(path, quote, name)
    if target is None:
        if name.startswith("weft/"):
            return f"<{name}> does not exist"
        for prefix, layers in OUTSIDE.items():
            if name.startswith(prefix) and layer not in layers:
                return f"<{name}> may be included only by {', '.join(layers)}, not by {layer}"
        if (layer == "detail" or layer.endswith("public")) and SYSTEM.match(name):
            return f"a public header must not include the system header <{name}>"
        return None
    target_layer = layer_of(target)
    may = next(allowed_layers(text) for known, _, text in LAYERS if known == layer)
    if target_layer != layer and target_layer not in may:
        return f"{layer} must not include {target_layer} ({target})"
    return None


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    files = includes = errors = 0
    for module in MODULES:
        for folder, _, names in sorted(os.walk(module)):
            for file_name in sorted(names):
                if not file_name.endswith((".hpp", ".cpp", ".h")):
                    continue
                path = f"{folder}/{file_name}"
                files += 1
                with open(path, encoding="utf-8") as source:
                    for line_number, line in enumerate(source, 1):
                        found = INCLUDE.match(line)
                        if not found:
                            continue
                        includes += 1
                        message = check(path, found[1], found[2])
                        if message:
                            errors += 1
                            print(f"{path}:{line_number}: {message}")
    print(f"layers: {files} files, {includes} includes, {errors} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
