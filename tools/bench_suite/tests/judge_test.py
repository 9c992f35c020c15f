"""Statistics and verdicts."""

import math
import unittest

from bench_suite import judge
from bench_suite.programs import BOOST, GO, TBB, WEFT

from . import results, samples


class Statistics(unittest.TestCase):
    def test_median_and_spread(self):
        s = results().at[1]
        self.assertEqual(s.median("ping_pong", WEFT), 10)
        self.assertAlmostEqual(s.spread("ping_pong", WEFT), 0.1)  # of 1, 0 and 2 the middle is 1
        self.assertIsNone(s.median("ping_pong", TBB))
        self.assertEqual(s.spread("ping_pong", TBB), 0)
        self.assertEqual(samples({"idle_cpu": {WEFT: [0, 0]}}).spread("idle_cpu", WEFT), 0)

    def test_a_failed_run_voids_the_others(self):
        s = results().at[1]
        s.failed["ping_pong", WEFT] = "broken"
        self.assertIsNone(s.median("ping_pong", WEFT))
        self.assertIsNone(judge.ratio(s, "ping_pong", GO))
        self.assertIn("FAILED weft", judge.remarks(s, "ping_pong"))

    def test_a_workload_that_only_failed_is_a_row(self):
        s = samples({})
        s.failed["gone", GO] = "broken"
        self.assertEqual(s.rows(), ["gone"])
        self.assertEqual(judge.remarks(s, "gone"), ["FAILED Go"])

    def test_a_distribution_is_the_median_of_the_runs_at_each_quantile(self):
        s = samples({})
        for low in (1, 2, 9):
            s.add("a", "a", WEFT, 5.0, ((0, low), (1, low + 10)))
        self.assertEqual(s.distribution("a", WEFT), [(0, 2), (1, 12)])
        self.assertEqual(s.distribution("a", GO), [])
        s.failed["a", WEFT] = "broken"
        self.assertEqual(s.distribution("a", WEFT), [])

    def test_the_name_of_a_row_says_its_unit(self):
        units = {"a": "ns", "a_cpu": "ns of CPU time", "a_bytes": "bytes"}
        units["idle_cpu"] = "ns of CPU time per second"
        for row, unit in units.items():
            self.assertEqual(judge.unit(row), unit)


class Verdicts(unittest.TestCase):
    def test_a_loss_is_above_the_limit_of_its_peer(self):
        s = results().at[1]
        self.assertFalse(judge.ratio(s, "ping_pong", GO).is_loss)
        self.assertTrue(judge.ratio(s, "spawn_one", GO).is_loss)
        self.assertFalse(judge.ratio(s, "fib_27", TBB).is_loss)  # 1.2, and 1.5 is allowed
        s.values["fib_27"][WEFT] = [16, 16, 16]
        self.assertTrue(judge.ratio(s, "fib_27", TBB).is_loss)
        found = [(row, peer) for row, peer, _ in judge.losses(s)]
        self.assertEqual(found, [("spawn_one", GO), ("fib_27", TBB), ("parked_bytes", GO)])

    def test_equal_is_no_loss(self):
        s = samples({"a": {WEFT: [10], GO: [10]}})
        self.assertFalse(judge.ratio(s, "a", GO).is_loss)

    def test_two_that_do_nothing_are_not_compared(self):
        s = results().at[1]
        r = judge.ratio(s, "idle_cpu", GO)
        self.assertEqual((r.is_nothing, r.is_loss, r.is_counted), (True, False, False))
        self.assertIn("practically nothing, not in the mean", judge.remarks(s, "idle_cpu"))
        self.assertFalse(judge.ratio(s, "idle_cpu", BOOST).is_nothing)

    def test_something_against_nothing_is_a_loss(self):
        s = samples({"idle_cpu": {WEFT: [5e6], GO: [0]}})
        r = judge.ratio(s, "idle_cpu", GO)
        self.assertEqual((r.value, r.is_loss, r.is_counted), (math.inf, True, False))

    def test_a_row_of_another_design_is_not_in_the_mean_but_may_be_lost(self):
        row = samples({"hog_wake": {WEFT: [1.0], GO: [1000.0]}})
        r = judge.ratio(row, "hog_wake", GO)
        self.assertEqual((r.is_counted, r.is_loss), (False, False))
        self.assertEqual(judge.remarks(row, "hog_wake"), ["not in the mean"])
        slower = samples({"hog_wake": {WEFT: [2.0], GO: [1.0]}})
        self.assertTrue(judge.ratio(slower, "hog_wake", GO).is_loss)

    def test_the_mean_is_geometric_and_of_times_only(self):
        value, rows = judge.peer_mean(results().at[1], GO)
        self.assertEqual(rows, 3)
        self.assertAlmostEqual(value, (0.25 * 2 * 0.25) ** (1 / 3))
        self.assertEqual(judge.peer_mean(samples({}), GO), (None, 0))

    def test_targets_beyond_not_losing(self):
        s = samples({"parked_create": {WEFT: [7], GO: [10]}, "parked_bytes": {WEFT: [4700]}})
        self.assertEqual(judge.remarks(s, "parked_create"), ["above its target, 0.50 of Go"])
        self.assertEqual(judge.remarks(s, "parked_bytes"), ["above its target, 4600 bytes"])


class Changes(unittest.TestCase):
    def test_beyond_noise_is_beyond_twice_the_deviation_of_all_medians(self):
        self.assertTrue(judge.change(1.2, (0.01, 0.02)).is_beyond_noise)
        self.assertTrue(judge.change(1 / 1.2, (0.01, 0.02)).is_beyond_noise)
        self.assertFalse(judge.change(1.2, (0.1, 0.02)).is_beyond_noise)

    def test_three_percent_are_noise_however_small_the_spread(self):
        self.assertFalse(judge.change(1.029, (0, 0)).is_beyond_noise)
        self.assertTrue(judge.change(1.031, (0, 0)).is_beyond_noise)

    def test_hand_off_is_weft_on_two_over_weft_on_one(self):
        found = judge.hand_off(results())
        self.assertEqual([(row, c.value) for row, c in found], [("ping_pong", 1.2)])
        alone = results()
        del alone.at[2]
        self.assertEqual(judge.hand_off(alone), [])


if __name__ == "__main__":
    unittest.main()
