# SPDX-License-Identifier: ISC
"""HTTP requests that are refused."""
import unittest

import wire
from refused import NAME, Refused


class Heads(Refused):
    """Each with its status and its reason."""

    def test_400_ambiguous(self):
        """What two parsers might read in two ways reaches no tenant."""
        for what, data in ambiguous().items():
            with self.subTest(what):
                self.http(data, 400, 'malformed')

    def test_400_truncated_by_eof(self):
        for n in (1, 3, 14, 16, 20, len(wire.head()) - 1):
            with self.subTest(n):
                self.http(wire.head()[:n], 400, 'truncated',
                          half_close=True)

    def test_404_unknown_host(self):
        for name in ('c.example', 'localhost', 'sub.a.example'):
            self.http(wire.head(name), 404, 'unknown-host', name)
        self.http(wire.head('C.EXAMPLE.:80'), 404, 'unknown-host',
                  'c.example')

    def test_404_illegal_name(self):
        for name in ('a_b.example', '..', '.a.example', 'a..example',
                     '_nosni', '_default', '%2e%2e', 'a%2eexample',
                     'a' * 64 + '.example', '-a.example', 'a.' * 127 + 'b',
                     '1.2.3', '1.2.3.4.5', 'a.example..', "a'b.example"):
            with self.subTest(name):
                self.http(wire.head(name), 404, 'bad-name')

    def test_404_no_name(self):
        """An address or nothing in Host, and no _nosni."""
        for name in ('', '127.0.0.1', '127.0.0.1:80', '[::1]', '[::1]:80'):
            with self.subTest(name):
                self.http(wire.head(name), 404, 'no-name')
        self.http(wire.head(None, line='GET / HTTP/1.0'), 404, 'no-name')

    def test_405_connect(self):
        for host in (NAME, 'a.example:443'):
            self.http(wire.head(host, line='CONNECT a.example:443 HTTP/1.1'),
                      405, 'connect')

    def test_431_head_over_32_kib(self):
        self.http(wire.head(NAME, 'X: ' + 'x' * 32768), 431, 'too-large')
        self.http(wire.head(NAME, line=f'GET /{"x" * 32768} HTTP/1.1'), 431,
                  'too-large')
        self.http(b'G' * 32768, 431, 'too-large')

    def test_431_over_100_fields(self):
        self.http(wire.head(NAME, *['X: y'] * 100), 431, 'too-large')

    def test_501_coding(self):
        for coding in ('gzip', 'gzip, chunked', 'chunkedx'):
            self.http(wire.head(NAME, 'Transfer-Encoding: ' + coding), 501,
                      'coding')

    def test_505_version(self):
        preface = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0'
        self.http(preface, 505, 'version')
        for version in ('2.0', '0.9', '3.1', '9.9'):
            with self.subTest(version):
                self.http(wire.head(line='GET / HTTP/' + version), 505,
                          'version')


def ambiguous():
    """Requests that two parsers could take in two ways."""
    def fields(*lines):
        return wire.head(NAME, *lines)

    def line(text, host=NAME):
        return wire.head(host, line=text)

    post = 'POST / HTTP/1.1'
    return {
        'no Host': wire.head(None),
        'two Hosts': fields('Host: b.example'),
        'two equal Hosts': fields('Host: a.example'),
        'two Hosts, case': fields('hOsT: b.example'),
        'two Hosts in 1.0': wire.head(NAME, 'Host: b.example',
                                      line='GET / HTTP/1.0'),
        'a list in Host': wire.head('a.example, b.example'),
        'user in Host': wire.head('b.example@a.example'),
        'path in Host': wire.head('a.example/../evil'),
        'blank in Host': wire.head('a.example b.example'),
        'port in letters': wire.head('a.example:http'),
        'port over 65535': wire.head('a.example:65536'),
        'two ports': wire.head('a.example:80:80'),
        'open bracket': wire.head('[::1'),
        'UTF-8 in Host': wire.head('b\xfcro.example'),
        'NUL in Host': wire.head('a.example\0'),
        'space before the colon': b'GET / HTTP/1.1\r\nHost : a.example\r\n'
                                  b'\r\n',
        'tab before the colon': fields('X\t: y'),
        'space before a name': b'GET / HTTP/1.1\r\n Host: a.example\r\n\r\n',
        'obs-fold': fields('X: y', ' z'),
        'obs-fold in Host': b'GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n',
        'bare LF at the line': b'GET / HTTP/1.1\nHost: a.example\r\n\r\n',
        'bare LF in fields': b'GET / HTTP/1.1\r\nHost: a.example\n\r\n',
        'bare LF at the end': b'GET / HTTP/1.1\r\nHost: a.example\r\n\n',
        'bare LF hides Host': fields('X: y\nHost: b.example'),
        'bare CR': fields('X: y\rz'),
        'bare CR in the line': b'GET /\r HTTP/1.1\r\nHost: a.example\r\n\r\n',
        'CR CR LF': b'GET / HTTP/1.1\r\r\nHost: a.example\r\n\r\n',
        'NUL': fields('X: y\0z'),
        'NUL in a name': fields('X\0: y'),
        'control byte': fields('X: \x01'),
        'no colon': fields('X'),
        'empty name': fields(': y'),
        'blank in a name': fields('X Y: z'),
        'UTF-8 in a name': fields('\xc3\xbc: y'),
        'absolute target of another': line('GET http://b.example/ HTTP/1.1'),
        'absolute target, other port':
            line('GET http://a.example:81/ HTTP/1.1'),
        'absolute target with user':
            line('GET http://u@a.example/ HTTP/1.1'),
        'absolute target without host': line('GET http:/// HTTP/1.1', ''),
        'absolute target in 1.0, no Host':
            line('GET http://a.example/ HTTP/1.0', None),
        'ftp target': line('GET ftp://a.example/ HTTP/1.1'),
        'target without slash': line('GET x HTTP/1.1'),
        'asterisk': line('GET * HTTP/1.1'),
        'fragment': line('GET /#x HTTP/1.1'),
        'two spaces': line('GET  / HTTP/1.1'),
        'two targets': line('GET / / HTTP/1.1'),
        'tab for a space': line('GET\t/ HTTP/1.1'),
        'no version (0.9)': line('GET /'),
        'lower case http': line('GET / http/1.1'),
        'version 1.10': line('GET / HTTP/1.10'),
        'version 01.1': line('GET / HTTP/01.1'),
        'UTF-8 target': line('GET /\xc3\xbc HTTP/1.1'),
        'method with a colon': line('GET: / HTTP/1.1'),
        'space first': b' ' + wire.head(),
        'many empty lines first': b'\r\n' * 5 + wire.head(),
        'PROXY header first':
            b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n' + wire.head(),
        'a TLS hello': wire.hello(NAME),
        'CL and TE': wire.head(NAME, 'Content-Length: 3',
                               'Transfer-Encoding: chunked', line=post),
        'TE and CL': wire.head(NAME, 'Transfer-Encoding: chunked',
                               'Content-Length: 3', line=post),
        'two lengths': wire.head(NAME, 'Content-Length: 3',
                                 'Content-Length: 4', line=post),
        'length list': wire.head(NAME, 'Content-Length: 3, 3', line=post),
        'length signed': wire.head(NAME, 'Content-Length: +3', line=post),
        'length hex': wire.head(NAME, 'Content-Length: 0x3', line=post),
        'length empty (CVE-2023-40225)':
            wire.head(NAME, 'Content-Length:', line=post),
        'length over 2^63': wire.head(
            NAME, 'Content-Length: 9223372036854775808', line=post),
        'TE twice': wire.head(NAME, 'Transfer-Encoding: chunked',
                              'Transfer-Encoding: chunked', line=post),
        'chunked twice': wire.head(
            NAME, 'Transfer-Encoding: chunked, chunked', line=post),
        'chunked not last': wire.head(
            NAME, 'Transfer-Encoding: chunked, gzip', line=post),
        'TE in HTTP/1.0': wire.head(NAME, 'Transfer-Encoding: chunked',
                                    line='POST / HTTP/1.0'),
    }


if __name__ == '__main__':
    unittest.main()
