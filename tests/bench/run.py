# SPDX-License-Identifier: ISC
"""A run: proxies in one directory, and what was measured of them."""
import os
import pathlib
import pwd
import shutil
import statistics
import subprocess

import peers
from proxy import Proxy

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get('USHER_BUILD', TOP / 'build')).resolve()
HELLO = TOP / 'tests' / 'hellos' / 'chromium'
ROUNDS = int(os.environ.get('ROUNDS', '3'))


class Run:
    def __init__(self, directory):
        self.dir = directory
        self.log = open(directory / 'log', 'w')
        self.user = user_of_usherd()
        self.running, self.tenants = [], []

    def start(self, name, command, port):
        proxy = Proxy(name, command, port,
                      self.dir / f'{name.replace(" ", "-")}.said')
        self.running.append(proxy)
        return proxy

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def named(self, option):
        """The user of usherd as an option, if it is another than ours."""
        return [] if self.user is None else [option, self.user]

    def usherd(self, name, option, hosts, build=BUILD, jobs=1):
        port = peers.free_port()
        return self.start(name, [
            build / 'usherd', '-d', hosts, '-j', str(jobs),
            *self.named('-u'), option, f'127.0.0.1:{port}'], port)

    def tenant(self, path, *options):
        """serve.c at a UNIX socket, until the end of the run."""
        path.parent.mkdir(parents=True, exist_ok=True)
        tenant = subprocess.Popen(
            [BUILD / 'tests' / 'serve', '--unix', path,
             *[str(option) for option in options]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.tenants.append(tenant)
        tenant.stdout.readline()

    def stop(self):
        for proxy in self.running:
            proxy.stop()
        self.running = []

    def end(self):
        self.stop()
        for tenant in self.tenants:
            tenant.stdin.close()
            tenant.wait()
            tenant.stdout.close()
        self.log.close()


def exchanges(port, hosts, connections, seconds, *options):
    """What exchanges.c says: how many, and its times in microseconds."""
    said = subprocess.run(
        [BUILD / 'tests' / 'exchanges', '--port', str(port), '--connections',
         str(connections), '--seconds', str(seconds),
         *[word for host in hosts for word in ('--host', host)],
         *[str(option) for option in options]],
        check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return dict(zip(said[::2], map(float, said[1::2])))


def require(*programs):
    missing = [program for program in programs
               if shutil.which(program) is None]
    if missing:
        raise SystemExit(f"not installed: {' '.join(missing)} "
                         '(./bootstrap bench installs them)')


def user_of_usherd():
    """Whom it becomes: nobody else when we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam('_usherd').pw_name
    except KeyError:
        return 'nobody'


def note(values, proxy, value):
    values.setdefault(proxy.name, []).append(value)


def ratio(ours, theirs):
    """The median of the rounds' own ratios: noise comes in long waves."""
    if min(theirs) <= 0:
        return '    -'
    return f'{statistics.median(a / b for a, b in zip(ours, theirs)):5.2f}'
