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

    def test_their_parsers_end_with_their_relays(self):
        """And have not died of a connection: whoever is undecided is shown to
        the next, once there is one, from the beginning; a refusal stays what
        it was."""
        early = self.say(request('a.example', '/early')[:20])
        time.sleep(0.1)
        self.down()
        good = self.say(request('a.example', '/good'))
        half = self.say(HALF)
        bad = self.say(request('b.example', '/bad'))
        time.sleep(0.3)
        self.up()
        early.send(request('a.example', '/early')[20:])
        half.send(b'0\r\n\r\n')
        for talker, status in ((early, 200), (good, 200), (half, 200),
                               (bad, 404)):
            self.assertEqual(talker.answer().status, status)
        self.assertEqual({asked.path: asked.body
                          for asked in self.keeper.requests},
                         {'/early': b'', '/good': b'', '/half': b'hello'})
        log = self.daemon.said()
        self.assertEqual(log.count('reason=unknown-host'), 1)
        self.assertNotIn('reason=parser-died', log)


if __name__ == '__main__':
    harness.unittest.main()
