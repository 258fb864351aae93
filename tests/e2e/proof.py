# SPDX-License-Identifier: ISC
"""Real servers, unmodified, that are handed connections.

A server is a class that says how it is started; Proof is what is asked of
each.  It gets connections in one of two ways: (a) it listens on the UNIX
socket itself, (b) it listens on TCP ports that `usher run -l` turns.
"""
import contextlib
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import unittest

import held
import wire
from harness import BUILD, ROOT, USER, Case, children_of, wait_for
from runs import LIBRARY, NOBODY, SANITIZERS
from talker import End, Reader, together

SBIN = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin'
NAME = 'a.example'
PORTS = {'tls': 8443, 'http': 8080}     # never bound: they are turned
CROWD = 200
SECONDS = 20


def program(name):
    return shutil.which(name, path=SBIN)


def need(**packages):
    """Skips a class without its programs; by name, with _ for -."""
    for name, package in packages.items():
        if not program(name.replace('_', '-')):
            return unittest.skip(f'no {name}: package {package}')
    return lambda case: case


def has_ipv6():
    with contextlib.suppress(OSError), socket.create_server(
            ('::1', 0), family=socket.AF_INET6):
        return True
    return False


CONTEXTS = {}


def context(protocol):
    """A client's, that offers one protocol and verifies nothing."""
    if protocol not in CONTEXTS:
        new = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        new.check_hostname, new.verify_mode = False, ssl.CERT_NONE
        new.set_alpn_protocols([protocol])
        CONTEXTS[protocol] = new
    return CONTEXTS[protocol]


class Client(Reader):
    """HTTP/1.1 over a connection from an address of the test's choice."""

    alpn = 'http/1.1'

    def __init__(self, ports, tls, source='127.0.0.1', name=NAME):
        family = '::1' if ':' in source else '127.0.0.1'
        self.raw_socket = socket.create_connection(
            (family, ports['tls' if tls else 'http', family]), SECONDS,
            (source, 0))
        self.address = self.raw_socket.getsockname()[:2]
        self.name = name
        super().__init__(self.raw_socket)
        try:
            if tls:
                self.socket = context(self.alpn).wrap_socket(
                    self.raw_socket, server_hostname=name)
            self.greet()
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def greet(self):
        """What comes before requests."""

    def send(self):
        self.socket.sendall(wire.head(self.name))

    def body(self):
        """The answer to what was sent."""
        return self.answer().body.decode()

    def ask(self):
        self.send()
        return self.body()


class Late(Client):
    """Announces a body at once and sends it when asked to: a request that
    has been handed off, and is under way, for who answers only one."""

    def greet(self):
        self.socket.sendall(wire.head(self.name, 'Content-Length: 4',
                                      line='POST / HTTP/1.1'))

    def send(self):
        self.socket.sendall(b'a=bc')


class Halfway(Client):
    """Half of its request is under way before it is asked to send."""

    HALF = 20

    def greet(self):
        self.socket.sendall(wire.head(self.name)[:self.HALF])

    def send(self):
        self.socket.sendall(wire.head(self.name)[self.HALF:])


class Http2(Client):
    """As little of RFC 9113 as one GET after the other takes."""

    alpn = 'h2'
    DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7

    def frame(self, kind, flags, stream, data=b''):
        self.socket.sendall(len(data).to_bytes(3, 'big') + bytes(
            [kind, flags]) + stream.to_bytes(4, 'big') + data)

    def greet(self):
        if self.socket.selected_alpn_protocol() != 'h2':
            raise AssertionError('the server does not speak HTTP/2')
        self.stream = -1
        self.socket.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
        self.frame(self.SETTINGS, 0, 0)

    def send(self):
        self.stream += 2
        # GET, https and / of the static table; :authority as it is
        self.frame(self.HEADERS, 5, self.stream, b'\x82\x87\x84\x01'
                   + wire.prefixed(1, self.name.encode()))

    def body(self):
        data = b''
        while True:
            head = self.exactly(9)
            kind, flags, stream = head[3], head[4], head[5:]
            piece = self.exactly(int.from_bytes(head[:3], 'big'))
            if kind in (self.SETTINGS, self.PING) and not flags & 1:
                self.frame(kind, 1, 0, b'' if kind == self.SETTINGS
                           else piece)
            elif kind in (self.RESET, self.GOAWAY):
                raise End(f'frame {kind}: {piece}')
            elif int.from_bytes(stream, 'big') == self.stream:
                data += piece if kind == self.DATA else b''
                if kind <= self.HEADERS and flags & 1:
                    return data.decode()


class Load:
    """Visits over and over, from several threads; none may fail."""

    def __init__(self, case, visit, threads=3):
        self.case, self.visit = case, visit
        self.done, self.visits, self.failed = threading.Event(), [], []
        self.threads = [threading.Thread(target=self._run, daemon=True)
                        for _ in range(threads)]
        case.addCleanup(self.done.set)
        for each in self.threads:
            each.start()
        self.more()

    def _run(self):
        while not self.done.is_set() and not self.failed:
            try:
                self.visits.append(self.visit())
            except Exception as error:      # told by stop()
                self.failed.append(repr(error))

    def more(self, n=20):
        """Waits for so many visits that begin from now on."""
        until = len(self.visits) + len(self.threads) + n
        wait_for(lambda: len(self.visits) >= until or self.failed, SECONDS)

    def stop(self):
        self.done.set()
        for each in self.threads:
            each.join(2 * SECONDS)
        self.case.assertEqual(self.failed, [], f'after {len(self.visits)}')


def tree(pid):
    """It and its descendants."""
    with contextlib.suppress(OSError):
        return [pid] + [each for child in children_of(pid)
                        for each in tree(child)]
    return []


def open_files(pids):
    """How many they have open, all together."""
    n = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            n += held.descriptors(pid) or 0
    return n


def has_end(pid, client):
    """Is the other end of a TCP connection on this machine open in it?"""
    ports = [client.getpeername()[1], client.getsockname()[1]]
    six = '6' if client.family == socket.AF_INET6 else ''
    with open(f'/proc/net/tcp{six}') as f:
        lines = [line.split() for line in f.readlines()[1:]]
    names = [f'socket:[{words[9]}]' for words in lines if ports == [
        int(word.rpartition(':')[2], 16) for word in words[1:3]]]
    for each in os.listdir(f'/proc/{pid}/fd'):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f'/proc/{pid}/fd/{each}') in names:
                return True
    return False


class Process:
    """A server, run by a user, with or without `usher run`."""

    def __init__(self, case, command, user=None, umask=0o022, cwd=None,
                 log='log', env=None, usher=None):
        self.log = case.hosts / log
        if usher is not None:
            command = [case.bin / 'usher', 'run', *usher, '--', *command]
        kept = {name: value for name, value in os.environ.items()
                if name not in ('LD_PRELOAD', 'PYTHONPATH')}
        with open(self.log, 'ab') as out:
            self.process = subprocess.Popen(
                [*(NOBODY if user == 'nobody' and ROOT else ()), *command],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                umask=umask, cwd=cwd, start_new_session=True,
                env={**kept, **SANITIZERS, **(env or {}), 'PATH': SBIN})
        self.pid = self.process.pid
        case.addCleanup(self.kill)

    def kill(self):
        """It and all that it has started."""
        for pid in tree(self.pid) if self.process.poll() is None else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(SECONDS)

    def said(self):
        return self.log.read_text(errors='replace')[-2000:]

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, to_all=False):
        """Gives the status, when all of its processes are gone."""
        pids = tree(self.pid)
        for pid in pids if to_all else pids[:1]:
            os.kill(pid, number)
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'does not stop: {self.said()}') from None
        held.wait_gone(pids, 5)
        return status


@unittest.skipUnless(held.as_shipped(), 'a sanitizer in servers of others')
class Base(Case):
    """usherd before a host, and `usher` where every user can run it."""

    running = (None,)           # the status of a server that is ready

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bin = cls.scratch / 'bin'
        cls.bin.mkdir(mode=0o755)
        for name in ('usher', LIBRARY):
            shutil.copy(BUILD / name, cls.bin)
        # so that it is the same for a thousand clients everywhere
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 4096 <= hard:
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))

    def prepare(self, user=None):
        """A host and a directory for the server, both its user's."""
        self.path = self.host(NAME)
        self.root = self.hosts / '.server'
        self.root.mkdir()
        os.chmod(self.root, 0o777)
        if ROOT and user:
            os.chown(self.path, pwd.getpwnam(user).pw_uid, -1)

    def begin(self, *options, **how):
        """usherd; ports is by protocol and address."""
        six = ['-t', '[::1]:0', '-p', '[::1]:0'] if has_ipv6() else []
        self.daemon = self.usherd('-j', '1', *six, *options, **how)
        self.ports = self.ports_of(self.daemon, 4 if six else 2)
        held.ready_children(self.daemon, 4)

    def ports_of(self, daemon, n):
        found = wait_for(lambda: len(listening(daemon)) == n and
                         listening(daemon))
        return {(protocol, host.strip('[]')): int(port)
                for host, port, protocol in found}

    def wait_socket(self, server, *paths):
        """Until somebody listens there, or in a directory there."""
        def ready():
            if server.process.poll() not in self.running:
                raise AssertionError(f'{server.process.returncode}: '
                                     + server.said())
            return all(map(listens, paths))
        try:
            wait_for(ready, SECONDS)
        except AssertionError as error:
            raise AssertionError(f'{error} {server.said()}') from None


def listening(daemon):
    return re.findall(r'listening on (\S+):(\d+) for (\w+)', daemon.log())


def listens(path):
    if path.is_dir():
        return any(listens(entry) for entry in path.iterdir()
                   if not entry.name.startswith('.'))   # not there yet
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def run_options(way, paths):
    """Of `usher run`, for a server of these paths by protocol."""
    return ['-T', USER] + ([] if way == 'a' else [
        f'-l{PORTS[each]}={path}' for each, path in paths.items()])


class Proof:
    """What is asked of each server, to be mixed into a class that says how
    it is started."""

    ways = 'ab'
    users = ('nobody',)         # who starts it, if root may choose
    protocols = ('tls', 'http')
    apart = False               # a process of its own for each protocol
    clients = {'tls': (Client,), 'http': (Client,)}
    keeps = True                # several requests on a connection
    crowd = CROWD
    says = '{} {}'              # in an answer: the client's address
    six = True                  # IPv6 addresses are told in way (b), too
    umask = {}                  # by way
    quit, statuses = signal.SIGTERM, (0, -signal.SIGTERM)
    env = {}
    run_more = ()               # options of `usher run`
    to_all = False              # its first process tells the others nothing
    slack = 40                  # files that it opens for itself

    def command(self):
        """Of a server that listens on self.listen[protocol] for each of
        self.listen: a path in way (a), and a port in way (b)."""
        raise NotImplementedError

    def directory(self):
        return self.root

    def __init_subclass__(cls):
        for way, name in (('a', 'test_on_the_unix_socket_itself'),
                          ('b', 'test_on_tcp')):
            setattr(cls, name, getattr(Proof, name) if way in cls.ways
                    else None)

    def test_on_the_unix_socket_itself(self):
        self.prove('a')

    def test_on_tcp(self):
        self.prove('b')

    def prove(self, way):
        for user in self.users if ROOT else ('nobody',):
            for protocols in ([(each,) for each in self.protocols]
                              if self.apart else [self.protocols]):
                with self.subTest(user=user, protocols=protocols):
                    self.prove_one(way, user, protocols)
                self.doCleanups()
                shutil.rmtree(self.hosts)
                self.setUp()

    def start(self, way, user, protocols):
        self.prepare(user)
        self.way, self.user = way, user
        paths = {each: self.path / f'{each}-handoff' for each in protocols}
        self.listen = paths if way == 'a' else {
            each: PORTS[each] for each in protocols}
        self.server = Process(
            self, self.command(), user, self.umask.get(way, 0o022),
            self.directory(), env=self.env,
            usher=run_options(way, paths) + [*self.run_more])
        self.wait_socket(self.server, *paths.values())

    def prove_one(self, way, user, protocols):
        self.start(way, user, protocols)
        self.begin()
        kinds = [(each, kind) for each in protocols
                 for kind in self.clients[each]]
        for each, kind in kinds:
            self.one(each, kind, '127.0.0.1')
        before = open_files(held.processes(self.daemon))
        for each, kind in kinds:
            self.one(each, kind, '127.0.0.7')
            if has_ipv6():
                self.one(each, kind, '::1')
        own = open_files(tree(self.server.pid))
        for each, kind in kinds:
            self.many(each, kind if self.keeps or each == 'tls' else Late)
        self.wait_closed(lambda: tree(self.server.pid), own + self.slack)
        self.assertIn(self.server.stop(self.quit, self.to_all),
                      self.statuses, self.server.said())
        self.wait_closed(lambda: held.processes(self.daemon), before)
        self.assertNotRegex(self.daemon.said(), 'refused|exited|killed')

    def wait_closed(self, pids, most):
        """Until they have no more than so many files open."""
        try:
            wait_for(lambda: open_files(pids()) <= most)
        except AssertionError:
            raise AssertionError('%s have %d files open, and had %d: %s' % (
                pids(), open_files(pids()), most,
                self.server.said())) from None

    def one(self, protocol, kind, source):
        """Its answers tell where the client is, on one connection."""
        with kind(self.ports, protocol == 'tls', source) as client:
            for _ in range(5 if self.keeps else 1):
                self.assert_from(client, client.ask())

    def many(self, protocol, kind):
        """All are connected before any is answered."""
        def arrive(i):
            client = kind(self.ports, protocol == 'tls',
                          f'127.0.{i // 100 + 1}.{i % 100 + 1}')
            self.addCleanup(client.socket.close)
            if protocol == 'http' and kind is not Late:
                self.assert_from(client, client.ask())
            return client
        clients = together(*(lambda i=i: arrive(i)
                             for i in range(self.crowd)))
        for client in clients:
            client.send()
        for client in clients:
            self.assert_from(client, client.body())
        for client in clients:
            client.socket.close()

    def assert_from(self, client, text):
        host, port = client.address
        if ':' in host and self.way == 'b' and not self.six:
            host = '0.0.0.0'    # to a listener of IPv4
        self.assertIn(self.says.format(host, port), text)
