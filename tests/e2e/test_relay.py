# SPDX-License-Identifier: ISC
"""The relay: both directions, each for itself."""
import ctypes
import hashlib
import contextlib
import os
import queue
import socket
import stat
import subprocess
import threading
import time

import harness
import held
import wire
from harness import ROOT, echo_server, wait_for

MB = 1 << 20
BLOCK = os.urandom(MB)
STALLED_BELOW = 16 * MB     # socket buffers of four sockets, at their maximum
PIDFD_OPEN, PIDFD_GETFD = 434, 438


def take_descriptor(pid, number):
    """A duplicate of another process's socket; needs root."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
    fd = libc.syscall(PIDFD_GETFD, pidfd, number, 0)
    os.close(pidfd)
    if fd == -1:
        return None
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    return socket.socket(fileno=fd)


class Meter:
    """Counts and hashes bytes on their way."""

    def __init__(self):
        self.count = 0
        self.sum = hashlib.sha256()

    def add(self, data):
        self.count += len(data)
        self.sum.update(data)

    def digest(self):
        return self.sum.hexdigest()


def pour(connection, meter, total):
    """Sends total bytes, as fast as they are taken."""
    while meter.count < total:
        n = connection.send(BLOCK[:min(65536, total - meter.count)])
        meter.add(BLOCK[:n])


def drink(connection, meter, limit=None):
    """Receives to the end, or at least limit bytes."""
    while limit is None or meter.count < limit:
        data = connection.recv(65536)
        if not data:
            return
        meter.add(data)


class Relay(harness.Case):
    """One tenant, a.example; what it does is each test's own."""

    def begin(self, serve, *options):
        """Starts daemon and tenant; serve gets the connection once the flight
        is read, and may put its findings into self.found."""
        self.found = queue.Queue()
        self.flight = wire.hello('a.example')
        def after_flight(connection):
            connection.settimeout(20)
            held.exactly(connection, len(self.flight))
            serve(connection)
        self.tenant(self.host('a.example') / 'tls-socket', after_flight)
        self.daemon = self.usherd(*options)
        return self.daemon

    def client(self, seconds=20, receive_buffer=None):
        client = socket.socket()
        self.addCleanup(client.close)
        client.settimeout(seconds)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                              receive_buffer)
        client.connect(('127.0.0.1', self.daemon.tls))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(self.flight)
        return client

    def relays(self):
        return held.children(self.daemon, 'usherd-relay')


class HalfClose(Relay):
    def test_client_ends_first(self):
        """A client that shuts down its sending side still gets the whole
        answer."""
        def serve(connection):
            self.found.put(connection.recv(100))
            pour(connection, Meter(), 5 * MB)
        self.begin(serve)
        client = self.client()
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.found.get(timeout=10), b'')
        answer, sent = Meter(), Meter()
        drink(client, answer)
        self.assertEqual(answer.count, 5 * MB)
        for _ in range(5 * MB // 65536):
            sent.add(BLOCK[:65536])
        self.assertEqual(answer.digest(), sent.digest())

    def test_tenant_ends_first(self):
        """And the other way round: the tenant still gets the upload."""
        def serve(connection):
            connection.shutdown(socket.SHUT_WR)
            upload = Meter()
            drink(connection, upload)
            self.found.put(upload)
        self.begin(serve)
        client = self.client()
        self.assertEqual(client.recv(100), b'')
        sent = Meter()
        pour(client, sent, 5 * MB)
        client.shutdown(socket.SHUT_WR)
        upload = self.found.get(timeout=20)
        self.assertEqual((upload.count, upload.digest()),
                         (5 * MB, sent.digest()))

    def test_both_end(self):
        """The second end closes the connection, and quickly."""
        self.begin(lambda connection: drink(connection, Meter()))
        before = [held.descriptors(pid) for pid in self.relays()]
        client = self.client()
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(100), b'')
        wait_for(lambda: before == [held.descriptors(pid)
                                    for pid in self.relays()], 1)


class BackPressure(Relay):
    """A stopped reader stops the other side; memory stays flat."""

    def stalled(self, meter):
        """Waits until nothing moves for half a second; gives how much did."""
        end = time.monotonic() + 10
        last = -1
        while meter.count != last and time.monotonic() < end:
            last = meter.count
            time.sleep(0.5)
        return last

    def flat(self, before):
        for pid, size in before.items():
            if held.as_shipped():
                self.assertLess(held.rss(pid) - size, 512)

    def memory(self):
        return {pid: held.rss(pid) for pid in self.relays()}

    def test_client_that_does_not_read(self):
        sent = Meter()
        self.begin(lambda connection: pour(connection, sent, 64 * MB), '-j',
                   '1')
        before = self.memory()
        client = self.client(receive_buffer=65536)
        self.assertLess(self.stalled(sent), STALLED_BELOW)
        self.flat(before)
        received = Meter()
        drink(client, received)
        self.assertEqual((received.count, received.digest()),
                         (64 * MB, sent.digest()))
        self.flat(before)

    def test_tenant_that_does_not_read(self):
        go = threading.Event()
        def serve(connection):
            go.wait(20)
            received = Meter()
            drink(connection, received)
            self.found.put(received)
        self.begin(serve, '-j', '1')
        before = self.memory()
        client, sent = self.client(), Meter()
        def upload():
            pour(client, sent, 64 * MB)
            client.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=upload, daemon=True)
        thread.start()
        self.assertLess(self.stalled(sent), STALLED_BELOW)
        self.flat(before)
        go.set()
        received = self.found.get(timeout=30)
        thread.join(5)
        self.assertEqual((received.count, received.digest()),
                         (64 * MB, sent.digest()))
        self.flat(before)

    def test_stalled_costs_nothing(self):
        """A stopped pair is not polled."""
        sent = Meter()
        self.begin(lambda connection: pour(connection, sent, 64 * MB))
        client = self.client(receive_buffer=65536)
        self.stalled(sent)
        before = held.cpu(held.processes(self.daemon))
        time.sleep(1)
        self.assertLessEqual(held.cpu(held.processes(self.daemon)) - before,
                             0.01)
        client.close()

    def test_both_ways_at_once(self):
        """An echo of 32 MB comes back whole."""
        self.begin(echo_server)
        client, sent, received = self.client(), Meter(), Meter()
        def upload():
            pour(client, sent, 32 * MB)
            client.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=upload, daemon=True)
        thread.start()
        drink(client, received)
        thread.join(5)
        self.assertEqual((received.count, received.digest()),
                         (32 * MB, sent.digest()))


class Endings(Relay):
    def test_early_answer(self):
        """A tenant that answers and closes without reading the upload: the
        client gets the whole answer and no reset."""
        def serve(connection):
            connection.sendall(BLOCK[:300000])
        self.begin(serve)
        for _ in range(20):
            client = self.client()
            client.sendall(BLOCK[:100000])
            self.assertEqual(wire.read_all(client), BLOCK[:300000])
            client.close()

    def test_early_answer_during_upload(self):
        """The same while the client goes on sending for a while."""
        def serve(connection):
            connection.sendall(BLOCK[:300000])
        self.begin(serve)
        client = self.client()
        for at in range(0, 500000, 50000):
            client.sendall(BLOCK[at:at + 50000])
            time.sleep(0.05)
        self.assertEqual(wire.read_all(client), BLOCK[:300000])

    def test_slow_reader_of_the_last_answer(self):
        """Bytes that the client has not fetched when the tenant is long gone
        are not cut off."""
        def serve(connection):
            connection.sendall(BLOCK)
        self.begin(serve)
        client = self.client(receive_buffer=16384)
        time.sleep(3)
        self.assertEqual(wire.read_all(client), BLOCK)

    def test_client_resets(self):
        """The tenant sees the end within a second."""
        def serve(connection):
            self.found.put('begun')
            began = time.monotonic()
            try:
                connection.recv(100)
            except ConnectionResetError:
                pass
            self.found.put(time.monotonic() - began)
        self.begin(serve)
        client = self.client()
        self.found.get(timeout=5)
        held.reset(client)
        self.assertLess(self.found.get(timeout=10), 1)

    def test_client_resets_a_sending_tenant(self):
        """Also one that is stuck in sending."""
        sent = Meter()
        def serve(connection):
            try:
                pour(connection, sent, 64 * MB)
            except OSError as error:
                self.found.put(error)
        self.begin(serve)
        client = self.client(receive_buffer=65536)
        wait_for(lambda: sent.count > MB // 4)
        client.recv(1000)
        held.reset(client)
        self.assertIsInstance(self.found.get(timeout=2), BrokenPipeError)

    def test_client_resets_when_it_has_its_refusal(self):
        """The relay does not wait for it to leave."""
        daemon = self.usherd('-j', '1', tls=0)
        pids = held.ready_children(daemon, 2)
        before = [held.descriptors(pid) for pid in pids]
        for _ in range(20):
            client = wire.connect(daemon.http)
            client.sendall(wire.head('nobody.example'))
            self.assertIn(b' 404 ', client.recv(1000))
            held.reset(client)
        wait_for(lambda: [held.descriptors(pid) for pid in pids] == before,
                 1)

    def test_tenant_resets(self):
        """A tenant that closes with bytes unread ends the connection."""
        def serve(connection):
            self.found.put(connection)
            self.go.wait(10)
        self.go = threading.Event()
        self.begin(serve)
        client = self.client()
        self.found.get(timeout=5)
        client.sendall(b'never read')
        time.sleep(0.1)
        self.go.set()
        client.settimeout(1)
        self.assertEqual(client.recv(100), b'')


class Quiet(Relay):
    def test_thousand_idle_connections_cost_nothing(self):
        """1000 idle connections: no CPU in 3 s, over all processes."""
        held.want_descriptors(self, 4096)
        path = self.host('a.example') / 'tls-socket'
        self.daemon = self.usherd()
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        os.chmod(path, 0o666)
        listener.listen(1024)
        self.flight = wire.hello('a.example')
        clients, accepted = [], []
        for _ in range(1000):
            clients.append(self.client())
            accepted.append(listener.accept()[0])
            self.addCleanup(accepted[-1].close)
        time.sleep(0.7)     # the last ping is answered
        before = held.cpu(held.processes(self.daemon))
        time.sleep(3)
        # one tick of the kernel's clock, which counts in hundredths
        self.assertLess(held.cpu(held.processes(self.daemon)) - before, 0.015)
        clients[0].sendall(b'x')
        accepted[0].settimeout(5)
        self.assertEqual(held.exactly(accepted[0], len(self.flight) + 1),
                         self.flight + b'x')


class Options(Relay):
    def test_keepalive_seen_from_outside(self):
        """TCP keepalive on the client side."""
        self.begin(echo_server)
        client = self.client()
        client.sendall(b'x')
        client.recv(1)
        time.sleep(0.1)
        done = subprocess.run(
            ['ss', '-tnoH', 'state', 'established',
             f'( sport = :{self.daemon.tls} and '
             f'dport = :{client.getsockname()[1]} )'],
            capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r'timer:\(keepalive,')

    @harness.unittest.skipUnless(ROOT, 'only root may look into a process')
    def test_options_of_the_client_side(self):
        """Keepalive and no delay; readiness from one byte on again."""
        self.begin(echo_server, '-j', '1')
        client = self.client()
        client.sendall(b'x')
        client.recv(1)
        found = []
        for pid in self.relays():
            for number in range(16, 28):
                one = take_descriptor(pid, number)
                if one is None:
                    continue
                if one.family == socket.AF_INET:
                    found.append((
                        one.getsockopt(socket.SOL_SOCKET,
                                       socket.SO_KEEPALIVE),
                        one.getsockopt(socket.IPPROTO_TCP,
                                       socket.TCP_NODELAY),
                        one.getsockopt(socket.SOL_SOCKET,
                                       socket.SO_RCVLOWAT)))
                one.close()
        self.assertEqual(found, [(1, 1, 1)])


class Odd(Relay):
    def test_descriptors_from_a_tenant(self):
        """SCM_RIGHTS in a tenant's stream do not fill the relay's table."""
        def serve(connection):
            null = os.open('/dev/null', os.O_RDONLY)
            for _ in range(20):
                try:
                    socket.send_fds(connection, [b'0123456789'], [null] * 250)
                except PermissionError:     # Linux 6.16: SO_PASSRIGHTS
                    connection.sendall(b'0123456789')
                time.sleep(0.01)
            os.close(null)
            echo_server(connection)
        self.begin(serve, '-j', '1')
        before = {pid: held.descriptors(pid) for pid in self.relays()}
        client = self.client()
        data = held.exactly(client, 200)
        client.sendall(b'x')
        self.assertEqual((data, client.recv(9)), (b'0123456789' * 20, b'x'))
        for pid, n in before.items():
            self.assertLessEqual(held.descriptors(pid), n + 6)
        client.close()
        wait_for(lambda: before == {pid: held.descriptors(pid)
                                    for pid in self.relays()}, 3)

    def urgent(self, pieces):
        """Sends pieces in turn, each second one as urgent data."""
        client = wire.connect(self.daemon.tls, 12)
        self.addCleanup(client.close)
        for number, piece in enumerate(pieces):
            with contextlib.suppress(ConnectionResetError):
                client.send(piece, socket.MSG_OOB if number % 2 else 0)
            time.sleep(0.1)
        return client

    def test_urgent_data_in_a_stream(self):
        """An urgent byte is not lost or shifted: the stream goes on
        with it in its place, or the connection ends there."""
        self.begin(echo_server)
        client = self.urgent([self.flight + b'abc', b'!', b'def'])
        try:
            answer = held.exactly(client, 7)
        except OSError:
            answer = b''
        self.assertTrue(b'abc!def'.startswith(answer), answer)

    def test_urgent_data_in_a_hello(self):
        """The same, or the alert for a hello that never is complete."""
        self.begin(echo_server)
        client = self.urgent([self.flight[:50], self.flight[50:51],
                              self.flight[51:] + b'abc'])
        answer = client.recv(100)
        self.assertIn(answer, (b'abc', harness.alert(90),
                               harness.alert(50)))

    def test_urgent_data_costs_no_other(self):
        """Whatever becomes of it: nobody spins."""
        self.begin(echo_server)
        self.urgent([self.flight + b'abc', b'!', b'def'])
        self.urgent([self.flight[:50], self.flight[50:51],
                     self.flight[51:] + b'abc'])
        before = held.cpu(held.processes(self.daemon))
        time.sleep(1)
        self.assertLess(held.cpu(held.processes(self.daemon)) - before, 0.05)

    def test_tiny_writes(self):
        """5000 writes of one byte each way."""
        def serve(connection):
            for _ in range(5000):
                connection.sendall(connection.recv(1))
        self.begin(serve)
        client = self.client()
        text = bytes(n % 251 for n in range(5000))
        def upload():
            for n in range(5000):
                client.sendall(text[n:n + 1])
        thread = threading.Thread(target=upload, daemon=True)
        thread.start()
        answer = held.exactly(client, 5000)
        thread.join(5)
        self.assertEqual(answer, text)


if __name__ == '__main__':
    harness.unittest.main()
