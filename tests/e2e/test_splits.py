# SPDX-License-Identifier: ISC
"""Real hellos split at every byte, and in records of 1, 2, 3 and 7 bytes, with
each way of reading the hello: the tenant gets exactly the bytes."""
import hashlib
import os
import socket
import time
import unittest

import harness
import wire
from talker import Reader

BATCH = 256
LOOKED_SECONDS = 0.01   # for the parser to see the first part alone
ENGINES = ('cursor', 'bearssl', 'both')
FLIGHT_MAX = 80 * 1024
HELLOS = sorted(path for path in harness.HELLOS.iterdir()
                if path.suffix != '.py')
ANSWER = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 32\r\n\r\n'


def boundaries(n):
    """Where to split n bytes: everywhere, or nearly."""
    return [at for at in range(1, n) if at < 2400 or at % 97 == 0]


class Case(harness.Case):
    """Tenant and clients in one thread: a batch of clients sends, the tenant
    accepts them all, reads to the end, of HTTP that of the request, and says
    what it has read."""

    def setUp(self):
        super().setUp()
        host = self.host('a.example')
        (self.hosts / '_nosni').symlink_to('a.example')
        self.listeners = {}
        for entry in ('tls-socket', 'http-socket'):
            listener = socket.socket(socket.AF_UNIX)
            self.addCleanup(listener.close)
            listener.bind(str(host / entry))
            os.chmod(host / entry, 0o666)
            listener.listen(2 * BATCH)
            listener.settimeout(5)
            self.listeners[entry[:-len('-socket')]] = listener

    def tenant_serve(self, protocol, n):
        """Accepts n connections; to each the digest of what it sent."""
        for _ in range(n):
            try:
                connection, _ = self.listeners[protocol].accept()
            except TimeoutError:
                return      # who is missing was refused, and says so
            with connection:
                connection.settimeout(10)
                if protocol == 'http':
                    reader = Reader(connection)
                    reader.request()
                    data, head = reader.raw, ANSWER
                else:
                    data, head = wire.read_all(connection), b''
                connection.sendall(head + hashlib.sha256(data).digest())

    def deliver(self, port, protocol, flights):
        """flights: lists of segments.  Gives those that did not arrive."""
        clients = []
        for segments in flights:
            clients.append(wire.connect(port, 10))
            clients[-1].sendall(segments[0])
        rounds = max(len(segments) for segments in flights)
        for i in range(1, rounds):
            time.sleep(LOOKED_SECONDS)
            for client, segments in zip(clients, flights):
                if i < len(segments):
                    client.sendall(segments[i])
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        self.tenant_serve(protocol, len(clients))
        head = ANSWER if protocol == 'http' else b''
        failed = []
        for client, segments in zip(clients, flights):
            with client:
                digest = hashlib.sha256(b''.join(segments)).digest()
                answer = wire.read_all(client)
                if answer != head + digest:
                    failed.append(([len(s) for s in segments], answer))
        return failed

    def deliver_all(self, port, protocol, flights):
        failed = []
        for at in range(0, len(flights), BATCH):
            failed += self.deliver(port, protocol, flights[at:at + BATCH])
            self.assertLess(len(failed), BATCH, failed[:5])
        self.assertEqual(failed, [])


class Hellos(Case):
    def test_there_are_hellos(self):
        self.assertGreater(len(HELLOS), 15)

    def every_split(self, engine):
        port = self.usherd('-T', engine, http=0).tls
        for path in HELLOS:
            hello = path.read_bytes()
            with self.subTest(engine=engine, hello=path.name):
                self.deliver_all(port, 'tls', [
                    [hello[:at], hello[at:]]
                    for at in boundaries(len(hello))])

    def test_split_at_every_byte_cursor(self):
        self.every_split('cursor')

    def test_split_at_every_byte_bearssl(self):
        self.every_split('bearssl')

    def test_split_at_every_byte_both(self):
        self.every_split('both')

    def test_refragmented(self):
        """Records of 1, 2, 3, 7 bytes; whole and in three segments."""
        for engine in ENGINES:
            port = self.usherd('-T', engine, http=0).tls
            flights = []
            for path in HELLOS:
                payload = wire.payload_of(path.read_bytes())
                for size in (1, 2, 3, 7):
                    flight = wire.records(payload, size)
                    self.assertLess(len(flight), FLIGHT_MAX)
                    third = len(flight) // 3
                    flights.append([flight])
                    flights.append([flight[:third], flight[third:2 * third],
                                    flight[2 * third:]])
            with self.subTest(engine):
                self.deliver_all(port, 'tls', flights)

    def test_refragmented_and_split_at_every_byte(self):
        """One small hello in records of 1 byte."""
        payload = wire.payload_of((harness.HELLOS / 'openssl-tls1')
                                  .read_bytes())
        flight = wire.records(payload, 1)
        for engine in ENGINES:
            port = self.usherd('-T', engine, http=0).tls
            with self.subTest(engine):
                self.deliver_all(port, 'tls', [
                    [flight[:at], flight[at:]]
                    for at in range(1, len(flight))])

    def test_64_kib(self):
        """A hello of 64 KiB, 80 KiB with records' headers, split at the ends
        of records and here and there."""
        hello = wire.large_hello(b'a.example')
        self.assertEqual(len(wire.payload_of(hello)), 65536)
        narrow = wire.records(wire.payload_of(hello), 25)
        self.assertTrue(FLIGHT_MAX - 4096 < len(narrow) <= FLIGHT_MAX)
        edges = [at + shift for at in range(16389, len(hello), 16389)
                 for shift in range(-6, 7)]
        for engine in ENGINES:
            port = self.usherd('-T', engine, http=0).tls
            for flight in (hello, narrow):
                splits = [1, 5, 6, 9, 100, *edges,
                          *range(3000, len(flight), 7919),
                          len(flight) - 1]
                with self.subTest(engine=engine, size=len(flight)):
                    self.deliver_all(port, 'tls', [
                        [flight[:at], flight[at:]] for at in splits])

    def test_data_behind_the_hello(self):
        """Data in the hello's record, in the next, in pieces."""
        hello = (harness.HELLOS / 'chromium').read_bytes()
        payload = wire.payload_of(hello)
        for engine in ENGINES:
            port = self.usherd('-T', engine, http=0).tls
            flights = [[hello + bytes(range(256)) * 1000],
                       [wire.records(payload + b'more')],
                       [wire.records(payload, 512) + b'\x17\3\3\0\1x'],
                       [hello, b'x'], [hello, bytes(100000), b'x']]
            with self.subTest(engine):
                self.deliver_all(port, 'tls', flights)


class Versions(Case):
    def test_any_record_version(self):
        """Record versions 3.0 to 3.5, and far beyond."""
        payload = wire.message(wire.server_name(b'a.example'))
        for engine in ENGINES:
            port = self.usherd('-T', engine, http=0).tls
            flights = [[wire.records(payload, version=bytes([3, minor]))]
                       for minor in (*range(6), 0x7f, 0xff)]
            with self.subTest(engine):
                self.deliver_all(port, 'tls', flights)

    def test_several_record_versions_in_one_flight(self):
        """RFC 8446 section 5.1: legacy_record_version is to be ignored."""
        payload = wire.message(wire.server_name(b'a.example'))
        mixed = b''.join(
            wire.records(payload[i:i + 1], version=bytes([3, i % 256]))
            for i in range(len(payload)))
        for engine in ENGINES:
            port = self.usherd('-T', engine, http=0).tls
            with self.subTest(engine):
                self.deliver_all(port, 'tls', [[mixed]])

    def test_what_is_rare_and_legal(self):
        """GREASE, unknown and empty extensions, a long session id, a hello
        version to come; the name first, last and in the middle."""
        name = wire.server_name(b'a.example')
        grease = wire.extension(0x3a3a, b'') + wire.extension(0xfafa, b'\0')
        ech = wire.extension(0xfe0d, bytes(300))
        share = wire.extension(51, bytes(1300))
        messages = [wire.message(*each) for each in (
            (grease, name, ech), (name, share), (share, grease, ech, name),
            (name, wire.alpn(b'h2', b'http/1.1', b'\x0a\x0a')),
            (wire.padding(0), name), (name, *[wire.extension(
                1000 + i, b'') for i in range(5000)]))]
        messages += [
            wire.message(name, suites=b'\x13\1' * 1000),
            wire.message(name, compression=bytes(range(255))),
            wire.message(name, version=b'\3\1'),
            wire.message(name, version=b'\3\4')]
        for engine in ENGINES:
            port = self.usherd('-T', engine, http=0).tls
            for i, message in enumerate(messages):
                with self.subTest(engine=engine, message=i):
                    self.deliver_all(port, 'tls', [[wire.records(message)]])


class Heads(Case):
    def test_split_at_every_byte(self):
        """The same for HTTP/1.1 heads."""
        port = self.usherd(tls=0).http
        for data in (
                b'\r\n' + wire.head('A.example.:80', 'X: y', 'Z:  w '),
                wire.head('a.example', 'Content-Length: 4',
                          line='POST http://a.example/x HTTP/1.1') + b'body',
                wire.head('a.example', 'Transfer-Encoding: chunked',
                          line='PUT /x HTTP/1.1') + b'4\r\nbody\r\n0\r\n\r\n',
                wire.head('127.0.0.1', line='GET / HTTP/1.0')):
            with self.subTest(data[:40]):
                self.deliver_all(port, 'http', [
                    [data[:at], data[at:]] for at in range(1, len(data))])

    def test_32_kib(self):
        port = self.usherd(tls=0).http
        room = 32768 - len(wire.head('a.example', 'X: '))
        data = wire.head('a.example', 'X: ' + 'x' * room)
        self.deliver_all(port, 'http', [
            [data[:at], data[at:]]
            for at in (1, *range(1000, len(data), 997), len(data) - 1)])


if __name__ == '__main__':
    unittest.main()
