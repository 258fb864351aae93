# SPDX-License-Identifier: ISC
"""accept() on a stand-in: flags and waiting, whose connections it takes, and
clients that have left before."""
import os
import pwd
import socket
import stat
import struct
import subprocess
import sys
import unittest

import handing
import harness
from handing import reach
from standins import BIND, Case

RESET = struct.pack('ii', 1, 0)     # SO_LINGER: close() resets


class Flags(Case):
    def test_those_asked_for_whatever_the_listeners_are(self):
        server = self.standin('''
import ctypes, fcntl
libc = ctypes.CDLL(None, use_errno=True)
listener = bound(AF_INET, '127.0.0.1')
BOTH = SOCK_NONBLOCK | SOCK_CLOEXEC
for blocking in True, False:
    for flags in (None, 0, SOCK_NONBLOCK, SOCK_CLOEXEC, BOTH):
        listener.setblocking(blocking)
        tell('ready')
        told()
        fd = libc.accept(listener.fileno(), None, None) if flags is None \\
            else libc.accept4(listener.fileno(), None, None, flags)
        found = fcntl.fcntl(fd, fcntl.F_GETFD) * SOCK_CLOEXEC | \\
            fcntl.fcntl(fd, fcntl.F_GETFL) & SOCK_NONBLOCK
        tell([blocking, flags], found == (flags or 0))
        os.close(fd)
tell(libc.accept4(listener.fileno(), None, None, 1), ctypes.get_errno())
''')
        for number in range(10):
            server.told()
            self.hand()
            server.tell('accept')
            how, right = server.told()
            with self.subTest(number, how=how):
                self.assertTrue(right)
        self.assertEqual(server.told(), [-1, 22])

    def test_nobody_is_there(self):
        """A server that does not block hears that at once, however it was
        said; one that blocks again waits."""
        server = self.standin('''
import errno, fcntl, struct, termios

def by_fcntl(fd, on):
    flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_NONBLOCK
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | (os.O_NONBLOCK if on else 0))

def by_ioctl(fd, on):
    fcntl.ioctl(fd, termios.FIONBIO, struct.pack('i', on))

for change in by_fcntl, by_ioctl:
    for early in True, False:
        listener = socket(AF_INET6)
        if early:
            change(listener.fileno(), True)
        listener.bind(('::', 8443))
        if not early:
            change(listener.fileno(), True)
        listener.listen()
        tell(error_of(listener._accept) == errno.EAGAIN)
        change(listener.fileno(), False)
        tell('waits')
        os.close(listener._accept()[0])
        tell('accepted')
        listener.close()
listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK)
listener.bind(('::', 8443))
listener.listen()
tell(error_of(listener._accept) == errno.EAGAIN)
''')
        for _ in range(4):
            self.assertIs(server.told(), True)
            self.assertEqual(server.told(), 'waits')
            self.hand(family=socket.AF_INET6)
            self.assertEqual(server.told(), 'accepted')
        self.assertIs(server.told(), True)

    def test_the_time_to_wait_is_the_listeners(self):
        """SO_RCVTIMEO, set before bind() or after it."""
        server = self.standin('''
import errno, struct
for early in True, False:
    listener = bound(AF_INET, '127.0.0.1', listens=False) if not early \\
        else socket(AF_INET)
    listener.setsockopt(SOL_SOCKET, SO_RCVTIMEO,
                        struct.pack('qq', 0, 50000))
    if early:
        listener.bind(('127.0.0.1', 8443))
    listener.listen()
    began = time.monotonic()
    tell(error_of(listener._accept) == errno.EAGAIN,
         time.monotonic() - began > 0.04)
    listener.close()
''')
        for _ in range(2):
            self.assertEqual(server.told(), [True, True])


class Silent(Case):
    """Streams of somebody trusted on which no message comes."""

    ACCEPT = '''
import errno
listener = bound(AF_INET, '127.0.0.1')
listener.setblocking(False)
tell('ready')
while told():
    try:
        tell(listener.accept()[1])
    except OSError as error:
        tell(errno.errorcode[error.errno])
'''

    def test_a_server_that_does_not_block_waits_for_two_at_most(self):
        """What is behind them is found when it comes back."""
        server = self.standin(self.ACCEPT)
        server.told()
        silent = [reach(self.path) for _ in range(20)]
        for stream in silent:
            self.addCleanup(stream.close)
            stream.setblocking(False)
        client = self.hand()
        for calls in range(1, 4):
            server.tell('accept')
            self.assertEqual(server.told(), 'ECONNABORTED')
            self.assertEqual([self.ended(stream) for stream in silent],
                             [i < 2 * calls for i in range(20)])
        for stream in silent:
            stream.close()
        server.tell('accept')
        self.assertEqual(server.told(), list(client.getsockname()))
        server.tell('accept')
        self.assertEqual(server.told(), 'EAGAIN')

    def ended(self, stream):
        try:
            return stream.recv(1) == b''
        except BlockingIOError:
            return False

    def test_two_that_are_silent_and_then_one(self):
        server = self.standin(self.ACCEPT)
        server.told()
        for number, said in ((1, None), (2, 'ECONNABORTED')):
            silent = [reach(self.path) for _ in range(number)]
            client = self.hand()
            for wanted in (said, list(client.getsockname())):
                if wanted is not None:
                    server.tell('accept')
                    self.assertEqual(server.told(), wanted)
            for stream in silent:
                stream.close()

    def test_a_server_that_blocks_goes_on(self):
        server = self.standin('''
listener = bound(AF_INET, '127.0.0.1')
tell('ready')
serve(listener)
''')
        server.told()
        silent = [reach(self.path) for _ in range(4)]
        self.visit(server)
        for stream in silent:
            stream.close()


@unittest.skipUnless(harness.ROOT, 'needs other users')
class Trust(Case):
    """Users: root, daemon (1), bin (2), _usherd."""

    def hand_as(self, user, path=None):
        client, accepted = handing.connection()
        self.addCleanup(client.close)
        with accepted:
            subprocess.run(
                ['setpriv', f'--reuid={user}', '--regid=nogroup',
                 '--clear-groups', sys.executable, '-c', handing.HAND,
                 str(path or self.path), str(accepted.fileno())], check=True,
                pass_fds=[accepted.fileno()], timeout=handing.SECONDS)
        return client

    def check(self, *, owner='root', trust=None, taken=(), refused=(),
              reuse=False, **how):
        """All of them stand in the queue when the server comes to it."""
        with self.subTest(owner=owner, trust=trust, reuse=reuse):
            os.chown(self.host, pwd.getpwnam(owner).pw_uid, 0)
            server = self.standin(f'''
listener = bound(AF_INET, '127.0.0.1', reuse={reuse})
tell('ready')
told()
serve(listener, {len(taken)})
''', trust=trust, **how)
            server.told()
            path = self.path
            if reuse:
                path /= self.entries(path)[0]
            strangers = [self.hand_as(user, path) for user in refused]
            clients = [self.hand_as(user, path) for user in taken]
            for client in strangers + clients:
                client.sendall(b'x')
            server.tell('accept')
            for client in strangers:
                self.turned_away(client)
            for client in clients:
                self.assertEqual(self.all_of(client), b'>x')
                self.assertEqual(server.told(), list(client.getsockname()))
            self.assertEqual(server.wait(), 0)

    def test_root_is_and_a_stranger_is_not(self):
        self.check(refused=['daemon', 'nobody'], taken=['root'])
        self.check(owner='bin', refused=['daemon', 'nobody'], taken=['root'])

    def test_who_owns_the_directory_is(self):
        self.check(owner='daemon', refused=['bin'], taken=['daemon', 'root'])
        self.check(owner='daemon', trust='bin', refused=['nobody'],
                   taken=['daemon', 'bin', 'root'])

    def test_who_owns_a_directory_of_sockets_is(self):
        self.check(owner='daemon', reuse=True, user=1, group=1,
                   refused=['bin'], taken=['daemon', 'root'])

    def test_users_who_are_named_are(self):
        for trust in ('daemon', '1', 'bin,1', 'daemon,nobody'):
            self.check(trust=trust, refused=['sys'], taken=['daemon', 'root'])

    def test_usherds_user_is_unless_others_are_named(self):
        try:
            pwd.getpwnam('_usherd')
        except KeyError:
            self.skipTest('there is no _usherd')
        self.check(taken=['_usherd', 'root'])
        self.check(trust='daemon', refused=['_usherd'], taken=['daemon'])


class Shared(Case):
    """SO_REUSEPORT: the path is a directory, and each listener is found."""

    def test_the_directory_is_open_whatever_the_umask_is(self):
        server = self.standin('''
os.umask(0o77)
listener = bound(AF_INET, '127.0.0.1', reuse=True)
tell('ready')
serve(listener, 2)
''', trust='nobody')
        server.told()
        self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode), 0o755)
        entry, = self.entries(self.path)
        path = self.path / entry
        self.assertEqual(stat.S_IMODE(os.lstat(path).st_mode), 0o666)
        self.visit(server, path)
        if not harness.ROOT:
            return
        client = self.hand_as_nobody(path)
        client.sendall(b'x')
        self.assertEqual(self.all_of(client), b'>x')

    def test_a_directory_that_was_there_keeps_its_mode(self):
        self.path.mkdir(mode=0o700)
        server = self.standin('''
listener = bound(AF_INET, '127.0.0.1', reuse=True)
tell('ready')
serve(listener)
''')
        server.told()
        self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode), 0o700)

    def each_worker_serves(self, script):
        server = self.standin(script)
        for _ in range(4):
            self.assertEqual(server.told(), 'ready')
        entries = self.entries(self.path)
        self.assertEqual(len(entries), 4)
        workers = set()
        for entry in entries * 2:
            client = self.hand(self.path / entry)
            pid, address = server.told()
            self.assertEqual(address, list(client.getsockname()))
            workers.add(pid)
        self.assertEqual(len(workers), 4)

    def test_workers_that_bind_after_fork(self):
        self.each_worker_serves('''
for _ in range(4):
    if os.fork() == 0:
        listener = bound(AF_INET, '127.0.0.1', reuse=True)
        tell('ready')
        while True:
            tell(os.getpid(), listener.accept()[1])
time.sleep(60)
''')

    def test_workers_whose_listeners_were_bound_before_fork(self):
        self.each_worker_serves('''
listeners = [bound(AF_INET, '127.0.0.1', reuse=True) for _ in range(4)]
for listener in listeners:
    if os.fork() == 0:
        tell('ready')
        while True:
            tell(os.getpid(), listener.accept()[1])
time.sleep(60)
''')


class Gone(Case):
    """A client that has sent its request and reset the connection before
    accept(): TCP tells its address and gives what it has sent."""

    SERVE = '''
tell(listener.getsockname()[1] if listener.family != AF_UNIX else 0)
while told():
    client, address = listener.accept()
    tell(address, client.recv(100).decode(), error_of(client.recv, 100),
         error_of(client.getpeername))
'''
    STANDIN = '''
family, host, port = sys.argv[1:]
listener = bound(AddressFamily(int(family)), host, int(port))
''' + SERVE
    UNIX = '''
listener = socket(AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
''' + SERVE

    def told_of(self, server, client, hand=None):
        """What the server says of a client, and what the client was."""
        name = client.getsockname()
        client.sendall(b'request')
        if hand is not None:
            with hand, reach(self.path) as stream:
                socket.send_fds(stream, [handing.TLS], [hand.fileno()])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
        server.tell('accept')
        address, *said = server.told()
        return said, tuple(address), name

    def by_tcp(self, family):
        server = self.server(BIND + self.STANDIN,
                             int(family), handing.LOOPBACK[family], 0,
                             preload=False)
        client = socket.create_connection(
            (handing.LOOPBACK[family], server.told()), handing.SECONDS)
        return self.told_of(server, client)

    def test_both_ways_and_tcp(self):
        for family in (socket.AF_INET, socket.AF_INET6):
            plain, address, name = self.by_tcp(family)
            self.assertEqual((address, plain[0]), (name, 'request'))
            for way in 'ab':
                with self.subTest(way, family=family.name):
                    server = self.server(self.UNIX, self.path) \
                        if way == 'a' else self.standin(
                            self.STANDIN, int(family),
                            handing.LOOPBACK[family], 8443)
                    server.told()
                    for _ in range(2):
                        said, address, name = self.told_of(
                            server, *handing.connection(family))
                        self.assertEqual((said, address), (plain, name))
                    server.end()
                    self.path.unlink()

    def test_shown_in_the_listeners_family(self):
        """Also one who came by IPv4 to where usherd serves both."""
        for listens, comes, at, shown in (
                (socket.AF_INET6, socket.AF_INET, None,
                 lambda name: ('::ffff:127.0.0.1', name[1], 0, 0)),
                (socket.AF_INET, socket.AF_INET6, '127.0.0.1',
                 lambda name: name)):
            with self.subTest(listens.name):
                server = self.standin(self.STANDIN, int(listens),
                                      handing.LOOPBACK[listens], 8443)
                server.told()
                said, address, name = self.told_of(
                    server, *handing.connection(comes, at))
                self.assertEqual(said[0], 'request')
                self.assertEqual(address, shown(name))
                server.end()
                self.path.unlink()


if __name__ == '__main__':
    unittest.main()
