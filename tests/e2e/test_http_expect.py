# SPDX-License-Identifier: ISC
"""Expect: 100-continue, and responses before the body is complete.  What was
not sent as a body is never taken for one, and who has been answered early
gets that answer however long it goes on sending."""
import contextlib
import json
import subprocess
import time
import unittest

import exchanges
import peers
from exchanges import stay
from harness import wait_for
from talker import End, chunked, request, response, together

EXPECT = 'Expect: 100-continue'
CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'
BODY = b'x' * 100000
LARGE = 2_000_000

# Says what it was sent; /no wants no body.
SERVER = '''
const http = require('http'), fs = require('fs'), path = process.argv[1];
const answer = (request, response) => {
    let size = 0;
    request.on('data', (piece) => { size += piece.length; });
    request.on('end', () => response.end(
        `${request.method} ${request.headers.host} ${request.url} ${size}`));
};
const server = http.createServer(answer);
server.on('checkContinue', (request, response) => {
    if (request.url.startsWith('/no')) {
        response.writeHead(417, { 'Content-Length': 2 });
        response.end('no');
        return;
    }
    response.writeContinue();
    answer(request, response);
});
server.listen(path, () => fs.chmodSync(path, 0o666));
'''

# Asks as the third word says, [[method, host, path, size of the body or
# null], ...], by one agent with one socket; a body waits for 100 Continue.
CLIENT = '''
const http = require('http'), [port, text] = process.argv.slice(1);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const list = JSON.parse(text), seen = [];
function next() {
    if (list.length === 0) {
        console.log(JSON.stringify(seen));
        process.exit(0);
    }
    const [method, host, path, size] = list.shift();
    const headers = { Host: host };
    if (size !== null) {
        headers['Content-Length'] = size;
        headers.Expect = '100-continue';
    }
    const request = http.request({ host: '127.0.0.1', port, agent, method,
                                   path, headers });
    let told = false;
    const tell = (word) => {
        if (!told) {
            told = true;
            seen.push(word);
            setTimeout(next, 20);
        }
    };
    request.on('error', (error) => tell(error.code));
    request.on('continue', () => request.end('y'.repeat(size)));
    request.on('response', (response) => {
        let body = '';
        response.on('data', (piece) => { body += piece; });
        response.on('end', () => tell(`${response.statusCode} ${body}`));
        response.on('error', (error) => tell(error.code));
        %s
    });
    if (size === null)
        request.end();
    else
        request.flushHeaders();
}
next();
'''


class Case(exchanges.Case):
    def decline(self, name, status, close=False):
        """A tenant that declines and goes on reading the same connection."""
        def play(reader):
            while True:
                _, fields = reader.head()
                if 'expect' not in fields:
                    reader.framed(fields)
                    reader.socket.sendall(response(b'yes'))
                    continue
                reader.socket.sendall(response(
                    b'no', *(['Connection: close'] if close else []),
                    status=status))
                if close:
                    stay(reader)
        return self.act(name, play)


class Accepted(Case):
    def test_client_that_waits(self):
        """100 Continue passes when it is said, the body after it, and then
        the next exchange."""
        def play(reader):
            while True:
                _, fields = reader.head()
                time.sleep(0.3)
                reader.socket.sendall(CONTINUE)
                reader.framed(fields)
                reader.socket.sendall(response(b'done'))
        a, sent = self.act('a.example', play), b''
        for how in ({'body': BODY}, {'chunks': [BODY, b'z' * 10]}):
            for again in (False, True):
                talker = self.talk()
                data = request('a.example', '/', EXPECT, **how)
                at = data.index(b'\r\n\r\n') + 4
                for _ in range(2):
                    talker.send(data[:at])
                    self.assertEqual(talker.exactly(len(CONTINUE)), CONTINUE)
                    talker.send(data[at:])
                    self.assertEqual(talker.answer().body, b'done')
                talker.send(request('b.example', '/2'))
                self.good(talker, 'b.example', '/2')
                if again:
                    talker.send(data)
                    self.assertEqual(talker.answer().body, b'done')
                sent += data * (2 + again)
                talker.socket.close()
        self.assertEqual(a.raw, sent)

    def test_client_that_does_not_wait(self):
        """All at once: an ordinary exchange, 100 Continue or not."""
        for said in (b'', CONTINUE):
            def play(reader, said=said):
                while True:
                    _, fields = reader.head()
                    reader.socket.sendall(said)
                    reader.framed(fields)
                    reader.socket.sendall(response(b'done'))
            self.act('a.example', play)
            for how in ({'body': BODY}, {'chunks': [BODY, b'z']},
                        {'body': b''}):
                talker = self.talk()
                talker.send(request('a.example', '/', EXPECT, **how),
                            request('b.example', '/2'))
                self.assertEqual(talker.answer().body, b'done')
                self.good(talker, 'b.example', '/2')
                talker.socket.close()

    def test_client_that_loses_patience(self):
        """The tenant never says 100; the body comes all the same."""
        def play(reader):
            _, fields = reader.head()
            reader.framed(fields)
            reader.socket.sendall(response(b'done'))
            stay(reader)
        self.act('a.example', play)
        talker = self.talk()
        data = request('a.example', '/', EXPECT, body=BODY)
        talker.send(data[:-len(BODY)])
        self.assertTrue(talker.quiet(1))
        talker.drip(BODY, 0.01, 10000)
        self.assertEqual(talker.answer().body, b'done')
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')


class Declined(Case):
    def test_ends_with_the_response(self):
        """Nobody can know whether the body still comes."""
        for status in ('417 Expectation Failed', '413 Content Too Large',
                       '401 Unauthorized', '200 OK'):
            for how in ({'body': b'12345'}, {'chunks': [b'12345']}):
                a = self.decline('a.example', status)
                talker = self.talk()
                data = request('a.example', '/', EXPECT, **how)
                at = data.index(b'\r\n\r\n') + 4
                talker.send(data[:at])
                self.assertEqual(talker.answer().body, b'no')
                self.assertTrue(talker.ended())
                talker.socket.close()
                self.assertEqual(a.raw, data[:at])
        self.assertEqual(self.refusals(), [])

    def declined_then(self, *more):
        """What the client sends behind the response, body or not, goes to
        nobody."""
        a = self.decline('a.example', '417 Expectation Failed')
        talker = self.talk()
        data = request('a.example', '/', EXPECT, body=b'12345')
        talker.send(data[:-5])
        self.assertEqual(talker.answer().status, 417)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for each in more:
                talker.send(each)
                time.sleep(0.05)
        self.assertEqual(talker.rest(), b'')
        self.assertEqual((a.raw, self.b.raw), (data[:-5], b''))
        talker.socket.close()

    def test_next_request_instead_of_the_body(self):
        self.declined_then(request('b.example', '/never'))
        self.declined_then(request('a.example', '/never'))

    def test_body_all_the_same(self):
        self.declined_then(b'12345', request('b.example', '/never'))

    def test_body_begun_before(self):
        """A byte of it was there: the client sends all of it, and goes
        on."""
        def play(reader):
            _, fields = reader.head()
            reader.exactly(1)
            reader.socket.sendall(response(b'no', status='413 Too Large'))
            reader.exactly(4)
            stay(reader)
        self.act('a.example', play)
        talker = self.talk()
        data = request('a.example', '/', EXPECT, body=b'12345')
        talker.send(data[:-4])
        self.assertEqual(talker.answer().status, 413)
        talker.send(data[-4:], request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')

    def test_closed(self):
        """The tenant says that it closes."""
        self.decline('a.example', '417 Expectation Failed', close=True)
        talker = self.talk()
        talker.send(request('a.example', '/', EXPECT, body=b'12345')[:-5])
        self.assertEqual(talker.answer().status, 417)
        self.assertTrue(talker.ended())


@peers.need_node
class Clients(Case):
    """curl and node, each with the next request following."""

    def setUp(self):
        super().setUp()
        peers.node(self, self.host('n.example') / 'http-socket', SERVER)

    def by_node(self, asked, on_response=''):
        done = subprocess.run(
            [peers.NODE, '-e', CLIENT % on_response, str(self.daemon.http),
             json.dumps(asked)], capture_output=True, text=True, timeout=40)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return json.loads(done.stdout)

    def by_curl(self, *asked):
        """Asks for each (size of the body or None, url); gives what was said
        and how many connections each took.  curl expects 100-continue for
        what is larger than a megabyte."""
        words = []
        for size, url in asked:
            words += ['--next'] * bool(words) + [
                '-s', '-m', '20', '-x', f'http://127.0.0.1:{self.daemon.http}',
                '--expect100-timeout', '15', '-w', ' %{num_connects}\n', url]
            if size is not None:
                file = self.hosts / f'body-{size}'
                file.write_bytes(b'x' * size)
                words += ['--data-binary', f'@{file}']
        done = subprocess.run(['curl', *words], capture_output=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.decode().splitlines()

    def test_curl_accepted(self):
        self.assertEqual(
            self.by_curl((LARGE, 'http://n.example/yes'),
                         (LARGE, 'http://n.example/2'),
                         (None, 'http://b.example/3'),
                         (5, 'http://n.example/4')),
            [f'POST n.example http://n.example/yes {LARGE} 1',
             f'POST n.example http://n.example/2 {LARGE} 0',
             'b.example http://b.example/3 0',
             'POST n.example http://n.example/4 5 0'])

    def test_curl_declined(self):
        """Told 417 it asks again, without Expect."""
        for status, said in (('417 Expectation Failed', 'yes'),
                             ('413 Content Too Large', 'no')):
            a = self.decline('a.example', status)
            first, second, third = self.by_curl(
                (LARGE, 'http://a.example/'), (None, 'http://b.example/2'),
                (LARGE, 'http://n.example/yes'))
            self.assertEqual(first.split(' ')[0], said)
            self.assertEqual(second.split(' ')[:2],
                             ['b.example', 'http://b.example/2'])
            self.assertIn(f'/yes {LARGE} ', third)
            self.assertNotIn(b'b.example', a.raw)

    def test_node_accepted(self):
        self.assertEqual(self.by_node([
            ['PUT', 'n.example', '/1', 5000], ['GET', 'b.example', '/2', None],
            ['PUT', 'n.example', '/3', 70000]]),
            ['200 PUT n.example /1 5000', '200 b.example /2',
             '200 PUT n.example /3 70000'])

    def declined_by_node(self, on_response):
        """http.Agent may take its socket for free then.  Each later request
        is answered rightly or fails, and none of it is read as a body."""
        for status in ('417 Expectation Failed', '413 Content Too Large'):
            a = self.decline('a.example', status)
            said = self.by_node(
                [['PUT', 'a.example', '/1', 500],
                 ['GET', 'b.example', '/2', None],
                 ['GET', 'b.example', '/3', None],
                 ['PUT', 'n.example', '/4', 5]], on_response)
            self.assertEqual(said[0], f'{status[:3]} no')
            self.assertIn(said[1], ('200 b.example /2', 'ECONNRESET'))
            self.assertEqual(said[2:], ['200 b.example /3',
                                        '200 PUT n.example /4 5'])
            self.assertNotIn(b'b.example', a.raw)
            self.assertEqual(a.raw.count(b'HTTP/1.1'), 1)

    def test_node_declined(self):
        self.declined_by_node('')

    def test_node_declined_and_ended(self):
        """The program says that its request is complete without a body, and
        the agent sends the next one behind the head."""
        self.declined_by_node('request.end();')


class Early(Case):
    """A final response before the body is complete."""

    TOO_LARGE = response(b'too large', status='413 Content Too Large')

    def refusing(self, name, reads=1000, close=False, status=TOO_LARGE):
        """A tenant that answers after some of the body, and reads no more."""
        def play(reader):
            reader.exactly(reads)
            reader.socket.sendall(status)
            if not close:
                wait_for(lambda: self.finished, 40, 0.1)
        self.finished = False
        self.addCleanup(setattr, self, 'finished', True)
        return self.act(name, play)

    def slow_upload(self, name, chunked_, seconds=6):
        """A client that reads only when it has sent all that it has."""
        talker = self.talk(30)
        piece = b'x' * 20000
        n = int(seconds / 0.3)
        talker.send(request(name, '/', 'Transfer-Encoding: chunked' if chunked_
                            else f'Content-Length: {n * len(piece)}',
                            method='PUT'))
        for _ in range(n):
            talker.send(chunked(piece)[:-5] if chunked_ else piece)
            time.sleep(0.3)
        if chunked_:
            talker.send(b'0\r\n\r\n')
        answer = talker.answer()
        self.assertEqual((answer.status, answer.body), (413, b'too large'))

    def test_slow_uploads(self):
        """Sent for six seconds behind the answer: nothing is reset."""
        self.refusing('close.example', close=True)
        self.refusing('stay.example')
        together(*(lambda name=name, how=how: self.slow_upload(name, how)
                   for name in ('close.example', 'stay.example')
                   for how in (False, True)))

    def test_fast_uploads(self):
        """More than all buffers hold; the client stops at the end or at the
        answer."""
        self.refusing('close.example', close=True)
        self.refusing('stay.example')

        def one(name):
            talker = self.talk(30)
            data = request(name, body=b'x' * 30_000_000)
            talker.socket.settimeout(0.5)
            with contextlib.suppress(OSError):
                talker.socket.sendall(data)
            talker.socket.settimeout(10)
            self.assertEqual(talker.answer().status, 413)
            talker.socket.close()
        for name in ('close.example', 'stay.example'):
            for _ in range(3):
                one(name)

    @unittest.skipUnless(peers.shutil.which('curl'), 'no curl')
    def test_curl(self):
        """It hears the answer and stops; the tenant closes or does not."""
        file = self.hosts / 'large'
        file.write_bytes(b'x' * 30_000_000)
        self.refusing('close.example', close=True)
        self.refusing('stay.example')
        for name in ('close.example', 'stay.example'):
            for options in (('-T', str(file)), (
                    '-T', str(file), '-H', 'Transfer-Encoding: chunked')):
                _, said = self.curl(name, self.daemon.http, '-H', 'Expect:',
                                    '-w', '%{http_code}', *options,
                                    scheme='http')
                self.assertEqual(said, 'too large413')

    def test_nothing_of_the_next(self):
        """What stands behind a body that was not taken goes to nobody."""
        a = self.refusing('a.example', close=True)
        talker = self.talk()
        data = request('a.example', '/', body=b'x' * 5_000_000)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            talker.send(data, request('b.example', '/never'))
        self.assertEqual(talker.answer().status, 413)
        self.assertTrue(talker.ended())
        self.assertEqual(self.b.raw, b'')
        self.assertNotIn(b'/never', a.raw)

    def test_taken_after_all(self):
        """The tenant takes its time, and takes the body: the next exchange
        follows on the same connection."""
        def play(reader):
            reader.exactly(1000)
            reader.socket.sendall(self.TOO_LARGE)
            while len(reader.raw) < 3_000_000:
                time.sleep(0.02)
                reader.more()
            stay(reader)
        for how in ({'body': b'x' * 3_000_000},
                    {'chunks': [b'x' * 10000] * 300}):
            self.act('a.example', play)
            talker = self.talk(30)
            data = request('a.example', '/', **how)

            def send(talker=talker, data=data):
                talker.send(data, request('b.example', '/2'))

            def read(talker=talker):
                self.assertEqual(talker.answer().status, 413)
                self.good(talker, 'b.example', '/2')
            together(send, read)
            talker.socket.close()


class FullDuplex(Case):
    def test_echo_while_it_comes(self):
        """A response may flow while its request does."""
        def play(reader):
            reader.head()
            reader.socket.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 5000'
                                  b'\r\n\r\n')
            for _ in range(50):
                reader.socket.sendall(reader.exactly(100))
            with contextlib.suppress(End):
                stay(reader)
        self.act('a.example', play)
        talker = self.talk()
        talker.send(request('a.example', '/', 'Content-Length: 5000',
                            method='POST'))
        words, fields = talker.head()
        self.assertEqual((words[1], fields['content-length']),
                         ('200', '5000'))
        for i in range(50):
            piece = b'%02d' % i * 50
            talker.send(piece)
            self.assertEqual(talker.exactly(100), piece)
        talker.send(request('b.example', '/2'))
        self.good(talker, 'b.example', '/2')


if __name__ == '__main__':
    unittest.main()
