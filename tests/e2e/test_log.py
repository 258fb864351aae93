# SPDX-License-Identifier: ISC
"""What the log tells the administrator: the cause, the place, and every
source's lines, however many another one causes."""
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
import unittest

import harness
import wire
from harness import ROOT, alert, wait_for


class Case(harness.Case):
    def ask(self, name, protocol='http'):
        data = wire.head(name) if protocol == 'http' else wire.hello(name)
        return wire.ask(self.daemon.ports[protocol][0], data)[0]

    def line(self, name, protocol='http'):
        """The line about a refused client."""
        after = len(self.daemon.log_lines)
        self.ask(name, protocol)
        return self.daemon.wait_log('refused', after=after)


class Causes(Case):
    def setUp(self):
        super().setUp()
        self.daemon = self.usherd('-j', '1')

    def test_bad_names(self):
        """The kind is told, and not a byte of the name."""
        for name, kind in (('my_app.example', 'underscore'),
                           ('a..example', 'empty-label'),
                           ('-a.example', 'hyphen'), ('app.1', 'digits'),
                           ('a' * 64 + '.example', 'long-label'),
                           ('a.' * 130 + 'example', 'long'),
                           ('%61.example', 'character')):
            line = self.line(name)
            self.assertRegex(line, f' host=- reason=bad-name status=404 '
                             f'kind={kind}$')
        for name, kind in ((b'b\xc3\xbc.example', 'not-ascii'),
                           (b'a.example:443', 'colon'),
                           (b'192.0.2.1', 'digits')):
            self.assertRegex(self.line(name, 'tls'),
                             f'reason=bad-name alert=112 kind={kind}$')

    def test_the_entry(self):
        """Which directory it is about, where that has another name."""
        (self.host('_default') / 'x').touch()
        self.host('_.b.example')
        for name, entry in (('a.example', '_default'),
                            ('a.b.example', '_.b.example')):
            self.assertRegex(self.line(name),
                             f' host={name} reason=no-socket status=404 '
                             f'entry={entry} at={entry}/http-socket$')

    def test_nothing_foreign(self):
        """Names that a tenant has chosen are not printed as they are."""
        host = self.host('a.example')
        pool = host / 'http-socket'
        pool.mkdir()
        (pool / 'x\ny\x1b[31m z').symlink_to('/etc')
        line = self.line('a.example')
        self.assertIn('at=a.example/http-socket/x?y??31m?z', line)

    def test_no_name_of_another(self):
        """Names so long that not all are shown do not make those that
        follow look like another tenant's."""
        deep = self.host('evil.example') / ('x' * 200)
        (deep / 'b' / 'c').mkdir(parents=True)
        (deep / 'good.example').mkdir()
        (deep / 'good.example' / 'http-socket').touch()
        link = self.hosts / 'evil.example' / 'http-socket'
        link.symlink_to('x/../good.example/http-socket')
        (link.parent / 'x').symlink_to(deep.name + '/b')
        self.assertRegex(self.line('evil.example'),
                         'reason=not-a-socket .* at=evil.example/x+$')

    @unittest.skipUnless(ROOT, 'needs other users')
    def test_what_is_missing_where(self):
        """denied: the place, its mode and owner, and what it needs."""
        host, user = self.host('b.example'), pwd.getpwnam('daemon')
        self.tenant(host / 'http-socket', harness.echo_server)
        who = f'owner={user.pw_uid}:{user.pw_gid}'
        for path in (host, host / 'http-socket'):
            os.chown(path, user.pw_uid, user.pw_gid)
        os.chmod(host / 'http-socket', 0o755)
        self.assertRegex(
            self.line('b.example'), 'reason=denied status=503 '
            'entry=b.example at=b.example/http-socket mode=0755 '
            f'{who} needs=w$')
        os.chmod(host, 0o700)
        self.assertRegex(self.line('b.example'),
                         f'at=b.example mode=0700 {who} needs=x$')
        os.chmod(host, 0o755)
        (host / 'http-socket').unlink()
        (host / 'http-socket').mkdir()
        os.chown(host / 'http-socket', user.pw_uid, user.pw_gid)
        os.chmod(host / 'http-socket', 0o711)
        self.assertRegex(
            self.line('b.example'),
            f'at=b.example/http-socket mode=0711 {who} needs=r$')

    @unittest.skipUnless(ROOT, 'needs mounts')
    def test_another_file_system(self):
        path = self.host('a.example')
        script = f'mount -t tmpfs none {path} && exec "$@"'
        user = ['-u', harness.USER]
        daemon = harness.Usherd(self.hosts, command=[
            'unshare', '-m', 'sh', '-c', script, 'sh',
            str(harness.BUILD / 'usherd'), '-d', str(self.hosts), '-p',
            '127.0.0.1:0', *user])
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.start(1)
        wire.ask(daemon.http, wire.head('a.example'))
        self.assertIn('reason=other-filesystem status=502 entry=a.example '
                      'at=a.example', daemon.wait_log('refused'))

    def test_no_room_for_a_header(self):
        """A tenant who closes at once has taken no PROXY header."""
        host = self.host('a.example')
        (host / 'send-proxy-v1').touch()
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(os.path.relpath(host / 'http-socket'))
        os.chmod(host / 'http-socket', 0o666)
        listener.listen(5)
        script = ('import socket, sys\nl = socket.socket(fileno=3)\n'
                  'while True:\n    l.accept()[0].close()\n')
        child = subprocess.Popen(
            [sys.executable, '-c', script], pass_fds=[3],
            preexec_fn=lambda: os.dup2(listener.fileno(), 3))
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)

        def told():
            self.ask('a.example')
            return 'reason=no-proxy-room' in self.daemon.log()
        wait_for(told, 20, 0)


class Addresses(Case):
    def test_mapped(self):
        """One listener for both families tells IPv4 as IPv4."""
        listener = socket.socket(socket.AF_INET6)
        self.addCleanup(listener.close)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(('::', 0))
        listener.listen(5)
        self.daemon = self.usherd('-p', f'fd:{listener.fileno()}', tls=0,
                                  http=0, pass_fds=[listener.fileno()])
        self.daemon.start(1)
        port = listener.getsockname()[1]
        _, mine = wire.ask(port, wire.head('no.example'))
        self.assertIn(f' client=[127.0.0.1]:{mine} ',
                      self.daemon.wait_log('refused'))
        self.daemon.wait_log(r'listening on \[::\]:')

    @unittest.skipUnless(ROOT, 'needs a network namespace')
    def test_link_local(self):
        """Its zone is a number, for which nothing is asked of the system
        behind the filter."""
        user = ['-u', harness.USER]
        script = ('ip link set lo up && '
                  'ip -6 addr add fe80::1/64 dev lo nodad && exec "$@"')
        client = ('import socket, sys\n'
                  's = socket.create_connection(("fe80::1%lo", '
                  'int(sys.argv[1])))\ns.sendall(sys.argv[2].encode())\n'
                  'while s.recv(999): pass\n')
        daemon = harness.Usherd(self.hosts, command=[
            'unshare', '-n', 'sh', '-c', script, 'sh',
            str(harness.BUILD / 'usherd'), '-d', str(self.hosts), '-p',
            '8080', '-t', '8443', *user])
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.start(4)
        for port, text in ((8080, 'GET / HTTP/1.1\r\nHost: no\r\n\r\n'),
                           (8080, 'no request\r\n\r\n'),
                           (8443, 'no hello')):
            after = len(daemon.log_lines)
            subprocess.run(['nsenter', '-n', '-t', str(daemon.pid),
                            sys.executable, '-c', client, str(port), text],
                           timeout=20, check=True)
            self.assertRegex(daemon.wait_log('refused', after=after),
                             r'client=\[fe80::1%\d+\]:\d+ ')
        self.assertIsNone(daemon.process.poll())


class Floods(Case):
    def test_do_not_hide_others(self):
        """One source causes thousands of lines, and another's is there."""
        self.daemon = self.usherd('-j', '1', tls=0)
        data = wire.head('no.example')
        end = time.monotonic() + 20
        while 'lines lost' not in self.daemon.log():
            self.assertLess(time.monotonic(), end)
            for _ in range(50):
                wire.ask(self.daemon.http, data)
        lines = len(self.daemon.log_lines)
        self.assertGreater(lines, 400)
        for i in range(5):
            with socket.create_connection(
                    ('127.0.0.1', self.daemon.http), 20,
                    (f'127.0.0.{10 + i}', 0)) as other:
                other.sendall(data)
                wire.read_all(other)
            for _ in range(20):
                wire.ask(self.daemon.http, data)
            self.daemon.wait_log(rf'client=\[127\.0\.0\.{10 + i}\]', 2)


class Signals(Case):
    def setUp(self):
        super().setUp()
        self.tenant(self.host('a.example') / 'http-socket',
                    harness.http_server('reached'))
        self.daemon = self.usherd('-j', '1')

    def test_harmless_ones(self):
        """SIGHUP is sent by log rotation and by habit."""
        for number in (signal.SIGHUP, signal.SIGHUP):
            after = len(self.daemon.log_lines)
            self.daemon.process.send_signal(number)
            self.assertIn(number.name + ':', self.daemon.wait_log(
                'nothing to be done', after=after))
            self.assertIn(b'reached', self.ask('a.example'))

    def test_to_everybody(self):
        """A whole process group may get them, at any time; SIGUSR2 is an
        upgrade, and nobody but the launcher has to know."""
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE,
                       signal.SIGUSR2):
            after = len(self.daemon.log_lines)
            for child in self.daemon.children():
                os.kill(child, number)
            self.daemon.process.send_signal(number)
        self.daemon.wait_log('listening on .* for http', after=after)
        self.assertIn(b'reached', self.ask('a.example'))
        self.assertNotRegex(self.daemon.said(), 'killed|exited')

    def test_counts(self):
        for name, times in (('a.example', 3), ('no.example', 2),
                            ('a_b.example', 1), ('-a.example', 1)):
            for _ in range(times):
                self.ask(name)
        self.assertEqual(self.ask('no.example', 'tls'), alert(112))
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.daemon.wait_log('counts now')
        log = self.daemon.log()
        self.assertIn('counts http accepted=7 relayed=3 handed-off=0 left=0',
                      log)
        self.assertIn('counts http refused bad-name=2 unknown-host=2', log)
        self.assertIn('counts tls accepted=1 relayed=0', log)
        self.assertIn('counts tls refused unknown-host=1', log)
        self.assertRegex(log, r'counts now undecided=0 in-relays=\d+ '
                         r'not-picked-up=0 processes-replaced=0 lines-lost=0')
        self.assertIn(b'reached', self.ask('a.example'))

    def test_at_the_very_start(self):
        """Before it is ready, they do not end it either."""
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            daemon = harness.Usherd(self.hosts, '-j', '1')
            self.addCleanup(daemon.stop, signal.SIGKILL)
            wait_for(lambda d=daemon: int(harness.status_of(d.pid)['SigCgt'],
                                          16) & 1 << number - 1 or
                     'listening' in d.log(), step=0)
            daemon.process.send_signal(number)
            daemon.start()
            self.assertIsNone(daemon.process.poll())


if __name__ == '__main__':
    unittest.main()
