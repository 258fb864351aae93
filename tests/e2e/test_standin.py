# SPDX-License-Identifier: ISC
"""libusher-accept.so and a server that listens on a TCP port: USHER_LISTEN
puts a UNIX listener in its place."""
import os
import socket
import stat
import subprocess
import sys
import time
import unittest

import handing
import harness
from handing import reach
from standins import ANY, Case


class Binding(Case):
    def test_the_socket_appears_for_everybody_whom_the_directory_lets_in(self):
        server = self.standin('''
os.umask(0o77)
listener = bound(AF_INET, '127.0.0.1')
tell('ready')
serve(listener)
''')
        server.told()
        self.assertEqual(self.entries(), ['tls-handoff'])
        found = os.lstat(self.path)
        self.assertTrue(stat.S_ISSOCK(found.st_mode))
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o666)
        client, address = self.visit(server)
        self.assertEqual(tuple(address), client)

    def test_the_listener_says_what_it_was_bound_to(self):
        """Here, in a child, after exec, and in another process."""
        server = self.standin('''
import subprocess
again = PRELUDE + 'tell(socket(fileno=int(sys.argv[1])).getsockname())'
got = PRELUDE + """
fd = recv_fds(socket(fileno=int(sys.argv[1])), 1, 1)[1][0]
tell(socket(fileno=fd).getsockname())
"""
for family, address in ((AF_INET, '127.0.0.1'), (AF_INET, '0.0.0.0'),
                        (AF_INET, '192.0.2.255'), (AF_INET6, '::'),
                        (AF_INET6, '2001:db8::ff00:42:8329'),
                        (AF_INET6, 'fe80::1%1')):
    listener = bound(family, address)
    fd = listener.fileno()
    tell(listener.getsockname())
    pid = os.fork()
    if pid == 0:
        tell(listener.getsockname())
        os._exit(0)
    os.waitpid(pid, 0)
    subprocess.run([sys.executable, '-c', again, str(fd)], pass_fds=[fd])
    ours, theirs = socketpair()
    child = subprocess.Popen([sys.executable, '-c', got,
                              str(theirs.fileno())],
                             pass_fds=[theirs.fileno()])
    send_fds(ours, [b'x'], [fd])
    child.wait()
    listener.close()
'''.replace('PRELUDE', repr(handing.PRELUDE)))
        for name in (['127.0.0.1', 8443], ['0.0.0.0', 8443],
                     ['192.0.2.255', 8443], ['::', 8443, 0, 0],
                     ['2001:db8::ff00:42:8329', 8443, 0, 0],
                     ['fe80::1', 8443, 0, 1]):
            for where in ('here', 'child', 'exec', 'other process'):
                with self.subTest(where, name=name):
                    self.assertEqual(server.told(), name)

    def test_flags_of_the_descriptor_stay(self):
        server = self.standin('''
import fcntl
for flags in (0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC):
    listener = socket(AF_INET, SOCK_STREAM | flags)
    os.set_inheritable(listener.fileno(), not flags & SOCK_CLOEXEC)
    number = listener.fileno()
    listener.bind(('127.0.0.1', 8443))
    tell(listener.fileno() == number,
         bool(flags & SOCK_CLOEXEC) == bool(fcntl.fcntl(number,
                                                        fcntl.F_GETFD)),
         bool(flags & SOCK_NONBLOCK) != os.get_blocking(number))
    listener.close()
''')
        for _ in range(4):
            self.assertEqual(server.told(), [True, True, True])

    def test_other_binds_are_the_kernels(self):
        """Other ports, packets, a family that is not the socket's, a second
        bind."""
        server = self.standin('''
import errno
listener = bound(AF_INET, '127.0.0.1', 0)
tell(listener.getsockname()[1] not in (0, 8443))
packets = socket(AF_INET, SOCK_DGRAM)
packets.bind((loopback(os.getpid()), 8443))
tell(packets.getsockopt(SOL_SOCKET, SO_DOMAIN) == AF_INET)
tell(error_of(socket(AF_INET6).bind, ('::', 8443, 0, 0)) == 0)
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
four = ctypes.create_string_buffer(
    AF_INET.to_bytes(2, sys.byteorder) + (8443).to_bytes(2, 'big') +
    bytes(24), 28)
six = socket(AF_INET6)
tell(libc.bind(six.fileno(), four, 28) == -1 and
     six.getsockopt(SOL_SOCKET, SO_DOMAIN) == AF_INET6)
tell(libc.bind(socket(AF_INET).fileno(), four, 15) == -1)
tell(error_of(listener.bind, ('127.0.0.1', 8443)) == errno.EINVAL)
os.unlink(sys.argv[1])
listener = bound(AF_INET, '127.0.0.1')
tell(error_of(listener.bind, ('127.0.0.1', 8443)) == errno.EINVAL)
''', self.path)
        for number in range(7):
            with self.subTest(number):
                self.assertTrue(server.told())

    def test_a_port_below_1024_needs_no_right(self):
        how = {'user': 65534, 'group': 65534} if harness.ROOT else {}
        if harness.ROOT:
            os.chown(self.host, 65534, 65534)
        server = self.standin('''
listener = bound(AF_INET6, '::', 443)
tell(listener.getsockname()[1])
serve(listener)
''', listen=f'443={self.path}', **how)
        self.assertEqual(server.told(), 443)
        self.visit(server)

    def test_several_ports(self):
        paths = [self.host / f'{i}-handoff' for i in range(3)]
        server = self.standin('''
listeners = [bound(AF_INET, '127.0.0.1', port) for port in (80, 443, 8443)]
tell([listener.getsockname()[1] for listener in listeners])
for listener in listeners:
    serve(listener)
''', listen=','.join(f'{port}={path}'
                     for port, path in zip((80, 443, 8443), paths)))
        self.assertEqual(server.told(), [80, 443, 8443])
        for path in paths:
            self.visit(server, path)

    def test_the_longest_name_of_a_host(self):
        name = '.'.join(['a' * 63] * 3 + ['b' * 61])
        (self.host / name).mkdir()
        path = self.host / name / 'tls-handoff'
        server = self.standin('''
listener = bound(AF_INET6, 'fe80:1111:2222:3333:4444:5555:6666:7777%1', 65535)
tell(listener.getsockname())
serve(listener)
''', listen=f'65535={path}')
        self.assertEqual(server.told()[1:], [65535, 0, 1])
        self.visit(server, path)


class Families(Case):
    """A listener gives sockets that say they are of its family."""

    def shown(self, family, *visit, **how):
        server = self.standin('''
listener = bound(*eval(told()))
tell('ready')
client, address = listener.accept()
tell(address, client.getsockname(), client.getpeername())
''')
        server.tell(repr((int(family), ANY[family])))
        server.told()
        client = self.hand(self.path, *visit, **how)
        said = server.told()
        server.end()
        return client, said

    def test_ipv4_at_ipv6(self):
        client, said = self.shown(socket.AF_INET6, socket.AF_INET)
        for end, name in zip(said, (client.getsockname(),
                                    client.getpeername(),
                                    client.getsockname())):
            self.assertEqual(end, ['::ffff:127.0.0.1', name[1], 0, 0])

    def test_mapped_ipv4_at_ipv4(self):
        """From a listener of usherd's that serves both families; also when
        the client has ended its side already."""
        client, said = self.shown(socket.AF_INET, socket.AF_INET6,
                                  '127.0.0.1')
        ours, theirs = client.getsockname(), client.getpeername()
        self.assertEqual(said, [list(ours), list(theirs), list(ours)])
        server = self.standin('''
listener = bound(AF_INET, '0.0.0.0')
tell('ready')
told()
client, address = listener.accept()
tell(address, client.getsockname(), client.getpeername())
''')
        server.told()
        client = self.hand(self.path, socket.AF_INET6, '127.0.0.1')
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.02)
        ours, theirs = client.getsockname(), client.getpeername()
        server.tell('accept')
        self.assertEqual(server.told(), [list(ours), list(theirs),
                                         list(ours)])

    def test_ipv6_at_ipv4_cannot_be_shown(self):
        client, said = self.shown(socket.AF_INET, socket.AF_INET6)
        for end, name in zip(said, (client.getsockname(),
                                    client.getpeername(),
                                    client.getsockname())):
            self.assertEqual(end, ['0.0.0.0', name[1]])

    def test_the_same_family_is_left_alone(self):
        for family in (socket.AF_INET, socket.AF_INET6):
            client, said = self.shown(family, family)
            self.assertEqual(said, [list(client.getsockname()),
                                    list(client.getpeername()),
                                    list(client.getsockname())])


class Servers(Case):
    def test_an_http_server_from_pythons_library(self):
        env = {**os.environ, **handing.SANITIZERS,
               'LD_PRELOAD': handing.LIBRARY,
               'USHER_LISTEN': f'8443={self.path}'}
        (self.host / 'file').write_text('content')
        server = subprocess.Popen(
            [sys.executable, '-m', 'http.server', '8443', '--bind', '::',
             '--directory', self.host], env=env, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.kill)
        harness.wait_for(self.listens)
        for family, seen in ((socket.AF_INET, '::ffff:127.0.0.1'),
                             (socket.AF_INET6, '::1')):
            client = self.hand(family=family)
            client.sendall(b'GET /file HTTP/1.0\r\n\r\n')
            self.assertTrue(self.all_of(client).endswith(b'content'))
            self.assertEqual(server.stderr.readline().split()[0], seen)

    def listens(self):
        try:
            reach(self.path).close()
            return True
        except OSError:
            return False


if __name__ == '__main__':
    unittest.main()
