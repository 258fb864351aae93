# SPDX-License-Identifier: ISC
"""Two tenants and thousands of mixed kept-alive connections: not one byte of a
request for one is among all that the other's server has received.

All that a request for tenant q says of itself is made of the letter q, for
tenant z of z, and what is refused of w; no other word of a request has these
letters.  USHER_CONNECTIONS is the number of connections.
"""
import collections
import os
import random
import socket
import sys
import threading
import time
import unittest

import harness
from harness import wait_for
from talker import Keeper, Talker, request, response, together

CONNECTIONS = int(os.environ.get('USHER_CONNECTIONS', '3200'))
WORKERS = 4
NAMES = {'q': 'qqqq.qq', 'z': 'zzzz.zz'}
WRONG = (b'GET /www HTTP/1.1\r\n\r\n', b'www\r\n\r\n',
         b'POST /w HTTP/1.1\r\nHost: zzzz.zz\r\nHost: qqqq.qq\r\n\r\nwww',
         b'GET /www HTTP/1.1\r\nHost: www.ww\r\n\r\n',
         b'POST /ww HTTP/1.1\r\nHost: qqqq.qq\r\nContent-Length: 5\r\n'
         b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nwwww',
         b'POST /w HTTP/1.1\r\nHost: zzzz.zz\r\nTransfer-Encoding: chunked'
         b'\r\n\r\n5x\r\nwwwww\r\n', b'GET /w HTTP/1.1\r\nHost: w',
         b'CONNECT www.ww:80 HTTP/1.1\r\nHost: www.ww:80\r\n\r\n')

# closes: the tenant closes behind its response
Asked = collections.namedtuple('Asked', 'letter path data closes')
Plan = collections.namedtuple('Plan', 'asked tail how end')


def answer(asked, visit):
    """Echoes the path; closes behind one that ends with two slashes."""
    visit.last = asked.path.endswith('//')
    if asked.path.startswith('/0'):
        time.sleep(0.002)
    return response(f'{asked.host} {asked.path} {len(asked.body)}',
                    *['Connection: close'] * visit.last)


def one_asked(chance, number):
    letter = chance.choice('qz')
    closes = chance.random() < 0.05
    path = f'/{number}/{letter * chance.randint(1, 20)}' + '//' * closes
    body = letter.encode() * chance.choice((0, 1, 10, 100, 5000, 70000))
    how = {}
    kind = chance.randint(0, 3)
    if kind == 1:
        how = {'body': body}
    elif kind == 2 and body:
        size = max(1, len(body) // chance.randint(1, 9))
        how = {'chunks': [body[at:at + size]
                          for at in range(0, len(body), size)]}
    name = NAMES[letter]
    if chance.random() < 0.2:
        name = name.upper() + '.'
    fields = [f'X-{letter}: {letter}']
    return Asked(letter, path, request(
        name, path, *fields, method=chance.choice(('GET', 'POST', 'PUT')),
        **how), closes)


def plan(chance):
    asked = [one_asked(chance, number)
             for number in range(chance.randint(1, 8))]
    return Plan(asked, chance.choice(WRONG) if chance.random() < 0.25
                else b'', chance.choice(('turns', 'turns', 'pipeline',
                                         'pieces')),
                chance.choice(('read', 'read', 'read', 'half', 'close',
                               'reset')))


class Isolation(harness.Case):
    def setUp(self):
        super().setUp()
        self.keepers = {}
        for letter, name in NAMES.items():
            self.keepers[letter] = Keeper(answer)
            self.tenant(self.host(name) / 'http-socket',
                        self.keepers[letter])
        self.daemon = self.usherd('-j', '1', tls=0)
        self.lock = threading.Lock()
        self.counts = collections.Counter()

    def expect(self, talker, asked):
        """The response to this request and to no other."""
        got = talker.answer()
        text = got.body.decode()
        words = text.split(' ')
        if got.status != 200 or words[1] != asked.path or (
                words[0].lower().rstrip('.') != NAMES[asked.letter]):
            raise AssertionError(f'{asked.path} was answered {got.status} '
                                 f'{text}')
        with self.lock:
            self.counts['responses'] += 1

    def in_pieces(self, chance, talker, data):
        at = 0
        while at < len(data):
            size = chance.choice((1, 7, 50, 500, 20000))
            talker.send(data[at:at + size])
            at += size

    def speak(self, talker, made, chance):
        """Sends it all; gives False when the tenant has said that it
        closes, so that nothing behind that counts."""
        data = b''.join(asked.data for asked in made.asked) + made.tail
        if made.how == 'pieces' and len(data) < 20000:
            self.in_pieces(chance, talker, data)
        elif made.how != 'turns':
            talker.send(data)
        if made.how != 'turns' and made.end in ('close', 'reset'):
            return False
        if made.how != 'turns' and made.end == 'half':
            talker.half_close()
        for asked in made.asked:
            if made.how == 'turns':
                talker.send(asked.data)
            self.expect(talker, asked)
            if asked.closes:
                return False
        if made.how == 'turns':
            talker.send(made.tail)
        return True

    def one(self, chance):
        made = plan(chance)
        with Talker(self.daemon.http, 20) as talker:
            whole = self.speak(talker, made, chance)
            with self.lock:
                self.counts['connections'] += 1
                self.counts['requests'] += len(made.asked)
                self.counts[made.end] += 1
            if made.end == 'reset':
                talker.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         b'\1\0\0\0\0\0\0\0')
            if made.end in ('close', 'reset') or not whole:
                return
            if made.tail:
                talker.half_close()
                rest = talker.rest()
                if rest and not rest.startswith(b'HTTP/1.1 40'):
                    raise AssertionError(f'behind a wrong one: {rest}')

    def worker(self, seed):
        chance = random.Random(seed)
        for _ in range(CONNECTIONS // WORKERS):
            self.one(chance)

    def test_not_one_byte(self):
        together(*(lambda seed=seed: self.worker(seed)
                   for seed in range(WORKERS)), seconds=300)
        wait_for(lambda: all(visit.left for keeper in self.keepers.values()
                             for visit in list(keeper.visits)), 30)
        for letter, keeper in self.keepers.items():
            raw = keeper.raw.lower()
            other = b'z' if letter == 'q' else b'q'
            self.counts[f'bytes of {letter}'] = len(raw)
            self.counts[f'tenant connections of {letter}'] = len(
                keeper.visits)
            self.assertEqual(raw.count(other), 0)
            self.assertEqual(raw.count(b'w'), 0)
            for visit in keeper.visits:
                self.assertIn(visit.raw[:3], (b'GET', b'POS', b'PUT', b''))
        print(dict(self.counts), file=sys.stderr)
        self.assertGreater(self.counts['responses'], CONNECTIONS)


if __name__ == '__main__':
    unittest.main()
