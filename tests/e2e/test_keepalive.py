# SPDX-License-Identifier: ISC
"""Kept-alive and pipelined requests: each may name another host, and reaches
its own tenant."""
import contextlib
import time
import unittest

import harness
import peers
from harness import wait_for
from talker import End, Keeper, Talker, request, response, together

ROUNDS = 50


def slow(asked, _):
    """Takes its time for what says so."""
    if asked.path.startswith('/slow'):
        time.sleep(0.7)
    kept = asked.fields.get('connection') == 'keep-alive'
    return response(f'{asked.host} {asked.path}',
                    *['Connection: keep-alive'] * kept)


class Case(harness.Case):
    def keep(self, name, answer=None, most=None):
        """A tenant of our own; what it has kept is given back."""
        keeper = Keeper(answer, most)
        self.tenant(self.host(name) / 'http-socket', keeper)
        return keeper

    def talk(self):
        talker = Talker(self.daemon.http)
        self.addCleanup(talker.socket.close)
        return talker

    def body(self, talker, name, path='/'):
        """The body of an answer that must be there."""
        answer = talker.ask(request(name, path))
        self.assertEqual(answer.status, 200)
        return answer.body.decode()


class Ours(Case):
    """Against tenants whose every byte is known."""

    def setUp(self):
        super().setUp()
        self.a = self.keep('a.example', slow)
        self.b = self.keep('b.example', slow)
        self.daemon = self.usherd('-j', '1', tls=0)

    def paths(self, keeper):
        return [asked.path for asked in keeper.requests]

    def test_by_turns(self):
        """A, B, A, B: each request to its own."""
        talker = self.talk()
        for i in range(ROUNDS):
            name = 'ab'[i % 2] + '.example'
            self.assertEqual(self.body(talker, name, f'/{i}'),
                             f'{name} /{i}')
        numbers = [f'/{i}' for i in range(ROUNDS)]
        self.assertEqual(self.paths(self.a), numbers[0::2])
        self.assertEqual(self.paths(self.b), numbers[1::2])
        self.assertNotIn(b'b.example', self.a.raw)
        self.assertNotIn(b'a.example', self.b.raw)

    def test_same_host_same_connection(self):
        """A client that stays with a host stays on one tenant connection."""
        talker = self.talk()
        for i in range(ROUNDS):
            self.body(talker, 'a.example', f'/{i}')
        self.assertEqual(len(self.a.visits), 1)
        self.assertEqual(len(self.a.requests), ROUNDS)

    def test_bytes_are_not_changed(self):
        talker = self.talk()
        sent = b''.join(request('A.EXAMPLE.', f'/{i}', 'x-Y:  z ',
                                chunks=[b'q' * i, b'r'])
                        for i in range(1, 20))
        talker.send(sent)
        for _ in range(1, 20):
            self.assertEqual(talker.answer().status, 200)
        self.assertEqual(self.a.raw, sent)

    def pipelined(self, *asked):
        """Sends all at once; the answers must come in that order."""
        talker = self.talk()
        talker.send(*(request(f'{name}.example', path)
                      for name, path in asked))
        for name, path in asked:
            self.assertEqual(talker.answer().body.decode(),
                             f'{name}.example {path}')
        self.assertTrue(talker.quiet())

    def test_pipelined_to_one_host(self):
        self.pipelined(*(('a', f'/{i}') for i in range(ROUNDS)))
        self.assertEqual(len(self.a.visits), 1)

    def test_pipelined_by_turns(self):
        self.pipelined(*(('ab'[i % 2], f'/{i}') for i in range(ROUNDS)))

    def test_pipelined_in_pairs(self):
        self.pipelined(*(('ab'[i // 2 % 2], f'/{i}') for i in range(20)))
        self.assertEqual((len(self.a.visits), len(self.b.visits)), (5, 5))

    def test_pipelined_slow_first(self):
        """The second tenant's answer waits for the first one's."""
        self.pipelined(('a', '/slow'), ('b', '/'), ('a', '/slow/2'),
                       ('a', '/'), ('b', '/slow'), ('a', '/'))

    def test_nothing_goes_to_the_second_before(self):
        """Another host gets a connection when the answer before has ended."""
        talker = self.talk()
        talker.send(request('a.example', '/slow'), request('b.example'))
        time.sleep(0.35)
        self.assertEqual(self.b.raw, b'')
        for _ in range(2):
            self.assertEqual(talker.answer().status, 200)

    def test_bodies_on_the_way(self):
        talker = self.talk()
        parts = []
        for i in range(20):
            name = 'ab'[i % 2] + '.example'
            how = ({'body': b'n' * i * 997} if i % 4 < 2 else
                   {'chunks': [b'c' * (1 + j * 50) for j in range(i)]})
            parts.append((name, request(name, f'/{i}', method='PUT', **how)))
        talker.send(*(data for _, data in parts))
        for i, (name, _) in enumerate(parts):
            self.assertEqual(talker.answer().body.decode(), f'{name} /{i}')
        for name, keeper in (('a', self.a), ('b', self.b)):
            self.assertEqual(keeper.raw, b''.join(
                data for host, data in parts if host[0] == name))

    def test_small_after_large_in_segments(self):
        """What the parser waited for in one head must not be waited for in
        the next: SO_RCVLOWAT is the connection's."""
        talker = self.talk()
        talker.socket.settimeout(5)
        self.body(talker, 'a.example', '/1')
        large = request('a.example', '/2', 'X-Large: ' + 'x' * 2000)
        for cut in (1500, 1990):
            talker.send(large[:cut])
            time.sleep(0.1)
            talker.send(large[cut:])
            self.assertEqual(talker.answer().status, 200)
            self.body(talker, 'a.example', '/3')
            self.body(talker, 'b.example', '/4')

    def test_small_body_after_large_head_in_segments(self):
        """The same for the relay, which moves what is left of a body."""
        talker = self.talk()
        talker.socket.settimeout(5)
        self.body(talker, 'a.example', '/1')
        large = request('b.example', '/2', 'X-Large: ' + 'x' * 2000,
                        body=b'b' * 100)
        talker.send(large[:1990])
        time.sleep(0.1)
        talker.send(large[1990:-100])
        time.sleep(0.1)
        talker.drip(large[-100:], 0.01)
        self.assertEqual(talker.answer().status, 200)
        self.assertEqual(self.b.raw, large)

    def test_connection_close(self):
        """Nothing behind it is served, nothing reaches a tenant."""
        talker = self.talk()
        talker.send(request('a.example', '/1'),
                    request('a.example', '/2', 'Connection: close'),
                    request('a.example', '/3'), request('b.example', '/4'))
        self.assertEqual(talker.answer().body, b'a.example /1')
        self.assertEqual(talker.answer().body, b'a.example /2')
        talker.half_close()
        self.assertTrue(talker.ended())
        self.assertEqual(self.paths(self.a), ['/1', '/2'])
        self.assertEqual(self.b.raw, b'')

    def test_http_1_0(self):
        talker = self.talk()
        talker.send(request('a.example', '/1', version='1.0'),
                    request('b.example', '/2', version='1.0'))
        self.assertEqual(talker.answer().body, b'a.example /1')
        talker.half_close()
        self.assertTrue(talker.ended())
        self.assertEqual((len(self.a.requests), self.b.raw), (1, b''))

    def test_http_1_0_kept_alive(self):
        talker = self.talk()
        for i in range(6):
            name = 'ab'[i % 2] + '.example'
            answer = talker.ask(request(name, f'/{i}',
                                        'Connection: keep-alive',
                                        version='1.0'))
            self.assertEqual(answer.body.decode(), f'{name} /{i}')


class Closing(Case):
    """Tenants that close: the client does not notice, unless something of its
    next request was sent to one."""

    def setUp(self):
        super().setUp()
        self.once = self.keep('once.example', most=1)
        self.b = self.keep('b.example')
        self.daemon = self.usherd('-j', '1', tls=0)

    def test_idle(self):
        """The next request gets a new connection."""
        talker = self.talk()
        for path in ('/1', '/2', '/3'):
            self.assertEqual(self.body(talker, 'once.example', path),
                             f'GET once.example {path}')
            self.assertTrue(talker.quiet())
        self.assertEqual(len(self.once.visits), 3)

    def test_the_next_is_on_its_way(self):
        """Some of its head has come when the tenant closes: it is served
        by a new connection, whole."""
        after = request('once.example', '/2')
        for cut in (1, len(after) // 2, len(after) - 1):
            with self.subTest(cut=cut):
                self.once.visits.clear()
                talker = self.talk()
                first = request('once.example', '/1')
                talker.send(first, after[:cut])
                self.assertEqual(talker.answer().body,
                                 b'GET once.example /1')
                wait_for(lambda: self.once.visits[0].left)
                time.sleep(0.1)
                talker.send(after[cut:])
                self.assertEqual(talker.answer().body,
                                 b'GET once.example /2')
                self.assertEqual([visit.raw for visit in self.once.visits],
                                 [first, after])

    def test_the_next_has_been_sent(self):
        """Part of it may have been done: it is not sent twice, the client
        hears an end."""
        for _ in range(20):
            self.once.visits.clear()
            talker = self.talk()
            talker.send(request('once.example', '/1'),
                        request('once.example', '/2', body=b'money'))
            self.assertEqual(talker.answer().body, b'GET once.example /1')
            talker.half_close()
            rest = talker.rest()
            seen = self.once.raw.count(b'POST /2')
            if rest:
                self.assertIn(b'POST once.example /2', rest)
            self.assertLessEqual(seen, 1)

    def test_chunked_and_begun(self):
        """The tenant closes in the middle of a body: what is left of it
        goes nowhere."""
        received = []

        def serve(connection):
            received.append(connection.recv(65536))
            connection.sendall(response(b'early', status='413 Too Large'))
        self.tenant(self.host('early.example') / 'http-socket', serve)
        talker = self.talk()
        talker.send(request('early.example', '/',
                            'Transfer-Encoding: chunked', method='POST'),
                    b'5\r\nhello\r\n')
        self.assertEqual(talker.answer().status, 413)
        time.sleep(0.2)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            talker.send(b'5\r\nworld\r\n0\r\n\r\n')
        self.assertTrue(talker.ended())
        self.assertEqual(len(received), 1)
        self.assertNotIn(b'world', received[0])

    def unanswered(self, after):
        """A tenant that closes without a word: its client is answered, and
        what it sent behind that goes to nobody."""
        self.keep('mute.example', lambda *_: (time.sleep(0.2), None)[1])
        talker = self.talk()
        first = request('mute.example', '/1')
        talker.send(first, after[:-1])
        time.sleep(0.4)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            talker.send(after[-1:])
        self.assertEqual(talker.answer().status, 502)
        self.assertTrue(talker.ended())
        self.assertEqual(self.b.raw, b'')

    def test_no_response_then_the_same_host(self):
        self.unanswered(request('mute.example', '/2'))

    def test_no_response_then_another_host(self):
        talker = self.talk()
        self.keep('mute.example', lambda *_: (time.sleep(0.2), None)[1])
        talker.send(request('mute.example', '/1'), request('b.example'))
        self.assertEqual(talker.answer().status, 502)
        self.assertTrue(talker.ended())

    def test_one_response_of_two_then_another_host(self):
        """The tenant closes behind the first of two: the third, for another
        host, must not be read as the second."""
        for _ in range(10):
            talker = self.talk()
            talker.send(request('once.example', '/1'),
                        request('once.example', '/2'),
                        request('b.example', '/3'))
            self.assertEqual(talker.answer().body, b'GET once.example /1')
            with contextlib.suppress(End):
                self.assertEqual(talker.answer().body,
                                 b'GET once.example /2')

    def test_no_response_then_another_host_late(self):
        self.unanswered(request('b.example', '/2'))

    def test_other_host_next(self):
        """Closed already when the next request, for another, comes in."""
        for _ in range(10):
            talker = self.talk()
            talker.send(request('once.example', '/1'),
                        request('b.example', '/2'),
                        request('once.example', '/3'))
            for want in (b'GET once.example /1', b'GET b.example /2',
                         b'GET once.example /3'):
                self.assertEqual(talker.answer().body, want)

    def test_close_delimited(self):
        """A response without a length ends with the connection."""
        def serve(connection):
            connection.recv(65536)
            connection.sendall(b'HTTP/1.0 200 OK\r\n\r\n')
            for _ in range(5):
                connection.sendall(b'x' * 1000)
                time.sleep(0.02)
        self.tenant(self.host('old.example') / 'http-socket', serve)
        for version in ('1.0', '1.1'):
            answer = self.talk().ask(request('old.example',
                                             version=version))
            self.assertEqual(answer.body, b'x' * 5000)

    def test_closed_after_a_switch(self):
        """Both tenants that were left go without ending the client."""
        talker = self.talk()
        self.body(talker, 'b.example')
        self.assertEqual(self.body(talker, 'once.example', '/1'),
                         'GET once.example /1')
        wait_for(lambda: self.b.visits[0].ended)
        self.assertTrue(talker.quiet())
        self.body(talker, 'b.example')


class Real(Case):
    """nginx, node and a tenant of our own on one connection."""

    @peers.need_nginx
    @peers.need_node
    def setUp(self):
        super().setUp()
        self.slow = self.hosts / 'slow'
        self.tenant(self.slow, Keeper(slow))
        peers.nginx(self, self.host('nginx.example') / 'http-socket',
                    peers.WHO + 'location /slow { proxy_set_header Host '
                    '$http_host; proxy_pass http://unix:%s; }' % self.slow)
        peers.node(self, self.host('node.example') / 'http-socket')
        self.python = self.keep('python.example', lambda asked, _: response(
            f'python {asked.host} {asked.path}'))
        self.daemon = self.usherd(tls=0)

    def want(self, name, path):
        return f'{name} {name}.example {path}'

    def test_by_turns(self):
        talker = self.talk()
        for i in range(ROUNDS):
            name = ('nginx', 'node', 'python')[i % 3]
            self.assertEqual(self.body(talker, f'{name}.example', f'/{i}'),
                             self.want(name, f'/{i}'))

    def test_pipelined_to_one(self):
        for name in ('nginx', 'node'):
            talker = self.talk()
            talker.send(*(request(f'{name}.example', f'/{i}')
                          for i in range(ROUNDS)))
            for i in range(ROUNDS):
                self.assertEqual(talker.answer().body.decode(),
                                 self.want(name, f'/{i}'))

    def test_pipelined_by_turns(self):
        for first, second in (('nginx', 'python'), ('nginx', 'node'),
                              ('node', 'python'), ('node', 'nginx')):
            with self.subTest(first=first, second=second):
                talker = self.talk()
                names = [first, second] * (ROUNDS // 2)
                talker.send(*(request(f'{name}.example', f'/{i}')
                              for i, name in enumerate(names)))
                for i, name in enumerate(names):
                    self.assertEqual(talker.answer().body.decode(),
                                     self.want(name, f'/{i}'))

    def slow_first(self, name, text):
        """A tenant that is still thinking when the next request names
        another."""
        talker = self.talk()
        talker.send(request(f'{name}.example', '/slow'),
                    request('python.example', '/2'))
        self.assertEqual(talker.answer().body.decode(), text)
        self.assertEqual(talker.answer().body.decode(),
                         self.want('python', '/2'))

    def test_slow_nginx_first(self):
        self.slow_first('nginx', 'nginx.example /slow')

    def test_slow_node_first(self):
        self.slow_first('node', 'node node.example /slow')

    def test_uploads_by_turns(self):
        """The body is read by the one for whom it was."""
        talker = self.talk()
        for i in range(12):
            name = ('nginx', 'node', 'python')[i % 3]
            how = ({'body': b'x' * 3000} if i % 2 else
                   {'chunks': [b'y' * 1000, b'z' * 2000]})
            answer = talker.ask(request(f'{name}.example', f'/{i}', **how))
            self.assertTrue(answer.body.decode().startswith(
                self.want(name, f'/{i}')), answer)
            if name == 'node':
                self.assertIn(b' 3000 ', answer.body)

    def test_connection_close(self):
        for name in ('nginx', 'node', 'python'):
            for version in ('1.0', '1.1'):
                talker = self.talk()
                answer = talker.ask(request(
                    f'{name}.example', '/1', 'Connection: close',
                    version=version))
                self.assertEqual(answer.body.decode(), self.want(name, '/1'))
                talker.half_close()
                self.assertTrue(talker.ended())

    def test_curl_keeps_its_connection(self):
        port = self.daemon.http
        url = f'http://node.example:{port}/'
        more = [word for i in range(19)
                for word in ('-o', '/dev/null', url + str(i))]
        self.assertEqual(self.curl('node.example', port, '-w',
                                   '%{num_connects} ', '-o', '/dev/null',
                                   *more, scheme='http'),
                         (0, '1 ' + '0 ' * 19))

    def test_idle_closed_by_the_tenant(self):
        """node closes after keepAliveTimeout; the client does not hear of
        it."""
        program = peers.NODE_PROGRAM + 'server.keepAliveTimeout = 500;'
        peers.node(self, self.host('brief.example') / 'http-socket', program)
        talker = self.talk()
        for _ in range(2):
            self.body(talker, 'brief.example')
            self.assertTrue(talker.quiet(2))

    def test_many_at_once(self):
        """Twenty connections, each by turns."""
        def one():
            with Talker(self.daemon.http) as talker:
                for i in range(30):
                    name = ('nginx', 'node', 'python')[i % 3]
                    if self.body(talker, f'{name}.example',
                                 f'/{i}') != self.want(name, f'/{i}'):
                        return False
            return True
        self.assertEqual(together(*[one] * 20), [True] * 20)


if __name__ == '__main__':
    unittest.main()
