# SPDX-License-Identifier: ISC
"""Restarts: of usherd, which established hand-offs do not notice, and of
tenants, which no visitor notices."""
import collections
import contextlib
import signal
import threading
import time
import unittest

import harness
import held
import wire
from crowd import Crowd, settle
from harness import Usherd, wait_for
from receiver import Receiver
from talker import End, Talker, request, together

ESTABLISHED = 500
VISITORS = 20                   # at a time
EACH = 150                      # one after the other: 3,000 in all
MOST = 2000                     # until all is deployed
DEPLOYMENTS = 4
NAME = 'a.example'


class Chorus:
    """Kept-alive connections on which requests go on all the time."""

    def __init__(self, case, port, n, text):
        self.text = text
        self.talkers = [Talker(port) for _ in range(n)]
        for talker in self.talkers:
            case.addCleanup(talker.socket.close)
        self.rounds, self.failed = 0, collections.Counter()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._sing, daemon=True)
        self.thread.start()
        case.addCleanup(self.done.set)
        self.more(1)

    def _sing(self):
        while not self.done.is_set() and not self.failed:
            self._round(f'/{self.rounds}')
            self.rounds += 1

    def _round(self, path):
        """Each asks, and then each hears."""
        asked = request(NAME, path)
        expected = f'{self.text} GET {NAME} {path}'.encode()
        for talker in self.talkers:
            with contextlib.suppress(OSError):
                talker.send(asked)
        for talker in self.talkers:
            try:
                if talker.answer().body != expected:
                    self.failed['wrong'] += 1
            except (End, OSError) as error:
                self.failed[type(error).__name__] += 1

    def more(self, rounds):
        """Waits for so many whole rounds from now on."""
        until = self.rounds + rounds + 1
        wait_for(lambda: self.rounds >= until or self.failed, 30)

    def stop(self):
        self.done.set()
        self.thread.join(30)
        return dict(self.failed)


class Daemon(harness.Case):
    """usherd is stopped and started again on the same port."""

    def setUp(self):
        super().setUp()
        held.want_descriptors(self, 4096)
        self.path = self.host(NAME)

    def again(self, port):
        """A new usherd, on the port of the one before."""
        daemon = Usherd(self.hosts, command=[
            str(harness.BUILD / 'usherd'), '-d', str(self.hosts), '-p',
            f'127.0.0.1:{port}'])
        self.addCleanup(daemon.stop, signal.SIGKILL)
        return daemon.start(1)

    def restarts(self, end):
        Receiver(self, self.path / 'http-handoff', talk='http', text='a')
        daemon = self.usherd('-j', '1', tls=0)
        port = daemon.http
        chorus = Chorus(self, port, ESTABLISHED, 'a')
        for _ in range(2):
            end(daemon)
            chorus.more(2)              # while there is no usherd at all
            daemon = self.again(port)
            self.assertEqual(Talker(port).ask(request(NAME)).status, 200)
        chorus.more(2)
        self.assertEqual(chorus.stop(), {})

    def test_established_connections_do_not_notice(self):
        """500 of them, handed off, while usherd is stopped and started
        again."""
        def stop(daemon):
            began = time.monotonic()
            self.assertEqual(daemon.stop(), 0)
            self.assertLess(time.monotonic() - began, 2)
            self.assertIn('no longer accepting, 0 connections left',
                          daemon.said())
        self.restarts(stop)

    def test_nor_that_it_is_killed(self):
        def kill(daemon):
            children = held.all_children(daemon)
            daemon.stop(signal.SIGKILL)
            held.wait_gone(children)
        self.restarts(kill)

    def unreceived(self, number, **how):
        """What was handed off and not received yet is not lost with it."""
        tenant = Receiver(self, self.path / 'tls-handoff',
                          self.path / 'http-handoff', **how)
        daemon = self.usherd('-j', '1')
        everybody = [held.front(daemon), *held.ready_children(daemon, 4)]
        tables = [held.descriptors(pid) for pid in everybody]
        sent = [tables[0] + 100, *tables[1:]]
        crowds = [Crowd(self, daemon.tls, wire.hello(NAME), 50),
                  Crowd(self, daemon.http, wire.tunnel(NAME), 50)]

        def all_sent():
            """Nobody reads any more, and it stays so: a client that is
            still read has a descriptor in the front as well."""
            for _ in range(10):
                if [held.descriptors(pid) for pid in everybody] != sent:
                    return False
                time.sleep(0.02)
            return True
        wait_for(all_sent)
        began = time.monotonic()
        daemon.stop(number)
        self.assertLess(time.monotonic() - began, 2)
        tenant.tell('accept' if 'deaf' in how else 'receive')
        settle(crowds, lambda seen: seen == {'served': 100})

    def test_messages_that_were_not_received(self):
        self.unreceived(signal.SIGTERM, hoard=True)

    def test_messages_that_were_not_accepted(self):
        self.unreceived(signal.SIGTERM, deaf=True)

    def test_messages_of_one_that_was_killed(self):
        self.unreceived(signal.SIGKILL, deaf=True)

    def test_who_waits_for_a_tenant_is_still_handed_off(self):
        """SIGTERM while a full backlog is tried again: it drains."""
        tenant = Receiver(self, self.path / 'tls-handoff', deaf=True,
                          backlog=0)
        daemon = self.usherd('-j', '1')
        crowd = Crowd(self, daemon.tls, wire.hello(NAME), 5)
        time.sleep(0.1)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_log('no longer accepting, 4 connections left')
        tenant.tell('accept')
        settle([crowd], lambda seen: seen == {'served': 5})
        self.assertEqual(daemon.process.wait(5), 0)


class Deployment(harness.Case):
    """A tenant's new server takes over while visitors come all the time: the
    old one runs until nobody waits for it any more.  None fails."""

    def server(self, path, entry, number):
        """Answers its number."""
        path.mkdir(exist_ok=True)
        how = {} if entry.endswith('-handoff') else {'plain': True}
        return Receiver(self, path / entry, talk='text', text=f'{number}',
                        **how)

    def load(self, protocol, port, answers, enough):
        data = wire.hello(NAME) if protocol == 'tls' else wire.head(NAME)

        def visits():
            for i in range(MOST):
                if i >= EACH and enough.is_set():
                    return
                try:
                    answers.append(wire.ask(port, data)[0])
                except OSError as error:
                    answers.append(error)
        together(*[visits] * VISITORS, seconds=60)

    def deployed(self, entry, change):
        """change(i) starts a server, which is in its place then."""
        protocol = entry.partition('-')[0]
        daemon = self.usherd(tls=protocol == 'tls', http=protocol == 'http')
        server, answers, enough = change(0), [], threading.Event()
        thread = threading.Thread(target=self.load, args=(
            protocol, getattr(daemon, protocol), answers, enough),
            daemon=True)
        thread.start()

        def more(n):
            until = len(answers) + n
            wait_for(lambda: len(answers) >= until, 30)
        for i in range(1, DEPLOYMENTS):
            more(100)
            old, server = server, change(i)
            more(100)
            old.tell('leave')
            self.assertEqual(old.wait(), 0)
        more(100)
        enough.set()
        thread.join(60)
        counts = collections.Counter(answers)
        self.assertGreaterEqual(len(answers), VISITORS * EACH)
        self.assertEqual(set(counts), {b'%d' % i
                                       for i in range(DEPLOYMENTS)}, counts)
        self.assertNotIn('refused', daemon.said())

    def link(self, path, target):
        beside = path.with_name(path.name + '.new')
        beside.symlink_to(target)
        beside.rename(path)

    def by_link(self, entry):
        """The link hosts/NAME leads elsewhere."""
        def change(i):
            server = self.server(self.hosts / f'v{i}', entry, i)
            self.link(self.hosts / NAME, f'v{i}')
            return server
        self.deployed(entry, change)

    def by_name(self, entry):
        """The new server's socket takes the place of the old one's."""
        host = self.host(NAME)

        def change(i):
            server = self.server(host / f'v{i}', entry, i)
            (host / f'v{i}' / entry).rename(host / entry)
            return server
        self.deployed(entry, change)


for _protocol in ('tls', 'http'):
    for _kind in ('handoff', 'socket'):
        for _way in ('by_link', 'by_name'):
            def _test(self, way=_way, entry=f'{_protocol}-{_kind}'):
                getattr(self, way)(entry)
            _test.__doc__ = (f'{_protocol}-{_kind}: '
                             + getattr(Deployment, _way).__doc__)
            setattr(Deployment, f'test_{_protocol}_{_kind}_{_way}', _test)


if __name__ == '__main__':
    unittest.main()
