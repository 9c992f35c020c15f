"""Two files of samples, row by row: weft's own times, and weft over Go, from which a machine that
was slower that day cancels out."""

from typing import NamedTuple, Optional

from . import judge
from .programs import GO, WEFT
from .table import layout, number

WIDTHS = (19, 16, 16, 10, 9, 9, 18)


class Pair(NamedTuple):
    """One row in both files."""

    row: str
    medians: tuple  # weft's, old and new
    spreads: tuple
    weft: judge.Change  # new over old
    ratios: Optional[tuple]  # weft/Go, old and new; None: Go is not in both
    to_go: Optional[judge.Change]
    is_nothing: bool = False  # both are practically nothing

    @property
    def verdict(self):
        """By weft/Go where it is known; weft's own times may only have met another machine."""
        if self.is_nothing:
            return ""
        told = self.to_go or self.weft
        if told.is_beyond_noise:
            return "SLOWER" if told.value > 1 else "faster"
        if self.to_go and self.weft.is_beyond_noise:
            return "moved with Go"
        return ""


def compare_row(row, old, new):
    """None: weft was not measured in both."""
    medians = tuple(samples.median(row, WEFT) for samples in (old, new))
    if not all(medians):
        return None
    spreads = tuple(samples.spread(row, WEFT) for samples in (old, new))
    weft = judge.change(medians[1] / medians[0], spreads)
    floor = judge.NOTHING_BELOW.get(row, 0)
    if max(medians) < floor:
        return Pair(row, medians, spreads, weft, None, None, is_nothing=True)
    of_go = tuple(samples.median(row, GO) for samples in (old, new))
    if not all(of_go) or min(of_go) < floor:
        return Pair(row, medians, spreads, weft, None, None)
    ratios = tuple(mine / go for mine, go in zip(medians, of_go))
    all_spreads = (*spreads, *(samples.spread(row, GO) for samples in (old, new)))
    return Pair(
        row, medians, spreads, weft, ratios, judge.change(ratios[1] / ratios[0], all_spreads)
    )


def compare(old, new):
    """{procs: [Pair]} of what both have."""
    found = {}
    for procs, samples in new.at.items():
        if procs in old.at:
            pairs = [compare_row(row, old.at[procs], samples) for row in samples.rows()]
            found[procs] = [pair for pair in pairs if pair]
    return found


def show_row(pair):
    cells = [f"{number(m)} ±{100 * s:3.1f}%" for m, s in zip(pair.medians, pair.spreads)]
    cells.append(f"{pair.weft.value:.2f}")
    if pair.to_go:
        cells += [f"{r:.2f}" for r in pair.ratios]
        cells.append(f"{pair.to_go.value:.2f} ±{100 * pair.to_go.noise:.0f}%")
    else:
        cells += ["-", "-", f"±{100 * pair.weft.noise:.0f}%"]
    return layout([pair.row, *cells, pair.verdict], WIDTHS)


def header_lines(old, new, keys):
    """What both say of themselves, and where they differ."""
    lines = []
    for key in keys:
        before, after = old.header.get(key, "?"), new.header.get(key, "?")
        lines.append(f"{key + ':':<10}{before}" + ("" if before == after else f"  ->  {after}"))
    return lines


def report(old, new):
    """As one text. What changed is for a person to judge: nothing here fails."""
    lines = header_lines(old, new, ("date", "cpu", "compiler", "go", "commit", "runs"))
    if old.settings.get("scale") != new.settings.get("scale"):
        lines.append("The scales differ: rows that depend on their size cannot be compared.")
    compared = compare(old, new)
    for procs, pairs in compared.items():
        titles = ("old", "new", "new/old", "old/Go", "new/Go", "new/old of these")
        lines += ["", f"procs {procs}", layout(["weft ns", *titles], WIDTHS)]
        lines += map(show_row, pairs)
        timed = [p for p in pairs if judge.unit(p.row) != "bytes" and not p.is_nothing]
        means = [judge.mean([p.weft.value for p in timed])]
        means.append(judge.mean([p.to_go.value for p in timed if p.to_go]))
        texts = [f"{m:.2f}" if m else "-" for m in means]
        lines.append(layout(["geometric mean", "", "", texts[0], "", "", texts[1]], WIDTHS))
        both = {pair.row for pair in pairs}
        rows = dict.fromkeys([*old.at[procs].rows(), *new.at[procs].rows()])
        gone = [row for row in rows if row not in both]
        if gone:
            lines.append(f"only in one of them: {', '.join(gone)}")
    if not compared:
        lines.append("\nNothing in common: other numbers of procs.")
    return "\n".join(lines)
