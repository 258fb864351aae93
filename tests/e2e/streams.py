# SPDX-License-Identifier: ISC
"""Streams of requests for the differential test: framing in all variants,
what has smuggled requests past other proxies, and mutations.

Every request of a stream names another host (a, b, c, d.example), so that
usherd gives each a tenant connection of its own and its boundaries show.
LAST stands at the end of every stream: when it arrives by itself, what stands
before it was taken for complete.
"""
import random

HOSTS = ('a', 'b', 'c', 'd', 'z')
LAST = (b'GET /last HTTP/1.1\r\nHost: z.example\r\nConnection: close'
        b'\r\n\r\n')
HIDDEN = b'GET /hidden HTTP/1.1\r\nHost: c.example\r\n\r\n'
AFTER = b'GET /after HTTP/1.1\r\nHost: b.example\r\n\r\n'


def post(fields, body=b'', line=b'POST /first HTTP/1.1',
         host=b'Host: a.example'):
    return (line + b'\r\n' + (host + b'\r\n' if host else b'')
            + b''.join(field + b'\r\n' for field in fields) + b'\r\n' + body)


# Ways to write Content-Length: 5 that not everybody reads as that.
LENGTHS = [b'Content-Length:' + value for value in (
    b' 5', b'5', b'\t5', b' 5 ', b' 05', b' 0000000000000000005', b' +5',
    b' -5', b' 5,5', b' 5, 5', b' 5,6', b' 5;', b' 0x5', b' 5_0', b' 5e0',
    b' 5.0', b' "5"', b' \xef\xbc\x95', b'', b' ', b' 5 5', b' 5\x0b',
    b' \x0c5', b' 5\x00', b' 5\x00\x00', b' a', b' 5a', b' 4294967301',
    b' 18446744073709551621', b' 9223372036854775808',
    b' 9223372036854775807', b' 99999999999999999999999999999', b' 0',
    b' 00', b' -0')] + [
    b'Content-Length : 5', b'Content-Length\t: 5', b' Content-Length: 5',
    b'Content_Length: 5', b'Content-Length\x00: 5', b'Content-Length 5',
    b'content-length: 5', b'CONTENT-LENGTH: 5', b'Content-Length\r: 5',
    b'Content-Length:\r\n 5', b'Content-Length: 5\r\n\t',
    b'X: y\nContent-Length: 5', b'X: y\rContent-Length: 5',
    b'Content-Length: 5\r\nContent-Length: 5',
    b'Content-Length: 5\r\nContent-Length: 0',
    b'Content-Length: 0\r\nContent-Length: 5',
    b'Content-Length: 5\r\nContent-Length:', b': x\r\nContent-Length: 5',
    b': Content-Length: 5', b'Content-Length: 5\r\n: x',
    # haproxy, CVE-2021-40346: a name whose length overflowed
    b'Content-Length0' + b'a' * 255 + b':\r\nContent-Length: 5']

# Ways to write Transfer-Encoding: chunked.
CODINGS = [b'Transfer-Encoding:' + value for value in (
    b' chunked', b'chunked', b'\tchunked', b' chunked ', b' Chunked',
    b' CHUNKED', b' xchunked', b' chunkedx', b' chunked, identity',
    b' identity, chunked', b' identity', b' gzip, chunked', b' gzip',
    b' chunked, chunked', b' , chunked', b' chunked,', b' chunked;q=1',
    b' chunked; ', b' "chunked"', b" 'chunked'", b' \x0bchunked',
    b' chunked\x0b', b' chunked\x00', b' \x00chunked', b' chun\x00ked',
    b' chunked\x0c', b' chunked\r', b' \rchunked', b' \xc2\xa0chunked', b'',
    b' cow', b' chunked cow', b' trailers')] + [
    b'Transfer-Encoding : chunked', b'Transfer-Encoding\t:chunked',
    b' Transfer-Encoding: chunked', b'\tTransfer-Encoding: chunked',
    b'Transfer_Encoding: chunked', b'Transfer-Encoding\x00: chunked',
    b'TRANSFER-ENCODING: chunked', b'Transfer-encodin\xc3\xa7: chunked',
    b'Transfer-Encoding:\r\n chunked', b'Transfer-Encoding\r\n: chunked',
    b'Transfer-Encoding: chunked\r\n ', b'Transfer-Encoding:\n chunked',
    b'X: y\nTransfer-Encoding: chunked', b'X: y\rTransfer-Encoding: chunked',
    b'X: y\r\r\nTransfer-Encoding: chunked',
    b'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    b'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    b'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    b'Transfer-Encoding: chunked\r\nTransfer-Encoding: x',
    b'Transfer-Encoding: x\r\nTransfer-Encoding: chunked',
    b': x\r\nTransfer-Encoding: chunked', b'TE: chunked']

# Bodies of a chunked message, legal and not.
CHUNKS = [
    b'0\r\n\r\n', b'5\r\nhello\r\n0\r\n\r\n', b'05\r\nhello\r\n00\r\n\r\n',
    b'5;a=b\r\nhello\r\n0\r\n\r\n', b'5 ;a\r\nhello\r\n0\r\n\r\n',
    b'5;a="\\"b"\r\nhello\r\n0;c\r\n\r\n', b'5;\r\nhello\r\n0\r\n\r\n',
    b'5 \r\nhello\r\n0\r\n\r\n', b' 5\r\nhello\r\n0\r\n\r\n',
    b'5\nhello\n0\n\n', b'5\r\nhello0\r\n\r\n', b'5\r\nhello\n0\r\n\r\n',
    b'5\r\nhello\r0\r\n\r\n', b'5\rhello\r\n0\r\n\r\n',
    b'0x5\r\nhello\r\n0\r\n\r\n', b'+5\r\nhello\r\n0\r\n\r\n',
    b'-5\r\nhello\r\n0\r\n\r\n', b'5\r\nhellox\r\n0\r\n\r\n',
    b'5;a\nhello\r\n0\r\n\r\n', b'5;\nxx\r\n4c\r\nhello\r\n0\r\n\r\n',
    b'5;a=\nhello\r\n0\r\n\r\n', b'5;a="\r\nhello\r\n0\r\n\r\n',
    b'5\x00\r\nhello\r\n0\r\n\r\n', b'5\t\r\nhello\r\n0\r\n\r\n',
    b'10000000000000005\r\nhello\r\n0\r\n\r\n',
    b'100000005\r\nhello\r\n0\r\n\r\n',
    b'fffffffffffffffb\r\nhello\r\n0\r\n\r\n',
    b'0000000000000005\r\nhello\r\n0\r\n\r\n',
    b'00000000000000005\r\nhello\r\n0\r\n\r\n',
    b'5\r\nhello\r\n0\r\nT: u\r\n\r\n',
    b'5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n',
    b'5\r\nhello\r\n0\r\nHost: c.example\r\n\r\n',
    b'5\r\nhello\r\n0\r\n T: u\r\n\r\n', b'5\r\nhello\r\n0\r\nT: u\n\r\n',
    b'5\r\nhello\r\n0\r\nT\r\n\r\n', b'5\r\nhello\r\n0\r\nT: u\r\n\n',
    b'5\r\nhello\r\n0\r\n\n', b'5\r\nhello\r\n0\r\n\rX',
    b'5\r\nhello\r\n0\n\r\n', b'5\r\nhello\r\n0\r\n',
    b'5\r\nhello\r\n\r\n', b'5\r\nhello\r\n', b'g\r\n', b'\r\n5\r\nhello',
    b'5_0\r\nhello\r\n0\r\n\r\n', b'\xb5\r\nhello\r\n0\r\n\r\n']

LINES = [b'POST /first HTTP/' + version for version in (
    b'1.0', b'1.2', b'1.9', b'0.9', b'2.0', b'1.10', b'01.1', b'1.', b'1',
    b'1.1 ', b'1.1\t', b'1,1')] + [
    b'POST /first http/1.1', b'POST /first', b'POST  /first HTTP/1.1',
    b'POST\t/first HTTP/1.1', b'POST /first  HTTP/1.1',
    b'POST /fi rst HTTP/1.1', b' POST /first HTTP/1.1', b'post / HTTP/1.1',
    b'P\x00ST / HTTP/1.1', b'P[ST / HTTP/1.1', b'"POST" / HTTP/1.1',
    b'POST /#x HTTP/1.1', b'POST /x#c.example HTTP/1.1',
    b'POST http://a.example/x HTTP/1.1', b'POST http://c.example/ HTTP/1.1',
    b'POST http://a.example:80/ HTTP/1.1', b'POST https://a.example HTTP/1.1',
    b'POST http://a.example@c.example/ HTTP/1.1',
    b'POST http://a.example#c.example/ HTTP/1.1',
    b'POST http://a.example?c HTTP/1.1', b'POST HTTP://A.example/ HTTP/1.1',
    b'POST ftp://a.example/ HTTP/1.1', b'POST //c.example/ HTTP/1.1',
    b'POST c.example/ HTTP/1.1', b'POST * HTTP/1.1', b'OPTIONS * HTTP/1.1',
    b'POST /\\c HTTP/1.1', b'POST /\x80\xff HTTP/1.1', b'POST /%00 HTTP/1.1',
    b'POST /\x7f HTTP/1.1', b'POST /\x01 HTTP/1.1', b'POST /\x00 HTTP/1.1',
    b'CONNECT c.example:80 HTTP/1.1', b'TRACE / HTTP/1.1',
    b'GET / HTTP/1.1', b'HEAD / HTTP/1.1', b'DELETE / HTTP/1.1',
    b'PATCH / HTTP/1.1', b'PROPFIND / HTTP/1.1', b'M-SEARCH * HTTP/1.1',
    b'\r\nPOST / HTTP/1.1', b'\r\n' * 4 + b'POST / HTTP/1.1',
    b'\r\n' * 5 + b'POST / HTTP/1.1', b'\nPOST / HTTP/1.1',
    b'\rPOST / HTTP/1.1', b'\r\n POST / HTTP/1.1', b'POST / HTTP/1.1\r']

HOST_LINES = [b'Host:' + value for value in (
    b'a.example', b' A.EXAMPLE', b' a.example.', b' a.example:80',
    b' a.example:', b' a.example:99999', b' a.example:x', b'\ta.example\t',
    b' a.example, c.example', b' a.example c.example', b' a.example/c',
    b' a.example@c.example', b' c.example@a.example', b' a.example#c',
    b' a.example\x00.c.example', b' a.example\x0b', b' a_b.example', b'',
    b' 127.0.0.1', b' [::1]', b' a%2eexample', b' .a.example',
    b' a..example', b' \xc3\xa4.example')] + [
    b'', b'Host : a.example', b' Host: a.example', b'Host a.example',
    b'host: a.example', b'Host: a.example\r\nHost: c.example',
    b'Host: c.example\r\nHost: a.example', b'Host: a.example\r\nHost:',
    b'Host: a.example\r\n c.example', b'X: y\r\n Host: c.example',
    b'X-Host: c.example\r\nHost: a.example', b'X: \rHost: a.example',
    b'X: \nHost: a.example', b'Host\x00: c.example\r\nHost: a.example',
    b'Host: a.example\nHost: c.example']

FIELDS = [
    b'Connection: close', b'Connection: keep-alive', b'Connection: Close',
    b'Connection: close, keep-alive', b'Connection: x, close',
    b'Connection: Content-Length', b'Connection: Transfer-Encoding',
    b'Connection: upgrade', b'Upgrade: websocket', b'Keep-Alive: 1',
    b'Connection: upgrade\r\nUpgrade: websocket',
    b'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n'
    b'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
    b'Expect: 100-continue', b'X: \x80\xff', b'X: \x00', b'X: \x01',
    b'X: \x7f', b'X:', b'X', b'X : y', b'X: y\r\n z', b'X(: y', b'"X": y',
    b'X: y\rZ: w', b'X: y\n', b'\x80: y', b'Sec-WebSocket-Key1: x',
    b'Proxy-Connection: close', b'X: ' + b'y' * 7000,
    b'\r\n'.join(b'X-%d: y' % i for i in range(90)),
    b'\r\n'.join(b'X-%d: y' % i for i in range(110))]


def table():
    """(what it is, the stream) for each written out above."""
    for field in LENGTHS:
        yield field, post([field], b'hello') + AFTER
        yield field, post([field], HIDDEN) + AFTER
        yield field, post([field, b'Transfer-Encoding: chunked'],
                          b'0\r\n\r\n' + HIDDEN) + AFTER
    for field in CODINGS:
        yield field, post([field], b'5\r\nhello\r\n0\r\n\r\n') + AFTER
        yield field, post([field, b'Content-Length: 5'],
                          b'0\r\n\r\n' + HIDDEN) + AFTER
        yield field, post([b'Content-Length: 48', field],
                          b'0\r\n\r\n' + HIDDEN) + AFTER
    for body in CHUNKS:
        yield body, post([b'Transfer-Encoding: chunked'], body) + AFTER
    for line in LINES:
        yield line, post([b'Content-Length: 5'], b'hello', line) + AFTER
        yield line, post([], b'', line) + AFTER
        yield line, post([b'Transfer-Encoding: chunked'],
                         b'5\r\nhello\r\n0\r\n\r\n', line) + AFTER
        yield line, post([b'Connection: keep-alive', b'Content-Length: 5'],
                         b'hello', line) + AFTER
    for line in HOST_LINES:
        yield line, post([b'Content-Length: 5'], b'hello', host=line) + AFTER
    for field in FIELDS:
        yield field, post([field, b'Content-Length: 5'], b'hello') + AFTER
        yield field, post([field], b'', b'GET / HTTP/1.1') + AFTER
    for between in (b'\r\n', b'\r\n\r\n', b'\n', b' ', b'\0', b'\r', b'x',
                    b'hello', b'\r\n' * 9):
        yield between, (post([b'Content-Length: 5'], b'hello') + between
                        + AFTER)


PIECES = [*LENGTHS, *CODINGS, *FIELDS]
ODD = b'\r\n\t\0 :;,"\\0159afx+-_\x0b\x0c\x7f\x80\xff/#@%[]()'


def made(chance, host):
    """A legal request."""
    name = b'Host: %s.example' % host.encode()
    fields = [b'X-%d: %s' % (i, b'v' * chance.randint(0, 30))
              for i in range(chance.randint(0, 3))]
    body = bytes(chance.choice(b'0123abc\r\n') for _ in range(
        chance.choice((0, 1, 2, 5, 16, 100))))
    line = b'%s /%s HTTP/1.1' % (chance.choice((b'GET', b'POST', b'PUT')),
                                 host.encode())
    kind = chance.randint(0, 2)
    if kind == 1:
        fields.append(b'Content-Length: %d' % len(body))
    elif kind == 2:
        fields.append(b'Transfer-Encoding: chunked')
        half = len(body) // 2
        body = b''.join(b'%x%s\r\n%s\r\n' % (
            len(part), chance.choice((b'', b'', b';e', b';e=f')), part)
            for part in (body[:half], body[half:]) if part) + b'0\r\n' + (
                chance.choice((b'', b'', b'T: u\r\n'))) + b'\r\n'
    else:
        body = b''
    chance.shuffle(fields)
    return post(fields, body, line, name)


def byte_changed(chance, data):
    at = chance.randrange(len(data))
    odd = bytes([chance.choice(ODD)])
    return (data[:at] + odd + data[at:], data[:at] + data[at + 1:],
            data[:at] + odd + data[at + 1:],
            data[:at] + data[at:at + 1] + data[at:])[chance.randrange(4)]


def line_changed(chance, data):
    lines = data.split(b'\r\n')
    at = chance.randrange(len(lines))
    kind = chance.randrange(4)
    if kind == 0:
        lines.insert(max(1, at), chance.choice(PIECES))
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        del lines[at]
    else:
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    return b'\r\n'.join(lines)


def mutated(n, seed=1):
    """n streams of one to four requests with up to three changes each."""
    chance = random.Random(seed)
    for i in range(n):
        hosts = list(HOSTS[:4])
        chance.shuffle(hosts)
        data = b''.join(made(chance, host)
                        for host in hosts[:chance.randint(1, 4)])
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            if data:
                data = chance.choice((byte_changed, line_changed))(chance,
                                                                   data)
        yield b'mutation %d' % i, data
