# SPDX-License-Identifier: ISC
"""Upgrade: a tunnel when, and only when, the tenant says 101.  One that is
declined is an exchange like any other, and the next may be for another host.
"""
import asyncio
import contextlib
import importlib.util
import socket
import subprocess
import time
import unittest

import applications
import exchanges
import harness
import peers
from exchanges import stay
from harness import wait_for
from talker import End, request, response, together

SWITCHED = b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n' \
    b'Upgrade: echo\r\n\r\n'
ECHO = ('Connection: Upgrade', 'Upgrade: echo')
DECLINABLE = (
    ('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c',
     'HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA'),
    ('Connection: Upgrade', 'Upgrade: TLS/1.2'),
    ('Connection: upgrade', 'Upgrade: TLS/1.0, HTTP/1.1'),
    ('Connection: keep-alive, Upgrade', 'Upgrade: websocket',
     'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: ' + 'A' * 22 + '=='))

JAVA = '''
import java.net.URI;
import java.net.http.*;

class Ask {
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_2).build();
        for (int i = 1; i < words.length; i++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(
                "http://127.0.0.1:" + words[0] + "/" + i))
                .header("Host", words[i]).build();
            HttpResponse<String> response = client.send(request,
                HttpResponse.BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version()
                               + " " + response.body());
        }
    }
}
'''

NODE_SERVER = '''
const fs = require('fs'), path = process.argv[1];
const server = require('http').createServer((request, response) =>
    response.end(`${request.headers.host} ${request.url}`));
server.on('upgrade', (request, socket, head) => {
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\n' +
        'Connection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\nat once:');
    socket.write(head);
    socket.on('error', () => {});
    socket.pipe(socket);
});
server.listen(path, () => fs.chmodSync(path, 0o666));
'''


class Declined(exchanges.Case):
    def declined(self, host, *fields):
        """With the next request for another host, sent with it or later, and
        then for the first one again."""
        def one(pause):
            talker = self.talk()
            talker.send(request(host, '/1', *fields),
                        b'' if pause else request('b.example', '/2'))
            self.assertTrue(talker.answer().body.endswith(b' /1'))
            time.sleep(pause)
            if pause:
                talker.send(request('b.example', '/2'))
            self.good(talker, 'b.example', '/2')
            talker.send(request(host, '/3', *fields),
                        request('b.example', '/4', *fields))
            self.assertTrue(talker.answer().body.endswith(b' /3'))
            self.good(talker, 'b.example', '/4')
            talker.socket.close()
        together(lambda: one(0), lambda: one(0.2))

    def test_ours(self):
        a = self.keep('a.example')
        for fields in DECLINABLE:
            with self.subTest(fields=fields[1]):
                self.declined('a.example', *fields)
        self.assertNotIn(b'b.example', a.raw)

    def test_with_a_body(self):
        """It is framed as without Upgrade."""
        a = self.keep('a.example')
        for how in ({'body': b'x' * 500}, {'chunks': [b'y' * 500]}):
            talker = self.talk()
            talker.send(request('a.example', '/1', *DECLINABLE[1], **how),
                        request('b.example', '/2', **how))
            self.good(talker, 'a.example', '/1')
            self.good(talker, 'b.example', '/2')
        self.assertEqual([len(asked.body) for asked in a.requests],
                         [500, 500])
        self.assertEqual([len(asked.body) for asked in self.b.requests],
                         [500, 500])

    def test_426(self):
        """With a status of its own, and a connection that stays."""
        self.act('a.example', exchanges.says(response(
            b'x', 'Upgrade: TLS/1.2', status='426 Upgrade Required')))
        talker = self.talk()
        talker.send(request('a.example', '/1', *DECLINABLE[1]),
                    request('b.example', '/2'))
        self.assertEqual(talker.answer().status, 426)
        self.good(talker, 'b.example', '/2')

    @peers.need_nginx
    @peers.need_node
    def test_servers(self):
        peers.nginx(self, self.host('nginx.example') / 'http-socket')
        peers.node(self, self.host('node.example') / 'http-socket')
        for fields in DECLINABLE:
            self.declined('nginx.example', *fields)
            self.declined('node.example', *fields)

    @applications.need_java
    def test_java(self):
        """Its client asks for h2c in its first request, and uses the
        connection for others."""
        a = self.keep('a.example')
        program = self.hosts / 'Ask.java'
        program.write_text(JAVA)
        hosts = ['a.example', 'b.example', 'a.example', 'b.example']
        done = subprocess.run(
            [applications.JAVA, '-Djdk.httpclient.allowRestrictedHeaders=host',
             program, str(self.daemon.http), *hosts], capture_output=True,
            text=True, timeout=60)
        self.assertEqual((done.stderr, done.stdout.splitlines()), ('', [
            f'200 HTTP_1_1 {host} /{i + 1}' for i, host in enumerate(hosts)]))
        self.assertIn(b'h2c', a.raw)
        self.assertNotIn(b'b.example', a.raw)


class Unasked(exchanges.Case):
    def test_101_to_who_did_not_ask(self):
        """No tunnel for what comes behind: the connection is that tenant's
        last, and no request for another reaches it."""
        a = self.act('a.example', exchanges.says(SWITCHED + b'hello'))
        talker = self.talk()
        talker.send(request('a.example', '/1'), request('b.example', '/2'))
        talker.rest()
        self.assertEqual((a.raw.count(b'GET'), self.b.raw), (1, b''))


class Accepted(exchanges.Case):
    def echo(self, behind=b'', wait=0.0, before=b''):
        """A tenant that says 101 after a while, something with it, and then
        what it hears; self.early is what it could hear before."""
        def play(reader):
            reader.request()
            reader.socket.sendall(before)
            time.sleep(wait)
            self.early = bytes(reader.raw[reader.at:])
            with contextlib.suppress(BlockingIOError):
                self.early += reader.socket.recv(
                    1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            reader.socket.sendall(SWITCHED + behind)
            while True:
                while reader.at == len(reader.raw):
                    reader.more()
                reader.socket.sendall(reader.raw[reader.at:])
                reader.at = len(reader.raw)
        return self.act('a.example', play)

    def upgraded(self, talker):
        words, _ = talker.head()
        while words[1] == '103':
            words, _ = talker.head()
        self.assertEqual(words[1], '101')

    def test_bytes_in_the_same_segments(self):
        """Behind the request and behind the 101."""
        self.echo(b'at once:')
        for data in (b'x', b'x' * 100000, request('b.example', '/never')):
            talker = self.talk()
            talker.send(request('a.example', '/', *ECHO), data)
            self.upgraded(talker)
            self.assertEqual(talker.exactly(8 + len(data)),
                             b'at once:' + data)
            talker.send(b'more')
            self.assertEqual(talker.exactly(4), b'more')
            talker.socket.close()
        self.assertEqual(self.b.raw, b'')

    def test_they_wait_for_the_101(self):
        """Until then nobody knows whose they are."""
        self.echo(wait=0.4)
        talker = self.talk()
        talker.send(request('a.example', '/', *ECHO), b'early bytes')
        self.upgraded(talker)
        self.assertEqual(talker.exactly(11), b'early bytes')
        self.assertEqual(self.early, b'')

    def test_after_other_exchanges(self):
        self.echo(before=b'HTTP/1.1 103 Early Hints\r\n\r\n')
        talker = self.talk()
        for i in range(3):
            talker.send(request('b.example', f'/{i}'))
            self.good(talker, 'b.example', f'/{i}')
        talker.send(request('b.example', '/3'),
                    request('a.example', '/', *ECHO), b'hello')
        self.good(talker, 'b.example', '/3')
        self.upgraded(talker)
        self.assertEqual(talker.exactly(5), b'hello')

    def test_ends_pass_each_way(self):
        def play(reader):
            reader.request()
            reader.socket.sendall(SWITCHED)
            with contextlib.suppress(End):
                stay(reader)
            reader.socket.sendall(b'heard: '
                                  + bytes(reader.raw[reader.at:]))
        a = self.act('a.example', play)
        talker = self.talk()
        talker.send(request('a.example', '/', *ECHO), b'last words')
        self.upgraded(talker)
        talker.half_close()
        self.assertEqual(talker.rest(), b'heard: last words')
        wait_for(lambda: a.done)

    def test_megabytes_both_ways(self):
        self.echo()
        data = bytes(range(256)) * 40000
        talker = self.talk(30)
        talker.send(request('a.example', '/', *ECHO))
        self.upgraded(talker)
        together(lambda: talker.send(data),
                 lambda: self.assertEqual(talker.exactly(len(data)), data))

    def test_silent_for_longer_than_a_head_may_take(self):
        self.echo()
        talker = self.talk(30)
        talker.send(request('a.example', '/', *ECHO))
        self.upgraded(talker)
        self.assertTrue(talker.quiet(12))
        talker.send(b'GET')
        self.assertEqual(talker.exactly(3), b'GET')

    @peers.need_node
    def test_node(self):
        peers.node(self, self.host('n.example') / 'http-socket', NODE_SERVER)
        for data in (b'', b'x', b'y' * 20000):
            talker = self.talk()
            talker.send(request('n.example', '/', *ECHO), data)
            self.upgraded(talker)
            self.assertEqual(talker.exactly(8 + len(data)),
                             b'at once:' + data)
            talker.send(b'more')
            self.assertEqual(talker.exactly(4), b'more')
        talker = self.talk()
        talker.send(request('n.example', '/1'), request('b.example', '/2'))
        self.good(talker, 'n.example', '/1')
        self.good(talker, 'b.example', '/2')


@unittest.skipUnless(importlib.util.find_spec('websockets'),
                     'no websockets: package python3-websockets')
class WebSockets(exchanges.Case):
    def test_messages(self):
        """Server and client of python's websockets, one that speaks first,
        and large messages."""
        import websockets
        path = self.host('w.example') / 'http-socket'

        async def serve(client, *_):
            await client.send('welcome')
            async for message in client:
                await client.send(message)

        async def one():
            async with websockets.connect(
                    'ws://w.example/', host='127.0.0.1',
                    port=self.daemon.http, max_size=None) as client:
                self.assertEqual(await client.recv(), 'welcome')
                for message in ('hello', 'x' * 500000, b'\0\1\2'):
                    await client.send(message)
                    self.assertEqual(await client.recv(), message)

        async def main():
            async with websockets.unix_serve(serve, str(path), max_size=None):
                path.chmod(0o666)
                await asyncio.wait_for(
                    asyncio.gather(*[one() for _ in range(10)]), 20)
        asyncio.run(main())


if __name__ == '__main__':
    harness.unittest.main()
