# SPDX-License-Identifier: ISC
"""Pictures of a hosts directory are made real, and usherd is asked."""
import os
import queue
import re

import harness
import wire
from machine import HOSTS, SECONDS

PROXY_2 = b'\r\n\r\n\0\r\nQUIT\n'
MESSAGES = {'tls': b'usher\1t\0', 'http': b'usher\1h\0'}
ACME = wire.alpn(b'acme-tls/1')


def of_tree(text):
    """{path below hosts/: what a link leads to, or None} of an indented
    tree; a directory's path ends with /."""
    found, above = {}, []
    for line in text.splitlines()[1:]:
        name = line.strip()
        depth = (len(line) - len(line.lstrip())) // 4
        above[depth - 1:] = [name]
        name, _, link = name.partition(' -> ')
        found[''.join([*above[:-1], name])] = link or None
    return found


def of_list(text):
    """The same of a list of paths with remarks."""
    return {path: link or None for path, link in re.findall(
        r'(?m)(?:^|  )hosts/(\S+)(?: -> (\S+))?', text)}


class Layout:
    """hosts/ as in the picture, with somebody at each socket."""

    def __init__(self, case, picture):
        self.case, self.came, self.tenants = case, queue.Queue(), {}
        self.picture = dict(picture)
        for host in picture:    # of which no more is shown
            if host.count('/') == 1 and host[-1] == '/' and not any(
                    path.startswith(host) and path != host
                    for path in picture):
                self.picture.update({host + 'tls-socket': None,
                                     host + 'http-socket': None})
        for path, link in self.picture.items():
            where = HOSTS / path
            where.parent.mkdir(parents=True, exist_ok=True)
            if link:
                os.symlink(link, where)
            elif path.endswith('/'):
                where.mkdir(exist_ok=True)
                if path.endswith('-socket/'):
                    self.listen(path + 'one')
            elif path.endswith(('-socket', '-handoff')):
                self.listen(path)
            else:
                where.touch()

    def leave(self):
        """Nobody is at the sockets for hand-offs any more."""
        for path in [path for path in self.picture if path.endswith('off')]:
            self.tenants[path].close()
            del self.picture[path]

    def listen(self, path):
        def serve(connection):
            self.came.put((path, connection.recv(12)))
        self.tenants[path] = harness.Tenant(HOSTS / path, serve)
        self.case.addCleanup(self.tenants[path].close)

    def ask(self, protocol, name, *extensions, somebody=True):
        """Who is reached by that name, and the first bytes he gets."""
        data = (wire.head(name or '') if protocol == 'http' else
                wire.hello(name, *extensions) if name else
                wire.records(wire.message()))
        wire.ask({'tls': 443, 'http': 80}[protocol], data)
        try:
            return self.came.get(timeout=SECONDS if somebody else 0.05)
        except queue.Empty:
            return None, None

    def expected(self, protocol, host):
        """What the picture says, of a directory or of a link to one."""
        host = self.picture.get(host) or host
        for entry in (f'{protocol}-handoff', f'{protocol}-socket',
                      f'{protocol}-socket/'):
            path = f'{host}/{entry}'
            if path in self.picture:
                break
        else:
            return None, None
        if entry.endswith('handoff'):
            return path, MESSAGES[protocol]
        if entry.endswith('/'):
            path += 'one'
        if f'{host}/send-proxy-v2' in self.picture:
            return path, PROXY_2
        return path, (wire.hello('x') if protocol == 'tls'
                      else wire.head('x'))[:1]


def clients(host):
    """A name by which an entry is reached."""
    return {'_default': 'unknown.example', '_nosni': None}.get(
        host, host.replace('_.', 'any.'))


def challenged(picture, host):
    """Who answers a challenge, where somebody does."""
    for entry in ('acme-handoff', 'acme-socket'):
        if f'{host}/{entry}' in picture:
            return f'{host}/{entry}'
    return None


def try_out(case, picture):
    """Each entry of the picture is reached as it says."""
    there = Layout(case, picture)
    case.start()
    hosts = sorted({path.split('/')[0] for path in picture})
    visit_all(case, there, hosts)
    for host in hosts:
        if f'{host}/acme-socket' in picture:
            case.assertEqual(there.ask('tls', host, ACME)[0],
                             challenged(picture, host))
    there.leave()
    visit_all(case, there, hosts)


def visit_all(case, there, hosts):
    for host in hosts:
        for protocol in ('tls', 'http'):
            with case.subTest(host=host, protocol=protocol):
                who, begins = there.expected(protocol, host)
                came, data = there.ask(protocol, clients(host),
                                       somebody=bool(who))
                case.assertEqual(came, who)
                case.assertEqual(data and data[:len(begins)], begins)
