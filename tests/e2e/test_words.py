# SPDX-License-Identifier: ISC
"""No file of the repository refers the reader to a document outside it."""
import os
import re
import unittest

import harness

# The files, and the numbers that stand for their paragraphs.
OUTSIDE = re.compile(
    rb'\b(design|attacks)\.md\b|\b[Ii]ssues? \d|\b[Ii]tems? \d|'
    rb'\b[Aa]ttacks? [A-Z]?\d|\b[Ff]acts? [A-Z]?\d|'
    rb'[(;,] ?[A-F]\d{1,2}[,;)]')
NOT_OURS = re.compile(r'\.git|build|build-.*|__pycache__|node_modules|'
                      r'corpus|hellos')


def texts():
    """Paths and contents, without what was built or recorded."""
    for where, directories, files in os.walk(harness.TOP):
        directories[:] = [each for each in directories
                          if not NOT_OURS.fullmatch(each)]
        for name in files:
            path = os.path.join(where, name)
            if os.path.isfile(path) and name != os.path.basename(__file__):
                with open(path, 'rb') as file:
                    yield path, file.read()


class Words(unittest.TestCase):
    def test_all_that_is_cited_is_here(self):
        read, found = 0, []
        for path, text in texts():
            read += 1
            found += [(path, match.group())
                      for match in OUTSIDE.finditer(text)]
        self.assertEqual(found, [])
        self.assertGreater(read, 100)

    def test_what_would_be_found(self):
        for text in (b'see design.md 2.4', b'attacks.md', b'Issue 3 item 4',
                     b'Attack A8', b'fact F4', b'(D1, D2)', b'(C6)'):
            self.assertRegex(text, OUTSIDE)
        for text in (b'DESIGN.md', b'RFC 9112 section 6', b'unix(7)',
                     b'BYTES(L63)', b'attacks[0]'):
            self.assertNotRegex(text, OUTSIDE)


if __name__ == '__main__':
    unittest.main()
