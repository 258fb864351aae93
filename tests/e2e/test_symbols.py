# SPDX-License-Identifier: ISC
"""What is linked: the rest cannot be called."""
import re
import subprocess

import harness
from buildmk import linked, objects

# Pure code may need these: memory, strings, and what the compiler adds.
PURE = re.compile(r'mem\w+|str\w+|bcmp|__stack_chk_fail|__\w+_chk|'
                  r'_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|sanitizer|gcov)_\w+')
HOSTNAME = ['hostname']
# BearSSL's reader of hellos is pure as well, but not ours.
HELLO = sorted(set(objects('HELLO')) - {'hello_bearssl'})
REQUEST = objects('REQUEST')
CHUNKS = objects('CHUNKS')

# What decides over a connection, and what that is made of.
DECIDES = ['events', 'machine', 'connection', 'states', 'rules', 'find',
           'query', 'backend', 'hosts', 'hosts_linux', 'lookup', 'place',
           'recall', 'handoff', 'inflight', 'outq_linux', 'proxy', 'crc32c',
           'tcp_options', 'message_send', 'timeouts', 'hostname', 'refusal']

# Calls by which a process gets at files, programs, processes, the network.
OPEN = {'open', 'open64', 'openat', 'openat64', 'creat', 'fopen', 'fopen64',
        'opendir', 'fdopendir', 'unlink', 'unlinkat', 'rename', 'renameat',
        'mkdir', 'mknod', 'link', 'linkat', 'symlink', 'symlinkat', 'chmod',
        'fchmod', 'chown', 'fchown', 'stat', 'lstat', 'readlink',
        'readlinkat', 'chdir', 'fchdir', 'chroot', 'mount', 'memfd_create',
        'shm_open', 'syscall'}
NETWORK = {'socket', 'socketpair', 'connect', 'bind', 'listen', 'accept',
           'accept4'}
PROCESS = {'fork', 'vfork', '_Fork', 'clone', 'unshare', 'setns',
           'posix_spawn', 'posix_spawnp', 'system', 'popen',
           'execl', 'execle', 'execlp', 'execv', 'execve', 'execvp',
           'execvpe', 'execveat', 'fexecve', 'kill', 'tgkill', 'ptrace',
           'dlopen', 'dlmopen', 'dlsym', 'pthread_create'}
READ = {'read', '__read_chk', 'readv', 'preadv', 'pread', 'pread64',
        'recvfrom', 'recvmmsg', '__recvfrom_chk', 'fread', 'fgets', 'fgetc',
        'getc', 'getline', 'getdelim', 'fscanf', '__isoc99_fscanf'}
TAKE = {'recv', '__recv_chk', 'recvmsg'}
WRITE = {'write', 'writev', 'pwrite', 'pwrite64', 'sendto', 'sendmsg',
         'sendmmsg', 'send', 'splice', 'tee', 'vmsplice', 'sendfile',
         'shutdown'}
ALL = OPEN | NETWORK | PROCESS | READ | TAKE | WRITE

# What each object of a child has of these, and when or where to.
CHILD = {
    'confine': {'chdir', 'fchdir', 'chroot'},   # before the filter
    'userns_linux': {'unshare'},                # the same
    'seccomp': {'syscall'},     # capset(2), which no header declares
    'message_take': {'recvmsg', 'write'},       # the front's channels
}
PARSER = dict(CHILD, client={'recv'})           # MSG_PEEK
RELAY = dict(CHILD, mover_linux={'splice'}, run={'shutdown'},
             pair={'recv', 'send', 'shutdown'}) # to discard; constants
LOG = {
    'confine': {'chdir', 'fchdir', 'chroot'},
    'userns_linux': {'unshare'},
    'seccomp': {'syscall'},
    'message_take': {'recvmsg', 'write'},       # the launcher's orders
    'log_shards': {'read'},                     # the fronts' records
    'log_lines': {'write'},                     # stderr
    'log_main': {'write'},                      # one byte to the launcher
}


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


def used(program, calls=ALL):
    """Which of these calls its objects have: {object: calls}."""
    found = {name: calls & needs(name) for name in linked(program)}
    return {name: what for name, what in found.items() if what}


def circle(program):
    """The objects of a program that need themselves, by way of others."""
    objects = {name: symbols(harness.BUILD / (name + '.o'))
               for name in linked(program)}
    left = {name: {other for other, (_, given) in objects.items()
                   if other != name and wanted & given}
            for name, (wanted, _) in objects.items()}
    while True:     # those that need nothing more, until none is like that
        free = {name for name, others in left.items() if not others & set(left)}
        if not free:
            return set(left)
        left = {name: others for name, others in left.items()
                if name not in free}


@harness.unittest.skipUnless((harness.BUILD / 'hello.o').exists(),
                             'the objects are not here')
class Objects(harness.unittest.TestCase):
    """Every object that is linked into a program is looked at, and has just
    what is written here: nothing more, and nothing of this is out of date."""

    maxDiff = None

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
        self.pure([*REQUEST, *HOSTNAME])

    def test_rules_are_pure(self):
        """What may be said does not hang on who asks when."""
        self.pure(['rules', 'refusal', *HOSTNAME])
        self.pure(['order', 'refusal'])

    def test_states_are_data(self):
        """What another process prints names with has nothing with it."""
        self.pure(['states'])

    def test_no_circle_among_what_decides(self):
        """A connection's table, its machine and its events call each other
        one way only, directly and by way of any other object of these."""
        wanted, given = {}, {}
        for name in DECIDES:
            wanted[name], given[name] = symbols(
                harness.BUILD / (name + '.o'))
        calls = {name: {other for other in DECIDES if other != name and
                        wanted[name] & given[other]} for name in DECIDES}
        left = set(DECIDES)
        while left:
            leaves = {name for name in left if not calls[name] & left}
            self.assertTrue(leaves, {name: calls[name] & left
                                     for name in left})
            left -= leaves
        self.assertEqual(calls['connection'], {'timeouts'})
        self.assertEqual(calls['states'], set())
        self.assertIn('connection', calls['machine'])
        self.assertIn('machine', calls['events'])

    def test_chunks_is_pure(self):
        self.pure(CHUNKS)

    def test_pure_code_takes_no_memory(self):
        self.assertFalse({'malloc', 'calloc', 'realloc', 'free', 'strdup',
                          'strerror', 'strtok'} &
                         needs(*HELLO, *REQUEST, *CHUNKS, *HOSTNAME))

    def test_tls_parser(self):
        self.assertEqual(used('usherd-tls'), PARSER)

    def test_http_parser(self):
        self.assertEqual(used('usherd-http'), PARSER)

    def test_relay(self):
        self.assertEqual(used('usherd-relay'), RELAY)

    def test_no_circles_in_parsers(self):
        """Who calls is not called back but by the pointer it gave."""
        for program in ('usherd-tls', 'usherd-http'):
            self.assertEqual(circle(program), set(), program)

    def test_parent_reads_its_children_alone(self):
        """And, at the start, what the system says of pipes."""
        reads = used('usherd', READ | TAKE)
        self.assertTrue(reads.pop('pipes_linux'))
        self.assertEqual(reads, {'channel': {'read'},
                                 'query': {'read'}})  # a pipe of its threads

    def test_what_is_linked_is_there(self):
        """The lists are src/build.mk's own; what they cannot be without."""
        for program, some in (
                ('usherd', {'main', 'visitor', 'hosts_linux', 'seccomp'}),
                ('usherd-tls', {'parser', 'client', 'say', 'tls', 'hello',
                                'hello_bearssl', 'idmap',
                                'seccomp_parser'}),
                ('usherd-http', {'parser', 'client', 'say', 'http',
                                 'request', 'chunks', 'idmap',
                                 'seccomp_parser'}),
                ('usherd-relay', {'relay', 'run', 'word', 'report', 'idmap',
                                  'pair', 'mover_linux',
                                  'seccomp_relay'})):
            self.assertLessEqual(some, set(linked(program)), program)


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
