# SPDX-License-Identifier: ISC
"""A clock source that the vDSO cannot read: every look at the clock is a
system call, in every process.  Routing, kept-alive HTTP and hand-off, as in
the tests of those names, with usherd under novdso.c."""
import subprocess
import sys

import harness
from test_handoff import Addresses, Bytes, Clients, Message, Options
from test_keepalive import Ours
from test_routing import Browser, Routing

TOOL = str(harness.BUILD / 'tests' / 'novdso')
NO_VDSO = [sys.executable, '-c', 'import ctypes; '
           'print(ctypes.CDLL(None).getauxval(33))']
PARENT = [sys.executable, '-c',
          f'import subprocess; subprocess.run({NO_VDSO})']
TRACING = 77            # novdso's exit status where it may not trace


class Tool(harness.unittest.TestCase):
    def test_there_is_no_vdso(self):
        """Neither in the command nor in what it starts."""
        for command in (NO_VDSO, PARENT):
            done = subprocess.run([TOOL, *command], capture_output=True,
                                  text=True, check=True)
            self.assertEqual(done.stdout, '0\n')


TRIED = subprocess.run([TOOL, 'true'], capture_output=True, text=True,
                       check=False)
harness.WRAPPER[:] = [TOOL]
for _case in (Tool, Routing, Browser, Ours, Message, Bytes, Options, Addresses,
              Clients):
    harness.unittest.skipIf(TRIED.returncode == TRACING,
                            TRIED.stderr)(_case)


if __name__ == '__main__':
    harness.unittest.main()
