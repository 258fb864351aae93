# SPDX-License-Identifier: ISC
"""Servers that people run as HTTP tenants, beside those in peers.py, each with
the same small application: it says who was asked for what, with a length or
chunked, and what body came."""
import os
import pwd
import shutil
import socket
import threading
import unittest

import harness
import peers
import wire
from peers import SBIN
from harness import wait_for


def program(name):
    return shutil.which(name, path=SBIN + ':/usr/sbin:/sbin:/bin')


def need(*names):
    missing = [name for name in names if not program(name)]
    return unittest.skipIf(missing, f'not installed: {missing}')


UVICORN, GUNICORN = program('uvicorn'), program('gunicorn')
APACHE, PHP, JAVA = program('apache2'), program('php'), program('java')
FPM = program('php-fpm8.2') or program('php-fpm')
need_uvicorn = need('uvicorn')
need_java = need('java', 'javac')

# /length, /chunked: the answer's framing; the body says who answers, for which
# host and path, and tells of a body its size and a hash.
NODE_APPLICATION = '''
const http = require('http'), crypto = require('crypto'), fs = require('fs');
const path = process.argv[1];
const server = http.createServer((request, response) => {
    const hash = crypto.createHash('sha256');
    let size = 0;
    request.on('data', (piece) => { size += piece.length;
                                    hash.update(piece); });
    request.on('end', () => {
        const text = `node ${request.headers.host} ${request.url} ${size} ` +
            hash.digest('hex');
        if (request.url.startsWith('/length')) {
            response.setHeader('Content-Length', text.length);
            response.end(text);
            return;
        }
        response.write(text.slice(0, 10));
        setTimeout(() => response.end(text.slice(10)), 5);
    });
});
server.listen(path, () => fs.chmodSync(path, 0o666));
'''

ASGI = '''
import hashlib

async def app(scope, receive, send):
    if scope['type'] != 'http':
        return
    body, more = b'', True
    while more:
        event = await receive()
        body += event.get('body', b'')
        more = event.get('more_body', False)
    text = 'uvicorn %s %s %d %s' % (
        dict(scope['headers'])[b'host'].decode(), scope['path'], len(body),
        hashlib.sha256(body).hexdigest())
    fields = []
    if scope['path'].startswith('/length'):
        fields = [(b'content-length', b'%d' % len(text))]
    await send({'type': 'http.response.start', 'status': 200,
                'headers': fields})
    await send({'type': 'http.response.body', 'body': text[:10].encode(),
                'more_body': True})
    await send({'type': 'http.response.body', 'body': text[10:].encode()})
'''

WSGI = '''
import hashlib

def app(environ, start):
    body = environ['wsgi.input'].read()
    text = 'gunicorn %s %s %d %s' % (
        environ['HTTP_HOST'], environ['PATH_INFO'], len(body),
        hashlib.sha256(body).hexdigest())
    fields = [('Content-Type', 'text/plain')]
    if environ['PATH_INFO'].startswith('/length'):
        fields.append(('Content-Length', str(len(text))))
    start('200 OK', fields)
    return [text[:10].encode(), text[10:].encode()]
'''

PHP_APPLICATION = '''<?php
$body = file_get_contents('php://input');
$text = '%s ' . $_SERVER['HTTP_HOST'] . ' ' . $_SERVER['REQUEST_URI'] . ' ' .
    strlen($body) . ' ' . hash('sha256', $body);
header('Content-Type: text/plain');
if (str_starts_with($_SERVER['REQUEST_URI'], '/length'))
    header('Content-Length: ' . strlen($text));
echo substr($text, 0, 10);
flush();
echo substr($text, 10);
'''

FPM_CONFIGURATION = '''\
[global]
daemonize = no
error_log = fpm.log
[www]
listen = %(root)s/fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 2
%(user)s
'''

FPM_LOCATION = '''
    fastcgi_buffering off;
    fastcgi_pass unix:%(root)s/fpm.sock;
    fastcgi_param SCRIPT_FILENAME %(root)s/app.php;
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param REQUEST_URI $request_uri;
    fastcgi_param CONTENT_LENGTH $content_length;
    fastcgi_param CONTENT_TYPE $content_type;
    fastcgi_param HTTP_HOST $http_host;
'''

# mod_php is not everywhere: a CGI program takes its place.
APACHE_CONFIGURATION = '''\
ServerName a.example
ServerRoot %(root)s
DefaultRuntimeDir .
PidFile apache.pid
ErrorLog apache.log
ScriptSock apache.cgi
LoadModule mpm_event_module %(modules)s/mod_mpm_event.so
LoadModule authz_core_module %(modules)s/mod_authz_core.so
LoadModule alias_module %(modules)s/mod_alias.so
LoadModule cgid_module %(modules)s/mod_cgid.so
%(user)s
Listen 127.0.0.1:%(port)d
KeepAliveTimeout 60
StartServers 1
ScriptAlias / %(root)s/app.cgi/
<Directory %(root)s>
    Require all granted
</Directory>
'''

CGI_APPLICATION = '''#!/usr/bin/python3
import hashlib, os, sys
body = sys.stdin.buffer.read()
text = 'apache %s %s %d %s' % (
    os.environ['HTTP_HOST'], os.environ['REQUEST_URI'], len(body),
    hashlib.sha256(body).hexdigest())
print('Content-Type: text/plain', end='\\r\\n')
if os.environ['REQUEST_URI'].startswith('/length'):
    print('Content-Length: %d' % len(text), end='\\r\\n')
print(end='\\r\\n')
print(text[:10], end='', flush=True)
print(text[10:], end='')
'''


def place(case, name):
    """A directory that the server's user may write to."""
    root = case.hosts / f'server-{name}'
    root.mkdir()
    os.chmod(root, 0o777)
    return root


def write(path, text, mode=0o644):
    path.write_text(text)
    os.chmod(path, mode)


def uvicorn(case, name, application=ASGI, *options):
    root, path = place(case, name), case.host(name) / 'http-socket'
    write(root / 'app.py', application)
    return peers.run_server(
        case, [UVICORN, '--log-level', 'error', '--uds', path,
               '--app-dir', root, *options, 'app:app'], path, cwd=root)


def gunicorn(case, name):
    root, path = place(case, name), case.host(name) / 'http-socket'
    write(root / 'app.py', WSGI)
    return peers.run_server(
        case, [GUNICORN, '-w', '1', '-k', 'gthread', '--threads',
               '16', '--keep-alive', '60', '-b', f'unix:{path}',
               '--pythonpath', root, 'app:app'], path, cwd=root)


def node(case, name):
    return peers.node(case, case.host(name) / 'http-socket', NODE_APPLICATION)


def fpm(case, name):
    """PHP behind nginx."""
    root = place(case, name)
    write(root / 'app.php', PHP_APPLICATION % 'fpm')
    user = pwd.getpwnam('nobody').pw_name if harness.ROOT else None
    write(root / 'fpm.conf', FPM_CONFIGURATION % {
        'root': root,
        'user': f'user = {user}\ngroup = nogroup' if user else ''})
    peers.run_server(case, [FPM, '-F', '-p', root, '-y', root / 'fpm.conf'],
                     root / 'fpm.sock', cwd=root)
    peers.nginx(case, case.host(name) / 'http-socket',
                'location / {%s}' % (FPM_LOCATION % {'root': root}))


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as s:
        return s.getsockname()[1]


def forward(case, name, port):
    """Those that listen on TCP only are reached by a socket that forwards to
    them, as socat does; ends pass each way."""
    def pump(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for each in (source, target):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def serve(connection):
        with wire.connect(port, None) as server:
            back = threading.Thread(target=pump, args=(server, connection),
                                    daemon=True)
            back.start()
            pump(connection, server)
            back.join()
    case.tenant(case.host(name) / 'http-socket', serve)


def listening(port):
    def ready():
        try:
            wire.connect(port, 1).close()
        except OSError:
            return False
        return True
    wait_for(ready)


def apache(case, name):
    root, port = place(case, name), free_port()
    write(root / 'app.cgi', CGI_APPLICATION, 0o755)
    write(root / 'apache.conf', APACHE_CONFIGURATION % {
        'root': root, 'port': port, 'modules': '/usr/lib/apache2/modules',
        'user': 'User nobody\nGroup nogroup' if harness.ROOT else ''})
    peers.run_server(case, [APACHE, '-DFOREGROUND', '-f',
                            root / 'apache.conf'], root / 'apache.pid',
                     cwd=root)
    listening(port)
    forward(case, name, port)


def php(case, name):
    """Its built-in server, which closes after each answer."""
    root, port = place(case, name), free_port()
    write(root / 'app.php', PHP_APPLICATION % 'php')
    (root / 'here').touch()
    peers.run_server(case, [PHP, '-S', f'127.0.0.1:{port}',
                            root / 'app.php'], root / 'here', cwd=root)
    listening(port)
    forward(case, name, port)
