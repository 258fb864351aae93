# SPDX-License-Identifier: ISC
"""What a stand-in says of itself and hands down to clients is what a TCP
listener says and hands down: the same program runs with libusher-accept.so
and without, and must be told the same."""
import contextlib
import shutil
import socket
import unittest

from standins import BIND, Case

# What the programs begin with: they keep what they are told, by name, and
# tell it all at the end.  Their port is 8443 under the library, else any.
ASK = '''
import ctypes, struct

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
SO_TIMESTAMP, SO_MAX_PACING_RATE, SO_BUSY_POLL, SO_PASSCRED = 29, 47, 46, 16
LEVELS = {'SO': SOL_SOCKET, 'TCP': IPPROTO_TCP, 'IP': IPPROTO_IP,
          'IPV6': IPPROTO_IPV6}
PORT = int(sys.argv[1])
FAMILY = AddressFamily(int(sys.argv[2]))
ANY = '::' if FAMILY == AF_INET6 else '0.0.0.0'
libc = ctypes.CDLL(None, use_errno=True)
said = []

def note(what, function, *arguments):
    try:
        value = function(*arguments)
    except OSError as error:
        value = 'errno %d' % error.errno
    said.append([what, value.hex() if isinstance(value, bytes) else value])

def option(name):
    return LEVELS[name.partition('_')[0]], globals()[name]

def ask(when, sock, names):
    for name in names:
        note(f'{when}: {name}', sock.getsockopt, *option(name), 256)

def give(when, sock, values):
    for name, value in values.items():
        note(f'{when}: {name} = {value}', sock.setsockopt, *option(name),
             value)

def listening(sock):
    sock.bind((ANY, PORT))
    sock.listen()
    return sock
'''

# What is asked of every listener, and what it is set to: twice, since what
# was set before bind() is found there, and what is set later is kept.
VALUES = '''
timeval, linger = struct.Struct('qq').pack, struct.Struct('ii').pack
VALUES = [
    ('SO_KEEPALIVE', 1, 0), ('SO_OOBINLINE', 1, 0),
    ('SO_LINGER', linger(1, 7), linger(1, 0)),
    ('SO_SNDBUF', 20001, 1), ('SO_RCVBUF', 30001, 1),
    ('SO_RCVLOWAT', 5, 0), ('SO_PRIORITY', 3, 0),
    ('SO_RCVTIMEO', timeval(2, 500000), timeval(0, 0)),
    ('SO_SNDTIMEO', timeval(3, 0), timeval(0, 0)),
    ('SO_REUSEADDR', 1, 0), ('SO_TIMESTAMP', 1, 0), ('SO_DONTROUTE', 1, 0),
    ('SO_MAX_PACING_RATE', 123456, 654321),
    ('TCP_NODELAY', 1, 0), ('TCP_DEFER_ACCEPT', 5, 60),
    ('TCP_FASTOPEN', 7, 0), ('TCP_KEEPIDLE', 33, 44),
    ('TCP_KEEPINTVL', 11, 12), ('TCP_KEEPCNT', 4, 5),
    ('TCP_USER_TIMEOUT', 5000, 0), ('TCP_SYNCNT', 3, 4),
    ('TCP_LINGER2', 9, -1), ('TCP_MAXSEG', 1000, 900),
    ('TCP_NOTSENT_LOWAT', 16384, 0), ('TCP_CORK', 1, 0),
    ('TCP_CONGESTION', b'reno', b'cubic'),
    ('TCP_WINDOW_CLAMP', 20000, 30000),
    ('IP_TTL', 33, 44), ('IP_TOS', 0x10, 0x28), ('IP_MTU_DISCOVER', 2, 0),
    ('IPV6_TCLASS', 0x10, 0x28), ('IPV6_UNICAST_HOPS', 55, 66),
    ('IPV6_MTU_DISCOVER', 2, 0)]
NAMES = [name for name, _, _ in VALUES]
FIRST = {name: value for name, value, _ in VALUES}
def groups(names):
    return [names[i::3] for i in range(3)]

SECOND = {name: value for name, _, value in VALUES}
'''


class Compared(Case):
    maxDiff = None

    def told_by(self, script, family, *arguments, visits=0, preload=True,
                client=None):
        """All that one run of a program says; the clients that visit it
        while it listens speak first and stay."""
        how = {'listen': f'8443={self.path}'} if preload else {}
        server = self.server(BIND + ASK + script, 8443 if preload else 0,
                             int(family), *arguments, preload=preload, **how)
        for _ in range(visits):
            port = server.told()
            with contextlib.suppress(BrokenPipeError):  # gone already
                visitor = self.hand(family=client or family) if preload \
                    else self.connect(client or family, port)
                visitor.sendall(b'hello')
        said = server.told()
        self.assertEqual((server.wait(), server.errors), (0, b''))
        if self.path.is_dir():
            shutil.rmtree(self.path)
        elif preload:
            self.path.unlink()
        return said

    def connect(self, family, port):
        client = socket.create_connection(
            ('::1' if family == socket.AF_INET6 else '127.0.0.1', port), 10)
        self.addCleanup(client.close)
        return client

    def compare(self, script, *arguments, least=1,
                families=(socket.AF_INET, socket.AF_INET6), **how):
        for family in families:
            with self.subTest(family.name, arguments=arguments):
                ours, tcps = (
                    self.told_by(script, family, *arguments, preload=preload,
                                 **how) for preload in (True, False))
                self.assertEqual(len(ours), len(tcps))
                self.assertEqual([one for one in ours if one not in tcps],
                                 [one for one in tcps if one not in ours])
                self.assertEqual(ours, tcps)
                self.assertGreaterEqual(len(ours), least)


class Listener(Compared):
    def test_options_set_before_bind_and_after(self):
        """Also those that were never set, and what was set is not lost."""
        self.compare(VALUES + '''
for names in groups(NAMES):
    sock = socket(FAMILY)
    for when, values in (('new', FIRST), ('bound', SECOND),
                         ('listens', FIRST)):
        if when == 'bound':
            sock.bind((ANY, PORT))
        if when == 'listens':
            sock.listen()
        ask(when, sock, NAMES)
        give(when, sock, {name: values[name] for name in names})
        ask(when + ' and set', sock, NAMES)
    sock.close()
tell(said)
''', least=250)

    def test_all_of_them_at_once(self):
        self.compare(VALUES + '''
sock = socket(FAMILY)
give('new', sock, FIRST)
sock.bind((ANY, PORT))
ask('bound', sock, NAMES)
give('bound', sock, SECOND)
ask('bound and set', sock, NAMES)
tell(said)
''', least=120)

    def test_a_port_that_is_shared_says_so(self):
        """Its path is a directory then."""
        self.compare('''
for first in 0, 1:
    sock = socket(FAMILY)
    give('new', sock, {'SO_REUSEPORT': first})
    for when in 'bound', 'listens':
        sock.listen() if when == 'listens' else sock.bind((ANY, PORT))
        for value in 1 - first, first:
            ask(when, sock, ['SO_REUSEPORT', 'SO_REUSEADDR'])
            give(when, sock, {'SO_REUSEPORT': value})
        ask(when, sock, ['SO_REUSEPORT'])
    sock.close()
tell(said)
''', least=30)


ERRORS = '''
def raw_get(sock, level, name, size):
    """As much as fits, and how much that is said to be."""
    value = (ctypes.c_ubyte * 256)(*[0xee] * 256)
    full = ctypes.c_int(size)
    if libc.getsockopt(sock.fileno(), level, name, value,
                       ctypes.byref(full)) == -1:
        raise OSError(ctypes.get_errno(), '')
    return [full.value, bytes(value).hex()]

def raw(function, sock, level, name, value, size):
    """With pointers and sizes that Python would not let through."""
    if function(sock.fileno(), level, name, value, size) == -1:
        raise OSError(ctypes.get_errno(), '')

def wrong_all(when, sock):
    for name in ('SO_KEEPALIVE', 'SO_REUSEADDR', 'SO_SNDBUF', 'TCP_NODELAY',
                 'TCP_FASTOPEN', 'TCP_CONGESTION', 'SO_LINGER',
                 'SO_RCVTIMEO', 'IP_TOS', 'IP_TTL', 'IPV6_TCLASS',
                 'IPV6_V6ONLY'):
        for size in (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 100):
            note(f'{when}: {name} of {size}', sock.setsockopt, *option(name),
                 b'\\1' + bytes(size - 1) if size else b'')
            note(f'{when}: {name} in {size}', raw_get, sock, *option(name),
                 size)
        for size in (-1, -2**31):
            note(f'{when}: {name} in {size}', raw_get, sock, *option(name),
                 size)
            note(f'{when}: {name} of {size}', raw, libc.setsockopt, sock,
                 *option(name), b'\\1' * 20, size)
        note(f'{when}: {name} NULL', raw, libc.setsockopt, sock,
             *option(name), None, 4)
        note(f'{when}: {name} to NULL', raw, libc.getsockopt, sock,
             *option(name), None, ctypes.byref(ctypes.c_int(4)))
        note(f'{when}: {name} size NULL', raw, libc.getsockopt, sock,
             *option(name), ctypes.create_string_buffer(9), None)
    for name, value in (
            ('IP_TTL', 0), ('IP_TTL', 256), ('TCP_KEEPIDLE', 0),
            ('TCP_KEEPIDLE', 40000), ('TCP_FASTOPEN', -1),
            ('TCP_USER_TIMEOUT', -1), ('TCP_CONGESTION', b'nosuch'),
            ('SO_PRIORITY', 100), ('IPV6_TCLASS', 256), ('TCP_MAXSEG', 1),
            ('TCP_SYNCNT', 1000), ('TCP_KEEPCNT', 128),
            ('IP_MTU_DISCOVER', 77), ('SO_RCVTIMEO', timeval(0, 1000000)),
            ('SO_TYPE', 1), ('SO_DOMAIN', 1), ('SO_PROTOCOL', 1),
            ('SO_ACCEPTCONN', 1), ('SO_ERROR', 1), ('SO_PASSCRED', 1),
            ('SO_PEERCRED', 1), ('TCP_INFO', 1)):
        give(when, sock, {name: value})
    note(f'{when}: no device', raw, libc.setsockopt, sock, SOL_SOCKET,
         SO_BINDTODEVICE, None, 0)
    for level in (*LEVELS.values(), 2, 17, 77, 255):
        for number in (9999, -1):
            note(f'{when}: {level}, {number}', sock.setsockopt, level,
                 number, 1)
            note(f'{when}: {level}, {number}', sock.getsockopt, level,
                 number)
'''


class Errors(Compared):
    def test_what_is_no_option_or_no_value_of_one(self):
        self.compare(VALUES + ERRORS + '''
sock = socket(FAMILY)
wrong_all('new', sock)
sock.bind((ANY, PORT))
wrong_all('bound', sock)
sock.listen()
wrong_all('listens', sock)
tell(said)
''', least=500)


# A listener for each few options, set at a moment that is asked for.  Three
# are usherd's own matter: its listeners have SO_REUSEADDR, and sizes of
# segments and windows are agreed on before there is anybody to hand over.
INHERIT = '''
WHEN, MAPPED = sys.argv[3:]
OWN = 'SO_REUSEADDR', 'TCP_MAXSEG', 'TCP_WINDOW_CLAMP'
ADAPTED = 'SO_SNDBUF', 'SO_RCVBUF'      # if they were not set
NAMES = [name for name in NAMES if name not in OWN and
         not (MAPPED and name.startswith('IPV6'))]
for names in groups(NAMES):
    sock = socket(FAMILY)
    for now in 'before bind', 'before listen', 'after listen':
        if now == 'before listen':
            sock.bind((ANY, PORT))
        if now == 'after listen':
            sock.listen()
        if now == WHEN:
            give(WHEN, sock, {name: FIRST[name] for name in names})
    tell(sock.getsockname()[1])
    client, _ = sock.accept()
    client.recv(1, MSG_PEEK)
    ask('accepted', client, [name for name in NAMES if name in names or
                             name not in ADAPTED])
    client.close()
    sock.close()
tell(said)
'''


class Inherited(Compared):
    def test_what_is_set_on_a_listener_is_found_on_its_clients(self):
        for when in ('never', 'before bind', 'before listen',
                     'after listen'):
            self.compare(VALUES + INHERIT, when, '', visits=3, least=80)

    def test_and_on_those_who_came_by_ipv4_to_a_listener_for_ipv6(self):
        for when in ('before bind', 'after listen'):
            self.compare(VALUES + INHERIT, when, 'mapped', visits=3, least=80,
                         families=[socket.AF_INET6], client=socket.AF_INET)


class Questions(Compared):
    """What a server may ask to find out what it was given."""

    def test_what_kind_of_socket_it_is(self):
        self.compare('''
KIND = 'SO_TYPE', 'SO_DOMAIN', 'SO_PROTOCOL', 'SO_ACCEPTCONN', 'SO_ERROR'
sock = socket(FAMILY)
for when in 'new', 'bound', 'listens', 'accepted':
    if when == 'bound':
        sock.bind((ANY, PORT))
    if when == 'listens':
        sock.listen()
    if when == 'accepted':
        tell(sock.getsockname()[1])
        sock, _ = sock.accept()
    ask(when, sock, KIND)
    if when != 'accepted':
        ask(when, sock, ['IPV6_V6ONLY'])
        note(when, sock.getpeername)
    detected = socket(fileno=os.dup(sock.fileno()))
    said.append([when, detected.family, detected.type, detected.proto])
tell(said)
''', visits=1, least=30)

    def test_ipv6_only_is_asked_for_before_bind(self):
        """And not after it, whatever it is; an address says it, too."""
        self.compare('''
ADDRESSES = ('::', '::1', '::ffff:127.0.0.1') if FAMILY == AF_INET6 else \\
    ('0.0.0.0', '127.0.0.1')
for address in ADDRESSES:
    for value in (None, 0, 1):
        sock = socket(FAMILY)
        if value is not None:
            give('new', sock, {'IPV6_V6ONLY': value})
        note('bind', sock.bind, (address, PORT))
        ask('bound', sock, ['IPV6_V6ONLY'])
        for now in 0, 1:
            give('bound', sock, {'IPV6_V6ONLY': now})
        sock.listen()
        give('listens', sock, {'IPV6_V6ONLY': 1})
        ask('listens', sock, ['IPV6_V6ONLY'])
        sock.close()
tell(said)
''', least=36)

    def test_an_address_of_less_than_no_size(self):
        self.compare('''
sock = listening(socket(FAMILY))
tell(sock.getsockname()[1])
for call in libc.getsockname, libc.accept:
    size = ctypes.c_int(-1)
    said.append([call(sock.fileno(), ctypes.create_string_buffer(128),
                      ctypes.byref(size)) < 0, ctypes.get_errno()])
tell(said)
''', visits=1, least=2)

    def test_an_address_is_cut_off_as_by_the_kernel(self):
        """Each client's is preceded by its length, as was said."""
        self.compare('''
sock = listening(socket(FAMILY))
for _ in range(18):
    tell(sock.getsockname()[1])
for call in libc.accept, libc.accept4:
    for room in (0, 2, 8, 15, 16, 27, 28, 29, 100):
        buffer = (ctypes.c_ubyte * 128)(*[0xee] * 128)
        size = ctypes.c_int(room)
        fd = call(sock.fileno(), buffer, ctypes.byref(size), 0)
        peer = socket(fileno=fd).getpeername()
        text = bytes(buffer)
        if room > 2:
            text = text.replace(peer[1].to_bytes(2, 'big'), b'PP', 1)
        said.append([room, size.value, text.hex()])
tell(said)
''', visits=18, least=18)


if __name__ == '__main__':
    unittest.main()
