# SPDX-License-Identifier: ISC
"""Streams of responses for test_response_differential.py: legal ones, what has
been read in two ways by clients and proxies, and mutations."""
import random


def head(*fields, line=b'HTTP/1.1 200 OK'):
    return b'\r\n'.join([line, *fields, b'', b''])


def five(*fields, line=b'HTTP/1.1 200 OK', body=b'hello'):
    return head(*fields, line=line) + body


LENGTH = b'Content-Length: 5'
CODED = b'Transfer-Encoding: chunked'
CHUNKS = b'5\r\nhello\r\n0\r\n\r\n'

LINES = [b'HTTP/1.1 ' + rest for rest in (
    b'200 OK', b'200 ', b'200', b'200 \xe9t\xe9 \t!', b'201 Created',
    b'202 a  b', b'203 x', b'205 Reset Content', b'206 Partial', b'226 x',
    b'299 x', b'300 x', b'301 x', b'302 x', b'303 x', b'305 x', b'307 x',
    b'308 x', b'400 Bad', b'401 x', b'402 x', b'403 x', b'404 x', b'405 x',
    b'406 x', b'407 x', b'408 x', b'409 x', b'410 x', b'411 x', b'412 x',
    b'413 x', b'414 x', b'415 x', b'416 x', b'417 x', b'418 x', b'421 x',
    b'422 x', b'423 x', b'425 x', b'426 x', b'428 x', b'429 x', b'431 x',
    b'444 x', b'451 x', b'499 x', b'500 x', b'501 x', b'502 x', b'503 x',
    b'504 x', b'505 x', b'599 x', b'600 x', b'999 x', b'099 x', b'000 x',
    b'20 OK', b'2000 OK', b'2x0 OK', b'-20 OK', b' 200 OK', b'200\tOK',
    b'200  OK', b'200 O\x00K', b'200 O\x01K', b'200 O\rK', b'200 O\x7fK')] + [
    b'HTTP/1.0 200 OK', b'HTTP/1.2 200 OK', b'HTTP/1.9 200 OK',
    b'HTTP/0.9 200 OK', b'HTTP/2.0 200 OK', b'HTTP/1.10 200 OK',
    b'HTTP/1. 200 OK', b'HTTP/1 200 OK', b'http/1.1 200 OK', b'ICY 200 OK',
    b'HTTP/1.1\t200 OK', b' HTTP/1.1 200 OK', b'\r\nHTTP/1.1 200 OK',
    b'\nHTTP/1.1 200 OK', b'hello', b'HTTP/1.1200 OK', b'SIP/1.1 200 OK']

LENGTHS = [b'Content-Length:' + value for value in (
    b' 5', b'5', b'   5', b' 5 ', b' 5   ', b'\t5', b' \t5', b' 5\t',
    b' 05', b' 0000000000000000000000005',
    b' +5', b' -5', b' 5,5', b' 5, 5', b' 5,6', b' 5;', b' 0x5', b' 5_0',
    b' 5e0', b' 5.0', b' "5"', b'', b' ', b' 5 5', b' 5\x0b', b' 5\x00',
    b' a', b' 5a', b' 18446744073709551621', b' 9223372036854775813',
    b' 99999999999999999999999999999', b' 0', b' 00', b' -0',
    b' ' + b'0' * 255 + b'5', b' ' * 249 + b'5', b' ' * 300 + b'5')] + [
    b'Content-Length : 5', b'Content-Length\t: 5', b' Content-Length: 5',
    b'Content_Length: 5', b'Content-Length\x00: 5', b'Content-Length 5',
    b'content-length: 5', b'CONTENT-LENGTH: 5', b'Content-Length:\r\n 5',
    b'Content-Length: 5\r\n\t', b'X: y\nContent-Length: 5',
    b'X: y\rContent-Length: 5', b'Content-Length: 5\nX: y',
    LENGTH + b'\r\n' + LENGTH, LENGTH + b'\r\nContent-Length: 6',
    LENGTH + b'\r\nContent-Length:', b': x\r\n' + LENGTH, LENGTH + b'\r\n: x',
    b'X-Content-Length: 9\r\n' + LENGTH, b'Content-Lengt: 9\r\n' + LENGTH,
    b'Content-Lengths: 9\r\n' + LENGTH]

CODINGS = [b'Transfer-Encoding:' + value for value in (
    b' chunked', b'chunked', b'\tchunked', b' chunked\t', b'  chunked',
    b' chunked ', b' chunked  ', b' Chunked',
    b' CHUNKED', b' xchunked', b' chunkedx', b' chunked, identity',
    b' identity, chunked', b' identity', b' gzip, chunked', b' gzip',
    b' chunked, chunked', b' , chunked', b' chunked,', b' chunked;q=1',
    b' "chunked"', b' \x0bchunked', b' chunked\x00', b' chun\x00ked', b'',
    b' chunked chunked', b' ' * 300 + b'chunked')] + [
    b'Transfer-Encoding : chunked', b' Transfer-Encoding: chunked',
    b'Transfer_Encoding: chunked', b'TRANSFER-ENCODING: chunked',
    b'Transfer-Encoding:\r\n chunked', b'Transfer-Encoding: chunked\r\n ',
    b'X: y\nTransfer-Encoding: chunked', b'X: y\rTransfer-Encoding: chunked',
    CODED + b'\r\n' + CODED, CODED + b'\r\nTransfer-Encoding: identity',
    b'Transfer-Encoding: identity\r\n' + CODED,
    b'Transfer-Encoding: gzip\r\n' + CODED,
    CODED + b'\r\n' + LENGTH, LENGTH + b'\r\n' + CODED,
    CODED + b'\r\nContent-Length: 15', b'TE: chunked']

BODIES = [
    b'0\r\n\r\n', b'5\r\nhello\r\n0\r\n\r\n', b'05\r\nhello\r\n00\r\n\r\n',
    b'5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n', b'A\r\n0123456789\r\n0\r\n\r\n',
    b'0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n',
    b'00000000000000005\r\nhello\r\n0\r\n\r\n',
    b'5;a\r\nhello\r\n0\r\n\r\n', b'5;a=b\r\nhello\r\n0;c=d\r\n\r\n',
    b'5;a=b;c;d="e"\r\nhello\r\n0\r\n\r\n',
    b'5;a="b c;d,\xe9\t"\r\nhello\r\n0\r\n\r\n',
    b'5;a="\\"b\\\\"\r\nhello\r\n0;c\r\n\r\n', b'5;a=""\r\nhello\r\n0\r\n\r\n',
    b'5;' + b'a' * 3000 + b'\r\nhello\r\n0\r\n\r\n',
    b'5 ;a\r\nhello\r\n0\r\n\r\n', b'5; a\r\nhello\r\n0\r\n\r\n',
    b'5;a =b\r\nhello\r\n0\r\n\r\n', b'5;a= b\r\nhello\r\n0\r\n\r\n',
    b'5;\r\nhello\r\n0\r\n\r\n', b'5;;\r\nhello\r\n0\r\n\r\n',
    b'5 \r\nhello\r\n0\r\n\r\n', b' 5\r\nhello\r\n0\r\n\r\n',
    b'5\nhello\n0\n\n', b'5\r\nhello0\r\n\r\n', b'5\r\nhello\n0\r\n\r\n',
    b'0x5\r\nhello\r\n0\r\n\r\n', b'+5\r\nhello\r\n0\r\n\r\n',
    b'5\r\nhellox\r\n0\r\n\r\n', b'5;a\nhello\r\n0\r\n\r\n',
    b'5;a="\n"\r\nhello\r\n0\r\n\r\n', b'5;a="\r\nhello\r\n0\r\n\r\n',
    b'5\x00\r\nhello\r\n0\r\n\r\n', b'5\t\r\nhello\r\n0\r\n\r\n',
    b'10000000000000005\r\nhello\r\n0\r\n\r\n',
    b'8000000000000005\r\nhello\r\n0\r\n\r\n',
    b'5\r\nhello\r\n0\r\nT: u\r\n\r\n',
    b'5\r\nhello\r\n0\r\nT:\r\nU: v\r\n\r\n',
    b'5\r\nhello\r\n0\r\nT: ' + b'u' * 5000 + b'\r\n\r\n',
    b'5\r\nhello\r\n0\r\n' + b'T: u\r\n' * 40 + b'\r\n',
    b'5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n',
    b'5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n',
    b'5\r\nhello\r\n0\r\nConnection: close\r\n\r\n',
    b'5\r\nhello\r\n0\r\nHTTP/1.1 200 OK: x\r\n\r\n',
    b'5\r\nhello\r\n0\r\n T: u\r\n\r\n', b'5\r\nhello\r\n0\r\nT: u\n\r\n',
    b'5\r\nhello\r\n0\r\nT: u\r\n v\r\n\r\n',
    b'5\r\nhello\r\n0\r\nT : u\r\n\r\n',
    b'5\r\nhello\r\n0\r\nT\r\n\r\n', b'5\r\nhello\r\n0\r\nT: u\r\n\n',
    b'5\r\nhello\r\n0\r\n\n', b'5\r\nhello\r\n0\r\n\rX',
    b'5\r\nhello\r\n0\n\r\n', b'5\r\nhello\r\n\r\n', b'g\r\n',
    b'\r\n5\r\nhello']

FIELDS = [
    b'X: y', b'X:y', b'X:', b'X: \t', b'X: \x80\xff', b'X: a\tb', 
    b"!#$%&'*+-.^_`|~09azAZ: x",
    b'X: \x00', b'X: \x01', b'X: \x7f', b'X: \x0b', b'X', b'X : y', b'X\t: y',
    b'X(: y', b'"X": y', b'\x80: y', b'X\x00: y', b'X y: z', b'X: y\rZ: w',
    b'X: y\n', b'X: y\r\n z', b'X: y\r\n\tz', b' X: y', b':',
    b'X: ' + b'y' * 9000,
    b'X' * 300 + b': y', b'\r\n'.join(b'X-%d: y' % i for i in range(90)),
    b'Connection: close', b'Connection: keep-alive', b'Connection: Close',
    b'Connection: close, keep-alive', b'Connection: x, close',
    b'Connection: keep-alive\r\nConnection: close',
    b'Connection: , close,, x ,', b'Connection:', b'Connection: closed',
    b'Connection: x y', b'Connection: "close"', b'Connection: close;',
    b'Connection: Content-Length', b'Connection: Transfer-Encoding',
    b'Connection: upgrade\r\nUpgrade: h2c', b'Upgrade: websocket',
    b'Keep-Alive: timeout=5, max=9', b'Proxy-Connection: close',
    b'Content-Type: multipart/byteranges; boundary=x',
    b'Content-Range: bytes 0-4/5', b'Content-Encoding: x',
    b'Trailer: T', b'Location: /', b'Date: x', b'Set-Cookie: a=b; c']

NO_BODY = [b'204 No Content', b'304 Not Modified', b'204 ', b'304 x']
INTERIM = [b'100 Continue', b'102 Processing', b'103 Early Hints', b'104 x',
           b'199 x', b'100 ']


# What no two read alike: those who take it for framed see other ends than
# those who do not, or some refuse it.
AMBIGUOUS = [
    five(LENGTH, b'Content-Length: 6'), five(b'Content-Length:\t5'),
    five(LENGTH, LENGTH), five(b'Content-Length: 5, 5'),
    five(CODED, LENGTH, body=CHUNKS), five(b'Content-Length: +5'),
    five(b'Transfer-Encoding: gzip, chunked', body=CHUNKS),
    five(b'X: y\nContent-Length: 9', LENGTH), five(b'Content-Length : 5'),
    five(b'X: y\r\n z', b' Content-Length: 9', LENGTH),
    head(CODED) + b'5;a="\n"\r\nhello\r\n0\r\n\r\n',
    head(CODED) + b'5 \r\nhello\r\n0\r\n\r\n',
    head(CODED) + b'5\nhello\n0\n\n']

# Heads in which one may see an end before another does: two heads, or two
# lengths of which the second is shorter, in front of it or behind.
ZERO = b'Content-Length: 0'
NINE = b'Content-Length: 9'
TORN = [
    five(*fields) for between in (
        b'\n', b'\n\n', b'\r', b'\r\r', b'\r\r\n', b'\r\n\n', b'\n\r\n',
        b'\r\n\r', b'\r\n \r\n', b'\r\n\t', b'\r\n ', b'\x0b', b'\x00',
        b'\x0c', b'\r\n:', b'\r\nX\r\n', b'\r\nX ')
    for fields in ([b'X: y' + between + ZERO, NINE],
                   [NINE, b'X: y' + between + ZERO],
                   [b'X: y' + between + NINE, ZERO],
                   [b'X: y' + between + LENGTH],
                   [NINE + between + b'X: y'])] + [
    five(*fields, body=CHUNKS) for fields in (
        [CODED, b'Content-Length: 3'], [CODED, b'Content-Length: 99'],
        [CODED, ZERO], [b'Transfer-Encoding: x', LENGTH],
        [b'Transfer-Encoding: gzip, chunked', LENGTH],
        [b'Transfer-Encoding : chunked', b'Content-Length: 15'])] + [
    five(LENGTH, line=line) for line in (
        b'HTTP/1.1 0204 x', b'HTTP/1.1 2040 x', b'HTTP/1.1  204 x',
        b'HTTP/1.1 204', b'HTTP/1.1 204\tx', b'HTTP/1.1 304\nX: y',
        b'HTTP/1.1 0100 x', b'HTTP/1.1 1000 x', b'HTTP/1.1  100 x')] + [
    head(line=line) + five(LENGTH) for line in (
        b'HTTP/1.1 100', b'HTTP/1.1 100 x\nX: y', b'HTTP/1.1 100\tx',
        b'HTTP/1.1 103 x\r\nX : y', b'HTTP/1.1  100 x',
        b'HTTP/1.1 0100 x', b'HTTP/1.1 1000 x')]


def table():
    """(method, the stream) for each written out above."""
    for line in LINES:
        yield 'GET', five(LENGTH, line=line)
        yield 'HEAD', head(LENGTH, line=line)
    for line in (b'HTTP/1.0 200 OK', b'HTTP/1.1 404 x', b'HTTP/1.1 206 x',
                 b'HTTP/1.1 205 x'):
        yield 'GET', five(CODED, line=line, body=CHUNKS)
        yield 'GET', five(line=line)
        yield 'GET', five(LENGTH, b'Connection: keep-alive', line=line)
    for field in LENGTHS:
        yield 'GET', five(field)
        yield 'HEAD', head(field)
        yield 'GET', head(field, line=b'HTTP/1.1 304 Not Modified')
    for field in CODINGS:
        yield 'GET', five(field, body=CHUNKS)
        yield 'HEAD', head(field)
    for body in BODIES:
        yield 'GET', head(CODED) + body
    for field in FIELDS:
        yield 'GET', five(field, LENGTH)
        yield 'GET', five(CODED, field, body=CHUNKS)
        yield 'HEAD', head(field)
    for stream in TORN:
        yield 'GET', stream
        yield 'HEAD', stream
    yield from without_body()


def without_body():
    """Heads alone, whatever they announce, and what comes before a head."""
    for status in NO_BODY:
        line = b'HTTP/1.1 ' + status
        for fields in ([], [LENGTH], [b'Content-Length: 0'], [CODED]):
            yield 'GET', head(*fields, line=line)
            yield 'HEAD', head(*fields, line=line)
            yield 'GET', five(*fields, line=line)
        yield 'GET', head(line=b'HTTP/1.0 ' + status)
    for fields in ([], [LENGTH], [CODED], [b'Content-Length: 99999999999']):
        yield 'HEAD', head(*fields)
        yield 'HEAD', five(*fields)
    yield 'GET', five(b'Content-Length: 0', body=b'')
    for status in INTERIM:
        for fields in ([], [b'Link: x'], [LENGTH], [b'Content-Length: 0'],
                       [CODED]):
            first = head(*fields, line=b'HTTP/1.1 ' + status)
            yield 'GET', first + five(LENGTH)
            yield 'HEAD', first + head(LENGTH)
        yield 'GET', first * 3 + five(CODED, body=CHUNKS)
        yield 'GET', head(line=b'HTTP/1.0 ' + status) + five(LENGTH)
    yield 'GET', head(line=b'HTTP/1.1 101 x') + five(LENGTH)


ODD = b'\r\n\t\0 :;,"\\0159afx+-_\x0b\x7f\x80\xff'


def byte_changed(chance, data):
    at = chance.randrange(len(data))
    odd = bytes([chance.choice(ODD)])
    return (data[:at] + odd + data[at:], data[:at] + data[at + 1:],
            data[:at] + odd + data[at + 1:],
            data[:at] + data[at:at + 1] + data[at:])[chance.randrange(4)]


def line_changed(chance, data):
    lines = data.split(b'\r\n')
    at = chance.randrange(len(lines))
    other = chance.randrange(len(lines))
    kind = chance.randrange(4)
    if kind == 0:
        lines.insert(max(1, at), chance.choice(
            chance.choice((LENGTHS, CODINGS, FIELDS))))
    elif kind == 1:
        lines.insert(at, lines[at])
    elif kind == 2:
        del lines[at]
    else:
        lines[at], lines[other] = lines[other], lines[at]
    return b'\r\n'.join(lines)


def mutated(seed):
    """Rows of the table without end, with one to three changes each."""
    chance = random.Random(seed)
    rows = [row for row in table() if len(row[1]) < 1000]
    while True:
        method, data = chance.choice(rows)
        for _ in range(chance.choice((1, 1, 2, 3))):
            if data:
                data = chance.choice((byte_changed, line_changed))(chance,
                                                                   data)
        yield method, data
