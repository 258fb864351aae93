# SPDX-License-Identifier: ISC
"""Where a response ends, who ends the connection, and what comes of bytes that
belong to no exchange."""
import contextlib
import signal
import time

import exchanges
import harness
import held
from exchanges import says, stay
from harness import wait_for
from talker import End, request, response, together

OK = b'HTTP/1.1 200 OK\r\n'
FOREIGN = response(b'not yours')


def by_path(answers):
    """play() of a tenant that keeps its connection and says what stands for
    the path; None closes."""
    def play(reader):
        while True:
            said = answers[reader.request().path]
            if said is None:
                return
            reader.socket.sendall(said)
    return play


class Framed(exchanges.Case):
    """Responses after which the same connection goes on: to the same host by
    the same connection of its, and to another."""

    def goes_on(self, said, method='GET', version='1.1', fields=(),
                want=None):
        a = self.act('a.example', by_path({'/1': said, '/2': FOREIGN}))
        talker = self.talk()
        first = request('a.example', '/1', *fields, method=method,
                        version=version)
        for rest in ((request('b.example', '/2'), b'b.example /2'),
                     (request('a.example', '/2'), b'not yours'),
                     (request('b.example', '/3'), b'b.example /3')):
            for together_ in (True, False):
                talker.send(first, rest[0] if together_ else b'')
                answer = talker.answer(method)
                if want is not None:
                    self.assertEqual(answer.body, want)
                if not together_:
                    self.assertTrue(talker.quiet(0.1))
                    talker.send(rest[0])
                self.assertEqual(talker.answer().body, rest[1])
        self.assertTrue(talker.quiet(0.1))
        talker.socket.close()
        return a

    def test_head_with_a_length(self):
        self.goes_on(OK + b'Content-Length: 3000\r\n\r\n', 'HEAD')

    def test_head_chunked(self):
        self.goes_on(OK + b'Transfer-Encoding: chunked\r\n\r\n', 'HEAD')

    def test_head_without(self):
        self.goes_on(OK + b'\r\n', 'HEAD')

    def test_no_content(self):
        for fields in (b'', b'Content-Length: 5\r\n', b'ETag: "x"\r\n',
                       b'Content-Length: 0\r\n'):
            for status in (b'204 No Content', b'304 Not Modified'):
                with self.subTest(status=status, fields=fields):
                    self.goes_on(b'HTTP/1.1 ' + status + b'\r\n' + fields
                                 + b'\r\n')

    def test_length(self):
        self.goes_on(response(b'x' * 5), want=b'x' * 5)
        self.goes_on(response(b''), want=b'')
        self.goes_on(OK + b'content-length:  5 \r\n\r\nxxxxx', want=b'xxxxx')

    def test_chunked(self):
        head = OK + b'Transfer-Encoding: chunked\r\n\r\n'
        self.goes_on(head + b'5\r\nhello\r\n0\r\n\r\n', want=b'hello')
        self.goes_on(head + b'5;a="b"\r\nhello\r\n0\r\n\r\n',
                     want=b'hello')
        self.goes_on(head + b'0\r\n\r\n', want=b'')

    def test_informational_first(self):
        hints = b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'
        for n in (1, 3, 500):
            self.goes_on(hints * n + response(b'x'), want=b'x')

    def test_http_1_0_kept_alive(self):
        self.goes_on(b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n'
                     b'Content-Length: 2\r\n\r\nok', version='1.0',
                     fields=('Connection: keep-alive',), want=b'ok')

    def test_large_head(self):
        """Of any size, and in any pieces."""
        said = OK + b'X: ' + b'x' * 100000 + b'\r\n' + \
            b'Content-Length: 1\r\n\r\ny'
        self.goes_on(said, want=b'y')
        self.act('c.example', says(*(said[i:i + 7919] for i in range(
            0, len(said), 7919)), pause=0.005))
        talker = self.talk()
        talker.send(request('c.example'), request('b.example', '/2'))
        self.assertEqual(talker.answer().body, b'y')
        self.good(talker, 'b.example', '/2')


class Last(exchanges.Case):
    """Responses behind which nothing more is served: they pass as they are,
    and the connection ends."""

    def last(self, said, whole=None, version='1.1', fields=(), hold=False):
        """The next request, sent with the first, reaches nobody."""
        a = self.act('a.example', says(said, hold=hold))
        talker = self.talk()
        talker.send(request('a.example', '/1', *fields, version=version),
                    request('b.example', '/never'))
        self.assertEqual(talker.rest(), said if whole is None else whole)
        self.assertEqual(self.b.raw, b'')
        self.assertNotIn(b'/never', a.raw)
        talker.socket.close()

    def test_ends_with_the_connection(self):
        for head in (OK + b'\r\n', OK + b'Connection: close\r\n\r\n',
                     b'HTTP/1.0 200 OK\r\n\r\n',
                     b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n'):
            with self.subTest(head=head):
                self.last(head + b'x' * 100000)

    def test_says_close(self):
        """The tenant stays; the client's connection ends behind it."""
        for said in (response(b'x' * 5, 'Connection: close'),
                     OK + b'Transfer-Encoding: chunked\r\nConnection: close'
                     b'\r\n\r\n1\r\nx\r\n0\r\n\r\n',
                     response(b'x', 'Connection: x, Close ,y'),
                     response(b'', 'Connection: close',
                              status='204 No Content'),
                     # Java's client loses two bytes behind trailers
                     OK + b'Transfer-Encoding: chunked\r\n\r\n0\r\nX: y'
                     b'\r\n\r\n'):
            with self.subTest(said=said):
                began = time.monotonic()
                self.last(said, hold=True)
                self.assertLess(time.monotonic() - began, 5)

    def test_http_1_0(self):
        self.last(b'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
                  hold=True)

    def test_client_says_close(self):
        self.last(response(b'ok'), fields=('Connection: close',), hold=True)
        self.last(response(b'ok'), version='1.0', hold=True)

    UNFRAMED = (
        b'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        b'Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc',
        b'Content-Length: 2, 3\r\n\r\nabc', b'Content-Length: -1\r\n\r\nabc',
        b'Content-Length: 0x2\r\n\r\nabc', b'Content-Length : 2\r\n\r\nabc',
        b'Content-Length: 99999999999999999999\r\n\r\nabc',
        b'Transfer-Encoding: gzip\r\n\r\nabc',
        b'Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\nabc',
        b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n'
        b'0\r\n\r\nabc',
        b'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
        b'Transfer-Encoding: chunked\r\n\r\nxyz\r\n',
        b'Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n',
        b'X: \0\r\nContent-Length: 2\r\n\r\nab', b'\r\nno length')

    def test_not_framed(self):
        """Nobody can say where it ends: all that the tenant says at once
        passes, and it is the last."""
        for rest in self.UNFRAMED:
            with self.subTest(rest=rest):
                self.last(OK + rest)
        for said in (b'hello\r\n', b'HTTP/2.0 200 OK\r\n\r\nx',
                     b'HTTP/1.1 2OO OK\r\nContent-Length: 0\r\n\r\n',
                     b'ICY 200 OK\r\nContent-Length: 0\r\n\r\n', b'\0' * 100):
            with self.subTest(said=said):
                self.last(said)

    def test_not_framed_and_more_asked(self):
        """The tenant has said all and stays; the client, to whom that was a
        whole response perhaps, asks for more: both are closed soon, or have
        been at an end that it could see, without a word."""
        def one(rest):
            name = 'u%d.example' % self.UNFRAMED.index(rest)
            self.act(name, says(OK + rest))
            talker = self.talk()
            talker.send(request(name))
            wait_for(lambda: (talker.more(), len(talker.raw)
                              >= len(OK + rest))[1])
            time.sleep(2)
            began = time.monotonic()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                talker.send(request('b.example', '/never'))
            self.assertEqual(talker.rest(), OK + rest)
            self.assertLess(time.monotonic() - began, 3)
        together(*(lambda rest=rest: one(rest) for rest in self.UNFRAMED))
        self.assertEqual(self.b.raw, b'')
        self.assertEqual(self.refusals(), [])

    def test_not_framed_and_still_talking(self):
        """As long as the tenant says something it is not cut."""
        self.act('a.example', says(OK + b'\r\n', *[b'x'] * 12, pause=0.3,
                                   hold=False))
        talker = self.talk()
        talker.send(request('a.example'), request('b.example', '/never'))
        self.assertEqual(talker.rest(), OK + b'\r\n' + b'x' * 12)


class Gone(exchanges.Case):
    """Tenants that close, at each place where one can."""

    def test_between_requests(self):
        """The client does not notice; the next request gets a new one."""
        once = self.keep('once.example', most=1)
        talker = self.talk()
        for i in range(10):
            talker.send(request('once.example', f'/{i}'))
            self.good(talker, 'once.example', f'/{i}')
            wait_for(lambda: once.visits[-1].left)
            self.assertTrue(talker.quiet(0.05))
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')
        self.assertEqual(len(once.visits), 10)

    def test_between_pipelined_requests(self):
        """The next may have been sent as it closes: then the connection ends
        without a word, and none is sent twice."""
        for _ in range(20):
            once = self.keep('once.example', most=1)
            talker = self.talk()
            talker.send(*(request('once.example', f'/{i}')
                          for i in range(10)))
            answered = 0
            with contextlib.suppress(End):
                while answered < 10:
                    self.good(talker, 'once.example', f'/{answered}')
                    answered += 1
            self.assertGreater(answered, 0)
            self.assertLessEqual(once.raw.count(b'GET'), answered + 1)
            self.assertEqual([asked.path for asked in once.requests],
                             [f'/{i}' for i in range(len(once.requests))])
            talker.socket.close()
        self.assertEqual(self.refusals(), [])

    def test_in_the_middle_of_a_response(self):
        """The end comes behind the last byte, and nothing of ours."""
        for said in (OK + b'Content-Length: 100\r\n\r\nhalf', OK, OK[:5],
                     OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhel',
                     OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0',
                     b'HTTP/1.1 103 Early Hints\r\n\r\n'):
            for hold in (0, 0.2):
                with self.subTest(said=said, hold=hold):
                    def play(reader, said=said, hold=hold):
                        reader.request()
                        reader.socket.sendall(said)
                        time.sleep(hold)
                    self.act('a.example', play)
                    talker = self.talk()
                    talker.send(request('a.example'),
                                request('b.example', '/never'))
                    self.assertEqual(talker.rest(), said)
                    talker.socket.close()
        self.assertEqual(self.b.raw, b'')

    def test_in_the_middle_with_a_reset(self):
        """It leaves bytes of the request unread; the same."""
        def play(reader):
            reader.socket.recv(10)
            reader.socket.sendall(OK + b'Content-Length: 100\r\n\r\nhalf')
        self.act('a.example', play)
        for _ in range(20):
            talker = self.talk()
            talker.send(request('a.example', body=b'x' * 1000),
                        request('b.example', '/never'))
            self.assertIn(talker.rest(), (
                OK + b'Content-Length: 100\r\n\r\nhalf', b''))
            talker.socket.close()
        self.assertEqual(self.b.raw, b'')

    def unanswered(self, play, method='GET', **how):
        """502, once, and a line in the log."""
        self.act('mute.example', play)
        after = len(self.daemon.log_lines)
        talker = self.talk()
        talker.send(request('mute.example', method=method, **how),
                    request('b.example', '/never'))
        answer = talker.answer(method)
        self.assertEqual(answer.status, 502)
        self.assertEqual(answer.fields['connection'], 'close')
        self.assertTrue(talker.ended())
        line = self.daemon.wait_log('refused', after=after)
        self.assertRegex(
            line, r'refused http client=\[127\.0\.0\.1\]:%d '
            'host=mute.example reason=no-answer status=502' % talker.port)
        time.sleep(0.2)
        self.assertEqual(len(self.daemon.log_lines), after + 1)
        self.assertEqual(self.b.raw, b'')
        talker.socket.close()

    def test_before_any_byte(self):
        for wait in (0, 0.2):
            self.unanswered(lambda reader, wait=wait: (
                reader.request(), time.sleep(wait)))

    def test_before_any_byte_of_a_head(self):
        """To HEAD there is no content."""
        self.unanswered(lambda reader: reader.request(), method='HEAD')

    def test_before_it_has_read(self):
        """Closed at once, with the request unread: a reset."""
        for _ in range(5):
            self.unanswered(lambda reader: None)
            self.unanswered(lambda reader: reader.socket.recv(3))
            self.unanswered(lambda reader: reader.socket.recv(100),
                            body=b'x' * 3_000_000)

    def test_before_any_byte_of_a_later_one(self):
        """Perhaps it was done, perhaps not: as in every race of this kind the
        connection ends without a word, and it is not sent again."""
        a = self.act('a.example', by_path({'/1': response(b'1'),
                                           '/2': None}))
        for _ in range(5):
            talker = self.talk()
            self.assertEqual(talker.ask(request('a.example', '/1')).body,
                             b'1')
            talker.send(request('a.example', '/2', body=b'money'),
                        request('b.example', '/never'))
            self.assertTrue(talker.ended())
        self.assertEqual(a.raw.count(b'/2'), 5)
        self.assertEqual(self.b.raw, b'')
        self.assertEqual(self.refusals(), [])

    def test_fresh_one_for_a_later_request(self):
        """A tenant that had nothing to do with this connection before."""
        self.act('mute.example', lambda reader: reader.request())
        talker = self.talk()
        talker.send(request('b.example', '/1'))
        self.good(talker, 'b.example', '/1')
        talker.send(request('mute.example'))
        self.assertEqual(talker.answer().status, 502)
        self.assertTrue(talker.ended())
        self.daemon.wait_log('host=mute.example reason=no-answer')

    def test_stopped_sending_only(self):
        """A tenant that ends its own direction has said all."""
        def play(reader):
            reader.request()
            reader.socket.sendall(response(b'bye'))
            reader.socket.shutdown(1)
            stay(reader)
        self.act('a.example', play)
        talker = self.talk()
        for i in range(3):
            talker.send(request('a.example'), request('b.example', f'/{i}'))
            self.assertEqual(talker.answer().body, b'bye')
            self.good(talker, 'b.example', f'/{i}')


class Unasked(exchanges.Case):
    """What a tenant says when it was not asked is said to nobody, and it is
    not asked again on that connection."""

    LATE = b'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n' \
        b'Content-Length: 0\r\n\r\n'

    def unasked(self, said, pause, hold):
        """Gives the tenant, after three exchanges with it by turns."""
        def play(reader):
            asked = reader.request()
            reader.socket.sendall(exchanges.named(asked, None)
                                  + (b'' if pause else said))
            if pause:
                time.sleep(pause)
                reader.socket.sendall(said)
            if hold:
                stay(reader)
        a = self.act('a.example', play)
        talker = self.talk()
        for i in range(3):
            talker.send(request('a.example', f'/{i}'))
            self.good(talker, 'a.example', f'/{i}')
            self.assertTrue(talker.quiet(0.4))
        talker.send(request('b.example', '/4'))
        self.good(talker, 'b.example', '/4')
        self.assertTrue(talker.quiet(0.1))
        # what is late may be in time to be the answer to the next
        names = 'aba' if pause else 'aaba'
        talker.send(*(request(f'{name}.example', '/5') for name in names))
        for name in names:
            self.good(talker, f'{name}.example', '/5')
        self.assertTrue(talker.quiet(0.1))
        self.assertEqual([raw.count(b'GET ') for raw in a.raws if raw],
                         [1] * (3 + names.count('a')))
        self.assertEqual(self.refusals(), [])

    def test_408_when_idle(self):
        """An idle server says so before it closes."""
        self.unasked(self.LATE, 0.2, False)

    def test_408_and_stays(self):
        self.unasked(self.LATE, 0.2, True)

    def test_bytes_behind_a_response(self):
        for said in (b'x', FOREIGN, b'\r\n', b'x' * 300000):
            with self.subTest(said=said[:20]):
                self.unasked(said, 0, True)

    def test_bytes_behind_a_response_and_closes(self):
        self.unasked(FOREIGN, 0, False)

    def test_content_that_must_not_be(self):
        """Behind a response to HEAD, 204 and 304."""
        for method, said in (
                ('HEAD', response(b'x' * 500)),
                ('GET', response(b'x' * 500, status='304 Not Modified')),
                ('GET', response(FOREIGN, status='204 No Content'))):
            self.act('a.example', says(said))
            talker = self.talk()
            talker.send(request('a.example', '/1', method=method),
                        request('b.example', '/2'))
            talker.answer(method)
            self.good(talker, 'b.example', '/2')
            talker.send(request('a.example', '/3', method=method))
            talker.answer(method)
            self.assertTrue(talker.quiet())


class Refused(exchanges.Case):
    """Answers of our own inside a connection."""

    def test_no_content_to_head(self):
        for before in (0, 1):
            for method, want in (('HEAD', 0), ('GET', 1)):
                talker = self.talk()
                for _ in range(before):
                    talker.send(request('b.example'))
                    self.good(talker, 'b.example')
                talker.send(request('nobody.example', method=method))
                answer = talker.answer('HEAD')
                self.assertEqual(answer.status, 404)
                self.assertNotEqual(answer.fields['content-length'], '0')
                self.assertEqual(bool(talker.rest()), bool(want))


class ClientGone(exchanges.Case):
    def test_reset(self):
        """A client that breaks off in an exchange: its tenant hears of it at
        once, whether it has said something or not."""
        heard = []

        def play(reader):
            asked = reader.request()
            reader.socket.sendall(OK[:3 * len(asked.path) - 3])
            with contextlib.suppress(End):
                stay(reader, 5)
            heard.append(asked.path)
        self.act('a.example', play)
        for path in ('/', '/begun'):
            for body in (b'', b'x' * 1000):
                talker = self.talk()
                talker.send(request('b.example'))
                self.good(talker, 'b.example')
                talker.send(request('a.example', path, body=body))
                if path != '/':
                    talker.more()
                time.sleep(0.2)
                heard.clear()
                held.reset(talker.socket)
                wait_for(lambda: heard, 3)


class Terminated(exchanges.Case):
    def test_idle_and_busy(self):
        """SIGTERM: an idle connection ends at once, one with an exchange
        behind that; what is asked for next reaches nobody."""
        self.act('slow.example', says(OK + b'Content-Length: 2\r\n\r\n', b'o',
                                      b'k', pause=0.7))
        idle, busy = self.talk(), self.talk()
        idle.send(request('b.example'))
        self.good(idle, 'b.example')
        busy.send(request('slow.example'), request('b.example', '/never'))
        busy.more()
        began = time.monotonic()
        self.daemon.process.send_signal(signal.SIGTERM)
        self.assertTrue(idle.ended())
        self.assertLess(time.monotonic() - began, 0.6)
        self.assertEqual(busy.answer().body, b'ok')
        with contextlib.suppress(End):
            self.assertTrue(busy.ended())
        self.assertNotIn(b'/never', self.b.raw)
        self.assertEqual(self.daemon.process.wait(5), 0)


if __name__ == '__main__':
    harness.unittest.main()
