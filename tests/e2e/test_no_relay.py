# SPDX-License-Identifier: ISC
"""What waits for a relay, while there is none: nobody is lost who need not
be, and each is told what became of him."""
import os
import signal
import threading
import time

import harness
import held
import wire
from harness import wait_for
from lives import Base
from talker import Keeper, Talker, request

HALF = (b'POST /half HTTP/1.1\r\nHost: a.example\r\n'
        b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')


class NoRelay(Base):
    def setUp(self):
        super().setUp()
        host = self.host('a.example')
        self.tenant(host / 'tls-socket', harness.echo_server)
        self.keeper = Keeper()
        self.tenant(host / 'http-socket', self.keeper)
        self.daemon = self.usherd('-j', '1')
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.keep_down, daemon=True)
        self.addCleanup(self.thread.join)
        self.addCleanup(self.stop.set)

    def keep_down(self):
        """Whoever starts as a relay is killed, so that the next comes late."""
        while not self.stop.is_set():
            for pid in held.children(self.daemon, 'usherd-relay'):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.001)

    def down(self):
        self.thread.start()
        time.sleep(0.3)

    def up(self):
        self.stop.set()
        self.thread.join()

    def say(self, data):
        talker = Talker(self.daemon.http, 10)
        self.addCleanup(talker.socket.close)
        talker.send(data)
        return talker

    def test_all_are_waited_for(self):
        """Those to be relayed, and those to be refused."""
        self.down()
        tls = held.Held(self.daemon.tls)
        self.addCleanup(tls.close)
        unknown = wire.connect(self.daemon.tls, 10)
        self.addCleanup(unknown.close)
        unknown.sendall(wire.hello('b.example'))
        good = self.say(request('a.example', '/good'))
        bad = self.say(request('b.example', '/bad'))
        time.sleep(0.3)
        self.up()
        tls.establish()
        self.assertEqual(unknown.recv(100), harness.alert(112))
        self.assertEqual(good.answer().status, 200)
        self.assertEqual(bad.answer().status, 404)
        self.assertTrue(tls.alive())

    def test_and_their_parser_dies(self):
        """A request that was read whole goes on without it; one of which
        more is to come cannot; a refusal stays what it was."""
        self.down()
        good = self.say(request('a.example', '/good'))
        half = self.say(HALF)
        bad = self.say(request('b.example', '/bad'))
        time.sleep(0.3)
        parser = held.children(self.daemon, 'usherd-http')[0]
        os.kill(parser, signal.SIGKILL)
        wait_for(lambda: held.children(self.daemon, 'usherd-http') not in
                 ([], [parser]), 5)
        self.up()
        self.assertEqual(good.answer().status, 200)
        self.assertEqual(half.answer().status, 503)
        self.assertEqual(bad.answer().status, 404)
        self.assertEqual([asked.path for asked in self.keeper.requests],
                         ['/good'])
        log = self.daemon.said()
        self.assertEqual(log.count('reason=unknown-host'), 1)
        self.assertEqual(log.count('reason=parser-died'), 1)


if __name__ == '__main__':
    harness.unittest.main()
