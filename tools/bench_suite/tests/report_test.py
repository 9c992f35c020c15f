"""What is shown and kept: the tables, README's table, the files, the differences."""

import math
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from bench_suite import diff, judge, readme, samples, table
from bench_suite.programs import BOOST, GO, TBB, WEFT, Failure

from . import SPAWN_QUANTILES, results

PAGE = f"# Title\n{readme.BEGIN}\n{readme.END}\nmore\n"

TABLE = """\
| Row | weft, 1 worker | / Go | / Boost | / TBB | weft, 2 workers | / Go | / Boost | / TBB |
|---|---:|---:|---:|---:|---:|---:|---:|---:|
| `ping_pong` | 10 ns | 0.25 | 0.10 | – | 12 ns | 0.30 | 0.12 | – |
| `spawn_one` | 20 ns | **2.00** | failed | – | failed | – | – | – |
| `parked_bytes` | 4200 B | **1.62** | – | – | 4200 B | **1.62** | – | – |
| geometric mean |  | 0.71 | 0.10 | - |  | 0.30 | 0.12 | - |

- Losses, 1 worker: 2 of 3 to Go, 0 of 1 to Boost.Fiber.
- Losses, 2 workers: 1 of 2 to Go, 0 of 1 to Boost.Fiber.
- weft on 2 workers over weft on 1, hand-offs (at most 1.10): `ping_pong` **1.20**.
- TBB has no stacks."""


class InAFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "file.json"


class Files(InAFolder):
    def test_what_was_saved_is_loaded(self):
        before = results()
        before.at[2].failed["fib_27", GO] = "status 1"
        before.broken[TBB] = "not built"
        samples.save(before, self.path)
        after = samples.load(self.path)
        self.assertEqual(samples.to_json(after), samples.to_json(before))
        self.assertEqual(after.at[1].values, before.at[1].values)
        self.assertEqual(after.at[2].failed, before.at[2].failed)
        self.assertFalse(after.is_complete())
        got = after.at[1].distribution("spawn_one", WEFT)
        self.assertEqual(got, [tuple(pair) for pair in SPAWN_QUANTILES])

    def test_a_row_is_a_line(self):
        samples.save(results(), self.path)
        lines = self.path.read_text().splitlines()
        self.assertEqual(sum('"ping_pong": {"workload"' in line for line in lines), 2)

    def test_other_files_are_refused(self):
        for text in ("", "[]", "{}", '{"format": 1}', '{"format": 2}'):
            self.path.write_text(text)
            with self.subTest(text), self.assertRaisesRegex(Failure, "file.json: "):
                samples.load(self.path)

    def test_a_baseline_has_four_digits_and_no_distributions(self):
        full = results()
        full.at[1].values["ping_pong"][WEFT] = [123.456, 10.0, 0.0123456]
        small = samples.trimmed(full)
        self.assertEqual(small.at[1].values["ping_pong"][WEFT], [123.5, 10.0, 0.01235])
        self.assertEqual(small.at[1].quantiles, {})
        self.assertEqual(full.at[1].values["ping_pong"][WEFT][0], 123.456)


class OnATerminal(unittest.TestCase):
    def lines(self, made=None):
        return table.report(made or results()).splitlines()

    def test_a_row_has_medians_spreads_ratios_and_its_losses(self):
        line = next(line for line in self.lines() if line.startswith("ping_pong"))
        self.assertEqual(
            line.split(),
            ["ping_pong", "10.0", "±10.0%", "40.0", "±0.0%", "100.0", "±0.0%", "-", "0.25", "0.10"]
            + ["-"],
        )
        line = next(line for line in self.lines() if line.startswith("spawn_one"))
        self.assertTrue(line.endswith("LOSS to Go"), line)

    def test_the_mean_says_whether_its_target_is_met(self):
        line = next(line for line in self.lines() if line.startswith("geometric mean"))
        self.assertIn("weft/Go target 0.25: missed", line)

    def test_a_ratio_is_never_shown_as_nothing(self):
        texts = {0.254: "0.25", 0.0123: "0.01", 0.0034: "0.003", 0: "0.00", math.inf: "inf"}
        for value, text in texts.items():
            self.assertEqual(table.ratio_text(judge.Ratio(value, False, True, False)), text)
        self.assertEqual(table.ratio_text(None), "-")

    def test_losses_are_counted(self):
        self.assertIn("losses: 2 of 5 to Go, 0 of 4 to Boost.Fiber, 0 of 1 to TBB", self.lines())

    def test_columns_have_titles_and_the_end_says_what_they_are(self):
        lines = self.lines()
        titles = ["row", "weft", "Go", "Boost", "TBB", "weft/Go", "weft/Boost", "weft/TBB"]
        self.assertIn(titles, [line.split() for line in lines])
        self.assertIn("note: TBB has no stacks.", lines)
        self.assertTrue(set(table.UNITS) < set(lines))
        self.assertIn("latency, ns 50 % 90 % 99 % 99.9 % max", [" ".join(l.split()) for l in lines])

    def test_without_two_numbers_of_procs_or_a_mean_nothing_is_said_of_them(self):
        made = results()
        del made.at[2]
        made.at[1].values = {"spawn_one": {WEFT: [20]}}
        made.at[1].workload_of = {"spawn_one": "spawn_one"}
        text = "\n".join(self.lines(made))
        self.assertNotIn("on 2 workers", text)
        self.assertNotIn("target", text)

    def test_two_workers_over_one(self):
        line = next(line for line in self.lines() if line.endswith("ABOVE"))
        self.assertEqual(line.split()[:2], ["ping_pong", "1.20"])
        self.assertEqual(line.split()[2], "±30%")

    def test_latencies_have_their_tail(self):
        lines = map(str.split, self.lines())
        words = next(words for words in lines if words[:2] == ["spawn_one", "weft"])
        self.assertEqual(words[2:], ["20.0", "-", "30.0", "-", "1000"])

    def test_what_did_not_run_is_said(self):
        made = results()
        made.broken[TBB] = "unknown target"
        made.at[1].failed["fib_27", BOOST] = "signal 11"
        lines = self.lines(made)
        self.assertIn("TBB did not run: unknown target", lines)
        self.assertIn("FAILED fib_27, Boost.Fiber, procs 1: signal 11", lines)


class InReadme(InAFolder):
    def test_every_row_is_there_and_losses_are_bold(self):
        text = readme.table(results())
        for row in results().at[1].rows():
            self.assertIn(f"| `{row}` |", text)
        row = next(line for line in text.splitlines() if line.startswith("| `spawn_one`"))
        self.assertEqual(row.split(" | ")[1:4], ["20 ns", "**2.00**", "0.50"])
        self.assertIn(
            "- Losses, 1 worker: 2 of 5 to Go, 0 of 4 to Boost.Fiber, 0 of 1 to TBB.", text
        )
        self.assertIn("both ≈ 0", text)

    def test_the_table_as_a_whole(self):
        made = results()
        for samples_at in made.at.values():
            for row in ("fib_27", "idle_cpu"):
                del samples_at.values[row], samples_at.workload_of[row]
        made.at[1].failed["spawn_one", BOOST] = made.at[2].failed["spawn_one", WEFT] = "status 1"
        head, rest = readme.table(made).split("\n\n", 1)
        self.assertIn("Each: median of 3", head)
        self.assertEqual(rest, TABLE)

    def test_a_target_that_is_missed_is_named(self):
        made = results()
        missed = "Target missed: `parked_create` at most 0.50 of Go, is"
        self.assertNotIn(missed, readme.table(made))
        for samples_at, weft in zip(made.at.values(), (6, 5)):
            samples_at.add("parked", "parked_create", WEFT, weft)
            samples_at.add("parked", "parked_create", GO, 10)
        self.assertIn(f"- {missed} 0.60, 0.50.", readme.table(made))

    def test_amounts_have_the_unit_that_a_person_would_choose(self):
        texts = {0: "0 ns", 0.5: "0.5 ns", 999: "999 ns", 1e3: "1 µs", 2.5e6: "2.5 ms", 3e9: "3 s"}
        for value, text in texts.items():
            self.assertEqual(readme.amount("a", value), text)
        self.assertEqual(readme.amount("a_bytes", 4096.4), "4096 B")

    def test_the_facts_are_there(self):
        text = readme.table(results())
        for fact in (
            "2020-02-02",
            "A processor",
            "c++ 12",
            "go1.23",
            "1.81",
            "2021.8",
            "0123456789ab",
        ):
            self.assertIn(fact, text)

    def test_only_what_is_between_the_markers_is_replaced(self):
        once = readme.with_table(PAGE, results())
        self.assertTrue(once.startswith(f"# Title\n{readme.BEGIN}\n"))
        self.assertTrue(once.endswith(f"\n{readme.END}\nmore\n"))
        self.assertEqual(readme.with_table(once, results()), once)

    def test_the_table_must_be_that_of_the_baseline(self):
        samples.save(samples.trimmed(results()), self.path)
        made = readme.with_table(PAGE, results())
        self.assertIsNone(readme.problem(made, self.path))
        self.assertIn("not that of", readme.problem(made.replace("**2.00**", "0.99"), self.path))
        self.assertIn("not that of", readme.problem(PAGE, self.path))

    def test_without_a_baseline_there_is_no_table(self):
        self.assertIsNone(readme.problem(PAGE, self.path))
        made = readme.with_table(PAGE, results())
        self.assertIn("no baseline", readme.problem(made, self.path))

    def test_markers_come_once_and_in_order(self):
        for text in ("", readme.BEGIN, PAGE + PAGE, f"{readme.END}{readme.BEGIN}"):
            with self.subTest(text), self.assertRaises(Failure):
                readme.with_table(text, results())

    def test_a_part_is_no_baseline(self):
        for change in (
            lambda r: r.broken.update({TBB: "not built"}),
            lambda r: r.at[1].failed.update({("fib_27", GO): "status 1"}),
            lambda r: r.settings.update(only=["fib_27"]),
            lambda r: r.at.pop(2),
        ):
            made = results()
            change(made)
            with self.in_a_folder(), self.assertRaisesRegex(Failure, "no baseline"):
                readme.set_baseline(made)
            self.assertFalse(self.path.exists())

    def test_a_baseline_comes_with_its_table(self):
        with self.in_a_folder():
            readme.set_baseline(results())
            page = readme.README.read_text()
        self.assertIn("| `ping_pong` |", page)
        self.assertIsNone(readme.problem(page, self.path))

    def in_a_folder(self):
        """The project's own baseline and README are left alone."""
        page = self.path.with_name("README.md")
        page.write_text(PAGE)
        return mock.patch.multiple(readme, BASELINE=self.path, README=page)


class Differences(unittest.TestCase):
    def pair(self, change, row="ping_pong"):
        old, new = results(), results()
        change(new.at[1].values[row])
        return next(pair for pair in diff.compare(old, new)[1] if pair.row == row)

    def test_nothing_changed(self):
        pair = self.pair(lambda values: None)
        self.assertEqual((pair.weft.value, pair.to_go.value, pair.verdict), (1, 1, ""))

    def test_weft_alone_became_slower(self):
        pair = self.pair(lambda values: values.update({WEFT: [40, 40, 40]}), "spawn_one")
        self.assertEqual((pair.weft.value, pair.to_go.value, pair.verdict), (2, 2, "SLOWER"))
        self.assertEqual(pair.ratios, (2, 4))

    def test_a_slower_machine_cancels_out(self):
        pair = self.pair(
            lambda values: values.update({WEFT: [30, 30, 30], GO: [15, 15, 15]}), "spawn_one"
        )
        self.assertEqual((pair.weft.value, pair.to_go.value), (1.5, 1))
        self.assertEqual(pair.verdict, "moved with Go")

    def test_a_change_within_the_spread_is_no_verdict(self):
        self.assertEqual(self.pair(lambda values: values.update({WEFT: [12, 13, 14]})).verdict, "")

    def test_without_go_weft_is_judged_alone(self):
        pair = self.pair(lambda values: (values.pop(GO), values.update({WEFT: [10] * 3})), "fib_27")
        self.assertIsNone(pair.to_go)
        self.assertEqual(pair.verdict, "faster")

    def test_rows_that_cost_nothing_have_no_verdict(self):
        pair = self.pair(lambda values: values.update({WEFT: [9000] * 3}), "idle_cpu")
        self.assertEqual(pair.verdict, "")

    def test_the_text_has_every_number(self):
        old, new = results(), results()
        new.header = {**new.header, "commit": "fedcba"}
        new.at[1].values["spawn_one"][WEFT] = [40, 40, 40]
        del new.at[1].values["fib_27"][GO]
        lines = [line.split() for line in diff.report(old, new).splitlines()]
        self.assertIn(["commit:", "0123456789ab", "->", "fedcba"], lines)
        self.assertIn(["go:", "go1.23"], lines)
        self.assertIn(["procs", "1"], lines)
        row = ["spawn_one", "20.0", "±0.0%", "40.0", "±0.0%", "2.00", "2.00", "4.00", "2.00", "±3%"]
        self.assertIn([*row, "SLOWER"], lines)
        row = ["fib_27", "12.0", "±0.0%", "12.0", "±0.0%", "1.00", "-", "-", "±3%"]
        self.assertIn(row, lines)
        # Of ping_pong, spawn_one and, without Go, fib_27: neither bytes nor what is nothing.
        self.assertIn(["geometric", "mean", f"{2 ** (1 / 3):.2f}", f"{2 ** (1 / 2):.2f}"], lines)

    def test_rows_that_weft_does_not_have_in_both_are_left_out(self):
        old, new = results(), results()
        del new.at[1].values["fib_27"][WEFT]
        self.assertIn("only in one of them: fib_27", diff.report(old, new))

    def test_nothing_in_common_is_said(self):
        old, new = results(), results()
        del old.at[1], new.at[2]
        self.assertIn("Nothing in common", diff.report(old, new))
        self.assertNotIn("Nothing in common", diff.report(new, new))

    def test_what_only_one_has_is_named(self):
        old, new = results(), results()
        del new.at[1].values["fib_27"], new.at[1].workload_of["fib_27"]
        text = diff.report(old, new)
        self.assertIn("only in one of them: fib_27", text)

    def test_other_scales_are_said(self):
        old, new = results(), results()
        new.settings = {**new.settings, "scale": 0.1}
        self.assertIn("The scales differ", diff.report(old, new))


if __name__ == "__main__":
    unittest.main()
