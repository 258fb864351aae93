# SPDX-License-Identifier: ISC
"""What the tests of lives and deaths share: daemons with echoing tenants."""
import harness
import held
import wire
from harness import echo_server, wait_for

HELLO = wire.hello('a.example')
HEAD = wire.tunnel('a.example')


class Base(harness.Case):
    def begin(self, *options, **how):
        """A daemon with an echoing tenant for every name."""
        self.echoing()
        self.daemon = self.usherd(*options, **how)
        return self.daemon

    def echoing(self):
        host = self.host('_default')
        self.echo = self.tenant(host / 'tls-socket', echo_server)
        self.tenant(host / 'http-socket', echo_server)

    def port(self, tls):
        return self.daemon.tls if tls else self.daemon.http

    def partial(self, tls=True):
        """A client that has sent half of its first flight."""
        client = wire.connect(self.port(tls), 20)
        self.addCleanup(client.close)
        client.sendall((HELLO if tls else HEAD)[:10])
        return client

    def complete(self, client, tls=True):
        """It sends the rest; gives whether the tenant answers."""
        flight = HELLO if tls else HEAD
        client.sendall(flight[10:])
        return held.exactly(client, len(flight)) == wire.echoed(flight)

    def served(self, seconds=10):
        for tls in (True, False):
            held.Held(self.port(tls), tls=tls,
                      seconds=seconds).establish().close()

    def visit(self, tls):
        """One short connection: 'echo', 'refused', 'cut' or 'hung'."""
        flight = HELLO if tls else HEAD
        try:
            with wire.connect(self.port(tls), 12) as client:
                client.sendall(flight)
                answer = held.exactly(client, len(flight))
        except TimeoutError:
            return 'hung'
        except OSError:
            return 'cut'
        if answer == wire.echoed(flight):
            return 'echo'
        return 'refused' if answer else 'cut'

    def back(self, before, seconds):
        """Within some time there are as many children as before."""
        wait_for(lambda: held.restored(self.daemon, before), seconds, 0.01)
