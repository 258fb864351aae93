# SPDX-License-Identifier: ISC
"""The command line of usherd.  What is wrong with it is said in exactly one
line on stderr, and the exit status is 1."""
import os
import socket
import subprocess
import unittest

import harness

USHERD = str(harness.BUILD / 'usherd')
LISTEN = ['-t', '127.0.0.1:0']


def run(*arguments, **how):
    """usherd that is expected to end by itself at once."""
    how.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run(harness.with_user([USHERD, *arguments]),
                          capture_output=True, text=True, timeout=5, **how)


class Words(unittest.TestCase):
    def test_version(self):
        """-V gives the linked libraries' versions and the sandbox too."""
        for option in ('-V', '--version'):
            done = run(option)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertRegex(done.stdout, r'\Ausherd \d+\.\d+')
            self.assertRegex(done.stdout, r'(?m)^libevent \d')
            self.assertRegex(done.stdout, r'(?m)^BearSSL')
            self.assertRegex(done.stdout, r'(?m)^sandbox: \S')

    def test_help(self):
        for option in ('-h', '--help'):
            done = run(option)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertTrue(done.stdout.startswith('usage: usherd'))
            for letter in 'dtpujTgnVh':
                self.assertRegex(done.stdout, rf'(?m)^  -{letter} ')
            self.assertIn('LISTEN_FDS', done.stdout)

    def test_output_that_cannot_be_written(self):
        for option in ('-V', '-h'):
            with open('/dev/full', 'w') as full:
                status = subprocess.run([USHERD, option], stdout=full,
                                        timeout=10).returncode
            self.assertEqual(status, 1)


class Case(harness.Case):
    def wrong(self, *arguments, says='', hosts=True, **how):
        where = ['-d', str(self.hosts)] if hosts else []
        try:
            done = run(*where, *arguments, **how)
        except subprocess.TimeoutExpired:
            self.fail('usherd took it and runs')
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, '')
        self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
        self.assertRegex(done.stderr, r'usherd: .*' + says)


class Wrong(Case):
    def test_options(self):
        for arguments in (['-z'], ['--nonsense'], ['-t'], ['-d'],
                          ['extra'], ['-t', '127.0.0.1:0', 'extra']):
            with self.subTest(arguments):
                self.wrong(*arguments, says='-h')

    def test_no_such_option(self):
        self.wrong('-z', says=r'-z: no such option; usherd -h')
        self.wrong('--nonsense', says=r'--nonsense: no such option; ')
        self.wrong('-nz', says=r'-z: no such option; ')
        self.wrong('-t', says=r'-t: needs an argument; usherd -h')

    def test_listening_twice(self):
        for one, other in (('-t', '-t'), ('-p', '-p'), ('-t', '-p')):
            for text in ('443', '127.0.0.1:443', 'fd:3'):
                self.wrong(one, text, other, text,
                           says=f'{other} {text}: given twice')

    def test_numbers(self):
        for arguments in (['-j', '0'], ['-j', '65'], ['-j', '-1'],
                          ['-j', 'x'], ['-j', ''], ['-j', '1x'],
                          ['-j', '99999999999999999999'], ['-g', '-1'],
                          ['-g', ''], ['-g', '1h'], ['-g', '604801']):
            with self.subTest(arguments):
                self.wrong(*LISTEN, *arguments, says=f'{arguments[0]} ')

    def test_engines(self):
        for engine in ('x', '', 'Cursor', 'cursor,bearssl'):
            with self.subTest(engine):
                self.wrong(*LISTEN, '-T', engine, says='-T ')

    def test_addresses(self):
        for text in ('', 'x', 'https', '127.0.0.1', '127.0.0.1:',
                     '127.0.0.1:x', '127.0.0.1:65536', '70000',
                     '127.0.0.1:99999', '127.0.0.1:-1', '-1', '+0',
                     '127.0.0.1:+0', '127.0.0.1: 0', ' 0', '0x50', ':0',
                     '[]:0', '::1:0', '[::1]', '[::1]0', '[::1:0',
                     'localhost:0', '256.0.0.1:0', '127.0.0.1:0/',
                     '192.0.2.1:0', '[2001:db8::1]:0', 'x' * 1000):
            for option in ('-t', '-p'):
                with self.subTest(option=option, text=text):
                    self.wrong(option, text, says=f'{option} ')

    def test_port_in_use(self):
        for family, host, text in (
                (socket.AF_INET, '127.0.0.1', '127.0.0.1'),
                (socket.AF_INET6, '::1', '[::1]')):
            if family == socket.AF_INET6 and not socket.has_ipv6:
                continue
            with socket.create_server((host, 0), family=family) as holder:
                port = holder.getsockname()[1]
                self.wrong('-t', f'{text}:{port}', says='in use')
                self.wrong('-t', f'{port}', says='in use')

    @unittest.skipIf(harness.ROOT, 'root may bind to any port')
    def test_port_below_1024(self):
        with open('/proc/sys/net/ipv4/ip_unprivileged_port_start') as f:
            if int(f.read()) <= 1:
                self.skipTest('every port is unprivileged here')
        self.wrong('-t', '127.0.0.1:1', says='not permitted')

    def test_more_listeners_than_there_is_room_for(self):
        self.wrong(*LISTEN * 1000, says='more than')

    def test_users(self):
        self.wrong(*LISTEN, '-u', 'root', says='root')
        self.wrong(*LISTEN, '-u', 'no-such-user-here', says='no user')
        self.wrong(*LISTEN, '-u', '', says='no user')

    @unittest.skipIf(harness.ROOT, 'root can become another user')
    def test_another_user_without_root(self):
        self.wrong(*LISTEN, '-u', 'daemon', says='only root')


class WrongPlaces(Case):
    """Hosts directories and descriptors that will not do."""

    def test_hosts_directory(self):
        file = self.hosts / 'file'
        file.touch()
        for path in (self.hosts / 'none', file, '', '/dev/null',
                     'x' * 5000):
            with self.subTest(path):
                self.wrong('-d', str(path), *LISTEN, hosts=False)

    def test_hosts_directory_open_to_all(self):
        """Anybody could take any name there: usherd does not start."""
        for mode in (0o777, 0o757, 0o772, 0o702):
            with self.subTest(mode):
                os.chmod(self.hosts, mode)
                self.wrong(*LISTEN, says='hosts directory')
        os.chmod(self.hosts, 0o755)

    def test_nothing_to_listen_on(self):
        self.wrong(says='nothing to listen on')
        self.wrong(says='nothing to listen on', stdin=None,
                   preexec_fn=lambda: os.close(0))

    def test_descriptors_that_do_not_listen(self):
        with socket.socket() as fresh, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, \
                socket.socket(socket.AF_UNIX) as unix, \
                socket.create_server(('127.0.0.1', 0)) as server, \
                socket.create_connection(server.getsockname()) as client, \
                open('/dev/null') as null:
            udp.bind(('127.0.0.1', 0))
            unix.bind(str(self.hosts / 'listening'))
            unix.listen()
            for what, each in (('unbound', fresh), ('datagram', udp),
                               ('unix', unix), ('connected', client),
                               ('a file', null)):
                with self.subTest(what):
                    fd = each.fileno()
                    self.wrong('-t', f'fd:{fd}', pass_fds=[fd],
                               says=f'descriptor {fd} is not a ')

    def test_descriptor_texts(self):
        for text in ('fd:', 'fd:x', 'fd:-1', 'fd:1x', 'fd:99', 'fd:70000',
                     'fd:99999999999999999999', 'fd: 3', 'FD:3', 'fd3'):
            with self.subTest(text):
                self.wrong('-p', text)

    def test_one_descriptor_twice(self):
        with socket.create_server(('127.0.0.1', 0)) as server:
            fd = server.fileno()
            self.wrong('-t', f'fd:{fd}', '-p', f'fd:{fd}', pass_fds=[fd],
                       says='given twice')


if __name__ == '__main__':
    unittest.main()
