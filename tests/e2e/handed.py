# SPDX-License-Identifier: ISC
"""What the tests of hand-offs share: a daemon, and a tenant that tells what
it was given."""
import harness
import wire
from receiver import Receiver

NAME = 'a.example'
HELLO = wire.hello(NAME)
HEAD = wire.head(NAME)                          # more requests may follow
LAST = wire.head(NAME, 'Connection: close')     # none may
FLIGHTS = {'hello': ('tls', HELLO), 'head': ('http', HEAD),
           'last head': ('http', LAST),
           'upgrade': ('http', wire.tunnel(NAME))}


class Case(harness.Case):
    """usherd, and a tenant that tells what it was given."""

    def setUp(self):
        super().setUp()
        self.path = self.host(NAME)

    def receiver(self, *entries, **how):
        how.setdefault('talk', 'look')
        self.tenant_process = Receiver(self, *(
            self.path / entry for entry in entries or (
                'tls-handoff', 'http-handoff')), **how)
        return self.tenant_process

    def begin(self, *options, **how):
        self.daemon = self.usherd('-j', '1', *options, **how)

    def connect(self, protocol, port=None):
        client = wire.connect(port or getattr(self.daemon, protocol))
        self.addCleanup(client.close)
        return client

    def visit(self, flight='hello'):
        """A client that has said it all; gives it and what was given."""
        protocol, data = FLIGHTS[flight]
        client = self.connect(protocol)
        client.sendall(data)
        return client, self.tenant_process.given()
