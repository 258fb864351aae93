# SPDX-License-Identifier: ISC
"""What the tests of SIGUSR2 share: a daemon whose programs are copies of its
own, with an echoing tenant and one that is handed connections."""
import os
import pwd
import signal
import time

import held
import wire
from copies import Copies
from harness import ROOT, USER, wait_for
from lives import Base
from receiver import Receiver

SHARD = 5               # processes of a shard with both protocols
HANDED = {True: wire.hello('b.example'), False: wire.head('b.example')}


def plain():
    """The process becomes a plain user (preexec)."""
    user = pwd.getpwnam('nobody')
    os.setgroups([])
    os.setresgid(*[user.pw_gid] * 3)
    os.setresuid(*[user.pw_uid] * 3)


class Upgrades(Base):
    jobs = 2
    plain = False           # as root: is usherd to be a plain user's?

    def setUp(self):
        super().setUp()
        if self.plain and not (ROOT and USER == '_usherd'):
            self.skipTest('who runs the tests is a plain user already')
        held.want_descriptors(self, 2048)
        self.copies = Copies(self)

    def begin(self, *options, **how):
        how.setdefault('build', self.copies.path)
        if self.plain:
            how['preexec'] = plain
        super().begin('-j', str(self.jobs), *options, **how)
        self.all = 1 + self.jobs * SHARD
        return self.daemon

    def there(self):
        """All are, and nobody else; gives their pids."""
        pids = held.all_children(self.daemon)
        if len(pids) == self.all and all(map(held.runs, pids)):
            return pids
        return None

    def ask_for_one(self):
        """Sends the signal; gives the number of the first line after it."""
        line = len(self.daemon.log_lines)
        self.daemon.process.send_signal(signal.SIGUSR2)
        return line

    def taken_over(self, line, seconds=10):
        self.daemon.wait_log('the new program takes over', seconds, line)
        self.daemon.wait_log('listening on', seconds, line)

    def upgrade(self, left=0, seconds=10):
        """One upgrade, until of what was there so many are left, and of the
        new all are there; gives the pids of those.  Where connections are
        left that is all of their shards, and the log process."""
        before = held.all_children(self.daemon)
        self.taken_over(self.ask_for_one())

        def over():
            now = held.all_children(self.daemon)
            old = set(before) & set(now)
            return len(old) == left and len(now) == self.all + left and \
                all(map(held.runs, now)) and set(now) - old
        return wait_for(over, seconds)

    def goes_on(self, line, says, before):
        """It is said in one line why not, and the same processes serve."""
        said = self.daemon.wait_log('upgrade: .*the present one goes on', 10,
                                    line)
        self.assertRegex(said, says)
        self.assertEqual(held.all_children(self.daemon), before)
        self.served()
        time.sleep(0.2)
        self.assertEqual(self.daemon.log().count('takes over'), 0)
        self.assertEqual(self.daemon.log().count('the present one goes on'),
                         1)

    def receiver(self):
        host = self.host('b.example')
        self.tenant_process = Receiver(self, host / 'tls-handoff',
                                       host / 'http-handoff', talk='look')

    def handed(self, tls, port=None):
        """The options of a connection as a tenant is handed it."""
        with wire.connect(port or self.port(tls)) as client:
            client.sendall(HANDED[tls])
            return self.tenant_process.given()['options']
