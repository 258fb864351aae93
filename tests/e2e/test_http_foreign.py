# SPDX-License-Identifier: ISC
"""No client gets a byte of another tenant's answer, whatever tenants say about
their lengths: with clients that use one connection for several hosts, and
with haproxy and nginx before them, which pool connections by address and mix
everybody's requests on them."""
import contextlib
import itertools
import random
import select
import threading
import time
import unittest

import applications
import exchanges
import harness
import peers
from exchanges import each, stay
from talker import End, Talker, request, response, together

HAPROXY = applications.program('haproxy')
OK = b'HTTP/1.1 200 OK\r\n'
EVIL = b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-From: liar\r\n\r\nEVIL'

HINTS = b'HTTP/1.1 103 Early Hints\r\n\r\n'


def mark(host, path):
    return f'<{host}{path}>'.encode()


def honest(asked, _):
    """Now and then slow; the body says whose it is from end to end."""
    own = mark(asked.host, asked.path)
    if asked.path.endswith('7'):
        time.sleep(0.01)
    return response(own * (1 + len(asked.path) % 3 * 700))


def length(own, fields=b'', end=b'\r\n'):
    return end.join([b'HTTP/1.1 200 OK', b'Content-Length: %d' % len(own),
                     *([fields] if fields else []), b'', b'']) + own


def chunk(own, size=None, fields=b''):
    return OK + fields + b'Transfer-Encoding: chunked\r\n\r\n%x\r\n' % (
        len(own) if size is None else size) + own


# What a liar sends to a request whose own mark is given.  Of these everybody
# knows where they end:
FRAMED = {
    'short': lambda own: OK + b'Content-Length: 5000\r\n\r\n' + own,
    'long': lambda own: length(own) + EVIL,
    'exact': length,
    'chunk-short': lambda own: chunk(own, 4096),
    'chunk-long': lambda own: chunk(own) + b'\r\n0\r\n\r\n' + EVIL,
    'chunk-exact': lambda own: chunk(own) + b'\r\n0\r\n\r\n',
    'no-content': lambda own: b'HTTP/1.1 204 No Content\r\nContent-Length: '
    b'%d\r\n\r\n' % len(EVIL) + EVIL,
    'not-modified': lambda own: b'HTTP/1.1 304 Not Modified\r\n'
    b'Content-Length: %d\r\n\r\n' % len(EVIL) + EVIL,
    'many': lambda own: length(own) + EVIL * 30,
    'hints': lambda own: HINTS * 5 + length(own) + EVIL,
}

# Of these not, or they are no HTTP: some clients find an end.
DISPUTED = {
    'both': lambda own: OK + b'Content-Length: 70\r\nTransfer-Encoding: '
    b'chunked\r\n\r\n0\r\n\r\n',
    'both-evil': lambda own: OK + b'Content-Length: 5\r\nTransfer-Encoding: '
    b'chunked\r\n\r\n0\r\n\r\n' + EVIL,
    'none': lambda own: OK + b'\r\n' + own,
    'two-lengths': lambda own: length(own, b'Content-Length: 1') + EVIL,
    'same-twice': lambda own: length(own, b'Content-Length: %d' % len(own)),
    'list': lambda own: OK + b'Content-Length: %d, %d\r\n\r\n' % (
        len(own), len(own)) + own,
    'bare-lf': lambda own: length(own, end=b'\n'),
    'fold': lambda own: length(own, b'X: y\r\n z'),
    'blank': lambda own: OK + b'Content-Length : %d\r\n\r\n' % len(own)
    + own,
    'plus': lambda own: OK + b'Content-Length: +%d\r\n\r\n' % len(own) + own,
    'chunked-twice': lambda own: chunk(
        own, fields=b'Transfer-Encoding: chunked\r\n') + b'\r\n0\r\n\r\n',
    'gzip-chunked': lambda own: OK + b'Transfer-Encoding: gzip, chunked\r\n'
    b'\r\n%x\r\n' % len(own) + own + b'\r\n0\r\n\r\n',
    'chunk-lf': lambda own: (chunk(own) + b'\r\n0\r\n\r\n').replace(
        b'\r\n0\r\n', b'\n0\n'),
    'old-chunked': lambda own: (chunk(own) + b'\r\n0\r\n\r\n').replace(
        b'HTTP/1.1', b'HTTP/1.0', 1),
    'old-kept': lambda own: length(own, b'Connection: keep-alive').replace(
        b'HTTP/1.1', b'HTTP/1.0', 1),
    'no-colon': lambda own: length(own, b'X'),
    'nul': lambda own: length(own, b'X: \0'),
    'unasked-101': lambda own: b'HTTP/1.1 101 Switching Protocols\r\n\r\n'
    + own,
}
LIES = {**FRAMED, **DISPUTED}
MODES = ('closes', 'stays', 'talks')


def liar(kind, mode):
    """play() of a tenant that says that; then it closes, or stays, or goes on
    saying something for whoever comes next."""
    def play(reader):
        asked = reader.request()
        reader.socket.sendall(LIES[kind](mark(asked.host, asked.path)))
        for _ in range(300 if mode == 'talks' else 0):
            time.sleep(0.003)
            reader.socket.sendall(EVIL.replace(b'liar', kind.encode()))
        if mode != 'closes':
            stay(reader, 20)
    return play


class Case(exchanges.Case):
    def setUp(self):
        super().setUp()
        self.keep('b.example', honest)
        self.keep('c.example', honest)


class Direct(Case):
    """A client that asks an honest one, a liar, and two honest ones, on one
    connection."""

    def honest_answer(self, talker, host, path):
        """What comes next is that, or the end."""
        start = talker.at
        try:
            answer = talker.answer()
        except (End, OSError):
            return False
        except (ValueError, IndexError):
            self.fail(f'no response: {bytes(talker.raw[start:])[:80]}')
        self.assertNotIn('x-from', answer.fields)
        self.assertEqual(answer.body[:len(path) + len(host) + 2],
                         mark(host, path))
        self.assertNotIn(b'EVIL', answer.body)
        return True

    def one(self, kind, mode, pipelined):
        host = f'{kind}-{mode}-{pipelined:d}.example'
        self.act(host, liar(kind, mode))
        talker = self.talk(3)
        talker.send(request('b.example', '/1'))
        self.assertTrue(self.honest_answer(talker, 'b.example', '/1'))
        start = talker.at
        more = [('b.example', '/2'), ('c.example', '/3')]
        talker.send(request(host, '/lie'), *(
            request(*one) for one in (more if pipelined else [])))
        try:
            answer = talker.answer()
        except (End, OSError, ValueError, IndexError):
            # no whole answer: then nothing of an honest one either
            raw = bytes(talker.raw[start:])
            self.assertNotIn(mark(*more[0]), raw)
            self.assertNotIn(mark(*more[1]), raw)
            return
        for one in more:       # a lie may have a body, but none of theirs
            self.assertNotIn(mark(*one), answer.body)
        for one in more:
            if not pipelined:
                if talker.at < len(talker.raw) or select.select(
                        [talker.socket], [], [], 0)[0]:
                    break       # as who pools connections would: not idle
                with contextlib.suppress(OSError):
                    talker.send(request(*one))
            if not self.honest_answer(talker, *one):
                break
        talker.socket.close()

    def every(self, lies, *pipelined):
        each(*((self.one, *which)
               for which in itertools.product(lies, MODES, pipelined)))

    def test_framed(self):
        self.every(FRAMED, False)

    def test_framed_and_pipelined(self):
        self.every(FRAMED, True)

    def test_disputed(self):
        self.every(DISPUTED, False)

    def test_short_and_silent(self):
        """A response that never ends: the next request is for nobody."""
        for kind in ('short', 'chunk-short'):
            b = self.keep('b.example', honest)
            self.act('s.example', liar(kind, 'stays'))
            talker = self.talk()
            talker.send(request('s.example', '/lie'), request('b.example'))
            want = LIES[kind](mark('s.example', '/lie'))
            self.assertEqual(talker.exactly(len(want)), want)
            self.assertTrue(talker.quiet(1.5))
            self.assertEqual(b.raw, b'')
            talker.socket.close()


HAPROXY_CONFIGURATION = '''
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 2s
    http-reuse always
frontend all
    bind 127.0.0.1:%(port)d
    default_backend usherd
backend usherd
    option http-keep-alive
    server usherd 127.0.0.1:%(to)d
'''

NGINX_CONFIGURATION = '''
daemon off;
worker_processes 1;
pid %(root)s/nginx.pid;
error_log stderr crit;
%(user)s
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path %(root)s/body;
    proxy_temp_path %(root)s/proxy;
    fastcgi_temp_path %(root)s/fastcgi;
    uwsgi_temp_path %(root)s/uwsgi;
    scgi_temp_path %(root)s/scgi;
    upstream usherd { server 127.0.0.1:%(to)d max_fails=0; keepalive 4; }
    server {
        listen 127.0.0.1:%(port)d;
        location / {
            proxy_pass http://usherd;
            proxy_http_version 1.1;
            proxy_read_timeout 2s;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
        }
    }
}
'''


class Pooled(Case):
    """An intermediary before usherd, honest clients, and liars behind."""

    CLIENTS, ROUNDS, ASKING, SECONDS = 6, 150, 8, 60

    def before(self, text, command):
        root = self.hosts / 'before'
        root.mkdir()
        harness.os.chmod(root, 0o777)
        port = applications.free_port()
        file = root / 'configuration'
        file.write_text(text.lstrip() % {
            'root': root, 'port': port, 'to': self.daemon.http,
            'user': 'user nobody nogroup;' if harness.ROOT else ''})
        peers.run_server(self, [*command, file], file, cwd=root)
        applications.listening(port)
        return port

    def honest_client(self, port, seed, asked, wrong, right, failed):
        """Asks honest hosts, each time for something else, until all liars
        have been asked as well."""
        until = time.monotonic() + self.SECONDS
        chance = random.Random(seed)
        talker = Talker(port, 10)
        for i in itertools.count():
            if i >= self.ROUNDS and (asked() or time.monotonic() > until):
                break
            host, path = f'{chance.choice("bc")}.example', f'/{seed}/{i}'
            own = mark(host, path)
            try:
                answer = talker.ask(request(host, path))
            except (End, OSError):
                answer = None
            if answer and answer.status == 200:
                body = answer.body
                if body and body == own * (len(body) // len(own)) and \
                        'x-from' not in answer.fields:
                    right.append(path)
                else:
                    wrong.append((host, path, answer.fields, body[:200]))
            else:
                failed.append((path, answer and answer.status))
            if answer is None or answer.status != 200:
                talker.socket.close()
                talker = Talker(port, 10)
        talker.socket.close()

    def asks_liars(self, port, hosts, stop):
        """Asks the liars, so that their connections come into the pool."""
        while not stop.is_set():
            for host in hosts:
                try:
                    with Talker(port, 3) as talker:
                        talker.ask(request(host, '/lie'))
                except (End, OSError, ValueError, IndexError):
                    pass
                if stop.is_set():
                    return

    def mixed(self, port):
        hosts = {f'{kind}-{mode}.example': self.act(
            f'{kind}-{mode}.example', liar(kind, mode))
            for kind in LIES for mode in MODES}
        stop, wrong, right, failed = threading.Event(), [], [], []
        names = list(hosts)

        def asked():
            return all(actor.readers for actor in hosts.values())
        asking = [threading.Thread(target=self.asks_liars, args=(
            port, names[i::self.ASKING], stop), daemon=True)
            for i in range(self.ASKING)]
        for thread in asking:
            thread.start()
        try:
            together(*(lambda seed=seed: self.honest_client(
                port, seed, asked, wrong, right, failed)
                for seed in range(self.CLIENTS)), seconds=100)
        finally:
            stop.set()
            for thread in asking:
                thread.join(10)
        self.assertEqual(wrong, [])
        # a pool's connection may end as it is taken, but that is rare
        self.assertGreaterEqual(len(right) + len(failed),
                                self.CLIENTS * self.ROUNDS)
        self.assertGreater(len(right), 9 * len(failed), failed[:20])
        self.assertEqual([name for name, actor in hosts.items()
                          if not actor.readers], [])

    @unittest.skipUnless(HAPROXY, 'no haproxy')
    def test_haproxy(self):
        self.mixed(self.before(HAPROXY_CONFIGURATION, [HAPROXY, '-db', '-f']))

    @peers.need_nginx
    def test_nginx(self):
        self.mixed(self.before(NGINX_CONFIGURATION, [peers.NGINX, '-c']))


if __name__ == '__main__':
    unittest.main()
