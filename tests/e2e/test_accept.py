# SPDX-License-Identifier: ISC
"""libusher-accept.so and a server that listens on a UNIX socket called
*-handoff: accept() gives it TCP clients."""
import errno
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import unittest

import handing
import harness
from handing import LIBRARY, hand, reach

LISTEN = '''
listener = socket(AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
listener.listen(512)
tell('ready')
'''


class Case(handing.Case):
    def listening(self, script, *arguments, path=None, **how):
        server = self.server(LISTEN + script, path or self.path, *arguments,
                             **how)
        self.assertEqual(server.told(), 'ready')
        return server


class Taking(Case):
    def test_the_client_is_given_with_its_address(self):
        server = self.listening('serve(listener, 4)')
        for family in (socket.AF_INET, socket.AF_INET6) * 2:
            client, address = self.visit(server, family=family)
            self.assertEqual(tuple(address), client)

    def test_an_address_is_cut_off_as_by_the_kernel(self):
        server = self.listening('''
import ctypes
libc = ctypes.CDLL(None)
for call in libc.accept, libc.accept4:
    for room in (0, 1, 2, 15, 16, 17, 128):
        buffer = (ctypes.c_ubyte * 129)(*[0xee] * 129)
        size = ctypes.c_int(room)
        fd = call(listener.fileno(), buffer, ctypes.byref(size), 0)
        tell(fd, size.value, bytes(buffer).hex(), room)
        os.close(fd)
    fd = call(listener.fileno(), None, None, 0)
    tell(fd, 16, 'ee' * 129, 0)
    os.close(fd)
''')
        for _ in range(16):
            port = self.hand().getsockname()[1]
            fd, size, text, room = server.told()
            self.assertGreater(fd, 2)
            self.assertEqual(size, 16)
            room = min(room, 16)
            whole = (socket.AF_INET.to_bytes(2, sys.byteorder) +
                     port.to_bytes(2, 'big') + b'\x7f\0\0\1' + bytes(8))
            self.assertEqual(bytes.fromhex(text),
                             whole[:room] + b'\xee' * (129 - room))

    def test_flags_are_those_asked_for(self):
        """Whatever usherd's were."""
        server = self.listening('''
import ctypes, fcntl
libc = ctypes.CDLL(None)
for flags in (0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC):
    fd = libc.accept4(listener.fileno(), None, None, flags)
    tell(fcntl.fcntl(fd, fcntl.F_GETFD) * SOCK_CLOEXEC |
         fcntl.fcntl(fd, fcntl.F_GETFL) & SOCK_NONBLOCK)
fd = libc.accept(listener.fileno(), None, None)
tell(fcntl.fcntl(fd, fcntl.F_GETFD), os.get_blocking(fd))
tell(libc.accept4(listener.fileno(), None, None, 1))
''')
        for flags in (0, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC,
                      socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC):
            self.hand()
            self.assertEqual(server.told(), flags)
        self.hand()
        self.assertEqual(server.told(), [0, True])
        self.assertEqual(server.told(), -1)

    def test_a_server_that_does_not_block_is_told_that_there_is_nobody(self):
        server = self.listening('''
listener.setblocking(False)
while told():
    began = time.monotonic()
    tell(error_of(listener.accept), time.monotonic() - began)
''')
        for what, least, most in (('nothing', 0, 0.05), ('gone', 0, 0.05),
                                  ('silent', 0.09, 0.3),
                                  ('half', 0.09, 0.3)):
            with self.subTest(what):
                stream = None if what == 'nothing' else reach(self.path)
                if what == 'half':
                    stream.send(b'ush')
                if what == 'gone':
                    stream.close()
                server.tell('accept')
                error, seconds = server.told()
                self.assertEqual(error, errno.EAGAIN)
                self.assertGreaterEqual(seconds, least)
                self.assertLess(seconds, most)
                if stream is not None:
                    stream.close()

    def test_a_server_that_blocks_goes_on_after_what_is_no_hand_off(self):
        server = self.listening('serve(listener, 1)')
        for message in (b'', b'usher\x02t\0', b'GET / HTTP/1.1\r\n\r\n'):
            if message:
                self.turned_away(self.hand(message=message))
            else:
                reach(self.path).close()
        client, address = self.visit(server)
        self.assertEqual(tuple(address), client)

    def test_a_message_may_come_a_moment_later(self):
        server = self.listening('serve(listener, 1)')
        client, accepted = handing.connection()
        with client, accepted, reach(self.path) as stream:
            time.sleep(0.03)
            socket.send_fds(stream, [handing.TLS], [accepted.fileno()])
            accepted.close()
            client.sendall(b'hello')
            self.assertEqual(self.all_of(client), b'>hello')
        server.told()

    def test_asyncio(self):
        server = self.listening('''
import asyncio

async def one(reader, writer):
    tell(writer.get_extra_info('socket').getpeername())
    writer.write(b'>' + await reader.read(100))
    writer.close()

async def main():
    await asyncio.start_unix_server(one, sock=listener)
    await asyncio.sleep(60)
asyncio.run(main())
''')
        for _ in range(3):
            self.visit(server)


class Sharing(Case):
    """The listener is found by what the kernel knows of it."""

    def test_threads(self):
        server = self.listening('''
for _ in range(8):
    threading.Thread(target=serve, args=(listener, 25)).start()
''')
        clients = [self.hand() for _ in range(200)]
        for client in clients:
            client.sendall(b'x')
        for client in clients:
            self.assertEqual(self.all_of(client), b'>x')
        self.assertEqual(sorted(server.told()[1] for _ in clients),
                         sorted(c.getsockname()[1] for c in clients))

    def test_processes(self):
        server = self.listening('''
for _ in range(4):
    if os.fork() == 0:
        serve(listener, 5)
        os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
''')
        clients = [self.hand() for _ in range(20)]
        for client in clients:
            client.sendall(b'x')
            self.assertEqual(self.all_of(client), b'>x')
        self.assertEqual(sorted(server.told()[1] for _ in clients),
                         sorted(c.getsockname()[1] for c in clients))
        self.assertEqual(server.wait(), 0)

    def test_fork_while_threads_accept(self):
        """No lock is held for ever in a child."""
        server = self.listening('''
def forks():
    for _ in range(200):
        pid = os.fork()
        if pid == 0:
            other = socket(AF_INET)
            other.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            other.bind(('127.0.0.1', 0))
            listener.getsockname()
            os._exit(0)
        os.waitpid(pid, 0)
    tell('forked')
threading.Thread(target=serve, args=(listener, 50)).start()
threading.Thread(target=forks).start()
''')
        for _ in range(50):
            client = hand(self.path)
            client.sendall(b'x')
            self.all_of(client)
            client.close()
        self.assertIn('forked', [server.told() for _ in range(51)])

    def test_dup_and_exec_and_another_process(self):
        programs = {
            'dup': 'serve(socket(fileno=os.dup(listener.fileno())))',
            'exec': '''
os.set_inheritable(listener.fileno(), True)
os.execv(sys.executable, [sys.executable, '-c', sys.argv[2],
                          str(listener.fileno())])
''',
            'SCM_RIGHTS': '''
import subprocess
ours, theirs = socketpair()
child = subprocess.Popen([sys.executable, '-c', sys.argv[2], 'received',
                          str(theirs.fileno())], pass_fds=[theirs.fileno()])
send_fds(ours, [b'x'], [listener.fileno()])
listener.close()
child.wait()
'''}
        other = handing.PRELUDE + '''
fd = int(sys.argv[-1])
if sys.argv[1] == 'received':
    fd = recv_fds(socket(fileno=fd), 1, 1)[1][0]
serve(socket(fileno=fd))
'''
        for what, program in programs.items():
            with self.subTest(what):
                path = self.host / f'{what}-handoff'
                server = self.listening(program, other, path=path)
                client, address = self.visit(server, path)
                self.assertEqual(tuple(address), client)


class Trust(Case):
    def one(self, **how):
        """A server that is asked once more after each refusal."""
        return self.listening('''
listener.setblocking(False)
while True:
    if told() == 'accept':
        tell(error_of(listener.accept))
''', **how)

    def asked(self, server):
        server.tell('accept')
        return server.told()

    @unittest.skipUnless(harness.ROOT, 'needs another user')
    def test_a_stranger_is_refused_and_costs_no_time(self):
        server = self.one()
        client = self.hand_as_nobody_while(server, errno.EAGAIN)
        self.turned_away(client)

    @unittest.skipUnless(harness.ROOT, 'needs another user')
    def test_a_user_who_is_named_is_not(self):
        for trust in ('nobody', '65534', 'daemon,nobody', '1,65534'):
            with self.subTest(trust):
                self.path = self.host / f'{trust}-handoff'
                self.hand_as_nobody_while(self.one(trust=trust), 0)

    @unittest.skipUnless(harness.ROOT, 'needs another user')
    def test_the_owner_of_the_directory_is_not(self):
        """As nobody, who is also whoever a namespace does not know: so the
        server has to be nobody, too, to be sure."""
        os.chown(self.host, 65534, 0)
        server = self.one()
        self.hand_as_nobody_while(server, errno.EAGAIN)
        server.end()
        self.path.unlink()
        server = self.one(user=65534, group=65534)
        self.hand_as_nobody_while(server, 0)

    def hand_as_nobody_while(self, server, result):
        found = []
        thread = threading.Thread(
            target=lambda: found.append(self.hand_as_nobody(self.path)))
        thread.start()
        while (error := self.asked(server)) == errno.EAGAIN and \
                thread.is_alive():
            time.sleep(0.01)
        thread.join()
        self.assertEqual(error if result == 0 else errno.EAGAIN, result)
        self.assertEqual(error, result)
        return found[0]


class Bystanders(Case):
    """Everything else in the process is left alone."""

    def test_other_sockets_behave_as_without_it(self):
        script = (pathlib.Path(__file__).parent / 'bystanders.py').read_text()
        said = []
        for preload in (False, True):
            where = self.host / str(preload)
            where.mkdir()
            server = self.server(script, os.getpid(), cwd=where,
                                 preload=preload,
                                 listen='8443=/nowhere/x-handoff'
                                 if preload else None)
            said.append(server.told())
            self.assertEqual((server.wait(), server.errors), (0, b''))
        self.assertEqual(*said)
        self.assertGreater(len(said[0]), 50)

    def test_no_descriptor_is_left(self):
        server = self.listening('''
listener.setblocking(False)
n = 0
while n < 3000:
    try:
        client, _ = listener.accept()
        client.close()
        n += 1
    except BlockingIOError:
        time.sleep(0.0002)
tell('done')
told()
''')
        before = server.descriptors()
        client, accepted = handing.connection()
        with client, accepted:
            for i in range(3000):
                with reach(self.path) as stream:
                    socket.send_fds(stream, [handing.TLS],
                                    [accepted.fileno()])
                if i % 4 == 0:
                    with reach(self.path) as stream:
                        socket.send_fds(stream, [handing.TLS],
                                        [accepted.fileno()] * (i % 250 + 2))
                if i % 400 == 3:
                    reach(self.path).close()
        self.assertEqual(server.told(), 'done')
        self.assertEqual(server.descriptors(), before)

    def test_only_these_functions_are_put_before_others(self):
        done = subprocess.run(['nm', '-D', '--defined-only', LIBRARY],
                              capture_output=True, text=True, check=True)
        self.assertEqual(
            {line.split()[2] for line in done.stdout.splitlines()},
            {'accept', 'accept4', 'bind', 'getpeername', 'getsockname',
             'getsockopt', 'listen', 'setsockopt', 'chmod', 'chown',
             'fchmodat', 'fchownat', 'lchown', 'remove', 'unlink',
             'unlinkat'})


class Names(Case):
    def test_the_longest_name_of_a_host(self):
        name = '.'.join(['a' * 63] * 3 + ['b' * 61])
        self.assertEqual(len(name), 253)
        host = self.host / name
        host.mkdir()
        server = self.server('''
os.chdir(sys.argv[1])
listener = socket(AF_UNIX)
listener.bind('tls-handoff')
listener.listen()
tell('ready')
serve(listener)
''', host, trust=str(os.geteuid()))     # whose directory it is, no name tells
        server.told()
        self.visit(server, host / 'tls-handoff')


class Settings(Case):
    BAD = {
        'USHER_LISTEN': (
            '', ',', '8443', '8443=', '=/x/a-handoff', '0=/x/a-handoff',
            '65536=/x/a-handoff', '-1=/x/a-handoff', '+1=/x/a-handoff',
            ' 1=/x/a-handoff', '1x=/x/a-handoff', '8443=x/a-handoff',
            '8443=/x/tls-socket', '8443=/x/a-handoff/', '8443=/x/handoff',
            '8443=/x/a-handoff,', ',8443=/x/a-handoff',
            '8443=/x/a-handoff,,8444=/x/b-handoff',
            '8443=/x/a-handoff,8443=/x/b-handoff',
            '99999999999999999999=/x/a-handoff',
            '8443=/' + 'x' * 5000 + '/a-handoff', 'a\nb\x1b[0m',
            ','.join(f'{i}=/x/a-handoff' for i in range(1, 67))),
        'USHER_TRUST': (
            '', ',', 'nobody,', ',nobody', 'no such user', '-1', '4294967295',
            '4294967296', ','.join(['1'] * 17))}
    GOOD = {
        'USHER_LISTEN': (
            '8443=/x/a-handoff', '1=/a-handoff,65535=/x/y=z/b-handoff',
            '443=/x/-handoff'),
        'USHER_TRUST': ('root', '0', 'nobody,1,4294967294')}

    def run_with(self, setting, value):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith('USHER_')}
        return subprocess.run(
            ['/bin/echo', 'started'], capture_output=True, timeout=10,
            env={**env, **handing.SANITIZERS, 'LD_PRELOAD': LIBRARY,
                 setting: value})

    def test_malformed_ones_end_the_process_with_one_line(self):
        for setting, values in self.BAD.items():
            for value in values:
                with self.subTest(setting, value=value[:80]):
                    done = self.run_with(setting, value)
                    self.assertEqual((done.returncode, done.stdout),
                                     (1, b''))
                    self.assertRegex(
                        done.stderr, rb"\Alibusher-accept: %s: '[ -~]*': "
                        rb'[ -~]+\n\Z' % setting.encode())

    def test_good_ones_are_silent(self):
        for setting, values in self.GOOD.items():
            for value in values:
                with self.subTest(setting, value=value):
                    done = self.run_with(setting, value)
                    self.assertEqual(
                        (done.returncode, done.stdout, done.stderr),
                        (0, b'started\n', b''))


class Example(Case):
    def test_the_example_server(self):
        """60 lines that use usher_accept()."""
        source = harness.TOP / 'src' / 'accept' / 'example.c'
        if source.exists():
            self.assertLessEqual(len(source.read_text().splitlines()), 60)
        server = subprocess.Popen(
            [harness.BUILD / 'usher-example', self.host / 'http-handoff'])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        harness.wait_for((self.host / 'http-handoff').exists)
        time.sleep(0.05)
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_INET):
            client = self.hand(self.host / 'http-handoff', family=family,
                               message=b'usher\x01h\0')
            client.sendall(b'GET / HTTP/1.1\r\nHost: a.example\r\n')
            time.sleep(0.01)
            client.sendall(b'\r\n')
            self.assertTrue(re.match(
                br'HTTP/1.1 200 OK\r\n(.*\r\n)*\r\n%s\n\Z' %
                handing.LOOPBACK[family].encode(), self.all_of(client)))


if __name__ == '__main__':
    unittest.main()
