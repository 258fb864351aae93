# SPDX-License-Identifier: ISC
"""Real servers as tenants: nginx, openssl s_server and node on UNIX sockets,
and 20 MB through each of TLS and HTTP, both ways."""
import hashlib
import os
import shutil
import subprocess
import threading
import unittest

import harness
import wire
from harness import wait_for

SBIN = '/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin'
NGINX = shutil.which('nginx', path=SBIN)
NODE = shutil.which('node', path=SBIN)
SIZE = 20 * 1024 * 1024

CONFIGURATION = '''\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
%(user)s
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen unix:%(host)s/tls-socket ssl http2;
        listen unix:%(host)s/http-socket;
        ssl_certificate %(certificate)s;
        ssl_certificate_key %(key)s;
        ssl_protocols TLSv1.2 TLSv1.3;
        root %(root)s;
        location /up/ {
            dav_methods PUT;
            client_max_body_size 64m;
        }
        location = /who {
            return 200 "nginx $scheme $server_protocol $ssl_server_name";
        }
    }
}
'''

NODE_PROGRAM = '''
const fs = require('fs'), [cert, key, path] = process.argv.slice(1);
require('https').createServer(
    { cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
    (request, response) => response.end('node ' + request.headers.host))
    .listen(path, () => fs.chmodSync(path, 0o666));
'''


class Case(harness.Case):
    def run_server(self, command, *paths, cwd=None, stdin=None):
        """A server in the foreground, until it has made its sockets."""
        server = subprocess.Popen(
            command, cwd=cwd, stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        wait_for(lambda: all(path.exists() for path in paths))
        for path in paths:
            os.chmod(path, 0o666)


@unittest.skipUnless(NGINX, 'nginx is not installed')
class Nginx(Case):
    """nginx ends TLS itself, on a UNIX socket."""

    def setUp(self):
        super().setUp()
        host = self.host('nginx.example')
        self.root = self.hosts / 'nginx'
        for directory in (self.root, self.root / 'www',
                          self.root / 'www' / 'up'):
            directory.mkdir()
            os.chmod(directory, 0o777)
        (self.root / 'nginx.conf').write_text(CONFIGURATION % {
            'host': host, 'root': self.root / 'www',
            'certificate': self.certificate[0], 'key': self.certificate[1],
            'user': 'user nobody nogroup;' if harness.ROOT else ''})
        self.run_server(
            [NGINX, '-p', str(self.root), '-c', 'nginx.conf'],
            host / 'tls-socket', host / 'http-socket')
        self.daemon = self.usherd()

    def fetch(self, scheme, path, *options):
        port = self.daemon.tls if scheme == 'https' else self.daemon.http
        return self.curl('nginx.example', port, *options, scheme=scheme,
                         path=path)

    def test_versions_of_http(self):
        for option, version in (('--http1.1', '1.1'), ('--http2', '2.0')):
            for tls in ('1.2', '1.3'):
                with self.subTest(http=version, tls=tls):
                    self.assertEqual(
                        self.fetch('https', '/who', option, f'--tlsv{tls}',
                                   '--tls-max', tls),
                        (0, f'nginx https HTTP/{version} nginx.example'))
        self.assertEqual(self.fetch('http', '/who'),
                         (0, 'nginx http HTTP/1.1 '))

    def test_many_requests_on_one_connection(self):
        for scheme in ('https', 'http'):
            port = (self.daemon.tls if scheme == 'https'
                    else self.daemon.http)
            more = [word for _ in range(19) for word in
                    ('-o', '/dev/null',
                     f'{scheme}://nginx.example:{port}/who')]
            status, text = self.fetch(scheme, '/who', '--http1.1', '-w',
                                      '%{num_connects} ', '-o', '/dev/null',
                                      *more)
            self.assertEqual((status, text), (0, '1 ' + '0 ' * 19))

    def test_download(self):
        data = os.urandom(SIZE)
        (self.root / 'www' / 'large').write_bytes(data)
        os.chmod(self.root / 'www' / 'large', 0o644)
        for scheme, option in (('http', '--http1.1'),
                               ('https', '--http1.1'), ('https', '--http2')):
            got = self.hosts / 'got'
            with self.subTest(scheme=scheme, option=option):
                self.assertEqual(
                    self.fetch(scheme, '/large', option, '-o', str(got)),
                    (0, ''))
                self.assertEqual(digest(got.read_bytes()), digest(data))

    def test_upload(self):
        data = os.urandom(SIZE)
        file = self.hosts / 'file'
        file.write_bytes(data)
        for i, (scheme, option) in enumerate((
                ('http', '--http1.1'), ('https', '--http1.1'),
                ('https', '--http2'))):
            with self.subTest(scheme=scheme, option=option):
                self.assertEqual(
                    self.fetch(scheme, f'/up/{i}', option, '-T', str(file),
                               '-o', '/dev/null', '-w', '%{http_code}'),
                    (0, '201'))
                self.assertEqual(digest((self.root / 'www' / 'up' / f'{i}')
                                        .read_bytes()), digest(data))

    def test_several_downloads_at_once(self):
        data = os.urandom(SIZE // 4)
        (self.root / 'www' / 'large').write_bytes(data)
        os.chmod(self.root / 'www' / 'large', 0o644)
        results = []

        def one(i):
            got = self.hosts / f'got{i}'
            self.fetch(('http', 'https')[i % 2], '/large', '-o', str(got))
            results.append(digest(got.read_bytes()))
        threads = [threading.Thread(target=one, args=(i,))
                   for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(results, [digest(data)] * 8)


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Others(Case):
    def s_client(self, port, name, data, *options):
        done = subprocess.run(
            ['openssl', 's_client', '-connect', f'127.0.0.1:{port}',
             '-servername', name, '-quiet', *options], input=data,
            capture_output=True, timeout=20)
        return done.stdout

    def s_server(self, name, *options):
        host = self.host(name)
        # in its directory: OpenSSL fails on paths that getnameinfo(3) has
        # no room for
        self.run_server(
            ['openssl', 's_server', '-unix', 'tls-socket', '-quiet',
             '-cert', self.certificate[0], '-key', self.certificate[1],
             *options], host / 'tls-socket', cwd=host)

    def test_openssl(self):
        """openssl s_server, asked by s_client."""
        self.s_server('a.example', '-www')
        self.s_server('b.example', '-www', '-tls1_2')
        daemon = self.usherd(http=0)
        for name, versions in (('a.example', ('-tls1_2', '-tls1_3')),
                               ('b.example', ('-tls1_2',))):
            for version in versions:
                with self.subTest(name=name, version=version):
                    text = self.s_client(daemon.tls, name,
                                         b'GET / HTTP/1.0\r\n\r\n', version)
                    self.assertIn(b'HTTP/1.0 200 ok', text)
                    self.assertIn(b's_server -unix', text)

    def test_openssl_lines(self):
        """Both sides talk by turns: each line comes back reversed."""
        self.s_server('a.example', '-rev')
        daemon = self.usherd(http=0)
        client = subprocess.Popen(
            ['openssl', 's_client', '-connect', f'127.0.0.1:{daemon.tls}',
             '-servername', 'a.example', '-quiet'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.stdin.close)
        for i in range(20):
            line = b'line %d' % i
            client.stdin.write(line + b'\n')
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), line[::-1] + b'\n')

    @unittest.skipUnless(NODE, 'node is not installed')
    def test_node(self):
        path = self.host('node.example') / 'tls-socket'
        self.run_server([NODE, '-e', NODE_PROGRAM, *self.certificate,
                         str(path)], path)
        daemon = self.usherd(http=0)
        for _ in range(3):
            self.assertEqual(self.curl('node.example', daemon.tls),
                             (0, f'node node.example:{daemon.tls}'))

    def test_bytes_both_ways_at_once(self):
        """20 MB each way on one connection, of either protocol."""
        host = self.host('a.example')
        for entry in ('tls-socket', 'http-socket'):
            self.tenant(host / entry, harness.echo_server)
        daemon = self.usherd()
        body = os.urandom(SIZE)
        for port, start in ((daemon.tls, wire.hello('a.example')),
                            (daemon.http, wire.tunnel())):
            self.assertEqual(digest(self.echoed(port, start + body)),
                             digest(wire.echoed(start) + body))

    def echoed(self, port, data):
        with wire.connect(port) as client:
            def send():
                client.sendall(data)
                client.shutdown(wire.socket.SHUT_WR)
            sender = threading.Thread(target=send)
            sender.start()
            answer = bytearray()
            while len(answer) <= len(data):
                piece = client.recv(1 << 20)
                if not piece:
                    break
                answer += piece
            sender.join(20)
            return bytes(answer)


if __name__ == '__main__':
    unittest.main()
