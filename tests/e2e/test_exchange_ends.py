# SPDX-License-Identifier: ISC
"""usherd-http alone: what it grants where the two sides of an exchange do not
end together, or somebody breaks off."""
import socket
import unittest

import fronts
import wire
from fronts import (AWAY, CALM, CLIENT_ENDED, CUT, HURRY, OVER, STOP,
                    TELL_DOWN, TELL_UP, TENANT_DEAF, TENANT_ENDED)
from played import (CHUNKED, CLOSE, Case, NO_ANSWER, OK, broken, chunked,
                     post)


class Ends(Case):
    # early responses

    def test_early_response(self):
        head = post(100)
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head) + 100)
        it.up(len(head))
        it.answer(OK)
        it.told(100, 100, 0)
        it.grant(0, 0, HURRY | TELL_UP)
        it.client.sendall(b'x' * 100)
        it.up(100)
        it.told()
        it.grant(0, 0, CALM | TELL_UP)
        it.quiet()
        it.told()
        it.quiet()
        self.usable(it)

    def test_early_response_to_chunks(self):
        head = chunked() + b'1\r\na\r\n'
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head), 0, TELL_UP)
        it.up(len(head))
        it.told()
        it.answer(OK)
        it.told()
        it.grant(0, 0, HURRY | TELL_UP)
        it.told()
        it.quiet()
        for piece in (b'1\r\na\r\n', b'1\r\n', b'\r\n', b'0\r\n\r\n'):
            it.client.sendall(piece + (b'x' if piece == b'1\r\n' else b''))
            n = len(piece) + (piece == b'1\r\n')
            it.grant(n, 0, TELL_UP)
            it.up(n)
            it.told()
        it.grant(0, 0, CALM | TELL_UP)
        it.quiet()
        it.told()
        self.usable(it)

    def test_early_last_response(self):
        head = post(100)
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head) + 100)
        it.up(len(head))
        it.answer(CLOSE)
        it.told(100, 100, 0)
        it.grant(0, 0, HURRY | TELL_UP)
        it.client.sendall(b'x' * 100)
        it.up(100)
        it.told()
        it.finishes()

    def test_deaf_tenant(self):
        head = post(100)
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head) + 100)
        it.up(len(head))
        it.told(100, 100, 0, TENANT_DEAF)
        it.quiet()
        it.tenant.sendall(OK)
        it.finishes(len(OK))

    # who ends

    def test_no_answer(self):
        for head in (0, 1):
            it = self.first(wire.head(line=('GET', 'HEAD')[head] +
                                      ' / HTTP/1.1'), head=head)
            it.tenant.close()
            it.says(fronts.REFUSED, head=head, refusal=NO_ANSWER)

    def stopped(self):
        """A kept backend that ends as the next request is granted."""
        it = self.kept()
        it.client.sendall(wire.head())
        it.grant(len(wire.head()))
        it.tenant.close()
        it.grant(0, 0, STOP)
        it.quiet()
        return it

    def test_kept_backend_ends(self):
        it = self.stopped()
        n = len(wire.head())
        it.told(n, n)
        it.named()
        it.attach()
        it.grant(n)
        self.assertEqual(it.up(n), wire.head())
        it.answered(OK)
        self.usable(it)

    def test_kept_backend_ends_with_a_part_of_it(self):
        it = self.stopped()
        n = len(wire.head())
        it.told(n - 1, n)
        it.finishes()

    def test_kept_backend_ends_and_an_old_progress_comes(self):
        """Of what was granted before it was told to stop."""
        it = self.stopped()
        n = len(wire.head())
        it.told(n, n, serial=it.serial - 1)
        it.quiet()
        it.told(n, n)
        it.named()

    def test_tenant_ends_in_the_middle(self):
        it = self.first()
        it.answer(CHUNKED, open=True)
        it.tenant.close()
        it.told()
        it.finishes()

    def test_tenant_breaks_off_in_the_middle(self):
        it = self.http.connection()
        head = post(10)
        it.client.sendall(head + b'0123456789')
        it.named()
        it.attach()
        it.grant(len(head) + 10)
        it.up(len(head) + 10, read=False)
        it.answer(CHUNKED, open=True)
        it.tenant.close()               # with what it has not read
        it.told()
        it.grant(0, 0, CUT)
        it.gone()

    def test_relay_ends_it(self):
        it = self.first()
        head = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'
        it.tenant.sendall(head)
        it.grant(0, len(head) + 100, TELL_DOWN)
        it.told(0, 0, 100, TENANT_ENDED | OVER)
        it.gone()

    def test_client_ends_during_the_response(self):
        it = self.first()
        it.client.shutdown(socket.SHUT_WR)
        it.grant(0, 0, AWAY | TELL_UP)
        it.answered(OK)
        it.finishes()

    def test_client_ends_behind_pipelined_requests(self):
        heads = [wire.head(), wire.head(), wire.head('b.example')]
        it = self.first()
        it.client.sendall(b''.join(heads[1:]))
        it.client.shutdown(socket.SHUT_WR)
        it.grant(0, 0, AWAY | TELL_UP)
        it.answered(OK)
        it.grant(len(heads[1]))
        it.up(len(heads[1]))
        it.answered(OK)
        it.named('b.example')
        it.attach()
        it.grant(len(heads[2]))
        it.up(len(heads[2]))
        it.answered(OK)
        it.finishes()

    def test_client_ends_inside_a_chunk_line(self):
        head = chunked() + b'1\r\na\r\n'
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head), 0, TELL_UP)
        it.up(len(head))
        it.told()
        it.client.sendall(b'1')
        it.client.shutdown(socket.SHUT_WR)
        it.grant(2)                     # one more than comes
        it.told(1, 1, 0, CLIENT_ENDED)
        it.tenant.sendall(OK)
        it.finishes(len(OK))

    def test_client_ends_inside_a_body(self):
        head = post(100)
        it = self.http.connection()
        it.client.sendall(head)
        it.named()
        it.attach()
        it.grant(len(head) + 100)
        it.up(len(head))
        it.client.shutdown(socket.SHUT_WR)
        it.grant(0, 0, AWAY | TELL_UP)
        it.told(100, 100, 0, CLIENT_ENDED)
        it.tenant.sendall(OK)
        it.finishes(len(OK))

    def test_client_ends_between(self):
        it = self.kept()
        it.client.close()
        it.finishes()

    def test_client_breaks_off_between(self):
        it = self.kept()
        broken(it.client)
        it.grant(0, 0, CUT)
        it.gone()

    def test_client_ends_with_half_a_head(self):
        it = self.kept()
        it.client.sendall(b'GET /')
        it.client.shutdown(socket.SHUT_WR)
        it.says(fronts.REFUSED)

    def test_refused_between(self):
        it = self.kept()
        it.client.sendall(b'GET / HTTP/1.1\r\nHost: a_b\r\n\r\n')
        it.says(fronts.REFUSED)
        it = self.kept()
        it.client.sendall(wire.head('a_b', line='HEAD / HTTP/1.1'))
        it.says(fronts.REFUSED, head=1)

    def test_dropped(self):
        it = self.http.connection()
        it.client.sendall(wire.head())
        it.named()
        self.http.intake(fronts.DROP, it.id)
        it.gone()
        it.attach()                     # was on its way
        self.http.ping()
        self.assertTrue(self.http.runs())


if __name__ == '__main__':
    unittest.main()
