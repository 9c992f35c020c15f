"""The micro benchmarks: runs of weft_micro, what is kept of them, and two of those side by side.
Beside the time of an operation stand counts of what it did, which hardly vary from run to run: a
change there is one of the program."""

import json
import statistics
import subprocess
from dataclasses import dataclass, field

from . import judge
from .diff import header_lines
from .programs import MICRO, ROOT, Failure, tail
from .samples import laid_out, spread_of
from .table import layout, number

BASELINE = ROOT / "bench" / "micro_baseline.json"
FORMAT = "micro 1"
COUNTERS = ("allocs", "futexes", "parks", "switches", "steals")
NS_OF = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
SMALLEST_COUNT = 0.02  # per operation: below, a count is what came before the first operation

WIDTHS = (52, 18, *(9 for _ in COUNTERS))
DIFF_WIDTHS = (52, 18, 18, 9, 7)


@dataclass
class Row:
    times: list = field(default_factory=list)  # ns per operation, one a run
    counts: dict = field(default_factory=dict)  # {counter: [per operation, one a run]}

    def time(self):
        return statistics.median(self.times)

    def spread(self):
        return spread_of(self.times)

    def count(self, counter):
        return statistics.median(self.counts[counter]) if self.counts.get(counter) else 0.0


@dataclass
class MicroResults:
    header: dict  # facts()
    settings: dict  # rounds, min_time, only
    rows: dict = field(default_factory=dict)  # {name: Row}


def parse(text):
    """[(name, ns, {counter: value})] of what Google Benchmark prints as JSON."""
    try:
        found = []
        for run in json.loads(text)["benchmarks"]:
            if run.get("error_occurred"):
                raise Failure(f"{run['name']}: {run.get('error_message', 'failed')}")
            name = run["name"].removesuffix("/real_time")
            ns = run["real_time"] * NS_OF[run["time_unit"]]
            found.append((name, ns, {c: run[c] for c in COUNTERS if c in run}))
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise Failure(f"weft_micro: unreadable output: {error!r}\n{tail(text)}") from None


def run_once(args):
    command = [MICRO, "--benchmark_format=json", f"--benchmark_min_time={args.min_time}"]
    command += [f"--benchmark_filter={args.only}"] if args.only else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=args.timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(str(error)) from None
    if done.returncode:
        said = f"{tail(done.stdout)}\n{tail(done.stderr)}"
        raise Failure(f"weft_micro: status {done.returncode}\n{said}")
    if not done.stdout.strip():
        raise Failure(f"weft_micro: nothing is called '{args.only}'")
    return parse(done.stdout)


def facts(header, args):
    """Of machine.header() what matters here."""
    others = ("go", "boost", "tbb")
    told = {key: value for key, value in header.items() if key not in others}
    told["runs"] = f"median of {args.rounds}, ± median deviation; {args.min_time:g} s each"
    return told


def measure(args, header, step):
    """`step` is called after each run."""
    settings = {"rounds": args.rounds, "min_time": args.min_time, "only": args.only}
    results = MicroResults(header, settings)
    for _ in range(args.rounds):
        for name, ns, counts in run_once(args):
            row = results.rows.setdefault(name, Row())
            row.times.append(ns)
            for counter, value in counts.items():
                row.counts.setdefault(counter, []).append(value)
        step()
    return results


# ---- files ----


def is_micro(data):
    return isinstance(data, dict) and str(data.get("format", "")).startswith("micro")


def to_json(results):
    """Four digits: it is for comparing."""

    def short(values):
        return [float(f"{value:.4g}") for value in values]

    rows = {
        name: {"ns": short(row.times), **{c: short(v) for c, v in row.counts.items() if any(v)}}
        for name, row in results.rows.items()
    }
    return {"format": FORMAT, "header": results.header, "settings": results.settings, "rows": rows}


def from_json(data):
    if not is_micro(data) or data["format"] != FORMAT:
        raise Failure(f"not a file of tools/bench micro --json, format '{FORMAT}'")
    results = MicroResults(data["header"], data["settings"])
    for name, kept in data["rows"].items():
        counts = {counter: kept[counter] for counter in COUNTERS if counter in kept}
        results.rows[name] = Row(kept["ns"], counts)
    return results


def save(results, path):
    path.write_text(laid_out(to_json(results), row_depth=2) + "\n", encoding="utf-8")


def load(path):
    """None: not a file of the micro benchmarks."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return from_json(data) if is_micro(data) else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(f"{path}: cannot be read: {error}") from None
    except Failure as failure:
        raise Failure(f"{path}: {failure}") from None


def set_baseline(results):
    if results.settings["only"]:
        raise Failure("a baseline has every benchmark: --baseline without --only")
    save(results, BASELINE)


# ---- what is shown ----


def count_text(value):
    return f"{value:.2f}" if value >= SMALLEST_COUNT else "-"


def time_text(row):
    return f"{number(row.time())} ±{100 * row.spread():3.1f}%"


def report(results):
    lines = [f"{key + ':':<11}{value}" for key, value in results.header.items()]
    lines += ["", layout(["per operation", "ns", *COUNTERS], WIDTHS)]
    for name, row in results.rows.items():
        counts = [count_text(row.count(counter)) for counter in COUNTERS]
        lines.append(layout([name, time_text(row), *counts], WIDTHS))
    return "\n".join(lines)


def changed_counts(old, new):
    """[text], of what an operation does more or less often."""
    found = []
    for counter in COUNTERS:
        before, after = old.count(counter), new.count(counter)
        if max(before, after) < SMALLEST_COUNT:
            continue
        if abs(after - before) > max(SMALLEST_COUNT, judge.SMALLEST_CHANGE * before):
            found.append(f"{counter} {count_text(before)} -> {count_text(after)}")
    return found


def diff_row(name, old, new):
    cells, verdict = [time_text(old), time_text(new)], ""
    if old.time():
        change = judge.change(new.time() / old.time(), (old.spread(), new.spread()))
        cells += [f"{change.value:.2f}", f"±{100 * change.noise:.0f}%"]
        if change.is_beyond_noise:
            verdict = "SLOWER" if change.value > 1 else "faster"
    else:
        cells += ["-", "-"]
    said = ", ".join(filter(None, [verdict, *changed_counts(old, new)]))
    return layout([name, *cells, said], DIFF_WIDTHS)


def diff(old, new):
    """As one text. What changed is for a person to judge: nothing here fails."""
    lines = header_lines(old, new, ("date", "cpu", "compiler", "commit", "runs"))
    both = [name for name in new.rows if name in old.rows]
    lines += ["", layout(["ns per operation", "old", "new", "new/old", "noise"], DIFF_WIDTHS)]
    lines += [diff_row(name, old.rows[name], new.rows[name]) for name in both]
    ratios = [new.rows[n].time() / old.rows[n].time() for n in both if old.rows[n].time()]
    middle = judge.mean([r for r in ratios if r > 0])
    mean = f"{middle:.2f}" if middle else "-"
    lines.append(layout(["geometric mean", "", "", mean], DIFF_WIDTHS))
    gone = [name for name in dict.fromkeys([*old.rows, *new.rows]) if name not in both]
    if gone and not (old.settings["only"] or new.settings["only"]):
        lines.append(f"only in one of them: {', '.join(gone)}")
    return "\n".join(lines)
