"""Runs the programs: one process per run, in turns. What they print:

  PROGRAM --list                                 name<TAB>count[<TAB>note] per workload
  PROGRAM --only W --procs N --scale F           ROW<TAB>VALUE[<TAB>QUANTILES] per row

QUANTILES is a distribution of single latencies, `q:value` pairs joined by commas, q ascending from
0 to 1. bench/README.md says what the unit of VALUE is.
"""

import math
import subprocess
from typing import NamedTuple

from .programs import BINARIES, Failure, output, tail
from .samples import Samples


class Reading(NamedTuple):
    """One row of one run."""

    value: float
    quantiles: tuple  # of (q, ns); empty: none were measured


def number(text):
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(text)
    return value


def parse_quantiles(text):
    pairs = tuple(tuple(map(number, pair.split(":"))) for pair in text.split(","))
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(text)
    for before, after in zip(pairs, pairs[1:]):
        if not (before[0] < after[0] and before[1] <= after[1]):
            raise ValueError(text)
    if pairs[0][0] != 0 or pairs[-1][0] != 1:
        raise ValueError(text)
    return pairs


def parse_rows(text):
    """{row: Reading}. Raises Failure with the lines if they are not what the protocol says."""
    rows = {}
    try:
        for line in text.splitlines():
            row, value, *quantiles = line.split("\t")
            if not row or row in rows or len(quantiles) > 1:
                raise ValueError(line)
            rows[row] = Reading(number(value), parse_quantiles(quantiles[0]) if quantiles else ())
        if not rows:
            raise ValueError("nothing")
    except ValueError:
        raise Failure(f"unreadable output:\n{tail(text)}") from None
    return rows


def list_workloads(language):
    """{name: (count, note)} from the program itself, in its order."""
    table = {}
    for line in output([BINARIES[language], "--list"]).splitlines():
        name, count, *note = line.split("\t")
        table[name] = (int(count), note[0] if note else "")
    return table


def run_once(language, workload, procs, scale, timeout):
    """One process, one workload: {row: Reading}. Raises Failure with the program's words."""
    command = [BINARIES[language], "--only", workload, "--procs", str(procs), "--scale", str(scale)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace")
        raise Failure(f"no end after {timeout} s\n{said}".strip()) from None
    except OSError as error:
        raise Failure(str(error)) from None
    if done.returncode:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
        raise Failure(f"{how}\n{tail(done.stderr)}".strip())
    return parse_rows(done.stdout)


def plan_runs(tables, only):
    """{workload: {language: note}} of the languages' {name: (count, note)}. All must count the same
    operations, but where a note says otherwise."""
    plan, counts = {}, {}
    for language, table in tables.items():
        for name, (count, note) in table.items():
            plan.setdefault(name, {})[language] = note
            if not note and counts.setdefault(name, count) != count:
                raise Failure(f"{name}: {language} counts {count}, another {counts[name]}")
    unknown = [name for name in only if name not in plan]
    if unknown:
        raise Failure(f"no workload {', '.join(unknown)}; there are: {', '.join(plan)}")
    return {name: plan[name] for name in only or plan}


def count_runs(plan, procs_list, rounds):
    return sum(map(len, plan.values())) * len(procs_list) * rounds


def measure(plan, languages, procs_list, rounds, run, step):
    """{procs: Samples} from rounds of one run(language, workload, procs) each. Every other round is
    in reverse order: a drift of the machine falls on all alike, also on 1 worker and 2. What fails
    is not run again."""
    results = {procs: Samples() for procs in procs_list}
    for workload, has in plan.items():
        order = [(p, language) for p in procs_list for language in languages if language in has]
        for turn in range(rounds):
            for procs, language in order if turn % 2 == 0 else reversed(order):
                step(f"procs {procs}  {workload}  {language}")
                samples = results[procs]
                if (workload, language) in samples.failed:
                    continue
                try:
                    rows = run(language, workload, procs)
                except Failure as failure:
                    samples.failed[workload, language] = str(failure)
                else:
                    for row, reading in rows.items():
                        samples.add(workload, row, language, reading.value, reading.quantiles)
    return results
