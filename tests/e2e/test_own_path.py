# SPDX-License-Identifier: ISC
"""Servers under libusher-accept.so that bind a UNIX path of their own: what
was left there, who listens there, and what they remove when they end."""
import errno
import os
import socket
import unittest

import handing
from handing import reach

LISTEN = '''
import ctypes
libc = ctypes.CDLL(None)

def bound(path, listens=True):
    listener = socket(AF_UNIX)
    listener.bind(path)
    if listens:
        listener.listen()
    return listener

def unlinked(path, how):
    """0, or an error."""
    if how == 'unlink':
        return error_of(os.unlink, path)
    if how == 'unlinkat':
        directory = os.open(os.path.dirname(path), os.O_RDONLY)
        return error_of(lambda: os.unlink(os.path.basename(path),
                                          dir_fd=directory))
    return libc.remove(path.encode())
'''
WAYS = 'unlink', 'unlinkat', 'remove'
KINDS = 'SOCK_SEQPACKET', 'SOCK_DGRAM'


class Case(handing.Case):
    def own(self, script, *arguments, **how):
        """A server whose path is its first argument, self.path."""
        return self.server(LISTEN + script, self.path, *arguments, **how)

    def first(self, **how):
        """One that listens at self.path."""
        server = self.own('''
listener = bound(sys.argv[1])
tell('ready')
while told():
    serve(listener)
''', **how)
        self.assertEqual(server.told(), 'ready')
        return server

    def serves(self, server):
        server.tell('serve')
        self.visit(server)

    def entries(self):
        return sorted(os.listdir(self.host))

    def dead(self, path=None):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path or self.path))

    def said(self, server):
        """All that it said of itself, when it has ended."""
        server.end()
        return server.errors.decode()


class Bind(Case):
    def test_a_socket_that_was_left_behind_makes_room(self):
        self.dead()
        server = self.first()
        self.serves(server)
        self.assertEqual(self.entries(), ['tls-handoff'])
        self.assertEqual(self.said(server), '')

    def test_who_listens_is_named_once(self):
        """nginx tries five times."""
        first = self.first()
        second = self.own('''
tell([error_of(bound, sys.argv[1]) for _ in range(5)])
told()
''')
        self.assertEqual(second.told(), [errno.EADDRINUSE] * 5)
        self.assertRegex(
            self.said(second), rf'\Alibusher-accept: {self.path}: process '
            rf'{first.pid} \(python3[^)]*\) listens here already; '
            r'usher run -r would take its place\n\Z')
        self.serves(first)

    def test_who_has_yet_to_listen_is_in_the_way_too(self):
        with socket.socket(socket.AF_UNIX) as young:
            young.bind(str(self.path))
            server = self.own('tell(error_of(bound, sys.argv[1])); told()')
            self.assertEqual(server.told(), errno.EADDRINUSE)
            self.assertIn('a server listens here', self.said(server))

    def test_what_is_no_socket_is_never_removed(self):
        self.dead(self.host / 'elsewhere')

        def link():
            self.path.symlink_to('elsewhere')
        for make in (lambda: self.path.write_text('precious'), link,
                     self.path.mkdir, lambda: os.mkfifo(self.path)):
            for replace in (None, '00000001'):
                make()
                was = os.lstat(self.path)
                server = self.own('''
tell(error_of(bound, sys.argv[1]))
told()
''', replace=replace)
                self.assertEqual(server.told(), errno.EADDRINUSE)
                self.assertIn('is not a socket', self.said(server))
                self.assertEqual(os.lstat(self.path).st_ino, was.st_ino)
                (os.rmdir if make == self.path.mkdir else os.unlink)(self.path)

    def test_other_names_and_kinds_are_left_alone(self):
        other = self.host / 'tls-socket'
        for path, kind in ((other, 'SOCK_STREAM'),
                           (self.path, 'SOCK_DGRAM')):
            self.dead(path)
            server = self.server(f'''
tell(error_of(socket(AF_UNIX, {kind}).bind, sys.argv[1]))
told()
''', path)
            self.assertEqual(server.told(), errno.EADDRINUSE)
            self.assertEqual(self.said(server), '')

    def test_a_hidden_name_of_the_servers_own(self):
        """Only usher run -r gives names a meaning that are like its own."""
        name = '.usher-new-01234567-tls-handoff'
        server = self.own('''
os.chdir(os.path.dirname(sys.argv[1]))
listener = bound(sys.argv[2])
tell(listener.getsockname())
told()
''', name)
        server.told()
        self.assertEqual(self.entries(), [name])
        self.assertEqual(self.said(server), '')

    def test_what_the_kernel_refuses(self):
        server = self.own('''
import array
tell(error_of(socket(AF_UNIX).bind, '/nowhere/tls-handoff'),
     error_of(os.unlink, '/nowhere/tls-handoff'),
     error_of(os.chmod, '/nowhere/tls-handoff', 0o600),
     libc.unlink(None), libc.unlinkat(-1, None, 0), libc.remove(None),
     libc.chmod(None, 0), libc.bind(-1, sys.argv[1].encode(), 20))
''')
        self.assertEqual(server.told(), [errno.ENOENT] * 3 + [-1] * 5)


class Unlink(Case):
    def test_its_own_is_removed(self):
        """While it listens, as node does, and after, as nginx does."""
        for way in WAYS:
            for before in (True, False):
                server = self.own('''
listener = bound(sys.argv[1])
if sys.argv[3] == 'True':
    listener.close()
tell(unlinked(*sys.argv[1:3]), os.path.exists(sys.argv[1]))
''', way, before)
                self.assertEqual(server.told(), [0, False])

    def test_its_own_of_another_type_is_removed(self):
        for way in WAYS:
            for kind in KINDS:
                server = self.own('''
own = socket(AF_UNIX, globals()[sys.argv[3]])
own.bind(sys.argv[1])
if sys.argv[3] == 'SOCK_SEQPACKET':
    own.listen()
tell(unlinked(*sys.argv[1:3]), os.path.exists(sys.argv[1]))
''', way, kind)
                self.assertEqual(server.told(), [0, False], (way, kind))

    def test_another_type_does_not_stay(self):
        """Whether it listens, has a full backlog, or is connected."""
        def ready(kind, backlog=None, peer=None):
            other = socket.socket(socket.AF_UNIX, getattr(socket, kind))
            self.addCleanup(other.close)
            other.bind(str(self.path))
            self.path.chmod(0o666)
            if backlog is not None:
                other.listen(backlog)
                for _ in range(2 - backlog):
                    early = socket.socket(socket.AF_UNIX, other.type)
                    self.addCleanup(early.close)
                    early.setblocking(False)
                    early.connect_ex(str(self.path))
            if peer is not None:
                other.connect(peer)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.bind(str(self.host / 'peer'))
            for state in (('SOCK_SEQPACKET',), ('SOCK_SEQPACKET', 2),
                          ('SOCK_SEQPACKET', 0), ('SOCK_DGRAM',),
                          ('SOCK_DGRAM', None, peer.getsockname())):
                ready(*state)
                server = self.own('tell(unlinked(*sys.argv[1:]))', 'unlink')
                self.assertEqual(server.told(), 0)
                self.assertEqual(self.entries(), ['peer'], state)

    def test_its_own_is_removed_by_those_it_has_forked(self):
        server = self.own('''
listener = bound(sys.argv[1])
if os.fork() == 0:
    os.unlink(sys.argv[1])
    os._exit(0)
os.wait()
tell(os.path.exists(sys.argv[1]))
''')
        self.assertFalse(server.told())

    def test_another_that_listens_stays(self):
        first = self.first()
        for way in WAYS:
            server = self.own('tell(unlinked(*sys.argv[1:]))', way)
            self.assertEqual(server.told(), 0)
            self.serves(first)

    def test_its_successor_stays(self):
        """Whoever has put it there."""
        for way in WAYS:
            server = self.own('''
listener = bound(sys.argv[1])
tell('ready')
told()
tell(unlinked(*sys.argv[1:]))
listener.close()
tell(unlinked(*sys.argv[1:]))
''', way)
            server.told()
            self.path, path = self.host / 'next-handoff', self.path
            second = self.first(preload=False)
            self.path.rename(path)
            self.path = path
            server.tell('end')
            self.assertEqual((server.told(), server.told()), (0, 0))
            self.assertEqual(self.entries(), ['tls-handoff'])
            with reach(self.path):
                second.end()
            self.path.unlink()

    def test_what_nobody_listens_on_is_removed(self):
        for way in WAYS:
            for make in (self.dead, lambda: self.path.write_text('')):
                make()
                server = self.own('tell(unlinked(*sys.argv[1:]))', way)
                self.assertEqual(server.told(), 0)
                self.assertEqual(self.entries(), [])

    def test_other_files_and_directories_are_removed_as_ever(self):
        server = self.server(LISTEN + '''
os.chdir(sys.argv[1])
os.mkdir('tls-handoff')
tell(error_of(os.unlink, 'tls-handoff'), error_of(os.rmdir, 'tls-handoff'))
os.mkdir('tls-handoff')
tell(libc.remove(b'tls-handoff'))
other = bound('other')
tell(error_of(os.unlink, 'other'), error_of(os.unlink, 'none-handoff'),
     os.listdir())
''', self.host)
        self.assertEqual(server.told(), [errno.EISDIR, 0])
        self.assertEqual(server.told(), 0)
        self.assertEqual(server.told(), [0, errno.ENOENT, []])

    def test_unlink_before_bind_takes_nothing_from_who_listens(self):
        """asyncio, gunicorn and uwsgi remove what is there and bind."""
        first = self.first()
        second = self.own('''
os.unlink(sys.argv[1])
tell(error_of(bound, sys.argv[1]))
told()
''')
        self.assertEqual(second.told(), errno.EADDRINUSE)
        self.assertIn(f'process {first.pid} ', self.said(second))
        self.serves(first)


if __name__ == '__main__':
    unittest.main()
