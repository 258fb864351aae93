# SPDX-License-Identifier: ISC
"""Parsers and relays whose front is gone, or does not listen: what it has
decided goes on, and nothing waits for it."""
import collections
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
from fronts import ENDED, LEFT, LONELY, MOVED, Parser, Relay
from harness import wait_for

HEAD = wire.head()
PIPE = 4096             # the least that there is: 512 reports, 15 verdicts


def answer(body, length=None):
    return b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (
        len(body) if length is None else length, body)


def passes(case, source, target, data):
    """These bytes, however few are in the buffers between."""
    sender = threading.Thread(target=source.sendall, args=(data,))
    sender.start()
    case.assertEqual(held.exactly(target, len(data)), data)
    sender.join()


class Drain(harness.Case):
    def passes(self, source, target, data):
        passes(self, source, target, data)

    def ends(self, connection, data=b''):
        """It gets this, and then the end."""
        self.assertEqual(wire.read_all(connection), data)

    def asked(self, relay, number=1, head=HEAD, **how):
        """A connection with a request that its tenant has got."""
        client, tenant = relay.begin(number, len(head), **how)
        self.passes(client, tenant, head)
        return client, tenant

    def moved(self, relay, number=1):
        self.assertEqual(relay.hear(1), [(MOVED, number)])

    def ends_with(self, relay, client, tenant):
        """The tenant is told that no more comes, and ends it; the relay had
        nothing else."""
        self.ends(tenant)
        tenant.close()
        self.ends(client)
        client.close()
        self.assertEqual(relay.status(), 0)

    def go_on(self, protocol):
        """Two that nothing more will be said about."""
        relay = Relay(self, protocol)
        pairs = [relay.begin(), relay.begin()]
        for client, tenant in pairs:
            self.passes(client, tenant, b'before')
        relay.leave()
        time.sleep(3)           # longer than a silence that ends a response
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
        self.assertEqual(relay.status(), 0)

    def test_tls(self):
        self.go_on('tls')

    def test_tunnels(self):
        self.go_on('http')

    def test_nothing_to_do(self):
        for protocol in ('tls', 'http'):
            relay = Relay(self, protocol)
            relay.leave()
            self.assertEqual(relay.status(), 0)

    def test_in_the_middle_of_a_response(self):
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay)
        self.passes(tenant, client, answer(b'first ', 12))
        self.moved(relay)
        relay.leave()
        time.sleep(0.5)
        self.passes(tenant, client, b'second')
        self.ends_with(relay, client, tenant)

    def test_before_the_response(self):
        """It may take its time to begin."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay)
        relay.leave()
        time.sleep(3)
        self.passes(tenant, client, answer(b'late'))
        self.ends_with(relay, client, tenant)

    def test_in_the_middle_of_an_upload(self):
        """Granted bytes pass, even where the response has begun."""
        relay = Relay(self, 'http')
        client, tenant = relay.begin(1, 1000)
        self.passes(client, tenant, b'u' * 500)
        self.passes(tenant, client, b'HTTP/1.1 100 Continue\r\n\r\n')
        relay.leave()
        time.sleep(3)
        self.passes(client, tenant, b'u' * 500)
        self.passes(tenant, client, answer(b'taken'))
        self.ends_with(relay, client, tenant)

    def test_a_client_that_reads_late(self):
        """A response that waits for it is not at its end."""
        relay = Relay(self, 'http')
        client, tenant = relay.begin(1, len(HEAD))
        self.passes(client, tenant, HEAD)
        body = bytes(range(256)) * 4096 * 16
        sender = threading.Thread(
            target=lambda: tenant.sendall(answer(body)))
        sender.start()
        self.moved(relay)
        relay.leave()
        time.sleep(3)
        whole = answer(body)
        self.assertEqual(held.exactly(client, len(whole)), whole)
        sender.join()
        self.ends_with(relay, client, tenant)

    def test_between_requests(self):
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay)
        self.passes(tenant, client, answer(b'done'))
        self.moved(relay)
        relay.leave()
        self.ends_with(relay, client, tenant)

    def test_rest_of_a_request_that_nobody_grants(self):
        """The tenant hears that it ends, and may still answer."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay, partial=1)
        self.moved(relay)
        relay.leave()
        self.ends(tenant)
        tenant.sendall(answer(b'what?'))
        tenant.close()
        self.ends(client, answer(b'what?'))
        client.close()
        self.assertEqual(relay.status(), 0)

    def test_next_backend_is_still_asked(self):
        relay = Relay(self, 'http')
        client, first = self.asked(relay)
        self.passes(first, client, answer(b'first ', 12))
        self.moved(relay)
        second = relay.next(1, len(HEAD))
        self.ends(first)
        client.sendall(HEAD)
        relay.leave()
        time.sleep(0.2)
        self.passes(first, client, b'second')
        first.close()
        self.assertEqual(held.exactly(second, len(HEAD)), HEAD)
        self.passes(second, client, answer(b'other'))
        self.ends_with(relay, client, second)

    def test_without_a_backend(self):
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay)
        self.passes(tenant, client, answer(b'done'))
        self.moved(relay)
        client.sendall(HEAD)
        tenant.close()
        self.assertEqual(relay.hear(1), [(LONELY, 1)])
        relay.leave()
        self.ends(client)
        client.close()
        self.assertEqual(relay.status(), 0)

    def test_orders_of_a_front_that_has_gone(self):
        """What it decided at last is done, though it was not read before."""
        relay = Relay(self, 'http')
        os.kill(relay.process.pid, signal.SIGSTOP)
        client, tenant = relay.begin(1, len(HEAD))
        relay.leave()
        os.kill(relay.process.pid, signal.SIGCONT)
        self.passes(client, tenant, HEAD)
        self.passes(tenant, client, answer(b'done'))
        self.ends_with(relay, client, tenant)

    def test_reports_without_a_reader(self):
        """The same, though orders may still come."""
        relay = Relay(self, 'http')
        client, tenant = self.asked(relay)
        tunnel = relay.begin()
        relay.deafen()
        self.passes(tenant, client, answer(b'done'))
        self.ends(tenant)
        tenant.close()
        self.ends(client)
        client.close()
        self.passes(*tunnel, b'goes on')
        late, its_tenant = self.asked(relay, 2)
        for each in tunnel:
            each.close()
        self.passes(its_tenant, late, answer(b'late'))
        self.ends_with(relay, late, its_tenant)

    def test_parser(self):
        """Nobody would hear its verdicts."""
        for program, half in (('usherd-tls', wire.hello('a.example')[:10]),
                              ('usherd-http', HEAD[:10])):
            parser = Parser(self, program)
            client, accepted = fronts.tcp()
            self.addCleanup(client.close)
            client.sendall(half)
            parser.intake(fronts.SHOW, 1, accepted)
            parser.intake(fronts.INTAKE_PING)
            self.assertEqual(parser.hear(1)[0][1], fronts.PONG)
            parser.control.close()
            self.assertEqual(parser.status(), 0)

    def test_parser_without_a_reader(self):
        parser = Parser(self, 'usherd-tls')
        parser.deafen()
        parser.intake(fronts.INTAKE_PING)
        self.assertEqual(parser.status(), 0)


class Full(harness.Case):
    """A front that reads no reports for a while."""

    def pair_up(self, relay, n):
        """n connections with a request and its answer each."""
        pairs = {}
        for number in range(1, n + 1):
            pairs[number] = relay.begin(number, len(HEAD))
            pairs[number][0].sendall(HEAD)
        for client, tenant in pairs.values():
            self.assertEqual(held.exactly(tenant, len(HEAD)), HEAD)
            tenant.sendall(b'answer')
            self.assertEqual(held.exactly(client, 6), b'answer')
        return pairs

    def close(self, client, tenant):
        tenant.close()
        self.assertEqual(client.recv(1), b'')
        client.close()

    def test_relay_moves_and_loses_no_word(self):
        n = 700
        held.want_descriptors(self, 4 * n)
        relay = Relay(self, 'http', descriptors=6 * (n + 2) + 32, pipe=PIPE)
        tunnel = relay.begin()
        pairs = self.pair_up(relay, n)      # all of them, though it is full
        self.assertEqual(len(pairs), n)
        for number in range(1, n + 1, 2):
            self.close(*pairs[number])
        relay.order(fronts.ORDER_PING)
        passes(self, *tunnel, b'y' * 1000000)
        for each in tunnel:
            each.close()
        said, order = self.heard_all(relay, n)
        for number in range(1, n + 1):
            self.assertEqual(said[number], [MOVED] + [LEFT] * (number % 2),
                             number)
        self.assertEqual([each for each in order if each[0] == fronts.PONG],
                         [(fronts.PONG, 0)])

    def heard_all(self, relay, n):
        said, order = collections.defaultdict(list), []
        want = n + n // 2 + 1       # MOVED, LEFT, PONG

        def whole():
            order.extend(relay.hear())
            return sum(kind != ENDED for kind, _ in order) >= want and \
                sum(value for kind, value in order if kind == ENDED) >= \
                n // 2 + 1
        wait_for(whole, 10)
        for kind, value in order:
            if kind not in (ENDED, fronts.PONG):
                said[value].append(kind)
        self.assertEqual(sum(value for kind, value in order
                             if kind == ENDED), n // 2 + 1)
        return said, order

    def test_relay_may_be_full_to_the_last_place(self):
        """Whoever has ended counts until that was said, and not longer."""
        n = 600
        held.want_descriptors(self, 4 * n)
        relay = Relay(self, 'http', descriptors=6 * n + 32, pipe=PIPE)
        pairs = self.pair_up(relay, n)
        for pair in pairs.values():
            self.close(*pair)
        ended = 0

        def all_ended():
            nonlocal ended
            for kind, value in relay.hear():
                if kind != ENDED:
                    continue
                ended += value
                for _ in range(value):      # each has a successor at once
                    client, accepted = fronts.tcp()
                    self.addCleanup(client.close)
                    relay.order(fronts.REFUSE, accepted, refusal=1)
            return ended >= n
        wait_for(all_ended, 20)
        self.assertTrue(relay.runs())

    def verdicts(self, parser, n):
        """So many, by id."""
        said, total = collections.defaultdict(list), 0
        while total < n:
            for record in parser.hear(1):
                said[record[0]].append(record)
                total += 1
        return said

    def shown(self, parser, n, flight):
        for number in range(1, n + 1):
            client, accepted = fronts.tcp()
            self.addCleanup(client.close)
            client.sendall(flight(number))
            parser.intake(fronts.SHOW, number, accepted)

    def test_parser_loses_no_verdict(self):
        n = 300
        parser = Parser(self, 'usherd-tls', descriptors=n + 16, pipe=PIPE)
        self.shown(parser, n, lambda i: wire.hello('h%d.example' % i))
        parser.intake(fronts.INTAKE_PING)
        time.sleep(0.3)
        said = self.verdicts(parser, n + 1)
        for number in range(1, n + 1):
            self.assertEqual([(code, name.rstrip(b'\0').decode()) for
                              _, code, _, _, _, _, name, _, _ in
                              said[number]],
                             [(fronts.NAMED, 'h%d.example' % number)])
        self.assertEqual([record[1] for record in said[0]], [fronts.PONG])
        # and there is room for as many again
        self.shown(parser, n, lambda i: wire.hello('again.example'))
        self.assertEqual(len(self.verdicts(parser, n)), n)

    def test_parser_drops_one_whose_verdict_is_unsaid(self):
        """VERDICT_GONE comes last, and once, whatever came before it."""
        n = 100
        parser = Parser(self, 'usherd-http', descriptors=n + 16, pipe=PIPE)
        self.shown(parser, n, lambda i: wire.head('h%d.example' % i))
        time.sleep(0.3)
        for number in range(1, n + 1):
            parser.intake(fronts.DROP, number)
        parser.intake(fronts.INTAKE_PING)
        said = collections.defaultdict(list)

        def whole():
            for record in parser.hear():
                said[record[0]].append(record[1])
            return all(said[number][-1:] == [fronts.GONE]
                       for number in range(1, n + 1)) and said[0]
        wait_for(whole, 10)
        early = [codes for number, codes in said.items()
                 if codes == [fronts.NAMED, fronts.GONE]]
        self.assertEqual(sum(len(codes) for number, codes in said.items()
                             if number), n + len(early))
        self.assertLess(len(early), n)      # the pipe was full
        self.shown(parser, n, lambda i: wire.head('again.example'))
        self.assertEqual(len(self.verdicts(parser, n)), n)


if __name__ == '__main__':
    unittest.main()
