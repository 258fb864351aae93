# SPDX-License-Identifier: ISC
"""A machine of the test's own, where the pages' examples mean something.

Run as root, a test file that ends with machine.main() is executed anew in
mount, network and process namespaces of its own.  There /srv, /etc, /home,
/run, /dev, /usr/local and the changing parts of /var are private and go away
with it, ports 443 and 80 are free, and usherd is installed.  Each test finds
/srv empty, and the users _usherd, alice and bob; the last two are in the
group tenants.
"""
import contextlib
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import harness
import held
from harness import BUILD, ROOT, TOP, children_of

INSIDE = 'USHER_TEST_MACHINE'
UNSHARE = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child',
           '--mount-proc', '--propagation', 'private']
USERS = {'_usherd': 61100, 'alice': 61101, 'bob': 61102}
TENANTS = 61110
HOSTS = pathlib.Path('/srv/hosts')
ALICE = pathlib.Path('/home/alice')
HOST = HOSTS / 'a.example'
PATHS = {True: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
         False: '/usr/local/bin:/usr/bin:/bin'}     # as in login.defs(5)
FROM = '127.0.0.9'      # a client whose address is looked for
SECONDS = 20

# What the pages call my-server and server: it listens at --listen, or at
# ports 443 and 80, speaks TLS to who begins with that, says who it is, and
# ends as many servers do, by taking its path with it.
SERVER = '''\
#!/usr/bin/python3
import os, pwd, signal, socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('/home/alice/cert.pem', '/home/alice/key.pem')
paths = sys.argv[2:] if sys.argv[1:2] == ['--listen'] else []
me = '%s of %s' % (os.path.basename(paths[0] if paths else sys.argv[0]),
                   pwd.getpwuid(os.geteuid()).pw_name)

def one(client, peer):
    if client.recv(1, socket.MSG_PEEK) == b'\\x16':
        client = context.wrap_socket(client, server_side=True)
    if b'\\r\\n\\r\\n' not in client.recv(65536):
        return
    body = ('%s for %s' % (me, peer[0] if peer else 'nobody')).encode()
    client.sendall(b'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n'
                   b'Content-Length: %d\\r\\n\\r\\n%s' % (len(body), body))
    client.close()

def serve(listener):
    while True:
        threading.Thread(target=one, args=listener.accept()).start()

def end(*_):
    for path in paths:
        os.unlink(path)
    os._exit(0)

listeners = [socket.socket(socket.AF_UNIX) for _ in paths]
for listener, path in zip(listeners, paths):
    listener.bind(path)
    listener.listen()
if not paths:
    listeners = [socket.create_server(('', port)) for port in (443, 80)]
for listener in listeners:
    threading.Thread(target=serve, args=(listener,)).start()
for number in (signal.SIGTERM, signal.SIGQUIT):
    signal.signal(number, end)
signal.pause()
'''


def main():
    """In place of unittest.main()."""
    # What is installed is made as it is shipped.
    can = ROOT and held.as_shipped() and subprocess.run(
        [*UNSHARE, 'true'], capture_output=True).returncode == 0
    if can and INSIDE not in os.environ:
        os.environ[INSIDE] = '1'
        os.execvp(UNSHARE[0], [*UNSHARE, *sys.orig_argv])
    if INSIDE in os.environ:
        furnish()
    unittest.main()


def run(*command, **how):
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, **how)
    if done.returncode != 0:
        raise AssertionError(f'{command}: {done.stdout}{done.stderr}')
    return done.stdout


def private(place, fill=lambda new: None):
    """A tmpfs takes the place of a directory, but not of what we run."""
    new = pathlib.Path('/mnt')
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', new)
    fill(new)
    for tree in (TOP, BUILD):
        if pathlib.Path(place) in tree.parents:
            kept = new / tree.relative_to(place)
            kept.mkdir(parents=True, exist_ok=True)
            run('mount', '--rbind', tree, kept)
    run('mount', '--no-mtab', '--move', new, place)


def devices(place):
    for name in ('null', 'zero', 'full', 'random', 'urandom', 'tty', 'fd',
                 'stdin', 'stdout', 'stderr'):
        if os.path.lexists('/dev/' + name):
            run('cp', '-a', '/dev/' + name, place)
    (place / 'shm').mkdir()
    (place / 'shm').chmod(0o1777)


def furnish():
    """Makes the machine; nothing of it is seen outside."""
    if os.getpid() != 1:
        raise AssertionError('not in a process namespace of its own')
    run('ip', 'link', 'set', 'lo', 'up')
    private('/etc', lambda etc: run('cp', '-a', '/etc/.', etc))
    private('/dev', devices)
    for place in ('/home', '/run', '/usr/local', '/var/log', '/var/lib/nginx',
                  '/var/lib/apt', '/var/cache/apt', '/var/lib/systemd'):
        if os.path.isdir(place):
            private(place)
    make = shutil.which('gmake') or 'make'
    run(make, '-C', TOP, f'B={BUILD}', 'PREFIX=/usr/local', 'install',
        env={**os.environ, 'MAKEFLAGS': ''})
    for name in ('server', 'my-server'):
        write(f'/usr/local/bin/{name}', SERVER, mode=0o755)
    accounts()
    for name in ('alice', 'bob'):
        os.mkdir(f'/home/{name}', 0o755)
        os.chown(f'/home/{name}', USERS[name], USERS[name])


def accounts():
    """The users, whoever else there was."""
    ours = '|'.join([*USERS, 'tenants'])
    more = {'passwd': [f'{name}:x:{number}:{number}::/home/{name}:/bin/sh'
                       for name, number in USERS.items()],
            'group': [f'{name}:x:{number}:' for name, number in USERS.items()]
            + [f'tenants:x:{TENANTS}:alice,bob'], 'shadow': [], 'gshadow': []}
    for file, lines in more.items():
        path = pathlib.Path('/etc', file)
        if path.exists():
            kept = re.sub(rf'(?m)^({ours}):.*\n', '', path.read_text())
            path.write_text(kept + ''.join(line + '\n' for line in lines))


def write(path, text, owner='root', mode=0o644):
    path = pathlib.Path(path)
    path.write_text(text)
    os.chown(path, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    os.chmod(path, mode)
    return path


def descendants(pid):
    for child in children_of(pid):
        yield from descendants(child)
        yield child


def sweep():
    """Ends what this test has started, and what that has left behind."""
    end = time.monotonic() + SECONDS
    while True:
        left = [pid for pid in descendants(os.getpid())
                if not ended(pid)]
        if not left:
            return
        if time.monotonic() > end:
            raise AssertionError(f'still there: {left}')
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def ended(pid):
    """An orphan is our child and to be reaped by us."""
    try:
        return harness.status_of(pid)['State'].startswith('Z')
    except (FileNotFoundError, ProcessLookupError):
        return True


def listening(path):
    """Whether somebody does; he sees a client that leaves at once."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def wait_for_listener(path):
    harness.wait_for(lambda: listening(path), SECONDS)


def as_user(name):
    """The beginning of a command that this user runs, as after a log-in."""
    entry = pwd.getpwnam(name)
    return ['setpriv', f'--reuid={name}', f'--regid={entry.pw_gid}',
            '--init-groups', 'env', '-i', f'HOME={entry.pw_dir}',
            f'USER={name}', f'PATH={PATHS[name == "root"]}', 'LC_ALL=C.UTF-8']


class Terminal:
    """A user's shell; it goes on from one line to the next."""

    def __init__(self, case, user):
        self.case, self.typed = case, []
        self.scratch = pathlib.Path(
            tempfile.mkdtemp(prefix=f'{user}.', dir=case.scratch))
        self.scratch.chmod(0o755)
        self.report = self.scratch / 'status'
        os.mkfifo(self.report)
        self.report.chmod(0o622)
        self.status = os.open(self.report, os.O_RDWR)
        with open(self.scratch / 'output', 'wb') as output:
            self.shell = subprocess.Popen(
                [*as_user(user), 'sh'], stdin=subprocess.PIPE, text=True,
                stdout=output, stderr=output, start_new_session=True,
                cwd=pwd.getpwnam(user).pw_dir)
        case.addCleanup(self.close)

    def close(self):
        self.shell.stdin.close()
        self.shell.kill()
        self.shell.wait()
        os.close(self.status)

    def cwd(self):
        return pathlib.Path(os.readlink(f'/proc/{self.shell.pid}/cwd'))

    def said(self):
        return (self.scratch / 'output').read_text(errors='replace')

    def type(self, command):
        self.typed.append(command)
        self.shell.stdin.write(f'{command}\necho $? >{self.report}\n')
        self.shell.stdin.flush()

    def ended(self, seconds):
        """Whether all commands have; those that have must be right."""
        while self.typed and select.select([self.status], [], [], seconds)[0]:
            for status in os.read(self.status, 4096).decode().split():
                command = self.typed.pop(0)
                self.case.assertEqual(status, '0',
                                      f'{command}\n{self.said()}')
        return not self.typed

    def run(self, command):
        """The command ends, and successfully."""
        self.type(command)
        self.case.assertTrue(self.ended(SECONDS),
                             f'{command}: still running\n{self.said()}')

    def stay(self, command, until):
        """The command goes on, if only in the background, until something
        is so or somebody listens at a path."""
        works = until if callable(until) else lambda: listening(until)
        self.type(command)
        try:
            harness.wait_for(
                lambda: (self.ended(0), works())[1], SECONDS)
        except AssertionError as error:
            raise AssertionError(
                f'{command}\n{self.said()}\n{error}') from None


def commands(text):
    """(prompt, command) for each; one may go on over several lines."""
    found = []
    for line in text.rstrip('\n').split('\n'):
        match = re.fullmatch(r'(\w*[#$]) (.*)', line)
        if found and found[-1][1].endswith('\\'):
            found[-1] = found[-1][0], f'{found[-1][1]}\n{line}'
        elif match:
            found.append(match.groups())
        else:
            raise AssertionError(f'no prompt before: {line}')
    return found


class Case(harness.Case):
    """A test in /srv of this machine."""

    daemon = None

    @classmethod
    def setUpClass(cls):
        if INSIDE not in os.environ:
            raise unittest.SkipTest(
                'for root, by itself, and where unshare(1) may be used')
        super().setUpClass()
        for path in cls.certificate:
            shutil.copy(path, ALICE)

    def setUp(self):
        accounts()
        private('/srv')
        self.addCleanup(run, 'umount', '-l', '/srv')
        self.addCleanup(sweep)
        self.hosts = HOSTS
        self.terminals = {}

    def at(self, user):
        if user not in self.terminals:
            self.terminals[user] = Terminal(self, user)
        return self.terminals[user]

    def follow(self, example, tenant='alice', until=None):
        """Types the commands; with until, the last one stays."""
        steps = [(self.at('root' if prompt == '#' else
                          tenant if prompt == '$' else prompt[:-1]), command)
                 for prompt, command in commands(example.text)]
        for terminal, command in steps[:-1] if until else steps:
            terminal.run(command)
            listens = re.search(r'--listen (\S+) &$', command)
            if listens:
                wait_for_listener(terminal.cwd() / listens[1])
        if until:
            terminal, command = steps[-1]
            terminal.stay(command, until)

    def start(self, *options):
        """usherd as the pages have it."""
        self.daemon = harness.Usherd(HOSTS, command=[
            '/usr/local/sbin/usherd', '-d', str(HOSTS), '-t', '443',
            '-p', '80', *options])
        self.addCleanup(self.daemon.stop, signal.SIGKILL)
        return self.daemon.start(4)

    def fetch(self, scheme, name='a.example', *options):
        """Gives curl's exit status and what it printed."""
        return self.curl(name, {'https': 443, 'http': 80}[scheme], *options,
                         scheme=scheme)

    def says(self, scheme, text, name='a.example', *options):
        """The answer comes from this tenant, at once."""
        answer = self.fetch(scheme, name, *options)
        self.assertEqual(answer, (0, text),
                         self.daemon and self.daemon.log())

    def knows(self, scheme, what):
        """This program answers, and tells where the client is."""
        self.says(scheme, f'{what} for {FROM}', 'a.example', '--interface',
                  FROM)

    @contextlib.contextmanager
    def crowd(self, scheme):
        """Clients, one after the other; none may be turned away.  Gives the
        answers, which become more."""
        failed, answers, done = [], [], threading.Event()

        def visit():
            while not done.is_set():
                status, text = self.fetch(scheme, 'a.example', '-f')
                (failed if status else answers).append(text)
        thread = threading.Thread(target=visit)
        thread.start()
        try:
            harness.wait_for(lambda: answers or failed)
            yield answers
        finally:
            done.set()
            thread.join()
        self.assertEqual(failed, [], self.daemon.log())

    def host(self, name='a.example', owner='alice', mode=0o755):
        """A host's directory."""
        HOSTS.mkdir(exist_ok=True)
        path = HOSTS / name
        path.mkdir()
        os.chown(path, USERS[owner], USERS[owner])
        path.chmod(mode)
        return path
