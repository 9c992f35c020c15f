"""The micro benchmarks: what is read, kept, shown and compared."""

import contextlib
import io
import json
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from bench_suite import commands, micro, readme
from bench_suite.programs import Failure


def benchmark(name, time, unit="ns", **counts):
    return {"name": f"{name}/real_time", "real_time": time, "time_unit": unit, **counts}


def output(*benchmarks):
    return json.dumps({"context": {}, "benchmarks": benchmarks})


def results(rows, only=""):
    """{name: (times, counts)}"""
    made = micro.MicroResults({"commit": "c"}, {"rounds": 3, "min_time": 0.1, "only": only})
    for name, (times, counts) in rows.items():
        made.rows[name] = micro.Row(list(times), {c: list(v) for c, v in counts.items()})
    return made


class Parsing(unittest.TestCase):
    def test_times_become_nanoseconds_and_unknown_counters_are_left_out(self):
        text = output(benchmark("a", 2.0, "us", allocs=1.0, label=3), benchmark("b", 7.0))
        self.assertEqual(micro.parse(text), [("a", 2000.0, {"allocs": 1.0}), ("b", 7.0, {})])

    def test_what_is_not_such_output_is_refused(self):
        for text in ("", "{}", "[]", output({"name": "a"}), output(benchmark("a", 1, "years"))):
            with self.subTest(text), self.assertRaisesRegex(Failure, "unreadable output"):
                micro.parse(text)

    def test_a_benchmark_that_failed_is_named(self):
        text = output({"name": "a", "error_occurred": True, "error_message": "lost"})
        with self.assertRaisesRegex(Failure, "a: lost"):
            micro.parse(text)


class Differences(unittest.TestCase):
    def line(self, old, new):
        text = micro.diff(results({"x": old}), results({"x": new}))
        return next(line for line in text.splitlines() if line.startswith("x "))

    def test_a_time_beyond_noise_has_a_verdict(self):
        steady = ((100, 101, 102), {})
        self.assertIn("SLOWER", self.line(steady, ((110, 111, 112), {})))
        self.assertIn("faster", self.line(steady, ((90, 91, 92), {})))
        self.assertNotIn("SLOWER", self.line(steady, ((90, 103, 130), {})))

    def test_a_count_that_changed_is_told(self):
        one, two = ((100,), {"allocs": [1.0]}), ((100,), {"allocs": [2.0]})
        self.assertIn("allocs 1.00 -> 2.00", self.line(one, two))
        self.assertIn("allocs 1.00 -> -", self.line(one, ((100,), {})))
        self.assertNotIn("allocs", self.line(one, one))

    def test_what_came_before_the_first_operation_is_no_count(self):
        self.assertNotIn("parks", self.line(((9,), {"parks": [0.0]}), ((9,), {"parks": [0.01]})))

    def test_names_in_one_of_them_only_are_told_unless_some_were_asked_for(self):
        a, b = {"a": ((1,), {})}, {"b": ((1,), {})}
        self.assertIn("only in one of them: a, b", micro.diff(results(a), results(b)))
        self.assertNotIn("only in", micro.diff(results(a), results(b, only="b")))


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.patch(mock.patch.object(micro, "BASELINE", self.folder / "micro_baseline.json"))
        self.patch(mock.patch.object(readme, "BASELINE", self.folder / "baseline.json"))
        self.program(output(benchmark("yield", 12.0, switches=1.0)))

    def patch(self, patch):
        patch.start()
        self.addCleanup(patch.stop)

    def program(self, text, status=0):
        path = self.folder / "weft_micro"
        path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {status}\n")
        os.chmod(path, 0o755)
        self.patch(mock.patch.object(micro, "MICRO", path))

    def bench(self, *arguments):
        """(status, what was printed)"""
        told = io.StringIO()
        with mock.patch("sys.argv", ["bench", *map(str, arguments)]):
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                return commands.main(), told.getvalue()

    def test_runs_are_kept_shown_and_compared_with_the_baseline(self):
        new = self.folder / "new.json"
        status, told = self.bench("micro", "--no-build", "--rounds", 2, "--baseline")
        self.assertEqual(status, 0, told)
        self.assertRegex(told, r"yield +12\.0 ±0\.0% +- +- +- +1\.00 +-")
        self.program(output(benchmark("yield", 24.0, switches=2.0)))
        self.assertEqual(self.bench("micro", "--no-build", "--json", new)[0], 0)
        status, told = self.bench("diff", new)
        self.assertEqual(status, 0, told)
        self.assertRegex(told, r"yield .* 2\.00 +±3%  SLOWER, switches 1\.00 -> 2\.00")
        self.assertEqual(self.bench("diff", micro.BASELINE, new)[1], told)

    def test_what_is_kept_is_what_was_measured(self):
        self.bench("micro", "--no-build", "--rounds", 2, "--baseline")
        kept = micro.load(micro.BASELINE)
        self.assertEqual(kept.rows["yield"].times, [12.0, 12.0])
        self.assertEqual(kept.rows["yield"].counts, {"switches": [1.0, 1.0]})
        rows = [line for line in micro.BASELINE.read_text().splitlines() if '"yield"' in line]
        self.assertEqual(len(rows), 1)

    def test_a_program_that_fails_stores_nothing(self):
        self.program("wrong result: 3", status=1)
        status, told = self.bench("micro", "--no-build", "--baseline")
        self.assertEqual(status, 1)
        self.assertIn("wrong result: 3", told)
        self.assertFalse(micro.BASELINE.exists())

    def test_mistakes_have_messages(self):
        kept, other = self.folder / "kept.json", self.folder / "other.json"
        self.bench("micro", "--no-build", "--json", kept)
        other.write_text('{"format": 2}')
        broken = self.folder / "broken.json"
        broken.write_text('{"format": "micro 1"}')
        for arguments, message in (
            (("micro", "--no-build", "--only", "x", "--baseline"), "without --only"),
            (("diff", kept), "tools/bench micro --baseline"),
            (("diff", other, kept), "one file is of tools/bench micro"),
            (("diff", kept, other), "one file is of tools/bench micro"),
            (("diff", kept, broken), "broken.json: cannot be read"),
        ):
            with self.subTest(arguments):
                status, told = self.bench(*arguments)
                self.assertEqual(status, 1)
                self.assertIn(message, told)


if __name__ == "__main__":
    unittest.main()
