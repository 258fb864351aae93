# SPDX-License-Identifier: ISC
"""What a tenant with tls-handoff or http-handoff gets, as usher_accept.h has
it."""
import contextlib
import os
import pwd
import socket
import time
import unittest

import harness
import held
import wire
from handed import FLIGHTS, HEAD, HELLO, NAME, Case
from harness import wait_for
from receiver import HTTP, TLS, options_of


class Message(Case):
    """One message of eight bytes, with one descriptor, on a stream of its
    own."""

    def setUp(self):
        super().setUp()
        self.receiver(keep=True)
        self.begin()

    def test_is_exact(self):
        for flight, (protocol, _) in FLIGHTS.items():
            with self.subTest(flight):
                _, given = self.visit(flight)
                self.assertEqual(bytes.fromhex(given['message']),
                                 TLS if protocol == 'tls' else HTTP)
                self.assertEqual((given['descriptors'], given['flags']),
                                 (1, 0))

    def test_is_all_that_is_said(self):
        """After the one message the stream ends."""
        for flight in FLIGHTS:
            self.assertEqual(self.visit(flight)[1]['after'], '')

    def test_comes_from_the_user_of_usherd(self):
        """SO_PEERCRED, by which receivers tell friend from foe."""
        for flight in FLIGHTS:
            given = self.visit(flight)[1]
            self.assertEqual(given['user'],
                             pwd.getpwnam(harness.USER).pw_uid)
            self.assertEqual(given['pid'], held.front(self.daemon))

    def test_is_of_the_protocol_that_was_spoken(self):
        """Not of the name of the socket alone."""
        (self.path / 'http-handoff').unlink()
        (self.path / 'http-handoff').symlink_to('tls-handoff')
        self.assertEqual(self.visit('head')[1]['message'], HTTP.hex())
        self.assertEqual(self.visit('hello')[1]['message'], TLS.hex())


class Bytes(Case):
    """Not one byte is taken from the client's stream."""

    def setUp(self):
        super().setUp()
        self.receiver()
        self.begin()

    def brings(self, protocol, *pieces, pause=0.0):
        """All of it is there for the tenant, in order, and then the end."""
        client = self.connect(protocol)
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.tenant_process.data(), b''.join(pieces))
        self.assertEqual(client.recv(1), b'')

    def test_first_flights(self):
        for protocol, data in FLIGHTS.values():
            self.brings(protocol, data)

    def test_in_segments(self):
        for protocol, data in FLIGHTS.values():
            with self.subTest(protocol):
                self.brings(protocol, data[:1], data[1:7], data[7:-1],
                            data[-1:], pause=0.02)

    def test_what_follows_it(self):
        """Nothing behind the name is looked at, wherever it begins."""
        for protocol, data in FLIGHTS.values():
            self.brings(protocol, data + b'\0early\r\n' * 1000)
            self.brings(protocol, data, b'late' * 100000, pause=0.05)

    def test_of_a_request_with_a_body(self):
        head = wire.head(NAME, 'Content-Length: 100000',
                         line='POST / HTTP/1.1')
        self.brings('http', head + b'x' * 100000, HEAD * 3)
        head = wire.head(NAME, 'Transfer-Encoding: chunked',
                         line='POST / HTTP/1.1')
        self.brings('http', head, b'5\r\nhello\r\n0\r\n\r\n', b'no request',
                    pause=0.02)

    def test_of_a_large_hello(self):
        """64 KiB in many segments, for which readiness was put off."""
        data = wire.large_hello(NAME.encode())
        self.brings('tls', data)
        self.brings('tls', data[:20000], data[20000:50000], data[50000:],
                    pause=0.05)

    def test_of_browsers_hellos(self):
        """Recorded ones; every name is the default host's."""
        for name in ('_default', '_nosni'):
            (self.hosts / name).symlink_to(NAME)
        count = 0
        for path in sorted(harness.HELLOS.iterdir()):
            if path.suffix == '' and path.is_file():
                self.brings('tls', path.read_bytes())
                count += 1
        self.assertGreater(count, 3)

    def test_no_proxy_header(self):
        """The socket says who the client is."""
        for entry in ('send-proxy-v1', 'send-proxy-v2'):
            (self.path / entry).touch()
        for protocol, data in FLIGHTS.values():
            self.brings(protocol, data)


class Options(Case):
    """Flags and options are those that accept(2) would have given."""

    def direct(self):
        """What accept(2) gives."""
        with socket.create_server(('127.0.0.1', 0)) as listener:
            with socket.create_connection(listener.getsockname()):
                accepted, _ = listener.accept()
                with accepted:
                    return options_of(accepted)

    def inherited(self, *options):
        """A listening socket with these options, and usherd on it."""
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        for level, option in options:
            listener.setsockopt(level, option, 1)
        self.inherit(listener)
        return listener

    def inherit(self, listener):
        fd = listener.fileno()
        self.begin('-t', f'fd:{fd}', tls=0, http=0, pass_fds=(fd,))
        self.daemon.wait_log('listening on')

    def options_on(self, listener):
        client = self.connect('tls', listener.getsockname()[1])
        client.sendall(HELLO)
        return self.tenant_process.given()['options']

    def test_are_those_of_accept(self):
        self.receiver()
        self.begin()
        for flight in FLIGHTS:
            with self.subTest(flight):
                self.assertEqual(self.visit(flight)[1]['options'],
                                 self.direct())

    def test_after_waiting_for_many_bytes(self):
        """SO_RCVLOWAT was raised for the rest of the hello."""
        self.receiver()
        self.begin()
        data = wire.large_hello(NAME.encode())
        client = self.connect('tls')
        client.sendall(data[:100])
        time.sleep(0.1)
        client.sendall(data[100:])
        self.assertEqual(self.tenant_process.given()['options'],
                         self.direct())

    def test_after_waiting_for_the_tenant(self):
        """A full backlog, tried again and again."""
        tenant = self.receiver(deaf=True, backlog=0)
        self.begin()
        clients = [self.connect('tls') for _ in range(3)]
        for client in clients:
            client.sendall(HELLO)
        time.sleep(0.2)
        tenant.tell('accept')
        for _ in clients:
            self.assertEqual(tenant.given()['options'], self.direct())

    def test_of_an_inherited_listener(self):
        self.receiver()
        self.assertEqual(self.options_on(self.inherited()), self.direct())

    def test_that_the_administrator_has_set(self):
        """On an inherited listener they stay, and only they."""
        self.receiver()
        for level, name in ((socket.SOL_SOCKET, 'SO_KEEPALIVE'),
                            (socket.SOL_SOCKET, 'SO_OOBINLINE'),
                            (socket.IPPROTO_TCP, 'TCP_NODELAY')):
            with self.subTest(name):
                got = self.options_on(self.inherited(
                    (level, getattr(socket, name))))
                self.assertEqual(got, {**self.direct(), name: 1})

    def test_of_a_listener_inherited_twice(self):
        """What usherd itself had set on it is not the administrator's: a
        successor (SIGQUIT), or the next one on systemd's socket."""
        self.receiver()
        listener = self.inherited((socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        for successor in (True, False):
            with self.subTest(successor=successor):
                first = self.daemon
                if successor:
                    self.inherit(listener)
                first.stop()
                if not successor:
                    self.inherit(listener)
                self.assertEqual(self.options_on(listener),
                                 {**self.direct(), 'SO_KEEPALIVE': 1})


class Addresses(Case):
    """The client's real address is seen."""

    def setUp(self):
        super().setUp()
        self.receiver()

    def assert_from(self, client, port, family='AF_INET'):
        given = self.tenant_process.given()
        self.assertEqual(given['family'], family)
        self.assertEqual(given['peer'], list(client.getsockname()[:2]))
        self.assertEqual(given['own'], [client.getpeername()[0], port])

    def test_of_the_fourth_version(self):
        self.begin()
        for flight in FLIGHTS:
            protocol, data = FLIGHTS[flight]
            for source in ('127.0.0.1', '127.7.0.1'):
                port = getattr(self.daemon, protocol)
                with socket.create_connection(
                        ('127.0.0.1', port), 20, (source, 0)) as client:
                    client.sendall(data)
                    self.assertEqual(client.getsockname()[0], source)
                    self.assert_from(client, port)

    def test_of_the_sixth_version(self):
        with contextlib.suppress(OSError), socket.create_server(
                ('::1', 0), family=socket.AF_INET6):
            self.begin('-t', '[::1]:0', '-p', '[::1]:0', tls=0, http=0)
            wait_for(lambda: self.daemon.log().count('listening on') == 2)
            self.daemon.start()
            for protocol, data in FLIGHTS.values():
                port = getattr(self.daemon, protocol)
                with wire.connect(port, host='::1') as client:
                    client.sendall(data)
                    self.assert_from(client, port, 'AF_INET6')
            return
        self.skipTest('no IPv6 here')


class Clients(Case):
    """Clients that do not wait to be handed on."""

    def setUp(self):
        super().setUp()
        self.begin()

    def settled(self, tenant, n):
        """The tenant has seen them all end; usherd is as well as before."""
        wait_for(lambda: tenant.count('open') == 0)
        self.assertGreaterEqual(n, tenant.count('received'))
        self.assertNotRegex(self.daemon.said(), 'exited|killed|refused')
        with self.connect('tls') as client:
            client.sendall(HELLO)
            self.assertEqual(client.recv(1000), HELLO)

    def test_that_half_close(self):
        """Who has said all may still be answered."""
        self.receiver(talk='echo')
        for protocol, data in FLIGHTS.values():
            for late in (0, 0.1):
                with self.connect(protocol) as client:
                    client.sendall(data)
                    time.sleep(late)
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(wire.read_all(client), data)

    def test_that_reset(self):
        """Before, while and after they are handed on."""
        tenant = self.receiver(talk='echo')
        n = 0
        for protocol, data in FLIGHTS.values():
            for pause in (0, 0, 0.0002, 0.0005, 0.001, 0.002, 0.01):
                for _ in range(5):
                    client = self.connect(protocol)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      b'\1\0\0\0\0\0\0\0')
                    client.sendall(data)
                    time.sleep(pause)
                    client.close()
                    n += 1
        self.settled(tenant, n)

    def test_that_reset_half_way(self):
        tenant = self.receiver(talk='echo')
        for protocol, data in FLIGHTS.values():
            for _ in range(20):
                client = self.connect(protocol)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  b'\1\0\0\0\0\0\0\0')
                client.sendall(data[:-3])
                client.close()
        self.settled(tenant, 1)

    def urgent(self, protocol, data, at):
        """Sends data, the byte at that place urgent, and ends."""
        client = self.connect(protocol)
        client.sendall(data[:at])
        client.send(data[at:at + 1], socket.MSG_OOB)
        client.sendall(data[at + 1:])
        client.shutdown(socket.SHUT_WR)
        return client

    def test_that_send_urgent_data(self):
        """A peek does not show an urgent byte (MSG_OOB): it is where it
        would be had the tenant accepted the connection itself."""
        tenant = self.receiver()
        for protocol, data in FLIGHTS.values():
            self.urgent(protocol, data, 0)
            self.assertEqual(bytes.fromhex(tenant.given()['urgent']),
                             data[:1])
            self.assertEqual(tenant.data(), data[1:])
            self.urgent(protocol, data + b'abcdef', len(data) + 3)
            tenant.given()
            self.assertEqual(tenant.data(), data + b'abcef')

    def test_that_send_urgent_data_to_who_wants_it_in_place(self):
        tenant = self.receiver(inline=True)
        for protocol, data in FLIGHTS.values():
            for at in (0, len(data), len(data) + 3):
                self.urgent(protocol, data + b'abcdef', at)
                self.assertEqual(tenant.data(), data + b'abcdef')

    def test_that_send_urgent_data_within_a_first_flight(self):
        """What cannot be looked at whole is refused, and reaches nobody."""
        tenant = self.receiver()
        for protocol, data in FLIGHTS.values():
            client = self.urgent(protocol, data, 5)
            self.assertTrue(client.recv(100).startswith((
                harness.alert(50), b'HTTP/1.1 400 ')))
        self.assertEqual(tenant.count('accepted'), 0)


if __name__ == '__main__':
    unittest.main()
