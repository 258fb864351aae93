# SPDX-License-Identifier: ISC
"""What the end-to-end tests share: usherd under test, tenants, clients.

Everything runs on loopback and in a temporary directory; every process is
ended by the pid that was started.  USHER_BUILD names the build directory
(default: build/ of this tree).
"""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import wire

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('USHER_BUILD', TOP / 'build')).resolve()
HELLOS = TOP / 'tests' / 'hellos'
ROOT = os.geteuid() == 0


def user_of_usherd():
    """Started by root it becomes _usherd.  Where the system has no such user,
    that is one who is no tenant in any test, and is named to it by -u."""
    if not ROOT:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam('_usherd').pw_name
    except KeyError:
        return 'bin'


USER = user_of_usherd()


def wait_for(what, seconds=10.0, step=0.02):
    """Calls what() until it is true; gives its value, or raises."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'not within {seconds} s: {what}')
        time.sleep(step)


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as f:
        return [int(word) for word in f.read().split()]


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    with open(f'/proc/{pid}/status') as f:
        return dict(line.rstrip('\n').split(':\t', 1)
                    for line in f if ':\t' in line)


def with_user(command):
    """A command line in which usherd is started, with -u where it needs it."""
    words = [str(word) for word in command]
    if not ROOT or USER == '_usherd':
        return words
    for i, word in enumerate(words):
        if os.path.basename(word) == 'usherd':
            return words[:i + 1] + ['-u', USER] + words[i + 1:]
    return words


# What usherd is started by, when not by itself: a command and its options.
WRAPPER = []


class Usherd:
    """usherd on ephemeral loopback ports, with a hosts directory."""

    def __init__(self, hosts, *options, tls=1, http=1, build=BUILD,
                 env=None, preexec=None, stdin=subprocess.DEVNULL,
                 pass_fds=(), command=None, cwd=None):
        self.hosts = hosts
        if command is None:     # else it is the whole command line
            command = [str(build / 'usherd'), '-d', str(hosts), *options]
            command += ['-t', '127.0.0.1:0'] * tls
            command += ['-p', '127.0.0.1:0'] * http
        command = [*WRAPPER, *command]
        self.log_lines = []
        self.log_raw = b''      # the same, not decoded
        self.process = subprocess.Popen(
            with_user(command), stdin=stdin, stderr=subprocess.PIPE, env=env,
            cwd=cwd, preexec_fn=preexec, pass_fds=pass_fds)
        self.pid = self.process.pid
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ports = {'tls': [], 'http': []}

    def _read(self):
        for line in self.process.stderr:
            self.log_raw += line
            self.log_lines.append(line.decode(errors='replace').rstrip('\n'))

    def start(self, listeners=2):
        """Waits until it listens; raises with all that it said if it does
        not."""
        def listening():
            return re.findall(r'listening on (\S+):(\d+) for (\w+)',
                              self.log())

        def ended():
            return self.process.poll() is not None
        with contextlib.suppress(AssertionError):
            wait_for(lambda: ended() or len(listening()) >= listeners, 20)
        if ended() or len(listening()) < listeners:
            raise AssertionError(self.failure())
        for _, port, protocol in listening():
            self.ports[protocol].append(int(port))
        return self

    def failure(self):
        status = self.process.poll()
        if status is None:
            return f'not listening within 20 s; it said:\n{self.log()}'
        self.reader.join(5)     # its last words may be on their way
        return f'usherd ended with status {status}; it said:\n{self.log()}'

    @property
    def tls(self):
        return self.ports['tls'][0]

    @property
    def http(self):
        return self.ports['http'][0]

    def log(self):
        """What has come so far."""
        return '\n'.join(self.log_lines)

    def said(self, quiet=0.2):
        """The log, once no more of it comes: it is written by a process of
        its own, and so later than what it tells of has happened."""
        for _ in range(100):
            n = len(self.log_raw)
            time.sleep(quiet)
            if len(self.log_raw) == n:
                break
        return self.log()

    def wait_log(self, pattern, seconds=10, after=0):
        """The first log line from number after on that matches."""
        def found():
            for line in self.log_lines[after:]:
                if re.search(pattern, line):
                    return line
            return None
        return wait_for(found, seconds)

    def children(self):
        """pids of all others than the launcher; see also held.py."""
        return children_of(self.pid)

    def stop(self, number=signal.SIGTERM, seconds=20):
        """Gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.reader.join(5)
        self.process.stderr.close()
        return status


class Tenant:
    """A small server of our own on a UNIX socket, one thread a connection.

    serve(connection) does the talking; received collects what http() and
    tls() have read.
    """

    def __init__(self, path, serve, mode=0o666, backlog=512):
        self.path = str(path)
        self.serve = serve
        self.accepted = 0
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.socket = socket.socket(socket.AF_UNIX)
        # the path may be longer than sun_path: bind below its directory
        cwd = os.open('.', os.O_RDONLY)
        with BIND_LOCK:
            os.chdir(os.path.dirname(self.path))
            self.socket.bind(os.path.basename(self.path))
            os.fchdir(cwd)
        os.close(cwd)
        os.chmod(self.path, mode)
        self.socket.listen(backlog)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._one, args=(connection,),
                             daemon=True).start()

    def _one(self, connection):
        with connection, contextlib.suppress(OSError):
            self.serve(connection)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


BIND_LOCK = threading.Lock()


def read_head(connection):
    data = b''
    while b'\r\n\r\n' not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data


def respond(connection, text, close=True):
    body = text.encode()
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s'
                       % (len(body),
                          b'Connection: close\r\n' if close else b'', body))


def http_server(text):
    """serve() for a tenant that answers one HTTP request with text."""
    def serve(connection):
        if read_head(connection):
            respond(connection, text)
    return serve


def tls_server(text, certificate):
    """The same over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as wrapped:
            if read_head(wrapped):
                respond(wrapped, text)
    return serve


def echo_server(connection):
    """serve() that sends back what comes, and ends when it ends; a GET is
    answered first: wire.echoed()."""
    data = connection.recv(65536)
    while data.startswith(b'GET ') and b'\r\n\r\n' not in data and \
            (more := connection.recv(65536)):
        data += more
    connection.sendall(wire.echoed(data))
    while data:
        data = connection.recv(65536)
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


class Case(unittest.TestCase):
    """A test with a hosts directory that goes away with it."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix='usher-test.'))
        os.chmod(cls.scratch, 0o755)
        cls.certificate = make_certificate(cls.scratch)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch, ignore_errors=True)

    def setUp(self):
        self.hosts = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        os.chmod(self.hosts, 0o755)

    def host(self, name):
        path = self.hosts / name
        path.mkdir(exist_ok=True)
        os.chmod(path, 0o755)
        return path

    def tenant(self, path, serve, **how):
        tenant = Tenant(path, serve, **how)
        self.addCleanup(tenant.close)
        return tenant

    def usherd(self, *options, **how):
        listeners = how.get('tls', 1) + how.get('http', 1)
        daemon = Usherd(self.hosts, *options, **how)
        self.addCleanup(daemon.stop, signal.SIGKILL)
        return daemon.start(listeners)

    def curl(self, name, port, *options, scheme='https', path='/'):
        """Gives curl's exit status and what it printed."""
        done = subprocess.run(
            ['curl', '-sk', '-m', '20', '--noproxy', '*',
             '--resolve', f'{name}:{port}:127.0.0.1', *options,
             f'{scheme}://{name}:{port}{path}'],
            capture_output=True, text=True, errors='replace')
        return done.returncode, done.stdout


def make_certificate(directory):
    """A certificate for *.example; gives the paths of it and its key."""
    certificate, key = directory / 'cert.pem', directory / 'key.pem'
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
         'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
         '-keyout', key, '-out', certificate, '-subj', '/CN=tenant.example',
         '-addext', 'subjectAltName=DNS:*.example,DNS:*.b.example'],
        check=True, capture_output=True)
    os.chmod(key, 0o644)
    return str(certificate), str(key)


def exchange(port, data, half_close=False, seconds=20):
    """Sends data to a port, reads to the end; gives what came back."""
    with socket.create_connection(('127.0.0.1', port), seconds) as s:
        s.sendall(data)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        answer = b''
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                return answer + b'<reset>'
            if not piece:
                return answer
            answer += piece


def alert(description):
    """The record of a fatal alert."""
    return bytes([21, 3, 3, 0, 2, 2, description])
