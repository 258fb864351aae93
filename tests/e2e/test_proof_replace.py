# SPDX-License-Identifier: ISC
"""nginx, node and gunicorn, unmodified, are replaced by `usher run -r` while
requests go on, end when they are told, and hurt nobody by it."""
import os
import unittest

import proof
import test_deploy
import test_proof_reload
from proof import PORTS, SECONDS


class Replace:
    """Mixed into a server that is deployed by link elsewhere."""

    test_no_request_is_lost = None
    ways = 'ab'

    def test_a_new_one_takes_the_place(self):
        for way in self.ways:
            with self.subTest(way=way):
                self.replaced(way)
            self.doCleanups()
            self.setUp()

    def replaced(self, way):
        self.prepare('nobody')
        self.paths = {each: self.path / f'{each}-handoff'
                      for each in self.protocols}
        before = self.run_version('v1', way)
        self.begin()
        load = proof.Load(self, self.visit)
        self.refuses_another(way, before)
        after = self.run_version('v2', way, '-r')
        self.changes_over(before, after, load)
        # a server of TCP knows of no path that it could remove
        self.assertEqual(sorted(os.listdir(self.path)), [] if way == 'a' else
                         sorted(path.name for path in self.paths.values()))

    def run_version(self, version, way, *options, waits=True):
        inodes = self.inodes()
        server = self.process(
            version, self.paths if way == 'a' else PORTS,
            usher=proof.run_options(way, self.paths) + [*options])
        if waits:
            proof.wait_for(lambda: not inodes & self.inodes(), SECONDS)
            self.wait_socket(server, *self.paths.values())
        return server

    def inodes(self):
        return {path.stat().st_ino for path in self.paths.values()
                if path.exists()}

    def refuses_another(self, way, first):
        """Without -r, a second one is told who is in its way."""
        second = self.run_version('v0', way, waits=False)
        said = proof.wait_for(lambda: [
            line for line in second.log.read_text().splitlines()
            if line.startswith('libusher-accept: ')], SECONDS)
        self.assertRegex(said[0], rf'process {first.pid} \([ -~]+\) listens '
                         r'here already; usher run -r would take its place$')
        second.kill()


class Nginx(Replace, test_deploy.Nginx):
    """By nginx -s quit."""

    def test_a_test_of_the_configuration_replaces_nobody(self):
        self.prepare('nobody')
        self.paths = {each: self.path / f'{each}-handoff'
                      for each in self.protocols}
        self.run_version('v1', 'a')
        self.begin()
        tester = self.process('v2', self.paths, usher=['-r', '-T', 'root'])
        self.assertEqual(tester.process.wait(SECONDS), 0, tester.said())
        self.assertIn('test is successful', tester.said())
        self.assertEqual(self.visit(), 'v1')

    def command(self, version, where):
        words = super().command(version, where)
        testing = 'configuration' in self.id() and version == 'v2'
        return words + ['-t'] * testing


class Node(Replace, test_deploy.Node):
    """By server.close()."""


class Gunicorn(Replace, test_deploy.Gunicorn):
    """By SIGTERM."""


class NginxUpgrade(test_proof_reload.NginxUpgrade):
    """The new program is given listeners that have replaced others."""

    run_more = ('-r',)


if __name__ == '__main__':
    unittest.main()
