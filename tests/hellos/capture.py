#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Records the first flights of real TLS clients: how the files here were made.

    capture.py [NAME...]

runs each client of the table below (or those named) against a port on the
loopback that never answers, and writes what arrives within half a second to
NAME, beside this script.  All ask for a.example, except the nameless-* ones.
A client that cannot be told an address for that name is given the port as
its proxy, and its CONNECT is agreed to.  One that is not installed is left
out.
"""
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOST = "a.example"
HERE = os.path.dirname(os.path.abspath(__file__))
LONG_ALPN = ",".join("protocol-number-%03d" % i for i in range(100))
S_CLIENT = "openssl s_client -connect 127.0.0.1:PORT -servername " + HOST
NODE = "require('tls').connect({host:'127.0.0.1',port:PORT,servername:'%s'%s})"
PYTHON = """import socket, ssl
c = ssl.create_default_context()
%s
c.wrap_socket(socket.create_connection(("127.0.0.1", PORT)),
    server_hostname=%s)"""
JAVA = """import java.net.Socket;
import javax.net.ssl.*;
public class Client { public static void main(String[] a) throws Exception {
SSLSocketFactory f = (SSLSocketFactory)SSLSocketFactory.getDefault();
SSLSocket s = (SSLSocket)f.createSocket(new Socket("127.0.0.1", PORT),
    "%s", PORT, true);
%s s.startHandshake(); } }"""
CHROMIUM = """chromium --headless --no-sandbox --disable-gpu --disable-quic
    --no-first-run --disable-background-networking --disable-component-update
    --disable-sync --user-data-dir=TMP
    --host-resolver-rules='MAP a.example 127.0.0.1' %s"""

CLIENTS = {
    "openssl": S_CLIENT,
    "openssl-tls1": S_CLIENT + " -tls1 -cipher DEFAULT:@SECLEVEL=0",
    "openssl-tls1_2": S_CLIENT + " -tls1_2",
    "openssl-tls1_3": S_CLIENT + " -tls1_3",
    "openssl-acme": S_CLIENT + " -alpn acme-tls/1",
    "openssl-fragments": S_CLIENT + " -max_send_frag 512 -alpn " + LONG_ALPN,
    "nameless-openssl":
        "openssl s_client -connect 127.0.0.1:PORT -noservername",
    "nameless-openssl-tls1": "openssl s_client -connect 127.0.0.1:PORT"
        " -noservername -tls1 -cipher DEFAULT:@SECLEVEL=0",
    "curl": "curl -k --resolve a.example:PORT:127.0.0.1"
        " https://a.example:PORT/",
    "nameless-curl": "curl -k https://127.0.0.1:PORT/",
    "wget": "wget -q -t 1 -O- -e https_proxy=http://127.0.0.1:PORT"
        " https://a.example/",
    "git": "git -c http.curloptResolve=a.example:PORT:127.0.0.1"
        " ls-remote https://a.example:PORT/",
    "node": ["node", "-e", NODE % (HOST, "")],
    "node-alpn": ["node", "-e",
        NODE % (HOST, ",ALPNProtocols:['h2','http/1.1']")],
    "python": ["python3", "-c", PYTHON % ("", repr(HOST))],
    "python-tls1_2": ["python3", "-c", PYTHON %
        ("c.maximum_version = ssl.TLSVersion.TLSv1_2", repr(HOST))],
    "nameless-python": ["python3", "-c",
        PYTHON % ("c.check_hostname = False", None)],
    "java": ["java", JAVA % (HOST, "")],
    "java-tls1_2": ["java", JAVA % (HOST,
        's.setEnabledProtocols(new String[] {"TLSv1.2"});')],
    "chromium": CHROMIUM % "https://a.example:PORT/",
    "chromium-dot": (CHROMIUM % "https://a.example.:PORT/").replace(
        "MAP a.example ", "MAP a.example. "),
    "chromium-tls1_2": CHROMIUM %
        "--ssl-version-max=tls1.2 https://a.example:PORT/",
}


def argv(command, port, scratch):
    if isinstance(command, str):
        command = shlex.split(command)
    out = [a.replace("PORT", str(port)).replace("TMP", scratch)
        for a in command]
    if out[0] == "java":
        source = os.path.join(scratch, "Client.java")
        with open(source, "w") as f:
            f.write(out[1])
        out[1] = source
    return out


def arrived(listener):
    data = b""
    while not data:     # a browser may connect ahead and change its mind
        client = listener.accept()[0]
        client.settimeout(5)
        data = client.recv(1 << 17)
    if data.startswith(b"CONNECT "):
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        data = client.recv(1 << 17)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        client.settimeout(max(0.01, end - time.monotonic()))
        try:
            more = client.recv(1 << 17)
        except TimeoutError:
            break
        if not more:
            break
        data += more
    return client, data


def capture(name, command):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        args = argv(command, listener.getsockname()[1], scratch)
        if shutil.which(args[0]) is None:
            return print(name, "is left out: no", args[0])
        child = subprocess.Popen(args, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        try:
            client, data = arrived(listener)
            with open(os.path.join(HERE, name), "wb") as f:
                f.write(data)
            print(name, len(data))
        except OSError as error:
            print(name, error)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        listener.close()


for name in sys.argv[1:] or CLIENTS:
    capture(name, CLIENTS[name])
