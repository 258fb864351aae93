# SPDX-License-Identifier: ISC
"""Tenants that take no hand-offs: only their own visitors pay for it.

usherd runs with 1,024 descriptors, so that those in flight (unix(7),
ETOOMANYREFS) would be used up if they were not counted.
"""
import os
import pwd
import resource
import signal
import time
import unittest

import harness
import held
import wire
from crowd import Crowd, settle
from harness import ROOT, wait_for
from receiver import Receiver
from talker import together

LIMIT = 1024
ALL = (LIMIT - 512) // 4        # messages that may lie unreceived: inflight.h
PER_HOST = ALL // 3 + 1          # alone: as many as its owner could still have
PER_OWNER = ALL // 2
HUNDREDS = 150                  # of visitors, by each protocol
EACH = 100                      # of other tenants' visitors, by each way


class Base(harness.Case):
    def setUp(self):
        super().setUp()
        held.want_descriptors(self, 4096)

    def owned(self, name, owner):
        """A host; as root it is another user's."""
        path = self.host(name)
        if ROOT:
            user = pwd.getpwnam(owner)
            os.chown(path, user.pw_uid, user.pw_gid)
        return path

    def receiver(self, *names, owner='daemon', **how):
        """Takes hand-offs of both protocols for all these hosts."""
        paths = [self.owned(name, owner) / f'{protocol}-handoff'
                 for name in names for protocol in ('tls', 'http')]
        return Receiver(self, *paths, user=owner, **how)

    def small(self):
        """usherd with few descriptors."""
        def limit():
            resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        self.daemon = self.usherd('-j', '1', preexec=limit)
        self.children = held.children(self.daemon)
        self.front = held.front(self.daemon)
        self.table = held.descriptors(self.front)

    def good(self, owner='nobody'):
        """A tenant that takes hand-offs, and one that is relayed to."""
        self.receiver('good.example', owner=owner)
        for protocol in ('tls', 'http'):
            self.tenant(self.host('relayed.example') / f'{protocol}-socket',
                        harness.echo_server)

    def crowd(self, name, n, tls=True):
        if tls:
            return Crowd(self, self.daemon.tls, wire.hello(name), n)
        return Crowd(self, self.daemon.http, wire.tunnel(name), n)

    def echoed(self, name, tls, n):
        """How many of n visitors, one after the other, are served."""
        port = self.daemon.tls if tls else self.daemon.http
        data = wire.hello(name) if tls else wire.tunnel(name)
        return sum(wire.ask(port, data, half_close=True)[0] in
                   (data, wire.echoed(data)) for _ in range(n))

    def others_are_served(self, n=EACH, names=('good', 'relayed')):
        """Not one of their visitors fails."""
        ways = [(f'{name}.example', tls) for name in names
                for tls in (True, False)]
        served = together(*(lambda way=way: self.echoed(*way, n)
                            for way in ways))
        self.assertEqual(dict(zip(ways, served)), dict.fromkeys(ways, n))

    def nothing_is_left(self):
        wait_for(lambda: held.descriptors(self.front) == self.table, 5)
        self.assertEqual(held.children(self.daemon), self.children)


class Stuck(Base):
    """A tenant that takes nothing costs its own visitors an answer, nobody
    else anything; when it recovers they are served."""

    def setUp(self):
        super().setUp()
        self.good()

    def costs_its_own(self, stuck, recover):
        self.small()
        crowds = [self.crowd('stuck.example', HUNDREDS, tls)
                  for tls in (True, False)]
        self.others_are_served()
        settle(crowds, lambda seen: seen == {
            'refused': 2 * HUNDREDS - PER_HOST, 'waits': PER_HOST})
        for what in ('tls', 'http'):
            self.daemon.wait_log(rf'refused {what} client=\S+ '
                                 'host=stuck.example reason=not-picked-up ')
        self.assertNotRegex(self.daemon.said(), 'host=(good|relayed)')
        self.others_are_served()
        recover(stuck)
        settle(crowds, lambda seen: seen == {
            'refused': 2 * HUNDREDS - PER_HOST, 'served': PER_HOST})
        self.others_are_served(20, ('stuck', 'good'))
        self.nothing_is_left()

    def test_that_never_accepts(self):
        """A receiver that listens, and does no more."""
        self.costs_its_own(self.receiver('stuck.example', deaf=True),
                           lambda stuck: stuck.tell('accept'))

    def test_that_never_receives(self):
        """A receiver that calls accept(2), but not recvmsg(2)."""
        self.costs_its_own(self.receiver('stuck.example', hoard=True),
                           lambda stuck: stuck.tell('receive'))

    def test_that_is_stopped(self):
        """A receiver that was sent SIGSTOP."""
        stuck = self.receiver('stuck.example')
        stuck.signal(signal.SIGSTOP)
        self.costs_its_own(stuck, lambda _: stuck.signal(signal.SIGCONT))

    def test_that_has_a_small_backlog(self):
        """Its backlog is full first, and that is the reason given."""
        stuck = self.receiver('stuck.example', deaf=True, backlog=5)
        self.small()
        crowd = self.crowd('stuck.example', 40)
        self.others_are_served(20)
        settle([crowd], lambda seen: seen == {'refused': 34, 'waits': 6})
        self.daemon.wait_log('reason=backlog-full')
        stuck.tell('accept')
        settle([crowd], lambda seen: seen['served'] == 6)
        self.nothing_is_left()

    def test_whose_visitors_leave(self):
        """What was sent to a tenant is not taken back when visitors leave."""
        stuck = self.receiver('stuck.example', hoard=True)
        self.small()
        for _ in range(2):
            crowd = self.crowd('stuck.example', HUNDREDS)
            settle([crowd], lambda seen: seen['refused'] +
                   PER_HOST >= HUNDREDS)
            crowd.reset()
        self.others_are_served()
        stuck.tell('receive')
        self.others_are_served(20, ('stuck', 'good'))
        self.nothing_is_left()

    def test_that_recovers_in_time(self):
        """Half a second is not yet an error for anybody."""
        stuck = self.receiver('stuck.example', deaf=True)
        self.small()
        crowd = self.crowd('stuck.example', 3 * PER_HOST)
        time.sleep(0.2)
        stuck.tell('accept')
        settle([crowd], lambda seen: seen['served'] == 3 * PER_HOST)
        self.nothing_is_left()


class Many(Base):
    """Many stuck hosts use up neither the room of others nor each other's."""

    def stuck_hosts(self, n, owner='daemon', first=0):
        """All that may lie before them does; gives the receiver."""
        names = [f'stuck{i}.example' for i in range(first, first + n)]
        stuck = self.receiver(*names, owner=owner, hoard=True)
        return stuck, names

    def fill(self, names, each=20):
        for name in names:
            self.crowd(name, each)
        time.sleep(1)           # the surplus has been refused

    @unittest.skipUnless(ROOT, 'needs users')
    def test_hosts_of_one_owner(self):
        """Another owner's hand-offs all work."""
        self.good(owner='nobody')
        _, names = self.stuck_hosts(10)
        self.small()
        self.fill(names)
        self.others_are_served()

    @unittest.skipUnless(ROOT, 'needs users')
    def test_two_owners(self):
        """A third tenant's hand-offs work while all hosts of two others are
        stuck."""
        self.good(owner='nobody')
        _, names = self.stuck_hosts(5, 'daemon')
        _, others = self.stuck_hosts(5, 'games', 5)
        self.small()
        self.fill(names + others)
        self.others_are_served(20)

    def test_hosts_beside_a_good_one_of_the_same_owner(self):
        """As where one user owns the whole of hosts/, and always without
        root: one host's visitors do not pay for two others'."""
        self.good(owner='daemon')
        _, names = self.stuck_hosts(3)
        self.small()
        self.fill(names, 60)
        self.others_are_served(20)

    def test_slow_hosts(self):
        """Who picks up late, but in time, loses no visitor: also when there
        are more of them than may lie before one owner."""
        names = [f'slow{i}.example' for i in range(10)]
        slow = self.receiver(*names, deaf=True)
        self.small()
        crowds = [self.crowd(name, 10) for name in names]
        time.sleep(0.1)
        slow.tell('accept')
        self.assertEqual(settle(crowds, lambda seen: seen['waits'] == 0),
                         {'served': 100})


class Quiet(Base):
    def switches(self):
        """How often the front wakes in the time between two pings."""
        def so_far():
            return int(harness.status_of(self.front)
                       ['voluntary_ctxt_switches'])
        before = so_far()
        time.sleep(3)
        return so_far() - before

    def test_one_that_is_never_picked_up(self):
        """It wakes nobody: the kernel will tell."""
        receiver = self.receiver('stuck.example')
        receiver.signal(signal.SIGSTOP)
        self.addCleanup(receiver.signal, signal.SIGCONT)
        self.small()
        idle = self.switches()
        clients = self.crowd('stuck.example', 3)
        wait_for(lambda: held.descriptors(self.front) >=
                 self.table + 3)
        time.sleep(1.2)     # timers that were set for them
        self.assertLessEqual(self.switches(), idle + 1)
        receiver.signal(signal.SIGCONT)
        wait_for(lambda: held.descriptors(self.front) == self.table, 2)
        settle([clients], lambda seen: seen == {'served': 3})


if __name__ == '__main__':
    unittest.main()
