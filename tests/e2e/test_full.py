# SPDX-License-Identifier: ISC
"""A front that reads no reports for a while, and a parser that reads no
progress: nothing waits for them, and no word is lost."""
import collections
import time
import unittest

import fronts
import harness
import held
import wire
from fronts import ENDED, FINISH, SPARE, TELL_DOWN, TELL_UP, TUNNEL, \
    Parser, Relay
from harness import wait_for
from test_drain import passes

HEAD = wire.head()
PIPE = 4096     # the least that there is: 170 reports, 102 records of
                # progress, 15 verdicts
DOWN = 3        # of a progress without its id


class Full(harness.Case):
    def pair_up(self, relay, n):
        """n connections with a request and its answer each."""
        pairs = {}
        for number in range(1, n + 1):
            pairs[number] = relay.begin(number, up=len(HEAD), down=6,
                                        flags=TELL_UP | TELL_DOWN)
            pairs[number][0].sendall(HEAD)
        for client, tenant in pairs.values():
            self.assertEqual(held.exactly(tenant, len(HEAD)), HEAD)
            tenant.sendall(b'answer')
            self.assertEqual(held.exactly(client, 6), b'answer')
        return pairs

    def test_relay_moves_and_loses_no_word(self):
        n = 700
        held.want_descriptors(self, 4 * n)
        relay = Relay(self, 'http', descriptors=6 * (n + 1) + SPARE, pipe=PIPE)
        tunnel = relay.begin(n + 1, flags=TUNNEL)
        pairs = self.pair_up(relay, n)      # all of them, though it is full
        self.assertEqual(len(pairs), n)
        for number in range(1, n + 1, 2):
            relay.grant(number, flags=FINISH)
            for each in pairs[number]:
                each.close()
        relay.order(fronts.ORDER_PING)
        passes(self, *tunnel, b'y' * 1000000)
        for each in tunnel:
            each.close()
        ended, last = self.heard_all(relay, n)
        self.assertEqual(set(ended), {*range(1, n + 1, 2), n + 1})
        for number, (_, up, down) in ended.items():
            self.assertEqual((up, down), (1000000, 0) if number > n else
                             (len(HEAD), 6))
        for number in range(2, n + 1, 2):
            self.assertEqual(last[number], (1, 0, 0, 0, 0, 1))

    def heard_all(self, relay, n):
        """Each end that was reported, once, and the last progress of each
        that its parser has not let go of."""
        ended, last, pongs = {}, {}, 0

        def whole():
            nonlocal pongs
            for number, *more in relay.progress():
                last[number] = tuple(more)
            for kind, ending, number, up, down in relay.hear():
                if kind != ENDED:
                    self.assertEqual((kind, number), (fronts.PONG, 0))
                    pongs += 1
                    continue
                self.assertNotIn(number, ended)
                ended[number] = (ending, up, down)
            # of some the request had moved, and was said, before the answer
            return len(ended) == n // 2 + 1 and pongs == 1 and not any(
                number not in last or last[number][DOWN] > 0
                for number in range(2, n + 1, 2))
        wait_for(whole, 10)
        return ended, last

    def test_relay_may_be_full_to_the_last_place(self):
        """Whoever has ended counts until that was said, and not longer."""
        n = 600
        held.want_descriptors(self, 4 * n)
        relay = Relay(self, 'http', descriptors=6 * n + SPARE, pipe=PIPE)
        pairs = self.pair_up(relay, n)
        for number, pair in pairs.items():
            relay.grant(number, flags=FINISH)
            for each in pair:
                each.close()
        ended = 0

        def all_ended():
            nonlocal ended
            relay.progress()
            for kind, *_ in relay.hear():
                self.assertEqual(kind, ENDED)
                ended += 1          # each has a successor at once
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
        parser = Parser(self, 'usherd-tls', descriptors=n + SPARE, pipe=PIPE)
        self.shown(parser, n, lambda i: wire.hello('h%d.example' % i))
        parser.intake(fronts.INTAKE_PING)
        time.sleep(0.3)
        said = self.verdicts(parser, n + 1)
        for number in range(1, n + 1):
            self.assertEqual([(code, name.rstrip(b'\0').decode()) for
                              _, code, _, _, _, name in said[number]],
                             [(fronts.NAMED, 'h%d.example' % number)])
        self.assertEqual([record[1] for record in said[0]], [fronts.PONG])
        # and there is room for as many again
        self.shown(parser, n, lambda i: wire.hello('again.example'))
        self.assertEqual(len(self.verdicts(parser, n)), n)

    def test_parser_drops_one_whose_verdict_is_unsaid(self):
        """VERDICT_GONE comes last, and once, whatever came before it."""
        n = 100
        parser = Parser(self, 'usherd-http', descriptors=2 * n + SPARE,
                        pipe=PIPE)
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
