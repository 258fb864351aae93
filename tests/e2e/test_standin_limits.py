# SPDX-License-Identifier: ISC
"""libusher-accept.so where there is little room or much going on: races,
the limit on descriptors, signals, cancelled threads, threads that fork."""
import errno
import os
import socket
import subprocess
import unittest

import handing
import harness
from handing import hand, reach
from standins import Case

CALM = harness.BUILD / 'tests' / 'calm'


class Races(Case):
    """Servers that are started at once."""

    BINDER = '''
gate = sys.argv[1]
while name := told():
    listener = socket(AF_INET)
    end = time.monotonic() + 5
    while not os.path.exists(f'{gate}.{name}') and time.monotonic() < end:
        pass
    tell(error_of(listener.bind, ('127.0.0.1', 8443)))
    told()
    listener.close()
    tell('closed')
'''

    def test_one_of_three_gets_what_was_left_behind(self):
        gate = self.host / 'gate'
        servers = [self.standin(self.BINDER, gate) for _ in range(3)]
        for number in range(60):
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(str(self.path))
            for server in servers:
                server.tell(str(number))
            (self.host / f'gate.{number}').touch()
            said = sorted(server.told() for server in servers)
            self.assertEqual(said, [0] + [errno.EADDRINUSE] * 2, number)
            for server in servers:
                server.tell()
                server.told()
            self.path.unlink()


class Descriptors(Case):
    """Nothing is left open, also where there is no room for everything."""

    # Both ways: a socket of its own, and a stand-in.
    LISTEN = {'a': '''
listener = socket(AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
''', 'b': '''
listener = bound(AF_INET, '127.0.0.1')
'''}

    # Told how many slots it has free, it accepts.
    FULL = '''
import errno, resource
listener.setblocking(False)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

def accept(free):
    fillers = []
    try:
        while True:
            fillers.append(os.dup(0))
    except OSError:
        pass
    for _ in range(free):
        os.close(fillers.pop())
    try:
        fd, _ = listener._accept()
        os.close(fd)
        return 'taken'
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        for filler in fillers:
            os.close(filler)

def descriptors():
    return len(os.listdir('/proc/self/fd'))

before = descriptors()
tell('ready')
while free := told():
    tell(accept(int(free)), descriptors() - before)
'''

    def send(self, count):
        """A hand-off with so many descriptors; gives the client."""
        client, accepted = handing.connection()
        self.addCleanup(client.close)
        with accepted, reach(self.path) as stream:
            socket.send_fds(stream, [handing.TLS],
                            [accepted.fileno()] * count)
        return client

    def full(self, way):
        self.path = self.host / f'{way}-handoff'
        server = self.standin(self.LISTEN[way] + self.FULL, self.path)
        self.assertEqual(server.told(), 'ready')
        return server

    def test_no_slot_is_free(self):
        """The client waits until there is one."""
        for way in self.LISTEN:
            server = self.full(way)
            self.send(1)
            for free, said in ((0, 'EMFILE'), (0, 'EMFILE'), (2, 'taken'),
                               (0, 'EMFILE'), (1, 'EAGAIN')):
                with self.subTest(way, free=free):
                    server.tell(str(free))
                    self.assertEqual(server.told(), [said, 0])

    def test_there_is_room_for_some(self):
        """The stream itself takes one slot.  All the clients' connections
        end, also that of one who was taken."""
        for way in self.LISTEN:
            server = self.full(way)
            for free, sent, said in ((1, 1, 'EMFILE'), (2, 1, 'taken'),
                                     (2, 2, 'EAGAIN'), (2, 3, 'EAGAIN'),
                                     (3, 2, 'EAGAIN'), (9, 2, 'EAGAIN'),
                                     (20, 30, 'EAGAIN'), (40, 30, 'EAGAIN'),
                                     (2, 253, 'EAGAIN'), (1, 2, 'EMFILE'),
                                     (2, 0, 'EAGAIN'), (2, 1, 'taken')):
                with self.subTest(way, free=free, sent=sent):
                    client = self.send(sent)
                    server.tell(str(free))
                    self.assertEqual(server.told(), [said, 0])
                    self.turned_away(client)

    def test_what_more_a_server_has_asked_for(self):
        """Credentials bring no descriptor, a pidfd is one (Linux 6.5)."""
        for name, number in (('SO_PASSCRED', 16), ('SO_PASSSEC', 34),
                             ('SO_PASSPIDFD', 76)):
            with self.subTest(name):
                self.asked_for(number)

    def asked_for(self, number):
        self.path = self.host / f'{number}-handoff'
        server = self.standin(self.LISTEN['a'] + f'''
error = error_of(listener.setsockopt, SOL_SOCKET, {number}, 1)
tell(error)
if error:
    sys.exit()
before = len(os.listdir('/proc/self/fd'))
for _ in range(5):
    os.close(listener._accept()[0])
tell(len(os.listdir('/proc/self/fd')) - before)
''', self.path)
        error = server.told()
        if error:
            self.skipTest(os.strerror(error))
        for count in 1, 2, 1, 1, 3, 1, 1:
            self.send(count)
        self.assertEqual(server.told(), 0)


@unittest.skipUnless(CALM.exists(), 'build/tests/calm is not built')
class Calm(Case):
    """What may happen to a call that POSIX says it can bear: calm.c."""

    def calm(self, what, argument='8443', **env):
        done = subprocess.run(
            [CALM, what, argument], capture_output=True, text=True,
            timeout=2 * handing.SECONDS,
            env={**os.environ, **handing.SANITIZERS,
                 'LD_PRELOAD': handing.LIBRARY,
                 'USHER_LISTEN': f'8443={self.path}', **env})
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout

    def test_bind_is_no_cancellation_point(self):
        for more in {}, {'USHER_REPLACE': '00000001'}:
            self.assertEqual(self.calm('cancel', **more), 'cancelled\n')
            self.assertEqual(os.listdir(self.host), [self.path.name])

    def test_options_are_asked_for_in_signal_handlers(self):
        self.assertEqual(self.calm('signals'), 'interrupted\n')
        self.assertTrue(self.path.is_socket())

    def test_paths_are_removed_in_signal_handlers(self):
        for more in {}, {'USHER_REPLACE': '00000001'}:
            self.assertEqual(self.calm('paths', self.path, **more),
                             'interrupted\n')
            self.assertEqual(os.listdir(self.host), [])


class Busy(Case):
    def test_threads_that_accept_bind_set_options_and_fork(self):
        server = self.standin('''
listener = bound(AF_INET, '127.0.0.1', backlog=512)
before = len(os.listdir('/proc/self/fd'))
finished = threading.Event()

def others(port=8444):
    """On a stand-in that comes and goes, a port, and the listener."""
    with socket(AF_INET) as other:
        other.bind((loopback(os.getpid()), 0))
        other.listen()
        other.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    with bound(AF_INET6, '::1', port) as other:
        other.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
        other.getsockname()
    listener.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
    listener.getsockopt(IPPROTO_TCP, TCP_NODELAY)

def others_again():
    while not finished.is_set():
        others()

def fork():
    pid = os.fork()
    if pid == 0:
        try:
            others(8445)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]

threads = [threading.Thread(target=serve, args=(listener, 125))
           for _ in range(4)]
busy = threading.Thread(target=others_again)
for thread in [busy, *threads]:
    thread.start()
tell('ready')
failed = 0
while any(thread.is_alive() for thread in threads):
    failed += fork() != 0
    time.sleep(0.02)
finished.set()
busy.join()
tell('done', failed, len(os.listdir('/proc/self/fd')) - before)
''', listen=f'8443={self.path},8444={self.host}/b-handoff,'
                f'8445={self.host}/c-handoff')
        self.assertEqual(server.told(), 'ready')
        names = []
        for _ in range(20):
            clients = [hand(self.path) for _ in range(25)]
            for client in clients:
                with client:
                    client.sendall(b'x')
                    self.assertEqual(self.all_of(client), b'>x')
                    names.append(list(client.getsockname()))
        said = [server.told() for _ in range(501)]
        self.assertEqual(sorted(said[:-1]), sorted(names))
        self.assertEqual(said[-1], ['done', 0, 0])


if __name__ == '__main__':
    unittest.main()
