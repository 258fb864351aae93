# SPDX-License-Identifier: ISC
"""The rest of what the pages' examples leave to the reader: whole
configurations around their lines, for alice's servers, and her program."""
import shutil
import unittest

import machine
import manual
from machine import ALICE, HOST

TLS = HOST / 'tls-handoff'
SBIN = '/usr/sbin:/usr/bin:/sbin:/bin'

NGINX = '''\
pid /home/alice/nginx.pid;
error_log /home/alice/error.log;
events {}
http {
    access_log off;
    client_body_temp_path /home/alice/body;
    proxy_temp_path /home/alice/proxy;
    fastcgi_temp_path /home/alice/fastcgi;
    uwsgi_temp_path /home/alice/uwsgi;
    scgi_temp_path /home/alice/scgi;
    ssl_certificate /home/alice/cert.pem;
    ssl_certificate_key /home/alice/key.pem;
    server {
        %s
        return 200 "nginx for $remote_addr";
    }
}
'''

HAPROXY = '''\
global
    crt-base /home/alice
defaults
    mode http
    timeout connect 20s
    timeout client 20s
    timeout server 20s
frontend all
    %s
    http-request return status 200 content-type text/plain lf-string \
"haproxy for %%[src]"
'''

NODE = '''\
const fs = require('fs');
require('%s').createServer({
    cert: fs.readFileSync('/home/alice/cert.pem'),
    key: fs.readFileSync('/home/alice/key.pem')
}, (request, response) => response.end(
    '%s for ' + request.socket.remoteAddress.replace('::ffff:', '')
)).listen(%d);
'''

WSGI = '''\
def app(environ, start):
    start('200 OK', [('Content-Type', 'text/plain')])
    return [b'gunicorn for ' + environ['REMOTE_ADDR'].encode()]
'''


def need(program, package):
    return unittest.skipUnless(shutil.which(program, path=SBIN),
                               f'no {program}: package {package}')


need_nginx = need('nginx', 'nginx')
need_haproxy = need('haproxy', 'haproxy')
need_node = need('node', 'nodejs')
need_gunicorn = need('gunicorn', 'gunicorn')
need_cc = need('cc', 'gcc')
need_acl = need('setfacl', 'acl')


def nginx(lines):
    """alice's nginx.conf with these lines for a server."""
    machine.write(ALICE / 'nginx.conf', NGINX % lines, 'alice')


def haproxy(lines):
    """alice's haproxy.cfg with these lines for a frontend."""
    machine.write(ALICE / 'haproxy.cfg', HAPROXY % lines, 'alice')


def node(module='https', port=8443, name='server.js', says='node'):
    """alice's program."""
    machine.write(ALICE / name, NODE % (module, says, port), 'alice')


class ShowsNode:
    """Mixed into the test of a page that has both of these examples."""

    @need_node
    @manual.example('EXAMPLES', 'node server.js')
    def test_node(self, example):
        node()
        self.start()
        self.follow(example, until=TLS)
        self.knows('https', 'node')

    @need_node
    @manual.example('EXAMPLES', 'usher run -r')
    def test_node_replaced(self, example):
        """A second version takes over from the one whose number is in a
        file, and nobody who comes meanwhile finds nobody."""
        node()
        node(name='server-2.js', says='node-2')
        alice = self.at('alice')
        self.start()
        alice.stay(f'usher run -l 8443={TLS} node server.js & '
                   'echo $! >server.pid', TLS)
        with self.crowd('https') as answers:
            self.follow(example)
            machine.harness.wait_for(
                lambda: any('node-2 ' in text for text in answers))
        self.assertRegex(answers[0], '^node for ')
        self.assertRegex(answers[-1], '^node-2 for ')
        machine.harness.wait_for(
            lambda: machine.ended(int((ALICE / 'server.pid').read_text())))
