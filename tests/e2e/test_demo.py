# SPDX-License-Identifier: ISC
"""./bootstrap demo: its answers are right, and however it ends nothing of it
is left, neither a process nor a file."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness
import held
from harness import wait_for


def session_of(pid):
    """Processes that are more than what init has to bury."""
    found = []
    for entry in os.listdir('/proc'):
        with contextlib.suppress(OSError, ValueError):
            with open(f'/proc/{int(entry)}/stat') as f:
                state, _, _, session = f.read().rsplit(')', 1)[1].split()[:4]
            if int(session) == pid and state not in 'ZX':
                found.append(int(entry))
    return found


def begin():
    """tests/run starts the plain user's tests with ^C ignored, and a shell
    leaves ignored what was so when it came."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@unittest.skipUnless(harness.BUILD == harness.TOP / 'build' and
                     held.as_shipped(), 'the demo is of build/, as shipped')
class Demo(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix='usher-test.'))
        self.addCleanup(shutil.rmtree, self.scratch)
        self.temporary = self.scratch / 'tmp'
        self.temporary.mkdir()
        for path in (self.scratch, self.temporary):
            os.chmod(path, 0o755)       # the demo's tenants go there

    def demo(self, *options, stdout=None):
        """In a session of its own, which its processes do not leave."""
        with open(self.scratch / 'output', 'w') as output:
            self.process = subprocess.Popen(
                ['./bootstrap', 'demo', *options], cwd=harness.TOP,
                stdin=subprocess.DEVNULL, stderr=output,
                stdout=output if stdout is None else stdout,
                env=dict(os.environ, TMPDIR=str(self.temporary)),
                start_new_session=True, preexec_fn=begin)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.kill)

    def kill(self):
        for pid in session_of(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def output(self):
        return (self.scratch / 'output').read_text()

    def ends(self, status):
        self.assertEqual(self.process.wait(40), status, self.output())
        left = {}
        for pid in session_of(self.process.pid):
            with contextlib.suppress(OSError):
                with open(f'/proc/{pid}/cmdline') as f:
                    left[pid] = f.read().replace('\0', ' ')
        self.assertEqual(left, {})
        self.assertEqual(os.listdir(self.temporary), [])

    def reaches(self, what):
        wait_for(lambda: self.process.poll() is not None or what(), 40, 0.005)
        self.assertIsNone(self.process.poll(), self.output())

    def there(self, pattern):
        return lambda: list(self.temporary.glob('usherd-demo.*/' + pattern))

    def test_once(self):
        self.demo('--once')
        self.ends(0)
        self.assertIn('All seven answers were right.', self.output())

    def interrupted(self, number=signal.SIGINT):
        """^C comes to all processes of a terminal at once."""
        os.killpg(self.process.pid, number)
        self.ends(128 + number)

    def test_interrupted_while_it_starts(self):
        """Also the tenant who is handed his connections: the server runs as
        it is started, by another user."""
        for pattern in ('a.example.key', 'hosts/b.example', 'c.log',
                        'hosts/c.example/http-handoff', 'log'):
            with self.subTest(pattern):
                self.demo('--once')
                self.reaches(self.there(pattern))
                self.interrupted()

    def test_interrupted_while_it_shows(self):
        self.demo('--once')
        self.reaches(lambda: 'Each name reaches' in self.output())
        self.interrupted()

    def test_until_it_is_ended(self):
        for number in (signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                self.demo()
                self.reaches(lambda: "usherd's log:" in self.output())
                self.interrupted(number)

    def test_nobody_reads_it_to_the_end(self):
        """./bootstrap demo | head"""
        out, into = os.pipe()
        with open(out, 'rb') as reader, open(into, 'wb') as writer:
            self.demo(stdout=writer)
            writer.close()
            self.assertTrue(reader.read(1))
        self.ends(141)


if __name__ == '__main__':
    unittest.main()
