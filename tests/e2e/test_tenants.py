# SPDX-License-Identifier: ISC
"""What hosts/NAME/tls-socket and http-socket may be."""
import os
import socket
import unittest

import harness
import wire
from harness import alert

ENTRIES = ('tls-socket', 'http-socket')


def answer_with(text):
    """serve() that reads something and answers text, of either protocol."""
    def serve(connection):
        if connection.recv(65536):
            connection.sendall(text.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
    return serve


class Case(harness.Case):
    """usherd, and what answers for a name by both protocols."""

    def setUp(self):
        super().setUp()
        self.daemon = self.usherd('-j', '1')

    def tenant_at(self, path, text, **how):
        return self.tenant(path, answer_with(text), **how)

    def asked(self, name, protocol='tls', **how):
        data = (wire.hello(name) if protocol == 'tls' else
                wire.head(name))
        port = getattr(self.daemon, protocol)
        return wire.ask(port, data, **how)[0]

    def reaches(self, name, text, protocol='tls', times=1):
        for _ in range(times):
            self.assertEqual(self.asked(name, protocol), text.encode())

    def refused(self, name, reason, description=80):
        """By TLS with the alert, and with that reason in the log."""
        after = len(self.daemon.log_lines)
        self.assertEqual(self.asked(name), alert(description))
        self.assertIn(f' host={name} reason={reason} ',
                      self.daemon.wait_log('refused', after=after))

    def socket_at(self, path, kind=socket.SOCK_STREAM):
        """Bound and, when it can be, listening; nobody accepts."""
        made = socket.socket(socket.AF_UNIX, kind)
        self.addCleanup(made.close)
        made.bind(str(path))
        os.chmod(path, 0o666)
        if kind != socket.SOCK_DGRAM:
            made.listen(5)
        return made


class Links(Case):
    def test_within_its_directory(self):
        host = self.host('a.example')
        for entry in ENTRIES:
            self.tenant_at(host / f'blue-{entry}', f'blue {entry}')
            (host / entry).symlink_to(f'blue-{entry}')
        self.reaches('a.example', 'blue tls-socket')
        self.reaches('a.example', 'blue http-socket', 'http')

    def test_to_another_host(self):
        """Links may lead anywhere inside hosts/."""
        for entry in ENTRIES:
            self.tenant_at(self.host('other') / f'x-{entry}', entry)
            (self.host('a.example') / entry).symlink_to(
                f'../other/x-{entry}')
        self.reaches('a.example', 'tls-socket')
        self.reaches('a.example', 'http-socket', 'http')

    def test_through_several(self):
        """Two links, and no more: each costs a look-up."""
        self.tenant_at(self.host('c') / 's', 'c')
        (self.host('b') / 's').symlink_to('../c/s')
        (self.host('a.example') / 'tls-socket').symlink_to('../b/s')
        self.reaches('a.example', 'c')
        (self.host('d.example') / 't').symlink_to('../b/s')
        (self.host('d.example') / 'tls-socket').symlink_to('./t')
        self.refused('d.example', 'link-loop')

    def test_through_links_to_directories(self):
        self.tenant_at(self.host('b') / 's', 'b')
        (self.hosts / 'now').symlink_to('b')
        (self.host('a.example') / 'tls-socket').symlink_to('../now/s')
        self.reaches('a.example', 'b')

    def test_long_ones(self):
        """At most 4 names and 255 bytes."""
        deep = self.host('deep')
        for name in 'abcd':
            deep = deep / name
            deep.mkdir()
            os.chmod(deep, 0o755)
        self.tenant_at(deep.parent / 's', 'c')
        self.tenant_at(deep / 's', 'd')
        host = self.host('a.example')
        for target, far in (('../deep/a/b/c/d/s', None),
                            ('../deep/a/b/s', 'no-socket'),
                            ('./' * 130 + 's', None)):
            (host / 'tls-socket').unlink(missing_ok=True)
            (host / 'tls-socket').symlink_to(target)
            self.refused('a.example', far or 'link-loop',
                         112 if far else 80)
        self.tenant_at(deep.parent.parent / 's', 'b')
        (host / 'tls-socket').unlink()
        (host / 'tls-socket').symlink_to('../deep/a/b/s')
        self.reaches('a.example', 'b')

    def test_a_host_that_is_a_link(self):
        self.tenant_at(self.host('a.example') / 'tls-socket', 'a')
        (self.hosts / 'www.a.example').symlink_to('a.example')
        self.reaches('www.a.example', 'a')

    def test_up_and_down_again(self):
        """A link may pass hosts/ itself, not what is above it."""
        self.tenant_at(self.host('b') / 's', 'b')
        self.host('a.example')
        (self.hosts / 'a.example' / 'tls-socket').symlink_to(
            '../a.example/../b/s')
        self.reaches('a.example', 'b')
        self.tenant_at(self.host('c.example') / 's', 'c')
        (self.hosts / 'c.example' / 'tls-socket').symlink_to(
            f'../../{self.hosts.name}/c.example/s')
        self.refused('c.example', 'link-outside')

    def test_out_of_hosts(self):
        """usherd is not led to sockets that a tenant may not reach."""
        outside = self.tenant_at(self.scratch / 'outside', 'outside')
        targets = ['../../outside', str(self.scratch / 'outside'),
                   '/run/systemd/private', '../../../../../../../dev/log',
                   str(self.hosts / 'b' / 's')]
        self.tenant_at(self.host('b') / 's', 'b')
        for i, target in enumerate(targets):
            with self.subTest(target):
                (self.host(f'a{i}.example') / 'tls-socket').symlink_to(
                    target)
                self.refused(f'a{i}.example', 'link-outside')
        self.assertEqual(outside.accepted, 0)

    def test_a_host_out_of_hosts(self):
        elsewhere = self.scratch / 'elsewhere'
        elsewhere.mkdir()
        outside = self.tenant_at(elsewhere / 'tls-socket', 'outside')
        for name, target in (('a.example', '../elsewhere'),
                             ('b.example', str(elsewhere)),
                             ('c.example', '/'), ('d.example', '..')):
            (self.hosts / name).symlink_to(target)
            self.refused(name, 'link-outside')
        self.assertEqual(outside.accepted, 0)

    def test_magic_links(self):
        """Those of proc(5) lead out of hosts/ like any other."""
        for target in (f'/proc/{os.getpid()}/fd/0', '/proc/self/fd/0'):
            path = self.host('a.example') / 'tls-socket'
            path.unlink(missing_ok=True)
            path.symlink_to(target)
            self.refused('a.example', 'link-outside')

    def test_loops(self):
        host = self.host('a.example')
        (host / 'tls-socket').symlink_to('tls-socket')
        self.refused('a.example', 'link-loop')
        (self.hosts / 'b.example').symlink_to('c.example')
        (self.hosts / 'c.example').symlink_to('b.example')
        self.refused('b.example', 'link-loop')

    def test_dangling(self):
        host = self.host('a.example')
        (host / 'tls-socket').symlink_to('nothing')
        self.refused('a.example', 'no-socket', 112)
        (self.hosts / 'b.example').symlink_to('nothing')
        self.refused('b.example', 'unknown-host', 112)


class Shapes(Case):
    """Whatever else is called tls-socket costs that tenant's visitors an
    error, and nobody else anything."""

    def setUp(self):
        super().setUp()
        self.path = self.host('a.example') / 'tls-socket'
        self.tenant_at(self.host('good.example') / 'tls-socket', 'good')

    def tearDown(self):
        self.reaches('good.example', 'good')

    def test_fifo(self):
        os.mkfifo(self.path)
        os.chmod(self.path, 0o666)
        self.refused('a.example', 'not-a-socket')

    def test_regular_file(self):
        self.path.write_text('no socket')
        self.refused('a.example', 'not-a-socket')

    @unittest.skipUnless(harness.ROOT, 'only root can make devices')
    def test_device(self):
        try:
            os.mknod(self.path, 0o20666, os.makedev(1, 3))
        except PermissionError:
            self.skipTest('no devices in this container')
        self.refused('a.example', 'not-a-socket')

    def test_datagram_socket(self):
        self.socket_at(self.path, socket.SOCK_DGRAM)
        self.refused('a.example', 'not-a-socket')

    def test_seqpacket_socket(self):
        self.socket_at(self.path, socket.SOCK_SEQPACKET)
        self.refused('a.example', 'not-a-socket')

    def test_a_host_that_is_a_file(self):
        (self.hosts / 'b.example').write_text('no directory')
        self.refused('b.example', 'not-a-directory')

    def test_a_host_that_is_a_socket(self):
        self.socket_at(self.hosts / 'b.example')
        self.refused('b.example', 'not-a-directory')

    def test_hard_link(self):
        """A link to an own socket is a socket: permissions decide."""
        self.tenant_at(self.path.parent / 'blue', 'blue')
        os.link(self.path.parent / 'blue', self.path)
        self.reaches('a.example', 'blue')

    def test_hard_link_to_a_socket_of_others(self):
        """A socket's permissions decide, whoever made the link."""
        theirs = self.scratch / 'theirs'
        self.socket_at(theirs)
        os.chmod(theirs, 0o600 if harness.ROOT else 0)
        os.link(theirs, self.path)
        self.refused('a.example', 'denied')

    def test_only_the_protocol_that_is_there(self):
        self.tenant_at(self.path, 'tls')
        self.reaches('a.example', 'tls')
        self.assertIn(b'404', self.asked('a.example', 'http'))

    @unittest.skipUnless(harness.ROOT, 'needs a uid of its own')
    def test_a_mode_for_usherd_alone(self):
        """usherd's group and mode 0660 suffice."""
        tenant = self.tenant_at(self.path, 'a', mode=0o660)
        os.chown(tenant.path, 65534, harness.pwd.getpwnam(harness.USER).pw_gid)
        self.reaches('a.example', 'a')


class Directories(Case):
    """Each socket in a directory is a backend: one is picked at random, and
    one that refuses is passed over."""

    def setUp(self):
        super().setUp()
        self.path = self.host('a.example') / 'tls-socket'
        self.path.mkdir()

    def test_spread(self):
        tenants = [self.tenant_at(self.path / f's{i}', f'{i}')
                   for i in range(4)]
        answers = {self.asked('a.example') for _ in range(80)}
        # 1 in 10^10 that one of four is left out of 80
        self.assertEqual(answers, {b'0', b'1', b'2', b'3'})
        self.assertEqual(sum(t.accepted for t in tenants), 80)
        self.assertGreater(min(t.accepted for t in tenants), 4)

    def test_refused_ones_are_passed_over(self):
        for i in range(5):
            self.socket_at(self.path / f'dead{i}').close()
        self.tenant_at(self.path / 'alive', 'alive')
        self.reaches('a.example', 'alive', times=20)

    def test_other_things_are_passed_over(self):
        os.mkfifo(self.path / 'fifo')
        (self.path / 'file').write_text('no socket')
        (self.path / 'loop').symlink_to('loop')
        (self.path / 'out').symlink_to('/run/systemd/private')
        (self.path / 'directory').mkdir()
        self.socket_at(self.path / 'shut')
        os.chmod(self.path / 'shut', 0o600 if harness.ROOT else 0)
        self.socket_at(self.path / 'datagram', socket.SOCK_DGRAM)
        self.tenant_at(self.path / '.hidden', 'hidden')
        self.tenant_at(self.path / 'alive', 'alive')
        self.reaches('a.example', 'alive', times=30)

    def test_busy_ones_are_passed_over(self):
        """A stopped backend leaves the others to serve."""
        full = socket.socket(socket.AF_UNIX)
        self.addCleanup(full.close)
        full.bind(str(self.path / 'full'))
        os.chmod(self.path / 'full', 0o666)
        full.listen(0)
        with socket.socket(socket.AF_UNIX) as filler:
            filler.connect(str(self.path / 'full'))
            self.tenant_at(self.path / 'alive', 'alive')
            self.reaches('a.example', 'alive', times=20)

    def test_links_in_it(self):
        self.tenant_at(self.host('b') / 's', 'b')
        (self.path / 'link').symlink_to('../../b/s')
        self.reaches('a.example', 'b')

    def test_a_link_to_it(self):
        self.tenant_at(self.path / 's', 'a')
        (self.host('b.example') / 'tls-socket').symlink_to(
            '../a.example/tls-socket')
        self.reaches('b.example', 'a')

    def test_empty(self):
        self.refused('a.example', 'no-socket', 112)

    def test_all_refused(self):
        for i in range(3):
            self.socket_at(self.path / f'dead{i}').close()
        self.refused('a.example', 'refused')

    def test_that_may_not_be_listed(self):
        self.tenant_at(self.path / 's', 'a')
        os.chmod(self.path, 0o711 if harness.ROOT else 0o311)
        self.refused('a.example', 'denied')
        os.chmod(self.path, 0o755)

    def test_a_million_is_not_read(self):
        """A look-up stays short whatever a tenant makes."""
        for i in range(3000):
            (self.path / f'file{i}').touch()
        self.tenant_at(self.host('good.example') / 'tls-socket', 'good')
        start = harness.time.monotonic()
        for _ in range(20):
            self.asked('a.example')
        self.reaches('good.example', 'good', times=20)
        self.assertLess(harness.time.monotonic() - start, 2)


if __name__ == '__main__':
    unittest.main()
