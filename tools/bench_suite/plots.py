"""The figures of the HTML report, as SVG to be put into the page.

Colours are the page's: the figures are drawn in stand-ins, which become CSS variables, so that one
figure is readable on a light and on a dark page. Text stays text. No figure says by colour alone
what it says: losses carry the word, languages a marker of their own.
"""

import io
import math
import re

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from . import judge
from .programs import BOOST, GO, LANGUAGES, PEERS, TBB, WEFT
from .readme import amount
from .table import quantile_text, ratio_text, short

# Stand-in -> variable of page.html. Any colours that matplotlib writes nowhere else.
INK, FAINT, PAPER = "#010101", "#020202", "#030303"
GOOD, BAD = "#040404", "#050505"
OF_LANGUAGE = {WEFT: "#060606", GO: "#070707", BOOST: "#080808", TBB: "#090909"}
VARIABLES = {INK: "ink", FAINT: "faint", PAPER: "paper", GOOD: "good", BAD: "bad"}
VARIABLES |= {OF_LANGUAGE[WEFT]: "weft", OF_LANGUAGE[GO]: "go"}
VARIABLES |= {OF_LANGUAGE[BOOST]: "boost", OF_LANGUAGE[TBB]: "tbb"}
MARKERS = {WEFT: "o", GO: "s", BOOST: "^", TBB: "D"}

STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
}


def to_svg(figure, name):
    """The <svg> element. `name` keeps the ids of several figures in one page apart."""
    out = io.StringIO()
    FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", svg)
    for stand_in, variable in VARIABLES.items():
        svg = svg.replace(stand_in, f"var(--{variable})")
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace("<svg", '<svg aria-hidden="true"', 1).strip()


def drawn(draw):
    """Gives the function that fills a figure the style, and makes SVG of what it returns."""

    def figure_of(name, *args):
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
            figure = draw(*args)
            figure.set_facecolor("none")
            return to_svg(figure, name)

    return figure_of


def mark_rows(axes, rows):
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first row on top
    axes.tick_params(axis="y", length=0)
    axes.set_axisbelow(True)
    axes.grid(axis="x")


def plain_number(value, _=None):
    return f"{value:g}"


@drawn
def ratios(samples):
    """Bars from 1 to weft/peer, one panel per peer, one row per row."""
    rows = samples.rows()
    figure = Figure(figsize=(11, 1.0 + 0.21 * len(rows)), layout="constrained")
    for axes, peer in zip(figure.subplots(1, len(PEERS), sharey=True), PEERS):
        found = [judge.ratio(samples, row, peer) for row in rows]
        finite = [r.value for r in found if r and 0 < r.value < math.inf]
        axes.set_xscale("log")
        low, high = min([0.1, *finite]) / 1.3, max([1.3, *finite]) * 2.6
        for y, r in enumerate(found):
            if r is None:
                continue
            value = min(max(r.value, low), high)
            colour = BAD if r.is_loss else (FAINT if r.is_nothing else GOOD)
            axes.barh(y, value - 1, left=1, height=0.7, color=colour)
            text = ratio_text(r) + (" LOSS" if r.is_loss else " ≈ 0" if r.is_nothing else "")
            axes.annotate(
                text, (max(value, 1), y), (3, 0), textcoords="offset points", va="center", size=7.5
            )
        axes.axvline(1, color=INK, linewidth=1)
        if peer in judge.MEAN_TARGETS:
            axes.axvline(judge.MEAN_TARGETS[peer], color=INK, linewidth=0.8, linestyle=":")
        if judge.LIMITS[peer] != 1:
            axes.axvline(judge.LIMITS[peer], color=INK, linewidth=0.8, linestyle="--")
        axes.set_xlim(low, high)
        axes.xaxis.set_major_formatter(plain_number)
        axes.xaxis.set_minor_formatter("")
        axes.set_title(f"weft / {short(peer)}", size=10)
        mark_rows(axes, rows)
    return figure


@drawn
def times(samples):
    """One marker per language, on a logarithmic axis. The page has the key."""
    rows = [row for row in samples.rows() if judge.unit(row) != "bytes"]
    figure = Figure(figsize=(11, 1.2 + 0.21 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    for language in LANGUAGES:
        points = [(samples.median(row, language), y) for y, row in enumerate(rows)]
        points = [(x, y) for x, y in points if x]
        axes.plot(
            *(zip(*points) if points else ((), ())),
            linestyle="none",
            marker=MARKERS[language],
            color=OF_LANGUAGE[language],
            markersize=5.5,
        )
    mark_rows(axes, rows)
    axes.xaxis.set_major_formatter(lambda ns, _: amount("", ns))
    return figure


def tail_place(q, last):
    """Nines: 0.9 is at 1, 0.99 at 2; q = 1 one step beyond the last that was measured."""
    return last if q >= 1 else -math.log10(1 - q)


@drawn
def latencies(samples, row):
    """Quantiles: the farther right, the rarer; the lower, the better."""
    figure = Figure(figsize=(3.6, 2.6), layout="constrained")
    axes = figure.subplots()
    axes.set_yscale("log")
    of_language = {lang: samples.distribution(row, lang) for lang in LANGUAGES}
    inner = [q for pairs in of_language.values() for q, _ in pairs if q < 1]
    last = tail_place(max(inner, default=0), 0) + 1
    for language, pairs in of_language.items():
        pairs = [(tail_place(q, last), ns) for q, ns in pairs if ns > 0]
        axes.plot(
            *(zip(*pairs) if pairs else ((), ())),
            marker=MARKERS[language],
            markersize=4,
            color=OF_LANGUAGE[language],
            linewidth=1.4,
        )
    shown = [q for q in (0.5, 0.9, 0.99, 0.999, 0.9999) if tail_place(q, last) < last - 0.5]
    shown.append(1)
    axes.set_xticks([tail_place(q, last) for q in shown], map(quantile_text, shown))
    axes.yaxis.set_major_formatter(lambda ns, _: amount("", ns))
    axes.grid(axis="y")
    axes.set_title(row, size=10)
    return figure
