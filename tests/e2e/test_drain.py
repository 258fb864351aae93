# SPDX-License-Identifier: ISC
"""Parsers and relays whose front is gone, or does not listen, and relays whose
parser is gone: what has been decided goes on, and nothing waits for them."""
import os
import signal
import socket
import threading
import time
import unittest

import fronts
import harness
import held
import wire
from fronts import FINISH, LAST, OPEN, TELL_DOWN, TUNNEL, Parser, Relay

HEAD = wire.head()
MIDDLE = 5              # s: a response without a known end, when nobody
                        # grants any more, may be silent for so long


def answer(body, length=None):
    return b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (
        len(body) if length is None else length, body)


def passes(case, source, target, data):
    """These bytes, however few are in the buffers between."""
    sender = threading.Thread(target=source.sendall, args=(data,))
    sender.start()
    case.assertEqual(held.exactly(target, len(data)), data)
    sender.join()


class Base(harness.Case):
    def passes(self, source, target, data):
        passes(self, source, target, data)

    def stays(self, source, target, data=b'x'):
        """This does not pass."""
        source.sendall(data)
        target.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            target.recv(1)
        target.settimeout(10)

    def ends(self, connection, data=b''):
        """It gets this, and then the end."""
        self.assertEqual(wire.read_all(connection), data)

    def asked(self, relay, number=1, head=HEAD, **how):
        """A connection with a request that its tenant has got; how: what is
        granted beside it."""
        client, tenant = relay.begin(number, up=len(head), **how)
        self.passes(client, tenant, head)
        return client, tenant

    def both_end(self, client, tenant):
        self.ends(client)
        self.ends(tenant)
        for each in (client, tenant):
            each.close()

    def exits(self, relay):
        self.assertEqual(relay.status(), 0)


class WithoutFront(Base):
    """A relay whose front is gone; its parser goes on."""

    def go_on(self, protocol, **how):
        """Two that nothing more will be said about."""
        relay = Relay(self, protocol)
        pairs = [relay.begin(number, **how) if how else relay.begin()
                 for number in (1, 2)]
        for client, tenant in pairs:
            self.passes(client, tenant, b'before')
        relay.leave()
        time.sleep(3)           # longer than any silence of an exchange's end
        for client, tenant in pairs:
            self.passes(client, tenant, b'up' * 100000)
            self.passes(tenant, client, b'down' * 100000)
        client, tenant = pairs[0]
        client.shutdown(socket.SHUT_WR)
        self.ends(tenant)
        self.passes(tenant, client, b'after the half-close')
        tenant.close()
        self.ends(client)
        time.sleep(0.2)
        self.assertTrue(relay.runs())
        self.passes(*pairs[1], b'still')
        for each in pairs[1]:
            each.close()
        self.exits(relay)

    def test_tls(self):
        self.go_on('tls')

    def test_tunnels(self):
        self.go_on('http', flags=TUNNEL)

    def test_nothing_to_do(self):
        for protocol in ('tls', 'http'):
            relay = Relay(self, protocol)
            relay.leave()
            self.exits(relay)

    def test_exchanges_are_granted_to_their_end(self):
        """What usherd-http grants goes on, and one more request, too, if it
        says so."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay)
        relay.grant(1, down=len(answer(b'first second')))
        self.passes(tenant, client, answer(b'first ', 12))
        relay.leave()
        time.sleep(3)
        self.passes(tenant, client, b'second')
        relay.grant(1, up=len(HEAD))
        self.passes(client, tenant, HEAD)
        relay.grant(1, down=len(answer(b'done')), flags=FINISH)
        self.passes(tenant, client, answer(b'done'))
        self.both_end(client, tenant)
        self.exits(relay)

    def test_before_the_response(self):
        """It may take its time to begin."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay)
        relay.leave()
        time.sleep(3)
        tenant.sendall(answer(b'late'))
        relay.grant(1, down=len(answer(b'late')), flags=FINISH)
        self.ends(client, answer(b'late'))
        client.close()
        self.exits(relay)

    def test_between_exchanges(self):
        """usherd-http ends it, who knows that nobody would find another
        backend."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, down=len(answer(b'done')))
        self.passes(tenant, client, answer(b'done'))
        relay.leave()
        time.sleep(0.3)
        self.assertTrue(relay.runs())
        relay.grant(1, flags=FINISH)
        self.both_end(client, tenant)
        self.exits(relay)

    def test_orders_of_a_front_that_has_gone(self):
        """What it decided at last is done, though it was not read before."""
        relay = Relay(self, 'http')
        os.kill(relay.process.pid, signal.SIGSTOP)
        client, tenant = relay.begin(1, up=len(HEAD),
                                     down=len(answer(b'done')), flags=FINISH)
        relay.leave()
        os.kill(relay.process.pid, signal.SIGCONT)
        self.passes(client, tenant, HEAD)
        self.passes(tenant, client, answer(b'done'))
        self.both_end(client, tenant)
        self.exits(relay)

    def test_reports_without_a_reader(self):
        """The same, though orders may still come."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, down=len(answer(b'done')))
        tunnel = relay.begin(2, flags=TUNNEL)
        relay.deafen()
        self.passes(tenant, client, answer(b'done'))
        relay.grant(1, flags=FINISH)
        self.both_end(client, tenant)
        self.passes(*tunnel, b'goes on')
        late, its_tenant = self.asked(relay, 3, down=len(answer(b'late')),
                                      flags=FINISH)
        for each in tunnel:
            each.close()
        self.passes(its_tenant, late, answer(b'late'))
        self.both_end(late, its_tenant)
        self.exits(relay)


class WithoutParser(Base):
    """A relay whose parser is gone: each response is finished, and nothing
    more is begun."""

    def dies(self, relay, front=False):
        """Its front may have died with it."""
        relay.part()
        if front:
            relay.leave()

    def test_with_a_known_end(self):
        """The rest of it passes, and then it ends."""
        for front in (False, True):
            relay = Relay(self, 'http')
            whole = answer(b'first second')
            client, tenant = self.asked(relay, down=len(whole))
            self.passes(tenant, client, whole[:-6])
            self.dies(relay, front)
            time.sleep(1)
            self.passes(tenant, client, whole[-6:])
            self.both_end(client, tenant)
            if front:
                self.exits(relay)

    def test_a_client_that_reads_late(self):
        """A response that waits for it is not at its end."""
        body = bytes(range(256)) * 4096 * 16
        whole = answer(body)
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, down=len(whole))
        sender = threading.Thread(target=lambda: tenant.sendall(whole))
        sender.start()
        time.sleep(0.3)
        self.dies(relay, front=True)
        time.sleep(MIDDLE + 1)
        self.assertEqual(held.exactly(client, len(whole)), whole)
        sender.join()
        self.both_end(client, tenant)
        self.exits(relay)

    def test_without_a_known_end(self):
        """Its tenant says all that it wants to; the client nothing more."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, down=50)
        self.passes(tenant, client, b'x' * 50)
        relay.grant(1, down=10, flags=TELL_DOWN | OPEN)
        self.passes(tenant, client, b'x' * 5)
        self.dies(relay, front=True)
        self.stays(client, tenant)
        for _ in range(3):
            self.passes(tenant, client, b'y' * 1000)
            time.sleep(MIDDLE / 2)
        tenant.close()
        self.ends(client)
        client.close()
        self.exits(relay)

    def test_without_a_known_end_and_silent(self):
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, down=50, flags=OPEN)
        self.passes(tenant, client, b'x' * 20)
        self.dies(relay, front=True)
        began = time.monotonic()
        self.ends(client)
        self.assertGreater(time.monotonic() - began, MIDDLE - 1)
        self.both_end(client, tenant)
        self.exits(relay)

    def test_between_exchanges(self):
        """It ends at once, and what the client sends is not passed on."""
        for front in (False, True):
            relay = Relay(self, 'http')
            client, tenant = self.asked(relay, down=len(answer(b'done')))
            self.passes(tenant, client, answer(b'done'))
            client.sendall(HEAD)
            self.dies(relay, front)
            self.ends(tenant)
            self.ends(client)
            client.close()
            if front:
                self.exits(relay)

    def test_no_backend_is_attached(self):
        """Neither another one nor the first."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, down=len(answer(b'one two')))
        self.passes(tenant, client, answer(b'one two')[:-3])
        self.dies(relay)
        second = relay.next(1)
        self.ends(second)
        fresh = relay.begin(2)
        self.both_end(*fresh)
        client.close()
        tenant.close()

    def test_tunnels_go_on(self):
        relay = Relay(self, 'http')
        client, tenant = relay.begin(1, flags=TUNNEL)
        self.passes(client, tenant, b'before')
        self.dies(relay, front=True)
        time.sleep(MIDDLE + 1)
        self.passes(client, tenant, b'up')
        self.passes(tenant, client, b'down')
        client.close()
        self.ends(tenant)
        tenant.close()
        self.exits(relay)

    def test_last_ones_go_on(self):
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, flags=LAST)
        self.passes(tenant, client, b'HTTP/1.0 200 OK\r\n\r\n')
        self.dies(relay, front=True)
        time.sleep(MIDDLE + 1)
        self.passes(tenant, client, b'to the end')
        tenant.close()
        self.ends(client)
        client.close()
        self.exits(relay)


class OfParsers(Base):
    def half(self, program, half):
        parser = Parser(self, program)
        client, accepted = fronts.tcp()
        self.addCleanup(client.close)
        client.sendall(half)
        parser.intake(fronts.SHOW, 1, accepted)
        parser.intake(fronts.INTAKE_PING)
        self.assertEqual(parser.hear(1)[0][1], fronts.PONG)
        return parser

    def test_parser(self):
        """Nobody would hear its verdicts."""
        for program, half in (('usherd-tls', wire.hello('a.example')[:10]),
                              ('usherd-http', HEAD[:10])):
            parser = self.half(program, half)
            parser.control.close()
            self.exits(parser)

    def test_parser_without_a_reader(self):
        for program in ('usherd-tls', 'usherd-http'):
            parser = Parser(self, program)
            parser.deafen()
            parser.intake(fronts.INTAKE_PING)
            self.exits(parser)

    def attached(self):
        """usherd-http with a connection whose request it has granted; gives
        its client and its tenant."""
        parser = Parser(self, 'usherd-http')
        client, accepted = fronts.tcp()
        tenant, backend = socket.socketpair()
        for each in (client, tenant):
            self.addCleanup(each.close)
        client.sendall(HEAD)
        parser.intake(fronts.SHOW, 1, accepted)
        self.assertEqual(parser.hear(1)[0][:2], (1, fronts.NAMED))
        parser.intake(fronts.BACKEND, 1, backend)
        (number, at, up, _, _, _), = parser.granted(1)
        self.assertEqual((number, at, up), (1, 1, len(HEAD)))
        return parser, client, tenant

    def test_parser_grants_to_the_end(self):
        """Without its front, the exchange that has begun is granted to its
        end, and it ends with that."""
        parser, _, tenant = self.attached()
        parser.control.close()
        time.sleep(0.3)
        self.assertTrue(parser.runs())
        tenant.sendall(answer(b'body'))
        down, flags = 0, 0
        while not flags & FINISH:
            for _, _, _, more, flag, serial in parser.granted(1):
                down += more
                flags |= flag
                if flag & TELL_DOWN:
                    parser.tell(1, serial=serial)
        self.assertEqual(down, len(answer(b'body')))
        self.exits(parser)

    def test_parser_without_its_relay(self):
        """It is told that nothing moves any more, and of each connection says
        that it has no more to say."""
        parser, _, _ = self.attached()
        parser.part()
        self.assertEqual(parser.hear(1)[0][:2], (1, fronts.GONE))
        parser.intake(fronts.INTAKE_PING)
        parser.control.close()
        self.assertIn(parser.status(), (0, 1))


if __name__ == '__main__':
    unittest.main()
