# SPDX-License-Identifier: ISC
"""USHER_REPLACE, which is `usher run -r`: a server takes the place of another
once it listens, at a path of its own and as a stand-in."""
import errno
import os
import re
import stat
import unittest

import harness
from handing import hand
from standins import BIND
from test_own_path import LISTEN, Case

HIDDEN = re.compile(r'\.usher-.*-handoff')
NEW = '0000002a'

# In steps: what is bound (a path of its own, or a stand-in), then it listens.
STEPS = LISTEN + BIND + '''
def opened(way, path):
    if way == 'a':
        return globals()['own'](path)
    listener = socket(AF_INET)
    listener.bind(('127.0.0.1', 8443))
    return listener

def own(path):
    listener = socket(AF_UNIX)
    listener.bind(path)
    return listener

listener = opened(*sys.argv[1:3])
tell('bound')
told()
tell(error_of(listener.listen))
while told():
    serve(listener)
'''


class Steps(Case):
    """Both ways."""

    def stepping(self, way, **how):
        how.setdefault('replace', NEW)
        server = self.server(STEPS, way, self.path,
                             listen=f'8443={self.path}', **how)
        self.assertEqual(server.told(), 'bound')
        return server

    def listen(self, server, status=0):
        server.tell('listen')
        self.assertEqual(server.told(), status)

    def both(self):
        for way in 'ab':
            with self.subTest(way):
                self.path = self.host / way / 'tls-handoff'
                self.path.parent.mkdir()
                yield way

    def shown(self):
        return sorted(name for name in os.listdir(self.path.parent)
                      if not HIDDEN.fullmatch(name))

    def hidden(self):
        return sorted(name for name in os.listdir(self.path.parent)
                      if HIDDEN.fullmatch(name))

    def test_the_old_one_serves_until_the_new_one_listens(self):
        for way in self.both():
            old = self.stepping(way, replace=None)
            self.listen(old)
            new = self.stepping(way)
            self.assertEqual(len(self.hidden()), 1)
            self.serves(old)
            on_its_way = hand(self.path)
            self.addCleanup(on_its_way.close)
            self.listen(new)
            self.assertEqual((self.hidden(), self.shown()),
                             ([], ['tls-handoff']))
            self.serves(new)
            old.tell('serve')
            on_its_way.sendall(b'late')
            self.assertEqual(self.all_of(on_its_way), b'>late')
            old.end()
            self.serves(new)

    def test_with_nobody_there_it_appears_when_it_listens(self):
        for way in self.both():
            for left in (False, True):
                if left:
                    self.path.unlink()
                    self.dead()
                server = self.stepping(way)
                self.assertEqual(len(self.hidden()), 1)
                self.assertEqual(self.shown(), ['tls-handoff'] * left)
                self.listen(server)
                self.assertEqual(self.hidden(), [])
                self.serves(server)
                server.end()

    def test_over_and_over(self):
        for way in self.both():
            servers = []
            for number in range(5):
                servers.append(self.stepping(way, replace=f'{number:08x}'))
                self.listen(servers[-1])
                self.serves(servers[-1])
                if number % 2:
                    servers.pop(0).end()
            self.assertEqual(os.listdir(self.path.parent), ['tls-handoff'])

    def test_a_server_that_ends_before_it_listens_changes_nothing(self):
        for way in self.both():
            old = self.stepping(way, replace=None)
            self.listen(old)
            for _ in range(3):
                self.stepping(way).end()
                self.assertEqual(len(self.hidden()), 1)     # not three
            self.serves(old)
            self.listen(self.stepping(way))
            self.assertEqual(self.hidden(), [])

    def test_who_waits_is_not_taken_for_one_that_was_left(self):
        for way in self.both():
            first, second = self.stepping(way), self.stepping(way)
            self.assertEqual(len(self.hidden()), 2)
            for server in first, second:
                self.listen(server)
                self.serves(server)

    def test_what_is_no_socket_by_then_is_not_replaced(self):
        for way in self.both():
            server = self.stepping(way)
            self.path.write_text('precious')
            self.listen(server, errno.EADDRINUSE)
            self.assertEqual(self.path.read_text(), 'precious')
            self.assertIn('is not a socket', self.said(server))

    def test_a_directory_that_is_gone_by_then(self):
        for way in self.both():
            server = self.stepping(way)
            for name in self.hidden():
                (self.path.parent / name).unlink()
            self.path.parent.rmdir()
            self.listen(server, errno.EADDRNOTAVAIL if way == 'b' else
                        errno.ENOENT)
            self.assertIn('No such file or directory', self.said(server))

    def test_another_process_listens(self):
        """It was handed the socket: node's cluster does so."""
        for way in self.both():
            old = self.stepping(way, replace=None)
            self.listen(old)
            bind = STEPS[:STEPS.index("tell('bound')")]
            server = self.server(bind + '''
os.set_inheritable(listener.fileno(), True)
os.execv(sys.executable, [sys.executable, '-c', f"""
import socket
listener = socket.socket(fileno={listener.fileno()})
listener.listen()
print(1, flush=True)
while True:
    client, _ = listener.accept()
    client.sendall(b'other')
    client.close()
"""])
''', way, self.path, listen=f'8443={self.path}', replace=NEW)
            self.assertEqual(server.told(), 1)
            with hand(self.path) as client:
                client.sendall(b'x')
                self.assertEqual(client.recv(5), b'other')


class OwnPath(Case):
    """Between bind(2) and listen(2), the path is the new socket's to the
    server, and the old one's to all others."""

    def replacing(self, script, *arguments):
        return self.own('''
listener = bound(sys.argv[1], listens=False)
''' + script, *arguments, replace=NEW)

    def mode(self):
        return stat.S_IMODE(os.lstat(self.path).st_mode)

    def test_mode_and_owner(self):
        for call in ('os.chmod(path, 0o640)', 'libc.chmod(name, 0o640)',
                     'libc.fchmodat(-100, name, 0o640, 0)',
                     'os.chmod(os.path.basename(path), 0o640, dir_fd='
                     'os.open(os.path.dirname(path), os.O_RDONLY))'):
            first = self.first()
            self.path.chmod(0o751)
            server = self.replacing(f'''
path, name = sys.argv[1], sys.argv[1].encode()
{call}
tell('changed')
told()
listener.listen()
tell('listens')
told()
os.chmod(path, 0o604)
tell('changed')
told()
''')
            server.told()
            self.assertEqual(self.mode(), 0o751)
            for mode in 0o640, 0o604:
                server.tell()
                server.told()
                self.assertEqual(self.mode(), mode)
            first.end()
            server.end()

    @unittest.skipUnless(harness.ROOT, 'needs to give files away')
    def test_owner(self):
        for call in ('chown(name, 12, 34)', 'lchown(name, 12, 34)',
                     'fchownat(-100, name, 12, 34, 0)'):
            first = self.first()
            server = self.replacing(f'''
name = sys.argv[1].encode()
tell(libc.{call})
told()
listener.listen()
tell('listens')
told()
''')
            self.assertEqual(server.told(), 0)
            self.assertEqual(os.lstat(self.path).st_uid, 0)
            server.tell()
            server.told()
            found = os.lstat(self.path)
            self.assertEqual((found.st_uid, found.st_gid), (12, 34))
            first.end()
            server.end()

    def test_what_is_taken_back_does_not_appear(self):
        """`nginx -t` binds, removes, listens, and ends."""
        first = self.first()
        server = self.replacing('''
os.unlink(sys.argv[1])
listener.listen()
tell(len(os.listdir(os.path.dirname(sys.argv[1]))))
''')
        self.assertEqual(server.told(), 1)
        self.serves(first)

    def test_the_name_of_the_socket(self):
        server = self.replacing('''
before = listener.getsockname()
listener.listen()
size = len(sys.argv[1]) + 3
name = ctypes.create_string_buffer(b'x' * 130, 130)
n = ctypes.c_int(10)
libc.getsockname(listener.fileno(), name, ctypes.byref(n))
tell(before, listener.getsockname(), n.value - size,
     name.raw[2:12] == sys.argv[1].encode()[:8] + b'xx')
''')
        path = str(self.path)
        self.assertEqual(server.told(), [path, path, 0, True])

    def test_a_relative_path(self):
        """The working directory may be another when it listens."""
        server = self.server(LISTEN + '''
os.chdir(sys.argv[1])
listener = bound('./tls-handoff', listens=False)
os.chdir('/')
listener.listen()
tell(listener.getsockname())
serve(listener)
''', self.host, replace=NEW)
        self.assertEqual(server.told(), f'{self.host}/./tls-handoff')
        self.visit(server)

    def test_listen_may_be_called_again(self):
        """It changes the backlog, and takes nothing back."""
        server = self.replacing('''
for _ in range(2):
    listener.listen()
    tell('listens')
    told()
''')
        server.told()
        self.path.unlink()
        other = self.first()
        server.tell()
        server.told()
        self.serves(other)

    def test_a_path_that_is_too_long(self):
        for spare, error in ((20, 0), (19, errno.ENAMETOOLONG)):
            room = 107 - spare - len(str(self.host)) - len('//tls-handoff')
            path = self.host / ('x' * room) / 'tls-handoff'
            path.parent.mkdir()
            server = self.server(LISTEN + '''
tell(error_of(bound, sys.argv[1]))
told()
''', path, replace=NEW)
            self.assertEqual(server.told(), error)
            self.assertEqual('too long' in self.said(server), error != 0)


class StandIn(Case):
    """Several addresses, and directories."""

    def standin(self, script, *arguments, **how):
        return self.server(BIND + script, *arguments,
                           listen=f'8443={self.path}', **how)

    def test_of_several_addresses_one_appears(self):
        first = self.first()
        server = self.standin('''
import select
listeners = [bound(AF_INET, '0.0.0.0', listens=False),
             bound(AF_INET6, '::', only=True, listens=False),
             bound(AF_INET, '127.0.0.1', listens=False)]
for listener in listeners:
    listener.listen()
tell(error_of(bound, AF_INET6, '::'))
ready, = select.select(listeners, [], [], 9)[0]
serve(ready)
tell(listeners.index(ready))
told()
''', replace=NEW)
        self.assertEqual(server.told(), errno.EADDRINUSE)
        self.visit(server)
        self.assertEqual(server.told(), 1)
        self.assertEqual(self.entries(), ['tls-handoff'])
        first.end()

    WORKER = '''
listener = bound(AF_INET, '0.0.0.0', reuse=True, listens=False)
tell('bound')
told()
listener.listen()
tell('listens')
told()
'''

    def worker(self, replace):
        server = self.standin(self.WORKER, replace=replace)
        self.assertEqual(server.told(), 'bound')
        return server

    def sockets(self):
        return {name for name in os.listdir(self.path)
                if not HIDDEN.fullmatch(name)}

    def listen(self, *workers):
        """Gives what has appeared."""
        before = self.sockets()
        for worker in workers:
            worker.tell()
            self.assertEqual(worker.told(), 'listens')
            self.assertTrue(self.sockets())
        return self.sockets() - before

    def test_those_who_share_are_replaced_by_those_who_share(self):
        """They belong together by the number, not by their parent."""
        old = [self.worker(None) for _ in range(3)]
        self.assertEqual(len(self.sockets()), 3)
        self.listen(*old)
        new = [self.worker(NEW) for _ in range(3)]
        self.assertEqual(len(self.sockets()), 3)
        appeared = self.listen(*new)
        self.assertEqual((len(appeared), self.sockets()), (3, appeared))
        newer = self.worker('0000002b')
        self.assertEqual(self.sockets(), appeared)
        appeared = self.listen(newer)
        self.assertEqual((len(appeared), self.sockets()), (1, appeared))

    def test_who_listens_in_a_directory_is_named(self):
        self.path.mkdir()
        first = self.standin('''
listener = bound(AF_INET, '0.0.0.0')
tell('listens')
told()
''')
        first.told()
        second = self.standin("tell(refused(AF_INET, '0.0.0.0')); told()")
        self.assertEqual(second.told(), errno.EADDRINUSE)
        self.assertRegex(self.said(second), rf'\Alibusher-accept: port 8443: '
                         rf'{self.path}: process {first.pid} \(python3.*usher '
                         r'run -r would take its place\n\Z')


class Settings(Case):
    def test_malformed(self):
        for value in ('', '1', '0000002', '000000002', '0000002A',
                      '0x00002a', '+000002a', ' 000002a', '0000002g'):
            server = self.server("tell('runs')", replace=value)
            self.assertEqual(server.wait(), 1, value)
            self.assertRegex(server.errors, rb'\Alibusher-accept: '
                             rb'USHER_REPLACE: [ -~]+\n\Z')


if __name__ == '__main__':
    unittest.main()
