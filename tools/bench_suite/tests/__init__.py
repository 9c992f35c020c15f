"""Tests of the parsing, the statistics and the tables. Nothing here measures anything.

  python3 -m unittest discover -s tools/bench_suite -t tools
"""

from bench_suite.programs import BOOST, GO, TBB, WEFT
from bench_suite.samples import Results, Samples

HEADER = {
    "date": "2020-02-02 02:02 UTC",
    "cpu": "A processor",
    "cores": "2, 2 usable, load 0.1 at start",
    "governor": "not visible",
    "kernel": "Linux 6.1.0",
    "compiler": "c++ 12",
    "flags": "-O2",
    "allocator": "glibc 2.36 malloc",
    "go": "go1.23",
    "boost": "1.81",
    "tbb": "2021.8",
    "commit": "0123456789ab",
    "runs": "median of 3, ± median deviation; scale 1",
}
SPAWN_QUANTILES = ((0, 10), (0.5, 20), (0.99, 30), (1, 1000))


def samples(rows):
    """{row: {language: [value]}}; workloads are named as their rows."""
    made = Samples()
    for row, languages in rows.items():
        for language, values in languages.items():
            for value in values:
                made.add(row, row, language, value)
    return made


def results():
    """A small comparison: a win, a loss, a peer with a limit of its own, idleness, bytes."""
    made = Results(HEADER, {"rounds": 3, "scale": 1.0, "only": []}, ["TBB has no stacks"])
    rows = {
        "ping_pong": {WEFT: [9, 10, 12], GO: [40, 40, 44], BOOST: [100, 100, 100]},
        "spawn_one": {WEFT: [20, 20, 20], GO: [10, 10, 10], BOOST: [40, 40, 40]},
        "fib_27": {WEFT: [12, 12, 12], GO: [48, 48, 48], BOOST: [24, 24, 24], TBB: [10, 10, 10]},
        "idle_cpu": {WEFT: [3000, 3000, 3000], GO: [1000, 1000, 1000], BOOST: [9e6, 9e6, 9e6]},
        "parked_bytes": {WEFT: [4200, 4200, 4200], GO: [2600, 2600, 2600]},
    }
    made.at = {1: samples(rows), 2: samples(rows)}
    for _ in range(3):
        made.at[1].add("spawn_one", "spawn_one", WEFT, 20, SPAWN_QUANTILES)
    made.at[2].values["ping_pong"][WEFT] = [12, 12, 12]
    return made
