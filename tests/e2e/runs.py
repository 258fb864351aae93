# SPDX-License-Identifier: ISC
"""What the tests of `usher run` share."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness

LIBRARY = 'libusher-accept.so'
INSTEAD = 'listen on a UNIX socket called tls-socket or http-socket instead'
NOBODY = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups']
SECONDS = 20

# In the sanitizers' build the library brings their run-time into programs
# that do not have it.
SANITIZERS = {'ASAN_OPTIONS': 'verify_asan_link_order=0:detect_leaks=0'}


class Case(unittest.TestCase):
    """usher and its library in a directory that every user can read."""

    @classmethod
    def setUpClass(cls):
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix='usher-test.'))
        cls.top = cls.top.resolve()
        cls.addClassCleanup(shutil.rmtree, cls.top, ignore_errors=True)
        os.chmod(cls.top, 0o755)
        cls.bin = cls.top / 'bin'
        cls.bin.mkdir(mode=0o755)
        for name in ('usher', LIBRARY):
            shutil.copy(harness.BUILD / name, cls.bin)
        cls.usher = str(cls.bin / 'usher')
        cls.library = str(cls.bin / LIBRARY)

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(dir=self.top))
        os.chmod(self.scratch, 0o755)

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items()
                if name != 'LD_PRELOAD' and not name.startswith('USHER_')}
        return {**kept, **SANITIZERS, **more}

    def run_usher(self, *arguments, env=None, before=(), usher=None, **how):
        how.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run(
            [*before, usher or self.usher, *map(str, arguments)],
            capture_output=True, text=True, errors='surrogateescape',
            timeout=SECONDS, env=self.environment(**(env or {})), **how)

    def ran(self, *arguments, **how):
        """What a command printed that must have been executed."""
        done = self.run_usher('run', *arguments, **how)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout

    def seen(self, *arguments, **how):
        """The environment of a command."""
        out = self.ran(*arguments, '/usr/bin/env', '-0', **how)
        return dict(item.split('=', 1) for item in out.split('\0') if item)

    def refused(self, *arguments, status=1, says='', **how):
        """Exactly one line, of visible ASCII, and nothing was executed."""
        done = self.run_usher('run', *arguments, **how)
        self.assertEqual((done.returncode, done.stdout), (status, ''),
                         done.stderr)
        self.assertRegex(done.stderr, r'\Ausher run: [ -~]+\n\Z')
        if says:
            self.assertRegex(done.stderr, says)
        return done.stderr

    def file(self, name, content, mode=0o755):
        path = self.scratch / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        os.chmod(path, mode)
        return path

    def copy(self, program, name=None, mode=0o755):
        path = self.scratch / (name or os.path.basename(program))
        shutil.copyfile(program, path)
        os.chmod(path, mode)
        return path
