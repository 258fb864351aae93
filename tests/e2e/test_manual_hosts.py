# SPDX-License-Identifier: ISC
"""What usher-hosts(5) shows is tried as it stands there."""
import os
import re
import stat
import threading
import unittest

import harness
import layout
import machine
import manual
import software
import units
from harness import wait_for
from machine import ALICE, HOST, HOSTS

HANDS_OUT = 'The administrator hands out names', '# install'
SETTINGS = 'The administrator hands out names', '# nginx'


class Case(machine.Case):
    def closed(self, path):
        """Not everybody may write to it."""
        at = os.stat(path)
        self.assertFalse(at.st_mode & stat.S_IWOTH, oct(at.st_mode))

    def served(self, name='http-socket', user='alice'):
        """Has the shell in which the example was typed start a server."""
        self.at(user).stay(f'server --listen {HOST}/{name}',
                           HOST / name)
        self.closed(HOST / name)


class Hosts(manual.Page, Case):
    page = 'usher-hosts.5'

    @manual.example('DESCRIPTION', 'tls-socket')
    def test_directory(self, example):
        layout.try_out(self, layout.of_tree(example.text))

    @manual.example(*HANDS_OUT)
    def test_administrator(self, example):
        for _ in range(2):      # it does no harm to a host that is there
            self.follow(example)
            self.assertEqual(os.stat(HOST).st_mode & 0o7777, 0o2750)
        self.at('alice').run('umask 007')
        self.served()
        self.start()
        self.says('http', 'http-socket of alice for nobody')

    @manual.example('The administrator hands out names', 'my-server')
    def test_umask(self, example):
        self.administered()
        self.start()
        self.follow(example, until=HOST / 'http-socket')
        self.closed(HOST / 'http-socket')
        self.says('http', 'http-socket of alice for nobody')

    def administered(self):
        self.follow(self.example(*HANDS_OUT))

    @manual.example('The administrator hands out names', '# chmod')
    def test_tenant_has_changed_the_mode(self, example):
        """As the page says: the bit is lost, and root puts it back."""
        self.administered()
        self.start()
        alice = self.at('alice')
        for mode in ('750', '2750', 'g+s'):
            machine.run('chmod', '2750', HOST)
            alice.run(f'chmod {mode} {HOST}')
            self.assertEqual(os.stat(HOST).st_mode & 0o7777, 0o750, mode)
        alice.run('umask 007')
        alice.run(f'server --listen {HOST}/http-socket &')
        machine.wait_for_listener(HOST / 'http-socket')
        self.assertEqual(self.fetch('http')[0], 0)
        self.daemon.wait_log('reason=denied')
        self.follow(example)
        alice.run(f'kill $!; wait; server --listen {HOST}/http-socket &')
        machine.wait_for_listener(HOST / 'http-socket')
        self.says('http', 'http-socket of alice for nobody')

    @manual.example(*SETTINGS)
    def test_settings(self, example):
        """Each program has a test below."""
        pieces = re.findall(r'(?m)^# (\w+)', example.text)
        self.assertEqual(pieces, ['nginx', 'haproxy', 'systemd'])

    def settings(self, name):
        """The lines for one program; hosts/ is as in the page."""
        self.administered()
        self.start()
        (HOST / 'send-proxy-v2').touch()
        pieces = re.split(r'(?m)^# (\w+).*\n', self.example(*SETTINGS).text)
        return dict(zip(pieces[1::2], pieces[2::2]))[name]

    @software.need_nginx
    def test_settings_nginx(self):
        software.nginx(self.settings('nginx'))
        self.at('alice').stay('/usr/sbin/nginx -c ~/nginx.conf',
                              HOST / 'tls-socket')
        self.knows('https', 'nginx')

    @software.need_haproxy
    def test_settings_haproxy(self):
        software.haproxy(self.settings('haproxy'))
        machine.write(ALICE / 'a.pem', ''.join(
            (ALICE / name).read_text() for name in ('cert.pem', 'key.pem')))
        self.at('alice').stay('/usr/sbin/haproxy -f ~/haproxy.cfg',
                              HOST / 'tls-socket')
        self.closed(HOST / 'tls-socket')
        self.knows('https', 'haproxy')

    def test_settings_systemd(self):
        """A socket that belongs to root, and what it is sent."""
        lines = '[Socket]\n' + self.settings('systemd')
        units.install(self, {
            '/etc/systemd/system/my.socket': lines,
            '/etc/systemd/system/my.service':
                '[Service]\nExecStart=/usr/local/bin/my-server\n'})
        listener, _ = units.listen(self, lines)
        self.closed(HOST / 'tls-socket')
        for _ in range(2):
            threading.Thread(target=self.fetch, args=('https',),
                             daemon=True).start()
            listener.settimeout(20)
            with listener.accept()[0] as client:
                self.assertEqual(client.recv(12), layout.PROXY_2)

    @software.need_acl
    @manual.example('By access control list', 'setfacl')
    def test_access_control_list(self, example):
        self.host(mode=0o700)
        self.start()
        self.follow(example)
        self.served()
        self.says('http', 'http-socket of alice for nobody')

    @manual.example('By group', 'usermod')
    def test_group(self, example):
        self.follow_below_hosts(example)
        self.at('alice').run('umask 007')
        self.served()
        self.start()
        self.says('http', 'http-socket of alice for nobody')

    def follow_below_hosts(self, example):
        HOSTS.mkdir()
        self.follow(example)

    @software.need_acl
    @manual.example('Tenants take names themselves', 'tenants')
    def test_tenants(self, example):
        self.follow(example)
        self.start()
        self.served()
        self.says('http', 'http-socket of alice for nobody')
        for command in ('mv a.example b.example', 'rmdir a.example'):
            self.at('bob').run(f'cd {HOSTS}; ! {command}')
        self.at('bob').run('mkdir b.example')

    @manual.example('Deploying by .*', 'server --listen')
    def test_deploying(self, example):
        """Nobody who comes meanwhile finds nobody."""
        self.host()
        alice = self.at('alice')
        alice.run('umask 0; cd ' + str(HOST))
        alice.stay('server --listen v1.sock &', HOST / 'v1.sock')
        alice.run('ln -s v1.sock tls-socket')
        self.start()
        self.says('https', 'v1.sock of alice for nobody')
        with self.crowd('https') as answers:
            self.follow(example)
            wait_for(lambda: any('v1' not in text for text in answers))
        self.assertEqual({text.split(' ', 1)[1] for text in answers},
                         {'of alice for nobody'})
        self.assertNotIn('v1', answers[-1])

    @manual.example('Deploying by .*', 'mv -T .next a.example')
    def test_deploying_a_host(self, example):
        for number in (1, 2):
            path = self.host(f'.a.example-{number}')
            harness.Tenant(path / 'http-socket',
                           harness.http_server(f'number {number}'))
        os.symlink('.a.example-1', HOST)
        self.start()
        self.says('http', 'number 1')
        self.follow(example, 'root')
        self.says('http', 'number 2')

    @manual.example('Answering for all that is unknown', '_default')
    def test_default(self, example):
        path = self.host('www.example')
        harness.Tenant(path / 'http-socket', harness.http_server('www'))
        self.follow(example)
        self.start()
        self.says('http', 'www', 'unknown.example')


if __name__ == '__main__':
    machine.main()
