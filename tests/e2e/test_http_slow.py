# SPDX-License-Identifier: ISC
"""No timer of usherd runs during an exchange: paused downloads, uploads and
work that take more than a minute, event streams that are silent for longer.
They wait all at once.

USHER_QUICK=1 leaves them out.  USHER_LONG=1 adds what takes five minutes.
"""
import os
import time
import unittest

import exchanges
import held
from exchanges import each, says, small_window, stay
from harness import wait_for
from talker import request, response

QUICK = os.environ.get('USHER_QUICK') == '1'
LONG = os.environ.get('USHER_LONG') == '1'
MINUTE = 65
CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'
HINTS = b'HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n'
SIZE = 40_000_000


@unittest.skipIf(QUICK, 'takes more than a minute')
class Minute(exchanges.Case):
    def talk(self, seconds=90):
        return super().talk(seconds)

    def then(self, talker):
        """The connection is as good as before."""
        talker.send(request('b.example', '/next'))
        self.good(talker, 'b.example', '/next')

    def paused(self, head, *fields):
        """A client that stops reading in the middle of a large response."""
        name = f'p{len(head)}-{len(fields)}.example'
        body = b'x' * SIZE
        chunked = b'Transfer-Encoding' in head
        self.act(name, says(head, *[b'%x\r\n' % SIZE if chunked else b'', body,
                                    b'\r\n0\r\n\r\n' if chunked else b''],
                            hold=b'close' not in head))
        talker = small_window(self.daemon.http, 90)
        self.addCleanup(talker.socket.close)
        talker.send(request(name, '/', *fields))
        talker.more()
        time.sleep(MINUTE)
        self.assertEqual(len(talker.answer().body), SIZE)
        if not fields and b'close' not in head:
            self.then(talker)

    def works_after(self, first, *fields):
        """100 or 103 first, then 65 s of work."""
        name = f'w{len(first)}-{len(fields)}.example'

        def play(reader):
            _, asked = reader.head()
            reader.socket.sendall(first)
            reader.framed(asked)
            time.sleep(MINUTE)
            reader.socket.sendall(response(b'done'))
            stay(reader)
        self.act(name, play)
        talker = self.talk()
        data = request(name, '/', 'Expect: 100-continue', *fields,
                       body=b'x' * 100000)
        talker.send(data[:-100000])
        if first == CONTINUE:
            self.assertEqual(talker.exactly(len(CONTINUE)), CONTINUE)
        talker.send(data[-100000:])
        self.assertEqual(talker.answer().body, b'done')
        if fields:
            self.assertTrue(talker.ended())
        else:
            self.then(talker)

    def events(self, head, tail):
        """A stream that says something, nothing for 70 s, and something
        again."""
        name = f'e{len(head)}.example'
        self.act(name, says(head + b'7\r\nevent\n\n\r\n',
                            b'7\r\nagain\n\n\r\n' + tail, pause=70))
        talker = self.talk()
        talker.send(request(name))
        self.assertTrue(talker.answer().body.startswith(b'event\n\nagain'))
        self.then(talker)

    def events_to_the_end(self):
        self.act('end.example', says(
            b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n'
            b'event\n\n', b'again\n\n', pause=70, hold=False))
        talker = self.talk()
        talker.send(request('end.example'))
        self.assertEqual(talker.answer().body, b'event\n\nagain\n\n')

    def later(self):
        """The same for a second request of a connection."""
        self.act('later.example', says(
            response(b'')[:10], response(b'')[10:], pause=MINUTE))
        talker = self.talk()
        self.then(talker)
        talker.send(request('later.example'))
        self.assertEqual(talker.answer().status, 200)
        self.then(talker)

    def uploads(self):
        """A tenant that pauses reading, and a client that pauses sending."""
        def play(reader):
            reader.line(b'\r\n\r\n')
            time.sleep(MINUTE)
            reader.exactly(5_000_000)
            reader.socket.sendall(response(b'done'))
            stay(reader)
        self.act('deaf.example', play)
        talker = self.talk()
        talker.send(request('deaf.example', '/', body=b'x' * 5_000_000))
        self.assertEqual(talker.answer().body, b'done')
        self.then(talker)

    def test_all_at_once(self):
        head = b'HTTP/1.1 200 OK\r\n'
        length = head + b'Content-Length: %d\r\n\r\n' % SIZE
        chunked = head + b'Transfer-Encoding: chunked\r\n\r\n'
        each((self.paused, length),
             (self.paused, length, 'Connection: close'),
             (self.paused, chunked),
             (self.paused, head + b'Connection: close\r\n\r\n'),
             (self.works_after, CONTINUE),
             (self.works_after, CONTINUE, 'Connection: close'),
             (self.works_after, HINTS), (self.works_after, b''),
             (self.events, chunked, b'0\r\n\r\n'),
             self.events_to_the_end, self.later, self.uploads, seconds=150)
        self.assertEqual(self.refusals(), [])


@unittest.skipUnless(LONG, 'takes five minutes: USHER_LONG=1')
class Abandoned(exchanges.Case):
    """A client that has gone, and a tenant that neither reads nor answers."""

    def counts(self):
        return [held.descriptors(pid) for pid in self.pids]

    def back(self):
        """But for the pipe that a relay may keep."""
        return all(now <= then + 2 for now, then in zip(self.counts(),
                                                    self.before))

    def deaf(self, reader):
        reader.line(b'\r\n\r\n')
        self.gone.append(reader)
        time.sleep(400)

    def test_five_minutes(self):
        self.pids = [held.front(self.daemon), *held.children(self.daemon)]
        for _ in range(5):      # what is opened once is open
            with self.talk() as talker:
                talker.send(request('b.example'))
                self.good(talker, 'b.example')
        time.sleep(3)
        self.before, self.gone = self.counts(), []
        if None in self.before:
            self.skipTest('only root sees how many descriptors there are')
        self.act('deaf.example', self.deaf)
        for i in range(20):
            talker = self.talk()
            talker.send(request('deaf.example', body=b'x' * (i % 2 * 1000)))
            wait_for(lambda i=i: len(self.gone) == i + 1)
            if i % 4 < 2:
                held.reset(talker.socket)
            else:
                talker.socket.close()
        began = time.monotonic()
        # one that cannot be seen, behind the next request
        talker = self.talk()
        talker.send(request('deaf.example'), request('deaf.example'))
        wait_for(lambda: len(self.gone) == 21)
        held.reset(talker.socket)
        time.sleep(5)       # a reset ends it at once, an end not
        self.assertFalse(self.back())
        self.assertLess(sum(self.counts()), sum(self.before) + 50)
        while not self.back() and time.monotonic() - began < 330:
            time.sleep(1)
        self.assertTrue(280 < time.monotonic() - began < 330,
                        (time.monotonic() - began, self.pids, self.before,
                         self.counts()))


if __name__ == '__main__':
    unittest.main()
