# SPDX-License-Identifier: ISC
"""Byte by byte: a hello of 64 KiB must not cost more than some 20 ms in all.
To look at it from the start at every segment would be quadratic."""
import contextlib
import os
import threading
import time
import unittest

import harness
import held
import wire

# Three times that: a clock tick is 10 ms, and this machine is not ours alone.
# A look at each segment costs half a second and more.
LIMIT_SECONDS = 0.06
TICK = os.sysconf('SC_CLK_TCK')


def cpu_seconds(pids):
    """User and system time of processes, proc(5) stat, fields 14 and 15."""
    ticks = 0
    for pid in pids:
        with open(f'/proc/{pid}/stat') as f:
            fields = f.read().rpartition(')')[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


HEAD = b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'


def repeat(connection):
    """serve() that answers a request with its head."""
    data = harness.read_head(connection)
    if data:
        connection.sendall(HEAD + data)


def repeated(data):
    """What comes back."""
    return HEAD + data if data.startswith(b'GET ') else data


class Drip(harness.Case):
    def setUp(self):
        super().setUp()
        host = self.host('a.example')
        for entry in ('tls-socket', 'http-socket'):
            self.tenant(host / entry, harness.echo_server
                        if entry == 'tls-socket' else repeat)

    def drip(self, port, data, step=1, pause=None):
        """Sends step bytes at a time; gives what comes back and how long
        the sending took."""
        with wire.connect(port) as client:
            start = time.monotonic()
            for at in range(0, len(data), step):
                client.send(data[at:at + step])
                if pause is not None:
                    time.sleep(pause)
            seconds = time.monotonic() - start
            client.shutdown(wire.socket.SHUT_WR)
            return wire.read_all(client), seconds

    def cost(self, protocol, data, *options, clients=1, **how):
        """CPU seconds of fronts and parsers while data drips in."""
        daemon = self.usherd(*options, **{
            'tls': int(protocol == 'tls'), 'http': int(protocol == 'http')})
        pids = [pid for program in ('front', protocol)
                for pid in held.children(daemon, f'usherd-{program}')]
        before = cpu_seconds(pids)
        results = []
        threads = [threading.Thread(target=lambda: results.append(
            self.drip(daemon.ports[protocol][0], data, **how)))
            for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        spent = cpu_seconds(pids) - before
        slowest = max(seconds for _, seconds in results)
        if slowest > 9:
            self.skipTest(f'this machine took {slowest:.0f} s to send')
        self.assertEqual([answer == repeated(data) for answer, _ in results],
                         [True] * clients)
        return spent

    def cheap(self, *arguments, clients=1, **how):
        self.assertLess(self.cost(*arguments, clients=clients, **how),
                        LIMIT_SECONDS * clients)


class Hellos(Drip):
    def test_64_kib(self):
        hello = wire.large_hello(b'a.example')
        for engine in ('cursor', 'bearssl', 'both'):
            with self.subTest(engine):
                self.cheap('tls', hello, '-T', engine)

    def test_64_kib_in_small_records(self):
        hello = wire.records(wire.payload_of(
            wire.large_hello(b'a.example')), 25)
        for engine in ('cursor', 'both'):
            with self.subTest(engine):
                self.cheap('tls', hello, '-T', engine)

    def test_records_of_one_byte(self):
        """The largest flight of the smallest records."""
        payload = wire.payload_of(
            wire.large_hello(b'a.example', 80 * 1024 // 6))
        for engine in ('cursor', 'both'):
            with self.subTest(engine):
                self.cheap('tls', wire.records(payload, 1), '-T', engine)

    def test_slowly(self):
        """With a pause after each segment, so that each can be looked
        at."""
        hello = wire.large_hello(b'a.example')
        self.cheap('tls', hello, step=5, pause=0.0002)
        self.cheap('tls', wire.records(wire.payload_of(hello), 25), step=5,
                   pause=0.0002)

    def test_ten_at_once(self):
        self.cheap('tls', wire.large_hello(b'a.example'), clients=10,
                   step=16, pause=0.001)


class Heads(Drip):
    def setUp(self):
        super().setUp()
        room = 32768 - len(wire.head('a.example', 'X: '))
        self.one_field = wire.head('a.example', 'X: ' + 'x' * room)
        self.many_fields = wire.head('a.example', *[
            'X: ' + 'x' * 310] * 99)

    def test_32_kib(self):
        for data in (self.one_field, self.many_fields):
            with self.subTest(data[:30]):
                self.assertLessEqual(len(data), 32768)
                self.cheap('http', data)

    def test_slowly(self):
        self.cheap('http', self.one_field, step=2, pause=0.0002)

    def test_ten_at_once(self):
        self.cheap('http', self.one_field, clients=10, step=8, pause=0.001)


class Crowd(Drip):
    """While many drip, others are answered at once."""

    CLIENTS = 100
    STEP = 16

    def probe(self, port, data, done, answers):
        """Visits again and again; keeps what came and how late."""
        while not done.is_set() and len(answers) < 1000:
            start = time.monotonic()
            answer, _ = wire.ask(port, data, half_close=True)
            answers.append((answer == repeated(data), time.monotonic() - start))
            time.sleep(0.05)

    def crowd(self, port, data, seconds=8):
        clients = [wire.connect(port) for _ in range(self.CLIENTS)]
        start = time.monotonic()
        for at in range(0, len(data) - self.STEP, self.STEP):
            if time.monotonic() - start > seconds:
                break
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send(data[at:at + self.STEP])
            time.sleep(0.0005)
        for client in clients:
            client.close()

    def harmless(self, protocol, probe, data):
        daemon = self.usherd('-j', '1', **{
            'tls': int(protocol == 'tls'), 'http': int(protocol == 'http')})
        port, done, answers = daemon.ports[protocol][0], threading.Event(), []
        thread = threading.Thread(target=self.probe,
                                  args=(port, probe, done, answers))
        thread.start()
        self.crowd(port, data)
        done.set()
        thread.join(20)
        self.assertNotIn('replacing it', daemon.said())
        self.assertNotIn('parser-died', daemon.said())
        self.assertGreater(len(answers), 10)
        self.assertEqual([answer for answer in answers if not answer[0]], [])
        self.assertLess(max(seconds for _, seconds in answers), 1)

    def test_hellos(self):
        self.harmless('tls', wire.hello('a.example'),
                      wire.large_hello(b'a.example'))

    def test_heads(self):
        self.harmless('http', wire.head(), wire.head(
            'a.example', 'X: ' + 'x' * 32700))


if __name__ == '__main__':
    unittest.main()
