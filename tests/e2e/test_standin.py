# SPDX-License-Identifier: ISC
"""libusher-accept.so and a server that listens on a TCP port: USHER_LISTEN
puts a UNIX listener in its place.  Issue 4 item 2 (b)."""
import errno
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

ANY = {socket.AF_INET: '0.0.0.0', socket.AF_INET6: '::'}

BIND = '''
def bound(family, address, port=8443, *, reuse=False, only=False, backlog=99,
          listens=True):
    listener = socket(family)
    if reuse:
        listener.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
    if only:
        listener.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
    address, _, scope = address.partition('%')
    listener.bind((address, port, 0, int(scope)) if scope else
                  (address, port))
    if listens:
        listener.listen(backlog)
    return listener

def refused(*arguments, **how):
    return error_of(lambda: bound(*arguments, **how))
'''


class Case(handing.Case):
    def standin(self, script, *arguments, path=None, **how):
        """A server whose port 8443 is self.path."""
        how.setdefault('listen', f'8443={path or self.path}')
        return self.server(BIND + script, *arguments, **how)

    def entries(self, path=None):
        return sorted(os.listdir(path or self.host))


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
        server.tell('accept')
        ours, theirs = client.getsockname(), client.getpeername()
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


class Places(Case):
    """What is at the path already."""

    def says(self, server, *words):
        server.end()
        line = server.errors.decode()
        self.assertRegex(
            line, rf'\Alibusher-accept: port 8443: {self.path}: [ -~]+\n\Z')
        for word in words:
            self.assertIn(word, line)

    def test_a_dead_socket_is_replaced(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        server = self.standin('''
listener = bound(AF_INET, '127.0.0.1')
tell('ready')
serve(listener)
''')
        server.told()
        self.visit(server)
        self.assertEqual(self.entries(), ['tls-handoff'])

    def test_a_server_can_be_started_again(self):
        for _ in range(3):
            server = self.standin('''
listener = bound(AF_INET, '127.0.0.1')
tell('ready')
serve(listener)
told()
''')
            server.told()
            self.visit(server)
            server.end()

    def test_a_live_one_is_in_use(self):
        first = self.standin('''
listener = bound(AF_INET, '127.0.0.1')
tell('ready')
serve(listener)
''')
        first.told()
        for address in ('127.0.0.1', '127.0.0.2'):
            second = self.standin(
                f'tell(refused(AF_INET, {address!r})); told()')
            self.assertEqual(second.told(), errno.EADDRINUSE)
            self.says(second, 'a server listens here already')
        self.visit(first)

    def test_a_live_one_with_a_full_backlog_is_in_use(self):
        with socket.socket(socket.AF_UNIX) as full:
            full.bind(str(self.path))
            full.listen(0)
            waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(str(self.path))
            server = self.standin('tell(refused(AF_INET, "127.0.0.1"))')
            self.assertEqual(server.told(), errno.EADDRINUSE)
            for one in waiting:
                one.close()

    def test_what_is_no_socket_is_never_removed(self):
        def file():
            self.path.write_text('precious')

        def link():
            self.path.symlink_to('elsewhere')

        def link_to_socket():
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(str(self.host / 'elsewhere'))
            self.path.symlink_to('elsewhere')

        def fifo():
            os.mkfifo(self.path)
        for make in (file, link, link_to_socket, fifo):
            for reuse in (False, True):
                with self.subTest(make.__name__, reuse=reuse):
                    make()
                    was = os.lstat(self.path)
                    server = self.standin(f'''
tell(refused(AF_INET, '127.0.0.1', reuse={reuse}))
told()
''')
                    self.assertEqual(server.told(), errno.EADDRINUSE)
                    self.says(server, 'socket')
                    self.assertEqual(os.lstat(self.path).st_ino, was.st_ino)
                    for entry in self.entries():
                        os.unlink(self.host / entry)

    def test_directories_that_are_not_there(self):
        self.path = self.host / 'no' / 'tls-handoff'
        server = self.standin('tell(refused(AF_INET, "127.0.0.1")); told()')
        self.assertEqual(server.told(), errno.EADDRNOTAVAIL)
        self.says(server, 'No such file or directory')

    @unittest.skipUnless(harness.ROOT, 'needs another user')
    def test_directories_in_which_nothing_may_be_made(self):
        server = self.standin('tell(refused(AF_INET, "127.0.0.1")); told()',
                              user=65534, group=65534)
        self.assertEqual(server.told(), errno.EACCES)
        self.says(server, 'Permission denied')
        self.assertEqual(self.entries(), [])

    def test_the_tcp_socket_survives_a_refusal(self):
        self.path.write_text('')
        server = self.standin('''
listener = socket(AF_INET)
tell(error_of(listener.bind, ('127.0.0.1', 8443)))
listener.bind(('127.0.0.1', 0))
tell(listener.getsockopt(SOL_SOCKET, SO_DOMAIN) == AF_INET,
     len(os.listdir('/proc/self/fd')))
os.unlink(sys.argv[1])
for _ in range(100):
    listener = bound(AF_INET, '127.0.0.1')
    listener.close()
tell(len(os.listdir('/proc/self/fd')))
''', self.path)
        self.assertEqual(server.told(), errno.EADDRINUSE)
        kept, before = server.told()
        self.assertTrue(kept)
        self.assertEqual(server.told(), before - 1)


class TwoAddresses(Case):
    """A server that binds a port more than once is one server: one of its
    listeners appears, whichever can show it most clients."""

    def served_by(self, *calls):
        """Which of its listeners, each bound like this, gets a client."""
        server = self.standin('''
import select
listeners = [eval(f'bound({call})') for call in sys.argv[1:]]
tell([listener.getsockname()[0] for listener in listeners])
ready, _, _ = select.select(listeners, [], [], 9)
for listener in ready:
    serve(listener)
tell([listeners.index(listener) for listener in ready])
told()
''', *calls)
        server.told()
        self.visit(server)
        self.assertEqual(self.entries(), ['tls-handoff'])
        found = server.told()
        server.end()
        os.unlink(self.path)
        self.assertEqual(len(found), 1)
        return found[0]

    def test_which_of_them(self):
        four, six = "AF_INET, '0.0.0.0'", "AF_INET6, '::', only=True"
        four1, six1 = "AF_INET, '127.0.0.1'", "AF_INET6, '::1'"
        for calls, which in (((four, six), 1), ((six, four), 0),
                             ((four1, four), 1), ((four, four1), 0),
                             ((four1, six1), 1), ((six1, four1), 0),
                             ((six1, four), 1),
                             ((four1, "AF_INET, '127.0.0.2'"), 0),
                             ((four1, six1, four, six), 3),
                             ((six, four, four1, six1), 0)):
            with self.subTest(calls=calls):
                self.assertEqual(self.served_by(*calls), which)

    def test_the_same_one_twice_is_in_use(self):
        """The one that appears; of the other nobody knows whether it is
        still open."""
        server = self.standin('''
first = bound(AF_INET, '0.0.0.0')
second = bound(AF_INET6, '::')
tell(refused(AF_INET6, '::'))
first.close()
first = bound(AF_INET, '0.0.0.0')
first.close()
second.close()
third = bound(AF_INET, '0.0.0.0')
tell(refused(AF_INET, '0.0.0.0'))
serve(third)
''')
        self.assertEqual(server.told(), errno.EADDRINUSE)
        self.assertEqual(server.told(), errno.EADDRINUSE)
        self.visit(server)

    def test_one_more_after_a_fork(self):
        """nginx binds, becomes a daemon, and binds more when it is told to
        take up a new configuration."""
        server = self.standin('''
first = bound(AF_INET, '0.0.0.0')
if os.fork() > 0:
    os._exit(0)
second = bound(AF_INET6, '::')
tell('ready')
serve(second)
''')
        server.told()
        self.visit(server)

    def test_all_bound_before_any_listens(self):
        """As asyncio does it."""
        server = self.standin('''
import asyncio

async def one(reader, writer):
    tell(writer.get_extra_info('peername'))
    writer.write(b'>' + await reader.read(100))
    writer.close()

async def main():
    server = await asyncio.start_server(one, None, 8443)
    tell(len(server.sockets))
    await asyncio.sleep(60)
asyncio.run(main())
''')
        self.assertEqual(server.told(), 2)
        for family in (socket.AF_INET, socket.AF_INET6):
            client, address = self.visit(server, family=family)
            self.assertEqual(address[1], client[1])


class Shared(Case):
    """SO_REUSEPORT: the path is a directory, with a socket for each."""

    WORKER = '''
listener = bound(AF_INET, '0.0.0.0', reuse=True)
tell('ready')
while told():
    serve(listener)
'''

    def worker(self):
        server = self.standin(self.WORKER)
        self.assertEqual(server.told(), 'ready')
        return server

    def test_each_has_a_socket_of_its_own(self):
        for _ in range(3):
            server = self.worker()
            server.known = set(self.entries(self.path)) - getattr(
                self, 'seen', set())
            self.assertEqual(len(server.known), 1)
            self.seen = set(self.entries(self.path))
            server.tell('serve')
            self.visit(server, self.path / server.known.pop())
        self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode) & 0o22, 0)
        for entry in self.seen:
            self.assertRegex(entry, r'\A[0-9a-f]+-[0-9]-[0-9a-f]+-handoff\Z')

    def test_a_dead_socket_becomes_a_directory(self):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        self.worker()
        self.assertEqual(len(self.entries(self.path)), 1)

    def test_a_live_one_is_in_use(self):
        with socket.socket(socket.AF_UNIX) as live:
            live.bind(str(self.path))
            live.listen()
            server = self.standin(
                'tell(refused(AF_INET, "0.0.0.0", reuse=True))')
            self.assertEqual(server.told(), errno.EADDRINUSE)

    def test_who_does_not_share_is_refused_while_one_is_alive(self):
        worker = self.worker()
        alone = 'tell(refused(AF_INET, "0.0.0.0", listens=False))'
        self.assertEqual(self.standin(alone).told(), errno.EADDRINUSE)
        worker.end()
        self.assertEqual(self.standin(alone).told(), 0)

    def test_dead_ones_are_removed_at_the_next_bind(self):
        """But not those whose servers have yet to listen."""
        self.worker().end()
        dead = self.entries(self.path)
        slow = self.standin('''
listener = bound(AF_INET, '0.0.0.0', reuse=True, listens=False)
tell('ready')
told()
listener.listen()
tell('listens')
serve(listener)
''')
        slow.told()
        young, = self.entries(self.path)
        self.assertNotIn(young, dead)
        (self.path / 'README').write_text('')
        self.worker()
        self.assertLess({young, 'README'}, set(self.entries(self.path)))
        slow.tell('listen')
        slow.told()
        self.visit(slow, self.path / young)

    def test_two_families_with_workers(self):
        """nginx with reuseport on both: only the IPv6 listeners appear."""
        for families in ('46', '64'):
            with self.subTest(families):
                self.path = self.host / f'{families}-handoff'
                server = self.standin('''
listeners = [bound(AF_INET, '0.0.0.0', reuse=True) if family == '4' else
             bound(AF_INET6, '::', reuse=True, only=True)
             for family in sys.argv[1] for _ in range(3)]
tell([listener.getsockname()[0] for listener in listeners])
import select
while told():
    for listener in select.select(listeners, [], [], 9)[0]:
        tell(listener.family == AF_INET6)
        listener.accept()
''', families)
                server.told()
                entries = self.entries(self.path)
                self.assertEqual(len(entries), 3)
                for entry in entries:
                    server.tell('serve')
                    self.hand(self.path / entry)
                    self.assertTrue(server.told())

    def test_a_directory_that_is_there(self):
        self.path.mkdir()
        server = self.standin('''
listener = bound(AF_INET, '127.0.0.1')
tell(refused(AF_INET, '127.0.0.1'))
serve(listener)
''')
        self.assertEqual(server.told(), errno.EADDRINUSE)
        entry, = self.entries(self.path)
        self.visit(server, self.path / entry)


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
