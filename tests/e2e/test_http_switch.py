# SPDX-License-Identifier: ISC
"""A change of host costs no waiting, and what stands between requests (an
empty line too many behind a POST) delays and ends nothing."""
import statistics
import time
import unittest

import exchanges
import peers
from exchanges import says
from harness import wait_for
from talker import request, response, together

ROUNDS, BLOCK = 500, 100
LATE = 0.02             # seconds above the median: half of what was lost


class Alternating(exchanges.Case):
    """A client that never pipelines.  Times of this machine are compared with
    times of this machine: exchanges with one host, in the same seconds."""

    def seconds(self, talker, host, path='/'):
        began = time.perf_counter()
        talker.send(request(host, path))
        self.assertEqual(talker.answer().status, 200)
        return time.perf_counter() - began

    def late(self, times):
        limit = statistics.median(times) + LATE
        return sum(each > limit for each in times)

    def alternate(self, first, second, clients=1):
        def one():
            turns, stays = self.talk(), self.talk()
            times = ([], [])
            for _ in range(ROUNDS // BLOCK):    # without a pause between
                times[0].extend(self.seconds(turns, (first, second)[i % 2])
                                for i in range(BLOCK))
                times[1].extend(self.seconds(stays, first)
                                for _ in range(BLOCK))
            return times
        results = together(*[one] * clients)
        turning = sum((each[0] for each in results), [])
        staying = sum((each[1] for each in results), [])
        self.assertLessEqual(
            self.late(turning) / len(turning),
            self.late(staying) / len(staying) + 0.03,
            (sorted(turning)[-20:], sorted(staying)[-20:]))
        # another connection to a tenant, and the look-up before it
        self.assertLess(statistics.median(turning),
                        8 * statistics.median(staying))

    def test_ours(self):
        self.keep('a.example')
        self.alternate('a.example', 'b.example')
        self.alternate('a.example', 'b.example', 4)

    @peers.need_node
    def test_node(self):
        for name in 'mn':
            peers.node(self, self.host(f'{name}.example') / 'http-socket')
        self.alternate('m.example', 'n.example')
        self.alternate('m.example', 'n.example', 4)

    def test_pipelined(self):
        """The second request is there before the first is answered."""
        self.keep('a.example')
        talker = self.talk()
        talker.send(request('a.example'), request('b.example'))
        times = []
        for i in range(ROUNDS):
            began = time.perf_counter()
            self.good(talker, 'ab'[i % 2] + '.example')
            talker.send(request('ab'[i % 2] + '.example'))
            times.append(time.perf_counter() - began)
        self.assertLessEqual(self.late(times), ROUNDS // 50,
                             sorted(times)[-20:])


class EmptyLines(exchanges.Case):
    """RFC 9112 section 2.2: a client may send one behind the body of a
    POST."""

    BODY = b'a=b'

    def post(self, name, behind=b'\r\n', seconds=20):
        talker = self.talk(seconds)
        talker.send(request(name, '/1', body=self.BODY), behind)
        return talker

    def test_then_the_next(self):
        a = self.keep('a.example')
        for behind in (b'\r\n', b'\r\n\r\n', b'\r', b'\r\n\r'):
            for name in ('a', 'b'):
                for pause in (0, 0.3):
                    talker = self.post('a.example', behind)
                    if pause:
                        self.good(talker, 'a.example', '/1')
                        time.sleep(pause)
                    left = b'\n' if behind.endswith(b'\r') else b''
                    talker.send(left, request(f'{name}.example', '/2'))
                    if not pause:
                        self.good(talker, 'a.example', '/1')
                    self.good(talker, f'{name}.example', '/2')
                    talker.socket.close()
        self.assertEqual({asked.body for asked in a.requests},
                         {self.BODY, b''})
        self.assertEqual(self.refusals(), [])

    def slow(self, *pieces):
        """12 s for a response: no timer of ours runs in it."""
        name = f's{len(pieces)}.example'
        self.act(name, says(*pieces, pause=12 / (len(pieces) - 1)))
        talker = self.post(name)
        self.assertEqual(talker.answer().body, b'0123456789ab')
        self.assertTrue(talker.quiet(0.3))
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')

    def close_delimited(self):
        self.act('e.example', says(
            b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it',
            hold=False))
        talker = self.post('e.example')
        self.assertEqual(talker.answer().body, b'all of it')

    def idle(self):
        """Between requests it is as good as nothing: no 408 after ten
        seconds."""
        self.keep('i.example')
        talker = self.post('i.example')
        self.good(talker, 'i.example', '/1')
        self.assertTrue(talker.quiet(12))
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')

    def test_twelve_seconds(self):
        head = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n'
        together(lambda: self.slow(head, *[b'%x' % i for i in range(12)]),
                 lambda: self.slow(b'', head + b'0123456789ab'),
                 self.idle, self.close_delimited)
        self.assertEqual(self.refusals(), [])


class Slices(exchanges.Case):
    def test_next_head_in_pieces(self):
        """The next request's head comes while the response does, cut
        anywhere."""
        self.act('a.example', says(
            b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', b'a', b'b', b'c',
            pause=0.1))
        data = request('b.example', '/2')

        def one(cut):
            talker = self.talk()
            talker.send(request('a.example'), data[:cut])
            time.sleep(0.15)
            talker.send(data[cut:-1])
            self.assertEqual(talker.answer().body, b'abc')
            talker.send(data[-1:])
            self.good(talker, 'b.example', '/2')
        together(*(lambda cut=cut: one(cut)
                   for cut in range(0, len(data) - 1, 3)))
        wait_for(lambda: len(self.b.requests) >= len(data) // 3)
        self.assertEqual(self.b.raw, data * len(self.b.requests))

    def test_bodies_both_ways(self):
        """Host changes with bodies of every size in both directions."""
        self.keep('a.example', lambda asked, _: response(asked.body))
        self.keep('c.example', lambda asked, _: response(asked.body))
        talker = self.talk()
        for i in range(60):
            body = bytes([65 + i % 26]) * (i * i * 37)
            how = {'body': body} if i % 3 else {'chunks': [body, b'tail']}
            answer = talker.ask(request('ac'[i % 2] + '.example', '/', **how))
            self.assertEqual(answer.body, body + (b'' if i % 3 else b'tail'))


if __name__ == '__main__':
    unittest.main()
