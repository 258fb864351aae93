# SPDX-License-Identifier: ISC
"""ClientHellos that are refused."""
import unittest

import harness
import wire
from refused import NAME, Refused


class Hellos(Refused):
    """Each with its fatal alert and its reason."""

    def test_alert_10_not_a_hello(self):
        good = wire.message(wire.server_name(b'a.example'))
        for what, data in {
                'plain HTTP': wire.head(),
                'an SSLv2 hello': bytes.fromhex(
                    '802e0103010015000000100000390000380000350000160000'
                    '130000') + bytes(20),
                'an alert first': bytes.fromhex('15030100020100'),
                'ChangeCipherSpec first': bytes.fromhex('140301000101'),
                'application data first':
                    wire.records(good, kind=23),
                'a ServerHello': wire.records(
                    wire.message(wire.server_name(b'a.example'), kind=2)),
                'record version 2.0':
                    wire.records(good, version=b'\2\0'),
                'a PROXY header before the hello':
                    b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'
                    + wire.hello(NAME),
                'HTTP/2 in the clear':
                    b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
                'an alert between two records': wire.records(good[:9])
                    + bytes.fromhex('15030100020100')
                    + wire.records(good[9:]),
                'one NUL': b'\0'}.items():
            with self.subTest(what):
                self.tls(data, 10, 'not-hello')

    def test_alert_22_record_over_16384(self):
        self.tls(bytes.fromhex('1603014001') + b'\1', 22, 'record-overflow')
        self.tls(bytes.fromhex('160301ffff') + b'\1', 22, 'record-overflow')
        good = wire.message(wire.server_name(b'a.example'))
        self.tls(wire.records(good[:9]) + bytes.fromhex('1603014001'), 22,
                 'record-overflow')

    def malformed(self):
        """Hellos with one field broken."""
        name = wire.server_name(b'a.example')
        whole = wire.message(name)
        lying = bytearray(wire.message(name))
        at = lying.index(b'a.example')
        lying[at - 2:at] = b'\xff\xff'
        return {
            'an empty record': b'\x16\3\1\0\0' + wire.records(whole),
            'an empty record later': wire.records(whole[:9])
                + b'\x16\3\1\0\0' + wire.records(whole[9:]),
            'a name longer than its hello (haproxy ed267f9)':
                wire.records(bytes(lying)),
            'two names': wire.records(wire.message(
                wire.server_name(b'a.example', b'b.example'))),
            'no name in the list': wire.records(wire.message(
                wire.server_name())),
            'an empty name': wire.hello(b''),
            'a name of type 1': wire.records(wire.message(
                wire.server_name(b'a.example', kind=1))),
            'two server_name extensions':
                wire.records(wire.message(name, name)),
            'two ALPN extensions': wire.records(wire.message(
                name, wire.alpn(b'h2'), wire.alpn(b'h2'))),
            'an empty ALPN list':
                wire.records(wire.message(name, wire.alpn())),
            'an empty protocol':
                wire.records(wire.message(name, wire.alpn(b''))),
            'an extension cut short': wire.records(wire.message(
                name, b'\0\x2b\0\5\0')),
            'bytes behind the extensions': wire.records(
                b'\1' + wire.prefixed(3, whole[4:] + b'\0')),
            'odd cipher suites': wire.records(wire.message(
                name, suites=b'\x13\1\0')),
            'no cipher suites':
                wire.records(wire.message(name, suites=b'')),
            'no compression':
                wire.records(wire.message(name, compression=b'')),
            'version 2.0':
                wire.records(wire.message(name, version=b'\2\0')),
            'a hello of four bytes': wire.records(b'\1\0\0\0'),
        }

    def test_alert_50_malformed(self):
        for what, data in self.malformed().items():
            with self.subTest(what):
                self.tls(data, 50, 'malformed')

    def test_alert_50_too_large(self):
        """A first flight is 80 KiB at most."""
        for size in (b'\1\x40\0', b'\xff\xff\xff'):
            self.tls(wire.records(b'\1' + size + b'\3\3' + bytes(100)), 50,
                     'too-large')

    def test_alert_50_truncated_by_eof(self):
        whole = wire.hello(NAME)
        for n in (1, 4, 5, 6, 9, 40, len(whole) - 1):
            with self.subTest(n):
                self.tls(whole[:n], 50, 'truncated', half_close=True)

    def test_alert_109_no_name(self):
        self.tls(wire.records(wire.message()), 109, 'no-name')
        for file in sorted(harness.HELLOS.glob('nameless-*')):
            with self.subTest(file.name):
                self.tls(file.read_bytes(), 109, 'no-name')
        # before TLS 1.2 there may be no extensions at all
        self.tls(wire.records(b'\1' + wire.prefixed(
            3, wire.message()[4:-2])), 109, 'no-name')

    def test_alert_112_unknown_name(self):
        for name in ('c.example', 'a.example.com', 'example', 'localhost',
                     'xa.example', 'a' * 63 + '.example', 'sub.a.example'):
            with self.subTest(name):
                self.tls(wire.hello(name), 112, 'unknown-host', name)
        self.tls(wire.hello('C.Example.'), 112, 'unknown-host', 'c.example')

    def test_alert_112_illegal_name(self):
        """Also a path, or a port behind the name."""
        for name in ILLEGAL:
            with self.subTest(name):
                self.tls(wire.hello(name), 112, 'bad-name')


ILLEGAL = [
    b'.', b'..', b'../evil', b'../../../evil', b'/', b'a/b', b'/a.example',
    b'a.example/../../evil', b'a.example/tls-socket', b'.a.example',
    b'a..example', b'a.example..', b'a.example\0', b'a.example\0.evil',
    b'\0', b'a_b.example', b'_nosni', b'_default', b'_.example', b'*.example',
    b'-a.example', b'a-.example', b'a.-example', b'a' * 64 + b'.example',
    b'a.' * 126 + b'example', b'a' * 300, b'a' * 16000, b'127.0.0.1',
    b'a.example.1', b'a.0', b'[::1]', b'::1', b'a.example:443', b'%2e%2e',
    b'a%2eexample', b'a b.example', b'a.example ', b' a.example',
    b'a.example\n', b'a.example\r\nusherd: refused', b'\x1b[2J.example',
    b'a\x7f.example', b'b\xc3\xbcro.example', b'\xff\xfe', b'a\\b.example',
    b'"a".example', b'%s%n.example']


if __name__ == '__main__':
    unittest.main()
