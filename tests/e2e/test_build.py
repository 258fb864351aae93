# SPDX-License-Identifier: ISC
"""make, make install and make uninstall, with each make that is here."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness

MAKES = {'GNU make': ['make'], 'BSD make': ['bmake', '-f', 'BSDmakefile']}
TELLING = {'options.o', 'program_linux.o', 'usher_main.o', 'usher_run.o'}
INSTALLED = {
    'sbin/usherd', 'libexec/usherd/usherd-tls', 'libexec/usherd/usherd-http',
    'libexec/usherd/usherd-relay', 'libexec/usherd/usherd-front',
    'libexec/usherd/usherd-log',
    'bin/usher', 'lib/libusher-accept.so',
    'include/usher_accept.h', 'share/examples/usherd/usher_accept.c',
    'share/examples/usherd/example.c', 'share/man/man1/usher.1',
    'share/man/man5/usher-hosts.5', 'share/man/man7/usher-handoff.7',
    'share/man/man8/usherd.8'}


def files(top):
    return {str(path.relative_to(top)) for path in top.rglob('*')
            if not path.is_dir()}


class Make:
    """A build directory, filled by one of the makes."""

    @classmethod
    def setUpClass(cls):
        if shutil.which(cls.command[0]) is None:
            raise unittest.SkipTest(f'{cls.command[0]} is not installed')
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix='usher-test.'))
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        os.chmod(cls.scratch, 0o755)
        cls.first = cls.make('-j2')

    @classmethod
    def make(cls, *words, b='b'):
        """Gives what it printed.  Without optimization it is done sooner."""
        env = {name: value for name, value in os.environ.items()
               if name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'PREFIX')}
        done = subprocess.run(
            [*cls.command, f'B={cls.scratch / b}', 'CFLAGS=-O0', 'FORTIFY=',
             *words], cwd=harness.TOP, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError(done.stdout)
        return done.stdout

    def compiled(self, output):
        return set(re.findall(r'-c -o \S*?([^/\s]+\.o) ', output))

    def installed(self, prefix, *words):
        place = self.scratch / prefix
        return place, self.make(f'PREFIX={place}', *words, 'install')

    def test_make_alone_builds_the_programs(self):
        """The programs are built, no tests, and check(3) is not needed."""
        self.assertNotIn('-lcheck', self.first)
        self.assertNotIn('tests/', self.first.replace(
            str(self.scratch), '').replace('tests/try', '', 1))
        b = self.scratch / 'b'
        self.assertEqual(files(b / 'tests'), set())
        for name in ('usherd', 'usherd-tls', 'usherd-http', 'usherd-relay',
                     'usherd-front', 'usherd-log', 'usher',
                     'libusher-accept.so'):
            self.assertTrue(os.access(b / name, os.X_OK), name)

    def test_nothing_is_done_twice(self):
        self.make()     # the other tests leave what they have asked for
        self.assertEqual(self.compiled(self.make()), set())

    def test_another_prefix_is_a_working_installation(self):
        """What has the prefix inside is rebuilt, and only that: also within
        the second in which the first was built."""
        b = self.scratch / 'b'
        for name in ('one', 'two'):
            prefix, output = self.installed(name)
            self.assertEqual(self.compiled(output), TELLING)
            self.assertEqual(self.compiled(self.installed(name)[1]), set())
            self.assertEqual(files(prefix), INSTALLED)
            self.works(prefix)
            page = (prefix / 'share/man/man8/usherd.8').read_text()
            self.assertIn(f'{prefix}/libexec/usherd', page)
            self.assertNotIn('/usr/local/', page)
        shutil.move(b, self.scratch / 'gone')   # it is not what is run
        self.works(prefix)
        shutil.move(self.scratch / 'gone', b)

    def works(self, prefix):
        hosts = prefix.parent / (prefix.name + '.hosts')
        hosts.mkdir(exist_ok=True)
        daemon = harness.Usherd(hosts, command=[
            prefix / 'sbin/usherd', '-d', hosts, '-j', '1', '-p',
            '127.0.0.1:0'])
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.start(1)
        self.assertIn(b' 404 ', harness.exchange(
            daemon.http, b'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'))
        for pid in daemon.children():
            with open(f'/proc/{pid}/cmdline') as f:
                self.assertIn('usherd-', f.read())
        preloaded = subprocess.run(
            [prefix / 'bin/usher', 'run', '-l', f'8000={hosts}/http-handoff',
             '--', '/usr/bin/env'], capture_output=True, text=True)
        self.assertIn(f'LD_PRELOAD={prefix}/lib/libusher-accept.so\n',
                      preloaded.stdout, preloaded.stderr)

    def test_another_version(self):
        self.make()
        self.assertEqual(self.compiled(self.make('VERSION=9.8.7')), TELLING)
        for name in ('usherd', 'usher'):
            said = subprocess.run([self.scratch / 'b' / name, '-V'],
                                  capture_output=True, text=True).stdout
            self.assertTrue(said.startswith(f'{name} 9.8.7\n'), said)

    def test_uninstall(self):
        """What install put there is removed, and no more."""
        stage = self.scratch / 'stage'
        words = [f'DESTDIR={stage}', 'PREFIX=/opt/x']
        self.make(*words, 'install')
        place = stage / 'opt/x'
        self.assertEqual(files(stage), {f'opt/x/{name}'
                                        for name in INSTALLED})
        directories = {path for path in place.rglob('*') if path.is_dir()}
        for directory in directories:
            (directory / 'foreign').touch()
        self.make(*words, 'uninstall')
        self.assertEqual({path.parent for path in stage.rglob('*')
                          if not path.is_dir()}, directories)
        self.make(*words, 'uninstall')      # nothing is there: no error
        self.make(*words, 'install')
        for directory in directories:
            (directory / 'foreign').unlink()
        self.make(*words, 'uninstall')
        self.assertEqual(directories - set(place.rglob('*')), {
            place / 'libexec/usherd', place / 'share/examples/usherd'})
        self.assertEqual(files(stage), set())


class GnuMake(Make, unittest.TestCase):
    command = MAKES['GNU make']


class BsdMake(Make, unittest.TestCase):
    command = MAKES['BSD make']

    def test_compiles_under_destdir(self):
        """NetBSD's sys.mk would look for the compiler's headers there."""
        self.make('-j2', f"DESTDIR={self.scratch / 'nothing'}", b='again')


if __name__ == '__main__':
    unittest.main()
