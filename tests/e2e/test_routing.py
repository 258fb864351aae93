# SPDX-License-Identifier: ISC
"""Names reach their tenants: those of two real servers, asked by curl,
openssl and a browser, and names as clients may write them."""
import shutil
import subprocess
import tempfile
import unittest

import harness
import wire
from harness import http_server, tls_server

NAMES = ('a.example', 'b.example')
# 253 bytes: the longest there is, and longer than sun_path
LONGEST = '.'.join(['a' * 63] * 3 + ['b' * 53, 'example'])
CHROMIUM = '/usr/bin/chromium'


class Tenants(harness.Case):
    def setUp(self):
        super().setUp()
        for name in NAMES:
            self.serve(name)

    def serve(self, name):
        host = self.host(name)
        self.tenant(host / 'tls-socket',
                    tls_server(f'tls {name}', self.certificate))
        self.tenant(host / 'http-socket', http_server(f'http {name}'))

    def s_client(self, port, name, *options):
        """What the tenant answers to openssl s_client."""
        done = subprocess.run(
            ['openssl', 's_client', '-connect', f'127.0.0.1:{port}',
             '-servername', name, '-quiet', *options],
            input=wire.head(), capture_output=True, timeout=20)
        return done.stdout.decode(errors='replace')

    def http_body(self, port, data):
        answer, _ = wire.ask(port, data)
        return answer.partition(b'\r\n\r\n')[2].decode()


class Routing(Tenants):
    def test_two_tenants_over_tls_and_http(self):
        daemon = self.usherd()
        for name in NAMES:
            self.assertEqual(self.curl(name, daemon.tls),
                             (0, f'tls {name}'))
            self.assertEqual(self.curl(name, daemon.http, scheme='http'),
                             (0, f'http {name}'))
        self.assertEqual(daemon.stop(), 0)

    def test_openssl(self):
        daemon = self.usherd()
        for name in NAMES:
            for options in ([], ['-tls1_2'], ['-tls1_3'],
                            ['-alpn', 'h2,http/1.1'], ['-groups', 'P-256'],
                            ['-max_send_frag', '512']):
                with self.subTest(name=name, options=options):
                    self.assertTrue(
                        self.s_client(daemon.tls, name, *options)
                        .endswith(f'tls {name}'))

    def test_each_way_of_reading_the_hello(self):
        """-T cursor, bearssl, and both."""
        for engine in ('cursor', 'bearssl', 'both'):
            daemon = self.usherd('-T', engine, http=0)
            for version in ('1.2', '1.3'):
                with self.subTest(engine=engine, version=version):
                    self.assertEqual(
                        self.curl('a.example', daemon.tls, f'--tlsv{version}',
                                  '--tls-max', version),
                        (0, 'tls a.example'))

    def test_name_as_clients_write_it(self):
        """A dot at the end is dropped, and upper case folded."""
        daemon = self.usherd()
        for name in ('a.example.', 'A.EXAMPLE', 'A.exAmple.'):
            with self.subTest(name):
                self.assertTrue(self.s_client(daemon.tls, name)
                                .endswith('tls a.example'))
                self.assertEqual(
                    self.http_body(daemon.http, wire.head(name)),
                    'http a.example')

    def test_host_with_a_port(self):
        daemon = self.usherd()
        for name in ('a.example:80', 'a.example:', 'A.example.:65535',
                     'a.example:0080'):
            with self.subTest(name):
                self.assertEqual(
                    self.http_body(daemon.http, wire.head(name)),
                    'http a.example')

    def test_heads_as_clients_write_them(self):
        """RFC 9112: what is legal and rare must pass."""
        daemon = self.usherd()
        for what, data in {
                'blanks around Host':
                    b'GET / HTTP/1.1\r\nHost: \t a.example \t\r\n\r\n',
                'no blank': b'GET / HTTP/1.1\r\nhost:a.example\r\n\r\n',
                'Host last': b'GET / HTTP/1.1\r\nX: y\r\n'
                             b'HOST: a.example\r\n\r\n',
                'one empty line first': b'\r\n' + wire.head(),
                'absolute-form': wire.head(
                    line='GET http://A.example/x?y HTTP/1.1'),
                'asterisk-form': wire.head(line='OPTIONS * HTTP/1.1'),
                '1.0 with Host': wire.head(line='GET / HTTP/1.0'),
                '1.2 is 1.1': wire.head(line='GET / HTTP/1.2'),
                'an unknown method': wire.head(line='BREW /pot HTTP/1.1'),
                'obs-text': wire.head('a.example', 'X: \xfc'),
                'an empty value': wire.head('a.example', 'X:'),
                '100 fields': wire.head('a.example', *['X: y'] * 99),
                '32 KiB': wire.head(
                    'a.example', 'X: ' + 'x' * (
                        32768 - len(wire.head('a.example', 'X: '))))}.items():
            with self.subTest(what):
                self.assertEqual(self.http_body(daemon.http, data),
                                 'http a.example')

    def test_longest_name(self):
        """The path of its socket is longer than a socket's address may be."""
        self.assertEqual(len(LONGEST), 253)
        self.serve(LONGEST)
        daemon = self.usherd()
        for name in (LONGEST, LONGEST + '.'):
            self.assertTrue(self.s_client(daemon.tls, name)
                            .endswith(f'tls {LONGEST}'))
            self.assertEqual(self.http_body(daemon.http, wire.head(name)),
                             f'http {LONGEST}')

    def test_many_names_one_after_the_other(self):
        """No reload: a host that is made or renamed now is there now."""
        daemon = self.usherd()
        self.assertEqual(
            self.curl('c.example', daemon.http, '-o', '/dev/null', '-w',
                      '%{http_code}', scheme='http'), (0, '404'))
        self.serve('c.example')
        self.assertEqual(self.curl('c.example', daemon.tls),
                         (0, 'tls c.example'))
        (self.hosts / 'c.example').rename(self.hosts / 'd.example')
        self.assertEqual(self.curl('d.example', daemon.tls),
                         (0, 'tls c.example'))
        self.assertNotEqual(self.curl('c.example', daemon.tls)[0], 0)

    def test_a_label_and_a_long_label(self):
        for name in ('localhost', 'x' * 63 + '.example', '1.2.3.x',
                     'xn--bcher-kva.example', 'a--b.example', '0.example'):
            self.serve(name)
            daemon = self.usherd()
            with self.subTest(name):
                self.assertTrue(self.s_client(daemon.tls, name)
                                .endswith(f'tls {name}'))
                self.assertEqual(
                    self.http_body(daemon.http, wire.head(name)),
                    f'http {name}')

    def test_tunnel_goes_the_same_way(self):
        """Everything after an Upgrade goes to the same tenant, unread."""
        self.tenant(self.host('e.example') / 'http-socket',
                    harness.echo_server)
        daemon = self.usherd()
        data = wire.tunnel('e.example') + bytes(range(256)) * 100
        self.assertEqual(wire.ask(daemon.http, data, half_close=True)[0],
                         wire.echoed(data))

    def test_early_data_after_the_hello(self):
        """Data behind the hello is legal, and reaches the tenant."""
        self.tenant(self.host('e.example') / 'tls-socket',
                    harness.echo_server)
        daemon = self.usherd()
        data = wire.hello('e.example') + bytes(range(256)) * 100
        self.assertEqual(wire.ask(daemon.tls, data, half_close=True)[0],
                         data)


class Browser(Tenants):
    """Headless Chromium (post-quantum hello, SNI, HTTP/1.1)."""

    def dump(self, url):
        """The text of a page as Chromium has it."""
        profile = tempfile.mkdtemp(dir=self.scratch, prefix='chromium.')
        self.addCleanup(shutil.rmtree, profile, ignore_errors=True)
        done = subprocess.run(
            [CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu',
             '--disable-quic', '--no-first-run', '--disable-sync',
             '--disable-background-networking', '--disable-component-update',
             '--ignore-certificate-errors', f'--user-data-dir={profile}',
             '--no-proxy-server', '--host-resolver-rules=MAP * 127.0.0.1',
             '--dump-dom', url],
            capture_output=True, text=True, errors='replace', timeout=90,
            env={'PATH': '/usr/bin:/bin', 'HOME': profile})
        return done.stdout

    @unittest.skipUnless(shutil.which(CHROMIUM), 'chromium is not installed')
    def test_chromium(self):
        daemon = self.usherd()
        for name in NAMES:
            for scheme, port in (('https', daemon.tls),
                                 ('http', daemon.http)):
                with self.subTest(name=name, scheme=scheme):
                    self.assertIn(
                        f'{"tls" if scheme == "https" else "http"} {name}',
                        self.dump(f'{scheme}://{name}:{port}/'))

    @unittest.skipUnless(shutil.which(CHROMIUM), 'chromium is not installed')
    def test_chromium_sends_the_trailing_dot(self):
        daemon = self.usherd()
        self.assertIn('tls a.example',
                      self.dump(f'https://a.example.:{daemon.tls}/'))


if __name__ == '__main__':
    unittest.main()
