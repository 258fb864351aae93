# SPDX-License-Identifier: ISC
"""A server under libusher-accept.so that refuses a sender says so, once."""
import unittest

import handing
import harness

OWN = '''
listener = socket(AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
listener.listen()
'''
STANDIN = '''
listener = socket(AF_INET)
listener.bind(('127.0.0.1', 8443))
listener.listen()
'''


@unittest.skipUnless(harness.ROOT, 'needs another user')
class RefusedSender(handing.Case):
    def test_it_is_said_once(self):
        for script in OWN, STANDIN:
            for trust, who in (('12,13', r'uid 12, 13'),
                               ('12', r'uid 12')):
                self.path.unlink(missing_ok=True)
                server = self.server(
                    script + "tell('ready'); serve(listener)", self.path,
                    trust=trust, listen=f'8443={self.path}')
                server.told()
                for _ in range(3):
                    self.turned_away(self.hand_as_nobody(self.path))
                self.visit(server)
                server.end()
                self.assertRegex(
                    server.errors.decode(), r'\Alibusher-accept: refused a '
                    r'connection from uid 65534: trusted are root, the '
                    rf"directory's owner, uid 0, and {who} \(-T\)\n\Z")

    def test_it_harms_nobody_that_it_cannot_be_said(self):
        """No reader, and no standard error: its number is another file's."""
        server = self.server('''
import signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
reading, writing = os.pipe()
os.close(reading)
os.dup2(writing, 2)
''' + OWN + '''
tell('ready')
serve(listener)
''', self.path)
        server.told()
        self.turned_away(self.hand_as_nobody(self.path))
        self.visit(server)
        self.path.unlink()
        precious = self.host / 'precious'
        server = self.server('''
if len(sys.argv) == 3:
    os.close(2)
    os.execv(sys.executable, [sys.executable, *open(sys.argv[2], 'rb')
             .read().decode().split('\\0')[1:-1], '2'])
''' + f'''
assert os.open({str(precious)!r}, os.O_CREAT | os.O_RDWR) == 2
{OWN}
tell('ready')
serve(listener)
''', self.path, '/proc/self/cmdline')
        server.told()
        self.turned_away(self.hand_as_nobody(self.path))
        self.visit(server)
        self.assertEqual(precious.read_bytes(), b'')


if __name__ == '__main__':
    unittest.main()
