# SPDX-License-Identifier: ISC
"""Pipelined requests: answered in order, each by its own tenant, with nothing
lost or added at the boundaries; by apt-get too, which has several requests
under way."""
import hashlib
import os
import random
import subprocess
import unittest

import applications
import exchanges
import peers
from talker import chunked, request, response, together

KINDS = ('length', 'chunked', 'none', 'head', 'hints', 'large')


def said(asked, _):
    """What a kind of path is answered."""
    kind = asked.path.split('/')[1]
    body = f'{asked.host} {asked.path} {len(asked.body)}'.encode()
    if kind == 'chunked':
        return b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + \
            chunked(body[:5], body[5:])
    if kind == 'none':
        return response(b'', status='204 No Content')
    if kind == 'head':
        return b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body)
    if kind == 'hints':
        return b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' * 3 + \
            response(body)
    return response(body + b'x' * (100000 if kind == 'large' else 0))


class Mixed(exchanges.Case):
    """Every kind of response, requests with bodies between, hosts at random;
    and the tenants cut what they say anywhere."""

    def setUp(self):
        super().setUp()
        for name in 'cde':
            self.keep(f'{name}.example', said)
        self.act('f.example', self.in_pieces)

    def in_pieces(self, reader):
        chance = random.Random(len(reader.raw))
        while True:
            data = said(reader.request(), None)
            while data:
                n = chance.choice((1, 2, 10, 100, 5000, 100000))
                reader.socket.sendall(data[:n])
                data = data[n:]

    def sequence(self, chance, n):
        for i in range(n):
            kind = chance.choice(KINDS)
            host = chance.choice('cdef') + '.example'
            how = chance.choice(({}, {}, {'body': b'b' * chance.choice(
                (1, 100, 40000))}, {'chunks': [b'c' * 10, b'd' * 3000]}))
            size = len(how.get('body') or b''.join(how.get('chunks', [])))
            method = 'HEAD' if kind == 'head' else None
            path = f'/{kind}/{i}'
            want = f'{host} {path} {size}'.encode()
            if kind in ('none', 'head'):
                want = b''
            elif kind == 'large':
                want += b'x' * 100000
            yield request(host, path, method=method, **how), method, want

    def one(self, seed, n=120):
        asked = list(self.sequence(random.Random(seed), n))
        talker = self.talk(30)

        def send():
            data = b''.join(each[0] for each in asked)
            chance = random.Random(seed)
            while data:
                size = chance.choice((1, 50, 700, 20000, 300000))
                talker.send(data[:size])
                data = data[size:]

        def read():
            for data, method, want in asked:
                answer = talker.answer(method or 'GET')
                self.assertEqual(answer.body, want, data[:60])
            self.assertTrue(talker.quiet(0.1))
        together(send, read)
        talker.socket.close()

    def test_one_by_one(self):
        for seed in range(8):
            with self.subTest(seed=seed):
                self.one(seed)

    def test_at_once(self):
        together(*(lambda seed=seed: self.one(seed, 60)
                   for seed in range(100, 116)))

    def test_one_exchange_at_a_time(self):
        """No tenant sees a request before the response to the one before it
        is complete, the same tenant neither."""
        seen = []

        def play(reader):
            while True:
                reader.request()
                early = len(reader.raw) > reader.at
                reader.socket.sendall(
                    b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no')
                reader.socket.settimeout(0.1)
                try:
                    reader.more()
                    early = True
                except TimeoutError:
                    pass
                reader.socket.settimeout(10)
                seen.append(early)
                reader.socket.sendall(b'k')
        self.act('a.example', play)
        talker = self.talk()
        talker.send(request('a.example') * 5, request('b.example', '/2'))
        for i in range(5):
            self.assertEqual(talker.answer().body, b'ok')
            self.assertEqual(self.b.raw, b'')
        self.good(talker, 'b.example', '/2')
        self.assertEqual(seen, [False] * 5)


@applications.need('apt-get', 'dpkg-deb')
@peers.need_nginx
class Apt(exchanges.Case):
    """Packages of two hosts by one proxy, which is usherd."""

    N = 40

    def package(self, root, host, i):
        name = f'{host}-{i}'
        tree = root / 'tree'
        (tree / 'DEBIAN').mkdir(parents=True, exist_ok=True)
        (tree / 'content').write_bytes(os.urandom(500 + 700 * i))
        control = f'Package: {name}\nVersion: 1\nArchitecture: all\n' \
            'Maintainer: nobody <nobody@a.example>\nDescription: x\n'
        (tree / 'DEBIAN' / 'control').write_text(control)
        file = root / f'{name}_1_all.deb'
        subprocess.run(['dpkg-deb', '--root-owner-group', '-Znone', '-b',
                        tree, file], check=True, capture_output=True)
        os.chmod(file, 0o644)
        data = file.read_bytes()
        return f'{control}Filename: ./{file.name}\nSize: {len(data)}\n' \
            f'SHA256: {hashlib.sha256(data).hexdigest()}\n\n'

    def repository(self, host):
        """Its nginx; gives the names of its packages."""
        root = self.hosts / f'debs-{host}'
        root.mkdir()
        os.chmod(root, 0o755)
        (root / 'Packages').write_text(''.join(
            self.package(root, host, i) for i in range(self.N)))
        os.chmod(root / 'Packages', 0o644)
        peers.nginx(self, self.host(f'{host}.example') / 'http-socket',
                    f'location / {{ root {root}; }}')
        return [f'{host}-{i}' for i in range(self.N)]

    def apt(self, *words):
        done = subprocess.run(
            ['apt-get', '-q', '-c', self.conf, *words], capture_output=True,
            text=True, timeout=60, cwd=self.fetched,
            env={**os.environ, 'LC_ALL': 'C', 'http_proxy': '',
                 'no_proxy': ''})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_apt(self):
        hosts = ('m', 'n')
        names = sum((self.repository(host) for host in hosts), [])
        root = self.hosts / 'apt'
        self.fetched = root / 'fetched'
        for directory in ('lists/partial', 'cache/archives/partial',
                          'fetched', 'etc'):
            (root / directory).mkdir(parents=True)
        (root / 'etc/sources.list').write_text(''.join(
            f'deb [trusted=yes] http://{host}.example/ ./\n'
            for host in hosts))
        (root / 'status').touch()
        self.conf = root / 'apt.conf'
        self.conf.write_text(f'''
            Dir::State "{root}"; Dir::State::status "{root}/status";
            Dir::State::Lists "{root}/lists"; Dir::Cache "{root}/cache";
            Dir::Etc::sourcelist "{root}/etc/sources.list";
            Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-";
            Dir::Etc::parts "-"; Dir::Etc::trustedparts "-";
            Acquire::http::Proxy "http://127.0.0.1:{self.daemon.http}";
            Acquire::http::Pipeline-Depth "10"; Acquire::Retries "0";
            Acquire::Queue-Mode "access"; Acquire::Languages "none";
            APT::Sandbox::User "root"; Debug::NoLocking "1";
        ''')
        self.apt('update')
        random.Random(3).shuffle(names)
        said = self.apt('download', *names)
        self.assertEqual(len(list(self.fetched.glob('*.deb'))), len(names),
                         said)
        for name in names:
            file = f'{name}_1_all.deb'
            self.assertEqual(
                (self.fetched / file).read_bytes(),
                (self.hosts / f'debs-{name[0]}' / file).read_bytes())
        self.assertEqual(self.refusals(), [])


if __name__ == '__main__':
    unittest.main()
