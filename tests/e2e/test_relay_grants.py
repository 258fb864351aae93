# SPDX-License-Identifier: ISC
"""What a relay makes of its parser's grants: a front and a parser of our own
before a real one.  What is not legal at all is in test_lies.py, and who dies
in test_drain.py."""
import contextlib
import fcntl
import os
import socket
import threading
import time
import unittest

import fronts
import harness
import held
import wire
from fronts import (AWAY, CALM, CLIENT_ENDED, CUT, FINISH, HURRY, LAST, OVER,
                    STOP, TELL_DOWN, TELL_UP, TENANT_DEAF, TENANT_ENDED,
                    TUNNEL, UNLIMITED, Relay)
from harness import wait_for

REQUEST = b'q' * 100
RESPONSE = b'a' * 200
SERIAL = -1         # of a progress


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.relay = Relay(self, 'http')

    def moves(self, source, target, data):
        source.sendall(data)
        self.assertEqual(held.exactly(target, len(data)), data)

    def silent(self, *sockets, seconds=0.3):
        """None of them gets anything."""
        time.sleep(seconds)
        for each in sockets:
            each.setblocking(False)
            with self.assertRaises(BlockingIOError):
                each.recv(1)
            each.settimeout(10)

    def ends(self, *sockets, data=b''):
        for each in sockets:
            self.assertEqual(wire.read_all(each), data)

    def told(self, number=1, seconds=10, **want):
        """The next progress; want: what is not 0 in it, but its serial."""
        record, = self.relay.progress(1, seconds)
        names = ('id', 'backend', 'untaken', 'up', 'down', 'flags')
        expected = dict.fromkeys(names, 0) | {'id': number, 'backend': 1}
        self.assertEqual(dict(zip(names, record)), expected | want)
        self.assertEqual(record[SERIAL], self.relay.serials[number])

    def nothing_told(self):
        self.assertEqual(self.relay.progress(), [])

    def ended(self, ending, up, down, number=1, seconds=10):
        self.assertEqual(self.relay.ended(number, seconds),
                         (ending, up, down))


class Moving(Case):
    def test_nothing_without_a_grant(self):
        client, tenant = self.relay.begin(1)
        client.sendall(REQUEST)
        tenant.sendall(RESPONSE)
        self.silent(client, tenant)

    def test_so_many_and_no_more(self):
        client, tenant = self.relay.begin(1, up=60, down=70)
        client.sendall(REQUEST)
        tenant.sendall(RESPONSE)
        self.assertEqual(held.exactly(tenant, 60), REQUEST[:60])
        self.assertEqual(held.exactly(client, 70), RESPONSE[:70])
        self.silent(client, tenant)
        self.relay.grant(1, up=40)
        self.assertEqual(held.exactly(tenant, 40), REQUEST[60:])
        self.silent(client, tenant)
        self.relay.grant(1, down=130)
        self.assertEqual(held.exactly(client, 130), RESPONSE[70:])
        self.silent(client, tenant)

    def test_beyond_what_is_there(self):
        """Granted before it comes, in pieces."""
        client, tenant = self.relay.begin(1, up=1000, down=1000)
        for i in range(10):
            self.moves(client, tenant, bytes([i]) * 100)
            self.moves(tenant, client, bytes([i]) * 100)
        client.sendall(b'x')
        tenant.sendall(b'x')
        self.silent(client, tenant)

    def test_grants_add_up(self):
        client, tenant = self.relay.begin(1)
        for _ in range(100):
            self.relay.grant(1, up=1, down=2)
        self.moves(client, tenant, REQUEST)
        self.moves(tenant, client, RESPONSE)

    def test_large(self):
        """100 MB each way at once, by one grant."""
        size = 100_000_000
        client, tenant = self.relay.begin(
            1, up=size, down=size, flags=TELL_UP | TELL_DOWN)
        data = os.urandom(1 << 20)
        want = (data * (size // len(data) + 1))[:size]
        got = {}

        def take(name, connection):
            got[name] = bytearray()
            while len(got[name]) < size:
                got[name] += connection.recv(1 << 20)
        threads = [threading.Thread(target=each, daemon=True) for each in (
            lambda: client.sendall(want), lambda: tenant.sendall(want),
            lambda: take('up', tenant), lambda: take('down', client))]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
        self.assertTrue(got['up'] == want and got['down'] == want)
        wait_for(lambda: [each for each in self.relay.progress()
                          if each[2:6] == (0, 0, 0, 0)])


class Telling(Case):
    def test_up(self):
        client, tenant = self.relay.begin(1, up=100, flags=TELL_UP)
        client.sendall(REQUEST[:99])
        held.exactly(tenant, 99)
        time.sleep(0.2)
        self.nothing_told()
        client.sendall(b'q')
        self.told()
        time.sleep(0.2)
        self.nothing_told()         # once

    def test_down(self):
        client, tenant = self.relay.begin(1, up=500)
        self.relay.grant(1, down=200, flags=TELL_DOWN)
        self.moves(tenant, client, RESPONSE)
        self.told(untaken=500, up=500)

    def test_not_asked_for(self):
        client, tenant = self.relay.begin(1, up=100, down=200)
        self.moves(client, tenant, REQUEST)
        self.moves(tenant, client, RESPONSE)
        time.sleep(0.2)
        self.nothing_told()

    def test_moved_already(self):
        client, tenant = self.relay.begin(1, down=200)
        self.moves(tenant, client, RESPONSE)
        self.relay.grant(1, flags=TELL_DOWN)
        self.told()

    def test_delivered_and_not_only_taken_in(self):
        """What the client has no room for has not moved."""
        size = 8_000_000
        client, tenant = self.relay.begin(1, down=size, flags=TELL_DOWN)
        sender = threading.Thread(target=tenant.sendall, args=(bytes(size),))
        sender.start()
        time.sleep(0.5)
        self.nothing_told()
        held.exactly(client, size)
        sender.join()
        self.told()

    def test_full_pipe(self):
        """More words than the pipe takes: of each connection the last is
        said, and nobody's is lost."""
        relay = Relay(self, 'http', pipe=4096, descriptors=64 + 6 * 400)
        pairs = {number: relay.begin(number) for number in range(1, 301)}
        for _ in range(10):
            for number in pairs:
                wait_for(lambda: self.granted(relay, number), 10, 0.001)
        client, tenant = pairs[7]
        relay.grant(7, up=100, down=200)
        self.moves(client, tenant, REQUEST)     # nobody is held up
        self.moves(tenant, client, RESPONSE)
        last = {}
        n = 0

        def all_said():
            nonlocal n
            for record in relay.progress():
                n += 1
                last[record[0]] = record[SERIAL]
            return all(last.get(number, 0) >= 10 for number in pairs)
        wait_for(all_said)
        self.assertLess(n, 10 * len(pairs))

    @staticmethod
    def granted(relay, number):
        try:
            relay.grant(number, flags=TELL_UP)
        except BlockingIOError:
            relay.serials[number] -= 1
            return False
        return True


class Ending(Case):
    def test_finish(self):
        """What is granted moves, then both get an end; up and down are
        reported."""
        client, tenant = self.relay.begin(1, up=100, down=200)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, down=1, flags=FINISH)
        self.silent(client, tenant)
        self.moves(tenant, client, RESPONSE)
        self.moves(tenant, client, b'!')
        tenant.setblocking(True)
        self.ends(client, tenant)
        client.close()
        self.ended(fronts.WHOLE, 100, 201)
        self.nothing_told()

    def test_finish_when_idle(self):
        client, tenant = self.relay.begin(1, flags=FINISH)
        self.ends(client, tenant)
        client.close()
        self.ended(fronts.WHOLE, 0, 0)

    def test_goodbye(self):
        """A client that still sends is read and not answered by a reset, for
        as long as it does not fall silent, but not for ever."""
        client, tenant = self.relay.begin(1, down=200, flags=FINISH)
        tenant.sendall(RESPONSE)
        began = time.monotonic()
        while time.monotonic() - began < 4:
            client.sendall(bytes(1000))
            time.sleep(0.2)
        self.ends(client, data=RESPONSE)
        self.assertEqual(self.relay.hear(), [])
        self.ended(fronts.WHOLE, 0, 200)        # silent for 2 s

    def test_cut(self):
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=CUT)
        self.ends(client, tenant)
        self.ended(fronts.BY_TENANT, 100, 0)

    def test_cut_for_a_client(self):
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b'\1\0\0\0\0\0\0\0')
        client.close()
        time.sleep(0.1)
        self.relay.grant(1, flags=CUT)
        self.ends(tenant)
        self.ended(fronts.BY_CLIENT, 100, 0)

    def test_tenant_ends_inside(self):
        client, tenant = self.relay.begin(1, up=100, down=200)
        self.moves(client, tenant, REQUEST)
        tenant.sendall(RESPONSE[:150])
        tenant.close()
        self.ends(client, data=RESPONSE[:150])
        record, = self.relay.progress(1)
        self.assertEqual(record[5], TENANT_ENDED | OVER)
        client.close()
        self.ended(fronts.BY_TENANT, 100, 150)

    def test_tenant_ends_outside(self):
        """That is for its parser to see."""
        client, tenant = self.relay.begin(1, up=100, down=200)
        self.moves(client, tenant, REQUEST)
        self.moves(tenant, client, RESPONSE)
        tenant.close()
        self.silent(client)
        self.nothing_told()
        self.assertEqual(self.relay.hear(), [])

    def test_client_ends_inside(self):
        """The tenant gets its end, and the response goes on."""
        client, tenant = self.relay.begin(1, up=200)
        self.moves(client, tenant, REQUEST)
        client.shutdown(socket.SHUT_WR)
        self.ends(tenant)
        self.told(untaken=100, up=100, flags=CLIENT_ENDED)
        self.relay.grant(1, down=200, flags=FINISH)
        tenant.sendall(RESPONSE)
        self.ends(client, data=RESPONSE)
        client.close()
        self.ended(fronts.WHOLE, 100, 200)

    def test_client_ends_outside(self):
        """Its end is not passed on: the response goes on."""
        client, tenant = self.relay.begin(1, up=100, down=200)
        self.moves(client, tenant, REQUEST)
        client.shutdown(socket.SHUT_WR)
        self.relay.grant(1, flags=AWAY)
        self.silent(tenant)
        self.moves(tenant, client, RESPONSE)
        self.nothing_told()

    def test_client_resets_inside(self):
        client, tenant = self.relay.begin(1, up=200)
        self.moves(client, tenant, REQUEST)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b'\1\0\0\0\0\0\0\0')
        client.close()
        self.ends(tenant)
        record, = self.relay.progress(1)
        self.assertEqual(record[5], OVER)
        self.ended(fronts.BY_CLIENT, 100, 0)

    def test_client_with_urgent_data(self):
        """It cannot be moved, nor what is behind it."""
        client, accepted = fronts.tcp()
        tenant, backend = socket.socketpair()
        for each in (client, tenant):
            each.settimeout(10)
            self.addCleanup(each.close)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.relay.order(fronts.RELAY, accepted, backend, number=1)
        self.relay.grant(1, up=200)
        self.moves(client, tenant, REQUEST)
        client.send(b'!', socket.MSG_OOB)
        self.ends(tenant)
        record, = self.relay.progress(1)
        self.assertEqual(record[5], OVER)
        self.ended(fronts.BY_CLIENT, 100, 0)

    def test_deaf_tenant(self):
        """One that reads no more may still answer."""
        client, tenant = self.relay.begin(1, up=1000)
        self.moves(client, tenant, REQUEST)
        tenant.shutdown(socket.SHUT_RD)
        client.sendall(REQUEST)
        self.told(untaken=800, up=800, flags=TENANT_DEAF)
        client.sendall(REQUEST)
        self.relay.grant(1, down=200, flags=FINISH)
        tenant.sendall(RESPONSE)
        self.ends(client, data=RESPONSE)
        client.close()
        self.ended(fronts.WHOLE, 100, 200)


class Stopping(Case):
    def test_nothing_taken(self):
        """The whole request is the client's still."""
        client, tenant = self.relay.begin(1, up=100)
        self.relay.grant(1, flags=STOP)
        self.told(untaken=100, up=100)
        client.sendall(REQUEST)
        self.silent(tenant)
        tenant = self.relay.next(1)
        self.relay.grant(1, backend=2, up=100)
        self.assertEqual(held.exactly(tenant, 100), REQUEST)

    def test_some_taken(self):
        client, tenant = self.relay.begin(1, up=1000)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=STOP)
        self.told(untaken=900, up=900)
        client.sendall(REQUEST)
        self.silent(tenant)
        self.relay.grant(1, flags=FINISH)
        self.ends(tenant)

    def test_all_taken(self):
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=STOP)
        self.told()

    def test_tenant_that_is_gone(self):
        """Once that is known, nothing is taken for it."""
        client, tenant = self.relay.begin(1, up=100, down=300)
        self.moves(client, tenant, REQUEST)
        self.moves(tenant, client, RESPONSE)    # and more to come: watched
        self.relay.grant(1, up=100)
        self.silent(tenant)
        tenant.close()
        record, = self.relay.progress(1)
        self.assertEqual(record[5], TENANT_ENDED | OVER)


class Hurrying(Case):
    """The response is over, the request is not."""

    def hurry(self):
        client, tenant = self.relay.begin(1, up=10000, down=200)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=HURRY)
        self.moves(tenant, client, RESPONSE)
        return client, tenant

    def test_as_long_as_it_moves(self):
        client, tenant = self.hurry()
        for _ in range(4):
            time.sleep(2)
            self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=CALM)
        self.nothing_told()
        time.sleep(6)
        self.moves(client, tenant, REQUEST)
        self.nothing_told()

    def test_five_seconds(self):
        client, tenant = self.hurry()
        began = time.monotonic()
        self.ends(client, tenant)
        self.assertTrue(4.5 < time.monotonic() - began < 7)
        record, = self.relay.progress(1)
        self.assertEqual(record[5], OVER)
        self.relay.grant(1, up=10)      # it did not know yet
        client.close()
        self.ended(fronts.IDLE, 100, 200)
        self.moves(*self.relay.begin(2, up=100), REQUEST)

    def test_deaf_tenant(self):
        client, tenant = self.hurry()
        tenant.shutdown(socket.SHUT_RD)
        client.sendall(REQUEST)
        self.ends(client, tenant)
        client.close()
        self.ended(fronts.BY_TENANT, 100, 200)


class Letting(Case):
    """The parser lets go of it."""

    def test_last(self):
        """All passes, to the tenant's end."""
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=LAST)
        for _ in range(3):
            self.moves(tenant, client, bytes(100000))
            time.sleep(0.5)
        tenant.close()
        self.ends(client)
        client.close()
        self.ended(fronts.WHOLE, 100, 300000)
        self.nothing_told()

    def test_last_and_the_request_goes_on(self):
        """What was granted of it still passes."""
        client, tenant = self.relay.begin(1, up=300)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=LAST)
        self.moves(tenant, client, RESPONSE)
        self.moves(client, tenant, REQUEST * 2)
        self.moves(tenant, client, RESPONSE)
        client.sendall(b'more')
        self.ends(client, tenant)

    def test_last_and_asked_on(self):
        """Nothing of what the tenant says then."""
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=LAST)
        self.moves(tenant, client, RESPONSE)
        time.sleep(0.1)
        client.sendall(REQUEST)
        self.ends(client, tenant)
        self.ended(fronts.WHOLE, 100, 200)

    def test_last_and_asked_before(self):
        """To who has not waited for the end, until the tenant is silent."""
        client, tenant = self.relay.begin(1, up=100)
        client.sendall(REQUEST * 2)
        held.exactly(tenant, 100)
        self.relay.grant(1, flags=LAST)
        for _ in range(4):
            time.sleep(0.6)
            self.moves(tenant, client, RESPONSE)
        began = time.monotonic()
        self.ends(client, tenant)
        self.assertTrue(0.7 < time.monotonic() - began < 2)

    def test_tunnel(self):
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, down=200, flags=TUNNEL)
        for _ in range(3):
            self.moves(client, tenant, bytes(100000))
            self.moves(tenant, client, bytes(100000))
        client.shutdown(socket.SHUT_WR)
        self.ends(tenant)
        self.moves(tenant, client, RESPONSE)
        tenant.close()
        self.ends(client)
        self.ended(fronts.WHOLE, 300100, 300200)
        self.nothing_told()


class Backends(Case):
    def test_next(self):
        """What was granted to the one before lapses."""
        client, first = self.relay.begin(1, up=1100, down=200)
        self.moves(client, first, REQUEST)
        self.moves(first, client, RESPONSE)
        second = self.relay.next(1)
        self.ends(first)
        client.sendall(REQUEST)
        self.silent(second)
        self.relay.grant(1, backend=2, up=100, down=200,
                         flags=TELL_UP | TELL_DOWN)
        self.assertEqual(held.exactly(second, 100), REQUEST)
        self.told(backend=2, down=200)
        self.moves(second, client, RESPONSE)
        self.told(backend=2)

    def test_granted_before_it_is_read(self):
        """The order and its grant wait both: the order is taken first."""
        for _ in range(30):
            number = len(self.relay.serials) + 1
            client, tenant = self.relay.begin(number, up=100)
            self.moves(client, tenant, REQUEST)
            second = self.relay.next(number)
            self.relay.grant(number, backend=2, up=100)
            self.moves(client, second, REQUEST)
            self.relay.grant(number, backend=2, flags=CUT)
            self.relay.hear(1)
            for each in (client, tenant, second):
                each.close()

    def test_held(self):
        """Bytes on their way belong to the one that is left: it ends."""
        client, tenant = self.relay.begin(1, down=UNLIMITED >> 1)
        tenant.setblocking(False)

        def full():
            try:
                tenant.send(bytes(1 << 16))
            except BlockingIOError:
                return True
            return False
        wait_for(full, 10, 0.0001)
        time.sleep(0.3)
        self.relay.next(1)
        ending, up, down = self.relay.ended(1)
        self.assertEqual((ending, up), (fronts.BY_RELAY, 0))
        self.assertGreater(down, 0)

    def test_refused(self):
        """Between exchanges, with content or without."""
        sizes = []
        for head in (0, 1):
            client, tenant = self.relay.begin(head + 1, up=100, down=200)
            self.moves(client, tenant, REQUEST)
            self.moves(tenant, client, RESPONSE)
            self.relay.order(fronts.END, number=head + 1, refusal=1,
                             head=head)
            page = wire.read_all(client)
            fields, _, content = page.partition(b'\r\n\r\n')
            self.assertRegex(fields, b'^HTTP/1.1 4')
            sizes.append((fields, len(content)))
            self.ends(tenant)
            client.close()
            self.ended(fronts.WAS_REFUSED, 100, 200, head + 1)
        self.assertEqual(sizes[0][0], sizes[1][0])
        self.assertGreater(sizes[0][1], 0)
        self.assertEqual(sizes[1][1], 0)
        self.nothing_told()

    def test_refused_inside_a_response(self):
        """No constant stands in the middle of what a tenant says."""
        client, tenant = self.relay.begin(1, down=200)
        self.moves(tenant, client, RESPONSE[:100])
        self.relay.order(fronts.END, number=1, refusal=1)
        self.ends(client, tenant)

    def test_new_one_refused(self):
        for head in (0, 1):
            client, accepted = fronts.tcp()
            client.settimeout(10)
            self.relay.order(fronts.REFUSE, accepted, refusal=1, head=head)
            content = wire.read_all(client).partition(b'\r\n\r\n')[2]
            self.assertEqual(content == b'', head == 1)
            client.close()
            self.ended(fronts.WAS_REFUSED, 0, 0, 0)


class Bulk(Case):
    def rss(self):
        return int(harness.status_of(self.relay.process.pid)['VmRSS']
                   .split()[0])

    @unittest.skipUnless(harness.ROOT, 'looks into the relay')
    def test_stopped_reader(self):
        """A client that does not read: less than 400 kB are ours."""
        client = socket.socket()
        self.addCleanup(client.close)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            client.connect(listener.getsockname())
            accepted, _ = listener.accept()
        ours = accepted.dup()
        self.addCleanup(ours.close)
        tenant, backend = socket.socketpair()
        self.addCleanup(tenant.close)
        self.relay.order(fronts.RELAY, accepted, backend, number=1)
        self.relay.grant(1, down=1 << 40)
        tenant.setblocking(False)
        sent, rests = 0, 0
        while rests < 50:
            try:
                sent += tenant.send(bytes(1 << 16))
                rests = 0
            except BlockingIOError:
                rests += 1
                time.sleep(0.02)
        # SIOCOUTQ: what was given to the client's socket and not read by it
        unsent = int.from_bytes(fcntl.ioctl(ours, 0x5411, bytes(4)), 'little')
        in_pipe = sum(size for size in self.pipes())
        self.assertLess(unsent + in_pipe, 400_000)

    def pipes(self):
        """What each pipe of the relay's holds at most."""
        sizes, directory = {}, f'/proc/{self.relay.process.pid}/fd'
        for name in os.listdir(directory):
            if int(name) >= 16 and os.readlink(
                    f'{directory}/{name}').startswith('pipe:'):
                fd = os.open(f'{directory}/{name}', os.O_RDONLY |
                             os.O_NONBLOCK)
                sizes[os.fstat(fd).st_ino] = fcntl.fcntl(fd, 1032)
                os.close(fd)
        return sizes.values()

    def test_others_meanwhile(self):
        """Sixty-four that move all they can, and one that asks and is
        answered: it has its turn between them."""
        relay = Relay(self, 'http', descriptors=64 + 6 * 80)
        stop = threading.Event()
        block = bytes(1 << 18)

        def pour(tenant):
            tenant.settimeout(0.5)
            while not stop.is_set():
                try:
                    tenant.send(block)
                except TimeoutError:
                    pass
                except OSError:
                    return

        def drink(client):
            with contextlib.suppress(OSError):
                while client.recv(1 << 18):
                    pass

        threads = []
        for number in range(1, 65):
            client, tenant = relay.begin(number, down=1 << 40)
            threads += [threading.Thread(target=pour, args=(tenant,)),
                        threading.Thread(target=drink, args=(client,))]
        for each in threads:
            each.start()
        self.addCleanup(lambda: [each.join() for each in threads])
        self.addCleanup(relay.end)
        self.addCleanup(stop.set)
        time.sleep(0.5)
        client, tenant = relay.begin(99)
        slow = []
        for _ in range(50):
            began = time.monotonic()
            relay.grant(99, up=100, down=200)
            self.moves(client, tenant, REQUEST)
            self.moves(tenant, client, RESPONSE)
            slow.append(time.monotonic() - began)
        self.assertLess(sorted(slow)[25], 0.25)


if __name__ == '__main__':
    unittest.main()
