# SPDX-License-Identifier: ISC
"""The manual pages as such: each has a test of its examples, and is shown as
it was meant."""
import re
import shutil
import unittest

import manual
from harness import TOP

# The file that tries the examples of each page.
TRIED = {'README.md': 'readme', 'usher-handoff.7': 'handoff',
         'usher-hosts.5': 'hosts', 'usher.1': 'usher', 'usherd.8': 'usherd'}


@unittest.skipUnless((TOP / 'man').is_dir(), 'only the tests are here')
class Pages(unittest.TestCase):
    def test_each_page_is_tried(self):
        self.assertEqual(manual.pages(), sorted(TRIED))
        for page, name in TRIED.items():
            file = TOP / 'tests' / 'e2e' / f'test_manual_{name}.py'
            self.assertIn(f"page = '{page}'", file.read_text())

    def test_examples_are_found(self):
        """Nothing is missed because it is written in another way."""
        for page in manual.pages():
            text = (TOP / page if page.endswith('.md')
                    else TOP / 'man' / page).read_text()
            if page.endswith('.md'):
                fences = re.findall(r'(?m)^```', text)
                self.assertNotRegex(re.sub(r'(?ms)^```.*?^```', '', text),
                                    r'(?m)^(    |\t|~~~)')
                begin = len(fences) // 2
            else:
                begin = len(re.findall(r'(?m)^\.(?:Bd|D1|Dl|nf)\b', text))
            self.assertEqual(len(manual.read(page)[1]), begin, page)

    @unittest.skipUnless(shutil.which('mandoc'), 'no mandoc: package mandoc')
    def test_shown_as_written(self):
        """A heading may begin with the name of a macro, and an example with
        a dot: mandoc's output has each line as it is tried."""
        for page in manual.pages()[1:]:
            headings, examples = manual.read(page)
            shown = set(manual.rendered(page))
            lines = {line.strip() for each in examples
                     for line in each.text.split('\n')}
            with self.subTest(page):
                self.assertEqual({*headings, *lines} - shown, set())


if __name__ == '__main__':
    unittest.main()
