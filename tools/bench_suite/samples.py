"""Everything that was measured, and its JSON: the form in which it is kept, compared and shown."""

import json
import statistics
from dataclasses import dataclass, field

from .programs import Failure

FORMAT = 2


def spread_of(values):
    """Median absolute deviation, as a share of the median."""
    middle = statistics.median(values)
    return statistics.median(abs(v - middle) for v in values) / middle if middle else 0.0


class Samples:
    """Everything that was measured at one number of procs."""

    def __init__(self):
        self.workload_of = {}  # {row: workload}, in the order in which they came
        self.values = {}  # {row: {language: [value per run]}}
        self.quantiles = {}  # {row: {language: [[(q, ns)] per run]}}
        self.failed = {}  # {(workload, language): message}

    def add(self, workload, row, language, value, quantiles=()):
        self.workload_of.setdefault(row, workload)
        self.values.setdefault(row, {}).setdefault(language, []).append(value)
        if quantiles:
            of_row = self.quantiles.setdefault(row, {}).setdefault(language, [])
            of_row.append([list(pair) for pair in quantiles])

    def rows(self):
        """All rows, and the workloads of which nothing is known but that they failed."""
        known = set(self.workload_of.values())
        failed = dict.fromkeys(workload for workload, _ in self.failed if workload not in known)
        return [*self.workload_of, *failed]

    def has_failed(self, row, language):
        return (self.workload_of.get(row, row), language) in self.failed

    def median(self, row, language):
        """None: not measured, or a run of it failed, so that the others prove nothing."""
        values = self.values.get(row, {}).get(language)
        return statistics.median(values) if values and not self.has_failed(row, language) else None

    def spread(self, row, language):
        """spread_of() what was measured; 0 of nothing."""
        if self.median(row, language) is None:
            return 0.0
        return spread_of(self.values[row][language])

    def distribution(self, row, language):
        """[(q, ns)]: at each q the median of what the runs had there. Empty: not measured."""
        if self.has_failed(row, language):
            return []
        at = {}
        for run in self.quantiles.get(row, {}).get(language, []):
            for q, value in run:
                at.setdefault(q, []).append(value)
        return [(q, statistics.median(at[q])) for q in sorted(at)]


@dataclass
class Results:
    """A whole comparison."""

    header: dict  # machine.header()
    settings: dict  # rounds, scale, only: the workloads that were asked for
    notes: list  # on rows in which a language does other work
    broken: dict = field(default_factory=dict)  # {language: why it did not run at all}
    at: dict = field(default_factory=dict)  # {procs: Samples}

    def is_complete(self):
        return not self.broken and not any(samples.failed for samples in self.at.values())


def to_json(results):
    procs = {}
    for n, samples in results.at.items():
        rows = {}
        for row, workload in samples.workload_of.items():
            rows[row] = {"workload": workload, "samples": samples.values[row]}
            if row in samples.quantiles:
                rows[row]["quantiles"] = samples.quantiles[row]
        procs[str(n)] = {"rows": rows}
        if samples.failed:
            procs[str(n)]["failed"] = [
                {"workload": workload, "language": language, "message": message}
                for (workload, language), message in samples.failed.items()
            ]
    return {
        "format": FORMAT,
        "header": results.header,
        "settings": results.settings,
        "notes": results.notes,
        "broken": results.broken,
        "procs": procs,
    }


def from_json(data):
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise Failure(f"not a file of tools/bench compare --json, format {FORMAT}")
    results = Results(data["header"], data["settings"], data["notes"], data["broken"])
    for n, kept in data["procs"].items():
        samples = results.at[int(n)] = Samples()
        for row, of_row in kept["rows"].items():
            samples.workload_of[row] = of_row["workload"]
            samples.values[row] = of_row["samples"]
            if "quantiles" in of_row:
                samples.quantiles[row] = of_row["quantiles"]
        for failure in kept.get("failed", []):
            samples.failed[failure["workload"], failure["language"]] = failure["message"]
    return results


def trimmed(results):
    """What a stored baseline needs: four digits of each sample, no distributions."""
    small = Results(results.header, results.settings, results.notes, dict(results.broken))
    for n, samples in results.at.items():
        kept = small.at[n] = Samples()
        kept.workload_of, kept.failed = dict(samples.workload_of), dict(samples.failed)
        for row, languages in samples.values.items():
            kept.values[row] = {
                language: [float(f"{value:.4g}") for value in values]
                for language, values in languages.items()
            }
    return small


def laid_out(value, row_depth=4, depth=0):
    """JSON with one row to a line, so that a new baseline is a readable change."""
    if depth == row_depth or not value or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    inner, outer = " " * (depth + 1), " " * depth
    if isinstance(value, list):
        items = [laid_out(item, row_depth, depth + 1) for item in value]
    else:
        items = [
            f"{json.dumps(key)}: {laid_out(item, row_depth, depth + 1)}"
            for key, item in value.items()
        ]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n{inner}" + f",\n{inner}".join(items) + f"\n{outer}{closing}"


def save(results, path):
    path.write_text(laid_out(to_json(results)) + "\n", encoding="utf-8")


def load(path):
    try:
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError) as error:
        raise Failure(f"{path}: cannot be read: {error}") from None
    except Failure as failure:
        raise Failure(f"{path}: {failure}") from None
