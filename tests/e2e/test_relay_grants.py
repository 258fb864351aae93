# SPDX-License-Identifier: ISC
"""What a relay makes of its parser's grants, within an exchange: a front and a
parser of our own before a real one.  What is not legal at all is in
test_lies.py, and who dies in test_drain.py."""
import os
import socket
import threading
import time
import unittest

import fronts
import held
from fronts import (AWAY, CLIENT_ENDED, CUT, FINISH, OVER, STOP, TELL_DOWN,
                    TELL_UP, TENANT_DEAF, TENANT_ENDED, Relay)
from granting import Case, REQUEST, RESPONSE, SERIAL
from harness import wait_for


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

if __name__ == '__main__':
    unittest.main()
