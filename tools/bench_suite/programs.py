"""The programs that are compared, and how a command is asked for its output."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "bench"
GO_SOURCE = ROOT / "bench" / "compare" / "go"
MICRO = BUILD / "bench" / "weft_micro"

WEFT, GO, BOOST, TBB = "weft", "Go", "Boost.Fiber", "TBB"
PEERS = (GO, BOOST, TBB)
LANGUAGES = (WEFT, *PEERS)

CMAKE_TARGETS = {WEFT: "weft_compare", BOOST: "boost_fiber_compare", TBB: "tbb_compare"}
BINARIES = {
    language: BUILD / "bench" / CMAKE_TARGETS.get(language, "go_compare") for language in LANGUAGES
}


class Failure(Exception):
    """A message for the user; the program ends with status 1."""


def output(command, given=None):
    """What the command prints, stripped; empty if it cannot run."""
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def tail(text, lines=15):
    return "\n".join("  " + line for line in text.strip().splitlines()[-lines:])


def say(text):
    print(text, file=sys.stderr, flush=True)
