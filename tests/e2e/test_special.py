# SPDX-License-Identifier: ISC
"""_nosni, _default, _.parent and acme-socket; the first three count only if
they belong to root or to the owner of hosts/."""
import os
import subprocess
import unittest

import harness
import test_tenants
import wire
from harness import alert, wait_for

NOBODY = 65534


class Special(test_tenants.Case):
    def special(self, key, text=None):
        """hosts/KEY with both sockets, which answer KEY."""
        host = self.host(key)
        for entry in ('tls-socket', 'http-socket'):
            self.tenant_at(host / entry, text or key)
        return host

    def both(self, name, text):
        for protocol in ('tls', 'http'):
            self.reaches(name, text, protocol)

    def nameless(self):
        return wire.ask(self.daemon.tls, wire.records(wire.message()))[0]


class Keys(Special):
    def test_nosni(self):
        """_nosni is for who gives no name."""
        self.special('_nosni')
        self.assertEqual(self.nameless(), b'_nosni')
        for host in ('', '127.0.0.1', '127.0.0.1:80', '[::1]:80',
                     '[2001:db8::1]'):
            self.reaches(host, '_nosni', 'http')
        self.assertEqual(
            wire.ask(self.daemon.http,
                     wire.head(None, line='GET / HTTP/1.0'))[0], b'_nosni')

    def test_nosni_is_not_for_names(self):
        self.special('_nosni')
        self.refused('a.example', 'unknown-host', 112)
        self.assertEqual(
            wire.ask(self.daemon.tls, wire.hello('a_b.example'))[0],
            alert(112))

    def test_default(self):
        """_default is for names that are not there."""
        self.special('_default')
        for name in ('a.example', 'localhost', 'x.y.z.example'):
            self.both(name, '_default')
        self.assertEqual(self.nameless(), alert(109))
        self.assertEqual(
            wire.ask(self.daemon.tls, wire.hello('a_b.example'))[0],
            alert(112))

    def test_parent(self):
        """_.NAME is for direct children of NAME that are not there."""
        self.special('_.b.example')
        self.both('a.b.example', '_.b.example')
        self.both('xn--a.b.example', '_.b.example')
        for name in ('x.a.b.example', 'b.example', 'ab.example', 'example',
                     'a.b.example.com'):
            self.refused(name, 'unknown-host', 112)

    def test_parent_of_a_top_level_name(self):
        self.special('_.example')
        self.both('a.example', '_.example')
        self.refused('example', 'unknown-host', 112)

    def test_exact_wins_over_parent_over_default(self):
        self.special('_default')
        self.special('_.b.example')
        self.special('a.b.example')
        self.both('a.b.example', 'a.b.example')
        self.both('c.b.example', '_.b.example')
        self.both('c.c.b.example', '_default')
        self.both('b.example', '_default')

    def test_an_exact_name_without_a_socket_stays_so(self):
        """A name that is there is not handed to somebody else."""
        self.special('_default')
        self.special('_.example')
        self.host('a.example')
        self.refused('a.example', 'no-socket', 112)

    def test_a_dangling_name_falls_through(self):
        """A link to nothing is nothing."""
        self.special('_default')
        (self.hosts / 'a.example').symlink_to('gone')
        self.both('a.example', '_default')

    def test_special_keys_are_no_names(self):
        """Nobody can ask for one: an underscore is refused."""
        for key in ('_nosni', '_default', '_.example'):
            self.special(key, 'never')
            self.assertEqual(
                wire.ask(self.daemon.tls, wire.hello(key))[0], alert(112))
            self.assertIn(b' 404 ', wire.ask(self.daemon.http,
                                             wire.head(key))[0])

    def test_twins_are_never_reached(self):
        """Only the canonical form is looked up."""
        self.special('A.example')
        self.special('a.example.')
        self.refused('a.example', 'unknown-host', 112)

    def test_longest_parent(self):
        parent = '.'.join(['a' * 63] * 3 + ['b' * 51, 'example'])
        self.special('_.' + parent)
        name = 'x.' + parent
        self.assertEqual(len(name), 253)
        self.both(name, '_.' + parent)


class Owners(Special):
    def test_a_link_by_the_owner(self):
        """A symlink made by the owner is his word."""
        self.special('a.example')
        for key in ('_default', '_nosni', '_.b.example'):
            (self.hosts / key).symlink_to('a.example')
        self.both('c.example', 'a.example')
        self.both('x.b.example', 'a.example')
        self.assertEqual(self.nameless(), b'a.example')

    @unittest.skipUnless(harness.ROOT, 'only root can give away')
    def test_directories_of_others_are_not_honoured(self):
        for key in ('_default', '_nosni', '_.b.example'):
            os.chown(self.special(key), NOBODY, NOBODY)
        self.refused('a.example', 'unknown-host', 112)
        self.refused('a.b.example', 'unknown-host', 112)
        self.assertEqual(self.nameless(), alert(109))

    @unittest.skipUnless(harness.ROOT, 'only root can give away')
    def test_links_of_others_are_not_honoured(self):
        """A squatter's link to the owner's directory is the squatter's."""
        self.special('a.example')
        for key in ('_default', '_nosni', '_.b.example'):
            (self.hosts / key).symlink_to('a.example')
            os.lchown(self.hosts / key, NOBODY, NOBODY)
        self.refused('c.example', 'unknown-host', 112)
        self.refused('x.b.example', 'unknown-host', 112)
        self.assertEqual(self.nameless(), alert(109))

    @unittest.skipUnless(harness.ROOT, 'only root can give away')
    def test_the_owner_of_hosts_is_not_root(self):
        """What the owner of hosts/ owns counts, and what root owns."""
        os.chown(self.hosts, NOBODY, NOBODY)
        os.chown(self.special('_default'), NOBODY, NOBODY)
        self.special('_.b.example')
        self.both('a.example', '_default')
        self.both('a.b.example', '_.b.example')
        os.chown(self.hosts / '_default', 1, 1)
        self.refused('a.example', 'unknown-host', 112)

    @unittest.skipUnless(harness.ROOT, 'only root can give away')
    def test_a_squatted_parent_does_not_hide_the_default(self):
        self.special('_default')
        os.chown(self.special('_.b.example'), NOBODY, NOBODY)
        self.both('a.b.example', '_default')

    @unittest.skipUnless(harness.ROOT, 'only root can give away')
    def test_ordinary_names_may_be_anybodys(self):
        """A sticky hosts/ is for tenants to make their names in."""
        os.chmod(self.hosts, 0o1777)
        os.chown(self.special('a.example'), NOBODY, NOBODY)
        self.both('a.example', 'a.example')


class Acme(test_tenants.Case):
    """A hello that offers ALPN acme-tls/1 only goes to acme-socket."""

    def setUp(self):
        super().setUp()
        self.address = self.host('a.example')
        self.tenant_at(self.address / 'tls-socket', 'tls')

    def offered(self, *protocols):
        return wire.ask(self.daemon.tls, wire.hello(
            'a.example', wire.alpn(*protocols)))[0]

    def test_only_acme(self):
        self.tenant_at(self.address / 'acme-socket', 'acme')
        for protocols, text in (
                ((b'acme-tls/1',), b'acme'),
                ((b'h2', b'acme-tls/1'), b'tls'),
                ((b'acme-tls/1', b'h2'), b'tls'),
                ((b'acme-tls/1', b'acme-tls/1'), b'tls'),
                ((b'acme-tls/10',), b'tls'), ((b'ACME-tls/1',), b'tls'),
                ((b'acme-tls/2',), b'tls'), ((b'h2',), b'tls')):
            with self.subTest(protocols):
                self.assertEqual(self.offered(*protocols), text)
        self.reaches('a.example', 'tls')

    def test_without_the_socket(self):
        self.assertEqual(self.offered(b'acme-tls/1'), b'tls')

    def test_without_a_name(self):
        host = self.host('_nosni')
        self.tenant_at(host / 'acme-socket', 'acme')
        self.assertEqual(
            wire.ask(self.daemon.tls, wire.records(
                wire.message(wire.alpn(b'acme-tls/1'))))[0], b'acme')

    def test_a_dead_responder_is_an_error(self):
        """It is not handed to the server, which would answer wrongly."""
        self.socket_at(self.address / 'acme-socket').close()
        self.assertEqual(self.offered(b'acme-tls/1'), alert(80))
        self.reaches('a.example', 'tls')

    def test_both_engines(self):
        self.tenant_at(self.address / 'acme-socket', 'acme')
        for engine in ('bearssl', 'both'):
            self.daemon = self.usherd('-T', engine, http=0)
            with self.subTest(engine):
                self.assertEqual(self.offered(b'acme-tls/1'), b'acme')
                self.assertEqual(self.offered(b'h2', b'acme-tls/1'), b'tls')
                self.assertEqual(self.offered(b'h2'), b'tls')

    def s_client(self, protocols):
        """The protocol that s_client says was chosen."""
        done = subprocess.run(
            ['openssl', 's_client', '-connect',
             f'127.0.0.1:{self.daemon.tls}', '-servername', 'a.example',
             '-alpn', protocols], input=b'', capture_output=True, timeout=20)
        return done.stdout

    def s_server(self, entry, protocol):
        path = self.address / entry
        path.unlink(missing_ok=True)
        # OpenSSL fails on paths that getnameinfo(3) has no room for
        server = subprocess.Popen(
            ['openssl', 's_server', '-unix', entry, '-cert',
             self.certificate[0], '-key', self.certificate[1], '-quiet',
             '-alpn', protocol], stdin=subprocess.PIPE, cwd=self.address,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.stdin.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for(path.exists)
        os.chmod(path, 0o666)

    def test_openssl(self):
        """s_client -alpn acme-tls/1 and two s_servers, each of which knows
        one protocol only."""
        self.s_server('acme-socket', 'acme-tls/1')
        self.s_server('tls-socket', 'h2')
        self.assertIn(b'ALPN protocol: acme-tls/1',
                      self.s_client('acme-tls/1'))
        self.assertIn(b'ALPN protocol: h2', self.s_client('h2,acme-tls/1'))


if __name__ == '__main__':
    unittest.main()
