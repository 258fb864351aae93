# SPDX-License-Identifier: ISC
"""Java's own HTTP server, unmodified, is handed connections."""
import subprocess
import unittest

import proof
from proof import need, program

SOURCE = '''
import com.sun.net.httpserver.*;
import java.io.*;
import java.net.*;
import java.security.KeyStore;
import java.util.concurrent.Executors;
import javax.net.ssl.*;

class Who {
    static SSLContext context(String file) throws Exception {
        char[] word = "secret".toCharArray();
        KeyStore store = KeyStore.getInstance(new File(file), word);
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, word);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    static void answer(HttpExchange exchange) throws IOException {
        InetSocketAddress from = exchange.getRemoteAddress();
        byte[] body = (from.getAddress().getHostAddress() + " "
                       + from.getPort()).getBytes();
        exchange.getRequestBody().readAllBytes();
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    public static void main(String[] words) throws Exception {
        HttpsServer tls = HttpsServer.create(
            new InetSocketAddress(Integer.parseInt(words[0])), 512);
        tls.setHttpsConfigurator(new HttpsConfigurator(context(words[2])));
        for (HttpServer server : new HttpServer[] { tls, HttpServer.create(
                new InetSocketAddress(Integer.parseInt(words[1])), 512) }) {
            server.createContext("/", Who::answer);
            server.setExecutor(Executors.newCachedThreadPool());
            server.start();
        }
    }
}
'''


@need(java='openjdk-17-jre-headless', javac='openjdk-17-jdk-headless')
class Java(proof.Proof, proof.Base):
    """com.sun.net.httpserver, for HTTPS and for HTTP."""

    ways = 'b'
    statuses = (143,)

    def command(self):
        (self.root / 'Who.java').write_text(SOURCE)
        keys = self.root / 'keys.p12'
        subprocess.run(
            ['openssl', 'pkcs12', '-export', '-in', self.certificate[0],
             '-inkey', self.certificate[1], '-out', keys, '-passout',
             'pass:secret'], check=True)
        keys.chmod(0o644)
        return [program('java'), '-XX:TieredStopAtLevel=1', '-Xshare:auto',
                '-Dsun.net.httpserver.maxIdleConnections=400',
                '-Dsun.net.httpserver.clockTick=500',
                self.root / 'Who.java', str(self.listen['tls']),
                str(self.listen['http']), keys]

    def assert_from(self, client, text):
        super().assert_from(client, text.replace('0:0:0:0:0:0:0:1', '::1'))


if __name__ == '__main__':
    unittest.main()
