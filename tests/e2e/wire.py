# SPDX-License-Identifier: ISC
"""Bytes that clients send: hellos, records, heads; and who sends them.

The hellos built here are the smallest legal ones, so that a test can say
exactly which field it breaks.
"""
import contextlib
import socket
import struct

RECORD_MAX = 16384
RECORD_HEADER = 5
HANDSHAKE = 22
CLIENT_HELLO = 1
SERVER_NAME, PADDING, ALPN = 0, 21, 16


def prefixed(width, body):
    """body with its length before it, in width bytes."""
    return len(body).to_bytes(width, 'big') + body


def extension(number, body):
    return struct.pack('>H', number) + prefixed(2, body)


def server_name(*names, kind=0):
    return extension(SERVER_NAME, prefixed(2, b''.join(
        bytes([kind]) + prefixed(2, name) for name in names)))


def alpn(*protocols):
    return extension(ALPN, prefixed(2, b''.join(
        prefixed(1, protocol) for protocol in protocols)))


def padding(size):
    return extension(PADDING, bytes(size))


def message(*extensions, version=b'\3\3', suites=b'\x13\x01\xc0\x2f',
            compression=b'\0', kind=CLIENT_HELLO):
    """A ClientHello, RFC 8446 section 4.1.2, without record headers."""
    body = version + bytes(range(32)) + prefixed(1, b'')
    body += prefixed(2, suites) + prefixed(1, compression)
    body += prefixed(2, b''.join(extensions))
    return bytes([kind]) + prefixed(3, body)


def records(payload, size=RECORD_MAX, version=b'\3\1', kind=HANDSHAKE):
    """payload in records of size bytes."""
    return b''.join(
        bytes([kind]) + version + prefixed(2, payload[at:at + size])
        for at in range(0, len(payload), size))


def hello(name, *extensions):
    """A first flight in one record (or as few as it fits in)."""
    if isinstance(name, str):
        name = name.encode()
    return records(message(server_name(name), *extensions))


def payload_of(flight):
    """What is in the records of a first flight."""
    payload = b''
    while flight:
        size = int.from_bytes(flight[3:5], 'big')
        payload += flight[RECORD_HEADER:RECORD_HEADER + size]
        flight = flight[RECORD_HEADER + size:]
    return payload


def large_hello(name, size=65536):
    """A hello of size bytes, record headers not counted."""
    room = size - len(message(server_name(name), padding(0)))
    return records(message(server_name(name), padding(room)))


def head(host='a.example', *fields, line='GET / HTTP/1.1'):
    lines = [line] + ([f'Host: {host}'] if host is not None else [])
    return '\r\n'.join([*lines, *fields, '', '']).encode('latin-1')


def tunnel(host='a.example'):
    """A request after which everything goes to the same tenant."""
    return head(host, 'Connection: upgrade', 'Upgrade: echo')


def echoed(flight):
    """What a client gets for its first flight from a tenant that echoes: the
    same; or, of a GET, to which echoing is no answer, one of as many bytes:
    101 where a tunnel is asked for, else 204."""
    if not flight.startswith(b'GET '):
        return flight
    end = flight.index(b'\r\n\r\n') + 4
    first, rest = b'HTTP/1.1 204 ', b'\r\n\r\n'
    if b'Upgrade' in flight[:end]:
        first, rest = b'HTTP/1.1 101 ', b'\r\nConnection: upgrade\r\n' \
            b'Upgrade: echo\r\n\r\n'
    return first.ljust(end - len(rest), b'x') + rest + flight[end:]


def connect(port, seconds=20, host='127.0.0.1'):
    """A client whose every send is a segment of its own."""
    client = socket.create_connection((host, port), seconds)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def read_all(client):
    """Everything up to the end; b'<reset>' behind it when it is a reset."""
    answer = b''
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            return answer + b'<reset>'
        if not piece:
            return answer
        answer += piece


def ask(port, data, half_close=False, seconds=20):
    """Sends data, reads to the end; gives the answer and the local port."""
    with connect(port, seconds) as client:
        local = client.getsockname()[1]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(data)
            if half_close:
                client.shutdown(socket.SHUT_WR)
        return read_all(client), local
