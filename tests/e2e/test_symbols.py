# SPDX-License-Identifier: ISC
"""What is linked: issue 2, last of "Must also hold", and design.md 1: what is
not linked cannot be called."""
import re
import subprocess

import harness

# Pure code may need these: memory, strings, and what the compiler adds.
PURE = re.compile(r'mem\w+|str\w+|bcmp|__stack_chk_fail|__\w+_chk|'
                  r'_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|sanitizer|gcov)_\w+')
HOSTNAME = ['hostname']
HELLO = ['hello', 'flight', *HOSTNAME]
REQUEST = ['request', 'field', 'authority', *HOSTNAME]

COMMON = ['agelist', 'confine', 'hostname', 'refusal', 'no_resolver']
PARSERS = ['parser', 'tls', 'http', *HELLO, *REQUEST, *COMMON]
RELAY = ['relay', 'pair', 'answer', 'mover_linux', *COMMON]

# Calls by which a process gets at files, programs, processes, the network.
OPEN = {'open', 'open64', 'openat', 'openat64', 'creat', 'fopen', 'fopen64',
        'opendir', 'unlink', 'unlinkat', 'rename', 'renameat', 'mkdir',
        'stat', 'lstat', 'readlink', 'syscall'}
NETWORK = {'socket', 'socketpair', 'connect', 'bind', 'listen', 'accept',
           'accept4'}
PROCESS = {'fork', 'vfork', 'posix_spawn', 'posix_spawnp', 'system', 'popen',
           'execl', 'execle', 'execlp', 'execv', 'execve', 'execvp',
           'execvpe', 'fexecve', 'kill', 'ptrace', 'dlopen', 'dlsym',
           'pthread_create'}
READ = {'read', '__read_chk', 'readv', 'pread', 'recvfrom', 'recvmmsg',
        '__recvfrom_chk', 'fread', 'fgets', 'getline'}
TAKE = {'recv', '__recv_chk', 'recvmsg'}
WRITE = {'write', 'writev', 'pwrite', 'sendto', 'sendmsg', 'sendmmsg',
         'send', 'splice', 'tee', 'vmsplice', 'sendfile', 'shutdown'}


def symbols(path, code=False):
    """(undefined, defined) names; defined functions only, when code."""
    done = subprocess.run(['nm', str(path)], capture_output=True, text=True,
                          check=True)
    undefined, defined = set(), set()
    for line in done.stdout.splitlines():
        kind, name = line.split()[-2:]
        if kind in 'Uw':
            undefined.add(name.split('@')[0])
        elif code is False or kind in 'TtWi':
            defined.add(name.split('@')[0])
    return undefined, defined


def needs(*objects):
    """What these objects together want from elsewhere."""
    undefined, defined = set(), set()
    for name in objects:
        wanted, given = symbols(harness.BUILD / (name + '.o'))
        undefined |= wanted
        defined |= given
    return undefined - defined


@harness.unittest.skipUnless((harness.BUILD / 'hello.o').exists(),
                             'the objects are not here')
class Objects(harness.unittest.TestCase):
    def pure(self, objects):
        self.assertEqual({name for name in needs(*objects)
                          if not PURE.fullmatch(name)}, set())

    def test_hostname_is_pure(self):
        """nm -u of hostname.o shows memory functions only."""
        self.pure(HOSTNAME)

    def test_hello_is_pure(self):
        """nm -u of hello.o shows memory functions only."""
        self.pure(HELLO)

    def test_request_is_pure(self):
        """nm -u of request.o shows memory functions only."""
        self.pure(REQUEST)

    @harness.unittest.skipUnless((harness.BUILD / 'chunks.o').exists(),
                                 'chunks.o is not built yet')
    def test_chunks_is_pure(self):
        self.pure(['chunks', 'field', *HOSTNAME])

    def test_pure_code_takes_no_memory(self):
        self.assertFalse({'malloc', 'calloc', 'realloc', 'free', 'strdup',
                          'strerror', 'strtok'} & needs(*HELLO, *REQUEST))

    def test_parsers_open_and_connect_nothing(self):
        self.assertFalse((OPEN | NETWORK | PROCESS) & needs(*PARSERS))

    def test_relay_opens_and_connects_nothing(self):
        self.assertFalse((OPEN | NETWORK | PROCESS) & needs(*RELAY))

    def test_parsers_write_nothing(self):
        """Of a parser's objects only message.o, the verdict, writes."""
        self.assertFalse(WRITE & needs(*PARSERS))

    def test_only_the_loop_of_the_parser_looks(self):
        for name in set(PARSERS) - {'parser'}:
            self.assertFalse((READ | TAKE) & needs(name), name)
        self.assertFalse((READ | {'recvmsg'}) & needs('parser'))

    def test_relay_reads_nothing(self):
        """Only pair.o has recv(2), to discard."""
        for name in set(RELAY) - {'pair'}:
            self.assertFalse((READ | TAKE) & needs(name), name)
        self.assertFalse((READ | {'recvmsg'}) & needs('pair'))

    def test_messages_of_children(self):
        """Beside writing reports and taking messages: nothing."""
        allowed = {'recvmsg', 'write', 'sendmsg'}
        self.assertFalse(((OPEN | NETWORK | PROCESS | READ | TAKE | WRITE) -
                          allowed) & needs('message'))


class Programs(harness.unittest.TestCase):
    def functions(self, program):
        _, defined = symbols(harness.BUILD / program, code=True)
        if '__asan_init' in defined:
            self.skipTest('the sanitizer has functions of all these names')
        return defined

    def libraries(self, program):
        done = subprocess.run(['ldd', str(harness.BUILD / program)],
                              capture_output=True, text=True)
        return re.findall(r'^\t(\S+\.so\S*)', done.stdout, re.MULTILINE)

    def test_children_are_static_or_have_the_core_only(self):
        """ldd shows no libevent feature beyond libevent_core."""
        for program in ('usherd-tls', 'usherd-http', 'usherd-relay'):
            for library in self.libraries(program):
                if 'event' in library:
                    self.assertIn('libevent_core', library, program)

    def test_parent_has_the_core_only(self):
        for library in self.libraries('usherd'):
            if 'event' in library:
                self.assertIn('libevent_core', library)

    def test_no_more_of_libevent_is_linked(self):
        """No bufferevents, HTTP, DNS or RPC of libevent in any program."""
        feature = re.compile(r'(bufferevent|evhttp|evdns|evrpc|evconnlistener|'
                             r'evbuffer|evtag)_\w+')
        for program in ('usherd', 'usherd-tls', 'usherd-http',
                        'usherd-relay'):
            defined = self.functions(program)
            self.assertEqual({name for name in defined
                              if feature.fullmatch(name)}, set(), program)

    def test_no_resolver_in_children(self):
        """Nothing of name services in a static child: getaddrinfo(3) is the
        dead end of no_resolver.c."""
        loader = re.compile(r'_*(nss_\w*|gaih_inet\w*|res_n?search|'
                            r'getpwnam(_r)?|getgrnam(_r)?|'
                            r'getaddrinfo_a|gethostbyname\w*)')
        for program in ('usherd-tls', 'usherd-http', 'usherd-relay'):
            defined = self.functions(program)
            self.assertEqual({name for name in defined
                              if loader.fullmatch(name)}, set(), program)

    def test_relay_has_no_parser(self):
        defined = self.functions('usherd-relay')
        self.assertEqual({name for name in defined if name.startswith(
            ('hello_', 'request_', 'flight_', 'hostname_', 'br_'))}, set())

    def test_parent_has_no_parser_and_no_mover(self):
        defined = self.functions('usherd')
        self.assertEqual({name for name in defined if name.startswith(
            ('hello_', 'request_', 'flight_', 'mover_', 'pair_', 'br_'))},
            set())


if __name__ == '__main__':
    harness.unittest.main()
