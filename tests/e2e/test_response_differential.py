# SPDX-License-Identifier: ISC
"""The reader of responses against what reads them in the field: nginx and
haproxy as proxies that keep connections, node's http.Agent, curl, and Java's
HttpClient.

Each is sent the same responses, cut where ours says that they end, as usherd
would pass them on, and then asks again.  All must take such a response for
whole, with the same status and body, and whoever asks again on the same
connection must see the next response from its first byte.  Who waits for more
is given the next response after a moment, and takes it for the rest.  To
refuse a response is no other cut, but who does is written down here.

Where ours ends a response because clients may see different ends of it, or
has no end, nobody need understand it; but no client may see an end before
ours.
responses.py has the streams; USHER_STREAMS is the number of mutated ones,
USHER_SEED begins their chance.
"""
import os
import re
import subprocess
import sys
import unittest

import harness
import peers
import responses
from keepers import CURL, HAPROXY, INTERIM, JAVA, PEERS
from talker import End, Reader, together

MUTATED = int(os.environ.get('USHER_STREAMS', '200'))
STEP = 8 if os.environ.get('USHER_QUICK') == '1' else 1
SEED = int(os.environ.get('USHER_SEED', '1'))
TOOL = harness.BUILD / 'tests' / 'response'
SECOND_SEEN = (200, b'second')

# Who refuses a legal response, and which: (the peer, what it begins with or
# has inside).
REFUSALS = [
    # no content, but a length of it
    ('java', re.compile(rb'HTTP/1\.1 204 .*\r\n'
                        rb'(Content-Length: [1-9]|Transfer-Encoding)', re.S)),
    # bounds: a size line, a trailer, a name
    ('java', re.compile(rb'\r\n5;a{2000}')),
    ('curl', re.compile(rb'\r\nT: u{4000}')),
    ('haproxy', re.compile(rb'\r\nX{256}')),
]

# Who sees an end before ours, and why ours does not end there:
EARLIER = [
    # Trailers are legal.  Whoever keeps such a connection is not sent another
    # response, but the rest of the trailers.
    ('java', 'GET', re.compile(rb'\r\n0\r\n[^\r\n]')),
    # Behind an interim response with a length, or to HEAD, nginx before 1.29
    # sees an end, and all others one behind the final one.
    (None, 'HEAD', re.compile(rb'HTTP/1\.1[ \t]+1\d\d\b')),
    (None, 'GET', re.compile(rb'HTTP/1\.1[ \t]+1\d\d\b[^\r\n]*\r?\n'
                             rb'([^\r\n]+\r?\n)*?'
                             rb'(Content-Length|Transfer-Encoding)\b')),
]


class Given:
    """A socket from which these bytes can be read."""

    def __init__(self, data):
        self.data = data

    def recv(self, _):
        data, self.data = self.data, b''
        return data


def plainly(method, message):
    """Status and body as a trusting reader sees them; it must end where the
    message does."""
    reader = Reader(Given(message))
    answer = reader.answer(method)
    assert reader.at == len(message), message
    return answer.status, answer.body


def said_of(method, stream):
    """What ours says: its state, bytes up to there, whether it is the last one
    of its connection, and that because clients may differ."""
    said = subprocess.run([TOOL, 'head' if method == 'HEAD' else 'get'],
                          input=stream, stdout=subprocess.PIPE, check=True)
    state, end, *more = said.stdout.decode().split()
    return state, int(end), 'last' in more, 'odd' in more


def end_of(method, stream):
    """The response at the start of the stream, if it has an end there that all
    must see, and whether it is the last one of its connection."""
    state, end, last, odd = said_of(method, stream)
    if state != 'end' or odd or end > len(stream):
        return None, True
    return stream[:end], last


def rows():
    """Those of the table; with USHER_QUICK=1 some of them."""
    return list(dict.fromkeys(responses.table()))[::STEP]


def passed(message):
    """The bodies that may have been seen in it: those of its chunks, what
    stands behind any empty line, or all (HTTP/0.9, for nginx)."""
    return [b'hello', b'hello world', b'0123456789', message] + [
        message[at.end():]
        for at in re.finditer(rb'(?<=\n)\r*\n', message)]


def may_refuse(name, message):
    return any(who == name and what.search(message)
               for who, what in REFUSALS)


@peers.need_nginx
@peers.need_node
@harness.unittest.skipUnless(HAPROXY, 'haproxy is not installed')
@harness.unittest.skipUnless(CURL, 'curl is not installed')
@harness.unittest.skipUnless(JAVA, 'java is not installed')
class Differential(harness.Case):
    def setUp(self):
        super().setUp()
        self.peers = dict(zip(PEERS, together(
            *[lambda kind=kind: kind(self) for kind in PEERS.values()])))
        self.counts = dict.fromkeys(('framed', 'refused', 'kept'), 0)

    def tearDown(self):
        print(self.counts, file=sys.stderr)

    def see(self, method, message):
        """{name: Seen}"""
        return dict(zip(self.peers, together(
            *[lambda peer=peer: peer.exchange(method, message)
              for peer in self.peers.values()])))

    def compare(self, name, seen, expected, message, last=False,
                strange=False):
        first, second, kept, early = seen
        self.counts['kept'] += kept
        if name == 'nginx' and INTERIM.match(message):
            # Before 1.29 it takes an interim response for a final one that
            # ends with the connection, on which it asks for nothing more.
            if not kept:
                return
        if first is None or (first[0] == 502 and expected[0] != 502):
            self.counts['refused'] += 1
            self.assertTrue(strange or may_refuse(name, message),
                            f'{name} refuses {message}')
            self.assertFalse(kept, f'{name} refuses and goes on: {message}')
            return
        self.assertEqual(first, expected, f'{name} sees another end of '
                         f'{message}')
        if last:
            return
        self.assertFalse(early, f'{name} sees an earlier end of {message}')
        if kept:
            self.assertEqual(second, SECOND_SEEN,
                             f'{name} sees another start behind {message}')

    def one(self, method, message, last, strange=False):
        expected = plainly(method, message)
        self.counts['framed'] += 1
        for name, seen in self.see(method, message).items():
            self.compare(name, seen, expected, message, last, strange)

    def test_table(self):
        for method, stream in rows():
            message, last = end_of(method, stream)
            if message is None:
                continue
            with self.subTest(method=method, stream=stream):
                self.one(method, message, last)
        self.assertGreater(self.counts['framed'], 300 // STEP)
        self.assertGreater(self.counts['kept'], 1000 // STEP)

    def test_mutated(self):
        """Of these anybody may refuse any."""
        for method, stream in responses.mutated(SEED):
            message, last = end_of(method, stream)
            if message is None:
                continue
            with self.subTest(method=method, stream=stream):
                self.one(method, message, last, strange=True)
            if self.counts['framed'] == MUTATED // STEP:
                break

    def test_a_wrong_cut_is_noticed(self):
        """By each of them: would the comparison see a difference at all?"""
        whole = responses.five(responses.LENGTH)
        coded = responses.five(responses.CODED, body=responses.CHUNKS)
        empty = responses.head(line=b'HTTP/1.1 304 Not Modified')
        for message, cut in ((whole, whole[:-1]), (coded, coded[:-1]),
                             (coded, coded[:-2]), (empty, empty[:-1]),
                             (whole, whole + whole)):
            expected = plainly('GET', message)
            for name, seen in self.see('GET', cut).items():
                with self.subTest(name=name, cut=cut):
                    with self.assertRaises(AssertionError):
                        self.compare(name, seen, expected, message)
                        self.assertTrue(seen.kept)  # it has let go of it

    def earlier(self, name, method, stream, state, end):
        """Of the stream up to there, whole or not, with an end or not."""
        seen = self.peers[name].exchange(method, stream[:end], True)
        if seen.first is None or seen.first[0] == 502:
            self.counts['refused'] += 1
            return
        endless = state == 'last' or end > len(stream)
        if any(who in (None, name) and how == method and what.search(stream)
               for who, how, what in EARLIER):
            return
        self.assertFalse(seen.early or (endless and seen.kept),
                         f'{name} sees an earlier end of {stream}: {seen}')
        if not endless and seen.first[1]:
            self.assertIn(seen.first[1], passed(stream[:end]),
                          f'{name} sees other bytes of {stream}')

    def every_earlier(self, rows, most=None):
        for method, stream in rows:
            state, end, last, _ = said_of(method, stream)
            if state != 'last' and not last:
                continue
            self.counts['framed'] += 1
            with self.subTest(method=method, stream=stream):
                together(*(lambda name=name: self.earlier(
                    name, method, stream, state, end)
                    for name in self.peers))
            if self.counts['framed'] == most:
                break

    def test_nobody_sees_an_earlier_end(self):
        self.every_earlier(rows())
        self.assertGreater(self.counts['framed'], 500 // STEP)

    def test_nor_of_mutants(self):
        self.every_earlier(responses.mutated(SEED), MUTATED // STEP)

    def test_ambiguous(self):
        """What they read in two ways is the last one."""
        for stream in responses.AMBIGUOUS:
            with self.subTest(stream=stream):
                state, end, last, odd = said_of('GET', stream)
                self.assertEqual((state, last, odd), ('end', True, True))
                self.assertLessEqual(end, len(stream))
                seen = self.see('GET', stream)
                self.assertGreater(
                    len({each.first for each in seen.values()}), 1)

    def test_a_late_end_is_noticed(self):
        """By each of them, who sees an earlier one of some of these."""
        noticed = set()
        for stream in responses.AMBIGUOUS:
            stream += b'E'  # by itself, behind their end
            for name in set(self.peers) - noticed:
                try:
                    self.earlier(name, 'GET', stream, 'end', len(stream))
                except AssertionError:
                    noticed.add(name)
        self.assertEqual(noticed, set(self.peers))


if __name__ == '__main__':
    unittest.main()
