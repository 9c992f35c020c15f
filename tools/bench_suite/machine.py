"""What a reader must know of the machine to judge the numbers."""

import datetime
import os
import platform
import re
from pathlib import Path

from .build import cmake_cache, find_go
from .programs import ROOT, output


def macro(header, names):
    """What the preprocessor makes of the names, as words without quotes; empty without header."""
    source = f"#include <{header}>\n" + " ".join(names) + "\n"
    text = output(["c++", "-E", "-P", "-x", "c++", "-"], source)
    last = text.splitlines()[-1] if text else ""
    return [] if any(name in last for name in names) else last.replace('"', "").split()


def header(rounds, scale):
    """In the order in which it is shown. No host names: the numbers are of a kind of machine."""
    cache = cmake_cache()
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    commit = output(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"]) or "unknown"
    changes = output(["git", "-C", str(ROOT), "status", "--porcelain"])
    usable, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    flags = [cache.get("CMAKE_CXX_FLAGS", ""), cache.get("CMAKE_CXX_FLAGS_RELEASE", "")]
    flags += ["-falign-loops=32"]  # bench/CMakeLists.txt says why
    compiler = output([cache.get("CMAKE_CXX_COMPILER", "c++"), "--version"])
    boost = "".join(macro("boost/version.hpp", ["BOOST_LIB_VERSION"]))
    tbb = macro("oneapi/tbb/version.h", ["TBB_VERSION_MAJOR", "TBB_VERSION_MINOR"])
    return {
        "date": datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": f"{os.cpu_count()}, {usable} usable, load {load:.1f} at start",
        "governor": governor.read_text().strip() if governor.exists() else "not visible",
        "kernel": f"{platform.system()} {platform.release().split('-')[0]}",
        "compiler": compiler.split("\n")[0] or "not found",
        "flags": " ".join(filter(None, flags)),
        "allocator": os.confstr("CS_GNU_LIBC_VERSION") + " malloc",
        "go": find_go()[1].removeprefix("go version "),
        "boost": boost.replace("_", ".") or "not found",
        "tbb": ".".join(tbb) or "not found",
        "commit": commit + (" with local changes" if changes else ""),
        "runs": f"median of {rounds}, ± median deviation; scale {scale:g}",
    }
