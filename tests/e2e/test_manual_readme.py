# SPDX-License-Identifier: ISC
"""What README.md shows is tried as it stands there, by root and by alice."""
import os
import re
import shutil
import signal
import subprocess
import unittest

import harness
import layout
import machine
import manual
import software
from harness import wait_for
from machine import HOST, HOSTS

PROGRAMS = '/usr/local/sbin/usherd', '/usr/local/bin/usher'
BUILDS = shutil.ignore_patterns('build', 'build-*', '.git', '__pycache__')


def lasting(line):
    """The line, without what is different each time."""
    return re.sub(r'^\d+ |process \d+|\.\d+\.sock', 'N ',
                  ' '.join(line.split()))


class Readme(manual.Page, machine.Case):
    page = 'README.md'

    def source(self):
        """The source tree, in which all has been built that is up to date."""
        tree = self.scratch / 'usherd'
        if not tree.exists():
            shutil.copytree(harness.TOP, tree, ignore=BUILDS, symlinks=True)
            machine.run('cp', '-a', harness.BUILD, tree / 'build')
        return tree

    @manual.example('usherd', ':443 :80')
    def test_picture(self, example):
        layout.try_out(self, dict.fromkeys(
            re.findall(r'[\w.]+/[\w-]+-socket', example.text)))

    @manual.example('See it', './bootstrap')
    @manual.example('See it', 'The hosts directory')
    def test_demo(self, commands, shown):
        """./bootstrap check is what this test is a part of."""
        demo, check = (line.split('#')[0].strip()
                       for line in commands.text.splitlines())
        self.assertIn(check, machine.run('./bootstrap', '-h',
                                         cwd=self.source()))
        with subprocess.Popen(
                ['sh', '-c', f'exec {demo}'], cwd=self.source(),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, text=True) as process:
            lines = []
            for line in process.stdout:
                lines.append(lasting(line))
                if '^C' in line:
                    process.send_signal(signal.SIGINT)
        rest = iter(lines)
        for line in map(lasting, shown.text.splitlines()):
            if line and line != '...':      # in this order
                self.assertIn(line, rest, '\n'.join(lines))

    @manual.example('Install', 'make install')
    def test_make(self, example):
        lines = example.text.splitlines()
        if any(subprocess.run(['dpkg-query', '-W', name], capture_output=True)
               .returncode for name in lines[0].split()[2:]):
            lines.pop(0)        # not such a system, or not by packages
        before = [os.stat(path).st_ino for path in PROGRAMS]
        for line in lines:
            machine.run('sh', '-c', line, cwd=self.source())
        for path, inode in zip(PROGRAMS, before):
            self.assertNotEqual(os.stat(path).st_ino, inode)
        HOSTS.mkdir()
        self.start()

    @manual.example('Install', 'useradd')
    def test_start(self, example):
        machine.run('userdel', '_usherd')
        root = self.at('root')
        *lines, last = example.text.splitlines()
        for line in lines:
            root.run(line)
        root.stay(last, lambda: root.said().count('listening on ') == 4)

    @manual.example('The hosts directory', '_nosni')
    def test_directory(self, example):
        layout.try_out(self, layout.of_list(example.text))

    @manual.example('The hosts directory', 'ln -s')
    def test_deployment(self, example):
        self.host()
        alice = self.at('alice')
        alice.stay(f'umask 0; cd {HOST}; server --listen v1.sock & old=$!',
                   HOST / 'v1.sock')
        alice.run('ln -s v1.sock tls-socket')
        self.start()
        with self.crowd('https') as answers:
            for line in example.text.splitlines():
                alice.run(line)
            wait_for(lambda: not (HOST / 'v1.sock').exists())
        self.assertEqual([answers[0][:2], answers[-1][:2]], ['v1', 'v2'])

    @software.need_acl
    @manual.example('The hosts directory', 'install -d')
    def test_permissions(self, example):
        """Any of the three does."""
        ways = example.text.split('\n\n')
        self.assertEqual(len(ways), 3)
        for way in ways:
            with self.subTest(way):
                machine.accounts()
                shutil.rmtree(HOSTS, ignore_errors=True)
                HOSTS.mkdir()
                if 'install' not in way:
                    self.host(mode=0o700)
                machine.run('sh', '-ec', way)
                self.one_way()

    def one_way(self):
        self.start()
        try:
            self.terminals.clear()
            self.at('alice').run('umask 007')
            self.at('alice').stay(f'server --listen {HOST}/tls-socket',
                                  HOST / 'tls-socket')
            self.says('https', 'tls-socket of alice for nobody')
        finally:
            self.daemon.stop(signal.SIGKILL)

    @software.need_nginx
    @software.need_node
    @manual.example("Hand-off: .*", 'usher run')
    def test_handoff(self, example):
        self.host()
        software.nginx('listen 8443 ssl;')
        software.node('http', 8080)
        self.start()
        for command in re.findall(r'(?s)usher.*?[^\\]\n', example.text):
            self.terminals.clear()
            self.at('alice').type(command)
        for protocol in ('tls', 'http'):
            machine.wait_for_listener(HOST / f'{protocol}-handoff')
        self.knows('https', 'nginx')
        self.knows('http', 'node')


if __name__ == '__main__':
    machine.main()
