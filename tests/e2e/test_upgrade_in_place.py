# SPDX-License-Identifier: ISC
"""SIGUSR2: another program takes the place of the one that runs, and nobody
who connects meanwhile notices."""
import os
import signal
import socket
import sys
import time
import unittest

import harness
import held
import loads
import wire
from harness import ROOT, wait_for
from held import hold
from loads import Load
from receiver import options_of
from test_listeners import ACTIVATE
from upgrades import SHARD, Upgrades

WAIT = 0.2              # seconds, beyond what it takes without an upgrade
SET = ((socket.SOL_SOCKET, 'SO_KEEPALIVE'),
       (socket.SOL_SOCKET, 'SO_OOBINLINE'),
       (socket.IPPROTO_TCP, 'TCP_NODELAY'))


def accepted():
    """The options that accept(2) gives."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        with socket.create_connection(listener.getsockname()):
            connection, _ = listener.accept()
            with connection:
                return options_of(connection)


def python():
    """One that a plain user may run, too."""
    system = '/usr/bin/python3'
    return system if os.access(system, os.X_OK) else sys.executable


class UnderLoad(Upgrades):
    """Nobody fails or waits, whoever's the listening sockets are."""

    def own(self):
        self.begin()

    def servers(self, *options):
        """Two listening sockets, of which the first has these options."""
        servers = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
        for server in servers:
            self.addCleanup(server.close)
        for level, name in options:
            servers[0].setsockopt(level, getattr(socket, name), 1)
        return [server.fileno() for server in servers]

    def given(self, *options):
        fds = self.servers(*options)
        self.begin('-t', f'fd:{fds[0]}', '-p', f'fd:{fds[1]}', tls=0, http=0,
                   pass_fds=fds)
        self.listening()

    def listening(self):
        """What was given is not counted by the harness."""
        self.daemon.ports = {'tls': [], 'http': []}
        self.daemon.wait_log('listening on .* for http')
        self.daemon.start(2)

    def activated(self):
        fds = self.servers()
        env = dict(os.environ, LISTEN_FDS='2', LISTEN_FDNAMES='tls:http')
        self.begin(command=[
            python(), '-c', ACTIVATE, ','.join(map(str, fds)),
            str(self.copies.path / 'usherd'), '-d', str(self.hosts),
            '-j', str(self.jobs)], env=env, pass_fds=fds)

    def under_load(self):
        self.receiver()
        options = [self.handed(tls) for tls in (True, False)]
        load = Load(self, self.daemon)
        time.sleep(1.5)
        control = loads.slowest(load.stop())
        one, = hold(self, self.daemon.tls)
        pid, before = self.daemon.pid, self.there()
        load = Load(self, self.daemon)
        time.sleep(0.3)
        began = time.monotonic()
        new = self.upgrade(left=SHARD + 1)
        seconds = time.monotonic() - began
        time.sleep(0.3)
        visits = load.stop()
        load = Load(self, self.daemon)
        time.sleep(1.5)
        control = max(control, loads.slowest(load.stop()))
        print(f'{self.id().split(".", 1)[1]}: upgrade {seconds:.2f} s, slowest'
              f' {loads.slowest(visits):.3f} s of {len(visits)}, control '
              f'{control:.3f} s')
        self.assertEqual(loads.failed(visits), [])
        self.assertLess(loads.slowest(visits), WAIT + control)
        self.assertEqual(self.daemon.pid, pid)
        self.assertIsNone(self.daemon.process.poll())
        self.assertTrue(one.alive())
        self.assertEqual([self.handed(tls) for tls in (True, False)], options)
        one.close()
        held.wait_gone(before, 2)
        wait_for(lambda: set(self.there() or ()) == new, 2)
        self.served()
        return options

    def test_own(self):
        self.own()
        self.assertEqual(self.under_load(), [accepted()] * 2)

    def test_given(self):
        self.given()
        self.assertEqual(self.under_load(), [accepted()] * 2)

    def test_given_with_options(self):
        """What the administrator has set stays set."""
        self.given(*SET)
        self.assertEqual(self.under_load(), [
            {**accepted(), **{name: 1 for _, name in SET}}, accepted()])

    def test_activated(self):
        self.activated()
        self.assertEqual(self.under_load(), [accepted()] * 2)


class UnderLoadPlain(UnderLoad):
    plain = True


class OneShard(UnderLoad):
    jobs = 1


class Again(Upgrades):
    def test_five_times(self):
        """Neither descriptors nor zombies are left, and it goes on to do what
        it is asked for."""
        self.begin()
        self.receiver()
        options = self.handed(True)
        load = Load(self, self.daemon)
        tables = []
        for _ in range(5):
            self.upgrade()
            tables.append(held.descriptors(self.daemon.pid))
            self.served()
            time.sleep(0.2)
        visits = load.stop()
        print(f'5 upgrades: slowest {loads.slowest(visits):.3f} s of '
              f'{len(visits)}, descriptors {tables}')
        self.assertEqual(loads.failed(visits), [])
        self.assertEqual(len(set(tables)), 1)
        self.assertEqual(len(held.all_children(self.daemon)), self.all)
        self.assertEqual(self.handed(True), options)
        line = len(self.daemon.log_lines)
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.daemon.wait_log('counts tls accepted=', 5, line)
        _, port = wire.ask(self.daemon.http, wire.head(None))
        self.daemon.wait_log(f'refused http .*:{port} ')
        self.assertEqual(self.daemon.stop(), 0)

    def test_asked_for_twice(self):
        """One at a time: what comes while one is tried is not kept."""
        self.begin()
        line = self.ask_for_one()
        self.ask_for_one()
        self.taken_over(line)
        wait_for(self.there)
        self.served()

    def test_with_a_connection_of_the_first(self):
        """An old connection does not keep the next upgrade from being made."""
        self.jobs = 1
        self.begin()
        one, = hold(self, self.daemon.tls)
        two, = hold(self, self.daemon.http, tls=False)
        first = set(self.there())
        self.taken_over(self.ask_for_one())
        wait_for(lambda: len(first & set(
            held.all_children(self.daemon))) == SHARD + 1)
        three, = hold(self, self.daemon.tls)
        second = set(held.all_children(self.daemon)) - first
        self.taken_over(self.ask_for_one())
        wait_for(lambda: len(second & set(
            held.all_children(self.daemon))) == SHARD + 1)
        self.assertEqual(len(first & set(held.all_children(self.daemon))),
                         SHARD + 1)
        for each in (one, two, three):
            self.assertTrue(each.alive())
        two.close()
        one.close()
        held.wait_gone(first, 2)
        self.assertTrue(three.alive())
        three.close()
        wait_for(self.there)
        self.served()

    def test_refusal_of_an_old_connection(self):
        """What was begun before is logged, too."""
        self.begin()
        half = self.partial(False)
        time.sleep(0.1)
        self.taken_over(self.ask_for_one())
        time.sleep(0.5)
        port = half.getsockname()[1]
        half.sendall(b' \0\r\n\r\n')
        self.assertTrue(wire.read_all(half).startswith(b'HTTP/1.1 400'))
        self.daemon.wait_log(f'refused http .*:{port} ')
        wait_for(self.there)


class Files(Upgrades):
    def test_other_programs(self):
        """Those that a package has put in their place are what runs."""
        self.begin()
        inodes = {}
        for name in ('usherd', 'usherd-front', 'usherd-log', 'usherd-tls',
                     'usherd-http', 'usherd-relay'):
            inodes[name] = os.stat(self.copies.path / name).st_ino
        self.copies.replace()
        new = self.upgrade()
        self.served()
        if not ROOT:
            return      # nobody may look at /proc/PID/exe
        for pid in [self.daemon.pid, *new]:
            exe = os.readlink(f'/proc/{pid}/exe')
            name = os.path.basename(exe)
            self.assertEqual(exe, str(self.copies.path / name))
            inode = os.stat(f'/proc/{pid}/exe').st_ino
            self.assertEqual(inode, os.stat(exe).st_ino)
            self.assertNotEqual(inode, inodes[name])

    def test_relative_hosts(self):
        where, self.hosts = self.hosts, self.hosts.parent / 'relative'
        self.hosts.mkdir()
        os.chmod(self.hosts, 0o755)
        self.addCleanup(os.rename, self.hosts, where / 'relative')
        self.echoing()
        relative = self.hosts.name
        daemon = harness.Usherd(relative, '-j', '1', build=self.copies.path,
                                cwd=self.hosts.parent)
        self.addCleanup(daemon.stop, signal.SIGKILL)
        self.daemon, self.all = daemon.start(), 6
        for _ in range(2):
            self.upgrade()
            self.served()

    def test_another_hosts_directory(self):
        """What is at its path then is what counts from then on."""
        self.begin()
        old = self.hosts.with_name(self.hosts.name + '.old')
        os.rename(self.hosts, old)
        self.hosts.mkdir()
        os.chmod(self.hosts, 0o755)
        self.served()
        self.tenant(self.host('new.example') / 'http-socket',
                    harness.http_server('new'))
        ask = wire.head('new.example', 'Connection: close')
        self.upgrade()
        self.assertTrue(wire.ask(self.daemon.http, ask)[0].endswith(b'new'))
        answer, _ = wire.ask(self.daemon.http, wire.head('a.example'))
        self.assertTrue(answer.startswith(b'HTTP/1.1 404'), answer)


if __name__ == '__main__':
    unittest.main()
