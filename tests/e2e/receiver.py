# SPDX-License-Identifier: ISC
"""A tenant that is handed connections (usher-handoff(7)), in a process and,
as root, under a user of its own.

Receiver is what a test holds; Server is what runs in the process: one thread
and a selector, told over standard input what to do, telling in lines of JSON
on standard output what it saw.
"""
import argparse
import contextlib
import json
import os
import pwd
import queue
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading

TLS, HTTP = b'usher\x01t\x00', b'usher\x01h\x00'    # the whole message
BACKLOG = 4096
OPTIONS = (                     # of a socket, by name
    (socket.SOL_SOCKET, 'SO_KEEPALIVE'), (socket.SOL_SOCKET, 'SO_OOBINLINE'),
    (socket.SOL_SOCKET, 'SO_RCVLOWAT'), (socket.SOL_SOCKET, 'SO_REUSEADDR'),
    (socket.SOL_SOCKET, 'SO_REUSEPORT'), (socket.SOL_SOCKET, 'SO_PRIORITY'),
    (socket.SOL_SOCKET, 'SO_DONTROUTE'), (socket.SOL_SOCKET, 'SO_LINGER'),
    (socket.SOL_SOCKET, 'SO_RCVTIMEO'), (socket.SOL_SOCKET, 'SO_SNDTIMEO'),
    (socket.IPPROTO_TCP, 'TCP_NODELAY'), (socket.IPPROTO_TCP, 'TCP_CORK'),
    (socket.IPPROTO_TCP, 'TCP_DEFER_ACCEPT'),
    (socket.IPPROTO_TCP, 'TCP_KEEPIDLE'),
    (socket.IPPROTO_TCP, 'TCP_USER_TIMEOUT'))


def options_of(sock):
    """What can be asked of a TCP socket, by name; SO_LINGER in hex."""
    said = {name: sock.getsockopt(level, getattr(socket, name))
            for level, name in OPTIONS if name != 'SO_LINGER'}
    said['SO_LINGER'] = sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        8).hex()
    said['blocking'] = os.get_blocking(sock.fileno())
    return said


# In the process of its own.

class Client:
    """A connection that was received; talk says what is done with it."""

    def __init__(self, server, sock, number):
        self.server, self.socket, self.number = server, sock, number
        self.data = b''
        sock.settimeout(5)
        server.selector.register(sock, selectors.EVENT_READ, self.ready)
        server.clients.add(self)

    def ready(self, _):
        with contextlib.suppress(OSError):      # it was reset: ended, too
            piece = self.socket.recv(65536)
            if piece and getattr(self, self.server.how.talk)(piece):
                return
        if self.server.how.talk == 'look':
            self.server.say(end=self.number, data=self.data.decode('latin-1'))
        self.close()

    def close(self):
        self.server.selector.unregister(self.socket)
        self.server.clients.discard(self)
        self.socket.close()

    # Each takes a piece and says whether there is more to come.

    def look(self, piece):
        """Keeps what comes, to be told when it ends."""
        self.data += piece
        return True

    def echo(self, piece):
        self.socket.sendall(piece)
        self.server.answers += 1
        return True

    def text(self, _):
        """The same short text for everybody, and the end."""
        self.socket.sendall(self.server.how.text.encode())
        self.server.answers += 1
        return False

    def http(self, piece):
        """HTTP/1.1 without bodies: answers TEXT METHOD HOST TARGET."""
        self.data += piece
        while b'\r\n\r\n' in self.data:
            head, _, self.data = self.data.partition(b'\r\n\r\n')
            lines = head.decode('latin-1').split('\r\n')
            fields = {name.lower(): value.strip() for name, _, value in (
                line.partition(':') for line in lines[1:])}
            words = lines[0].split(' ')
            body = ' '.join([self.server.how.text, words[0],
                             fields.get('host', '-'), words[1]]).encode()
            self.socket.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d'
                                b'\r\n\r\n%s' % (len(body), body))
            self.server.answers += 1
            if fields.get('connection') == 'close':
                return False
        return True


class Server:
    def __init__(self, how):
        self.how = how
        self.selector = selectors.DefaultSelector()
        self.deaf, self.hoarding = how.deaf, how.hoard
        self.streams, self.clients = set(), set()
        self.accepted = self.received = self.answers = 0
        self.commands = b''
        self.leaving = False
        self.listeners = [self.listener(path) for path in how.paths]

    def listener(self, path):
        """Bound before the user is changed, who then listens; it comes into
        its place with its mode, over what may be there."""
        beside = os.path.join(os.path.dirname(path),
                              f'.{os.path.basename(path)}.new')
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(beside)
        os.chmod(beside, self.how.mode)
        os.rename(beside, path)
        listener.setblocking(False)
        return listener

    def say(self, **what):
        sys.stdout.write(json.dumps(what) + '\n')
        sys.stdout.flush()

    def begin(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if self.how.user is not None:
            user = pwd.getpwnam(self.how.user)
            os.setgroups([])
            os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
            os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        for listener in self.listeners:
            listener.listen(self.how.backlog)
        self.watch()
        self.selector.register(0, selectors.EVENT_READ, self.told)
        self.say(ready=True)

    def watch(self):
        if not self.deaf:
            for listener in self.listeners:
                self.selector.register(listener, selectors.EVENT_READ,
                                       self.accept)

    def run(self):
        self.begin()
        while not self.leaving or self.listeners or self.clients:
            for key, _ in self.selector.select(0.2 if self.leaving else None):
                if key.fileobj in self.selector.get_map():
                    key.data(key.fileobj)
            if self.leaving:
                self.leave()

    def leave(self):
        """Nobody waits any more: the listeners are closed."""
        for listener in self.listeners:
            self.accept(listener, 4096)
            self.selector.unregister(listener)
            listener.close()
        self.listeners = []

    def told(self, _):
        """One of the words that Receiver.tell() sends."""
        more = os.read(0, 4096)
        if not more:
            sys.exit(0)
        *lines, self.commands = (self.commands + more).split(b'\n')
        for word in lines:
            if word == b'accept':
                self.deaf = False
                self.watch()
            elif word == b'receive':
                self.hoarding = False
                for stream in list(self.streams):
                    self.receive(stream)
            elif word == b'leave':
                self.leaving = True
            self.say(counts={
                'accepted': self.accepted, 'received': self.received,
                'answers': self.answers, 'open': len(self.clients)})

    def accept(self, listener, most=64):
        for _ in range(most):
            try:
                stream, _ = listener.accept()
            except BlockingIOError:
                return
            self.accepted += 1
            stream.setblocking(False)
            if self.how.stream == 'close':
                stream.close()
                continue
            if self.how.stream == 'back':
                self.send_back(stream)
            if self.how.plain:
                self.received += 1
                Client(self, stream, self.received)
                continue
            self.streams.add(stream)
            if not self.hoarding:
                self.receive(stream)

    def send_back(self, stream):
        """What no receiver should: bytes and descriptors to the sender."""
        with contextlib.suppress(OSError):
            for _ in range(20):
                socket.send_fds(stream, [b'back' * 64], [0] * 10)

    def receive(self, stream):
        """Takes the message from a stream, now or when it has come."""
        try:
            message, fds, flags, _ = socket.recv_fds(
                stream, 64, 0 if self.how.blind else 8)
        except BlockingIOError:
            self.selector.register(stream, selectors.EVENT_READ,
                                   self.receive_late)
            return
        except OSError:
            message, fds, flags = b'', [], 0
        self.streams.discard(stream)
        self.received += 1
        sock = socket.socket(fileno=fds[0]) if fds else None
        if self.how.talk == 'look':
            self.say(given=self.received, message=message.hex(),
                     flags=flags, descriptors=len(fds),
                     **self.seen(stream, sock))
        if not self.how.keep:
            stream.close()
        if sock is None:
            return
        if self.how.inline:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        if message not in (TLS, HTTP) or len(fds) != 1:
            self.say(wrong=message.hex(), descriptors=len(fds))
        Client(self, sock, self.received)

    def receive_late(self, stream):
        self.selector.unregister(stream)
        self.receive(stream)

    def seen(self, stream, sock):
        """All that a tenant can see before it reads anything."""
        if sock is None:
            return {}
        credentials = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED,
                                        12)
        after = None
        if self.how.keep:       # waits for more, or '' for the end
            stream.settimeout(3)
            after = stream.recv(100).hex()
        urgent = None
        with contextlib.suppress(OSError):
            urgent = sock.recv(1, socket.MSG_OOB | socket.MSG_DONTWAIT).hex()
        return {'options': options_of(sock), 'family': sock.family.name,
                'peer': sock.getpeername()[:2], 'own': sock.getsockname()[:2],
                'inode': os.fstat(sock.fileno()).st_ino, 'after': after,
                'user': int.from_bytes(credentials[4:8], sys.byteorder),
                'pid': int.from_bytes(credentials[:4], sys.byteorder),
                'urgent': urgent}


# In the test.

class Receiver:
    """Listens on the paths; how: talk=('echo', 'look', 'http' or 'text'),
    text=, deaf=True (accepts nobody), hoard=True (accepts, receives nothing),
    blind=True (receives without room for descriptors), stream=('close' or
    'back'), keep=True (keeps its streams, and tells what comes after the
    message), plain=True (for a -socket), inline=True (urgent bytes in
    place), mode=, backlog=.  user=None stays who the test is; as root it is
    'nobody'."""

    def __init__(self, case, *paths, user='nobody', **how):
        command = [sys.executable, os.path.abspath(__file__)]
        if user is not None and os.geteuid() == 0:
            command += ['--user', user]
        for name, value in how.items():
            command += [f'--{name}'] if value is True else [f'--{name}',
                                                            str(value)]
        self.process = subprocess.Popen(
            command + [str(path) for path in paths], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        case.addCleanup(self.end)
        self.pid = self.process.pid
        self.lines = {kind: queue.Queue() for kind in (
            'ready', 'counts', 'given', 'end', 'wrong')}
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.next('ready')

    def _read(self):
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):   # cut off by its death
                said = json.loads(line)
                for kind in set(said) & set(self.lines):
                    self.lines[kind].put(said)

    def next(self, kind, seconds=10):
        """The next line of that kind."""
        return self.lines[kind].get(timeout=seconds)

    def tell(self, word, seconds=10):
        """'accept', 'receive', 'leave' (when nobody waits any more) or
        'count'; gives the counts of what it has done."""
        self.process.stdin.write(word.encode() + b'\n')
        self.process.stdin.flush()
        return self.next('counts', seconds)['counts']

    def count(self, what):
        return self.tell('count')[what]

    def given(self):
        """What it saw of the next connection before reading any of it."""
        return self.next('given')

    def data(self):
        """All that the next connection to end has brought."""
        return self.next('end')['data'].encode('latin-1')

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds=10):
        """Gives its exit status."""
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        return self.wait()

    def end(self):
        self.process.kill()     # stopped ones, too
        self.process.wait()
        self.reader.join(5)
        self.process.stdin.close()
        self.process.stdout.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('paths', nargs='+')
    parser.add_argument('--talk', default='echo')
    parser.add_argument('--text', default='')
    parser.add_argument('--user')
    parser.add_argument('--stream', default='')
    parser.add_argument('--backlog', type=int, default=BACKLOG)
    parser.add_argument('--mode', type=int, default=0o666)
    for flag in ('deaf', 'hoard', 'blind', 'keep', 'plain', 'inline'):
        parser.add_argument(f'--{flag}', action='store_true')
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Server(parser.parse_args()).run()


if __name__ == '__main__':
    main()
