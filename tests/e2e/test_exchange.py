# SPDX-License-Identifier: ISC
"""usherd-http alone: what it grants to its relay, for what clients and tenants
send, to the byte."""
import signal
import socket
import unittest

import fronts
import harness
import wire
from fronts import AWAY, LAST, TELL_DOWN, TELL_UP, TUNNEL, WARY
from harness import wait_for
from played import (CHUNKED, CLOSE, CONTINUE, Case, Hands, MOST, OK, OPEN,
                    chunked, post)


class Exchange(Case):
    # the plain course

    def test_one_after_the_other(self):
        it = self.kept()
        it.quiet()
        for _ in range(3):
            self.usable(it)
        it.quiet()

    def test_pipelined_go_one_by_one(self):
        heads = [wire.head('a.example', f'X: {i}') for i in range(4)]
        it = self.http.connection()
        it.client.sendall(b''.join(heads))
        it.named()
        it.attach()
        for head in heads:
            it.grant(len(head))
            self.assertEqual(it.up(len(head)), head)
            it.quiet(0.02)
            it.answered(OK)
        it.quiet()

    def test_another_host(self):
        it = self.kept()
        head = wire.head('b.example')
        it.client.sendall(head)
        it.named('b.example')
        it.quiet()
        it.attach()
        it.grant(len(head))
        it.up(len(head))
        it.answered(OK)
        it.client.sendall(head)         # and that is the one by now
        it.grant(len(head))
        it.up(len(head))
        it.answered(OK)
        it.client.sendall(wire.head('127.0.0.1'))
        it.says(fronts.NAMELESS)
        it.attach()
        it.grant(len(wire.head('127.0.0.1')))

    def test_same_host_in_another_spelling(self):
        it = self.kept()
        it.again(wire.head('A.example.:8080'))

    def test_empty_line_too_many(self):
        head = post(3)
        it = self.http.connection()
        it.client.sendall(head + b'a=b\r\n')
        it.named()
        it.attach()
        it.grant(len(head) + 3)
        it.up(len(head) + 3)
        it.answered(OK)
        it.quiet()
        it.client.sendall(b'\r\n')
        it.quiet()
        head = wire.head()
        it.client.sendall(head)
        it.grant(4 + len(head))
        self.assertEqual(it.up(4 + len(head)), b'\r\n\r\n' + head)
        it.answered(OK)

    def test_every_cut_of_a_pair(self):
        """The sums do not depend on how the bytes come."""
        request = chunked() + b'3\r\nabc\r\n0\r\nX: y\r\n\r\n'
        response = CHUNKED + b'2;a=b\r\nok\r\n0\r\n\r\n'
        for data, other, upwards in ((request, OK, True),
                                     (response, wire.head(), False)):
            for cut in range(1, len(data)):
                with self.subTest(upwards=upwards, cut=cut):
                    self.cut(data, other, upwards, cut)

    def cut(self, data, other, upwards, cut):
        """An exchange whose request or whose response comes in two pieces, and
        one behind it, which is the last."""
        it = self.http.connection()
        hands = Hands(it)
        request, response = (data, other) if upwards else (other, data)
        it.client.sendall(request[:cut] if upwards else request)
        self.http.ping()
        if upwards:
            it.client.sendall(request[cut:])
        it.named()
        it.attach()
        hands.run(lambda: hands.up == len(request))
        self.assertEqual(it.carry(it.tenant, None, len(request)), request)
        it.tenant.sendall(response if upwards else response[:cut])
        if not upwards:
            hands.run(lambda: hands.down == cut)
            self.http.ping()
            it.tenant.sendall(response[cut:])
        hands.run(lambda: hands.down == len(response))
        self.assertEqual(it.carry(it.client, None, len(response)), response)
        it.client.sendall(wire.head())
        it.client.shutdown(socket.SHUT_WR)
        hands.run(lambda: hands.up == len(request) + len(wire.head()))
        it.tenant.sendall(OK)
        hands.run(lambda: hands.ended)
        self.assertEqual(hands.down, len(response) + len(OK))
        it.gone()

    # bodies of requests

    def test_long_body_is_one_grant(self):
        head = post(10 ** 9)
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head) + 10 ** 9, 0, TELL_UP)
        it.up(len(head))
        before = self.http.cpu()
        for _ in range(50):
            it.client.sendall(b'x' * 1000)
            it.up(1000)
        it.quiet()
        self.assertLess(self.http.cpu() - before, 4)

    def test_length_beyond_all_bounds(self):
        head = post(2 ** 63 - 1)
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(MOST, 0, TELL_UP)
        self.assertTrue(self.http.runs())

    def test_chunks(self):
        """Several that are there are one grant; the data of one passes unseen,
        but never what stands behind it."""
        head = chunked()
        it = self.http.connection()
        first = head + b'1\r\na\r\n2\r\nbc\r\n64\r\n'
        it.client.sendall(first)
        it.named()
        it.attach()
        it.grant(len(first) + 100, 0, TELL_UP)
        it.up(len(first))
        it.client.sendall(b'x' * 100)
        it.up(100)
        it.told()
        it.quiet()
        rest = b'\r\n1;a="b"\r\nd\r\n0\r\nX: y\r\n\r\n'
        it.client.sendall(rest + wire.head())
        it.grant(len(rest))
        self.assertEqual(it.up(len(rest)), rest)
        it.answered(OK)
        it.grant(len(wire.head()))

    def test_broken_chunks(self):
        head = chunked()
        it = self.http.connection()
        it.client.sendall(head + b'zz\r\n')
        it.says(fronts.REFUSED)
        it = self.http.connection()
        it.client.sendall(head + b'1\r\na')
        it.named()
        it.attach()
        it.grant(len(head) + 4, 0, TELL_UP)
        it.up(len(head) + 4)
        it.told()
        it.client.sendall(b'oops')
        it.says(fronts.REFUSED)

    def test_broken_chunks_behind_a_response(self):
        head = chunked()
        it = self.http.connection()
        it.client.sendall(head + b'1\r\na')
        it.named()
        it.attach()
        it.grant(len(head) + 4, 0, TELL_UP)
        it.up(len(head) + 4)
        it.answer(CHUNKED, open=True)
        it.told()
        it.client.sendall(b'oops')
        it.finishes()

    # Expect

    def expecting(self, head):
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head), 0, TELL_UP)
        it.up(len(head))
        it.told()
        it.quiet()
        return it

    def test_expect(self):
        it = self.expecting(post(5, 'Expect: 100-continue'))
        it.answer(CONTINUE)
        it.told()
        it.quiet()
        it.client.sendall(b'h')
        it.grant(5)
        it.up(1)
        it.client.sendall(b'ello' + wire.head())
        it.up(4)
        it.answered(OK)
        it.grant(len(wire.head()))

    def test_expect_in_chunks(self):
        it = self.expecting(chunked('Expect: 100-continue'))
        it.answer(CONTINUE)
        it.told()
        it.client.sendall(b'1\r\na\r\n0\r\n\r\n')
        it.grant(11)
        it.up(11)
        it.answered(OK)
        self.usable(it)

    def test_expect_declined(self):
        """Whatever the client sends then is neither a body nor a request."""
        it = self.expecting(post(5, 'Expect: 100-continue'))
        it.tenant.sendall(OK)
        it.finishes(len(OK))

    def test_expect_declined_in_pieces(self):
        it = self.expecting(post(5, 'Expect: 100-continue'))
        it.answer(OK[:20])
        it.client.sendall(wire.head())
        it.told()
        it.quiet()
        it.tenant.sendall(OK[20:])
        it.finishes(len(OK) - 20)

    def test_expect_declined_as_the_body_comes(self):
        it = self.expecting(post(5, 'Expect: 100-continue'))
        self.http.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: harness.status_of(self.http.process.pid)['State']
                 .startswith('T'))
        it.client.sendall(b'hello')
        it.tenant.sendall(OK)
        self.http.process.send_signal(signal.SIGCONT)
        it.finishes(len(OK))

    def test_expect_with_the_body_at_once(self):
        head = post(5, 'Expect: 100-continue')
        it = self.http.connection()
        it.client.sendall(head + b'hello')
        it.named()
        it.attach()
        it.grant(len(head), 0, TELL_UP)
        it.up(len(head))
        it.told()
        it.grant(5)
        it.up(5)
        it.answered(OK)
        self.usable(it)

    def test_expect_and_the_client_ends(self):
        it = self.expecting(post(5, 'Expect: 100-continue'))
        it.client.shutdown(socket.SHUT_WR)
        said = self.http.wait(self.http.heard[it.id])
        self.assertEqual((said.up, said.flags & ~(AWAY | OPEN | TELL_UP)),
                         (5, 0))

    # responses

    def test_framed_ones(self):
        for head, response in (
                (wire.head(), OK),
                (wire.head(), CHUNKED + b'2\r\nok\r\n0\r\n\r\n'),
                (wire.head(), CONTINUE * 20 + OK),
                (wire.head(), b'HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n'),
                (wire.head(), b'HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n'),
                (wire.head(line='HEAD / HTTP/1.1'),
                 b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')):
            with self.subTest(response):
                it = self.first(head, head=int(head.startswith(b'HEAD')))
                it.answered(response)
                self.usable(it)

    def test_more_than_was_asked_for(self):
        """A byte behind the response is never granted."""
        for head, response in (
                (wire.head(), OK),
                (wire.head(line='HEAD / HTTP/1.1'), OK[:-2])):
            it = self.first(head, head=int(head.startswith(b'HEAD')))
            it.tenant.sendall(response + b'!')
            it.grant(0, len(response), TELL_DOWN)
            it.down(len(response))
            it.told()
            it.client.sendall(wire.head())
            it.named()

    def test_unasked_between(self):
        it = self.kept()
        it.tenant.sendall(b'HTTP/1.1 408 Request Timeout\r\n\r\n')
        it.quiet()
        it.client.sendall(wire.head())
        it.named()
        it.attach()
        it.grant(len(wire.head()))

    def test_unasked_with_the_end(self):
        """Of a backend that was given up at once, nothing more is known."""
        it = self.first()
        it.tenant.sendall(OK + b'more')
        it.grant(0, len(OK), TELL_DOWN)
        it.down(len(OK))
        it.told()
        it.quiet()
        it.client.sendall(wire.head())
        it.named()

    def dripped(self):
        """A response in so many pieces that the tenant's side has to rest,
        and is not watched, when the last of them comes."""
        it = self.first()
        for piece in (CHUNKED, *[b'1\r\nx\r\n'] * 20):
            it.answer(piece, open=True)
            it.told()
        return it

    def test_unasked_behind_what_dripped(self):
        it = self.dripped()
        it.tenant.sendall(b'0\r\n\r\nmore')
        it.grant(0, 5, TELL_DOWN)
        it.down(5)
        it.told()
        it.quiet()
        it.client.sendall(wire.head())
        it.named()

    def test_tenant_ends_behind_what_dripped(self):
        it = self.dripped()
        it.answered(b'0\r\n\r\n')
        it.tenant.close()
        it.quiet()
        it.client.sendall(wire.head())
        it.named()

    def test_tenant_ends_between(self):
        it = self.kept()
        it.tenant.close()
        it.quiet()
        it.client.sendall(wire.head())
        it.named()

    def test_tenant_ends_with_the_response(self):
        it = self.first()
        it.tenant.sendall(OK)
        it.tenant.close()
        it.grant(0, len(OK), TELL_DOWN)
        it.down(len(OK))
        it.told()
        it.client.sendall(wire.head())
        it.named()

    def test_long_response(self):
        it = self.first()
        head = b'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n'
        it.tenant.sendall(head)
        it.grant(0, len(head) + 10 ** 9, TELL_DOWN)
        it.down(len(head))
        before = self.http.cpu()
        for _ in range(50):
            it.tenant.sendall(b'x' * 1000)
            it.down(1000)
        it.quiet()
        self.assertLess(self.http.cpu() - before, 4)

    def test_chunks_in_one_grant(self):
        it = self.first()
        response = CHUNKED + b'400\r\n' + b'x' * 1024 + b'\r\n'
        response += b'400\r\n' + b'x' * 1024 + b'\r\n' + b'10000\r\n'
        it.tenant.sendall(response)
        it.grant(0, len(response) + 65536, TELL_DOWN)
        it.down(len(response))
        it.tenant.sendall(b'y' * 65536)
        it.down(65536)
        it.told()
        it.tenant.sendall(b'\r\n0\r\n\r\n')
        it.grant(0, 7, TELL_DOWN)
        it.down(7)
        it.told()
        self.usable(it)

    def test_last_of_all(self):
        for head, response in (
                (wire.head(), CLOSE),
                (wire.head(), b'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'),
                (wire.head('a.example', 'Connection: close'), OK),
                (wire.head(line='GET / HTTP/1.0'), OK)):
            with self.subTest(response):
                it = self.first(head)
                it.tenant.sendall(response)
                it.finishes(len(response))

    def test_without_an_end(self):
        for start, flag in ((b'HTTP/1.1 200 OK\r\n\r\n', LAST),
                            (b'\0\1\2', LAST),
                            (b'HTTP/1.1 200 OK\r\n'
                             b'Transfer-Encoding: gzip\r\n\r\n', LAST)):
            it = self.first()
            it.tenant.sendall(start + b'whatever')
            it.grant(0, 0, flag)
            it.gone()

    def test_with_an_end_that_is_in_doubt(self):
        """Nothing follows; what came with it passes, what comes later does
        not."""
        response = OK.replace(b':', b' :')
        it = self.first()
        it.tenant.sendall(response + OK)
        it.grant(0, 0, WARY)
        it.gone()
        it = self.first()
        it.tenant.sendall(response)
        it.finishes(len(response))

    def test_without_an_end_before_the_request_has_one(self):
        it = self.http.connection()
        head = chunked() + b'1\r\na\r\n'
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head), 0, TELL_UP)
        it.up(len(head))
        it.told()
        it.tenant.sendall(b'HTTP/1.1 200 OK\r\n\r\na')
        it.grant(0, MOST)
        it.client.sendall(b'1\r\nb\r\n')
        it.grant(6, 0, TELL_UP)
        it.up(6)
        it.told(down=1000)
        it.client.sendall(b'0\r\n\r\n')
        it.grant(5, 0, LAST)
        it.gone()

    def test_upgrade(self):
        head = wire.tunnel()
        it = self.first(head)
        it.client.sendall(b'early')
        it.quiet()
        response = b'HTTP/1.1 101 Switching\r\nUpgrade: echo\r\n\r\n'
        it.tenant.sendall(response + b'more')
        it.grant(0, len(response), TUNNEL)
        it.gone()

    def test_upgrade_declined(self):
        it = self.first(wire.tunnel())
        it.answered(OK)
        it.client.sendall(wire.head('b.example'))
        it.named('b.example')


if __name__ == '__main__':
    unittest.main()
