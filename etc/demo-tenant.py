#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A tenant for `./bootstrap demo`: one small HTTPS and one HTTP server.

usage: demo-tenant.py HOST-DIRECTORY CERTIFICATE KEY [UID]

Its name is the last component of the directory.  It becomes UID, when one is
given, before it does anything else, and listens on sockets in the directory,
to which it links tls-socket and http-socket.  Any other Host than its own gets a 421, as it should from
every tenant behind usherd: README.md, "Limits".
"""
import os
import socket
import ssl
import sys
import threading


def become(uid):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)


def listen(directory, protocol):
    """The link leads to a new socket only once that listens: so nobody ever
    finds a socket with nobody behind it.  And a server that was here before
    has a socket of its own, which it may remove when it ends."""
    server = socket.socket(socket.AF_UNIX)
    name = f'{protocol}.{os.getpid()}.sock'
    server.bind(os.path.join(directory, name))
    server.listen(128)
    link = os.path.join(directory, f'.{name}')
    os.symlink(name, link)
    os.rename(link, os.path.join(directory, f'{protocol}-socket'))
    return server


def read_head(connection):
    head = b''
    while b'\r\n\r\n' not in head and len(head) < 32768:
        piece = connection.recv(4096)
        if not piece:
            break
        head += piece
    return head.decode('latin-1')


def host_of(head):
    for line in head.split('\r\n')[1:]:
        name, _, value = line.partition(':')
        if name.lower() == 'host':
            return value.strip().rsplit(':', 1)[0].rstrip('.').lower()
    return None


def answer(connection, name, protocol):
    head = read_head(connection)
    if not head:
        return
    status, text = '200 OK', (
        f'{name} over {protocol}, process {os.getpid()} of uid {os.getuid()}')
    if host_of(head) != name:
        status = '421 Misdirected Request'
        text = f'{name} does not answer for {host_of(head)}'
    body = (text + '\n').encode()
    connection.sendall((f'HTTP/1.1 {status}\r\n'
                        'Content-Type: text/plain\r\n'
                        f'Content-Length: {len(body)}\r\n'
                        'Connection: close\r\n\r\n').encode() + body)


def serve_one(connection, name, context):
    connection.settimeout(20)
    try:
        if context is None:
            answer(connection, name, 'HTTP')
        else:
            with context.wrap_socket(connection, server_side=True) as tls:
                answer(tls, name, 'TLS')
    except OSError:
        pass        # ssl.SSLError is one: a client that left or broke off
    finally:
        connection.close()


def serve(server, name, context):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve_one, daemon=True,
                         args=(connection, name, context)).start()


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    directory, certificate, key = sys.argv[1:4]
    if len(sys.argv) == 5:
        become(int(sys.argv[4]))
    # Sockets for their owner and the directory's group, and nobody else.
    os.umask(0o007)
    name = os.path.basename(os.path.normpath(directory))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    http = listen(directory, 'http')
    tls = listen(directory, 'tls')
    threading.Thread(target=serve, args=(http, name, None),
                     daemon=True).start()
    serve(tls, name, context)


if __name__ == '__main__':
    main()
