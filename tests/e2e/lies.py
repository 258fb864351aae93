# SPDX-License-Identifier: ISC
"""Connections among which one has its parser, or a relay, tell a lie; and
what must be true of the others."""
import contextlib
import re
import threading
import time

import harness
import held
import wire
from harness import wait_for
from talker import Talker, request

TRY = harness.BUILD / 'tests' / 'try'
TABLES = harness.TOP / 'tests' / 'sandbox'
FIRST, REST = b'x' * 500, b'y' * 500
HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n' + FIRST
STRAY = b'nobody has asked for this'


def told(file, *starts):
    """Names of the lies in a table of tests/sandbox/, each once."""
    found = re.findall(r'^\t\{ "([a-z]+-[a-z-]+)", ',
                       (TABLES / file).read_text(), re.MULTILINE)
    return [name for name in dict.fromkeys(found)
            if name.split('-')[0] in starts]


class Recorder:
    """A tenant: answers each request with 'here'; all that it gets, and all
    of its connections."""

    def __init__(self):
        self.got = bytearray()
        self.connections = []

    def __call__(self, connection):
        self.connections.append(connection)
        while data := connection.recv(65536):
            self.got += data
            for _ in range(data.count(b'\r\n\r\n')):
                harness.respond(connection, 'here', close=False)


class Half:
    """A tenant: the first response stops in its middle until it may go on,
    and the connection ends with it, unless it stays; others are whole."""

    def __init__(self):
        self.go_on = threading.Event()
        self.asked = 0
        self.stays = False

    def __call__(self, connection):
        while harness.read_head(connection).endswith(b'\r\n\r\n'):
            self.asked += 1
            if self.asked > 1:
                harness.respond(connection, 'here', close=False)
                continue
            connection.sendall(HALF)
            self.go_on.wait(20)
            connection.sendall(REST)
            if not self.stays:
                return


def switch(connection):
    """A tenant: switches protocols, and echoes."""
    if harness.read_head(connection):
        connection.sendall(b'HTTP/1.1 101 Switching Protocols\r\n'
                           b'Connection: upgrade\r\nUpgrade: echo\r\n\r\n')
        harness.echo_server(connection)


class Tunnel:
    """A client of that tenant."""

    def __init__(self, port):
        self.talker = Talker(port, 10)
        self.talker.send(wire.tunnel('tunnel.example'))
        if self.talker.answer().status != 101:
            raise AssertionError('no tunnel')

    def alive(self):
        word = b'word %d' % len(self.talker.raw)
        try:
            self.talker.send(word)
            return self.talker.exactly(len(word)) == word
        except OSError:
            return False


@harness.unittest.skipUnless((TRY / 'usherd').exists(),
                             'build/tests/try is not built')
class Misled(harness.Case):
    """A daemon of the try build with echoing tenants for every name."""

    def daemon(self, jobs=2):
        host = self.host('_default')
        self.tenant(host / 'tls-socket', harness.echo_server)
        self.tenant(host / 'http-socket', harness.echo_server)
        return self.usherd('-j', str(jobs), build=TRY)

    def tell(self, daemon, name, tls=True):
        """A client that asks for a name; it is closed with the test."""
        client = wire.connect(daemon.tls if tls else daemon.http, 10)
        self.addCleanup(client.close)
        client.sendall(wire.hello(name) if tls else wire.head(name))
        return client

    def served(self, daemon):
        """New connections of both protocols reach their tenant."""
        for port, tls in ((daemon.tls, True), (daemon.http, False)):
            one = held.Held(port, tls=tls)
            one.establish()
            one.close()

    def replaced(self, daemon, before, told):
        """Within a second there are as many children as before."""
        wait_for(lambda: held.restored(daemon, before),
                 max(0.05, told + 1 - time.monotonic()), 0.01)


@harness.unittest.skipUnless((TRY / 'usherd').exists(),
                             'build/tests/try is not built')
class Lying(harness.Case):
    """A daemon of the try build with one shard.  Of its connections for HTTP
    the first five are those of tests/sandbox/try_grant.c, in their order, the
    sixth is a bystander's."""

    def setUp(self):
        super().setUp()
        self.tenants = {name: Recorder() for name in 'ab'}
        for name, serve in (*((f'{name}.example', serve) for name, serve in
                              self.tenants.items()),
                            ('half.example', Half()),
                            ('tunnel.example', switch)):
            self.tenant(self.host(name) / 'http-socket', serve)
            if name == 'half.example':
                self.half = serve
        self.addCleanup(self.half.go_on.set)
        self.tenant(self.host('_default') / 'http-socket', Recorder())
        self.tenant(self.host('a.example') / 'tls-socket',
                    harness.echo_server)
        self.daemon = self.usherd('-j', '1', build=TRY)

    def talker(self):
        talker = Talker(self.daemon.http, 10)
        self.addCleanup(talker.socket.close)
        return talker

    def establish(self):
        """The connections among which somebody will lie."""
        with Talker(self.daemon.http, 10) as ended:
            answer = ended.ask(request('a.example', '/ended'))
            self.assertEqual(answer.status, 200)
        with Talker(self.daemon.http, 10) as refused:
            self.assertEqual(refused.ask(request('a_b.example')).status, 404)
        time.sleep(0.1)         # and usherd knows that they have ended
        self.idle = self.talker()
        self.assertTrue(self.goes_on(self.idle))
        self.busy = self.talker()
        self.busy.send(request('half.example'))
        self.assertEqual(self.busy.exactly(len(HALF)), HALF)
        self.tunnel = Tunnel(self.daemon.http)
        self.addCleanup(self.tunnel.talker.socket.close)
        self.bystander = self.talker()
        self.assertTrue(self.goes_on(self.bystander, 'b.example'))
        self.tls, = held.hold(self, self.daemon.tls)
        self.relay, = held.relays(self.daemon, tls=False)
        self.before = held.children(self.daemon)

    def goes_on(self, talker, name='a.example', path='/'):
        """Is one more request answered?"""
        with contextlib.suppress(Exception):
            return talker.ask(request(name, path)).body == b'here'
        return False

    def lie(self, name):
        """A client has it told; gives it, and when."""
        liar = self.talker()
        began = time.monotonic()
        liar.send(request(f'eyes-grant-{name}.example', '/liar'))
        return liar, began

    def serves(self, began):
        """Whoever comes is served within a second; the first may have come
        too early."""
        def served():
            with contextlib.suppress(Exception), \
                    Talker(self.daemon.http, 0.3) as late:
                return late.ask(request('a.example', '/late')).status == 200
            return False
        wait_for(served, max(0.1, began + 1 - time.monotonic()), 0.01)
        held.Held(self.daemon.tls).establish().close()

    def survived(self, tunnel=True):
        """What the lie was not about: the relay, its tunnel, TLS."""
        if tunnel:
            self.assertTrue(self.tunnel.alive())
            self.assertIn(self.relay, held.relays(self.daemon, tls=False))
        self.assertTrue(self.tls.alive())
        self.assertNotRegex(self.daemon.said(), 'relay.*(killed|exited|broke)')
        self.assertIsNone(self.daemon.process.poll())

    def bystander_has_its_own(self):
        """Its tenant got its requests, and it got its answers, to the byte."""
        got = bytes(self.tenants['b'].got)
        asked = request('b.example', '/')
        self.assertEqual(got, asked * (len(got) // len(asked)))
        answers = bytes(self.bystander.raw)
        one = answers[:answers.index(b'here') + 4]
        self.assertEqual(answers, one * (len(answers) // len(one)))
        self.assertLessEqual(len(answers) // len(one), len(got) // len(asked))

    def ends(self, talker, data=b''):
        """It gets this, and then the end."""
        with contextlib.suppress(ConnectionError):
            self.assertEqual(talker.rest(), data)
