# SPDX-License-Identifier: ISC
"""tests/run and make bench where something is not there: a test, what it is
built from, a tool, the user _usherd, a usherd that starts."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness


# With another /etc/passwd and /etc/group in a mount namespace of its own.
WITHOUT_USER = r'''
set -e
for file in passwd group; do
	sed /^_usherd:/d /etc/$file >$1/$file
	mount --bind "$1/$file" /etc/$file
done
shift
if id -u _usherd 2>/dev/null; then exit 1; fi
exec "$@"
'''


class Runner(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix='usher-test.'))
        self.addCleanup(shutil.rmtree, self.scratch)

    def run_tests(self, *names, build=harness.BUILD):
        done = subprocess.run(
            [harness.TOP / 'tests' / 'run', *names], capture_output=True,
            text=True, env=dict(os.environ, USHER_QUICK='1',
                                USHER_BUILD=str(build)))
        return done.returncode, done.stdout, done.stderr

    def link(self, *names):
        """A build directory that has only these."""
        (self.scratch / 'tests' / 'try').mkdir(parents=True)
        for name in names:
            os.symlink(harness.BUILD / name, self.scratch / name)

    def test_one_that_is_there(self):
        status, out, err = self.run_tests('chunks')
        self.assertEqual((status, err), (0, ''))
        self.assertIn('== unit: chunks\n', out)
        self.assertIn('\n1 passed, 0 failed\n', out)

    def test_no_such_test(self):
        for names in (['nosuch'], ['chunks', 'nosuch'], ['nosuch', 'chunks'],
                      ['test_chunks'], ['']):
            with self.subTest(names):
                status, out, err = self.run_tests(*names)
                which = [name for name in names if name != 'chunks'][0]
                self.assertEqual((status, out, err), (
                    1, '', f'tests/run: no test called {which}\n'))

    def not_built(self, name, *missing):
        status, out, err = self.run_tests(name, build=self.scratch)
        self.assertEqual((status, out), (1, ''))
        self.assertEqual(err, 'tests/run: not built (make test-programs): ' +
                         ' '.join(f'{self.scratch}/{each}'
                                  for each in missing) + '\n')

    def test_unit_suite_is_not_built(self):
        self.link('usherd', 'hello.o', 'tests/test_chunks')
        self.not_built('flight', 'tests/test_flight')

    def test_try_programs_are_not_built(self):
        """Their tests would all be skipped."""
        self.link('usherd', 'usher', 'tests/load', 'tests/serve',
                  'tests/calm', 'tests/states', 'tests/pair_states',
                  'tests/response', 'tests/peeksplice')
        self.not_built('sandbox', 'tests/try/usherd')

    def test_nothing_is_built(self):
        self.link()
        self.not_built('routing', 'usherd', 'usher', 'tests/load',
                       'tests/serve', 'tests/calm', 'tests/states',
                       'tests/pair_states', 'tests/response',
                       'tests/peeksplice', 'tests/try/usherd')

    @unittest.skipUnless(harness.ROOT, 'only root becomes another user')
    def test_without_the_user_of_usherd(self):
        """The end-to-end tests, and the measurement."""
        if subprocess.run(['unshare', '-m', 'true']).returncode != 0:
            self.skipTest('no mount namespaces here')
        done = subprocess.run(
            ['unshare', '-m', 'sh', '-c', WITHOUT_USER, 'sh', self.scratch,
             sys.executable, harness.TOP / 'tests/e2e/test_routing.py', '-v'],
            capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r'Ran [1-9]\d* tests')

    def test_what_usherd_said(self):
        """A test whose usherd does not start shows why."""
        daemon = harness.Usherd(self.scratch / 'none', '-j', '1')
        with self.assertRaisesRegex(AssertionError, 'status 1; it said:\n'
                                    f'usherd: .*{self.scratch}/none'):
            daemon.start()
        daemon.stop()


class Bench(unittest.TestCase):
    def bench(self, *parts, **env):
        done = subprocess.run(
            [sys.executable, harness.TOP / 'tests/bench/bench.py', *parts],
            capture_output=True, text=True, env=dict(os.environ, **env))
        return done.returncode, done.stdout, done.stderr

    def test_all_missing_tools_at_once(self):
        self.assertEqual(self.bench(PATH='/nonexistent'), (
            1, '', 'not installed: nginx haproxy wrk '
            '(./bootstrap bench installs them)\n'))


if __name__ == '__main__':
    unittest.main()
