# SPDX-License-Identifier: ISC
"""Names reach their tenants."""
import harness
from harness import http_server, tls_server


class Routing(harness.Case):
    def test_two_tenants_over_tls_and_http(self):
        for name in ('a.example', 'b.example'):
            host = self.host(name)
            self.tenant(host / 'tls-socket',
                        tls_server(f'tls {name}', self.certificate))
            self.tenant(host / 'http-socket', http_server(f'http {name}'))
        daemon = self.usherd()
        for name in ('a.example', 'b.example'):
            self.assertEqual(self.curl(name, daemon.tls),
                             (0, f'tls {name}'))
            self.assertEqual(self.curl(name, daemon.http, scheme='http'),
                             (0, f'http {name}'))
        self.assertEqual(daemon.stop(), 0)


if __name__ == '__main__':
    harness.unittest.main()
