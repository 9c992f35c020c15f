#!/usr/bin/env python3
"""Fails when README's table of benchmarks is not exactly what the stored baseline gives."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench_suite import readme  # noqa: E402: found by the line above
from bench_suite.programs import Failure  # noqa: E402


def main():
    try:
        problem = readme.problem(readme.README.read_text(encoding="utf-8"), readme.BASELINE)
    except Failure as failure:
        problem = str(failure)
    if problem:
        print(problem)
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
