# SPDX-License-Identifier: ISC
"""Where stand-ins appear: at a path, beside others, in a directory."""
import errno
import os
import socket
import stat
import unittest

import harness
from standins import Case


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
            self.says(second, f'process {first.pid} (python3',
                      'listens here already; usher run -r ')
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

    @unittest.skipUnless(harness.ROOT, 'needs another user')
    def test_the_group_of_the_directory_is_inherited(self):
        """chmod(2) by who is not in it would take that away."""
        os.chown(self.host, 65534, 12)
        os.chmod(self.host, 0o2755)
        server = self.standin(self.WORKER, user=65534, group=65534,
                              extra_groups=[], umask=0o022)
        self.assertEqual(server.told(), 'ready')
        found = os.lstat(self.path)
        self.assertEqual((found.st_gid, stat.S_IMODE(found.st_mode)),
                         (12, 0o2755))

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


if __name__ == '__main__':
    unittest.main()
