# SPDX-License-Identifier: ISC
"""What a relay makes of its parser's grants from one exchange to the next, and
at the last; and who does not read, or moves much.  As test_relay_grants.py."""
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
from fronts import (CALM, CUT, HURRY, LAST, OVER, TELL_DOWN, TELL_UP, TUNNEL,
                    UNLIMITED, WARY, Relay)
from granting import Case, REQUEST, RESPONSE
from harness import wait_for

SIOCOUTQ = 0x5411
TAIL = 6000         # bytes before a client is full
FEW = 2500          # as SIOCOUTQ counts: not just what is on its way


def waiting(connection):
    """Bytes that it was given and that its other end does not have yet."""
    return int.from_bytes(fcntl.ioctl(connection, SIOCOUTQ, bytes(4)),
                          'little')


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

    def test_wary_and_asked_on(self):
        """Nothing of what the tenant says then."""
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=WARY)
        self.moves(tenant, client, RESPONSE)
        time.sleep(0.1)
        client.sendall(REQUEST)
        time.sleep(0.1)
        with contextlib.suppress(BrokenPipeError):
            tenant.sendall(b'not yours')
        self.ends(client, tenant)
        self.ended(fronts.WHOLE, 100, 200)

    def goes_on(self, client, tenant):
        for _ in range(4):
            time.sleep(0.6)
            self.moves(tenant, client, RESPONSE)
        began = time.monotonic()
        self.ends(client, tenant)
        self.assertTrue(0.7 < time.monotonic() - began < 2)

    def test_last_and_asked_on(self):
        """Until the tenant is silent."""
        client, tenant = self.relay.begin(1, up=100)
        self.moves(client, tenant, REQUEST)
        self.relay.grant(1, flags=LAST)
        self.moves(tenant, client, RESPONSE)
        client.sendall(REQUEST)
        self.goes_on(client, tenant)

    def test_asked_before(self):
        """The same, also for who does not wait to see an end."""
        for number, flag in ((1, LAST), (2, WARY)):
            client, tenant = self.relay.begin(number, up=100)
            client.sendall(REQUEST * 2)
            held.exactly(tenant, 100)
            self.relay.grant(number, flags=flag)
            self.goes_on(client, tenant)

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

    def slow(self, number, size):
        """A client that takes so many bytes at once, what the relay has of
        it, and its tenant."""
        client = socket.socket()
        self.addCleanup(client.close)
        with socket.create_server(('127.0.0.1', 0)) as listener:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            client.connect(listener.getsockname())
            accepted, _ = listener.accept()
        ours = accepted.dup()
        self.addCleanup(ours.close)
        tenant, backend = socket.socketpair()
        self.addCleanup(tenant.close)
        self.relay.order(fronts.RELAY, accepted, backend, number=number)
        return client, ours, tenant

    @unittest.skipUnless(harness.ROOT, 'looks into the relay')
    def test_stopped_reader(self):
        """A client that does not read: less than 400 kB are ours."""
        _, ours, tenant = self.slow(1, 1 << 16)
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
        unsent = waiting(ours)      # not read by the client
        in_pipe = sum(size for size in self.pipes())
        self.assertLess(unsent + in_pipe, 400_000)

    def until_full(self, tenant, client, before=None):
        """Gives how many bytes go in before nobody takes any more: in pieces
        of a thousand, and from near there on byte by byte."""
        sent = 0
        while waiting(tenant) < FEW:
            size = 1 if before and sent > before - TAIL else 1000
            tenant.sendall(b'x' * size)
            sent += size
            time.sleep(0.001)
        return sent

    def test_paused_behind_the_next_request(self):
        """A client that has asked on and does not read has all of a response
        without an end, for as long as its tenant says something."""
        client, _, tenant = self.slow(1, 4096)
        self.relay.grant(1, flags=LAST)
        before = self.until_full(tenant, client)
        client, _, tenant = self.slow(2, 4096)
        client.sendall(REQUEST)
        self.relay.grant(2, flags=LAST)
        sent = self.until_full(tenant, client, before)
        for _ in range(20):
            tenant.sendall(b'z')
            time.sleep(0.1)
        client.settimeout(10)
        self.assertEqual(held.exactly(client, sent + 20),
                         b'x' * sent + b'z' * 20)

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
