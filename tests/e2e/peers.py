# SPDX-License-Identifier: ISC
"""nginx and node as HTTP tenants, in the foreground and on UNIX sockets."""
import os
import shutil
import subprocess
import unittest

import harness
from harness import wait_for

SBIN = '/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin'
NGINX = shutil.which('nginx', path=SBIN)
NODE = shutil.which('node', path=SBIN)
need_nginx = unittest.skipUnless(NGINX, 'nginx is not installed')
need_node = unittest.skipUnless(NODE, 'node is not installed')

NGINX_CONFIGURATION = '''\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr crit;
%(user)s
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    client_max_body_size 0;
    server {
        listen unix:%(socket)s;
        %(locations)s
    }
}
'''

WHO = '''location / { return 200 "nginx $http_host $request_uri"; }'''

# Says who was asked for what, and which body it saw; /slow takes a moment.
NODE_PROGRAM = '''
const http = require('http'), crypto = require('crypto'), fs = require('fs');
const path = process.argv[1];
const server = http.createServer((request, response) => {
    const hash = crypto.createHash('sha256');
    let size = 0;
    request.on('data', (piece) => { size += piece.length;
                                    hash.update(piece); });
    request.on('end', () => setTimeout(() => response.end(
        `node ${request.headers.host} ${request.url}` + (size === 0 ? '' :
        ` ${size} ${hash.digest('hex')}`)),
        request.url.startsWith('/slow') ? 700 : 0));
});
server.requestTimeout = 0;
server.listen(path, () => fs.chmodSync(path, 0o666));
'''


def run_server(case, command, path, **how):
    """Runs a server until it has made its socket; gives its process."""
    how.setdefault('stdout', subprocess.DEVNULL)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, **how)

    def stop():
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        if server.stdout:
            server.stdout.close()
    case.addCleanup(stop)
    wait_for(path.exists)
    os.chmod(path, 0o666)
    return server


def nginx(case, path, locations=WHO):
    """nginx on the socket; its directory is given back."""
    root = case.hosts / f'nginx-{path.parent.name}'
    root.mkdir()
    os.chmod(root, 0o777)
    (root / 'nginx.conf').write_text(NGINX_CONFIGURATION % {
        'socket': path, 'locations': locations,
        'user': 'user nobody nogroup;' if harness.ROOT else ''})
    run_server(case, [NGINX, '-p', str(root), '-c', 'nginx.conf'], path)
    return root


def node(case, path, program=NODE_PROGRAM, *arguments, **how):
    """node on the socket; its process is given back."""
    return run_server(case, [NODE, '-e', program, str(path), *arguments],
                      path, **how)
