# SPDX-License-Identifier: ISC
"""A request with Connection: upgrade and Upgrade: makes the connection a
tunnel to that tenant.  WebSocket is tried with real clients and servers.

The client is node's own (undici) and that of the npm package ws, the server
ws and one of our own; ws is installed for the test where that is possible.
"""
import base64
import hashlib
import os
import pathlib
import subprocess
import unittest

import harness
import peers
from talker import End, Keeper, Reader, Talker, request, response

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'      # RFC 6455 section 1.3
TEXT, BINARY, CLOSE = 1, 2, 8
UPGRADE = ('Connection: Upgrade', 'Upgrade: websocket',
           'Sec-WebSocket-Version: 13',
           'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')

# Echoes text and binary messages of all sizes with a WebSocket client class.
CLIENT = '''
const sizes = [0, 1, 125, 126, 65535, 65536, 1000000];
const socket = new Socket('ws://' + process.argv[1] + '/chat');
socket.binaryType = 'arraybuffer';
let at = 0, texts = 0;
const fail = (what) => { console.log('failed: ' + what); process.exit(1); };
setTimeout(() => fail('too slow'), 20000).unref();
socket.onopen = () => socket.send('hello');
socket.onerror = (event) => fail(event.message || 'error');
socket.onmessage = ({ data }) => {
    if (typeof data === 'string') {
        if (data !== 'hello') fail('text');
        texts++;
    } else {
        const bytes = new Uint8Array(data);
        if (bytes.length !== sizes[at] ||
            !bytes.every((byte, i) => byte === (i * 7) % 256))
            fail('bytes ' + sizes[at]);
        at++;
    }
    if (at === sizes.length) { socket.close(1000); return; }
    socket.send(Uint8Array.from({ length: sizes[at] },
                                (_, i) => (i * 7) % 256));
};
socket.onclose = ({ code }) => console.log(`closed ${code} ${texts} ${at}`);
'''
CLIENT_OF_NODE = 'const Socket = WebSocket;' + CLIENT
CLIENT_OF_WS = "const Socket = require('ws');" + CLIENT
SERVER_OF_WS = '''
const fs = require('fs'), http = require('http'), ws = require('ws');
const server = http.createServer((request, response) =>
    response.end('plain ' + request.url));
new ws.WebSocketServer({ server }).on('connection', (socket) =>
    socket.on('message', (data, binary) => socket.send(data, { binary })));
server.listen(process.argv[1], () => fs.chmodSync(process.argv[1], 0o666));
'''


def frame_read(reader):
    """(opcode, payload) of a message, RFC 6455 section 5.2."""
    opcode, data, final = piece_read(reader)
    while not final:
        _, more, final = piece_read(reader)
        data += more
    return opcode, data


def piece_read(reader):
    """(opcode, payload, whether it is the last) of one frame."""
    first, second = reader.exactly(2)
    size = second & 127
    if size > 125:
        size = int.from_bytes(reader.exactly(2 if size == 126 else 8), 'big')
    mask = reader.exactly(4) if second & 128 else b''
    data = reader.exactly(size)
    if mask:
        key = (mask * (size // 4 + 1))[:size]
        data = (int.from_bytes(data, 'big') ^ int.from_bytes(key, 'big')
                ).to_bytes(size, 'big')
    return first & 15, data, first & 128 != 0


def frame(opcode, data, mask=b''):
    """A final frame; mask is that of a client."""
    size = len(data)
    bit = 128 if mask else 0
    if size < 126:
        head = bytes([128 | opcode, bit | size])
    elif size < 65536:
        head = bytes([128 | opcode, bit | 126]) + size.to_bytes(2, 'big')
    else:
        head = bytes([128 | opcode, bit | 127]) + size.to_bytes(8, 'big')
    if not mask:
        return head + data
    return head + mask + bytes(
        byte ^ mask[i % 4] for i, byte in enumerate(data))


def switched(asked):
    """The 101 for a request."""
    key = asked.fields['sec-websocket-key'].encode()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    return ('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n'
            'Upgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n\r\n'
            % accept).encode()


def echo_messages(connection, reader):
    while True:
        opcode, data = frame_read(reader)
        if opcode == CLOSE:
            connection.sendall(frame(CLOSE, data[:2]))
            return
        connection.sendall(frame(opcode, data))


def serve(connection):
    """A tenant that speaks HTTP until a request asks for more."""
    reader = Reader(connection)
    try:
        while True:
            asked = reader.request()
            if 'upgrade' in asked.fields:
                connection.sendall(switched(asked))
                echo_messages(connection, reader)
                return
            connection.sendall(response('plain ' + asked.path))
    except End:
        pass


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.tenant(self.host('ws.example') / 'http-socket', serve)
        self.other = Keeper()
        self.tenant(self.host('b.example') / 'http-socket', self.other)
        self.daemon = self.usherd('-j', '1', tls=0)

    def talk(self):
        talker = Talker(self.daemon.http)
        self.addCleanup(talker.socket.close)
        return talker


class ByHand(Case):
    def upgraded(self, talker):
        answer = talker.ask(request('ws.example', '/chat', *UPGRADE))
        self.assertEqual(answer.status, 101)
        self.assertEqual(answer.fields['sec-websocket-accept'],
                         's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')   # RFC 6455, 1.3

    def echoed(self, talker, data):
        talker.send(frame(BINARY, data, b'mask'))
        self.assertEqual(frame_read(talker), (BINARY, data))

    def test_echo(self):
        talker = self.talk()
        self.upgraded(talker)
        for size in (0, 1, 125, 126, 1000, 65535, 65536, 300000):
            self.echoed(talker, os.urandom(size))
        talker.send(frame(CLOSE, b'\3\xe8', b'mask'))
        self.assertEqual(frame_read(talker), (CLOSE, b'\3\xe8'))
        self.assertTrue(talker.ended())

    def test_after_other_requests(self):
        """On a kept-alive connection, after requests to this host and to
        another."""
        talker = self.talk()
        for name, text in (('ws', b'plain /1'), ('b', b'GET b.example /1'),
                           ('ws', b'plain /1')):
            self.assertEqual(
                talker.ask(request(f'{name}.example', '/1')).body, text)
        self.upgraded(talker)
        self.echoed(talker, b'x' * 1000)

    def test_pipelined_after_another(self):
        """The Upgrade and the first frame are on their way already."""
        talker = self.talk()
        talker.send(request('b.example', '/1'), request('ws.example', '/2'),
                    request('ws.example', '/chat', *UPGRADE),
                    frame(TEXT, b'early', b'mask'))
        self.assertEqual(talker.answer().body, b'GET b.example /1')
        self.assertEqual(talker.answer().body, b'plain /2')
        self.assertEqual(talker.answer().status, 101)
        self.assertEqual(frame_read(talker), (TEXT, b'early'))

    def test_what_looks_like_a_request_goes_to_the_same(self):
        """In a tunnel nothing is read any more."""
        talker = self.talk()
        self.upgraded(talker)
        inner = request('b.example', '/secret') * 3 + b'\0\xff\r\n\n'
        self.echoed(talker, inner)
        talker.send(frame(TEXT, b'more', b'mask'))
        self.assertEqual(frame_read(talker), (TEXT, b'more'))
        self.assertEqual(self.other.raw, b'')

    def test_the_tenant_ends(self):
        talker = self.talk()
        self.upgraded(talker)
        talker.send(frame(CLOSE, b'', b'mask'))
        frame_read(talker)
        self.assertTrue(talker.ended())

    def test_the_client_ends(self):
        """Nothing is left of it: the next one gets all."""
        for _ in range(5):
            talker = self.talk()
            self.upgraded(talker)
            self.echoed(talker, b'here')
            talker.socket.close()


class Real(Case):
    """Real clients and servers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.modules = cls.scratch / 'node_modules'
        cls.has_ws = cls.install_ws()

    @classmethod
    def install_ws(cls):
        if not peers.NODE:
            return False
        try:
            done = subprocess.run(
                ['npm', 'install', 'ws', '--prefix', cls.scratch, '--cache',
                 cls.scratch / 'cache', '--no-audit', '--no-fund',
                 '--fetch-retries', '0', '--fetch-timeout', '10000'],
                cwd=cls.scratch, capture_output=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0 and pathlib.Path(cls.modules,
                                                     'ws').is_dir()

    def client(self, program, name, *options):
        done = subprocess.run(
            [peers.NODE, *options, '--dns-result-order=ipv4first', '-e',
             program, f'{name}:{self.daemon.http}'],
            env={**os.environ, 'NODE_PATH': str(self.modules),
                 'NODE_OPTIONS': ''},
            capture_output=True, text=True, timeout=30)
        return done.stdout.strip() or done.stderr[-500:]

    def localhost(self, program=None):
        """A tenant by the one name that a client can look up here."""
        path = self.host('localhost') / 'http-socket'
        if program is None:
            self.tenant(path, serve)
        else:
            peers.node(self, path, program,
                       env={**os.environ, 'NODE_PATH': str(self.modules)})

    def need_ws(self):
        if not self.has_ws:
            self.skipTest('the npm package ws cannot be installed here')

    @peers.need_node
    def test_client_of_node_and_our_server(self):
        self.localhost()
        said = self.client(CLIENT_OF_NODE, 'localhost',
                           '--experimental-websocket')
        if 'bad option' in said or 'not defined' in said:
            self.skipTest('this node has no WebSocket')
        self.assertEqual(said, 'closed 1000 1 7')

    @peers.need_node
    def test_client_of_ws_and_our_server(self):
        self.need_ws()
        self.localhost()
        self.assertEqual(self.client(CLIENT_OF_WS, 'localhost'),
                         'closed 1000 1 7')

    @peers.need_node
    def test_client_and_server_of_ws(self):
        self.need_ws()
        self.localhost(SERVER_OF_WS)
        self.assertEqual(self.client(CLIENT_OF_WS, 'localhost'),
                         'closed 1000 1 7')

    @peers.need_node
    def test_server_of_ws_after_a_plain_request(self):
        self.need_ws()
        self.localhost(SERVER_OF_WS)
        talker = self.talk()
        for path in ('/1', '/2'):
            self.assertEqual(talker.ask(request('localhost', path)).body,
                             b'plain ' + path.encode())
        self.assertEqual(talker.ask(request('b.example')).status, 200)
        answer = talker.ask(request('localhost', '/chat', *UPGRADE))
        self.assertEqual(answer.status, 101)
        talker.send(frame(TEXT, b'word', b'mask'))
        self.assertEqual(frame_read(talker), (TEXT, b'word'))


if __name__ == '__main__':
    unittest.main()
