# SPDX-License-Identifier: ISC
"""A kept-alive connection waits for its next tenant, whose backlog is full,
and meanwhile somebody dies or leaves: what becomes of it, and that nothing of
it is left behind."""
import contextlib
import os
import signal
import socket
import time

import harness
import held
from harness import wait_for
from talker import End, Keeper, Talker, request

HALF = (b'POST /half HTTP/1.1\r\nHost: full.example\r\n'
        b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
WHOLE = request('full.example', '/whole')


class NextFull(harness.Case):
    def setUp(self):
        super().setUp()
        self.keeper = Keeper()
        self.tenant(self.host('a.example') / 'http-socket', self.keeper)
        path = self.host('full.example') / 'http-socket'
        full = socket.socket(socket.AF_UNIX)
        self.addCleanup(full.close)
        full.bind(str(path))
        os.chmod(path, 0o666)
        full.listen(0)
        for _ in range(2):
            filler = socket.socket(socket.AF_UNIX)
            self.addCleanup(filler.close)
            filler.setblocking(False)
            if filler.connect_ex(str(path)) != 0:
                break
        self.daemon = self.usherd('-j', '1', tls=0)

    def waiting(self, text):
        """A client whose first request was answered, and whose second is
        for the tenant that is full."""
        talker = Talker(self.daemon.http, 10)
        self.addCleanup(talker.socket.close)
        self.assertEqual(talker.ask(request('a.example')).status, 200)
        talker.send(text)
        time.sleep(0.2)
        return talker

    def kill(self, program):
        for pid in held.children(self.daemon, program):
            os.kill(pid, signal.SIGKILL)

    def nothing_left(self):
        """The counts say that no connection is left, after the second that
        it could have waited."""
        time.sleep(1)

        def counted():
            self.daemon.process.send_signal(signal.SIGUSR1)
            time.sleep(0.1)
            last = [line for line in self.daemon.log_lines
                    if 'counts now' in line]
            return last and 'undecided=0 in-relays=0 ' in last[-1]
        wait_for(counted, 5)
        talker = Talker(self.daemon.http, 10)
        self.assertEqual(talker.ask(request('a.example')).status, 200)
        talker.socket.close()

    def ended(self, talker, status=None):
        if status is not None:
            self.assertEqual(talker.answer().status, status)
        with contextlib.suppress(ConnectionError):
            self.assertEqual(talker.rest(), b'')
        talker.socket.close()
        self.nothing_left()

    def test_nobody_does(self):
        self.ended(self.waiting(WHOLE), 503)
        self.daemon.wait_log('reason=backlog-full')

    def test_the_client_leaves(self):
        talker = self.waiting(WHOLE)
        held.reset(talker.socket)
        self.nothing_left()

    def test_its_tenant_leaves(self):
        talker = self.waiting(WHOLE)
        for visit in self.keeper.visits:
            with contextlib.suppress(OSError):
                visit.reader.socket.shutdown(socket.SHUT_RDWR)
        self.ended(talker, 503)

    def test_the_relay_dies(self):
        talker = self.waiting(WHOLE)
        self.kill('usherd-relay')
        with self.assertRaises((End, ConnectionError)):
            talker.answer()
        talker.socket.close()
        self.nothing_left()

    def test_the_parser_dies(self):
        """Between two exchanges, which nobody could tell from a kept
        connection that was closed: nothing of the next one has passed."""
        for text in (WHOLE, HALF):
            talker = self.waiting(text)
            self.kill('usherd-http')
            with self.assertRaises((End, ConnectionError)):
                talker.answer()
            self.assertEqual(len(talker.raw), talker.at)
            talker.socket.close()
            self.nothing_left()
        self.assertNotIn('reason=', self.daemon.said())


if __name__ == '__main__':
    harness.unittest.main()
