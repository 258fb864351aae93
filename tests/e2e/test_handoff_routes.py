# SPDX-License-Identifier: ISC
"""Which hosts hand off, and what else is tried: a -handoff wins over the
-socket of the same protocol, which is used if nobody listens on the first."""
import os
import pwd
import re
import socket
import unittest

import harness
import held
import wire
from harness import ROOT, alert
from receiver import Receiver
from talker import Keeper, Talker, request, response

PROTOCOLS = ('tls', 'http')
ACME = wire.alpn(b'acme-tls/1')


class Case(harness.Case):
    """Tenants of two kinds, each of which says which it is."""

    def setUp(self):
        super().setUp()
        self.daemon = self.usherd('-j', '1')
        self.path = self.host('a.example')

    def handoff(self, *paths, text='handoff', **how):
        return Receiver(self, *paths, talk='text', text=text, **how)

    def handoffs(self, host='a.example', **how):
        path = self.host(host)
        return self.handoff(path / 'tls-handoff', path / 'http-handoff',
                            **how)

    def relayed(self, path, text='socket'):
        def serve(connection):
            if connection.recv(65536):
                connection.sendall(text.encode())
        return self.tenant(path, serve)

    def sockets(self, host='a.example'):
        return [self.relayed(self.host(host) / f'{protocol}-socket')
                for protocol in PROTOCOLS]

    def stale(self, path):
        """A socket that its server has left behind."""
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
        os.chmod(path, 0o666)

    def ask(self, protocol, name='a.example', *fields):
        """The answer, for HTTP to a request after which more may come."""
        data = wire.hello(name, *fields) if protocol == 'tls' else (
            wire.head(name, *fields))
        return wire.ask(getattr(self.daemon, protocol), data)[0]

    def reaches(self, text, name='a.example', protocols=PROTOCOLS):
        for protocol in protocols:
            self.assertEqual(self.ask(protocol, name), text.encode())
            if protocol == 'http':
                self.assertEqual(self.ask('http', name, 'Connection: close'),
                                 text.encode())

    def refused(self, reason, status, description=80, name='a.example'):
        """By both protocols, each with its line in the log."""
        after = len(self.daemon.log_lines)
        self.assertEqual(self.ask('tls', name), alert(description))
        self.assertTrue(self.ask('http', name).startswith(
            b'HTTP/1.1 %d ' % status))
        for protocol in PROTOCOLS:
            self.daemon.wait_log(f'refused {protocol} .* host={name} '
                                 f'reason={reason} ', after=after)


class First(Case):
    """The -handoff comes before the -socket."""

    def test_of_the_same_protocol(self):
        tenant = self.handoffs()
        sockets = self.sockets()
        self.reaches('handoff')
        self.assertEqual([each.accepted for each in sockets], [0, 0])
        self.assertEqual(tenant.count('received'), 3)

    def test_not_of_the_other(self):
        self.sockets()
        self.handoff(self.path / 'tls-handoff')
        self.handoff(self.host('b.example') / 'http-handoff')
        self.sockets('b.example')
        self.reaches('handoff', protocols=['tls'])
        self.reaches('socket', protocols=['http'])
        self.reaches('socket', 'b.example', ['tls'])
        self.reaches('handoff', 'b.example', ['http'])

    def test_acme_comes_before_it(self):
        """A hello that offers ALPN acme-tls/1 only goes to acme-socket."""
        self.handoffs()
        self.assertEqual(self.ask('tls', 'a.example', ACME), b'handoff')
        self.relayed(self.path / 'acme-socket', 'acme')
        self.assertEqual(self.ask('tls', 'a.example', ACME), b'acme')
        for protocols in ([b'acme-tls/1', b'h2'], [b'h2']):
            self.assertEqual(self.ask('tls', 'a.example',
                                      wire.alpn(*protocols)), b'handoff')
        self.reaches('handoff')

    def test_acme_handed_off(self):
        """acme-handoff comes before acme-socket, which is used while nobody
        listens on it."""
        self.handoffs()
        self.relayed(self.path / 'acme-socket', 'acme')
        tenant = self.handoff(self.path / 'acme-handoff', text='challenge')
        self.assertEqual(self.ask('tls', 'a.example', ACME), b'challenge')
        self.reaches('handoff')
        tenant.kill()
        self.assertEqual(self.ask('tls', 'a.example', ACME), b'acme')
        (self.path / 'acme-socket').unlink()
        self.assertEqual(self.ask('tls', 'a.example', ACME), alert(80))
        (self.path / 'acme-handoff').unlink()
        self.assertEqual(self.ask('tls', 'a.example', ACME), b'handoff')

    def test_as_soon_as_it_is_there(self):
        """Each connection looks anew."""
        self.sockets()
        self.reaches('socket')
        tenant = self.handoffs()
        self.reaches('handoff')
        tenant.kill()
        self.reaches('socket')
        self.handoffs()
        self.reaches('handoff')


class Hosts(Case):
    """Hosts of all kinds may hand off."""

    def test_default(self):
        self.handoffs('_default')
        self.reaches('handoff', 'any.example')

    def test_children_of_a_name(self):
        self.handoffs('_.b.example')
        self.handoffs('_default', text='default')
        self.reaches('handoff', 'c.b.example')
        self.reaches('default', 'b.example')

    def test_no_name(self):
        self.handoff(self.host('_nosni') / 'tls-handoff')
        self.assertEqual(wire.ask(self.daemon.tls, wire.records(
            wire.message()))[0], b'handoff')

    @unittest.skipUnless(ROOT, 'needs another user')
    def test_squatters(self):
        """Names with an underscore are not for everybody."""
        self.handoffs('_default')
        os.chown(self.hosts / '_default', 65534, 65534)
        self.refused('unknown-host', 404, 112, 'any.example')

    def test_links_within_hosts(self):
        self.handoff(self.host('b') / 's', self.host('b') / 't')
        (self.path / 'tls-handoff').symlink_to('../b/s')
        (self.path / 'http-handoff').symlink_to('../b/t')
        (self.hosts / 'www.a.example').symlink_to('a.example')
        self.reaches('handoff')
        self.reaches('handoff', 'www.a.example')

    def test_a_long_name(self):
        """Longer than a socket's path may be."""
        name = '.'.join(['a' * 60] * 4 + ['example'])
        self.handoff(self.path / 's', self.path / 't')
        self.host(name)
        (self.hosts / name / 'tls-handoff').symlink_to('../a.example/s')
        (self.hosts / name / 'http-handoff').symlink_to('../a.example/t')
        self.reaches('handoff', name)


class Directories(Case):
    """Each socket in a directory called tls-handoff is a receiver."""

    def setUp(self):
        super().setUp()
        self.entries = [self.path / f'{protocol}-handoff'
                        for protocol in PROTOCOLS]
        for entry in self.entries:
            entry.mkdir()

    def test_each_gets_some(self):
        tenants = [self.handoff(*(entry / f's{i}' for entry in self.entries),
                                text=f'{i}') for i in range(3)]
        for protocol in PROTOCOLS:
            seen = {self.ask(protocol) for _ in range(60)}
            # 1 in 10^10 that one of three is left out of 60
            self.assertEqual(seen, {b'0', b'1', b'2'})
        self.assertEqual(sum(each.count('received') for each in tenants),
                         120)

    def test_stale_ones_are_passed_over(self):
        for entry in self.entries:
            for i in range(5):
                self.stale(entry / f'stale{i}')
            (entry / 'file').touch()
        self.handoff(*(entry / 's' for entry in self.entries))
        for _ in range(10):
            self.reaches('handoff')

    def test_without_any(self):
        self.refused('refused', 503)
        self.sockets()
        self.reaches('socket')

    def test_with_stale_ones_alone(self):
        for entry in self.entries:
            self.stale(entry / 's')
        self.refused('refused', 503)
        self.sockets()
        self.reaches('socket')


class Nobody(Case):
    """Nobody listens for hand-offs: the -socket is used; if there is none
    either, the client is told so."""

    def entries(self, make):
        for protocol in PROTOCOLS:
            make(self.path / f'{protocol}-handoff')

    def falls_back(self):
        self.refused('refused', 503)
        sockets = self.sockets()
        self.reaches('socket')
        self.assertEqual([each.accepted for each in sockets], [1, 2])

    def test_stale_socket(self):
        self.entries(self.stale)
        self.falls_back()

    def test_killed_server(self):
        self.handoffs().kill()
        self.falls_back()

    def test_dangling_link(self):
        self.entries(lambda path: path.symlink_to('nothing'))
        self.falls_back()

    def test_stale_sockets_of_both_kinds(self):
        self.entries(self.stale)
        for protocol in PROTOCOLS:
            self.stale(self.path / f'{protocol}-socket')
        self.refused('refused', 503)

    def test_no_entry_at_all(self):
        self.refused('no-socket', 404, 112)

    def test_every_byte_goes_to_the_socket(self):
        """Once, and in order: also a large hello and a body."""
        self.entries(self.stale)
        keeper = Keeper()
        self.tenant(self.path / 'tls-socket', harness.echo_server)
        self.tenant(self.path / 'http-socket', keeper)
        body = b'POST / HTTP/1.1\r\nHost: a.example\r\n' \
            b'Content-Length: 300000\r\n\r\n' + b'0123456789' * 30000
        data = wire.large_hello(b'a.example') + b'x' * 100000
        with wire.connect(self.daemon.tls) as client:
            client.sendall(data)
            self.assertEqual(held.exactly(client, len(data)), data)
        for data, n in ((body, 1), (wire.head() * 20, 20)):
            with Talker(self.daemon.http) as talker:
                talker.send(data)
                for _ in range(n):
                    self.assertEqual(talker.answer().status, 200)
                self.assertEqual(keeper.visits[-1].raw, data)


class Wrong(Case):
    """What is no receiver's socket costs the host's visitors an error, with
    a -socket beside it or not: the tenant is to see that it is wrong."""

    def wrong(self, make, reason, status):
        for protocol in PROTOCOLS:
            make(self.path / f'{protocol}-handoff')
        self.refused(reason, status)
        self.sockets()
        self.refused(reason, status)
        self.handoffs('good.example')
        self.reaches('handoff', 'good.example')

    def test_regular_file(self):
        self.wrong(lambda path: path.write_text('no socket'),
                   'not-a-socket', 502)

    def test_fifo(self):
        def make(path):
            os.mkfifo(path)
            os.chmod(path, 0o666)
        self.wrong(make, 'not-a-socket', 502)

    def socket_of(self, kind):
        def make(path):
            made = socket.socket(socket.AF_UNIX, kind)
            self.addCleanup(made.close)
            made.bind(str(path))
            os.chmod(path, 0o666)
            if kind == socket.SOCK_SEQPACKET:
                made.listen(5)
        return make

    def test_datagram_socket(self):
        self.wrong(self.socket_of(socket.SOCK_DGRAM), 'not-a-socket', 502)

    def test_seqpacket_socket(self):
        self.wrong(self.socket_of(socket.SOCK_SEQPACKET), 'not-a-socket', 502)

    def test_loop(self):
        self.wrong(lambda path: path.symlink_to(path.name), 'link-loop',
                   502)

    def test_links_out_of_hosts(self):
        """usherd is not led to sockets that a tenant may not reach."""
        outside = self.handoff(self.scratch / 'outside')
        for i, target in enumerate(('../../outside',
                                    str(self.scratch / 'outside'),
                                    '/run/systemd/private')):
            for protocol in PROTOCOLS:
                (self.host(f'a{i}.example') / f'{protocol}-handoff'
                 ).symlink_to(target)
            self.refused('link-outside', 502, name=f'a{i}.example')
        self.assertEqual(outside.count('accepted'), 0)

    def test_a_socket_for_others(self):
        """A socket's permissions decide."""
        tenant = self.handoffs(mode=0o600 if ROOT else 0)
        self.wrong(lambda _: None, 'denied', 503)
        self.assertEqual(tenant.count('accepted'), 0)

    @unittest.skipUnless(ROOT, 'needs other users')
    def test_a_directory_for_others(self):
        tenant = self.handoffs(user='daemon')
        user = pwd.getpwnam('daemon')
        os.chown(self.path, user.pw_uid, user.pw_gid)
        os.chmod(self.path, 0o700)
        self.refused('denied', 503)
        os.chmod(self.path, 0o755)
        for protocol in PROTOCOLS:
            os.chown(self.path / f'{protocol}-handoff', user.pw_uid,
                     pwd.getpwnam(harness.USER).pw_gid)
            os.chmod(self.path / f'{protocol}-handoff', 0o660)
        self.reaches('handoff')
        self.assertEqual(tenant.count('accepted'), 3)


class Kept(Case):
    """Kept-alive connections, and hosts that hand off."""

    def setUp(self):
        super().setUp()
        self.keeper = self.keep('r.example')

    def keep(self, name):
        keeper = Keeper(lambda asked, _: response(
            f'{name} {asked.host} {asked.path}'))
        self.tenant(self.host(name) / 'http-socket', keeper)
        return keeper

    def http(self, *names, text='handoff'):
        return Receiver(self, *(self.host(name) / 'http-handoff'
                                for name in names), talk='http', text=text)

    def talk(self):
        talker = Talker(self.daemon.http)
        self.addCleanup(talker.socket.close)
        return talker

    def says(self, talker, name, path, text=None):
        self.assertEqual(talker.ask(request(name, path)).body.decode(),
                         text or f'{name} {name} {path}')

    def test_first_request_decides(self):
        """A tenant that was handed the connection has it for good."""
        tenant = self.http('h.example')
        talker = self.talk()
        for i, name in enumerate(('h.example', 'r.example', 'h.example')):
            self.says(talker, name, f'/{i}', f'handoff GET {name} /{i}')
        self.assertEqual(self.keeper.visits, [])
        self.assertEqual(tenant.count('answers'), 3)

    def test_fallback_goes_on(self):
        """After a fallback each request is routed as ever."""
        self.stale(self.path / 'http-handoff')
        keeper = self.keep('a.example')
        talker = self.talk()
        for i in range(20):
            self.says(talker, 'ar'[i % 4 // 2] + '.example', f'/{i}')
        self.assertEqual(len(keeper.requests), 10)
        self.assertEqual(len(self.keeper.requests), 10)
        self.assertNotIn(b'r.example', keeper.raw)

    def test_fallback_of_pipelined_requests(self):
        self.stale(self.path / 'http-handoff')
        self.keep('a.example')
        talker = self.talk()
        asked = [('ar'[i % 3 // 2] + '.example', f'/{i}') for i in range(30)]
        talker.send(*(request(name, path) for name, path in asked))
        for name, path in asked:
            self.assertEqual(talker.answer().body.decode(),
                             f'{name} {name} {path}')

    def test_fallback_is_for_the_whole_connection(self):
        """A receiver that comes back gets the next one."""
        self.stale(self.path / 'http-handoff')
        self.keep('a.example')
        talker = self.talk()
        self.says(talker, 'a.example', '/1')
        tenant = self.http('a.example')
        self.says(talker, 'r.example', '/2')
        self.says(talker, 'a.example', '/3')
        self.says(self.talk(), 'a.example', '/4',
                  'handoff GET a.example /4')
        self.assertEqual(tenant.count('received'), 1)

    def test_later_request_for_a_host_of_both(self):
        """Such a connection cannot be handed off: its -socket serves it."""
        tenant = self.http('a.example')
        self.keep('a.example')
        talker = self.talk()
        for i, name in enumerate(('r.example', 'a.example') * 3):
            self.says(talker, name, f'/{i}')
        self.assertEqual(tenant.count('accepted'), 0)

    def misdirected(self, talker):
        answer = talker.answer()
        self.assertEqual(answer.status, 421)
        self.assertEqual(answer.fields['connection'], 'close')
        self.assertTrue(talker.ended())
        line = self.daemon.wait_log('reason=misdirected')
        self.assertRegex(line, re.escape(
            f'refused http client=[127.0.0.1]:{talker.port} '
            'host=h.example reason=misdirected status=421'))

    def test_later_request_for_a_host_that_only_hands_off(self):
        """421: the client may try again over another connection (RFC 9110
        section 15.5.20), and is served."""
        tenant = self.http('h.example')
        talker = self.talk()
        self.says(talker, 'r.example', '/1')
        talker.send(request('h.example', '/2'))
        self.misdirected(talker)
        self.assertEqual(tenant.count('accepted'), 0)
        self.says(self.talk(), 'h.example', '/2', 'handoff GET h.example /2')
        self.assertEqual(self.curl('h.example', self.daemon.http,
                                   scheme='http', path='/3'),
                         (0, f'handoff GET h.example:{self.daemon.http} /3'))

    def test_pipelined_request_for_a_host_that_only_hands_off(self):
        """What was asked before it is answered before it."""
        self.http('h.example')
        talker = self.talk()
        talker.send(request('r.example', '/1'), request('r.example', '/2'),
                    request('h.example', '/3'), request('r.example', '/4'))
        for path in ('/1', '/2'):
            self.assertEqual(talker.answer().body.decode(),
                             f'r.example r.example {path}')
        self.misdirected(talker)
        self.assertNotIn(b'/4', self.keeper.raw)

    def test_later_request_for_a_host_with_a_stale_socket_beside(self):
        """A -socket that nobody serves any more is as good as none."""
        self.http('h.example')
        self.stale(self.hosts / 'h.example' / 'http-socket')
        talker = self.talk()
        self.says(talker, 'r.example', '/1')
        talker.send(request('h.example', '/2'))
        self.misdirected(talker)


if __name__ == '__main__':
    unittest.main()
