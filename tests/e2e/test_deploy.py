# SPDX-License-Identifier: ISC
"""Deployments by link, as usher-hosts(5) describes them, with servers that
remove the path they have bound when they end: no request is lost."""
import json
import signal
import subprocess
import time
import unittest

import proof
import test_proof_c
from proof import Client, need, program


class Deploy:
    """Mixed into a class that says how a version of a server is started."""

    protocols = ('tls', 'http')
    quit, statuses = signal.SIGTERM, (0, -signal.SIGTERM)
    env = {}

    def command(self, version, where):
        """Of a server that answers with its version; it listens at a path, or
        on a port, for each protocol."""
        raise NotImplementedError

    def begin_version(self, version):
        paths = {each: self.path / f'{version}-{each}.sock'
                 for each in self.protocols}
        server = self.process(version, paths)
        self.wait_socket(server, *paths.values())
        return server

    def process(self, version, where, **how):
        root = self.root / version
        root.mkdir(mode=0o777)
        root.chmod(0o777)
        return proof.Process(
            self, self.command(version, where), 'nobody', 0, root,
            log=f'{version}.log', env={'HOME': str(root), **self.env}, **how)

    def link(self, version):
        for each in self.protocols:
            subprocess.run(
                ['sh', '-ec', f'ln -s {version}-{each}.sock .next && '
                 f'mv -T .next {each}-socket'], cwd=self.path, check=True)

    def visit(self):
        """All protocols; gives who answered, in one word."""
        said = set()
        for each in self.protocols:
            with Client(self.ports, each == 'tls') as client:
                said.add(client.ask().strip())
        return ' '.join(sorted(said))

    def changes_over(self, before, after, load):
        """The one before ends under load, and the one after answers all."""
        load.more()
        time.sleep(1)           # for those on their way to the old one
        self.assertIn(before.stop(self.quit), self.statuses, before.said())
        ended = len(load.visits) + len(load.threads)
        load.more()
        load.stop()
        self.assertEqual(set(load.visits) - {'v1', 'v2', 'v1 v2'}, set())
        self.assertEqual(load.visits[0], 'v1')
        self.assertEqual(set(load.visits[ended:]), {'v2'})
        self.assertEqual(self.daemon.said().count('refused'), 0)
        self.assertIn(after.stop(self.quit), self.statuses, after.said())

    def test_no_request_is_lost(self):
        self.prepare('nobody')
        before = self.begin_version('v1')
        self.link('v1')
        self.begin()
        load = proof.Load(self, self.visit)
        after = self.begin_version('v2')
        load.more()
        self.link('v2')
        self.changes_over(before, after, load)


def address(at):
    return at if isinstance(at, int) else f'unix:{at}'


@need(nginx='nginx-light')
class Nginx(Deploy, proof.Base):
    """nginx -s quit."""

    quit = signal.SIGQUIT

    def command(self, version, where):
        (self.root / version / 'nginx.conf').write_text(
            test_proof_c.NGINX % {
                'listen': '\n'.join(
                    f'listen {address(at)} {"ssl" * (each == "tls")};'
                    for each, at in where.items()),
                'location': f'return 200 {version};', 'user': '',
                'main': 'daemon off;', 'certificate': self.certificate[0],
                'key': self.certificate[1]})
        return [program('nginx'), '-p', self.root / version,
                '-c', 'nginx.conf']


NODE = '''
const fs = require('fs'), how = JSON.parse(process.argv[1]);
const answer = (request, response) => response.end(how.version);
const servers = [
    require('https').createServer({ key: fs.readFileSync(how.key),
        cert: fs.readFileSync(how.certificate) }, answer).listen(how.tls),
    require('http').createServer(answer).listen(how.http)];
process.on('SIGTERM', () => servers.forEach((server) => server.close()));
'''


@need(node='nodejs')
class Node(Deploy, proof.Base):
    """server.close()."""

    statuses = (0,)

    def command(self, version, where):
        return [program('node'), '-e', NODE, json.dumps({
            'version': version, 'certificate': self.certificate[0],
            'key': self.certificate[1],
            **{each: at if isinstance(at, int) else str(at)
               for each, at in where.items()}})]


WSGI = '''
def application(environ, start_response):
    start_response('200 OK', [('Content-Length', '2')])
    return [b'%s']
'''


@need(gunicorn='gunicorn')
class Gunicorn(Deploy, proof.Base):
    """SIGTERM."""

    protocols, statuses = ('http',), (0,)

    def command(self, version, where):
        (self.root / version / 'who.py').write_text(WSGI % version)
        at = where['http']
        return [program('gunicorn'), '-m', '0', '-w', '2', '-b',
                f':{at}' if isinstance(at, int) else address(at),
                'who:application']


CADDYFILE = '''
{
    admin off
    auto_https off
    servers {
        protocols h1 h2
    }
}
http://a.example {
    bind unix/%(http)s
    respond %(version)s
}
https://a.example {
    bind unix/%(tls)s
    tls %(certificate)s %(key)s
    respond %(version)s
}
'''


@need(caddy='caddy')
class Caddy(Deploy, proof.Base):
    """SIGTERM."""

    statuses = (0,)

    def command(self, version, where):
        (self.root / version / 'Caddyfile').write_text(CADDYFILE % {
            'version': version, 'certificate': self.certificate[0],
            'key': self.certificate[1], **where})
        return [program('caddy'), 'run', '--adapter', 'caddyfile',
                '--config', self.root / version / 'Caddyfile']


if __name__ == '__main__':
    unittest.main()
