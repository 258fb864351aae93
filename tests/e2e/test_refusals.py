# SPDX-License-Identifier: ISC
"""Refusals that are not about what was said: unreachable tenants, late or
loud clients, and what the log says of them all."""
import os
import socket
import threading
import time
import unittest

import harness
import wire
from harness import alert, wait_for
from refused import NAME, Refused


class Tenants(Refused):
    """Tenants that are there and cannot be reached: alert 80, 502, 503."""

    def both(self, name, reason, status):
        self.tls(wire.hello(name), 80 if status != 404 else 112, reason,
                 name)
        self.http(wire.head(name), status, reason, name)

    def sockets(self, name, mode=0o666, listen=None):
        """Bound sockets of a host that nobody accepts from."""
        made = []
        for entry in ('tls-socket', 'http-socket'):
            path = self.host(name) / entry
            made.append(socket.socket(socket.AF_UNIX))
            self.addCleanup(made[-1].close)
            made[-1].bind(str(path))
            os.chmod(path, mode)
            if listen is not None:
                made[-1].listen(listen)
        return made

    def test_refused(self):
        for each in self.sockets('gone.example', listen=5):
            each.close()
        self.both('gone.example', 'refused', 503)

    def test_refused_bound_and_not_listening(self):
        self.sockets('early.example')
        self.both('early.example', 'refused', 503)

    def test_denied_by_the_mode_of_the_socket(self):
        """As root: mode 0600 of root, so of another user than _usherd."""
        self.sockets('shut.example', 0o600 if harness.ROOT else 0, 5)
        self.both('shut.example', 'denied', 503)

    @unittest.skipUnless(harness.ROOT, 'only root can give sockets away')
    def test_denied_to_all_but_their_owner(self):
        self.sockets('theirs.example', 0o600, 5)
        for entry in ('tls-socket', 'http-socket'):
            os.chown(self.hosts / 'theirs.example' / entry, 65534, 65534)
        self.both('theirs.example', 'denied', 503)

    def test_denied_by_the_mode_of_the_directory(self):
        self.sockets('private.example', listen=5)
        os.chmod(self.hosts / 'private.example',
                 0o700 if harness.ROOT else 0)
        self.both('private.example', 'denied', 503)
        os.chmod(self.hosts / 'private.example', 0o755)

    def test_backlog_full(self):
        """EAGAIN: tried again for a while, then refused."""
        for each in self.sockets('busy.example', listen=0):
            for _ in range(2):
                filler = socket.socket(socket.AF_UNIX)
                self.addCleanup(filler.close)
                filler.setblocking(False)
                if filler.connect_ex(each.getsockname()) != 0:
                    break
        start = time.monotonic()
        self.both('busy.example', 'backlog-full', 503)
        self.assertLess(time.monotonic() - start, 4)

    def test_no_socket(self):
        self.host('empty.example')
        self.both('empty.example', 'no-socket', 404)

    def test_502_link_out_of_hosts(self):
        for entry in ('tls-socket', 'http-socket'):
            (self.host('out.example') / entry).symlink_to(
                f'../../evil/{entry}')
        self.both('out.example', 'link-outside', 502)


class Endings(Refused):
    def test_the_answer_is_heard_by_who_keeps_sending(self):
        """To close at once would reset the connection and lose the answer."""
        more = bytes(1024 * 1024)
        self.tls(wire.head() + more, 10, 'not-hello')
        self.tls(wire.hello('c.example') + more, 112, 'unknown-host',
                 'c.example')
        self.http(wire.head('c.example') + more, 404, 'unknown-host',
                  'c.example')
        self.http(b'G ET' + more, 400, 'malformed')

    def test_nothing_unprintable_in_the_log(self):
        """Names of any bytes leave 0x20 to 0x7e in the log, and no others."""
        hostile = [bytes([c]) * 3 + b'.example' for c in range(256)
                   if not chr(c).isalnum() or c > 127]

        def visit(protocol, data):
            port = wire.ask(getattr(self.daemon, protocol), data)[1]
            self.clients.append((protocol, port))

        threads = [threading.Thread(target=visit, args=(protocol, data))
                   for name in hostile for protocol, data in (
                       ('tls', wire.hello(name)),
                       ('http', b'GET / HTTP/1.1\r\nHost: ' + name
                        + b'\r\n\r\n'))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        wait_for(lambda: self.daemon.log_raw.count(b'refused')
                 == len(threads))
        self.assertEqual(set(self.daemon.log_raw)
                         - set(range(0x20, 0x7f)) - {0x0a}, set())

    def late(self, port, data, drip=b''):
        """Sends, drips on, and gives the answer with its time."""
        with wire.connect(port, 15) as client:
            start = time.monotonic()
            client.sendall(data)
            client.settimeout(0.5)
            answer = b''
            while time.monotonic() - start < 14:
                try:
                    answer = client.recv(4096)
                    break
                except TimeoutError:
                    client.sendall(drip[:1])
                    drip = drip[1:]
            return (answer, client.getsockname()[1],
                    time.monotonic() - start)

    def test_alert_90_and_408_after_10_seconds(self):
        """No complete hello or head; to drip does not move the deadline."""
        hello, head = wire.hello(NAME), wire.head()
        cases = [('tls', hello[:5], b''), ('tls', hello[:-1], b''),
                 ('tls', hello[:20], hello[20:45]), ('http', head[:-1], b''),
                 ('http', head[:5], head[5:30])]
        found = {}

        def run(i, protocol, data, drip):
            port = getattr(self.daemon, protocol)
            found[i] = self.late(port, data, drip)
        threads = [threading.Thread(target=run, args=(i, *case))
                   for i, case in enumerate(cases)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        for i, (protocol, data, drip) in enumerate(cases):
            with self.subTest(protocol=protocol, sent=data, drip=drip):
                self.assert_late(protocol, *found[i])

    def assert_late(self, protocol, answer, port, seconds):
        self.assertTrue(9.5 < seconds < 12, seconds)
        if protocol == 'tls':
            self.assertEqual(answer, alert(90))
            self.logged(port, 'tls', 'timeout', 'alert=90')
        else:
            self.assert_page(answer, 408)
            self.logged(port, 'http', 'timeout', 'status=408')


if __name__ == '__main__':
    unittest.main()
