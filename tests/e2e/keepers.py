# SPDX-License-Identifier: ISC
"""Clients that keep their connections, for test_response_differential.py: each
asks an origin for a stream of bytes, and then for something else."""
import base64
import collections
import contextlib
import re
import select
import shutil
import socket
import subprocess
import threading

import peers
from harness import wait_for
from talker import End, Reader

SECONDS = 5             # for one exchange
PAUSE = 0.015
PATIENCE = 0.4          # without another request, the next response comes
SECOND = (b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond')

INTERIM = re.compile(rb'HTTP/1\.1 1')
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
        self.early = self.closes = False
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
        comes unasked, or the end."""
        connection.settimeout(PATIENCE)
        try:
            return connection.recv(1, socket.MSG_PEEK) != b''
        except TimeoutError:
            if not self.closes:
                connection.sendall(SECOND)
            return False
        finally:
            connection.settimeout(None)


class Peer:
    """Asks for /first, then for /second; ask() gives what it saw of both."""

    def __init__(self, case):
        self.origin = Origin(case)
        self.start(case)

    def exchange(self, method, stream, closes=False):
        self.origin.stream, self.origin.closes = stream, closes
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
