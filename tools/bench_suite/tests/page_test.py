"""The HTML report: it stands alone, and says what the table says."""

import importlib.util
import re
import unittest
import xml.etree.ElementTree

from bench_suite.programs import BOOST, TBB

from . import results

CAN_DRAW = all(map(importlib.util.find_spec, ("matplotlib", "jinja2")))


@unittest.skipUnless(CAN_DRAW, "python3-matplotlib or python3-jinja2 is not installed")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from bench_suite import page

        made = results()
        made.notes.append("a <note> & more")
        made.broken[TBB] = "not built"
        made.at[1].failed["fib_27", BOOST] = "signal 11"
        cls.text = page.render(made)
        cls.svgs = re.findall(r"<svg.*?</svg>", cls.text, re.DOTALL)

    def test_nothing_is_fetched(self):
        without_names = re.sub(r' xmlns(:\w+)?="[^"]*"', "", self.text)
        self.assertNotRegex(without_names, r"https?://|<script|<link|<img|@import|url\((?!#)")

    def test_every_figure_is_there_and_well_formed(self):
        self.assertEqual(len(self.svgs), 2 + 2 + 1)  # ratios and times at 1 and 2; a distribution
        for svg in self.svgs:
            xml.etree.ElementTree.fromstring(svg)

    def test_no_id_is_there_twice(self):
        ids = re.findall(r'\bid="([^"]*)"', self.text)
        self.assertEqual(len(ids), len(set(ids)))
        for name in re.findall(r'href="#([^"]*)"', self.text):
            self.assertIn(name, ids)

    def test_colours_are_the_pages(self):
        for svg in self.svgs:
            self.assertIn("var(--ink)", svg)
            self.assertNotRegex(svg, r"#0[0-9]0[0-9]0[0-9]")
        self.assertIn("prefers-color-scheme: dark", self.text)

    def test_losses_are_words_not_only_colours(self):
        self.assertIn("2.00 LOSS", self.svgs[0])
        self.assertRegex(self.text, r'class="remarks loss">LOSS to Go')

    def test_every_row_and_failure_is_in_it(self):
        for row in results().at[1].rows():
            elsewhere = ("ping_pong", "spawn_one")  # handed over, with a distribution
            self.assertEqual(self.text.count(f'<th scope="row">{row}</th>'), 2 + (row in elsewhere))
        self.assertIn("TBB did not run: not built", self.text)
        self.assertIn("FAILED fib_27, Boost.Fiber, procs 1: signal 11", self.text)

    def test_text_is_escaped(self):
        self.assertIn("a &lt;note&gt; &amp; more", self.text)


if __name__ == "__main__":
    unittest.main()
