# SPDX-License-Identifier: ISC
"""The examples of the pages: what each says, and which test tries it.

To add a test for an example, write a method in the file of its page:

    @manual.example('By group', 'usermod')
    def test_by_group(self, example):
        ...

It is run with the example that contains the words, of the section that has
this heading (a pattern for all of it).  A page with an example that not
exactly one test tries fails in test_each_example_is_tried().
"""
import collections
import functools
import re
import subprocess

import harness

Example = collections.namedtuple('Example', 'page section text')

ESCAPES = {'e': '\\', '&': '', '-': '-', ' ': ' ', '(dq': '"', '(aq': "'",
           '(en': '\N{EN DASH}'}


def plain(text):
    """mdoc source as the reader sees it."""
    def one(match):
        if match[1] not in ESCAPES:
            raise AssertionError(f'no test knows \\{match[1]} in: {text}')
        return ESCAPES[match[1]]
    return re.sub(r'\\(\(..|.)', one, text)


def of_mdoc(page):
    """Headings, and displays with their sections, of a page in man/."""
    headings, examples, section, display = [], [], '', None
    for line in (harness.TOP / 'man' / page).read_text().split('\n'):
        word, _, rest = line.partition(' ')
        if word in ('.Sh', '.Ss'):
            section = plain(rest)
            headings.append(section)
        elif word in ('.Dl', '.D1'):
            examples.append(Example(page, section, plain(rest) + '\n'))
        elif word == '.Bd':
            display = []
        elif word == '.Ed':
            examples.append(Example(page, section, ''.join(display)))
            display = None
        elif display is not None:
            display.append(plain(line) + '\n')
    return headings, examples


def of_markdown(page):
    """The same of a page with # and ```."""
    headings, examples, section, display = [], [], '', None
    for line in (harness.TOP / page).read_text().split('\n'):
        if line.startswith('```'):
            if display is None:
                display = []
                continue
            examples.append(Example(page, section, ''.join(display)))
            display = None
        elif display is not None:
            display.append(line + '\n')
        elif line.startswith('#'):
            section = line.lstrip('# ')
            headings.append(section)
    return headings, examples


@functools.lru_cache(maxsize=None)
def read(page):
    return (of_markdown if page.endswith('.md') else of_mdoc)(page)


def rendered(page):
    """The lines that mandoc(1) makes of a page, without indentation."""
    text = subprocess.run(
        ['mandoc', '-Tutf8', harness.TOP / 'man' / page], check=True,
        capture_output=True, text=True).stdout
    return [re.sub('.\b', '', line).strip() for line in text.split('\n')]


def example(section, words):
    """The method tries the example of this section with these words; with
    several of these decorators, several, in this order."""
    def decorate(method):
        tried = getattr(method, 'tried', method)

        @functools.wraps(tried)
        def run(self):
            return tried(self, *(self.example(*each) for each in run.examples))
        run.tried = tried
        run.examples = [(section, words), *getattr(method, 'examples', [])]
        return run
    return decorate


class Page:
    """Mixed into the tests of one page, which is the attribute page."""

    def example(self, section, words):
        found = [each for each in read(self.page)[1] if words in each.text
                 and re.fullmatch(section, each.section)]
        self.assertEqual(len(found), 1, f'{self.page}: examples in '
                         f'"{section}" with "{words}"')
        return found[0]

    def test_each_example_is_tried(self):
        tests = [getattr(type(self), name) for name in dir(type(self))]
        tried = [self.example(*key) for test in tests
                 for key in getattr(test, 'examples', [])]
        for each in read(self.page)[1]:
            with self.subTest(each=each):
                self.assertEqual(tried.count(each), 1,
                                 f'{self.page}: tests that try this one')


def pages():
    """All that this project gives its users to read, with examples in it."""
    return ['README.md', *sorted(path.name for path in
                                 (harness.TOP / 'man').iterdir())]
