# SPDX-License-Identifier: ISC
"""A response that comes in pieces is passed to its end, whatever the client
says meanwhile: three thousand of three thousand bytes, and behind them the
next exchange and nothing else."""
import contextlib
import os
import signal
import time
import unittest

import applications
import exchanges
import held
import peers
from exchanges import each, says, small_window, stay
from harness import wait_for
from talker import End, chunked, request, together

SIZE, PIECE = 3000, 30
OWN = b'a' * SIZE
PIECES = [b'a' * PIECE] * (SIZE // PIECE)
LENGTH = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % SIZE
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
CLOSE = b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'
HINTS = b'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n'

NODE = '''
const fs = require('fs'), path = process.argv[1];
require('http').createServer((request, response) => {
    request.resume();
    if (request.url !== '/slow') {
        response.end(`${request.headers.host} ${request.url}`);
        return;
    }
    response.writeHead(200, %s);
    let left = 100;
    const timer = setInterval(() => {
        response.write('a'.repeat(30));
        if (--left === 0) {
            clearInterval(timer);
            response.end();
        }
    }, 15);
    response.on('close', () => clearInterval(timer));
}).listen(path, () => fs.chmodSync(path, 0o666));
'''

ASGI = '''
import asyncio

async def app(scope, receive, send):
    if scope['type'] != 'http':
        return
    slow = scope['path'] == '/slow'
    host = dict(scope['headers'])[b'host']
    body = host + b' ' + scope['path'].encode()
    fields = [] if scope['query_string'] else [
        (b'content-length', b'3000' if slow else b'%d' % len(body))]
    await send({'type': 'http.response.start', 'status': 200,
                'headers': fields})
    if not slow:
        await send({'type': 'http.response.body', 'body': body})
        return
    for i in range(100):
        await send({'type': 'http.response.body', 'body': b'a' * 30,
                    'more_body': i < 99})
        await asyncio.sleep(.015)
'''


def chunks():
    return [chunked(piece)[:-5] for piece in PIECES] + [b'0\r\n\r\n']


def slowly(head, pieces, pause):
    """play() of a tenant that answers /slow in pieces, all else at once, and
    keeps its connection."""
    def play(reader):
        while True:
            asked = reader.request()
            if asked.path != '/slow':
                reader.socket.sendall(exchanges.named(asked, None))
                continue
            reader.socket.sendall(head)
            for piece in pieces:
                time.sleep(pause)
                reader.socket.sendall(piece)
    return play


class Midway(exchanges.Case):
    """Each way in which the client can go on, all at once."""

    def then(self, host, after, asked, first, bad):
        """Asks for a slow response, after some seconds for others, and gets
        them whole and in their order; last, perhaps, a refusal of bad."""
        talker = self.talk()
        talker.send(request(host, first))
        time.sleep(after)
        talker.send(*(request(name, path) for name, path in asked),
                    bad or b'')
        self.assertEqual(talker.answer().body, OWN)
        for name, path in asked:
            self.good(talker, name, path)
        if bad:
            self.assertEqual(talker.answer().status, 400)
            self.assertTrue(talker.ended())
        else:
            self.assertTrue(talker.quiet())

    def every_way(self, host, first='/slow'):
        ways = [(after, asked, None) for after in (0, 0.3) for asked in (
            [('b.example', '/2')], [(host, '/2')],
            [(host, '/2'), ('b.example', '/3'), (host, '/4')])]
        ways += [(0.3, [], b'\0\0\0\0\r\n'), (0, [], b'G ET\r\n\r\n'),
                 (0.3, [('b.example', '/2')], b'\r\nG ET\r\n')]
        each(*((self.then, host, after, asked, first, bad)
               for after, asked, bad in ways))

    def test_length(self):
        self.act('a.example', slowly(LENGTH, PIECES, 0.015))
        self.every_way('a.example')

    def test_chunked(self):
        self.act('a.example', slowly(CHUNKED, chunks(), 0.015))
        self.every_way('a.example')

    def test_with_pauses(self):
        """Silent for longer than a network's delay, again and again."""
        self.act('a.example', slowly(LENGTH, [b'a' * 1000] * 3, 0.7))
        self.act('c.example', slowly(CHUNKED, [
            b'7d0\r', b'\n' + b'a' * 1999, b'a\r\n3e', b'8\r\n' + b'a' * 1000,
            b'\r\n', b'0\r\n\r', b'\n'], 0.3))
        together(lambda: self.every_way('a.example'),
                 lambda: self.every_way('c.example'))

    def test_head_in_pieces(self):
        """Nothing but the head is slow."""
        self.act('a.example', slowly(
            b'', [LENGTH[i:i + 3] for i in range(0, len(LENGTH), 3)] + [OWN],
            0.06))
        self.every_way('a.example')

    def test_hints_first(self):
        """What is said before the response is not the response."""
        self.act('a.example', slowly(HINTS, [HINTS, LENGTH, OWN], 0.3))
        self.every_way('a.example')

    def test_close(self):
        """It ends with the connection; so nothing comes behind it."""
        a = self.act('a.example', says(CLOSE, *PIECES, pause=0.015,
                                       hold=False))

        def one(after, more):
            talker = self.talk()
            talker.send(request('a.example', '/slow'))
            time.sleep(after)
            talker.send(more)
            answer = talker.answer()
            self.assertEqual(answer.body, OWN)
        together(*(lambda after=after, more=more: one(after, more)
                   for after in (0, 0.3)
                   for more in (b'', request('b.example', '/never'),
                                request('a.example', '/never'), b'\0\r\n')))
        self.assertEqual(self.b.raw, b'')
        self.assertNotIn(b'/never', a.raw)

    @peers.need_node
    def test_node(self):
        for name, fields in (('n.example', "{'Content-Length': 3000}"),
                             ('m.example', '{}')):
            peers.node(self, self.host(name) / 'http-socket', NODE % fields)
        together(lambda: self.every_way('n.example'),
                 lambda: self.every_way('m.example'))

    @applications.need_uvicorn
    def test_uvicorn(self):
        applications.uvicorn(self, 'u.example', ASGI)
        together(lambda: self.every_way('u.example'),
                 lambda: self.every_way('u.example', '/slow?chunked'))


class Paused(exchanges.Case):
    """A client that does not read for a while is no client that is done."""

    SIZE = 20_000_000

    def large(self, host, *more):
        """Takes a little, waits, and takes the rest."""
        talker = small_window(self.daemon.http)
        self.addCleanup(talker.socket.close)
        talker.send(request(host), *more)
        talker.more()
        time.sleep(2)
        answer = talker.answer()
        self.assertEqual(len(answer.body), self.SIZE)
        self.assertEqual(answer.body.count(b'a'), self.SIZE)
        return talker

    def test_length(self):
        self.act('a.example', says(
            b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % self.SIZE,
            b'a' * self.SIZE))
        together(*[lambda: self.good(self.large(
            'a.example', request('b.example', '/2')), 'b.example', '/2')] * 2)

    def test_chunked(self):
        self.act('a.example', says(CHUNKED, chunked(
            *[b'a' * 10000] * (self.SIZE // 10000))))
        self.good(self.large('a.example', request('b.example', '/2')),
                  'b.example', '/2')

    def test_close(self):
        self.act('a.example', says(CLOSE, b'a' * self.SIZE, hold=False))
        self.large('a.example', request('b.example', '/never'))
        self.assertEqual(self.b.raw, b'')


class Died(exchanges.Case):
    """usherd-http dies in the middle of a response."""

    def dies_in(self, *pieces):
        """Gives what the client gets, when its next request for another host
        has been sent already."""
        a = self.act('a.example', says(*pieces, pause=0.02, hold=False))
        talker = self.talk()
        talker.send(request('a.example'), request('b.example', '/never'))
        wait_for(lambda: a.readers)
        time.sleep(0.3)
        os.kill(*held.children(self.daemon, 'usherd-http'), signal.SIGKILL)
        data = talker.rest()
        self.assertEqual(self.b.raw, b'')
        return data

    def test_length(self):
        """It was granted whole, and passes whole."""
        self.assertEqual(self.dies_in(LENGTH, *PIECES), LENGTH + OWN)

    def test_chunked(self):
        """Nobody reads it any more: all passes, to the tenant's end."""
        pieces = chunks()
        self.assertEqual(self.dies_in(CHUNKED, *pieces),
                         CHUNKED + b''.join(pieces))

    def test_silent_then(self):
        """A tenant that says nothing for five seconds then is not waited
        for."""
        def play(reader):
            reader.request()
            reader.socket.sendall(CHUNKED + b'1\r\na\r\n')
            stay(reader)
        self.act('a.example', play)
        talker = self.talk()
        talker.send(request('a.example'))
        time.sleep(0.3)
        os.kill(*held.children(self.daemon, 'usherd-http'), signal.SIGKILL)
        began = time.monotonic()
        with contextlib.suppress(End):
            talker.rest()
        self.assertTrue(4 < time.monotonic() - began < 8,
                        time.monotonic() - began)


if __name__ == '__main__':
    unittest.main()
