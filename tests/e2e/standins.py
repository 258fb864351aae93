# SPDX-License-Identifier: ISC
"""Servers that listen on a TCP port, under libusher-accept.so, where
USHER_LISTEN puts a UNIX listener in its place: a stand-in."""
import os
import socket

import handing

ANY = {socket.AF_INET: '0.0.0.0', socket.AF_INET6: '::'}

BIND = '''
def bound(family, address, port=8443, *, reuse=False, only=False, backlog=99,
          listens=True):
    listener = socket(family)
    if reuse:
        listener.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1)
    if only:
        listener.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
    address, _, scope = address.partition('%')
    listener.bind((address, port, 0, int(scope)) if scope else
                  (address, port))
    if listens:
        listener.listen(backlog)
    return listener

def refused(*arguments, **how):
    return error_of(lambda: bound(*arguments, **how))
'''


class Case(handing.Case):
    def standin(self, script, *arguments, path=None, **how):
        """A server whose port 8443 is self.path."""
        how.setdefault('listen', f'8443={path or self.path}')
        return self.server(BIND + script, *arguments, **how)

    def entries(self, path=None):
        return sorted(os.listdir(path or self.host))
