# SPDX-License-Identifier: ISC
"""nginx, Apache httpd, lighttpd, haproxy and openssl s_server, unmodified, are
handed connections."""
import pathlib
import signal
import unittest

import proof
from harness import ROOT
from proof import Client, Http2, need, program
from talker import together

NGINX = '''\
%(main)s
worker_processes 2;
pid nginx.pid;
error_log stderr warn;
%(user)s
events { worker_connections 1024; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    ssl_certificate %(certificate)s;
    ssl_certificate_key %(key)s;
    server {
        %(listen)s
        location / { %(location)s }
    }
}
'''
WHO = 'return 200 "$remote_addr $remote_port $scheme $server_protocol";'
BOTH = {'tls': (Client, Http2), 'http': (Client,)}


@need(nginx='nginx-light')
class Nginx(proof.Proof, proof.Base):
    """With two workers, HTTP/1.1 and HTTP/2."""

    users = ('nobody', 'root')
    clients = BOTH
    location, main = WHO, 'daemon off;'
    six, addresses = False, ('{}',)
    options = ''

    def lines(self):
        for protocol, where in self.listen.items():
            for address in self.addresses if self.way == 'b' else (
                    'unix:{}',):
                yield 'listen %s %s %s;' % (
                    address.format(where), self.options,
                    'ssl http2' if protocol == 'tls' else '')

    def command(self):
        (self.root / 'nginx.conf').write_text(NGINX % {
            'listen': '\n'.join(self.lines()), 'location': self.location,
            'main': self.main,
            'certificate': self.certificate[0], 'key': self.certificate[1],
            'user': 'user nobody nogroup;' if ROOT and self.user == 'root'
            else ''})
        return [program('nginx'), '-p', self.root, '-c', 'nginx.conf']


class NginxWithReuseport(Nginx):
    """Each worker has a listener of its own."""

    ways, options = 'b', 'reuseport'


class NginxAtBothFamilies(Nginx):
    """listen 8443; listen [::]:8443."""

    ways, six, addresses = 'b', True, ('{}', '[::]:{}')


class NginxAtAddresses(Nginx):
    """Particular ones, and the wildcard."""

    ways, addresses = 'b', ('127.0.0.1:{}', '[::1]:{}', '{}')


# With all threads of a process busy, Apache ends what it has kept alive: one
# process must do for all of proof.CROWD.
APACHE = '''\
ServerName a.example
ServerRoot %(root)s
DefaultRuntimeDir .
PidFile apache.pid
ErrorLog apache.log
%(modules)s
%(user)s
KeepAliveTimeout 60
StartServers 2
ThreadLimit 256
ThreadsPerChild 256
ServerLimit 6
MaxRequestWorkers 512
MaxSpareThreads 512
ErrorDocument 404 "%%{REMOTE_ADDR} %%{REMOTE_PORT}"
Protocols h2 http/1.1
SSLCertificateFile %(certificate)s
SSLCertificateKeyFile %(key)s
Listen %(address)s%(tls)d
Listen %(address)s%(http)d
<VirtualHost *:%(tls)d>
    SSLEngine on
</VirtualHost>
<VirtualHost *:%(http)d>
</VirtualHost>
'''
MODULES = ('mpm_event', 'ssl', 'http2', 'authz_core')


@need(apache2='apache2-bin')
class Apache(proof.Proof, proof.Base):
    """Its event MPM, at a particular address: with a wildcard it looks for
    the <VirtualHost> by the port that usherd has."""

    ways, users = 'b', ('nobody', 'root')
    clients = BOTH
    six, address = False, '127.0.0.1:'

    def command(self):
        (self.root / 'apache.conf').write_text(APACHE % {
            'root': self.root, 'address': self.address,
            'certificate': self.certificate[0], 'key': self.certificate[1],
            'modules': '\n'.join(
                f'LoadModule {each}_module '
                f'/usr/lib/apache2/modules/mod_{each}.so'
                for each in MODULES),
            'user': 'User nobody\nGroup nogroup'
            if ROOT and self.user == 'root' else '', **self.listen})
        return [program('apache2'), '-DFOREGROUND', '-f',
                self.root / 'apache.conf']


class ApacheAtIpv6(Apache):
    """Which takes clients of both families."""

    users, six, address = ('nobody',), True, '[::1]:'


LIGHTTPD = '''\
server.modules = ("mod_openssl", "mod_ssi")
server.document-root = "%(root)s"
index-file.names = ("who.shtml")
ssi.extension = (".shtml")
server.port = 8080
server.bind = "%(http)s"
server.v4mapped = "enable"
ssl.pemfile = "%(certificate)s"
ssl.privkey = "%(key)s"
$SERVER["socket"] == "%(tls)s" { ssl.engine = "enable" }
%(user)s
'''


@need(lighttpd='lighttpd')
class Lighttpd(proof.Proof, proof.Base):
    users = ('nobody', 'root')
    statuses = (0, 1, -signal.SIGTERM)      # 1 now and then, for no reason
    clients = BOTH
    umask = {'a': 0}

    def command(self):
        (self.root / 'who.shtml').write_text(
            '<!--#echo var="REMOTE_ADDR"--> <!--#echo var="REMOTE_PORT"-->')
        (self.root / 'lighttpd.conf').write_text(LIGHTTPD % {
            'root': self.root,
            'http': self.listen['http'] if self.way == 'a' else '[::]',
            'certificate': self.certificate[0], 'key': self.certificate[1],
            'tls': self.listen['tls'] if self.way == 'a' else '[::]:8443',
            'user': 'server.username = "nobody"\n'
                    'server.groupname = "nogroup"'
            if ROOT and self.user == 'root' else ''})
        return [program('lighttpd'), '-D', '-f',
                self.root / 'lighttpd.conf']


HAPROXY = '''\
defaults
    mode http
    timeout client 60s
    timeout connect 5s
    timeout server 5s
frontend who
    bind :::%(tls)d v4v6 ssl crt %(both)s alpn h2,http/1.1
    bind :::%(http)d v4v6
    http-request return status 200 content-type text/plain \
        lf-string "%%[src] %%[src_port]"
'''


@need(haproxy='haproxy')
class Haproxy(proof.Proof, proof.Base):
    """It binds a UNIX socket under a name of its own and renames it, so that
    nobody can see what it is for."""

    ways, clients = 'b', BOTH

    def command(self):
        both = self.root / 'both.pem'
        both.write_text(''.join(pathlib.Path(each).read_text()
                                for each in self.certificate))
        both.chmod(0o644)
        (self.root / 'haproxy.conf').write_text(HAPROXY % {
            'both': both, **self.listen})
        return [program('haproxy'), '-W', '-f', self.root / 'haproxy.conf']


@need(openssl='openssl')
class OpenSsl(proof.Proof, proof.Base):
    """s_server, which serves one client after the other, and does not tell
    where he is; but it has his connection.  It takes a path only if
    getnameinfo(3) has room for it, so that it must be a relative one; then
    it cannot be seen whose the directory is."""

    protocols, keeps, six = ('tls',), False, False
    umask = {'a': 0}
    answers, says = '-www', 's_server -'

    def command(self):
        where = (['-unix', 'tls-handoff'] if self.way == 'a' else
                 ['-4', '-accept', str(self.listen['tls'])])
        return ['openssl', 's_server', *where, self.answers, '-cert',
                self.certificate[0], '-key', self.certificate[1]]

    def directory(self):
        return self.path

    def one(self, protocol, kind, source):
        super().one(protocol, kind, source)
        with kind(self.ports, True, source) as client:
            self.assertTrue(proof.has_end(self.server.pid, client.socket))

    def many(self, protocol, kind):
        """All come at once."""
        together(*[lambda: super(OpenSsl, self).one(
            protocol, kind, '127.0.0.1')] * self.crowd)


class Lines(Client):
    """Sends a line and gets it reversed."""

    def send(self):
        self.socket.sendall(b'word\n')

    def body(self):
        return self.line(b'\n').decode()


class OpenSslReversing(OpenSsl):
    """It keeps a connection until the client leaves."""

    clients = {'tls': (Lines,)}
    answers, says, keeps = '-rev', 'drow', True


if __name__ == '__main__':
    unittest.main()
