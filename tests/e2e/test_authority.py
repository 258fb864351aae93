# SPDX-License-Identifier: ISC
"""Clients that take usherd for their proxy name the host twice, in the target
and in Host, and not all in the same way: a port that is left out is that of
the scheme (RFC 9110 section 4.2.3)."""
import os
import subprocess
import sys
import unittest

import harness
import wire

JAVA = '''
import java.net.URL;

class Fetch {
    public static void main(String[] urls) throws Exception {
        for (String url : urls)
            System.out.println(new String(
                new URL(url).openStream().readAllBytes()));
    }
}
'''
URLLIB = '''
import sys, urllib.request
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({'http': sys.argv[1]}))
for url in sys.argv[2:]:
    print(opener.open(url, timeout=20).read().decode())
'''
PORTS = ('', ':80', ':8080')


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.tenant(self.host('a.example') / 'http-socket', self.tell)
        self.daemon = self.usherd('-j', '1', tls=0)
        self.proxy = f'http://127.0.0.1:{self.daemon.http}'
        self.urls = [f'http://a.example{port}/' for port in PORTS]

    @staticmethod
    def tell(connection):
        """Answers the first line that it was sent."""
        harness.respond(connection, harness.read_head(connection).split(
            b'\r\n')[0].decode())

    def told(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.split('\n')[:len(PORTS)]
        for line in lines:
            self.assertRegex(line, r'^GET http://a\.example(:\d+)?/ ')
        self.assertNotIn('refused', self.daemon.said())


class Clients(Case):
    def run_(self, *words, **how):
        return subprocess.run(words, capture_output=True, text=True,
                              timeout=60, **how)

    def test_curl(self):
        self.told(self.run_('curl', '-s', '-m', '20', '-w', '\\n', '-x',
                            self.proxy, *self.urls))

    def test_python(self):
        self.told(self.run_(sys.executable, '-c', URLLIB, self.proxy,
                            *self.urls))

    def test_java(self):
        """Names :80 in the target and not in Host."""
        source = self.scratch / 'Fetch.java'
        source.write_text(JAVA)
        self.told(self.run_(
            'java', '-Dhttp.proxyHost=127.0.0.1',
            f'-Dhttp.proxyPort={self.daemon.http}', '-Dhttp.nonProxyHosts=',
            str(source), *self.urls,
            env={key: value for key, value in os.environ.items()
                 if not key.startswith('JAVA_')}))


class Bytes(Case):
    def ask(self, target, host):
        return wire.ask(self.daemon.http, wire.head(
            host, line=f'GET {target} HTTP/1.1'))[0][:12]

    def test_equal(self):
        for target, host in (('http://a.example:80/', 'a.example'),
                             ('http://a.example/', 'a.example:80'),
                             ('http://a.example:/', 'A.example.'),
                             ('https://a.example:443/', 'a.example'),
                             ('http://a.example:8080/', 'a.example:8080')):
            self.assertEqual(self.ask(target, host), b'HTTP/1.1 200',
                             (target, host))

    def test_not_equal(self):
        for target, host in (('http://a.example:8080/', 'a.example'),
                             ('http://a.example:443/', 'a.example'),
                             ('https://a.example:80/', 'a.example'),
                             ('http://a.example/', 'a.example:443'),
                             ('http://b.example/', 'a.example')):
            self.assertEqual(self.ask(target, host), b'HTTP/1.1 400',
                             (target, host))


if __name__ == '__main__':
    unittest.main()
