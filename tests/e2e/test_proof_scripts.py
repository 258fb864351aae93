# SPDX-License-Identifier: ISC
"""node, Python and PHP, unmodified, are handed connections."""
import json
import os
import unittest

import proof
import test_proof_c
from harness import wait_for
from proof import Client, Http2, need, program
from test_upgrade import TEXT, UPGRADE, frame, frame_read

NODE = '''
const fs = require('fs'), cluster = require('cluster');
const [how] = process.argv.slice(1).map(JSON.parse);
const module = require(how.module);
const answer = (request, response) => response.end(
    request.socket.remoteAddress + ' ' + request.socket.remotePort);
const secrets = { key: fs.readFileSync(how.key), allowHTTP1: true,
                  cert: fs.readFileSync(how.certificate) };
const serve = () => {
    if (how.listen.tls)
        (module.createSecureServer || module.createServer)(secrets, answer)
            .listen(how.listen.tls);
    if (how.listen.http)
        require('http').createServer(answer).listen(how.listen.http);
};
if (cluster.isPrimary && how.workers) {
    for (let i = 0; i < how.workers; i++) cluster.fork();
    process.on('SIGTERM', () => cluster.disconnect(() => process.exit(0)));
} else
    serve();
'''


@need(node='nodejs')
class NodeHttps(proof.Proof, proof.Base):
    """The modules http and https."""

    ways, module, workers = 'b', 'https', 0

    def command(self):
        return [program('node'), '-e', NODE, json.dumps({
            'listen': {each: where if self.way == 'b' else str(where)
                       for each, where in self.listen.items()},
            'certificate': self.certificate[0], 'key': self.certificate[1],
            'module': self.module, 'workers': self.workers})]


class NodeHttp2(NodeHttps):
    """The module http2, which answers HTTP/1.1, too."""

    module, protocols = 'http2', ('tls',)
    clients = {'tls': (Http2, Client)}


class NodeAtUnixSocket(NodeHttps):
    """It serves, but asks nobody where the client is."""

    ways, says, umask = 'a', 'undefined undefined', {'a': 0}


class NodeHttp2AtUnixSocket(NodeHttp2):
    ways, says, umask = 'a', 'undefined undefined', {'a': 0}


class NodeCluster(NodeHttps):
    """The first process accepts, and its workers get the clients."""

    workers = 3


class NodeClusterAtUnixSocket(NodeCluster):
    """The workers are told by the client's socket what it is."""

    ways, umask = 'a', {'a': 0}


class NodeClusterThatShares(NodeCluster):
    """Each worker accepts from the listener that they share."""

    env = {'NODE_CLUSTER_SCHED_POLICY': 'none'}


ASYNCIO = '''\
import asyncio, json, ssl, sys

how = json.loads(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(how['certificate'], how['key'])

async def serve(reader, writer):
    try:
        while True:
            await reader.readuntil(b'\\r\\n\\r\\n')
            body = '%s %d' % writer.get_extra_info('peername')[:2]
            writer.write(('HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n'
                          '\\r\\n%s' % (len(body), body)).encode())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()

async def main():
    for protocol, where in how['listen'].items():
        more = {'ssl': context} if protocol == 'tls' else {}
        if isinstance(where, int):
            await asyncio.start_server(serve, None, where, **more)
        else:
            await asyncio.start_unix_server(serve, where, **more)
    await asyncio.Event().wait()

asyncio.run(main())
'''


class Python(proof.Proof):
    """A program for /usr/bin/python3, which every user can run."""

    script = ASYNCIO

    def command(self):
        return ['/usr/bin/python3', '-c', self.script, json.dumps({
            'listen': {each: where if self.way == 'b' else str(where)
                       for each, where in self.listen.items()},
            'certificate': self.certificate[0], 'key': self.certificate[1]})]


class PythonAsyncio(Python, proof.Base):
    umask = {'a': 0}


class WebSocket(Client):
    """Asks in messages, after an Upgrade."""

    def greet(self):
        self.socket.sendall(proof.wire.head(self.name, *UPGRADE))
        if self.answer().status != 101:
            raise AssertionError('the server does not speak WebSocket')

    def send(self):
        self.socket.sendall(frame(TEXT, b'who?', b'mask'))

    def body(self):
        return frame_read(self)[1].decode()


WEBSOCKETS = ASYNCIO[:ASYNCIO.index('async def')] + '''\
import websockets

async def serve(socket):
    async for message in socket:
        await socket.send('%s %d' % socket.remote_address[:2])

async def main():
    for protocol, where in how['listen'].items():
        more = {'ssl': context} if protocol == 'tls' else {}
        if isinstance(where, int):
            await websockets.serve(serve, None, where, **more)
        else:
            await websockets.unix_serve(serve, where, **more)
    await asyncio.Event().wait()

asyncio.run(main())
'''


@unittest.skipUnless(os.path.isdir('/usr/lib/python3/dist-packages/'
                                   'websockets'),
                     'no websockets: package python3-websockets')
class PythonWebSockets(Python, proof.Base):
    script, umask = WEBSOCKETS, {'a': 0}
    clients = {'tls': (WebSocket,), 'http': (WebSocket,)}


WSGI = '''
def application(environ, start_response):
    body = '%s %s ' % (environ['REMOTE_ADDR'], environ.get('REMOTE_PORT'))
    environ['wsgi.input'].read(int(environ.get('CONTENT_LENGTH') or 0))
    start_response('200 OK', [('Content-Length', str(len(body)))])
    return [body.encode()]
'''


class Wsgi(proof.Proof):
    apart = True                # what is said of TLS is for all sockets

    def command(self):
        (self.root / 'who.py').write_text(WSGI)
        (protocol, where), = self.listen.items()
        return self.words(protocol, where)


@need(gunicorn='gunicorn')
class Gunicorn(Wsgi, proof.Base):
    """Two workers, each with a thread for everybody who may come to it."""

    def bind(self, where):
        return f'unix:{where}' if self.way == 'a' else f'[::]:{where}'

    def words(self, protocol, where):
        return [program('gunicorn'), '-w', '2', '-k', 'gthread', '--threads',
                str(self.crowd), '--keep-alive', '60', '-b', self.bind(where),
                *(['--certfile', self.certificate[0], '--keyfile',
                   self.certificate[1]] if protocol == 'tls' else []),
                'who:application']


ACTIVATION = '''\
import os, socket, sys

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(512)
if listener.fileno() != 3:
    os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.execv(sys.argv[2], sys.argv[2:])
'''


class GunicornActivated(Gunicorn):
    """Its listener is made for it, as systemd does for a socket unit."""

    ways, umask = 'a', {'a': 0}

    def bind(self, where):
        return 'fd://3'

    def words(self, protocol, where):
        return ['/usr/bin/python3', '-c', ACTIVATION, where,
                *super().words(protocol, where)]


@need(uwsgi_core='uwsgi-core')
class Uwsgi(Wsgi, proof.Base):
    """Two processes with threads.  It closes after each answer: when told
    --http11-socket it does not, and forgets where the client is, also if he
    came over TCP."""

    keeps, says = False, '{} None '     # it does not tell the port
    threads = 128

    def start(self, *how):
        """Each thread has a file of its own, some time after the start."""
        super().start(*how)
        wait_for(lambda: proof.open_files(proof.tree(self.server.pid))
                 > 2 * self.threads, proof.SECONDS)

    def words(self, protocol, where):
        where = str(where) if self.way == 'a' else f'[::]:{where}'
        return [program('uwsgi-core'), '--plugin', 'python3', '--master',
                '--die-on-term', '--chmod-socket=666', '--processes', '2',
                '--threads', str(self.threads),
                *(['--https-socket', ','.join((where, *self.certificate))]
                  if protocol == 'tls' else ['--http-socket', where]),
                '--wsgi', 'who']


PHP = '''<?php
echo $_SERVER['REMOTE_ADDR'], ' ', $_SERVER['REMOTE_PORT'];
'''


@need(php='php8.2-cli')
class Php(proof.Proof, proof.Base):
    """The built-in server, with four workers, which it does not end."""

    ways, protocols, keeps = 'b', ('http',), False
    to_all = True
    env = {'PHP_CLI_SERVER_WORKERS': '4'}

    def command(self):
        (self.root / 'who.php').write_text(PHP)
        return [program('php'), '-S', f'[::]:{self.listen["http"]}',
                self.root / 'who.php']


FPM_PROGRAM = program('php-fpm8.2') or program('php-fpm')
FPM = '''\
[global]
daemonize = no
error_log = fpm.log
[www]
listen = fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 4
'''


@unittest.skipUnless(FPM_PROGRAM, 'no php-fpm: package php8.2-fpm')
class PhpFpm(test_proof_c.Nginx):
    """Behind nginx, which tells it where the client is."""

    users = ('nobody',)

    @property
    def location(self):
        return f'''
            fastcgi_pass unix:{self.root}/fpm.sock;
            fastcgi_param SCRIPT_FILENAME {self.root}/who.php;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param REMOTE_PORT $remote_port;
            '''

    def command(self):
        (self.root / 'who.php').write_text(PHP)
        (self.root / 'fpm.conf').write_text(FPM)
        path = self.root / 'fpm.sock'
        fpm = proof.Process(self, [FPM_PROGRAM, '-n', '-p',
                                   self.root, '-y', self.root / 'fpm.conf'],
                            self.user, 0o022, self.root, log='fpm.log')
        self.wait_socket(fpm, path)
        return super().command()


if __name__ == '__main__':
    unittest.main()
