# SPDX-License-Identifier: ISC
"""The reader of responses against what reads them in the field: nginx and
haproxy as proxies that keep connections, node's http.Agent, curl, and Java's
HttpClient.

Each is sent the same responses, cut where ours says that they end, as usherd
would pass them on, and then asks again.  All must take such a response for
whole, with the same status and body, and whoever asks again on the same
connection must see the next response from its first byte.  Who waits for more
is given the next response after a moment, and takes it for the rest.  To
refuse a response is no other cut, but who does is written down here.

What ours gives no end to need not be understood by anybody.
responses.py has the streams; USHER_STREAMS is the number of mutated ones,
USHER_SEED begins their chance.
"""
import base64
import collections
import contextlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
import unittest

import harness
import peers
import responses
from harness import wait_for
from talker import End, Reader, together

MUTATED = int(os.environ.get('USHER_STREAMS', '200'))
SEED = int(os.environ.get('USHER_SEED', '1'))
TOOL = harness.BUILD / 'tests' / 'response'
SECONDS = 5             # for one exchange
PAUSE = 0.015
PATIENCE = 0.4          # without another request, the next response comes
SECOND = (b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond')
SECOND_SEEN = (200, b'second')

INTERIM = re.compile(rb'HTTP/1\.1 1')
# Who refuses a legal response, and which: (the peer, what it begins with or
# has inside).
REFUSALS = [
    # no content, but a length of it
    ('java', re.compile(rb'HTTP/1\.1 204 .*\r\n'
                        rb'(Content-Length: [1-9]|Transfer-Encoding)', re.S)),
    # bounds: a size line, a trailer, a name
    ('java', re.compile(rb'\r\n5;a{2000}')),
    ('curl', re.compile(rb'\r\nT: u{4000}')),
    ('haproxy', re.compile(rb'\r\nX{256}')),
]

HAPROXY = shutil.which('haproxy', path=peers.SBIN)
CURL = shutil.which('curl')
JAVA = shutil.which('java')
NGINX_LOCATIONS = '''
    location / {
        proxy_pass http://origin;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_next_upstream off;
        proxy_buffer_size 64k;
        proxy_buffers 8 64k;
        proxy_busy_buffers_size 128k;
    }
}
upstream origin {
    server 127.0.0.1:%d;
    keepalive 4;
'''

HAPROXY_CONFIGURATION = '''
global
    nbthread 1
    tune.bufsize 65536
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    retries 0
frontend all
    bind unix@%s
    default_backend origin
backend origin
    http-reuse always
    server origin 127.0.0.1:%d
'''

# Both programs take lines "PORT METHOD" and answer each with one line:
# "STATUS BODY STATUS BODY", bodies in base64 behind a '.', or "error" for both
# words.
NODE_PROGRAM = '''
const http = require('http'), fs = require('fs');
const ask = (agent, port, method, path) => new Promise((done) => {
    const request = http.request(
        { agent, port, host: '127.0.0.1', method, path }, (response) => {
        const pieces = [];
        response.on('data', (piece) => pieces.push(piece));
        response.on('error', (error) => done('error error'));
        response.on('end', () => done(!response.complete ? 'error error' :
            response.statusCode + ' .' +
            Buffer.concat(pieces).toString('base64')));
    });
    request.setTimeout(5000, () => request.destroy());
    request.on('error', (error) => done('error error'));
    request.end();
});
require('readline').createInterface({ input: process.stdin }).on('line',
    async (line) => {
        const [port, method] = line.split(' ');
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const first = await ask(agent, port, method, '/first');
        await new Promise(setImmediate);
        const second = await ask(agent, port, 'GET', '/second');
        agent.destroy();
        console.log(first + ' ' + second);
    });
fs.writeFileSync(process.argv[1], '');
'''

JAVA_PROGRAM = '''
import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.time.Duration;
import java.util.Base64;

class Ask {
    static String ask(HttpClient client, String port, String method,
                      String path) {
        try {
            HttpResponse<byte[]> response = client.send(
                HttpRequest.newBuilder(
                    URI.create("http://127.0.0.1:" + port + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .timeout(Duration.ofSeconds(5)).build(),
                HttpResponse.BodyHandlers.ofByteArray());
            return response.statusCode() + " ."
                + Base64.getEncoder().encodeToString(response.body());
        } catch (Exception error) {
            return "error error";
        }
    }

    public static void main(String[] words) throws Exception {
        BufferedReader lines = new BufferedReader(
            new InputStreamReader(System.in));
        new FileOutputStream(words[0]).close();
        for (String line; (line = lines.readLine()) != null; ) {
            String[] parts = line.split(" ");
            HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1).build();
            System.out.println(
                ask(client, parts[0], parts[1], "/first") + " "
                + ask(client, parts[0], "GET", "/second"));
        }
    }
}
'''


# What a peer saw, whether it asked for both on one connection, and whether it
# asked again, or let go, before it had all of the first.
Seen = collections.namedtuple('Seen', 'first second kept early')


class Origin:
    """Answers /first with the stream of the moment, and /second."""

    def __init__(self, case):
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.stream, self.asked, self.connections = b'', [], []
        self.early = False
        case.addCleanup(self.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                self.connections.append(connection)
                threading.Thread(
                    target=self.serve, daemon=True,
                    args=(connection, len(self.connections))).start()

    def serve(self, connection, number):
        with connection, contextlib.suppress(OSError, End):
            reader = Reader(connection)
            while True:
                path = reader.request().path
                self.asked.append((number, path))
                if path == '/second':
                    connection.sendall(SECOND)
                elif not self.first(connection):
                    return

    def first(self, connection):
        """The last byte comes by itself: nobody must ask again before it.
        (haproxy 2.6 stops where a final response comes with an interim one,
        but for its last bytes.)"""
        rest = b'' if INTERIM.match(self.stream) else self.stream[-1:]
        connection.sendall(self.stream[:len(self.stream) - len(rest)])
        if rest:
            self.early = select.select([connection], [], [], PAUSE)[0] != []
            connection.sendall(rest)
        return self.again(connection)

    def again(self, connection):
        """Does another request come, or an end?  If not, the next response
        comes unasked."""
        connection.settimeout(PATIENCE)
        try:
            return connection.recv(1, socket.MSG_PEEK) != b''
        except TimeoutError:
            connection.sendall(SECOND)
            return False
        finally:
            connection.settimeout(None)


class Peer:
    """Asks for /first, then for /second; ask() gives what it saw of both."""

    def __init__(self, case):
        self.origin = Origin(case)
        self.start(case)

    def exchange(self, method, stream):
        self.origin.stream = stream
        self.origin.asked.clear()
        self.origin.early = False
        first, second = self.ask(method)
        asked = list(self.origin.asked)
        one = {path: which for which, path in asked}
        return Seen(first, second, one.get('/first') == one.get('/second'),
                    self.origin.early)


class Proxy(Peer):
    """Connections to it are closed, its own are kept."""

    def once(self, method, path):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(SECONDS)
            client.connect(str(self.path))
            client.sendall(f'{method} {path} HTTP/1.1\r\nHost: a\r\n'
                           'Connection: close\r\n\r\n'.encode())
            reader = Reader(client)
            try:
                answer = reader.answer(method)
                rest = reader.rest()
            except (End, TimeoutError, ValueError, IndexError):
                return None
        return answer.status, answer.body + rest

    def ask(self, method):
        return self.once(method, '/first'), self.once('GET', '/second')


class Nginx(Proxy):
    def start(self, case):
        self.path = case.host('nginx.example') / 'http-socket'
        peers.nginx(case, self.path, NGINX_LOCATIONS % self.origin.port)


class Haproxy(Proxy):
    def start(self, case):
        self.path = case.hosts / 'haproxy'
        configuration = case.hosts / 'haproxy.cfg'
        configuration.write_text(
            HAPROXY_CONFIGURATION % (self.path, self.origin.port))
        peers.run_server(case, [HAPROXY, '-db', '-f', configuration],
                         self.path)


class Lines(Peer):
    """A program that is told by lines what to ask for."""

    def run(self, case, *command):
        ready = case.hosts / f'{type(self).__name__}.ready'
        self.process = subprocess.Popen(
            [*command, ready], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, bufsize=1)
        case.addCleanup(self.stop)
        wait_for(ready.exists, 30)

    def stop(self):
        self.process.kill()
        self.process.communicate()

    def ask(self, method):
        self.process.stdin.write(f'{self.origin.port} {method}\n')
        words = self.process.stdout.readline().split()
        return self.seen(words[:2]), self.seen(words[2:])

    def seen(self, words):
        if words[0] == 'error':
            return None
        return int(words[0]), base64.b64decode(words[1][1:])


class Node(Lines):
    def start(self, case):
        self.run(case, peers.NODE, '-e', NODE_PROGRAM)


class Java(Lines):
    def start(self, case):
        source = case.hosts / 'Ask.java'
        source.write_text(JAVA_PROGRAM)
        self.run(case, JAVA, '-XX:TieredStopAtLevel=1', source)


class Curl(Peer):
    def start(self, case):
        self.first, self.second = case.hosts / 'first', case.hosts / 'second'

    def ask(self, method):
        url = f'http://127.0.0.1:{self.origin.port}'
        common = ['-sS', '--http1.1', '--max-time', str(SECONDS), '-w',
                  '%{exitcode} %{http_code}\n']
        for path in (self.first, self.second):
            path.write_bytes(b'')
        done = subprocess.run(
            [CURL, *common, *(['--head'] if method == 'HEAD' else []),
             '-o', self.first, url + '/first', '--next', *common,
             '-o', self.second, url + '/second'],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        body = b'' if method == 'HEAD' else self.first.read_bytes()
        bodies = body, self.second.read_bytes()
        words = [line.split() for line in done.stdout.splitlines()]
        words += [['1']] * (2 - len(words))     # it has given up
        return [(int(each[1]), body) if each[0] == '0' else None
                for each, body in zip(words, bodies)]


PEERS = {'nginx': Nginx, 'haproxy': Haproxy, 'node': Node, 'curl': Curl,
         'java': Java}


class Given:
    """A socket from which these bytes can be read."""

    def __init__(self, data):
        self.data = data

    def recv(self, _):
        data, self.data = self.data, b''
        return data


def plainly(method, message):
    """Status and body as a trusting reader sees them; it must end where the
    message does."""
    reader = Reader(Given(message))
    answer = reader.answer(method)
    assert reader.at == len(message), message
    return answer.status, answer.body


def end_of(method, stream):
    """The response at the start of the stream, if it has an end there, and
    whether it is the last one of its connection."""
    said = subprocess.run([TOOL, 'head' if method == 'HEAD' else 'get'],
                          input=stream, stdout=subprocess.PIPE, check=True)
    words = said.stdout.decode().split()
    if words[0] != 'end' or int(words[1]) > len(stream):
        return None, True
    return stream[:int(words[1])], words[2:] == ['last']


def may_refuse(name, message):
    return any(who == name and what.search(message)
               for who, what in REFUSALS)


@peers.need_nginx
@peers.need_node
@harness.unittest.skipUnless(HAPROXY, 'haproxy is not installed')
@harness.unittest.skipUnless(CURL, 'curl is not installed')
@harness.unittest.skipUnless(JAVA, 'java is not installed')
class Differential(harness.Case):
    def setUp(self):
        super().setUp()
        self.peers = dict(zip(PEERS, together(
            *[lambda kind=kind: kind(self) for kind in PEERS.values()])))
        self.counts = dict.fromkeys(('framed', 'refused', 'kept'), 0)

    def tearDown(self):
        print(self.counts, file=sys.stderr)

    def see(self, method, message):
        """{name: Seen}"""
        return dict(zip(self.peers, together(
            *[lambda peer=peer: peer.exchange(method, message)
              for peer in self.peers.values()])))

    def compare(self, name, seen, expected, message, last=False,
                strange=False):
        first, second, kept, early = seen
        self.counts['kept'] += kept
        if name == 'nginx' and INTERIM.match(message):
            # Before 1.29 it takes an interim response for a final one that
            # ends with the connection, on which it asks for nothing more.
            if not kept:
                return
        if first is None or (first[0] == 502 and expected[0] != 502):
            self.counts['refused'] += 1
            self.assertTrue(strange or may_refuse(name, message),
                            f'{name} refuses {message}')
            self.assertFalse(kept, f'{name} refuses and goes on: {message}')
            return
        self.assertEqual(first, expected, f'{name} sees another end of '
                         f'{message}')
        if last:
            return
        self.assertFalse(early, f'{name} sees an earlier end of {message}')
        if kept:
            self.assertEqual(second, SECOND_SEEN,
                             f'{name} sees another start behind {message}')

    def one(self, method, message, last, strange=False):
        expected = plainly(method, message)
        self.counts['framed'] += 1
        for name, seen in self.see(method, message).items():
            self.compare(name, seen, expected, message, last, strange)

    def test_table(self):
        for method, stream in dict.fromkeys(responses.table()):
            message, last = end_of(method, stream)
            if message is None:
                continue
            with self.subTest(method=method, stream=stream):
                self.one(method, message, last)
        self.assertGreater(self.counts['framed'], 300)
        self.assertGreater(self.counts['kept'], 1000)

    def test_mutated(self):
        """Of these anybody may refuse any."""
        for method, stream in responses.mutated(SEED):
            message, last = end_of(method, stream)
            if message is None:
                continue
            with self.subTest(method=method, stream=stream):
                self.one(method, message, last, strange=True)
            if self.counts['framed'] == MUTATED:
                break

    def test_a_wrong_cut_is_noticed(self):
        """By each of them: would the comparison see a difference at all?"""
        whole = responses.five(responses.LENGTH)
        coded = responses.five(responses.CODED, body=responses.CHUNKS)
        empty = responses.head(line=b'HTTP/1.1 304 Not Modified')
        for message, cut in ((whole, whole[:-1]), (coded, coded[:-1]),
                             (coded, coded[:-2]), (empty, empty[:-1]),
                             (whole, whole + whole)):
            expected = plainly('GET', message)
            for name, seen in self.see('GET', cut).items():
                with self.subTest(name=name, cut=cut):
                    with self.assertRaises(AssertionError):
                        self.compare(name, seen, expected, message)
                        self.assertTrue(seen.kept)  # it has let go of it

    def test_ambiguous(self):
        """What they read in two ways has no end."""
        for stream in responses.AMBIGUOUS:
            with self.subTest(stream=stream):
                self.assertIsNone(end_of('GET', stream)[0])
                seen = self.see('GET', stream)
                self.assertGreater(
                    len({each.first for each in seen.values()}), 1)


if __name__ == '__main__':
    unittest.main()
