# SPDX-License-Identifier: ISC
"""What usherd(8) shows is tried as it stands there."""
import os
import re
import shutil
import signal
import socket
import unittest

import harness
import machine
import manual
import units
import wire

# How a client comes by each reason that the page has an example of.
FLIGHTS = {
    'unknown-host': lambda protocol, host: (
        wire.hello(host) if protocol == 'tls' else wire.head(host)),
    'malformed': lambda protocol, host: (
        b'GET / HTTP/1.1\r\nHost: a b\r\n\x01\r\n\r\n'),
    'bad-name': lambda protocol, host: wire.hello('my_app.example'),
}


class Usherd(manual.Page, machine.Case):
    page = 'usherd.8'

    def tenants(self):
        """Both sockets of a.example are served by alice."""
        host = self.host()
        self.at('alice').stay(
            f'umask 0; server --listen {host}/tls-socket {host}/http-socket',
            host / 'http-socket')

    def reached(self):
        for address in ('127.0.0.1', '::1'):
            for scheme, port in (('https', 443), ('http', 80)):
                with self.subTest(address=address, scheme=scheme):
                    self.says(scheme, 'tls-socket of alice for nobody',
                              'a.example', '--connect-to',
                              f'a.example:{port}:[{address}]:{port}')

    @manual.example('EXAMPLES', 'useradd')
    def test_once(self, example):
        machine.run('userdel', '_usherd')
        self.follow(example)
        self.start()

    @manual.example('EXAMPLES', 'logger')
    def test_with_logger(self, example):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
            syslog.bind('/dev/log')
            syslog.settimeout(20)
            self.tenants()
            self.follow(example)
            for words in ('version', 'hosts directory',
                          *['listening on '] * 4):
                self.assertRegex(syslog.recv(4096).decode(),
                                 rf'<\d+>.* usherd: usherd: {words}')
        self.reached()

    @manual.example('EXAMPLES', '~/hosts')
    def test_without_root(self, example):
        at = self.at('alice')
        self.follow(example, until=lambda: at.said().count(
            'listening on 127.0.0.1:') == 2)
        del self.terminals['alice']
        host = machine.ALICE / 'hosts/a.example'
        self.at('alice').run(f'mkdir {host}')
        self.at('alice').stay(
            f'server --listen {host}/tls-socket {host}/http-socket',
            host / 'http-socket')
        for scheme, port in (('https', 8443), ('http', 8080)):
            self.assertEqual(
                self.curl('a.example', port, scheme=scheme),
                (0, 'tls-socket of alice for nobody'), at.said())

    @manual.example('EXAMPLES', 'ListenStream')
    def test_systemd(self, example):
        files = units.split(example.text)
        units.install(self, files)
        sockets = [units.listen(self, text) for path, text in files.items()
                   if path.endswith('.socket')]
        service, = (text for path, text in files.items()
                    if path.endswith('.service'))
        self.tenants()
        self.daemon = harness.Usherd(
            machine.HOSTS, command=units.command(self, service, sockets),
            pass_fds=[listener.fileno() for listener, _ in sockets])
        self.addCleanup(self.daemon.stop, signal.SIGKILL)
        self.daemon.start(len(sockets))
        self.reached()
        units.reload(service, self.daemon.pid)
        harness.wait_for(lambda: sum(   # in the new program once more
            'listening on' in line for line in self.daemon.log_lines
        ) == 2 * len(sockets))
        self.reached()
        status = harness.status_of(self.daemon.pid)
        self.assertEqual(status['Uid'].split(),
                         4 * [str(machine.USERS['_usherd'])])

    def deny(self, line):
        """Makes the place that a line about a tenant speaks of."""
        entry = re.search(r' entry=(\S+)', line)
        if entry is None:
            return
        path = self.host(entry[1])
        os.chown(path, 0, 0)
        about = re.search(r' at=(\S+) mode=(\d+) owner=(\d+):(\d+) ', line)
        if about is not None:
            place = machine.HOSTS / about[1]
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(place))
            os.chown(place, int(about[3]), int(about[4]))
            os.chmod(place, int(about[2], 8))
        self.addCleanup(shutil.rmtree, path)

    @manual.example('DIAGNOSTICS', 'counts tls')
    def test_counts(self, example):
        """The lines are those, but for the numbers and the reasons."""
        self.host()
        self.start()
        wire.ask(443, wire.hello('x.example'))
        self.daemon.process.send_signal(signal.SIGUSR1)
        self.daemon.wait_log('counts now')

        def shape(text):
            text = re.sub(r'refused .*', 'refused', text)
            return re.sub(r'\d+', 'N', text)
        written = [line.removeprefix('usherd: ')
                   for line in self.daemon.log_lines if ' counts ' in line]
        self.assertEqual([shape(line) for line in written],
                         [shape(line) for line in example.text.splitlines()])

    @manual.example('DIAGNOSTICS', 'reason=')
    def test_log_lines(self, example):
        """Each is a line that is written, from the address to the end."""
        self.host()
        self.start()
        for line in example.text.splitlines():
            self.deny(line)
            with self.subTest(line):
                protocol, address, port, host, reason = re.match(
                    r'refused (\w+) client=\[(\S+)\]:(\d+) host=(\S+) '
                    r'.*\breason=(\S+)', line).groups()
                plain, _, zone = address.partition('%')
                machine.run('ip', 'address', 'replace', plain, 'dev', 'lo',
                            *(['nodad'] if ':' in address else []))
                to = (address if zone else '::1' if ':' in address else
                      '127.0.0.1', 443 if protocol == 'tls' else 80)
                source = ((plain, int(port), 0, int(zone)) if zone else
                          (address, int(port)))
                with socket.create_connection(to, 20, source) as client:
                    client.sendall(FLIGHTS.get(
                        reason, FLIGHTS['unknown-host'])(protocol, host))
                    client.recv(4096)
                self.daemon.wait_log('^usherd: ' + re.escape(line) + '$')


if __name__ == '__main__':
    machine.main()
