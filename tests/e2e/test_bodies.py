# SPDX-License-Identifier: ISC
"""Bodies: chunked uploads of 1 GB, slow ones, 100-continue, responses before
the body is complete, half-close."""
import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import time
import unittest

import harness
import peers
from harness import wait_for
from talker import End, Keeper, Reader, Talker, request, response, together

GIGABYTE = 1 << 30
BLOCK = 1 << 20


def digest(asked, _):
    return response('%d %s' % (len(asked.body),
                               hashlib.sha256(asked.body).hexdigest()))


def sum_of(data):
    return '%d %s' % (len(data), hashlib.sha256(data).hexdigest())


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.a = self.keep('a.example', digest)
        self.b = self.keep('b.example', digest)
        self.daemon = self.usherd('-j', '1', tls=0)

    def keep(self, name, answer):
        keeper = Keeper(answer)
        self.tenant(self.host(name) / 'http-socket', keeper)
        return keeper

    def talk(self, seconds=30):
        talker = Talker(self.daemon.http, seconds)
        self.addCleanup(talker.socket.close)
        return talker

    def good(self, talker, body):
        answer = talker.answer()
        self.assertEqual((answer.status, answer.body.decode()),
                         (200, sum_of(body)))


@peers.need_node
class Large(Case):
    """1 GB through usherd into node, which counts and hashes."""

    def setUp(self):
        super().setUp()
        peers.node(self, self.host('node.example') / 'http-socket')

    def feed(self, pipe):
        """A gigabyte in which every block is different; gives its hash."""
        block, hashed = os.urandom(BLOCK), hashlib.sha256()
        for i in range(GIGABYTE // BLOCK):
            piece = i.to_bytes(8, 'big') + block[8:]
            hashed.update(piece)
            pipe.write(piece)
        pipe.close()
        return hashed.hexdigest()

    def upload(self, *options):
        port = self.daemon.http
        start = time.monotonic()
        client = subprocess.Popen(
            ['curl', '-s', '-m', '120', '--noproxy', '*', '--resolve',
             f'node.example:{port}:127.0.0.1', '-T', '-', *options,
             f'http://node.example:{port}/up'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with client:
            hashed = self.feed(client.stdin)
            said = client.stdout.read().decode()
        self.assertEqual(client.wait(), 0)
        self.assertEqual(said, f'node node.example:{port} /up {GIGABYTE} '
                         + hashed)
        seconds = time.monotonic() - start
        print(f'{options[-1]}: 1 GB in {seconds:.1f} s, '
              f'{GIGABYTE / seconds / 1e6:.0f} MB/s', file=sys.stderr)

    def test_chunked(self):
        self.upload('-H', 'Transfer-Encoding: chunked')

    def test_length(self):
        self.upload('-H', 'Transfer-Encoding:', '-H',
                    f'Content-Length: {GIGABYTE}')

    def test_one_chunk(self):
        """A large chunk is granted whole."""
        body = os.urandom(BLOCK) * 200
        talker = self.talk()
        talker.send(request('node.example', '/', chunks=[body]))
        self.assertTrue(talker.answer().body.decode().endswith(
            sum_of(body)))


class Slow(Case):
    """Slow uploads: the ten seconds are for a head, not for a body."""

    def dripped(self, **how):
        data = request('a.example', '/', **how)
        at = data.index(b'\r\n\r\n') + 4
        talker = self.talk()
        talker.send(data[:at])
        talker.drip(data[at:], 12.5 / (len(data) - at))
        return talker

    def whole(self, **how):
        body = how.get('body') or b''.join(how['chunks'])
        self.good(self.dripped(**how), body)

    def stalled(self, cut):
        """Twelve seconds of nothing at one place of a chunked body."""
        data = request('b.example', '/', chunks=[b'q' * 30, b'r' * 5])
        talker = self.talk()
        talker.send(data[:cut])
        time.sleep(12)
        talker.send(data[cut:])
        self.good(talker, b'q' * 30 + b'r' * 5)

    def test_twelve_seconds(self):
        head = len(request('b.example', '/', 'Transfer-Encoding: chunked',
                           method='POST'))
        together(lambda: self.whole(body=b'b' * 40),
                 lambda: self.whole(chunks=[b'c' * 20, b'd', b'e' * 9]),
                 *(lambda cut=head + at: self.stalled(cut)
                   for at in (0, 1, 2, 3, 4, 20, 34, 35, 36, 37)))


class Continue(Case):
    """Clients that wait for 100 Continue before they send the body."""

    def curl_with(self, *options):
        port = self.daemon.http
        done = subprocess.run(
            ['curl', '-sv', '-m', '20', '--noproxy', '*', '--resolve',
             f'node.example:{port}:127.0.0.1', '-H', 'Expect: 100-continue',
             '--expect100-timeout', '15', *options,
             f'http://node.example:{port}/'],
            input=b'x' * 100000, capture_output=True, timeout=30)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    @peers.need_node
    def test_curl_and_node(self):
        peers.node(self, self.host('node.example') / 'http-socket')
        for options in (('--data-binary', '@-'), ('-T', '-'),
                        ('--data-binary', '@-', '-H',
                         'Transfer-Encoding: chunked')):
            start = time.monotonic()
            status, text, trace = self.curl_with(*options)
            with self.subTest(options=options):
                self.assertEqual(status, 0)
                self.assertIn('100 Continue', trace)
                self.assertTrue(text.endswith(sum_of(b'x' * 100000)), text)
                self.assertLess(time.monotonic() - start, 5)


class Early(Case):
    """Responses before the body is complete."""

    def early(self, close):
        received = self.received = []

        def serve(connection):
            reader = Reader(connection)
            reader.head()
            connection.sendall(response(b'early', status='413 Too Large'))
            if close:
                return
            received.append(reader.exactly(1000000))
            with contextlib.suppress(End):
                while True:
                    reader.head()
                    connection.sendall(response(b'next'))
        self.tenant(self.host('early.example') / 'http-socket', serve)
        return request('early.example', '/', body=b'x' * 1000000)

    def test_kept(self):
        """The tenant reads the body all the same: the next request is
        answered."""
        data = self.early(False)
        for name, text in (('early', b'next'),
                           ('b', sum_of(b'').encode())):
            talker = self.talk()
            talker.send(data[:1000])
            self.assertEqual(talker.answer().status, 413)
            talker.send(data[1000:])
            self.assertEqual(
                talker.ask(request(f'{name}.example')).body, text)

    def test_closed(self):
        """It does not: the client has its answer, then the end, and what
        it still sends goes nowhere."""
        data = self.early(True)
        talker = self.talk()
        talker.send(data[:1000])
        self.assertEqual(talker.answer().status, 413)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            talker.send(data[1000:], request('b.example'))
        self.assertEqual(talker.rest(), b'')
        self.assertEqual(self.b.raw, b'')

    def test_closed_while_the_client_sends(self):
        """All of the body is on its way: the answer is not lost."""
        data = self.early(True)
        for _ in range(10):
            talker = self.talk()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                talker.send(data)
            self.assertEqual(talker.answer().status, 413)

    def test_chunked_and_kept(self):
        """After an answer the rest of a chunked body is still walked, and
        still belongs to the same tenant."""
        def serve(connection):
            reader = Reader(connection)
            reader.head()
            connection.sendall(response(b'early'))
            reader.chunked()
            received.append(bytes(reader.raw))
            with contextlib.suppress(End):
                reader.head()
        received = []
        self.tenant(self.host('chunks.example') / 'http-socket', serve)
        data = request('chunks.example', '/',
                       chunks=[b'x' * 1000, request('b.example')])
        talker = self.talk()
        talker.send(data[:200])
        self.assertEqual(talker.answer().body, b'early')
        talker.drip(data[200:], 0.002, 50)
        wait_for(lambda: received)
        self.assertEqual(received, [data])
        talker.send(request('b.example', '/', body=b'1'))
        self.good(talker, b'1')


class HalfClose(Case):
    """The client ends its direction and waits."""

    def test_after_the_request(self):
        for how in ({}, {'body': b'x' * 5000},
                    {'chunks': [b'y' * 5000, b'z']}):
            for before in (0, 1, 5):
                talker = self.talk()
                body = how.get('body') or b''.join(how.get('chunks', []))
                talker.send(*[request('a.example')] * before,
                            request('b.example', '/', **how))
                talker.half_close()
                for _ in range(before):
                    self.good(talker, b'')
                self.good(talker, body)
                self.assertTrue(talker.ended())

    def test_in_one_segment(self):
        """The end comes with the last bytes of a later request."""
        for how in ({}, {'body': b'x' * 50}, {'chunks': [b'y' * 50]}):
            for n in (1, 3):
                talker = self.talk(5)
                talker.send(request('a.example'))
                self.good(talker, b'')
                time.sleep(0.05)
                talker.socket.send(request('b.example', '/', **how) * n,
                                   socket.MSG_MORE)
                talker.half_close()
                for _ in range(n):
                    self.assertEqual(talker.answer().status, 200)
                self.assertTrue(talker.ended())

    def test_later(self):
        """When the response is complete, and while it is not."""
        slow = self.keep('slow.example', lambda *_: (
            time.sleep(0.5), response(b'slow'))[1])
        talker = self.talk()
        talker.send(request('slow.example'))
        time.sleep(0.2)
        talker.half_close()
        self.assertEqual(talker.answer().body, b'slow')
        self.assertTrue(talker.ended())
        wait_for(lambda: slow.visits[0].ended)
        talker = self.talk()
        talker.send(request('a.example'))
        self.good(talker, b'')
        talker.half_close()
        self.assertTrue(talker.ended())

    def test_in_the_middle_of_a_body(self):
        """The tenant sees that it is not complete."""
        for how in ({'body': b'x' * 100}, {'chunks': [b'y' * 100]}):
            self.a.visits.clear()
            talker = self.talk()
            data = request('a.example', '/', **how)
            talker.send(data[:-20])
            talker.half_close()
            talker.rest()
            wait_for(lambda: self.a.visits and self.a.visits[0].ended)
            self.assertEqual(self.a.requests, [])
            self.assertTrue(data.startswith(self.a.raw))


if __name__ == '__main__':
    unittest.main()
