# SPDX-License-Identifier: ISC
"""usherd against the parsers of nginx and node: they are sent the same
streams of requests, and wherever usherd forwards a message they see the same
boundaries.

Each request of a stream names another host, so usherd puts each message on a
connection of its own: what a connection carried is one message as usherd saw
it.  Then the peer is given the whole stream, and each of these messages by
itself.  It must see each as exactly one message (or refuse it), and see these
messages, one after the other, at the start of the whole.  To refuse more than
they do is fine.

streams.py has the streams; USHER_STREAMS is the number of mutated ones,
USHER_SEED begins their chance.
"""
import json
import os
import re
import socket
import subprocess
import sys
import threading
import unittest

import harness
import peers
import streams
from harness import Tenant, wait_for
from talker import End, Reader, Talker, response

MUTATED = int(os.environ.get('USHER_STREAMS', '500'))
SEED = int(os.environ.get('USHER_SEED', '1'))
SECONDS = 8             # a stream that takes longer hangs
OK = response(b'ok')
UPGRADED = b'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n' \
    b'Upgrade: websocket\r\n\r\n'

# Says of each connection, when it is over, which messages it saw.
NODE_PROGRAM = '''
const http = require('http'), fs = require('fs');
const server = http.createServer((request, response) => {
    const seen = { line: request.method + ' ' + request.url,
                   host: request.headers.host || '', body: '',
                   complete: false };
    request.socket.seen.push(seen);
    request.on('data', (piece) => { seen.body += piece.toString('latin1'); });
    request.on('error', () => {});
    request.on('end', () => { seen.complete = request.complete;
                              response.end('ok'); });
});
server.httpAllowHalfOpen = true;
server.on('connection', (socket) => {
    socket.seen = [];
    socket.code = '';
    socket.on('error', () => {});
    socket.on('close', () => console.log(JSON.stringify(
        { seen: socket.seen, code: socket.code })));
});
server.on('clientError', (error, socket) => {
    socket.code = error.code;
    socket.destroy();
});
server.on('connect', (request, socket) => socket.destroy());
server.listen(process.argv[1]);
'''

PROXY = '''
    keepalive_disable none;
    proxy_ignore_client_abort on;
    large_client_header_buffers 8 32k;
    location / {
        proxy_set_header Host $http_host;
        proxy_set_header X-Line "$request_method $request_uri";
        proxy_pass http://unix:%s;
    }
'''


def said_to(path, data):
    """Sends a stream, ends, and reads to the end."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(str(path))
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass


class Node:
    """Node's own parser."""

    def __init__(self, case):
        self.path = case.hosts / 'node.direct'
        self.process = peers.node(case, self.path, NODE_PROGRAM,
                                  stdout=subprocess.PIPE)

    def messages(self, data):
        said_to(self.path, data)
        said = json.loads(self.process.stdout.readline())
        seen = [(each['line'], each['host'], each['body'], each['complete'])
                for each in said['seen']]
        # refused in the middle; the end of the stream there is no refusal
        if seen and not seen[-1][3] and said['code'] not in (
                '', 'HPE_INVALID_EOF_STATE'):
            seen.pop()
        return seen


class Nginx:
    """nginx's; it passes on what it has read to its end, one message a
    connection, in a form of its own."""

    def __init__(self, case):
        behind = case.hosts / 'behind'
        self.path = case.host('direct.example') / 'http-socket'
        self.seen = []
        case.tenant(behind, self.serve)
        peers.nginx(case, self.path, PROXY % behind)

    def serve(self, connection):
        reader = Reader(connection)
        try:
            asked = reader.request()
        except End:
            return
        self.seen.append((asked.fields.get('x-line'), asked.host or '',
                          asked.body.decode('latin-1'), True))
        connection.sendall(OK)

    def messages(self, data):
        self.seen.clear()
        said_to(self.path, data)
        return list(self.seen)


class Recorder:
    """A tenant that keeps what each connection carried, and answers as soon
    as something comes: the next request waits for that.  It takes upgrades
    only where it is told to."""

    def __init__(self, case, host):
        self.upgrades = False
        self.path = case.host(f'{host}.example') / 'http-socket'
        self.lock = threading.Lock()
        self.carried, self.over = [], 0
        self.tenant = Tenant(self.path, self.serve)
        case.addCleanup(self.tenant.close)

    def serve(self, connection):
        data = b''
        try:
            answered = False
            while piece := connection.recv(65536):
                data += piece
                if not answered and not awaits_body(data):
                    connection.sendall(UPGRADED if self.upgrades and
                                       is_upgrade(data) else OK)
                    answered = True
        except OSError:
            pass
        with self.lock:
            if data:
                self.carried.append(data)
            self.over += 1

    def take(self):
        """What came since the last time: all that was on its way."""
        before = self.tenant.accepted
        with socket.socket(socket.AF_UNIX) as barrier:
            barrier.connect(str(self.path))
        wait_for(lambda: self.tenant.accepted > before, step=0.0005)
        wait_for(lambda: self.over == self.tenant.accepted, step=0.0005)
        carried, self.carried = self.carried, []
        return carried


def is_upgrade(message):
    head = message.partition(b'\r\n\r\n')[0]
    return (re.search(rb'\r\nconnection:[^\r]*upgrade', head, re.I)
            and re.search(rb'\r\nupgrade:[ \t]*[^ \t\r]', head, re.I))


def awaits_body(message):
    """Is it a head only, whose body comes unless it is declined?"""
    head, _, body = message.partition(b'\r\n\r\n')
    return not body and (
        re.search(rb'\r\nexpect:', head, re.I)
        and re.search(rb'\r\n(content-length:[ \t]*0*[1-9]|'
                      rb'transfer-encoding:)', head, re.I))


def host_of(message):
    """The letter of the host that a message names."""
    found = re.search(rb'\r\nhost:[ \t]*([a-z])\.example', message, re.I)
    return found[1].decode().lower() if found else None


class Differential(harness.Case):
    @peers.need_nginx
    @peers.need_node
    def setUp(self):
        super().setUp()
        self.recorders = {host: Recorder(self, host)
                          for host in streams.HOSTS}
        self.peers = {'node': Node(self), 'nginx': Nginx(self)}
        self.daemon = self.usherd('-j', '1', tls=0)
        self.counts = dict.fromkeys(
            ('streams', 'whole', 'messages', 'upgrades', 'refused by nginx',
             'refused by node'), 0)
        self.alone = {}

    def tearDown(self):
        print(self.counts, file=sys.stderr)

    def forwarded(self, stream):
        """The messages of a stream as usherd saw them, in their order."""
        with Talker(self.daemon.http, SECONDS) as talker:
            try:
                talker.send(stream)
                talker.half_close()
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass
            try:
                talker.rest()
            except TimeoutError:
                self.fail('usherd hangs')
        carried = [(host, message) for host, recorder in
                   self.recorders.items() for message in recorder.take()]
        ordered, at = [], 0
        while carried:
            for host, message in carried:
                if stream.startswith(message, at):
                    break
            else:
                self.fail(f'forwarded but not sent so: {carried}')
            self.assertEqual(host_of(message), host, message)
            ordered.append(message)
            at += len(message)
            carried.remove((host, message))
        return ordered, at

    def by_itself(self, name, message, last):
        """What the peer makes of one message of usherd's."""
        if (name, message) not in self.alone:
            self.alone[name, message] = self.peers[name].messages(message)
        seen = self.alone[name, message]
        self.assertLessEqual(len(seen), 1, f'{name} sees several messages '
                             f'in {message}')
        if not seen:
            self.counts['refused by ' + name] += 1
        elif not last:
            self.assertTrue(seen[0][3], f'{name} waits for more than '
                            f'{message}')
        return seen

    def compare(self, name, stream, messages, at):
        one_by_one = []
        for message in messages:
            last = message is messages[-1] and message != streams.LAST
            one_by_one += self.by_itself(name, message, last)
        whole = self.peers[name].messages(stream)
        common = min(len(whole), len(one_by_one))
        self.assertEqual(whole[:common], one_by_one[:common],
                         f'{name} splits {stream} another way')
        if at == len(stream):
            self.assertLessEqual(len(whole), len(one_by_one))

    def one(self, stream):
        stream += streams.LAST
        messages, at = self.forwarded(stream)
        self.counts['streams'] += 1
        self.counts['messages'] += len(messages)
        self.counts['whole'] += at == len(stream)
        self.counts['upgrades'] += any(map(is_upgrade, messages))
        for name in self.peers:
            self.compare(name, stream, messages, at)

    def all(self, made):
        for what, stream in made:
            with self.subTest(what=what, stream=stream):
                self.one(stream)

    def test_a_wrong_cut_is_noticed(self):
        """Would the comparison see a difference at all?"""
        first = streams.post([b'Content-Length: 5'], b'hello')
        chunks = streams.post([b'Transfer-Encoding: chunked'],
                              b'5\r\nhello\r\n0\r\n\r\n')
        for message in (first, chunks):
            stream = message + streams.AFTER + streams.LAST
            for cut in (len(message) - 5, len(message) - 1,
                        len(message) + 1, len(message) + len(streams.AFTER)):
                messages = [stream[:cut], stream[cut:-len(streams.LAST)],
                            streams.LAST]
                for name in self.peers:
                    with self.subTest(name=name, cut=cut):
                        with self.assertRaises(AssertionError):
                            self.compare(name, stream,
                                         [each for each in messages if each],
                                         len(stream))

    def test_table(self):
        self.all(streams.table())
        self.assertGreater(self.counts['whole'], 60)
        self.assertGreaterEqual(self.counts['upgrades'], 4)

    def test_upgrades(self):
        """One that is taken carries all that stands behind it, and one that
        is declined is a message as any other."""
        for recorder in self.recorders.values():
            recorder.upgrades = True
        for what, stream in streams.table():
            if not is_upgrade(stream):
                continue
            stream += streams.LAST
            with self.subTest(what=what, stream=stream):
                self.assertEqual(self.forwarded(stream),
                                 ([stream], len(stream)))
                self.counts['upgrades'] += 1
        self.assertGreaterEqual(self.counts['upgrades'], 4)

    def test_mutated(self):
        self.all(streams.mutated(MUTATED, SEED))
        self.assertGreater(self.counts['whole'], MUTATED // 4)


if __name__ == '__main__':
    unittest.main()
