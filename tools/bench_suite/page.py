"""The HTML report: one file that needs no network, in a light and a dark form."""

from pathlib import Path

import jinja2

from . import judge, plots
from .programs import GO, LANGUAGES, PEERS
from .readme import amount
from .table import LATENCY_COLUMNS, failures, mean_text, quantile_text, ratio_text, short

TEMPLATE = Path(__file__).with_name("page.html")


def value_cell(samples, row, language):
    """What the table has of one language in one row."""
    middle = samples.median(row, language)
    if middle is None:
        return {"text": "failed" if samples.has_failed(row, language) else "–", "spread": ""}
    spread = f"±{100 * samples.spread(row, language):.1f} %"
    return {"text": amount(row, middle), "spread": spread}


def ratio_cell(samples, row, peer):
    r = judge.ratio(samples, row, peer)
    return {"text": "–" if r is None else ratio_text(r), "loss": bool(r and r.is_loss)}


def latency_rows(samples):
    """For who cannot see the figures, or wants the numbers."""
    rows = []
    for row in samples.quantiles:
        for language in LANGUAGES:
            at = dict(samples.distribution(row, language))
            if at:
                texts = [amount("", at[q]) if q in at else "–" for q in LATENCY_COLUMNS]
                rows.append({"row": row, "language": language, "values": texts})
    return rows


def mean_tile(samples, peer):
    value, rows = judge.peer_mean(samples, peer)
    target = judge.MEAN_TARGETS.get(peer)
    lost = sum(1 for _, other, _ in judge.losses(samples) if other == peer)
    return {
        "title": f"weft / {short(peer)}",
        "value": mean_text(value),
        "rows": rows,
        "target": f"target {target:.2f}" if target else "",
        "missed": bool(target and value and value > target),
        "losses": lost,
    }


def section(procs, samples):
    """What the template shows of one number of procs."""
    rows = [
        {
            "name": row,
            "values": [value_cell(samples, row, language) for language in LANGUAGES],
            "ratios": [ratio_cell(samples, row, peer) for peer in PEERS],
            "remarks": "; ".join(judge.remarks(samples, row)),
        }
        for row in samples.rows()
    ]
    return {
        "procs": procs,
        "tiles": [mean_tile(samples, peer) for peer in PEERS],
        "ratios": plots.ratios(f"ratios{procs}", samples),
        "times": plots.times(f"times{procs}", samples),
        "latencies": [
            {"row": row, "svg": plots.latencies(f"latency{procs}-{row}", samples, row)}
            for row in samples.quantiles
        ],
        "latency_rows": latency_rows(samples),
        "rows": rows,
    }


def hand_off(results):
    return [
        {
            "row": row,
            "value": f"{change.value:.2f}",
            "noise": f"±{100 * change.noise:.0f} %",
            "missed": change.value > judge.HAND_OFF_TARGET,
        }
        for row, change in judge.hand_off(results)
    ]


def render(results):
    """The page as text."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.undefined = jinja2.StrictUndefined
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        header=results.header,
        sections=[section(procs, samples) for procs, samples in results.at.items()],
        hand_off=hand_off(results),
        hand_off_target=f"{judge.HAND_OFF_TARGET:.2f}",
        languages=[
            {"name": name, "class": short(name).lower(), "marker": mark}
            for name, mark in zip(LANGUAGES, "●■▲◆")
        ],
        latency_columns=[quantile_text(q) for q in LATENCY_COLUMNS],
        peers=[short(peer) for peer in PEERS],
        notes=results.notes,
        failures=failures(results),
        goal=f"{judge.MEAN_TARGETS[GO]:.2f}",
    )


def write(results, path):
    path.write_text(render(results), encoding="utf-8")
