# SPDX-License-Identifier: ISC
"""What usher(1) shows is tried as it stands there."""
import machine
import manual
import software
import units
from machine import HOST

TLS, HTTP = HOST / 'tls-handoff', HOST / 'http-handoff'


class Usher(software.ShowsNode, manual.Page, machine.Case):
    page = 'usher.1'

    def setUp(self):
        super().setUp()
        self.host()

    @software.need_nginx
    @manual.example('EXAMPLES', 'listen unix:')
    @manual.example('EXAMPLES', 'usher run /usr/sbin/nginx')
    def test_nginx(self, lines, start):
        software.nginx(lines.text)
        self.start()
        self.follow(start, until=TLS)
        self.knows('https', 'nginx')

    @software.need_nginx
    @manual.example('Sockets that are there already', 'listens here already')
    def test_path_in_use(self, example):
        software.nginx(f'listen unix:{TLS} ssl;')
        self.at('alice').stay('usher run /usr/sbin/nginx -c ~/nginx.conf '
                              '-g "daemon off;"', TLS)
        pid = (machine.ALICE / 'nginx.pid').read_text().strip()
        self.terminals.clear()
        alice = self.at('alice')
        alice.run(f'! usher run server --listen {TLS}')
        self.assertIn(' '.join(example.text.split()).replace('4711', pid),
                      alice.said())

    @manual.example('EXAMPLES', '-T bob')
    def test_both_protocols(self, example):
        self.start('-u', 'bob')
        self.follow(example, until=HTTP)
        for scheme in ('https', 'http'):
            self.knows(scheme, 'my-server of alice')

    @software.need_nginx
    @manual.example('EXAMPLES', 'ExecStart')
    def test_service(self, example):
        software.nginx(f'listen unix:{TLS} ssl;')
        units.install(self, {'/etc/systemd/system/my.service': example.text})
        self.start()
        units.begin(self, example.text)
        machine.wait_for_listener(TLS)
        self.knows('https', 'nginx')


if __name__ == '__main__':
    machine.main()
