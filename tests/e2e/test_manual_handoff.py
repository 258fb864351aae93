# SPDX-License-Identifier: ISC
"""What usher-handoff(7) shows is tried as it stands there."""
import socket
import unittest

import machine
import manual
import software
import units
import wire
from harness import exchange, wait_for
from machine import ALICE, FROM, HOST

OF_ONES_OWN = "In a program of one's own"
TLS, HTTP = HOST / 'tls-handoff', HOST / 'http-handoff'


class Handoff(software.ShowsNode, manual.Page, machine.Case):
    page = 'usher-handoff.7'

    def setUp(self):
        super().setUp()
        self.host()

    @software.need_nginx
    @manual.example('DESCRIPTION', 'usher run')
    def test_nginx_turned(self, example):
        software.nginx('listen 8443 ssl;')
        self.start()
        self.follow(example, until=TLS)
        self.knows('https', 'nginx')

    @software.need_cc
    @manual.example(OF_ONES_OWN, 'cc -o')
    def test_receiver_in_c(self, example):
        self.start()
        self.follow(example, until=HTTP)
        self.says('http', f'{FROM}\n', 'a.example', '--interface', FROM)

    @manual.example(OF_ONES_OWN, 'recv_fds')
    def test_receiver_in_python(self, example):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(TLS))
            TLS.chmod(0o666)
            listener.listen()
            listener.settimeout(machine.SECONDS)
            self.start()
            with socket.create_connection(
                    ('127.0.0.1', 443), machine.SECONDS) as visitor:
                visitor.sendall(wire.hello('a.example'))
                names = {'listener': listener, 'socket': socket}
                exec(example.text, names)
                with names['client'] as client:
                    self.assertEqual(client.getpeername(),
                                     visitor.getsockname())
                    self.assertEqual(client.recv(4096),
                                     wire.hello('a.example'))

    @software.need_nginx
    @manual.example('What works', 'LD_PRELOAD')
    def test_nginx_upgraded(self, example):
        """A new program takes the listener over, which is no TCP port."""
        software.nginx('listen 8443 ssl;')
        configuration = ALICE / 'nginx.conf'
        machine.write(configuration, example.text + configuration.read_text())
        self.start()
        alice, pid = self.at('alice'), ALICE / 'nginx.pid'
        alice.stay(f'usher run -l 8443={TLS} /usr/sbin/nginx -c '
                   f'{configuration}', TLS)
        old = pid.read_text()
        alice.run(f'kill -USR2 {old}')
        wait_for(lambda: pid.exists() and pid.read_text() != old)
        alice.run(f'kill -QUIT {old}')
        wait_for(lambda: machine.ended(int(old)))
        self.knows('https', 'nginx')
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', 8443))

    @software.need_gunicorn
    @manual.example('What works', 'gunicorn')
    def test_gunicorn(self, example):
        machine.write(ALICE / 'my.py', software.WSGI)
        files = units.split(example.text)
        units.install(self, files)
        self.start()
        listener = units.listen(self, files['/etc/systemd/system/my.socket'])
        units.begin(self, files['/etc/systemd/system/my.service'], [listener])
        self.knows('http', 'gunicorn')

    @software.need_nginx
    @manual.example('EXAMPLES', 'worker_processes')
    @manual.example('EXAMPLES', 'run /usr/sbin/nginx -p')
    def test_nginx(self, configuration, start):
        machine.write(ALICE / 'nginx.conf', configuration.text, 'alice')
        (ALICE / 'www').mkdir(exist_ok=True)
        machine.write(ALICE / 'www' / 'index.html', 'of alice')
        self.start()
        self.follow(start)
        self.assertEqual(self.at('alice').said(), '')
        for option, version in (('--http1.1', '1.1'), ('--http2', '2')):
            self.says('https', f'of alice, HTTP/{version}', 'a.example',
                      option, '-w', ', HTTP/%{http_version}')
        self.says('http', 'of alice', 'a.example', '--interface', FROM)
        self.assertIn(FROM + ' ', (ALICE / 'access.log').read_text())
        self.assertIn('421 Misdirected Request', self.fetch(
            'https', 'a.example', '-i', '-H', 'Host: b.example')[1])
        self.assertRegex(
            exchange(80, wire.head() + wire.head(
                'b.example', 'Connection: close')),
            b'(?s)^HTTP/1.1 200 OK.*HTTP/1.1 421 Misdirected Request')

    @software.need_node
    @manual.example('EXAMPLES', 'ExecStart')
    def test_service(self, example):
        software.node()
        units.install(self, {'/etc/systemd/system/my.service': example.text})
        self.start()
        units.begin(self, example.text)
        machine.wait_for_listener(TLS)
        self.knows('https', 'node')


if __name__ == '__main__':
    machine.main()
