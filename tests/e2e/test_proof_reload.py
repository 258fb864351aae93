# SPDX-License-Identifier: ISC
"""nginx and Apache httpd, which are handed connections, take up a new
configuration, or a new program, and no connection fails."""
import contextlib
import os
import pathlib
import signal
import unittest

import proof
import test_proof_c
from harness import wait_for
from proof import SECONDS, Client, Halfway

TIMES = 3
HALFWAY = 20


class Reload:
    """Mixed into a server that has been tested already."""

    ways = users = ()
    way, signal = 'b', signal.SIGHUP
    fresh = 2                   # who take the others' place

    def test_no_new_connection_fails(self):
        self.begin_all()
        load = proof.Load(self, self.visit)
        for _ in range(TIMES):
            before = self.workers()
            self.server.send(self.signal)
            self.wait_fresh(before)
            proof.held.wait_gone(before, SECONDS)
            load.more()
        load.stop()
        self.assertIn(self.server.stop(self.quit), self.statuses)

    def test_who_is_being_answered_is_answered(self):
        """Half of a request came before, the other half comes after."""
        self.begin_all()
        clients = [Halfway(self.ports, True) for _ in range(HALFWAY)]
        for client in clients:
            self.addCleanup(client.socket.close)
        before = self.workers()
        self.server.send(self.signal)
        self.wait_fresh(before)
        self.visit()
        for client in clients:
            client.send()
            self.assert_from(client, client.body())
            client.socket.close()
        proof.held.wait_gone(before, SECONDS)

    def begin_all(self):
        self.start(self.way, 'root' if proof.ROOT else 'nobody',
                   ('tls', 'http'))
        wait_for(lambda: len(self.workers()) == 2, SECONDS)
        self.begin()
        self.visit()

    def visit(self):
        for tls in (True, False):
            with Client(self.ports, tls) as client:
                self.assert_from(client, client.ask())

    def workers(self):
        return set(proof.tree(self.server.pid)[1:])

    def wait_fresh(self, before):
        wait_for(lambda: len(self.workers() - before) >= self.fresh,
                 SECONDS)


class Nginx(Reload, test_proof_c.Nginx):
    """nginx -s reload."""


class NginxAtUnixSocket(Nginx):
    way = 'a'


class NginxWithReuseport(Nginx):
    options = 'reuseport'


class NginxAtBothFamilies(Nginx):
    six, addresses = True, ('{}', '[::]:{}')


class Apache(Reload, test_proof_c.Apache):
    """apachectl graceful.  One child has threads enough, and who is not yet
    gone counts against ServerLimit."""

    signal, fresh = signal.SIGUSR1, 1


class NginxUpgrade(test_proof_c.Nginx):
    """SIGUSR2 starts another program beside the one that runs, and gives it
    the listeners; the old one is told to leave.  nginx ignores it unless it
    is a daemon."""

    ways, main = '', 'daemon on; env LD_PRELOAD; env USHER_TRUST;'
    running = (None, 0)

    def test_on_tcp_no_new_connection_fails(self):
        self.main += 'env USHER_LISTEN;'
        self.upgraded('b')

    def test_on_the_unix_socket_itself_no_new_connection_fails(self):
        self.upgraded('a')

    def upgraded(self, way):
        self.addCleanup(self.end_all)
        self.start(way, 'root' if proof.ROOT else 'nobody', ('tls', 'http'))
        self.begin()
        load = proof.Load(self, self.visit)
        old = wait_for(self.pid)
        new = self.begin_new(old)
        load.more()
        os.kill(old, signal.SIGWINCH)       # its workers leave
        wait_for(lambda: set(proof.tree(old)) == {old, *proof.tree(new)},
                 SECONDS)
        load.more()
        os.kill(old, signal.SIGQUIT)
        proof.held.wait_gone([old], SECONDS)
        load.more()
        load.stop()
        self.assertEqual(self.pid(), new)

    visit = Reload.visit

    def begin_new(self, old):
        """Gives its pid when it is there with its workers."""
        os.kill(old, signal.SIGUSR2)
        new = wait_for(lambda: self.pid() not in (None, old) and self.pid(),
                       SECONDS)
        wait_for(lambda: len(proof.tree(new)) == 3, SECONDS)
        return new

    def pid(self):
        with contextlib.suppress(OSError, ValueError):
            return int((self.root / 'nginx.pid').read_text())
        return None

    def end_all(self):
        """They are nobody's children."""
        def gone():
            pids = list(self.pids())
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not pids
        wait_for(gone)

    def pids(self):
        """All whose working directory it is."""
        for path in pathlib.Path('/proc').glob('[0-9]*/cwd'):
            with contextlib.suppress(OSError):
                if path.readlink() == self.root.resolve():
                    yield int(path.parent.name)


if __name__ == '__main__':
    unittest.main()
