# SPDX-License-Identifier: ISC
"""Where usherd listens: addresses, inherited descriptors, LISTEN_FDS."""
import errno
import os
import socket
import sys
import unittest

import harness
import wire
from harness import Usherd, http_server

USHERD = str(harness.BUILD / 'usherd')

# LISTEN_PID must be the pid of what is started: set, then exec.  The first
# argument lists the descriptors that become 3, 4, ...
ACTIVATE = '''
import os, sys
high = [os.dup2(int(word), 100 + i) for i, word in
        enumerate(sys.argv[1].split(','))]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
os.environ['LISTEN_PID'] = os.environ.get('PRETEND', str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
'''


class Listeners(harness.Case):
    def setUp(self):
        super().setUp()
        host = self.host('a.example')
        self.tenant(host / 'tls-socket', harness.echo_server)
        self.tenant(host / 'http-socket', http_server('http'))

    def daemon(self, command, listeners=1, **how):
        daemon = Usherd(self.hosts, command=[USHERD, *command], **how)
        self.addCleanup(daemon.stop, harness.signal.SIGKILL)
        return daemon.start(listeners)

    def server(self, host='127.0.0.1', family=socket.AF_INET):
        server = socket.create_server((host, 0), family=family)
        self.addCleanup(server.close)
        return server, server.getsockname()[1]

    def assert_tls(self, port, host='127.0.0.1'):
        data = wire.hello('a.example') + b'x'
        with wire.connect(port, host=host) as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(wire.read_all(client), data)

    def assert_http(self, port, host='127.0.0.1'):
        with wire.connect(port, host=host) as client:
            client.sendall(wire.head())
            self.assertTrue(wire.read_all(client).endswith(b'http'))

    def free_port(self):
        """A port that is free in both families."""
        for _ in range(20):
            with socket.create_server(('127.0.0.1', 0)) as probe:
                port = probe.getsockname()[1]
            try:
                socket.create_server(
                    ('::', port), family=socket.AF_INET6,
                    dualstack_ipv6=True).close()
                return port
            except OSError as error:
                if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    self.skipTest('no IPv6 here')
        raise AssertionError('no free port')


class Addresses(Listeners):
    def test_ipv6(self):
        """An address in brackets, with a port."""
        if not socket.has_ipv6:
            self.skipTest('no IPv6 here')
        daemon = self.daemon(['-d', self.hosts, '-t', '[::1]:0',
                              '-p', '[::1]:0'], 2)
        self.assert_tls(daemon.tls, '::1')
        self.assert_http(daemon.http, '::1')
        answer = self.curl('a.example', daemon.http, '--connect-to',
                           f'::[::1]:{daemon.http}', scheme='http')
        self.assertEqual(answer, (0, 'http'))

    def test_ipv6_in_the_log(self):
        daemon = self.daemon(['-d', self.hosts, '-t', '[::1]:0'])
        with wire.connect(daemon.tls, host='::1') as client:
            client.sendall(wire.head())
            wire.read_all(client)
            port = client.getsockname()[1]
        self.assertIn(f'client=[::1]:{port} ', daemon.wait_log('refused'))

    def test_port_alone_is_both_families(self):
        """A port alone, or behind *, is one on IPv4 and on IPv6."""
        tls, http = self.free_port(), self.free_port()
        daemon = self.daemon(['-d', self.hosts, '-t', f'{tls}',
                              '-p', f'*:{http}'], 4)
        for host in ('127.0.0.1', '::1'):
            self.assert_tls(tls, host)
            self.assert_http(http, host)
        self.assertEqual(sorted(set(daemon.ports['tls'])), [tls])

    def test_ipv4_client_is_told_as_one(self):
        tls = self.free_port()
        daemon = self.daemon(['-d', self.hosts, '-t', f'{tls}'], 2)
        _, port = wire.ask(tls, wire.head())
        self.assertIn(f'client=[127.0.0.1]:{port} ',
                      daemon.wait_log('refused'))

    def test_several(self):
        """-t and -p may each be given more than once."""
        daemon = self.usherd(tls=5, http=5)
        self.assertEqual(len(set(daemon.ports['tls'])), 5)
        for port in daemon.ports['tls']:
            self.assert_tls(port)
        for port in daemon.ports['http']:
            self.assert_http(port)

    def test_the_port_is_free_again_at_once(self):
        daemon = self.usherd(http=0)
        with wire.connect(daemon.tls) as client:
            client.sendall(wire.hello('a.example'))
            self.assertTrue(client.recv(1))
            daemon.stop(harness.signal.SIGKILL)
        again = self.daemon(['-d', self.hosts, '-t',
                             f'127.0.0.1:{daemon.tls}'])
        self.assert_tls(again.tls)


class Inherited(Listeners):
    def test_fd(self):
        """fd:N in place of an address is an inherited listening socket."""
        (tls, tls_port), (http, http_port) = self.server(), self.server()
        daemon = self.daemon(
            ['-d', self.hosts, '-t', f'fd:{tls.fileno()}',
             '-p', f'fd:{http.fileno()}'], 2,
            pass_fds=[tls.fileno(), http.fileno()])
        self.assertEqual((daemon.tls, daemon.http), (tls_port, http_port))
        self.assert_tls(tls_port)
        self.assert_http(http_port)

    def test_fd_beside_an_address(self):
        server, port = self.server()
        daemon = self.daemon(
            ['-d', self.hosts, '-t', f'fd:{server.fileno()}',
             '-t', '127.0.0.1:0'], 2, pass_fds=[server.fileno()])
        for each in daemon.ports['tls']:
            self.assert_tls(each)
        self.assertIn(port, daemon.ports['tls'])

    def test_descriptor_0_and_no_option_at_all(self):
        """In hosts/, a listener as standard input is enough."""
        server, port = self.server()
        daemon = self.daemon([], stdin=server, cwd=self.hosts)
        self.assertEqual(daemon.ports, {'tls': [port], 'http': []})
        self.assert_tls(port)

    def test_descriptor_0_for_http(self):
        """Descriptor 0 is for TLS unless -p fd:0 says otherwise."""
        server, port = self.server()
        self.daemon(['-p', 'fd:0'], stdin=server, cwd=self.hosts)
        self.assert_http(port)

    def test_descriptor_0_for_ipv6(self):
        if not socket.has_ipv6:
            self.skipTest('no IPv6 here')
        server, port = self.server('::1', socket.AF_INET6)
        self.daemon([], stdin=server, cwd=self.hosts)
        self.assert_tls(port, '::1')

    def test_blocking_or_not(self):
        """An inherited socket comes as it was left by others."""
        for blocking in (True, False):
            server, port = self.server()
            server.setblocking(blocking)
            self.daemon([], stdin=server, cwd=self.hosts)
            for _ in range(3):
                self.assert_tls(port)

    def test_the_listener_outlives_usherd(self):
        """A restart with an inherited socket loses nobody."""
        server, port = self.server()
        first = self.daemon([], stdin=server, cwd=self.hosts)
        self.assert_tls(port)
        self.assertEqual(first.stop(), 0)
        with wire.connect(port) as waiting:
            data = wire.hello('a.example')
            waiting.sendall(data)
            waiting.shutdown(socket.SHUT_WR)
            self.daemon([], stdin=server, cwd=self.hosts)
            self.assertEqual(wire.read_all(waiting), data)


class Activated(Listeners):
    def activated(self, names, servers, listeners, options=(), **more):
        fds = [server.fileno() for server in servers]
        env = dict(os.environ, LISTEN_FDS=str(len(fds)), **more)
        if names is not None:
            env['LISTEN_FDNAMES'] = names
        command = [sys.executable, '-c', ACTIVATE,
                   ','.join(str(fd) for fd in fds), USHERD,
                   '-d', str(self.hosts), *options]
        daemon = Usherd(self.hosts, command=command, env=env, pass_fds=fds)
        self.addCleanup(daemon.stop, harness.signal.SIGKILL)
        return daemon.start(listeners) if listeners else daemon

    def test_listen_fds(self):
        """Names that begin with tls or http choose the protocol."""
        names, servers = ['tls', 'http', 'tls-six', 'http_2'], []
        for _ in names:
            servers.append(self.server())
        daemon = self.activated(':'.join(names), [s for s, _ in servers], 4)
        ports = [port for _, port in servers]
        self.assertEqual(daemon.ports['tls'], [ports[0], ports[2]])
        self.assertEqual(daemon.ports['http'], [ports[1], ports[3]])
        for i in (0, 2):
            self.assert_tls(ports[i])
            self.assert_http(ports[i + 1])

    def ended(self, daemon, says):
        self.assertEqual(daemon.process.wait(5), 1)
        daemon.reader.join(5)
        self.assertEqual(len(daemon.log_lines), 1, daemon.log())
        self.assertRegex(daemon.log(), says)

    def test_names_that_say_nothing(self):
        (first, _), (second, _) = self.server(), self.server()
        for names in (None, '', 'unknown', 'tls', 'tls:', 'tls:web',
                      'TLS:http', ':tls'):
            with self.subTest(names):
                self.ended(self.activated(names, [first, second], 0),
                           'LISTEN_FDNAMES')

    def test_not_sockets(self):
        with open('/dev/null') as null:
            self.ended(self.activated('tls', [null], 0), 'LISTEN_FDS')

    def test_meant_for_another_process(self):
        """sd_listen_fds(3): LISTEN_PID must be ours."""
        server, _ = self.server()
        self.ended(self.activated('tls', [server], 0, PRETEND='1'),
                   'nothing to listen on')

    def test_numbers_that_are_none(self):
        server, _ = self.server()
        for pretend in ('', 'x'):
            self.ended(self.activated('tls', [server], 0, PRETEND=pretend),
                       'nothing to listen on')

    def test_options_win(self):
        """LISTEN_FDS counts with neither -t nor -p only."""
        server, _ = self.server()
        daemon = self.activated('tls', [server], 1,
                                ['-p', '127.0.0.1:0'])
        self.assertEqual(daemon.ports['tls'], [])
        self.assert_http(daemon.http)

    def test_the_children_are_not_told(self):
        """sd_listen_fds(3): the variables are not for others."""
        server, _ = self.server()
        daemon = self.activated('tls', [server], 1)
        for pid in daemon.children():
            try:
                with open(f'/proc/{pid}/environ', 'rb') as f:
                    environ = f.read()
            except PermissionError:
                self.skipTest('not dumpable, and we are not root')
            self.assertNotIn(b'LISTEN_', environ)


if __name__ == '__main__':
    unittest.main()
