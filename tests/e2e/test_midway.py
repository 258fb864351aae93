# SPDX-License-Identifier: ISC
"""Errors in the middle of a kept-alive connection.  A later request that is
malformed gets its 400 when the earlier responses are complete, one for an
unknown host its 404, a slow head its 408; after 60 idle seconds between
requests the connection is closed without a word.

USHER_QUICK=1 leaves out what takes a minute.
"""
import contextlib
import os
import signal
import socket
import time
import unittest

import harness
import held
import peers
from harness import wait_for
from refused import MORE
from talker import (End, Keeper, Reader, Talker, request, response,
                    together)

QUICK = os.environ.get('USHER_QUICK') == '1'
SLOW = 0.6
MARK = 'mark-of-the-refused'


def slow(asked, _):
    """Takes its time for what says so; a large answer in two parts."""
    if asked.path.startswith('/slow'):
        time.sleep(SLOW)
    if asked.path.startswith('/minute'):
        time.sleep(62)
    body = f'{asked.host} {asked.path} '
    return response(body + 'x' * (2000000 if 'large' in asked.path else 0))


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.a, self.b = Keeper(slow), Keeper(slow)
        self.tenant(self.host('a.example') / 'http-socket', self.a)
        self.tenant(self.host('b.example') / 'http-socket', self.b)
        self.daemon = self.usherd('-j', '1', tls=0)

    def talk(self, seconds=20):
        talker = Talker(self.daemon.http, seconds)
        self.addCleanup(talker.socket.close)
        return talker

    def good(self, talker, name, path):
        answer = talker.answer()
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.body.startswith(
            f'{name}.example {path} '.encode()), answer.body[:80])

    def refused(self, talker, status, reason, host='-'):
        """The constant answer, the end, and one line in the log."""
        answer = talker.answer()
        self.assertEqual(answer.status, status)
        self.assertEqual(answer.fields['connection'], 'close')
        self.assertTrue(answer.body.startswith(b'%d ' % status))
        self.assertTrue(talker.ended())
        self.daemon.wait_log(
            r'refused http client=\[127\.0\.0\.1\]:%d host=%s reason=%s '
            'status=%d%s' % (talker.port, host, reason, status,
                             MORE[reason].lstrip('^')), 5)

    def untold(self):
        """Not a byte of what was refused reached anybody."""
        for keeper in (self.a, self.b):
            self.assertNotIn(MARK.encode(), keeper.raw)


class Later(Case):
    """A later request is refused when its turn comes."""

    WRONG = (
        (f'GET /{MARK} HTTP/1.1\r\n\r\n', 400, 'malformed'),
        (f'GET /{MARK} HTTP/1.1\r\nHost: b.example\r\nHost: a.example'
         '\r\n\r\n', 400, 'malformed'),
        (f'POST /{MARK} HTTP/1.1\r\nHost: b.example\r\nContent-Length: 3\r\n'
         'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'malformed'),
        (f'GET /{MARK} HTTP/1.1\nHost: b.example\n\n', 400, 'malformed'),
        (f'POST /{MARK} HTTP/1.1\r\nHost: b.example\r\n'
         'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501, 'coding'),
        (f'CONNECT {MARK}:80 HTTP/1.1\r\nHost: {MARK}:80\r\n\r\n', 405,
         'connect'),
        (f'GET /{MARK} HTTP/2.0\r\nHost: b.example\r\n\r\n', 505, 'version'),
        (f'GET /{MARK} HTTP/1.1\r\nHost: b.example\r\nX: '
         + 'x' * 40000 + '\r\n\r\n', 431, 'too-large'),
        (f'GET /{MARK} HTTP/1.1\r\nHost: b_.example\r\n\r\n', 404,
         'bad-name'),
        (f'POST /{MARK} HTTP/1.1\r\nHost: b.example\r\n'
         'Transfer-Encoding: chunked\r\n\r\nx\r\n', 400, 'malformed'),
    )

    def after(self, before, data, status, reason, host='-'):
        """before: hosts and paths that are asked for first."""
        talker = self.talk()
        talker.send(*(request(f'{name}.example', path)
                      for name, path in before), data,
                    request('b.example', f'/behind/{MARK}'))
        for name, path in before:
            self.good(talker, name, path)
        self.refused(talker, status, reason, host)
        self.untold()

    def test_malformed(self):
        for text, status, reason in self.WRONG:
            with self.subTest(text=text[:60]):
                self.after([('a', '/1')], text.encode(), status, reason)

    def test_malformed_after_a_slow_one(self):
        def one(text, status, reason):
            return lambda: self.after([('a', '/1'), ('a', '/slow')],
                                      text.encode(), status, reason)
        together(*(one(*wrong) for wrong in self.WRONG))

    def test_malformed_after_a_large_one(self):
        """The client reads late; the response is complete before the
        400."""
        talker = self.talk()
        talker.send(request('a.example', '/slow/large'),
                    self.WRONG[0][0].encode())
        time.sleep(SLOW + 0.3)
        self.good(talker, 'a', '/slow/large')
        self.refused(talker, 400, 'malformed')

    def test_malformed_after_another_host(self):
        self.after([('a', '/1'), ('b', '/slow'), ('a', '/slow'),
                    ('b', '/4')], self.WRONG[0][0].encode(), 400,
                   'malformed')

    def test_malformed_when_idle(self):
        """After a pause: at once, not with the end of some timer."""
        talker = self.talk()
        talker.send(request('a.example', '/1'))
        self.good(talker, 'a', '/1')
        time.sleep(0.2)
        start = time.monotonic()
        talker.send(self.WRONG[0][0].encode())
        self.refused(talker, 400, 'malformed')
        self.assertLess(time.monotonic() - start, 2)

    def test_unknown_host(self):
        self.after([('a', '/slow')],
                   request('unknown.example', f'/{MARK}'), 404,
                   'unknown-host', 'unknown.example')

    def test_refusing_tenant(self):
        gone = socket.socket(socket.AF_UNIX)
        path = self.host('gone.example') / 'http-socket'
        gone.bind(str(path))
        os.chmod(path, 0o666)
        gone.close()
        self.after([('a', '/slow')], request('gone.example', f'/{MARK}'),
                   503, 'refused', 'gone.example')

    def test_tenant_with_full_backlog(self):
        full = socket.socket(socket.AF_UNIX)
        self.addCleanup(full.close)
        path = self.host('full.example') / 'http-socket'
        full.bind(str(path))
        os.chmod(path, 0o666)
        full.listen(0)
        for _ in range(2):
            filler = socket.socket(socket.AF_UNIX)
            self.addCleanup(filler.close)
            filler.setblocking(False)
            if filler.connect_ex(str(path)) != 0:
                break
        self.after([('a', '/slow')], request('full.example', f'/{MARK}'),
                   503, 'backlog-full', 'full.example')

    def test_truncated(self):
        """The client ends in the middle of a head."""
        talker = self.talk()
        talker.send(request('a.example', '/slow'),
                    request('b.example', f'/{MARK}')[:-1])
        talker.half_close()
        self.good(talker, 'a', '/slow')
        self.refused(talker, 400, 'truncated')
        self.untold()

    def test_the_client_is_heard_out(self):
        """It keeps sending behind the wrong request: no reset before it has
        read the answer."""
        talker = self.talk()
        talker.send(request('a.example', '/1'), b'G ET\r\n')
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            talker.send(bytes(1024 * 1024))
        self.good(talker, 'a', '/1')
        self.refused(talker, 400, 'malformed')


@peers.need_node
class Node(Case):
    """The same with a tenant that takes a half-close for a goodbye: node's
    default, and nginx's when it passes requests on."""

    def setUp(self):
        super().setUp()
        peers.node(self, self.host('node.example') / 'http-socket')
        self.talker = self.talk()
        self.talker.send(request('node.example', '/slow'))

    def first(self):
        answer = self.talker.answer()
        self.assertEqual(answer.body, b'node node.example /slow')

    def test_malformed_later(self):
        self.talker.send(b'G ET\r\n\r\n')
        self.first()
        self.refused(self.talker, 400, 'malformed')

    def test_unknown_host_later(self):
        self.talker.send(request('unknown.example'))
        self.first()
        self.refused(self.talker, 404, 'unknown-host', 'unknown.example')

    def test_parser_killed(self):
        time.sleep(0.2)
        os.kill(*held.children(self.daemon, 'usherd-http'), signal.SIGKILL)
        self.first()
        self.assertTrue(self.talker.ended())


class Seconds(Case):
    """What takes more than ten seconds, all at once."""

    def late(self, before, data, drip=b''):
        """A head that is not complete in time gets its 408."""
        talker = self.talk(30)
        for name in before:
            talker.send(request(f'{name}.example', '/1'))
            self.good(talker, name, '/1')
        time.sleep(1 if before else 0)  # the first one's time runs already
        start = time.monotonic()
        talker.send(data)
        talker.drip(drip, 0.5)
        self.refused(talker, 408, 'timeout')
        self.assertTrue(9.5 < time.monotonic() - start < 13)

    def patient(self):
        """Between requests it may think for longer than a head may take."""
        talker = self.talk(30)
        for pause in (11, 0.2, 0):
            talker.send(request('a.example', '/1'))
            self.good(talker, 'a', '/1')
            time.sleep(pause)

    def test_ten_seconds(self):
        head = request('b.example', f'/{MARK}')
        together(lambda: self.late('a', head[:-1]),
                 lambda: self.late('a', head[:1]),
                 lambda: self.late('ab', head[:10], head[10:28]),
                 lambda: self.late('', head[:10]),
                 lambda: self.late('ba', b'\r\nG'),
                 self.patient)
        self.untold()


@unittest.skipIf(QUICK, 'takes a minute')
class Minute(Case):
    """Idle between requests, and then closed without a word."""

    def idle(self, *names):
        talker = self.talk(80)
        for name in names:
            talker.send(request(f'{name}.example', '/1'))
            self.good(talker, name, '/1')
        start = time.monotonic()
        self.assertEqual(talker.rest(), b'')
        self.assertTrue(58 < time.monotonic() - start < 65,
                        time.monotonic() - start)

    def busy(self):
        """Not idle: the tenant takes its time for the response."""
        talker = self.talk(80)
        for path in ('/1', '/minute', '/2'):
            talker.send(request('a.example', path))
            self.good(talker, 'a', path)

    def uploading(self, **how):
        """Not idle: the client takes its time in the middle of a body."""
        talker = self.talk(80)
        data = request('a.example', '/1', **how)
        talker.send(data[:-10])
        time.sleep(62)
        talker.send(data[-10:])
        self.good(talker, 'a', '/1')

    def streaming(self):
        """Not between requests: the tenant says something now and then in
        the middle of a response (server-sent events)."""
        talker = self.talk(80)
        talker.send(request('stream.example'))
        self.assertEqual(talker.answer().body, b'event, event')

    def stream(self, connection):
        Reader(connection).request()
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n'
                           b'Content-Type: text/event-stream\r\n\r\nevent,')
        for piece in (b' ev', b'ent'):
            time.sleep(35)
            connection.sendall(piece)

    def used(self):
        """A minute begins anew with each request."""
        talker = self.talk(80)
        for _ in range(2):
            talker.send(request('a.example', '/1'))
            self.good(talker, 'a', '/1')
            time.sleep(33)
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b', '/2')

    def test_one_minute(self):
        front = held.front(self.daemon)
        before = held.descriptors(front)
        self.tenant(self.host('stream.example') / 'http-socket', self.stream)
        together(lambda: self.idle('a'), lambda: self.idle('a', 'b', 'a'),
                 self.busy, self.used,
                 lambda: self.uploading(body=b'x' * 100),
                 lambda: self.uploading(chunks=[b'x' * 50, b'y']),
                 self.streaming, seconds=80)
        self.assertNotIn('refused', self.daemon.said())
        if before is not None:
            wait_for(lambda: held.descriptors(front) <= before)


class Endings(Case):
    """Processes that end while a request is on its way."""

    def in_flight(self, *paths, n=1):
        """Clients whose tenant is thinking."""
        talkers = [self.talk() for _ in range(n)]
        for talker in talkers:
            talker.send(*(request('a.example', path) for path in paths))
        wait_for(lambda: len(self.a.requests) >= n)
        return talkers

    def settled(self, what, pids):
        """Waits until each process has as few descriptors as before."""
        if None not in what:
            wait_for(lambda: [held.descriptors(pid)
                              for pid in pids] <= what, 10)

    def test_terminated(self):
        """SIGTERM: the response is finished, then it ends."""
        talker, = self.in_flight('/slow/large')
        self.daemon.process.send_signal(signal.SIGTERM)
        self.good(talker, 'a', '/slow/large')
        talker.socket.close()
        self.assertEqual(self.daemon.process.wait(10), 0)

    def test_parser_killed(self):
        """The response in flight is complete; the next connections are
        served by another parser."""
        talkers = self.in_flight('/slow/large', n=5)
        idle = self.talk()
        idle.send(request('b.example', '/1'))
        self.good(idle, 'b', '/1')
        os.kill(*held.children(self.daemon, 'usherd-http'), signal.SIGKILL)
        for talker in talkers:
            self.good(talker, 'a', '/slow/large')
            self.assertTrue(talker.ended())
        self.assertTrue(idle.ended())
        held.ready_children(self.daemon, 2)
        talker = self.talk()
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b', '/2')

    def test_parser_killed_with_more_on_the_way(self):
        """What it had not seen reaches nobody."""
        talker, = self.in_flight('/slow')
        os.kill(*held.children(self.daemon, 'usherd-http'), signal.SIGKILL)
        time.sleep(0.1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            talker.send(request('b.example', f'/{MARK}'))
        self.good(talker, 'a', '/slow')
        self.assertTrue(talker.ended())
        self.untold()

    def test_parser_killed_in_the_middle_of_a_body(self):
        """Of an unfinished chunked body nothing more passes; one with a
        length is granted already and does."""
        length, chunks = self.talk(), self.talk()
        whole = request('a.example', '/1', body=b'x' * 100)
        length.send(whole[:-50])
        chunks.send(request('b.example', '/2',
                            'Transfer-Encoding: chunked', method='POST'),
                    b'5\r\nhello\r\n')
        wait_for(lambda: self.b.raw.endswith(b'hello\r\n') and self.a.raw)
        os.kill(*held.children(self.daemon, 'usherd-http'), signal.SIGKILL)
        time.sleep(0.1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            chunks.send(b'5\r\nworld\r\n0\r\n\r\n')
        length.send(whole[-50:])
        self.good(length, 'a', '/1')
        self.assertTrue(chunks.ended())
        self.assertNotIn(b'world', self.b.raw)

    def test_relay_killed(self):
        """Clients hear an end, usherd goes on, and the parser ends, when it
        has let its copies go."""
        pids = held.ready_children(self.daemon, 2)
        parser, = held.children(self.daemon, 'usherd-http')
        relay, = held.children(self.daemon, 'usherd-relay')
        front = held.front(self.daemon)
        before = [held.descriptors(front)]
        self.assertEqual(len(pids), 2)
        talkers = self.in_flight('/slow', n=10)
        idle = [self.talk() for _ in range(10)]
        for talker in idle:
            talker.send(request('b.example', '/1'))
            self.good(talker, 'b', '/1')
        os.kill(relay, signal.SIGKILL)
        for talker in talkers + idle:
            with self.assertRaises((End, ConnectionResetError)):
                talker.answer()
        held.ready_children(self.daemon, 2)
        held.wait_gone([parser], 10)
        self.settled(before, [front])
        self.assertEqual(held.front(self.daemon), front)
        talker = self.talk()
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b', '/2')

    def test_nothing_is_left(self):
        """Descriptors of all three return to what they were."""
        pids = [held.front(self.daemon),
                *held.ready_children(self.daemon, 2)]
        before = [held.descriptors(pid) for pid in pids]
        for i in range(60):
            with Talker(self.daemon.http) as talker:
                talker.send(*(request('ab'[j % 2] + '.example', f'/{j}')
                              for j in range(1 + i % 5)), b'GET'[:i % 4])
                if i % 3:
                    self.good(talker, 'a', '/0')
                if i % 7 == 0:
                    talker.socket.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER,
                        b'\1\0\0\0\0\0\0\0')
        if None not in before:
            def back():
                return all(now <= then for now, then in zip(
                    map(held.descriptors, pids), before))
            wait_for(back, 15)


if __name__ == '__main__':
    unittest.main()
