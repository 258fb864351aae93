# SPDX-License-Identifier: ISC
"""usherd's part of a hand-off, played by a test, and servers that know nothing
of it, under libusher-accept.so."""
import atexit
import contextlib
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import harness
from receiver import TLS
from runs import NOBODY, SANITIZERS



def _library():
    """Where other users can read it too, whoever owns this directory."""
    built = harness.BUILD / 'libusher-accept.so'
    if not harness.ROOT:
        return str(built)
    place = tempfile.mkdtemp(prefix='usher-library.')
    atexit.register(shutil.rmtree, place)
    os.chmod(place, 0o755)
    return shutil.copy(built, place)


LIBRARY = _library()
SECONDS = 10
LOOPBACK = {socket.AF_INET: '127.0.0.1', socket.AF_INET6: '::1'}

# What the programs of tests begin with: they tell what they see in lines of
# JSON, and are told what to do next in lines of text.
PRELUDE = '''
import json, os, socket, sys, threading, time
from socket import *

def tell(*values):
    os.write(1, json.dumps(values if len(values) != 1 else values[0])
             .encode() + b'\\n')

def loopback(pid):
    """An address for those who bind a certain port, several at a time."""
    return f'127.{1 + (pid >> 16) % 254}.{pid >> 8 & 255}.{pid & 255}'

def told():
    return sys.stdin.readline().strip()

def error_of(function, *arguments):
    try:
        function(*arguments)
        return 0
    except OSError as error:
        return error.errno

def serve(listener, times=1):
    """Tells each client's address; sends it a byte and what it said back."""
    for _ in range(times):
        client, address = listener.accept()
        with client:
            client.sendall(b'>' + client.recv(100))
        tell(address)
'''

# Hands over what it is given, as the user that runs it.  Who refuses him may
# be quicker.
HAND = '''
import socket, sys
stream = socket.socket(socket.AF_UNIX)
stream.connect(sys.argv[1])
try:
    socket.send_fds(stream, [b'usher\\x01t\\x00'], [int(sys.argv[2])])
except BrokenPipeError:
    pass
'''


def reach(path, kind=socket.SOCK_STREAM):
    """A socket connected to a path of any length."""
    stream = socket.socket(socket.AF_UNIX, kind)
    pinned = os.open(path, os.O_PATH)
    try:
        stream.connect(f'/proc/self/fd/{pinned}')
    except OSError:
        stream.close()
        raise
    finally:
        os.close(pinned)
    stream.settimeout(SECONDS)
    return stream


def connection(family=socket.AF_INET, at=None):
    """A TCP connection: the client's end and usherd's."""
    with socket.socket(family) as listener:
        listener.bind(('::' if at else LOOPBACK[family], 0))
        listener.listen()
        client = socket.create_connection(
            (at or LOOPBACK[family], listener.getsockname()[1]), SECONDS)
        return client, listener.accept()[0]


def hand(path, family=socket.AF_INET, at=None, message=TLS):
    """Gives a client of that family whose connection is handed over; at is
    what it connects to where that is not of the same family."""
    client, accepted = connection(family, at)
    with accepted, reach(path) as stream:
        socket.send_fds(stream, [message], [accepted.fileno()])
    return client


class Server:
    """A program under the library; it is told and it tells."""

    def __init__(self, test, script, *arguments, listen=None, trust=None,
                 replace=None, preload=True, **how):
        env = {name: value for name, value in os.environ.items()
               if name != 'LD_PRELOAD' and not name.startswith('USHER_')}
        if preload:
            env.update(SANITIZERS, LD_PRELOAD=LIBRARY)
        if listen is not None:
            env['USHER_LISTEN'] = listen
        if trust is not None:
            env['USHER_TRUST'] = trust
        if replace is not None:
            env['USHER_REPLACE'] = replace
        self.process = subprocess.Popen(
            [sys.executable, '-c', PRELUDE + script, *map(str, arguments)],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, **how)
        self.pid = self.process.pid
        self.lines = queue.Queue()
        self.errors = b''
        self.threads = [threading.Thread(target=reader, daemon=True)
                        for reader in (self._read, self._read_errors)]
        for thread in self.threads:
            thread.start()
        test.addCleanup(self.end)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def told(self):
        """The next thing that it tells."""
        try:
            return json.loads(self.lines.get(timeout=SECONDS))
        except queue.Empty:
            self.end()
            raise AssertionError('it says nothing: ' +
                                 self.errors.decode()) from None

    def tell(self, line=''):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def wait(self):
        """Until it ends by itself; gives its status."""
        status = self.process.wait(SECONDS)
        for thread in self.threads:
            thread.join(SECONDS)
        return status

    def end(self):
        """It, and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()
        for pipe in (self.process.stdin, self.process.stdout,
                     self.process.stderr):
            pipe.close()

    def descriptors(self):
        return len(os.listdir(f'/proc/{self.pid}/fd'))


class Case(unittest.TestCase):
    """A host's directory, and servers for it."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix='usher-test.'))
        os.chmod(cls.scratch, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)

    def setUp(self):
        self.host = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        os.chmod(self.host, 0o755)
        self.path = self.host / 'tls-handoff'

    def server(self, script, *arguments, **how):
        return Server(self, script, *arguments, **how)

    def hand(self, *arguments, **how):
        """To self.path, if no other is given."""
        client = hand(*arguments or (self.path,), **how)
        self.addCleanup(client.close)
        return client

    def visit(self, server, *arguments, **how):
        """One client that is served; gives its name and what the server took
        it for."""
        client = self.hand(*arguments, **how)
        client.sendall(b'hello')
        self.assertEqual(self.all_of(client), b'>hello')
        return client.getsockname(), server.told()

    def all_of(self, client):
        data = b''
        while piece := client.recv(100):
            data += piece
        return data

    def turned_away(self, client):
        """Its connection ends without a byte."""
        try:
            self.assertEqual(client.recv(1), b'')
        except ConnectionResetError:
            pass

    def hand_as_nobody(self, path):
        """Gives the client; somebody else has tried to hand it over."""
        client, accepted = connection()
        self.addCleanup(client.close)
        with accepted:
            subprocess.run([*NOBODY, sys.executable, '-c', HAND, str(path),
                            str(accepted.fileno())], check=True,
                           pass_fds=[accepted.fileno()], timeout=SECONDS)
        return client
