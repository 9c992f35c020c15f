"""How programs are run, and how what they print is read."""

import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from bench_suite import run
from bench_suite.programs import BOOST, GO, WEFT, Failure

FAKE = """#!/bin/sh
if [ "$1" = --list ]; then
  printf 'one\\t100\\ntwo\\t200\\thalf of it\\n'
elif [ "$2" = one ]; then
  printf 'one\\t%s.5\\t0:1,0.5:2,1:3\\none_bytes\\t4096\\n' "$4"
elif [ "$2" = hangs ]; then
  exec sleep 600
elif [ "$2" = dies ]; then
  kill -9 $$
else
  echo 'wrong result: 7' >&2
  exit 1
fi
"""


class Parsing(unittest.TestCase):
    def test_a_line_has_a_row_a_value_and_perhaps_quantiles(self):
        rows = run.parse_rows("a\t1.5\nb\t2\t0:1,0.5:2.5,1:9\n")
        self.assertEqual(rows["a"], (1.5, ()))
        self.assertEqual(rows["b"], (2.0, ((0, 1), (0.5, 2.5), (1, 9))))

    def test_what_is_not_the_protocol_is_refused(self):
        for text in (
            "",
            "a",
            "a\t",
            "a\tx",
            "a\t-1",
            "a\tnan",
            "a\t1\t",
            "a\t1\t0:1",  # does not reach 1
            "a\t1\t0.5:1,1:2",  # does not begin at 0
            "a\t1\t0:1,0.5:2,0.5:2,1:3",
            "a\t1\t0:2,1:1",  # falls
            "a\t1\t0:1:1,1:2",
            "a\t1\t0:1,1:2\tmore",
            "a\t1\na\t2",
            "\t1",
        ):
            with self.subTest(text), self.assertRaises(Failure):
                run.parse_rows(text)


class Running(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "fake"
        path.write_text(FAKE)
        os.chmod(path, 0o755)
        patch = mock.patch.dict(run.BINARIES, {WEFT: path})
        patch.start()
        self.addCleanup(patch.stop)

    def test_list_gives_counts_and_notes(self):
        self.assertEqual(run.list_workloads(WEFT), {"one": (100, ""), "two": (200, "half of it")})

    def test_a_run_gives_its_rows(self):
        rows = run.run_once(WEFT, "one", 2, 1.0, 60)
        self.assertEqual(rows["one"], (2.5, ((0, 1), (0.5, 2), (1, 3))))
        self.assertEqual(rows["one_bytes"].value, 4096)

    def test_a_failed_run_says_what_the_program_said(self):
        with self.assertRaisesRegex(Failure, "status 1\n  wrong result: 7"):
            run.run_once(WEFT, "two", 1, 1.0, 60)

    def test_a_run_that_a_signal_ended_names_it(self):
        with self.assertRaisesRegex(Failure, "signal 9"):
            run.run_once(WEFT, "dies", 1, 1.0, 60)

    def test_a_run_without_an_end_is_ended(self):
        with self.assertRaisesRegex(Failure, "no end after 0.2 s"):
            run.run_once(WEFT, "hangs", 1, 1.0, 0.2)


class Planning(unittest.TestCase):
    tables = {
        WEFT: {"a": (10, ""), "b": (20, "")},
        GO: {"a": (10, ""), "b": (20, "")},
        BOOST: {"b": (2, "a tenth")},
    }

    def test_a_workload_is_run_in_the_languages_that_have_it(self):
        plan = run.plan_runs(self.tables, [])
        self.assertEqual(plan, {"a": {WEFT: "", GO: ""}, "b": {WEFT: "", GO: "", BOOST: "a tenth"}})
        self.assertEqual(run.count_runs(plan, [1, 2], 3), 5 * 2 * 3)

    def test_other_counts_need_a_note(self):
        tables = {**self.tables, BOOST: {"b": (2, "")}}
        with self.assertRaisesRegex(Failure, "b: Boost.Fiber counts 2, another 20"):
            run.plan_runs(tables, [])

    def test_only_chooses_and_knows_the_names(self):
        self.assertEqual(list(run.plan_runs(self.tables, ["b"])), ["b"])
        with self.assertRaisesRegex(Failure, "no workload c; there are: a, b"):
            run.plan_runs(self.tables, ["c"])


class Measuring(unittest.TestCase):
    plan = {"a": {WEFT: "", GO: ""}, "b": {WEFT: ""}}

    def measure(self, rounds, fails=()):
        self.order = []

        def once(language, workload, procs):
            self.order.append((workload, language, procs))
            if (workload, language) in fails:
                raise Failure("broken")
            return {workload: run.Reading(float(procs), ())}

        steps = []
        results = run.measure(self.plan, [WEFT, GO], [1, 2], rounds, once, steps.append)
        self.assertEqual(len(steps), run.count_runs(self.plan, [1, 2], rounds))
        return results

    def test_every_other_round_is_in_reverse(self):
        self.measure(2)
        there = [("a", WEFT, 1), ("a", GO, 1), ("a", WEFT, 2), ("a", GO, 2)]
        self.assertEqual(self.order[:8], there + there[::-1])

    def test_samples_are_kept_by_procs(self):
        results = self.measure(3)
        self.assertEqual(results[1].values["a"][WEFT], [1, 1, 1])
        self.assertEqual(results[2].values["a"][GO], [2, 2, 2])

    def test_what_failed_is_not_run_again_and_the_rest_goes_on(self):
        results = self.measure(3, fails={("a", GO)})
        self.assertEqual(self.order.count(("a", GO, 1)), 1)
        self.assertEqual(results[1].failed, {("a", GO): "broken"})
        self.assertEqual(results[1].values["b"][WEFT], [1, 1, 1])


if __name__ == "__main__":
    unittest.main()
