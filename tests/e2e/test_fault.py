# SPDX-License-Identifier: ISC
"""A system call that fails once in each process costs one connection and no
more: the programs of build/tests/fault, see tests/fault/epoll_ctl.c."""
import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import time

import handed
import harness
import held
import wire
from handed import HELLO
from harness import echo_server, wait_for
from talker import End, Reader

FAULT = harness.BUILD / 'tests' / 'fault'
PROGRAMS = ('usherd', 'usherd-front', 'usherd-log', 'usherd-tls',
            'usherd-http', 'usherd-relay')
CONNECTIONS = 8
# Of a front: the launcher, threads, four children, and each listener twice,
# once by libevent and once for one front at a time.
AT_START = 2 + 4 + 2 * 2
# Of a connection: before it they watch 2; a pair 4, for its pipes.
OF_RELAY, OF_PARSER = 8, 6
OF_PAIR, OF_PAIR_PARSER = 9, 5


class Case(handed.Case):
    """A daemon with one program of the fault build and the others as shipped,
    one child of each kind, and tenants that echo."""

    def setUp(self):
        super().setUp()
        if not (FAULT / 'usherd').exists():
            self.skipTest('build/tests/fault is not built')
        for name in ('tls-socket', 'http-socket'):
            self.tenant(self.path / name, echo_server)

    def faulty(self, program, call):
        """call: which of its own is to fail."""
        build = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        os.chmod(build, 0o755)
        for name in PROGRAMS:
            shutil.copy((FAULT if name == program else harness.BUILD) / name,
                        build)
        (build / 'fault').write_text(str(call))
        self.begin(build=build)
        self.before = held.children(self.daemon)

    def nobody_died(self):
        self.assertEqual(held.children(self.daemon), self.before)
        self.assertNotRegex(self.daemon.said(), 'killed|exited|replacing')


class Relay(Case):
    """The relay cannot watch one more socket: that pair ends."""

    def one_is_lost(self, tls, stuck=False, before=0):
        self.faulty('usherd-relay', (OF_RELAY if tls else OF_PAIR) +
                    2 * stuck - before)
        port = self.daemon.tls if tls else self.daemon.http
        if stuck:
            self.stick(port, tls)
        connections = []
        for _ in range(CONNECTIONS):
            one = held.Held(port, tls=tls)
            self.addCleanup(one.close)
            with contextlib.suppress(ConnectionResetError):
                one.take(len(one.flight))   # or less, when it is the one
            connections.append(one)
        for _ in range(3):
            alive = [one.alive() for one in connections]
            self.assertEqual(alive.count(False), 1, alive)
        self.nobody_died()

    def stick(self, port, tls):
        """A client that sends and does not read, so that its own socket is
        watched once more: then it is another call that fails."""
        one = held.hold(self, port, tls=tls)[0]
        one.socket.setblocking(False)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                one.socket.send(bytes(1 << 20))
                continue
            time.sleep(0.01)

    def test_tls(self):
        self.one_is_lost(True)

    def test_http(self):
        self.one_is_lost(False)

    def test_tls_beside_one_that_does_not_read(self):
        self.one_is_lost(True, stuck=True)

    def test_http_beside_one_that_does_not_read(self):
        self.one_is_lost(False, stuck=True)

    def test_tls_on_the_tenants_side(self):
        self.one_is_lost(True, before=1)

    def test_next_backend(self):
        """Of connections that go on to another host, one ends: a response
        that comes in parts is waited for."""
        for name in 'bc':
            self.tenant(self.host(name + '.example') / 'http-socket',
                        self.serve)
        self.faulty('usherd-relay', OF_PAIR)
        answers = []
        for _ in range(CONNECTIONS):
            with wire.connect(self.daemon.http) as client:
                for name in 'bc':
                    client.sendall(wire.head(name + '.example'))
                    answers.append(self.answer(client))
                    if not answers[-1]:
                        break
        self.assertEqual(answers.count(b''), 1, answers)
        self.nobody_died()

    @staticmethod
    def answer(client):
        answer = b''
        with contextlib.suppress(ConnectionResetError):
            while not answer.endswith(b'body') and \
                    (piece := client.recv(1000)):
                answer += piece
        return answer[-4:] if answer.endswith(b'body') else b''

    @staticmethod
    def serve(connection):
        while harness.read_head(connection):
            connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n'
                               b'\r\nbo')
            time.sleep(0.02)
            connection.sendall(b'dy')


class Parser(Case):
    """The parser cannot watch one more client: that one is refused."""

    def in_halves(self, port, flight):
        """What comes back on connections whose flight comes in two parts."""
        clients = []
        for _ in range(CONNECTIONS):
            client = wire.connect(port, 10)
            self.addCleanup(client.close)
            client.sendall(flight[:30])
            clients.append(client)
        time.sleep(0.2)
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(flight[30:])
        return [held.exactly(client, 12) for client in clients]

    def one_is_refused(self, answers, flight, refused):
        self.assertEqual(sorted(set(answers)),
                         sorted({wire.echoed(flight)[:12], refused}))
        self.assertEqual(answers.count(refused), 1)
        self.daemon.wait_log('refused .* reason=overload')
        self.nobody_died()

    def test_tls(self):
        self.faulty('usherd-tls', OF_PARSER)
        self.one_is_refused(self.in_halves(self.daemon.tls, HELLO), HELLO,
                            harness.alert(80))

    def test_http(self):
        self.faulty('usherd-http', OF_PARSER)
        flight = wire.tunnel()
        answers = self.in_halves(self.daemon.http, flight)
        self.one_is_refused(answers, flight, b'HTTP/1.1 503')

    def test_hand_off(self):
        """The others are handed off as if nothing had been."""
        self.receiver(talk='echo')
        self.faulty('usherd-tls', OF_PARSER)
        self.one_is_refused(self.in_halves(self.daemon.tls, HELLO), HELLO,
                            harness.alert(80))
        self.assertEqual(self.tenant_process.count('accepted'),
                         CONNECTIONS - 1)

    def kept(self, call, body=0):
        """What comes on connections with three requests each: the answers
        to each of them.  A body comes after its head."""
        def serve(connection):
            reader = Reader(connection)
            with contextlib.suppress(End):
                while reader.request():
                    harness.respond(connection, 'body', close=False)
        self.tenant(self.host('b.example') / 'http-socket', serve)
        self.faulty('usherd-http', call)
        answers = []
        head = wire.head('b.example', f'Content-Length: {body}')
        for _ in range(CONNECTIONS):
            # which is taken in with its head: nothing is waited for
            with held.fronts_stopped(self.daemon):
                client = wire.connect(self.daemon.http, 10)
                client.sendall(head)
            with client:
                answers.append([self.served(client, body)])
                for _ in range(2):
                    time.sleep(0.05)    # the parser waits for the next
                    with contextlib.suppress(ConnectionError):
                        client.sendall(head)
                    answers[-1].append(self.served(client, body))
        self.nobody_died()
        return answers

    @staticmethod
    def served(client, body):
        time.sleep(0.02)
        with contextlib.suppress(ConnectionError):
            client.sendall(bytes(body))
        return Relay.answer(client)

    def one_is_not_served(self, answers, *its_own):
        self.assertEqual(sorted(answers), [
            [*its_own], *[[b'body'] * 3] * (CONNECTIONS - 1)])

    def test_its_tenant(self):
        """It cannot watch a tenant: that request is refused."""
        self.one_is_not_served(self.kept(OF_PAIR_PARSER), b'', b'', b'')
        self.daemon.wait_log('refused .* reason=overload')

    def test_its_client_during_an_exchange(self):
        """Something of the response may have passed: it is cut."""
        self.one_is_not_served(self.kept(OF_PAIR_PARSER + 1), b'', b'', b'')
        self.assertNotIn('reason=', self.daemon.said())

    def test_its_client_behind_a_body(self):
        """Which was not looked at while that passed, in the second exchange:
        it is cut."""
        self.one_is_not_served(self.kept(OF_PAIR_PARSER + 2, body=100000),
                               b'body', b'', b'')
        self.assertNotIn('reason=', self.daemon.said())


class Front(Case):
    """The front cannot watch one more descriptor: no connection is lost."""

    def served(self):
        for tls in (True, False):
            port = self.daemon.tls if tls else self.daemon.http
            held.Held(port, tls=tls).establish().close()

    def kill(self, program):
        """Ends a child of one of the programs; the launcher knows of it."""
        told = len(self.daemon.log_lines)
        os.kill(held.children(self.daemon, program)[0], signal.SIGKILL)
        self.daemon.wait_log('killed by signal 9', after=told)

    def test_new_child(self):
        """One that cannot be listened to is replaced once more."""
        self.faulty('usherd-front', AT_START + 1)
        others = held.hold(self, self.daemon.tls, 3) + \
            held.hold(self, self.daemon.http, 3, tls=False)
        self.kill('usherd-tls')
        self.daemon.wait_log('tls parser 1 .* cannot be listened to')
        wait_for(lambda: len(held.children(self.daemon)) == 4)
        self.served()
        self.assertTrue(all(one.alive() for one in others))

    def test_listener(self):
        """A listener that rested for want of a parser goes on all the
        same."""
        self.faulty('usherd-front', AT_START + 3)      # after two children
        self.kill('usherd-tls')
        held.ready_children(self.daemon, 4)
        self.served()
        self.kill('usherd-tls')     # the next comes after 100 ms
        one = held.Held(self.daemon.tls, seconds=5)
        self.addCleanup(one.close)
        one.establish()
        self.daemon.wait_log('No space left on device')
        self.served()


if __name__ == '__main__':
    harness.unittest.main()
