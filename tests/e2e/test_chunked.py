# SPDX-License-Identifier: ISC
"""Chunked bodies in all shapes (sizes, extensions, trailers), and requests in
all pieces.  Of what is broken nothing reaches a tenant."""
import random
import time
import unittest

from harness import wait_for
from talker import chunked, request, together
from test_bodies import Case

HEAD = request('a.example', '/', 'Transfer-Encoding: chunked',
               method='POST')
NEXT = request('b.example', '/next', body=b'next')


class Shapes(Case):
    def sent(self, body, content, pieces=None):
        """A chunked body, then a request for another host."""
        for keeper in (self.a, self.b):
            keeper.visits.clear()
        data = HEAD + body + NEXT
        talker = self.talk()
        if pieces is None:
            talker.send(data)
        else:
            for piece in pieces(data):
                talker.send(piece)
        self.good(talker, content)
        self.good(talker, b'next')
        self.assertEqual(self.a.raw, HEAD + body)
        self.assertEqual(self.b.raw, NEXT)
        talker.socket.close()

    def test_ten_thousand_small_chunks(self):
        chance = random.Random(1)
        pieces = [chance.randbytes(chance.randint(1, 100))
                  for _ in range(10000)]
        start = time.monotonic()
        self.sent(chunked(*pieces), b''.join(pieces))
        self.assertLess(time.monotonic() - start, 10)

    def test_in_pieces_of_chance(self):
        """The same bytes in segments that end anywhere."""
        chance = random.Random(2)
        parts = [chance.randbytes(chance.randint(1, 3000))
                 for _ in range(200)]

        def pieces(data):
            at = 0
            while at < len(data):
                size = chance.choice((1, 2, 3, 10, 1000, 5000))
                yield data[at:at + size]
                at += size
        self.sent(chunked(*parts), b''.join(parts), pieces)

    def test_extensions_and_trailers(self):
        for extension in (b';a', b';a=b', b' ; a = "b;\\"\r"'.replace(
                b'\r', b'c'), b';a=b;c="d e"', b';' + b'x' * 3000):
            self.sent(chunked(b'abc', b'def', extension=extension),
                      b'abcdef')
        for trailers in (['A: b'], ['X-%d: %s' % (i, 'y' * 100)
                                    for i in range(99)], ['Empty:']):
            self.sent(chunked(b'abc', trailers=trailers), b'abc')

    def test_sizes(self):
        for text in (b'3', b'03', b'0000000000000003'):
            self.sent(text + b'\r\nabc\r\n0\r\n\r\n', b'abc')
        for text in (b'A', b'a', b'0a'):
            self.sent(text + b'\r\n0123456789\r\n000\r\n\r\n', b'0123456789')

    def test_about_the_window(self):
        """Chunks and heads whose ends lie about 32 KiB, where what is seen
        at once ends; and about powers of two."""
        for size in (1, 4096, 16384, 32768, 65536, 262144):
            for more in (-2, -1, 0, 1, 2):
                room = max(1, size + more - len(HEAD))
                body = b'w' * room
                self.sent(chunked(body), body)
                self.sent(chunked(body, b'v'), body + b'v')

    def test_lengths_about_the_window(self):
        for size in (1, 4096, 32768, 65536):
            for more in (-2, -1, 0, 1, 2):
                body = b'l' * (size + more)
                talker = self.talk()
                for method in ('GET', 'POST'):
                    talker.send(request('a.example', '/', body=body,
                                        method=method), NEXT)
                    self.good(talker, body)
                    self.good(talker, b'next')
                talker.socket.close()

    def test_every_split(self):
        """A pipelined pair in two pieces, cut at every byte."""
        data = HEAD + chunked(b'one', b'four', extension=b';e',
                              trailers=['T: u']) + NEXT

        def one(cut):
            talker = self.talk()
            talker.send(data[:cut])
            time.sleep(0.03)
            talker.send(data[cut:])
            self.good(talker, b'onefour')
            self.good(talker, b'next')
            talker.socket.close()
        cuts = list(range(1, len(data)))
        together(*(lambda i=i: [one(cut) for cut in cuts[i::8]]
                   for i in range(8)))
        self.assertEqual(self.b.raw, NEXT * len(cuts))
        self.assertEqual({visit.raw for visit in self.a.visits},
                         {data[:-len(NEXT)]})

    def test_byte_by_byte(self):
        data = HEAD + chunked(b'one', b'four', trailers=['T: u']) + NEXT
        talker = self.talk()
        talker.drip(data * 2, 0.002)
        for _ in range(2):
            self.good(talker, b'onefour')
            self.good(talker, b'next')


class Broken(Case):
    """Framing that is broken: of it, and of what follows, nothing reaches a
    tenant; the tenant sees an end, the client a 400 or an end."""

    BROKEN = (b'x', b'-1\r\n', b'+1\r\na\r\n', b'0x1\r\na\r\n', b' 1\r\na',
              b'1 \r\na', b'1\na\n', b'1\r\na\n', b'1\r\nab\r\n', b'\r\n',
              b'10000000000000000\r\na', b'ffffffffffffffff\r\na',
              b'8000000000000000\r\na', b'00000000000000001\r\na',
              b'1;\r\na\r\n', b'1;a=\r\na\r\n', b'1;a="b\r\na\r\n',
              b'1;\x00\r\n', b'1;a\n\r\n', b'1;' + b'x' * 5000,
              b'0\r\nContent-Length: 5\r\n\r\n',
              b'0\r\nTransfer-Encoding: chunked\r\n\r\n',
              b'0\r\nHost: b.example\r\n\r\n', b'0\r\n folded\r\n\r\n',
              b'0\r\nNo colon\r\n\r\n', b'0\r\n\n', b'0\n\r\n', b'0\r\n\rx',
              b'0\r\nA : b\r\n\r\n', b'1_\r\na\r\n', b'1\x0b\r\na\r\n')

    def broken(self, good, bad, apart):
        """good chunks, then bad; together with them or a moment later."""
        for keeper in (self.a, self.b):
            keeper.visits.clear()
        talker = self.talk()
        tail = bad + b'\r\n\r\n' + NEXT
        talker.send(HEAD, good, b'' if apart else tail)
        if apart:
            wait_for(lambda: self.a.raw.endswith(good))
            talker.send(tail)
        said = talker.rest()
        if said:
            self.assertTrue(said.startswith(b'HTTP/1.1 400 '), said)
        self.assertEqual(self.b.raw, b'')
        for visit in list(self.a.visits):
            wait_for(lambda: visit.left)
            self.assertEqual(visit.requests, [])
            self.assertTrue((HEAD + good).startswith(
                visit.raw[:len(HEAD + good)]))
            self.told_little(visit.raw[len(HEAD + good):], bad)
        talker.socket.close()

    def told_little(self, more, bad):
        """Whole legal lines before the break may have passed; the line in
        which it is has not."""
        if more:
            self.assertTrue(bad.startswith(more), more)
            self.assertTrue(more in (b'1\r\na', b'0\r\n'), more)

    def test_in_the_first_look(self):
        for bad in self.BROKEN:
            with self.subTest(bad=bad[:40]):
                self.broken(b'', bad, False)
                self.assertEqual(self.a.visits, [])

    def test_later(self):
        good = chunked(b'good', b'x' * 100)[:-5]
        for bad in self.BROKEN:
            with self.subTest(bad=bad[:40]):
                self.broken(good, bad, True)

    def test_behind_the_window(self):
        """Broken where the first look does not reach."""
        good = chunked(*[b'g' * 500] * 200)[:-5]
        for bad in self.BROKEN[:6]:
            with self.subTest(bad=bad[:40]):
                self.broken(good, bad, False)

    def test_at_the_end_of_a_large_chunk(self):
        """Granted whole, unseen; what stands behind it is read again."""
        good = chunked(b'g' * 300000)[:-7]
        for bad in (b'xx', b'\n', b'\r\r', b'\r\nx'):
            with self.subTest(bad=bad):
                talker = self.talk()
                talker.send(HEAD, good, bad, NEXT)
                said = talker.rest()
                if said:
                    self.assertTrue(said.startswith(b'HTTP/1.1 400 '))
                self.assertEqual(self.b.raw, b'')
                self.assertNotIn(b'next', self.a.raw)


if __name__ == '__main__':
    unittest.main()
