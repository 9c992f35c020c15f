"""What must be installed, and building the programs."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .programs import (
    BINARIES,
    BOOST,
    BUILD,
    CMAKE_TARGETS,
    GO,
    GO_SOURCE,
    ROOT,
    TBB,
    WEFT,
    Failure,
    output,
    say,
    tail,
)

# By the library: the headers may come with others' packages.
LINKED = {BOOST: ("boost_fiber", "libboost-fiber1.81-dev"), TBB: ("tbb", "libtbb-dev")}
MODULES = {"matplotlib": "python3-matplotlib", "jinja2": "python3-jinja2"}


def find_go():
    """The newest Go among PATH and Debian's versioned folders, as (path, version)."""
    candidates = [shutil.which("go"), *map(str, Path("/usr/lib").glob("go-*/bin/go"))]
    found = []
    for path in filter(None, candidates):
        text = output([path, "version"])
        version = re.search(r"go(\d+(?:\.\d+)*)", text)
        if version:
            found.append(([int(n) for n in version[1].split(".")], path, text))
    if not found:
        return None, "not found"
    _, path, text = max(found)
    return path, text


def can_link(library):
    command = ["c++", "-shared", "-o", os.devnull, "-x", "c++", os.devnull, f"-l{library}"]
    return subprocess.run(command, capture_output=True).returncode == 0


def missing_packages(languages, modules):
    """Debian packages that are needed and not there."""
    tools = {"cmake": "cmake", "ninja": "ninja-build", "c++": "g++"} if languages else {}
    missing = [package for tool, package in tools.items() if not shutil.which(tool)]
    if GO in languages and not find_go()[0]:
        missing.append("golang-go")
    if "g++" not in missing:
        for language, (library, package) in LINKED.items():
            if language in languages and not can_link(library):
                missing.append(package)
    importlib.invalidate_caches()
    missing += [MODULES[module] for module in modules if not importlib.util.find_spec(module)]
    return missing


def install_what_is_missing(languages, modules=()):
    """Weft's own programs need no more than weft itself; others' the packages of others, and the
    HTML report those of its `modules`."""
    missing = missing_packages(languages, modules)
    if not missing:
        return
    say(f"installing: {' '.join(missing)}")
    groups = ["build"] if list(languages) == [WEFT] and not modules else ["build", "bench"]
    subprocess.run([ROOT / "tools" / "install", *groups], stdout=sys.stderr, check=False)
    missing = missing_packages(languages, modules)
    if missing:
        raise Failure(f"missing packages; as root:\n  apt-get install {' '.join(missing)}")


def run_step(command, cwd, env=None):
    """None, or what the command said when it failed."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        return f"{' '.join(map(str, command))}\n{tail(str(error))}"
    return f"{' '.join(map(str, command))}\n{tail(done.stdout)}" if done.returncode else None


def cmake_build(target, jobs):
    """None, or why the target could not be built."""
    return run_step(["cmake", "--preset", "bench"], ROOT) or run_step(
        ["cmake", "--build", "--preset", "bench", "--target", target, "-j", str(jobs)], ROOT
    )


def build(languages, jobs):
    """Builds the programs; returns {language: message} of those that could not be built."""
    broken = {}
    for language in languages:
        say(f"building {language}")
        BINARIES[language].parent.mkdir(parents=True, exist_ok=True)
        if language == GO:
            env = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"}
            command = [find_go()[0], "build", "-p", str(jobs), "-o", BINARIES[GO], "."]
            message = run_step(command, GO_SOURCE, env)
        else:
            message = cmake_build(CMAKE_TARGETS[language], jobs)
        if message is not None:
            broken[language] = message
    return broken


def cmake_cache():
    """What the build was configured with; empty before the first one."""
    try:
        text = (BUILD / "CMakeCache.txt").read_text()
    except OSError:
        return {}
    return dict(re.findall(r"^(\w+):[A-Z]+=(.*)$", text, re.MULTILINE))
