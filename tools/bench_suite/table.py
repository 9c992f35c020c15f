"""The report on a terminal."""

from . import judge
from .programs import GO, LANGUAGES, PEERS

SHORT = {"Boost.Fiber": "Boost"}
WIDTHS = (18, 16, 16, 16, 16, 9, 12, 10)


UNITS = [
    "Rows are ns per operation; _cpu: CPU time; idle_cpu: CPU time per second; _bytes: bytes,",
    "which the means leave out. bench/README.md says what each row does.",
]
LATENCY_COLUMNS = (0.5, 0.9, 0.99, 0.999, 1)


def quantile_text(q):
    return "max" if q == 1 else f"{100 * q:g} %"


def short(language):
    return SHORT.get(language, language)


def number(value):
    return f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def ratio_text(r):
    """Two decimals, so that columns can be compared; more would be noise. But never 0.00."""
    if r is None:
        return "-"
    return f"{r.value:.2f}" if r.value >= 0.01 or r.value == 0 else f"{r.value:.1g}"


def mean_text(value):
    return "-" if value is None else f"{value:.2f}"


def layout(cells, widths=WIDTHS):
    """The first to the left, the others to the right, and what is beyond the widths behind them."""
    columns = [f"{cells[0]:<{widths[0]}}"]
    columns += [f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:])]
    rest = "  ".join(cells[len(widths) :])
    return ("".join(columns) + (f"  {rest}" if rest else "")).rstrip()


def cell(samples, row, language):
    middle = samples.median(row, language)
    if middle is None:
        return "FAILED" if samples.has_failed(row, language) else "-"
    return f"{number(middle)} ±{100 * samples.spread(row, language):3.1f}%"


def results_table(procs, samples):
    """Lines: every row, then the geometric means and what is above its limit."""
    lines = [f"procs {procs}"]
    times, ratios = map(short, LANGUAGES), [f"weft/{short(peer)}" for peer in PEERS]
    lines.append(layout(["row", *times, *ratios]))
    for row in samples.rows():
        cells = [cell(samples, row, language) for language in LANGUAGES]
        ratios = [ratio_text(judge.ratio(samples, row, peer)) for peer in PEERS]
        lines.append(layout([row, *cells, *ratios, "; ".join(judge.remarks(samples, row))]))
    means = {peer: judge.peer_mean(samples, peer) for peer in PEERS}
    texts = [mean_text(value) for value, _ in means.values()]
    lines.append(layout(["geometric mean", "", "", "", "", *texts, mean_verdict(means[GO][0])]))
    counts = [f"{lost} of {rows} to {peer}" for peer, lost, rows in judge.count_losses(samples)]
    lines.append(f"losses: {', '.join(counts)}")
    return lines


def mean_verdict(value):
    target = judge.MEAN_TARGETS[GO]
    if value is None:
        return ""
    return f"weft/Go target {target:.2f}: {'met' if value <= target else 'missed'}"


def hand_off_table(results):
    """Lines: does a second worker make hand-offs slower?"""
    found = judge.hand_off(results)
    if not found:
        return []
    lines = [f"weft on 2 workers over weft on 1, at most {judge.HAND_OFF_TARGET:.2f}"]
    for row, change in found:
        met = "ok" if change.value <= judge.HAND_OFF_TARGET else "ABOVE"
        lines.append(layout([row, f"{change.value:.2f} ±{100 * change.noise:.0f}%", met], (18, 14)))
    return lines


def latency_table(procs, samples):
    """Lines: median and tail of the rows that have a distribution."""
    lines = []
    for row in samples.quantiles:
        for language in LANGUAGES:
            at = dict(samples.distribution(row, language))
            if at:
                texts = [number(at[q]) if q in at else "-" for q in LATENCY_COLUMNS]
                lines.append(layout([row, short(language), *texts], (19, 8, 11, 11, 11, 11, 13)))
    if lines:
        titles = ["latency, ns", "", *map(quantile_text, LATENCY_COLUMNS)]
        lines[:0] = [f"procs {procs}", layout(titles, (19, 8, 11, 11, 11, 11, 13))]
    return lines


def failures(results):
    """Lines: what did not run, in the programs' own words."""
    lines = [f"{language} did not run: {text}" for language, text in results.broken.items()]
    for procs, samples in results.at.items():
        for (workload, language), message in samples.failed.items():
            lines.append(f"FAILED {workload}, {language}, procs {procs}: {message}")
    return lines


def report(results):
    """Everything, as one text."""
    parts = [[f"{key + ':':<11}{value}" for key, value in results.header.items()]]
    parts += [results_table(procs, samples) for procs, samples in results.at.items()]
    parts.append(hand_off_table(results))
    parts += [latency_table(procs, samples) for procs, samples in results.at.items()]
    parts.append([f"note: {note}." for note in results.notes])
    parts.append(UNITS)
    parts.append(failures(results))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)
