# SPDX-License-Identifier: ISC
"""What the tests of refusals share: the answer, its one log line, and that
no tenant hears of it."""
import collections
import re

import harness
import wire
from harness import alert, http_server, wait_for

NAME = 'a.example'

TENANTS = (r'^ entry=[a-z0-9_.-]+ at=[A-Za-z0-9_./?-]+'
           r'( mode=0[0-7]{3} owner=\d+:\d+ needs=[rwx])?$')
# What a line ends with, by its reason: most have nothing more.
MORE = collections.defaultdict(lambda: '^$', {
    'bad-name': '^ kind=[a-z-]+$',
    **dict.fromkeys(('no-socket', 'refused', 'denied', 'backlog-full',
                     'not-picked-up', 'busy', 'not-a-socket',
                     'not-a-directory', 'link-outside', 'link-foreign',
                     'link-loop', 'other-filesystem', 'directory-large',
                     'no-proxy-room', 'misdirected'), TENANTS),
})


class Refused(harness.Case):
    """a.example has tenants; nothing of what is refused may reach them."""

    def setUp(self):
        super().setUp()
        host = self.host(NAME)
        evil = self.scratch / 'evil'
        evil.mkdir(exist_ok=True)
        self.tenants = [
            self.tenant(directory / entry, http_server('reached'))
            for directory in (host, evil)
            for entry in ('tls-socket', 'http-socket')]
        self.daemon = self.usherd('-j', '1')
        self.clients = []       # (protocol, local port) of who was refused

    def tearDown(self):
        self.assertEqual([t.accepted for t in self.tenants], [0] * 4)
        lines = [line for line in self.daemon.log_lines
                 if 'refused' in line]
        self.assertEqual(len(lines), len(self.clients), lines)
        for protocol, port in self.clients:
            self.line_of(protocol, port)

    def line_of(self, protocol, port):
        """The one log line of a refused client; the last of them when the
        system gave one port to several."""
        pattern = re.compile(
            r'refused %s client=\[127\.0\.0\.1\]:%d ' % (protocol, port))
        times = self.clients.count((protocol, port))

        def found():
            lines = [line for line in self.daemon.log_lines
                     if pattern.search(line)]
            return lines if len(lines) >= times else None
        lines = wait_for(found, 5)
        self.assertEqual(len(lines), times, lines)
        return lines[-1]

    def logged(self, port, protocol, reason, answer, host='-'):
        self.clients.append((protocol, port))
        line = self.line_of(protocol, port)
        start = (f'usherd: refused {protocol} client=[127.0.0.1]:{port} '
                 f'host={host} reason={reason} {answer}')
        self.assertTrue(line.startswith(start), (line, start))
        self.assertRegex(line[len(start):], MORE[reason])

    def tls(self, data, description, reason, host='-', half_close=False):
        answer, port = wire.ask(self.daemon.tls, data, half_close)
        self.assertEqual(answer, alert(description))
        self.logged(port, 'tls', reason, f'alert={description}', host)

    def http(self, data, status, reason, host='-', half_close=False):
        answer, port = wire.ask(self.daemon.http, data, half_close)
        self.assert_page(answer, status)
        self.logged(port, 'http', reason, f'status={status}', host)

    def assert_page(self, answer, status):
        head, _, body = answer.partition(b'\r\n\r\n')
        lines = head.split(b'\r\n')
        self.assertRegex(lines[0], b'^HTTP/1\\.1 %d [A-Z]' % status)
        self.assertIn(b'Connection: close', lines)
        self.assertIn(b'Content-Type: text/plain', lines)
        self.assertIn(b'Content-Length: %d' % len(body), lines)
        self.assertTrue(body.startswith(b'%d ' % status), body)
        self.assertLess(len(body), 80)
        self.assertEqual(any(line.startswith(b'Allow: ') for line in lines),
                         status == 405)
