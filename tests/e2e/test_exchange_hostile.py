# SPDX-License-Identifier: ISC
"""usherd-http alone: a relay that lies, pipes that nobody reads, those that
send a byte at a time, and who goes away."""
import os
import socket
import threading
import time
import unittest

import fronts
import held
import wire
from fronts import AWAY, FINISH, OVER, STOP, TELL_DOWN, TELL_UP, TENANT_ENDED
from played import CHUNKED, Case, Hands, Http, OK, chunked, post

QUICK = os.environ.get('USHER_QUICK') == '1'
PIPE = 4096             # 128 grants


class Relay(Case):
    """What it may say, and what ends usherd-http: a relay that says it is not
    what it should be."""

    def dies(self, **what):
        http = Http(self)
        it = http.connection()
        it.first()
        fields = {'number': it.id, 'serial': it.serial}
        http.tell(**{**fields, **what})
        self.assertEqual(http.status(), 1, what)

    def test_lies(self):
        n = len(wire.head())
        for what in ({'number': 0}, {'backend': 0}, {'flags': 16},
                     {'untaken': 1}, {'untaken': n, 'up': n - 1},
                     {'up': n + 1}, {'down': 1}, {'up': 2 ** 63},
                     {'down': 2 ** 64 - 1}, {'backend': 3},
                     {'serial': 2}, {'serial': 2 ** 31},
                     {'flags': TENANT_ENDED}):
            with self.subTest(what):
                self.dies(**what)

    def test_half_a_record(self):
        for n in (1, fronts.PROGRESS.size - 1, fronts.PROGRESS.size + 1):
            http = Http(self)
            os.write(http.told, bytes(n))
            self.assertEqual(http.status(), 1, n)

    def test_passed_over(self):
        it = self.kept()
        it.client.sendall(wire.head('b.example'))
        it.named('b.example')
        it.attach()
        it.grant(len(wire.head('b.example')))
        self.http.tell(77, flags=OVER)              # of nobody
        it.told(flags=1, up=100, backend=1)         # of the one before
        it.told(serial=1)                           # read before the last
        it.quiet()
        it.up(len(wire.head('b.example')))
        it.answered(OK)

    def test_over_before_the_backend_is_known(self):
        it = self.kept()
        it.client.sendall(wire.head('b.example'))
        it.named('b.example')
        it.told(backend=2, flags=OVER)
        it.gone()

    def test_of_a_backend_that_is_on_its_way(self):
        """The relay may have been told of it already."""
        it = self.kept()
        it.client.sendall(wire.head('b.example'))
        it.named('b.example')
        it.told(backend=2)
        it.quiet()
        it.attach()
        it.grant(len(wire.head('b.example')))
        it.up(len(wire.head('b.example')))
        it.answered(OK)

    def test_flood(self):
        it = self.first()
        end = time.monotonic() + 10
        for _ in range(1000):
            while True:
                try:
                    os.write(self.http.told, fronts.PROGRESS.pack(
                        99, 1, 0, 0, 0, 0, 0) * 100)
                    break
                except BlockingIOError:
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.001)
        self.http.ping()
        it.answered(OK)
        self.usable(it)

    def test_it_dies(self):
        it, first = self.first(), self.http.connection()
        idle = self.kept()
        asked = self.http.connection()
        asked.client.sendall(wire.head())
        asked.named()
        self.http.part()
        it.gone()
        idle.gone()
        asked.attach()
        asked.gone()
        first.client.sendall(wire.head())
        first.named()


class Pipes(Case):
    def setUp(self):
        super().setUp()
        self.http = Http(self, pipe=PIPE)

    def full(self):
        """Nobody reads what it grants.  Gives those about which that was."""
        connections = [self.http.connection() for _ in range(140)]
        for it in connections:
            it.client.sendall(wire.head())
            it.number = 1
        grants, self.http.grants = self.http.grants, None
        for it in connections:
            it.says(fronts.NAMED, 'a.example')
            it.number = 0
            it.attach()
        self.http.ping()
        self.http.grants = grants
        return connections

    def test_nothing_is_lost(self):
        connections = self.full()
        for it in connections:
            it.grant(len(wire.head()))
        for it in connections:
            it.up(len(wire.head()))
            it.answered(OK)
            self.usable(it)

    def test_it_hears_in_between(self):
        self.full()
        self.http.ping()

    def test_stop_takes_back_what_was_not_said(self):
        it = self.kept()
        connections = self.full()
        grants, self.http.grants = self.http.grants, None
        it.client.sendall(wire.head())
        time.sleep(0.1)
        self.http.ping()
        it.tenant.close()
        time.sleep(0.1)
        self.http.ping()
        self.http.grants = grants
        for each in connections:
            each.grant(len(wire.head()))
        it.grant(0, 0, STOP)
        it.told()
        it.named()

    def test_one_record_each(self):
        connections = self.full()
        it = connections[-1]
        grants, self.http.grants = self.http.grants, None
        it.client.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        it.tenant.sendall(OK)
        time.sleep(0.1)
        self.http.ping()
        self.http.grants = grants
        for each in connections[:-1]:
            each.grant(len(wire.head()))
        it.grant(len(wire.head()), len(OK), AWAY | TELL_UP | TELL_DOWN,
                 open=False)


@unittest.skipUnless(held.as_shipped(), 'a sanitizer takes its time')
class Drips(Case):
    """10,000 bytes one by one."""

    N = 10000

    def passes(self, it, hands, source, target, data, budget):
        """Each byte is granted; what that costs, in ms of processor time."""
        before = self.http.cpu()
        got = bytearray()

        def drip():
            for byte in data:
                source.sendall(bytes([byte]))

        def read():
            while len(got) < len(data):
                got.extend(target.recv(65536))
        threads = [threading.Thread(target=each, daemon=True)
                   for each in (drip, read)]
        for each in threads:
            each.start()
        hands.run(lambda: len(got) == len(data), 30)
        for each in threads:
            each.join()
        self.assertEqual(bytes(got), data)
        self.assertLess(self.http.cpu() - before, budget)

    def test_a_head_of_a_response(self):
        it = self.first()
        data = b'HTTP/1.1 200 OK\r\nX: ' + b'x' * self.N + b'\r\n'
        self.passes(it, Hands(it), it.tenant, it.client, data, 20)
        self.http.ping()

    def test_chunks_of_a_response(self):
        it = self.first()
        hands = Hands(it)
        self.passes(it, hands, it.tenant, it.client,
                    CHUNKED + b'1\r\nx\r\n' * (self.N // 6), 20)

    def test_chunks_of_a_request(self):
        it = self.http.connection()
        it.client.sendall(chunked())
        it.named()
        it.attach()
        hands = Hands(it)
        hands.run(lambda: hands.up == len(chunked()))
        self.assertEqual(it.carry(it.tenant, None, len(chunked())), chunked())
        self.passes(it, hands, it.client, it.tenant,
                    b'1\r\nx\r\n' * (self.N // 60), 40)

    def test_others_do_not_wait(self):
        """Beside fifty of them an exchange takes its time, and no more."""
        drips = []
        for _ in range(50):
            it = self.first()
            drips.append((it, Hands(it)))
        other = self.kept()
        stop = threading.Event()

        def drip():
            while not stop.is_set():
                for each, _ in drips:
                    each.tenant.send(b'H')
                time.sleep(0.0005)
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            begin = time.monotonic()
            for _ in range(20):
                self.usable(other)
            self.assertLess(time.monotonic() - begin, 4)
        finally:
            stop.set()
            thread.join()


class Ends(Case):
    def some(self):
        """An exchange that goes on, one that is over, half a head behind one,
        one that waits for a backend, and a silent one."""
        running = self.first()
        idle, half = self.kept(), self.kept()
        half.client.sendall(b'GET')
        asked = self.kept()
        asked.client.sendall(wire.head('b.example'))
        asked.named('b.example')
        new = self.http.connection()
        self.http.ping()
        time.sleep(0.05)
        return running, idle, half, asked, new

    def test_drain(self):
        running, idle, half, asked, new = self.some()
        self.http.intake(fronts.DRAIN)
        idle.finishes()
        half.finishes()
        running.quiet()
        running.tenant.sendall(OK)
        running.finishes(len(OK))
        asked.attach()
        asked.grant(len(wire.head('b.example')))
        asked.up(len(wire.head('b.example')))
        asked.tenant.sendall(OK)
        asked.finishes(len(OK))
        new.first()
        new.tenant.sendall(OK)
        new.finishes(len(OK))

    def test_the_front_dies(self):
        running, idle, half, asked, _ = self.some()
        self.http.leave()
        for each in (idle, half, asked):
            each.grant(0, 0, FINISH)
        self.assertTrue(self.http.runs())
        running.tenant.sendall(OK)
        running.grant(0, len(OK), FINISH)
        self.assertEqual(self.http.status(), 0)

    def test_the_front_dies_and_chunks_go_on(self):
        it = self.first()
        it.answer(CHUNKED)
        self.http.leave()
        it.told()
        time.sleep(0.1)
        self.assertTrue(self.http.runs())
        it.answer(b'1\r\nx\r\n')
        it.told()
        it.tenant.sendall(b'0\r\n\r\n')
        it.grant(0, 5, FINISH)
        self.assertEqual(self.http.status(), 0)

    def test_a_front_that_reads_nothing(self):
        """It is gone as well."""
        it = self.first()
        self.http.deafen()
        it.tenant.sendall(OK)
        it.grant(0, len(OK), TELL_DOWN)
        it.told()
        it.client.sendall(wire.head('b.example'))
        it.grant(0, 0, FINISH)
        self.assertEqual(self.http.status(), 0)

    def test_nothing_to_do(self):
        self.http.leave()
        self.assertEqual(self.http.status(), 0)

    def test_both_die(self):
        self.some()
        self.http.part()
        self.http.leave()
        self.assertEqual(self.http.status(), 0)


class Front(Case):
    """What a front never says ends it."""

    def test_a_backend_that_nobody_asked_for(self):
        for begin in (Http.connection, lambda http: http.connection().first()):
            http = Http(self)
            begin(http).attach()
            self.assertEqual(http.status(), 1)

    def test_more_than_agreed(self):
        http = Http(self, descriptors=100)
        with self.assertRaisesRegex(AssertionError, 'ended: 1'):
            for _ in range(51):
                http.connection()
                http.ping()
        self.assertGreater(http.ids, 9)


class Times(Case):
    def test_silence_and_half_heads(self):
        """A head has 10 s from its first byte, a connection until that."""
        silent, lines, half = (self.http.connection() for _ in range(3))
        late = self.http.connection()
        begin = time.monotonic()
        lines.client.sendall(b'\r\n')
        half.client.sendall(b'\r\nG')
        time.sleep(5)
        late.client.sendall(b'G')
        half.says(fronts.REFUSED)
        lines.gone()
        silent.gone()
        took = time.monotonic() - begin
        self.assertGreater(took, 9)
        self.assertLess(took, 12)
        time.sleep(4)
        self.assertEqual(self.http.named[late.id], [])
        self.http.wait(self.http.named[late.id], 3)

    @unittest.skipIf(QUICK, 'a minute')
    def test_between(self):
        idle, lines = self.kept(), self.kept()
        lines.client.sendall(b'\r\n')
        running = self.first()
        body = self.http.connection()
        body.client.sendall(post(5, 'Expect: 100-continue'))
        body.named()
        body.attach()
        time.sleep(55)
        for each in (idle, lines):
            self.assertEqual(self.http.heard[each.id], [])
        self.http.listen()
        self.http.wait(self.http.heard[idle.id], 10)
        self.http.wait(self.http.heard[lines.id], 10)
        time.sleep(5)
        running.answered(OK)


if __name__ == '__main__':
    unittest.main()
