# SPDX-License-Identifier: ISC
"""A usherd-http that was taken over lies to the relay of its pair: the relay
goes on, and so does whatever needs no parser any more; nobody gets what is
not of this pair; and the shard serves HTTP again within a second.

The lies are in tests/sandbox/try_grant.c; the first word of each says what is
expected.
"""
import contextlib
import os
import signal
import time

import harness
import held
import lies
from harness import wait_for
from lies import HALF, REST, STRAY, Lying
from talker import request


class Breach(Lying):
    """The relay believes its parser nothing more after:"""

    def breach(self, name):
        self.establish()
        _, began = self.lie(name)
        self.daemon.wait_log(r'http parser \d \(pid \d+\) broke the rules', 2)
        self.serves(began)
        wait_for(lambda: held.restored(self.daemon, self.before), 1)
        # what was between two exchanges has ended, and has got nothing
        self.ends(self.idle)
        self.ends(self.bystander)
        # what was in the middle of one goes to its end
        self.half.go_on.set()
        self.ends(self.busy, REST)
        self.survived()
        self.bystander_has_its_own()

    def test_relay_ends_with_its_last(self):
        """It serves what it has, and no longer."""
        self.establish()
        self.lie('breach-no-id')
        self.daemon.wait_log('broke the rules', 2)
        self.survived()
        self.half.go_on.set()
        self.ends(self.busy, REST)
        self.tunnel.talker.socket.close()
        wait_for(lambda: self.relay not in held.children(self.daemon), 5)


class Void(Lying):
    """All go on as if it had not been said:"""

    def void(self, name):
        self.half.stays = True
        self.establish()
        liar, _ = self.lie(name)
        self.assertEqual(liar.answer().body, b'here')
        self.half.go_on.set()
        self.assertEqual(self.busy.exactly(len(REST)), REST)
        for talker, host in ((self.idle, 'a.example'),
                             (self.busy, 'half.example'),
                             (self.bystander, 'b.example'),
                             (liar, 'a.example')):
            self.assertTrue(self.goes_on(talker, host), host)
        self.survived()
        self.bystander_has_its_own()
        self.assertEqual(held.children(self.daemon), self.before)
        self.assertNotRegex(self.daemon.said(), 'broke|killed|exited')


class Free(Lying):
    """It may be true, and does what it says to that connection alone:"""

    def free(self, name):
        self.establish()
        _, began = self.lie(name)
        time.sleep(0.1)
        self.half.go_on.set()
        self.serves(began)
        # a client has got what its tenant said to it, or less
        whole = HALF + REST
        for talker in (self.idle, self.busy):
            talker.socket.settimeout(0.2)
            with contextlib.suppress(OSError):
                talker.rest()
        self.assertTrue(whole.startswith(bytes(self.busy.raw)))
        self.assertEqual(self.idle.raw.count(b'HTTP/1.1'), 1)
        self.survived()
        self.bystander_has_its_own()

    def test_bytes_of_a_tenant_reach_its_own_client_at_most(self):
        """What a tenant says when nobody has asked it is never granted; a
        parser that lies may grant it, to the client that has this tenant."""
        self.establish()
        for name in 'ab':
            self.tenants[name].connections[-1].sendall(STRAY)
        self.assertTrue(self.idle.quiet() and self.bystander.quiet())
        self.lie('free-idle-down')
        self.assertEqual(self.idle.exactly(len(STRAY)), STRAY)
        self.survived()
        self.assertNotIn(STRAY, bytes(self.bystander.raw))

    def test_bytes_of_a_client_reach_its_own_tenant_at_most(self):
        """The next request of a client goes to the tenant of the one before
        it, though it is for another, if the parser says so: both are of this
        pair.  Nobody else's does."""
        self.establish()
        other = request('b.example', '/secret')
        liar, _ = self.lie('free-idle-up')
        self.assertEqual(liar.answer().body, b'here')   # it has been told
        self.idle.send(other)
        wait_for(lambda: other in bytes(self.tenants['a'].got), 2)
        self.survived()
        self.bystander_has_its_own()


class Floods(Lying):
    """The relay reads on, and moves what others send meanwhile:"""

    def flood(self, name):
        self.establish()
        liar, began = self.lie(name)
        slowest, words = 0, 0
        while time.monotonic() < began + 0.5:
            asked = time.monotonic()
            self.assertTrue(self.tunnel.alive() and self.tls.alive())
            slowest = max(slowest, time.monotonic() - asked)
            words += 1
        self.assertGreater(words, 5)
        self.assertLess(slowest, 0.3)
        liar.socket.close()
        self.serves(time.monotonic())
        self.half.go_on.set()
        self.survived()
        self.bystander_has_its_own()


class Silence(Lying):
    def test_nothing_is_granted(self):
        """Whoever needs a grant waits, and nobody else; when the parser is
        ended for it, all is well."""
        self.establish()
        self.lie('silent')
        time.sleep(0.3)         # it has been told
        self.idle.send(request('a.example'))
        late = self.talker()
        late.send(request('a.example', '/unheard'))
        self.assertTrue(self.idle.quiet(1) and late.quiet(0.1))
        self.half.go_on.set()
        self.assertEqual(self.busy.exactly(len(REST)), REST)
        self.survived()
        os.kill(held.children(self.daemon, 'usherd-http')[0], signal.SIGKILL)
        self.serves(time.monotonic())
        self.ends(self.idle)
        self.survived()
        self.assertNotIn(b'/unheard', bytes(self.tenants['a'].got))
        self.bystander_has_its_own()


class Shards(Lying):
    """Another shard has the same ids, and another pipe."""

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.daemon = self.usherd('-j', '2', build=lies.TRY)

    def one(self):
        talker = self.talker()
        self.assertTrue(self.goes_on(talker))
        return talker

    def test_connections_of_another_are_out_of_reach(self):
        """All connections of one shard's HTTP are cut, none of the other's,
        and none of TLS."""
        relays = held.relays(self.daemon, tls=False)
        found = held.spread(self, relays, self.one)
        tls = held.hold(self, self.daemon.tls, 8)
        self.lie('sweep')
        time.sleep(0.3)
        alive = {relay: {self.goes_on(one) for one in connections}
                 for relay, connections in found.items()}
        self.assertEqual(sorted(map(sorted, alive.values())),
                         [[False], [True]])
        self.assertTrue(all(one.alive() for one in tls))
        self.assertEqual(held.relays(self.daemon, tls=False), relays)


def add(case, method, name):
    def test(self):
        method(self, name)
    test.__doc__ = f'{case.__doc__} {name}'
    setattr(case, 'test_' + name.replace('-', '_'), test)


for _start, _case, _method in (('breach', Breach, Breach.breach),
                               ('void', Void, Void.void),
                               ('free', Free, Free.free),
                               ('flood', Floods, Floods.flood)):
    for _name in lies.told('try_grant.c', _start):
        add(_case, _method, _name)


if __name__ == '__main__':
    harness.unittest.main()
