# SPDX-License-Identifier: ISC
"""systemd's units, as the pages have them: looked at by systemd itself where
it is installed, and then started the way it would, without it."""
import os
import pathlib
import re
import resource
import shlex
import shutil
import socket
import subprocess

import machine

# What has no meaning without systemd; any other key must be done.
ORDER = {'Description', 'After', 'Requires', 'Service', 'Sockets', 'WantedBy'}

STARTS = '''
import fcntl, os, sys
given = [fcntl.fcntl(int(word), fcntl.F_DUPFD_CLOEXEC, 100)
         for word in sys.argv[1].split(',')]
for i, fd in enumerate(given):
    os.dup2(fd, 3 + i)
os.closerange(3 + len(given), 100)
os.environ['LISTEN_PID'] = str(os.getpid())
os.execvp(sys.argv[2], sys.argv[2:])
'''


def parse(text):
    """Gives {section: [(key, value), ...]}."""
    sections, into = {}, None
    for line in filter(None, text.replace('\\\n', ' ').split('\n')):
        if line.startswith('['):
            into = sections.setdefault(line.strip('[]'), [])
        elif not line.startswith('#'):
            into.append(tuple(line.split('=', 1)))
    return sections


def split(text):
    """{path: unit} of an example in which a comment names each file."""
    pieces = re.split(r'(?m)^# (/\S+)\n', text)
    return dict(zip(pieces[1::2], pieces[2::2]))


def install(case, units):
    """Puts them where they belong; systemd must find nothing wrong."""
    for path, text in units.items():
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        machine.write(path, text)
    if not shutil.which('systemd-analyze'):
        return
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', *units],
                          capture_output=True, text=True)
    case.assertEqual((done.returncode, done.stdout + done.stderr), (0, ''))


def listen(case, text):
    """The socket of a socket unit, and its name."""
    keys = dict(parse(text)['Socket'])
    where = keys.pop('ListenStream')
    if where.startswith('/'):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(where)
        os.chmod(where, int(keys.pop('SocketMode', '0666'), 8))
        shutil.chown(where, keys.pop('SocketUser', 'root'),
                     keys.pop('SocketGroup', 'root'))
        listener.listen()
    else:
        listener = socket.create_server(
            ('', int(where)), family=socket.AF_INET6, dualstack_ipv6=True)
    case.addCleanup(listener.close)
    name = keys.pop('FileDescriptorName', 'unknown')
    case.assertEqual(set(keys) - ORDER, set(), 'no test does this')
    return listener, name


def command(case, text, sockets=()):
    """The command of a service unit, to be run with these sockets open."""
    keys = parse(text)['Service']
    environment = [value for key, value in keys if key == 'Environment']
    keys = {key: value for key, value in keys if key != 'Environment'}
    words = shlex.split(keys.pop('ExecStart'))
    keys.pop('ExecReload', None)        # reload()
    if sockets:
        environment += [f'LISTEN_FDS={len(sockets)}', 'LISTEN_FDNAMES='
                        + ':'.join(name for _, name in sockets)]
        words = ['/usr/bin/python3', '-c', STARTS, ','.join(
            str(listener.fileno()) for listener, _ in sockets), *words]
    words = [*machine.as_user(keys.pop('User', 'root')), *environment, *words]
    if 'LimitNOFILE' in keys:
        limit = min(int(keys.pop('LimitNOFILE')),
                    resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        words = ['prlimit', f'--nofile={limit}:{limit}', *words]
    case.assertEqual(set(keys) - ORDER, set(), 'no test does this')
    return words


def reload(text, pid):
    """What a service unit says, as systemd does it."""
    command = dict(parse(text)['Service'])['ExecReload']
    machine.run(*[str(pid) if word == '$MAINPID' else word
                  for word in shlex.split(command)])


def begin(case, service, sockets=()):
    """Starts what a service unit says, until the test ends."""
    process = subprocess.Popen(
        command(case, service, sockets), cwd='/', stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[listener.fileno() for listener, _ in sockets])
    case.addCleanup(process.wait)
    case.addCleanup(process.kill)
