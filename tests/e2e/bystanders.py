# SPDX-License-Identifier: ISC
"""Run by test_accept.py, behind handing.PRELUDE, once with the library and
once without: what sockets say that are none of its business."""
# ruff: noqa: F821

ASKED = [(SOL_SOCKET, n) for n in (
    SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, SO_ERROR, SO_KEEPALIVE,
    SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF)] + [
    (IPPROTO_TCP, TCP_NODELAY), (IPPROTO_IP, IP_TTL),
    (IPPROTO_IPV6, IPV6_V6ONLY)]
said = []


def plain(value):
    """Without ports, which differ from run to run."""
    if isinstance(value, tuple) and len(value) > 1:
        return [value[0], *value[2:]]
    return value.decode() if isinstance(value, bytes) else value


def note(what, function, *arguments):
    try:
        said.append([what, plain(function(*arguments))])
    except OSError as error:
        said.append([what, error.errno])


def note_all(what, sock):
    note(what, sock.getsockname)
    note(what, sock.getpeername)
    for level, name in ASKED:
        note([what, level, name], sock.getsockopt, level, name)
    for level, name in ((SOL_SOCKET, SO_KEEPALIVE),
                        (IPPROTO_TCP, TCP_NODELAY), (IPPROTO_IP, IP_TTL)):
        note([what, 'set', level, name], sock.setsockopt, level, name, 7)
        note([what, 'is', level, name], sock.getsockopt, level, name)


def exchange(what, family, kind, where):
    """A listener, a client, and what was accepted."""
    listener = socket(family, kind)
    note(what, listener.bind, where)
    note_all(what + ' bound', listener)
    note(what, listener.listen)
    note_all(what + ' listening', listener)
    client = socket(family, kind)
    note(what, client.connect, listener.getsockname())
    accepted, address = listener.accept()
    said.append([what, plain(address)])
    note_all(what + ' accepted', accepted)
    client.sendall(b'x')
    note(what, accepted.recv, 10)
    listener.setblocking(False)
    note(what, listener.accept)


exchange('tcp', AF_INET, SOCK_STREAM, ('127.0.0.1', 0))
exchange('tcp6', AF_INET6, SOCK_STREAM, ('::1', 0))
exchange('unix', AF_UNIX, SOCK_STREAM, 'tls-socket')
exchange('seqpacket', AF_UNIX, SOCK_SEQPACKET, 'seqpacket-handoff')
exchange('abstract', AF_UNIX, SOCK_STREAM,
         b'\0usher-test-%d-handoff' % os.getpid())
said[:] = [s for s in said if '-handoff' not in str(s[1]) or 'seq' in str(s)]

packets = socket(AF_UNIX, SOCK_DGRAM)
note('dgram', packets.bind, 'dgram-handoff')
note_all('dgram', packets)
note('dgram', packets.accept)
note_all('pair', socketpair()[0])
packets = socket(AF_INET, SOCK_DGRAM)
note('udp', packets.bind, (loopback(int(sys.argv[1])), 8443))
note_all('udp', packets)
packets.close()
note_all('fresh', socket(AF_INET))
for bad in (('127.0.0.1', 8443), ('256.0.0.1', 8443)):
    note('family', socket(AF_INET6).bind, bad)
file = os.open('.', os.O_RDONLY)
note('file', error_of, lambda: socket(AF_UNIX, SOCK_STREAM, 0, file).accept())
tell(said)
