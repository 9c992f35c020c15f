"""The commands from end to end, over programs that only speak the protocol."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from bench_suite import commands, readme, run, samples
from bench_suite.programs import BOOST, GO, TBB, WEFT

from .report_test import PAGE

PROGRAM = """#!/bin/sh
if [ "$1" = --list ]; then
  printf 'ping_pong\\t100\\n'
  [ -n "{extra}" ] && printf '{extra}\\t1\\n'
elif [ "$2" = fails ]; then
  echo 'wrong result: 3' >&2
  exit 1
else
  printf '%s\\t{value}\\t0:1,0.5:{value},1:9000\\n' "$2"
fi
exit 0
"""


class Commands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.page = self.folder / "README.md"
        self.page.write_text(PAGE)
        languages = {WEFT: 10, GO: 40, BOOST: 20, TBB: 5}
        made = {name: self.program(name, value) for name, value in languages.items()}
        self.patch(mock.patch.dict(run.BINARIES, made))
        baseline = self.folder / "baseline.json"
        self.patch(mock.patch.multiple(readme, README=self.page, BASELINE=baseline))
        self.patch(mock.patch.multiple(commands, ROOT=self.folder, MICRO=self.program("micro", 1)))
        self.patch(mock.patch.object(commands, "has_google_benchmark", lambda: True))

    def patch(self, patch):
        patch.start()
        self.addCleanup(patch.stop)

    def program(self, name, value, extra=""):
        path = self.folder / name
        path.write_text(PROGRAM.format(value=value, extra=extra))
        os.chmod(path, 0o755)
        return path

    def call(self, *words):
        """(exit status, what is printed)"""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            with mock.patch("sys.argv", ["tools/bench", *map(str, words)]):
                status = commands.main()
        return status, out.getvalue()

    def test_compare_prints_and_keeps_what_was_measured(self):
        path = self.folder / "out.json"
        status, text = self.call("compare", "--no-build", "--rounds", 3, "--json", path)
        self.assertEqual(status, 0, text)
        self.assertIn("LOSS to TBB", text)
        kept = samples.load(path)
        self.assertEqual(kept.at[2].values["ping_pong"][GO], [40, 40, 40])
        self.assertEqual(kept.at[1].distribution("ping_pong", TBB), [(0, 1), (0.5, 5), (1, 9000)])
        self.assertEqual(kept.settings, {"rounds": 3, "scale": 1.0, "only": []})

    def test_a_baseline_in_one_go(self):
        status, text = self.call("compare", "--no-build", "--rounds", 1, "--baseline")
        self.assertEqual(status, 0, text)
        self.assertIsNone(readme.problem(self.page.read_text(), readme.BASELINE))
        self.assertIn("| `ping_pong` | 10 ns | 0.25 | 0.50 | **2.00** |", self.page.read_text())
        status, text = self.call("diff", readme.BASELINE)
        self.assertEqual(status, 0, text)
        self.assertIn("1.00 ±3%", text)

    def test_a_baseline_from_a_file(self):
        path = self.folder / "out.json"
        self.call("compare", "--no-build", "--rounds", 1, "--json", path)
        self.assertEqual(self.call("baseline", path)[0], 0)
        self.assertIsNone(readme.problem(self.page.read_text(), readme.BASELINE))
        self.page.write_text(PAGE)
        self.assertEqual(self.call("readme")[0], 0)
        self.assertIsNone(readme.problem(self.page.read_text(), readme.BASELINE))

    def test_a_part_is_no_baseline(self):
        status, text = self.call("compare", "--no-build", "--only", "ping_pong", "--baseline")
        self.assertEqual(status, 1)
        self.assertIn("--baseline without --only", text)

    def test_what_fails_is_shown_and_makes_the_status_1(self):
        self.program(GO, 40, extra="fails")
        status, text = self.call("compare", "--no-build", "--rounds", 1, "--procs", 1)
        self.assertEqual(status, 1)
        self.assertIn("FAILED fails, Go, procs 1: status 1\n  wrong result: 3", text)
        self.assertIn("ping_pong", text)

    def test_a_program_that_is_not_there_is_said(self):
        (self.folder / TBB).unlink()
        status, text = self.call("compare", "--no-build", "--rounds", 1)
        self.assertEqual(status, 1)
        self.assertIn("TBB did not run: TBB does not exist", text)

    def test_smoke_runs_every_workload_and_the_micro_benchmarks(self):
        status, text = self.call("smoke", "--no-build")
        self.assertEqual((status, text.count("ok\n")), (0, 3), text)
        self.program(WEFT, 10, extra="fails")
        self.assertEqual(self.call("smoke", "--no-build")[0], 1)

    def test_smoke_fails_with_the_micro_benchmarks(self):
        (self.folder / "micro").write_text("#!/bin/sh\necho 'wrong result: a value' >&2\nexit 1\n")
        status, text = self.call("smoke", "--no-build")
        self.assertEqual(status, 1)
        self.assertIn("wrong result: a value", text)

    def test_diff_needs_something_to_compare_with(self):
        new = self.folder / "new.json"
        new.write_text("{}")
        status, text = self.call("diff", str(new))
        self.assertEqual(status, 1)
        self.assertIn("no stored baseline yet", text)


if __name__ == "__main__":
    unittest.main()
