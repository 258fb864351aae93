# SPDX-License-Identifier: ISC
"""Servers and clients that people run, all together: each client asks every
server in turn, over as few connections as it makes of it, for answers with a
length and chunked ones, and sends bodies with a length and, where it can,
chunked ones."""
import hashlib
import http.client
import json
import subprocess
import unittest

import applications
import exchanges
import peers
from talker import Talker, request

BODY = b'q=' + b'x' * 70000

# Each kind's name, whether it is here, and what starts it under a name.
SERVERS = (('node', peers.NODE, applications.node),
           ('uvicorn', applications.UVICORN, applications.uvicorn),
           ('gunicorn', applications.GUNICORN, applications.gunicorn),
           ('apache', applications.APACHE, applications.apache),
           ('fpm', applications.FPM and peers.NGINX, applications.fpm),
           ('php', applications.PHP, applications.php))

NODE = '''
const http = require('http'), [port, text] = process.argv.slice(1);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const list = JSON.parse(text), said = [], ports = new Set();
function next() {
    if (list.length === 0) {
        console.log(JSON.stringify([ports.size, said]));
        process.exit(0);
    }
    const [method, host, path, size, chunked] = list.shift();
    const headers = { Host: host };
    if (size !== 0 && !chunked)
        headers['Content-Length'] = size;
    const request = http.request({ host: '127.0.0.1', port, agent, method,
                                   path, headers }, (response) => {
        ports.add(request.socket.localPort);
        let body = '';
        response.on('data', (piece) => { body += piece; });
        response.on('end', () => {
            said.push(body);
            setImmediate(next);
        });
    });
    request.end(size === 0 ? undefined : 'q=' + 'x'.repeat(size - 2));
}
next();
'''

JAVA = '''
import java.net.URI;
import java.net.http.*;

class Ask {
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 1; i < words.length; i += 5) {
            String body = "q=" + "x".repeat(
                Math.max(0, Integer.parseInt(words[i + 3]) - 2));
            HttpRequest.BodyPublisher publisher =
                words[i + 3].equals("0") ?
                    HttpRequest.BodyPublishers.noBody() :
                words[i + 4].equals("1") ?
                    HttpRequest.BodyPublishers.fromPublisher(
                        HttpRequest.BodyPublishers.ofString(body)) :
                    HttpRequest.BodyPublishers.ofString(body);
            HttpRequest request = HttpRequest.newBuilder(URI.create(
                "http://127.0.0.1:" + words[0] + words[i + 2]))
                .header("Host", words[i + 1])
                .method(words[i], publisher).build();
            System.out.println(client.send(request,
                HttpResponse.BodyHandlers.ofString()).body());
        }
    }
}
'''


class Everybody(exchanges.Case):
    """The table."""

    KEEPS = {'node', 'uvicorn', 'gunicorn', 'apache', 'fpm'}

    def setUp(self):
        super().setUp()
        self.names = []
        for kind, here, start in SERVERS:
            if here:
                start(self, f'{kind}.example')
                self.names.append(f'{kind}.example')
        self.assertGreater(len(self.names), 1)

    def asked(self, chunked=True, closes=True):
        """(method, host, path, size of the body, chunked?), every server's
        turn coming again and again."""
        bodies = [('GET', 0, False), ('POST', len(BODY), False)]
        if chunked:
            bodies.append(('POST', len(BODY), True))
        return [(method, host, path, size, coded)
                for method, size, coded in bodies
                for path in ('/length', '/chunked')
                for host in self.names
                if (closes or host.split('.')[0] in self.KEEPS)
                # PHP's own server and Debian's Apache know no chunked CGI
                and not (coded and host.split('.')[0] in ('php', 'fpm'))]

    def want(self, asked):
        _, host, path, size, _ = asked
        return f'{host[:-8]} {host} {path} {size} ' + hashlib.sha256(
            BODY[:size]).hexdigest()

    def same(self, said, asked):
        self.assertEqual(said, [self.want(each) for each in asked])
        self.assertEqual(self.refusals(), [])

    def test_ours(self):
        """Of which it is known that it uses one connection."""
        asked, talker = self.asked(closes=False), self.talk()
        said = []
        for method, host, path, size, coded in asked:
            how = {} if not size else {'chunks': [BODY[:100], BODY[100:]]} \
                if coded else {'body': BODY}
            said.append(talker.ask(request(host, path, method=method,
                                           **how)).body.decode())
        self.same(said, asked)

    def test_ours_pipelined(self):
        asked, talker = self.asked(closes=False), self.talk()
        talker.send(*(request(host, path, method=method, **(
            {'body': BODY} if size else {}))
            for method, host, path, size, _ in asked))
        self.same([talker.answer().body.decode() for _ in asked], asked)

    def test_python(self):
        asked, said = self.asked(), []
        client = http.client.HTTPConnection('127.0.0.1', self.daemon.http,
                                            timeout=20)
        self.addCleanup(client.close)
        for method, host, path, size, coded in asked:
            client.request(method, path, headers={'Host': host}, body=(
                None if not size else iter([BODY[:9], BODY[9:]]) if coded
                else BODY), encode_chunked=coded)
            said.append(client.getresponse().read().decode())
        self.same(said, asked)

    @peers.need_node
    def test_node(self):
        asked = self.asked(closes=False)
        done = subprocess.run(
            [peers.NODE, '-e', NODE, str(self.daemon.http),
             json.dumps(asked)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stderr, '')
        sockets, said = json.loads(done.stdout)
        self.same(said, asked)
        self.assertEqual(sockets, 1)

    @applications.need_java
    def test_java(self):
        """Which asks for h2c with each request; that is declined, but by
        uvicorn, which answers 400 then."""
        asked = [each for each in self.asked() if 'uvicorn' not in each[1]]
        program = self.hosts / 'Ask.java'
        program.write_text(JAVA)
        done = subprocess.run(
            [applications.JAVA, '-Djdk.httpclient.allowRestrictedHeaders=host',
             program, str(self.daemon.http), *(
                 str(int(word) if isinstance(word, bool) else word)
                 for each in asked for word in each)],
            capture_output=True, text=True, timeout=90)
        self.assertEqual(done.stderr, '')
        self.same(done.stdout.splitlines(), asked)

    @applications.need('curl')
    def test_curl(self):
        """It takes usherd for its proxy, so that one connection does."""
        asked = self.asked(closes=False)
        file = self.hosts / 'body'
        file.write_bytes(BODY)
        words = []
        for method, host, path, size, coded in asked:
            words += ['--next'] * bool(words) + [
                '-s', '-m', '20', '-x', f'http://127.0.0.1:{self.daemon.http}',
                '-w', ' %{num_connects}\n', f'http://{host}{path}']
            if size:
                words += ['--data-binary', f'@{file}']
            if coded:
                words += ['-H', 'Transfer-Encoding: chunked']
        done = subprocess.run(['curl', *words], capture_output=True,
                              text=True, timeout=90)
        lines = [line.rsplit(' ', 1) for line in done.stdout.splitlines()]
        self.same([line[0].replace(f'http://{each[1]}', '')
                   for line, each in zip(lines, asked)], asked)
        self.assertEqual([line[1] for line in lines],
                         ['1'] + ['0'] * (len(asked) - 1))

    def test_kept_alive(self):
        """A hundred requests for each, over one connection."""
        for host in self.names:
            if host.split('.')[0] not in self.KEEPS:
                continue
            with self.subTest(host=host), Talker(self.daemon.http) as talker:
                for i in range(100):
                    path = ('/length', '/chunked')[i % 2]
                    self.assertEqual(
                        talker.ask(request(host, path)).body.decode(),
                        self.want(('GET', host, path, 0, False)))


if __name__ == '__main__':
    unittest.main()
