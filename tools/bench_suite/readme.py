"""The table in README.md and the stored baseline that it shows. tools/lint/readme_table.py holds
the two together: no number there is written by hand, and no loss is left out."""

from . import judge
from .programs import GO, PEERS, ROOT, WEFT, Failure
from .samples import load, save, trimmed
from .table import mean_text, ratio_text, short

README = ROOT / "README.md"
BASELINE = ROOT / "bench" / "baseline.json"
BEGIN = "<!-- made by tools/bench readme: begin -->"
END = "<!-- made by tools/bench readme: end -->"


def amount(row, value):
    """With a unit that a person would choose."""
    if judge.unit(row) == "bytes":
        return f"{value:.0f} B"
    for factor, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if value >= factor:
            return f"{value / factor:.3g} {name}"
    return f"{value:.3g} ns"


def time_cell(samples, row):
    value = samples.median(row, WEFT)
    if value is None:
        return "failed" if samples.has_failed(row, WEFT) else "–"
    return amount(row, value)


def ratio_cell(samples, row, peer):
    """Losses in bold."""
    if samples.has_failed(row, peer):
        return "failed"
    r = judge.ratio(samples, row, peer)
    if r is None:
        return "–"
    if r.is_nothing:
        return "both ≈ 0"
    return f"**{ratio_text(r)}**" if r.is_loss else ratio_text(r)


def workers(procs):
    return f"{procs} worker{'s' if procs > 1 else ''}"


def table(results):
    """Markdown: the facts, every row, the means, the losses counted, the notes."""
    head, all_samples = results.header, results.at
    lines = [
        f"Measured {head['date']} on {head['cpu']}, {head['cores'].split(',')[0]} cores, "
        f"{head['kernel']}; {head['compiler']}, {head['flags']}; Go: {head['go']}; "
        f"Boost {head['boost']}; TBB {head['tbb']}; weft at {head['commit']}. "
        f"Each: {head['runs']}. "
        f"Below 1 weft is quicker, or smaller; **bold** is a loss: above 1, for TBB "
        f"above {judge.LIMITS['TBB']:g}, whose tasks have no stacks to keep.",
        "",
    ]
    titles, rule = ["Row"], ["---"]
    for procs in all_samples:
        titles.append(f"weft, {workers(procs)}")
        titles += [f"/ {short(peer)}" for peer in PEERS]
        rule += ["---:"] * (1 + len(PEERS))
    lines += ["| " + " | ".join(titles) + " |", "|" + "|".join(rule) + "|"]
    rows = dict.fromkeys(row for samples in all_samples.values() for row in samples.rows())
    for row in rows:
        cells = [f"`{row}`"]
        for samples in all_samples.values():
            cells.append(time_cell(samples, row))
            cells += [ratio_cell(samples, row, peer) for peer in PEERS]
        lines.append("| " + " | ".join(cells) + " |")
    means = ["geometric mean"]
    for samples in all_samples.values():
        means += ["", *(mean_text(judge.peer_mean(samples, peer)[0]) for peer in PEERS)]
    lines += ["| " + " | ".join(means) + " |", ""]
    lines += sentences(results)
    return "\n".join(lines)


def sentences(results):
    """What the table's cells do not say."""
    said = []
    for procs, samples in results.at.items():
        counts = [f"{lost} of {rows} to {peer}" for peer, lost, rows in judge.count_losses(samples)]
        said.append(f"Losses, {workers(procs)}: {', '.join(counts)}.")
    hand_off = judge.hand_off(results)
    if hand_off:
        texts = []
        for row, change in hand_off:
            bold = "**" if change.value > judge.HAND_OFF_TARGET else ""
            texts.append(f"`{row}` {bold}{change.value:.2f}{bold}")
        said.append(
            f"weft on 2 workers over weft on 1, hand-offs (at most {judge.HAND_OFF_TARGET:.2f}): "
            f"{', '.join(texts)}."
        )
    for row, most in judge.ROW_TARGETS.items():
        ratios = [judge.ratio(samples, row, GO) for samples in results.at.values()]
        if any(r and r.value > most for r in ratios):
            told = ", ".join("–" if r is None else ratio_text(r) for r in ratios)
            said.append(f"Target missed: `{row}` at most {most:.2f} of Go, is {told}.")
    said += [f"{note[:1].upper()}{note[1:]}." for note in results.notes]
    # As one list: each is a line of its own, and none may be lost in a paragraph.
    return [f"- {sentence}" for sentence in said]


def between_markers(text):
    """(before, inside, after) of README's text."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise Failure(f"README.md: not exactly one '{BEGIN}' with its '{END}'")
    before, rest = text.split(BEGIN)
    inside, after = rest.split(END)
    return before + BEGIN, inside, END + after


def with_table(text, results):
    """README's text with the table of the results."""
    before, _, after = between_markers(text)
    return f"{before}\n{table(trimmed(results))}\n{after}"


def write(results):
    README.write_text(with_table(README.read_text(encoding="utf-8"), results), encoding="utf-8")


def set_baseline(results):
    """The results are what later ones are compared with, and what README shows."""
    if not results.is_complete():
        raise Failure("no baseline: something failed or was not built, see above")
    if results.settings.get("only") or not {1, 2} <= set(results.at):
        raise Failure("no baseline: it needs every workload, at 1 and at 2 procs")
    save(trimmed(results), BASELINE)
    write(results)


def problem(readme_text, baseline_path):
    """None, or why the table is not what the baseline gives. Without a baseline there must be no
    table: its numbers would come from nowhere."""
    inside = between_markers(readme_text)[1]
    if not baseline_path.exists():
        return "README.md has a table, but there is no baseline" if inside.strip() else None
    if with_table(readme_text, load(baseline_path)) != readme_text:
        return "README.md's table is not that of bench/baseline.json; run: tools/bench readme"
    return None
