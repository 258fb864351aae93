# SPDX-License-Identifier: ISC
"""What usherd-http does for large bodies: with a length next to nothing, since
it grants them whole; chunked, it reads along, and its share is bounded.

Its processor time is compared with that of its relay, for the same bytes in
the same seconds.
"""
import hashlib
import sys
import unittest

import exchanges
import held
from talker import chunked, request, response, together

BLOCK = bytes(range(256)) * 4096        # 1 MiB
GIGABYTE = 1 << 30


def seconds(pids):
    """Processor time, from the kernel's nanoseconds: proc(5) has clock ticks
    of 10 ms, which are too coarse here."""
    total = 0
    for pid in pids:
        with open(f'/proc/{pid}/schedstat') as f:
            total += int(f.read().split()[0])
    return total / 1e9


class Large(exchanges.Case):
    def spent(self, what):
        """What usherd-http and its relay spend for what()."""
        parser = held.children(self.daemon, 'usherd-http')
        relay = held.relays(self.daemon, False)
        before = seconds(parser), seconds(relay)
        what()
        used = (seconds(parser) - before[0], seconds(relay) - before[1])
        self.assertGreater(used[1], 0)
        print(f'{self.id().rsplit(".", 1)[1]}: usherd-http {used[0]:.3f} s, '
              f'its relay {used[1]:.3f} s', file=sys.stderr)
        return used

    def read(self, talker, size):
        """Takes size bytes of a body, and no more memory."""
        while size:
            if talker.at == len(talker.raw):
                talker.raw.clear()
                talker.at = 0
                talker.raw += talker.socket.recv(1 << 20)
                self.assertTrue(talker.raw)
            piece = min(size, len(talker.raw) - talker.at)
            size -= piece
            talker.at += piece

    def down(self, head, blocks, wire_size):
        """A client reads a response, then asks another host."""
        def play(reader):
            reader.request()
            reader.socket.sendall(head)
            for block in blocks:
                reader.socket.sendall(block)
            exchanges.stay(reader)
        self.act('a.example', play)
        talker = self.talk(60)
        talker.send(request('a.example'))
        talker.line(b'\r\n\r\n')
        used = self.spent(lambda: self.read(talker, wire_size))
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')
        return used

    def up(self, head, blocks, wire_size):
        got = []

        def play(reader):
            reader.line(b'\r\n\r\n')
            self.read(reader, wire_size)
            got.append(wire_size)
            reader.socket.sendall(response(b'done'))
            exchanges.stay(reader)
        self.act('a.example', play)
        talker = self.talk(60)
        talker.send(head)

        def send():
            for block in blocks:
                talker.socket.sendall(block)
            self.assertEqual(talker.answer().body, b'done')
        used = self.spent(send)
        self.assertEqual(got, [wire_size])
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')
        return used

    def test_a_gigabyte_down(self):
        parser, relay = self.down(
            b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % GIGABYTE,
            (BLOCK for _ in range(1024)), GIGABYTE)
        self.assertLess(parser, 0.05 * relay)

    def test_a_gigabyte_up(self):
        parser, relay = self.up(
            request('a.example', '/', f'Content-Length: {GIGABYTE}',
                    method='PUT'), (BLOCK for _ in range(1024)), GIGABYTE)
        self.assertLess(parser, 0.05 * relay)

    def small_chunks(self, size):
        """About 256 MB in chunks of that size, several in each write."""
        some = chunked(BLOCK[:size])[:-5] * (len(BLOCK) // size)
        return [some] * 256 + [b'0\r\n\r\n'], len(some) * 256 + 5

    def test_chunks_down(self):
        """10 kB each: whoever waits for one is not woken for each when many
        can be seen."""
        blocks, size = self.small_chunks(10000)
        parser, relay = self.down(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: '
                                  b'chunked\r\n\r\n', blocks, size)
        self.assertLess(parser, 1.5 * relay)

    def test_chunks_up(self):
        blocks, size = self.small_chunks(10000)
        parser, relay = self.up(
            request('a.example', '/', 'Transfer-Encoding: chunked',
                    method='PUT'), blocks, size)
        self.assertLess(parser, 1.5 * relay)

    def test_large_chunks(self):
        """A chunk of a megabyte is announced, and granted whole."""
        blocks, size = self.small_chunks(len(BLOCK))
        parser, relay = self.down(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: '
                                  b'chunked\r\n\r\n', blocks, size)
        self.assertLess(parser, 0.3 * relay)


class BothWays(exchanges.Case):
    def test_a_response_to_an_upload(self):
        """100 MB up and 100 MB down at once, in one exchange, unchanged."""
        size = 100 * len(BLOCK)

        def play(reader):
            reader.line(b'\r\n\r\n')
            reader.socket.sendall(
                b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % size)
            left = size
            while left:
                if reader.at == len(reader.raw):
                    reader.raw.clear()
                    reader.at = 0
                    reader.more()
                piece = bytes(reader.raw[reader.at:])
                reader.at = len(reader.raw)
                reader.socket.sendall(piece)
                left -= len(piece)
            exchanges.stay(reader)
        self.act('a.example', play)
        talker = self.talk(60)
        talker.send(request('a.example', '/', f'Content-Length: {size}',
                            method='PUT'))
        sent, got = hashlib.sha256(), hashlib.sha256()

        def send():
            for i in range(100):
                block = i.to_bytes(8, 'big') + BLOCK[8:]
                sent.update(block)
                talker.socket.sendall(block)

        def read():
            talker.line(b'\r\n\r\n')
            for _ in range(100):
                got.update(talker.exactly(len(BLOCK)))
        together(send, read)
        self.assertEqual(sent.hexdigest(), got.hexdigest())
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')


if __name__ == '__main__':
    unittest.main()
