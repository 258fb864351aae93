# SPDX-License-Identifier: ISC
"""send-proxy-v1 and send-proxy-v2: haproxy's proxy-protocol.txt, as haproxy
understands it and byte by byte."""
import ipaddress
import re
import shutil
import signal
import socket
import struct
import subprocess
import unittest

import harness
import wire
from harness import Usherd, wait_for

HAPROXY = shutil.which('haproxy', path='/usr/sbin:/usr/bin:/usr/local/sbin')
SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'
AUTHORITY, CRC32C, UNIQUE_ID = 2, 3, 5
SWITCH = b'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n' \
    b'Upgrade: echo\r\n\r\n'
ANSWER = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n'


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def parse_v2(data):
    """(addresses, TLVs, what follows) of a version 2 header."""
    assert data[:12] == SIGNATURE and data[12] == 0x21, data[:16]
    size = struct.unpack('>H', data[14:16])[0]
    header, rest = data[:16 + size], data[16 + size:]
    width = {0x11: 4, 0x21: 16}[header[13]]
    client = ipaddress.ip_address(header[16:16 + width])
    server = ipaddress.ip_address(header[16 + width:16 + 2 * width])
    at = 16 + 2 * width
    ports = struct.unpack('>HH', header[at:at + 4])
    at, values = at + 4, {}
    while at < len(header):
        kind, length = header[at], struct.unpack(
            '>H', header[at + 1:at + 3])[0]
        assert kind not in values
        values[kind] = header[at + 3:at + 3 + length]
        if kind == CRC32C:
            zeroed = header[:at + 3] + bytes(4) + header[at + 7:]
            assert crc32c(zeroed) == int.from_bytes(values[kind], 'big')
        at += 3 + length
    assert at == len(header)
    return (str(client), ports[0], str(server), ports[1]), values, rest


class Case(harness.Case):
    def setUp(self):
        super().setUp()
        self.address = self.host('a.example')
        self.seen = []

    def receiver(self, path):
        """A tenant that reads to the end, of a request that of its head, and
        keeps what came."""
        def serve(connection):
            data, asked = b'', False
            while piece := connection.recv(65536):
                data += piece
                if b'Upgrade: echo\r\n\r\n' in data and not asked:
                    connection.sendall(SWITCH)
                    asked = True
                elif b' HTTP/1.1\r\n' in data and not asked and \
                        data.endswith(b'\r\n\r\n'):
                    connection.sendall(ANSWER)
                    break
            self.seen.append(data)
            connection.sendall(b'done')
        return self.tenant(path, serve)

    def send(self, port, data, host='127.0.0.1'):
        """Gives what the tenant has seen and the client's end."""
        with wire.connect(port, host=host) as client:
            local = client.getsockname()
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            self.assertIn(wire.read_all(client), (
                b'done', SWITCH + b'done', ANSWER + b'done'))
        self.assertEqual(len(self.seen), 1)
        return self.seen.pop(), local[1]


class Receivers(Case):
    def setUp(self):
        super().setUp()
        for entry in ('tls-socket', 'http-socket', 'acme-socket'):
            self.receiver(self.address / entry)
        self.flights = {'tls': wire.hello('a.example') + b'early data',
                        'http': wire.tunnel() + b'more'}


class Bytes(Receivers):
    """What a relayed connection begins with."""

    def test_none(self):
        daemon = self.usherd()
        for protocol, data in self.flights.items():
            seen, _ = self.send(daemon.ports[protocol][0], data)
            self.assertEqual(seen, data)

    def test_v1(self):
        (self.address / 'send-proxy-v1').touch()
        daemon = self.usherd()
        for protocol, data in self.flights.items():
            port = daemon.ports[protocol][0]
            seen, local = self.send(port, data)
            self.assertEqual(
                seen, f'PROXY TCP4 127.0.0.1 127.0.0.1 {local} {port}\r\n'
                .encode() + data)

    def test_v2(self):
        """Version 2 has AUTHORITY, UNIQUE_ID and CRC32C."""
        (self.address / 'send-proxy-v2').touch()
        daemon = self.usherd()
        for protocol, data in self.flights.items():
            port = daemon.ports[protocol][0]
            seen, local = self.send(port, data)
            addresses, values, rest = parse_v2(seen)
            self.assertEqual(addresses,
                             ('127.0.0.1', local, '127.0.0.1', port))
            self.assertEqual(values[AUTHORITY], b'a.example')
            self.assertEqual(set(values), {AUTHORITY, UNIQUE_ID, CRC32C})
            self.assertEqual(rest, data)

    @unittest.skipUnless(harness.ROOT, 'needs a mount namespace')
    def test_one_that_is_mounted(self):
        """By a container's bind mount: what is another file system's counts,
        or the client itself could write the header."""
        marker = self.address / 'send-proxy-v2'
        marker.touch()
        daemon = harness.Usherd(self.hosts, command=[
            'unshare', '-m', 'sh', '-c',
            f'mount --bind {marker} {marker} && exec "$@"', 'sh',
            str(harness.BUILD / 'usherd'), '-d', str(self.hosts),
            '-t', '127.0.0.1:0', '-p', '127.0.0.1:0'])
        self.addCleanup(daemon.stop, signal.SIGKILL)
        daemon.start()
        for protocol, data in self.flights.items():
            seen, _ = self.send(daemon.ports[protocol][0], data)
            self.assertEqual(parse_v2(seen)[2], data)

    def test_the_authority_is_the_canonical_name(self):
        (self.address / 'send-proxy-v2').touch()
        daemon = self.usherd()
        for name in ('A.Example', 'a.example.'):
            seen, _ = self.send(daemon.tls, wire.hello(name))
            self.assertEqual(parse_v2(seen)[1][AUTHORITY], b'a.example')
        seen, _ = self.send(daemon.http, wire.head('A.EXAMPLE.:81'))
        self.assertEqual(parse_v2(seen)[1][AUTHORITY], b'a.example')

    def test_longest_authority(self):
        name = '.'.join(['a' * 63] * 3 + ['b' * 53, 'example'])
        (self.hosts / '_default').symlink_to('a.example')
        (self.address / 'send-proxy-v2').touch()
        seen, _ = self.send(self.usherd().tls, wire.hello(name))
        self.assertEqual(parse_v2(seen)[1][AUTHORITY], name.encode())

    def test_unique_ids_differ(self):
        (self.address / 'send-proxy-v2').touch()
        daemon = self.usherd(http=0)
        ids = {parse_v2(self.send(daemon.tls, self.flights['tls'])[0])[1]
               [UNIQUE_ID] for _ in range(20)}
        self.assertEqual(len(ids), 20)
        self.assertTrue(all(1 <= len(each) <= 128 for each in ids))

    def test_no_name_no_authority(self):
        (self.hosts / '_nosni').symlink_to('a.example')
        (self.address / 'send-proxy-v2').touch()
        daemon = self.usherd()
        for port, data in ((daemon.tls, wire.records(wire.message())),
                           (daemon.http, wire.head('127.0.0.1'))):
            values = parse_v2(self.send(port, data)[0])[1]
            self.assertEqual(set(values), {UNIQUE_ID, CRC32C})

    def test_one_header_when_both_are_asked_for(self):
        for version in (1, 2):
            (self.address / f'send-proxy-v{version}').touch()
        seen, _ = self.send(self.usherd().tls, self.flights['tls'])
        self.assertEqual(parse_v2(seen)[2], self.flights['tls'])

    def asked_for(self, daemon, kind):
        """What a connection of this kind begins with, by its header."""
        data = dict(self.flights, acme=wire.hello(
            'a.example', wire.alpn(b'acme-tls/1')))[kind]
        port = daemon.http if kind == 'http' else daemon.tls
        seen, _ = self.send(port, data)
        if seen == data:
            return None
        return 2 if seen.startswith(SIGNATURE) else 1

    def test_each_socket_by_itself(self):
        """KIND-send-proxy-vN is for one kind of socket; the plain names are
        for tls and http, and never for acme, whose responders (uacme's
        ualpn for one) mostly do not expect a header."""
        daemon = self.usherd()
        kinds = ('tls', 'http', 'acme')
        for version in (1, 2):
            for asked in kinds:
                marker = self.address / f'{asked}-send-proxy-v{version}'
                marker.touch()
                for kind in kinds:
                    with self.subTest(f'{marker.name}, {kind}'):
                        self.assertEqual(
                            self.asked_for(daemon, kind),
                            version if kind == asked else None)
                marker.unlink()
            marker = self.address / f'send-proxy-v{version}'
            marker.touch()
            self.assertEqual([self.asked_for(daemon, kind) for kind in kinds],
                             [version, version, None])
            marker.unlink()

    def test_acme_without_a_socket_of_its_own(self):
        """Then tls-socket answers, and what is asked for it counts."""
        (self.address / 'acme-socket').unlink()
        (self.address / 'send-proxy-v1').touch()
        self.assertEqual(self.asked_for(self.usherd(), 'acme'), 1)

    def test_looked_up_at_every_connection(self):
        daemon = self.usherd(http=0)
        for present in (False, True, False):
            if present:
                (self.address / 'send-proxy-v1').touch()
            else:
                (self.address / 'send-proxy-v1').unlink(missing_ok=True)
            seen, _ = self.send(daemon.tls, self.flights['tls'])
            self.assertEqual(seen.startswith(b'PROXY '), present)

    def test_a_client_cannot_fake_it(self):
        """A header inside the client's bytes stays where it is."""
        (self.address / 'send-proxy-v1').touch()
        fake = b'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'
        seen, _ = self.send(self.usherd().tls, self.flights['tls'] + fake)
        self.assertTrue(seen.startswith(b'PROXY TCP4 127.0.0.1 '))
        self.assertTrue(seen.endswith(self.flights['tls'] + fake))


class Families(Receivers):
    """IPv6, and IPv4 that comes in through an IPv6 socket."""

    def daemon_on(self, server):
        daemon = Usherd(self.hosts, stdin=server, tls=0, http=0)
        self.addCleanup(daemon.stop, harness.signal.SIGKILL)
        return daemon.start(1)

    @unittest.skipUnless(socket.has_ipv6, 'no IPv6 here')
    def test_ipv6(self):
        for version in (1, 2):
            (self.address / f'send-proxy-v{version}').touch()
            with socket.create_server(('::1', 0),
                                      family=socket.AF_INET6) as server:
                daemon = self.daemon_on(server)
                seen, local = self.send(daemon.tls, self.flights['tls'],
                                        '::1')
            ends = ('::1', local, '::1', daemon.tls)
            if version == 2:
                self.assertEqual(parse_v2(seen)[0], ends)
            else:
                line = f'PROXY TCP6 ::1 ::1 {local} {daemon.tls}\r\n'
                self.assertEqual(seen, line.encode() + self.flights['tls'])

    @unittest.skipUnless(socket.has_dualstack_ipv6(), 'no dual stack here')
    def test_mapped(self):
        """IPv4-mapped addresses are sent as IPv4."""
        for version in (1, 2):
            (self.address / f'send-proxy-v{version}').touch()
            with socket.create_server(('::', 0), family=socket.AF_INET6,
                                      dualstack_ipv6=True) as server:
                daemon = self.daemon_on(server)
                seen, local = self.send(daemon.tls, self.flights['tls'])
            if version == 2:
                self.assertEqual(parse_v2(seen)[0], (
                    '127.0.0.1', local, '127.0.0.1', daemon.tls))
            else:
                self.assertTrue(seen.startswith(
                    f'PROXY TCP4 127.0.0.1 127.0.0.1 {local} '.encode()))


CONFIGURATION = '''\
global
 log stdout format raw local0 debug
 maxconn 64
defaults
 mode http
 timeout client 5s
 timeout http-request 5s
 timeout connect 5s
 timeout server 5s
frontend proxied
 bind unix@%s mode 666 accept-proxy
 http-request return status 200 content-type text/plain \
lf-string "src=%%[src] src_port=%%[src_port] dst=%%[dst] \
dst_port=%%[dst_port] received=%%[fc_rcvd_proxy] \
authority=%%[fc_pp_authority] id=%%[fc_pp_unique_id,hex] \
host=%%[req.hdr(host)]\\n"
'''


@unittest.skipUnless(HAPROXY, 'haproxy is not installed')
class Haproxy(Case):
    """haproxy as the receiver of both versions."""

    def setUp(self):
        super().setUp()
        path = self.address / 'http-socket'
        file = self.hosts / 'haproxy.cfg'
        file.write_text(CONFIGURATION % path)
        server = subprocess.Popen(
            [HAPROXY, '-db', '-f', str(file)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for(path.exists)
        self.daemon = self.usherd(tls=0)

    def fetch(self):
        status, text = self.curl('a.example', self.daemon.http,
                                 '-w', '%{local_port}', scheme='http')
        self.assertEqual(status, 0)
        line, local = text.split('\n')
        return dict(re.findall(r'(\w+)=(\S*)', line)), local

    def common(self, local):
        return {'src': '127.0.0.1', 'src_port': local, 'dst': '127.0.0.1',
                'dst_port': str(self.daemon.http), 'received': '1',
                'host': f'a.example:{self.daemon.http}'}

    def test_v1(self):
        (self.address / 'send-proxy-v1').touch()
        told, local = self.fetch()
        self.assertEqual(told, {'authority': '', 'id': '',
                                **self.common(local)})

    def test_v2(self):
        (self.address / 'send-proxy-v2').touch()
        told, local = self.fetch()
        self.assertRegex(told.pop('id'), r'\A([0-9A-F]{2})+\Z')
        self.assertEqual(told, {'authority': 'a.example',
                                **self.common(local)})


if __name__ == '__main__':
    unittest.main()
