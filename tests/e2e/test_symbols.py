# SPDX-License-Identifier: ISC
"""What is linked: the rest cannot be called."""
import re
import subprocess

import harness
import held
from buildmk import linked, objects, sources

# Pure code may need these: memory, strings, and what the compiler adds.
PURE = re.compile(r'mem\w+|str\w+|bcmp|__stack_chk_fail|__\w+_chk|'
                  r'_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|sanitizer|gcov)_\w+')
HOSTNAME = ['hostname']
# BearSSL's reader of hellos is pure as well, but not ours.
HELLO = sorted(set(objects('HELLO')) - {'hello_bearssl'})
REQUEST = objects('REQUEST')
CHUNKS = objects('CHUNKS')
RESPONSE = objects('RESPONSE')

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
CHILDREN = ('usherd-front', 'usherd-tls', 'usherd-http', 'usherd-relay',
            'usherd-log')
ALL = OPEN | NETWORK | PROCESS | READ | TAKE | WRITE

# What each object has of these, and when or where to.  symbols.txt says of
# all calls what can be made behind a filter; this says where.
SANDBOX = {                     # before the filter
    'harden_linux': {'syscall'},    # capset(2), which no header declares
    'kernel_linux': {'syscall'},    # landlock(7), mseal(2): are they there?
    'landlock_linux': {'syscall'},
    'seal_linux': {'syscall'},
}
CHILD = dict(
    SANDBOX,
    confine={'chdir', 'fchdir', 'chroot'},      # before the filter
    userns_linux={'unshare'},                   # the same
    message_take={'recvmsg', 'write'},          # channel and reports
)
PARSER = dict(CHILD, peek={'recv'})             # MSG_PEEK
HTTP_PARSER = dict(PARSER, progress={'read'})   # its relay's
RELAY = dict(
    CHILD,
    granted={'read'},                           # what its parser grants
    mover_linux={'splice'},
    pair_machine={'send', 'shutdown'},          # constants; ends
    run={'recv'},                               # to discard
    side={'shutdown'},
)
LOG = dict(
    CHILD,
    log_shards={'read'},                        # the fronts' records
    log_lines={'write'},                        # stderr
    log_main={'write'},                         # one byte to the launcher
)
FRONT = dict(
    SANDBOX,
    message_take={'recvmsg', 'write'},          # the launcher's orders
    message_send={'sendmsg'},                   # children, and hand-offs
    accept={'accept4'},
    channel={'read'},                           # its children's reports
    front_request={'write'},                    # one byte to the launcher
    log={'write'},                              # records for usherd-log
    query={'pthread_create', 'read', 'write'},  # two pipes with its threads
    backend={'send'},                           # PROXY headers
    # openat2(2), getdents64(2); stat(2) of hosts/ at the start
    hosts_linux={'syscall', 'readlinkat', 'stat', 'socket', 'connect',
                 'shutdown'},
    random_linux={'syscall'},                   # getrandom(2)
    slots={'open'},                             # /dev/null, at the start
)
LAUNCHER = {
    # Files and the network, at the start: nothing is opened for a request.
    'descriptors': {'open'},                    # /dev/null
    'empty': {'open', 'fchmod'},
    'main': {'open'},                           # hosts/
    'page_linux': {'memfd_create', 'open'},     # pages of counters
    'program_linux': {'open', 'readlink', 'syscall'},   # execveat(2)
    'inherited_linux': {'opendir', 'syscall'},
    'pipes_linux': {'fopen', '__isoc99_fscanf'},        # /proc/sys/fs
    'listen_open': {'socket', 'bind', 'listen'},
    'harden_linux': {'syscall'},
    'kernel_linux': {'syscall'},
    'try_linux': {'syscall'},
    'userns_linux': {'unshare'},
    'userns_allowed_linux': {'fork', 'fchdir', 'chroot'},
    # Processes and their channels.
    'start': {'socketpair'},
    'spawn': {'fork'},
    'unit': {'kill'},
    'shard': {'kill', 'read'},                  # a front's requests
    'logger': {'kill', 'read'},                 # the log's requests
    'message_send': {'sendmsg'},
    'upgrade': {'fork', 'execv', 'kill', 'read', 'write'},  # SIGUSR2
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

    def test_response_is_pure(self):
        self.pure(RESPONSE)

    def test_pure_code_takes_no_memory(self):
        self.assertFalse({'malloc', 'calloc', 'realloc', 'free', 'strdup',
                          'strerror', 'strtok'} &
                         needs(*HELLO, *REQUEST, *CHUNKS, *RESPONSE,
                               *HOSTNAME))

    def test_tls_parser(self):
        self.assertEqual(used('usherd-tls'), PARSER)

    def test_http_parser(self):
        self.assertEqual(used('usherd-http'), HTTP_PARSER)

    def test_relay(self):
        self.assertEqual(used('usherd-relay'), RELAY)

    @harness.unittest.skipUnless(held.as_shipped(), 'a sanitizer is in it')
    def test_no_circles_in_parsers(self):
        """Who calls is not called back but by the pointer it gave."""
        for program in ('usherd-tls', 'usherd-http'):
            self.assertEqual(circle(program), set(), program)

    def test_front(self):
        self.assertEqual(used('usherd-front'), FRONT)

    def test_launcher(self):
        self.assertEqual(used('usherd'), LAUNCHER)

    def test_what_is_linked_is_there(self):
        """The lists are src/build.mk's own; what they cannot be without."""
        for program, some in (
                ('usherd', {'main', 'unit', 'shard', 'logger', 'spawn',
                            'harden_linux'}),
                ('usherd-front', {'front_main', 'connection', 'hosts_linux',
                                  'seccomp_front', 'landlock_linux'}),
                ('usherd-tls', {'parser', 'tls', 'hello', 'hello_bearssl',
                                'idmap', 'seccomp_parser'}),
                ('usherd-http', {'parser', 'http', 'request', 'chunks',
                                 'response', 'idmap', 'seccomp_parser'}),
                ('usherd-relay', {'relay', 'run', 'word', 'idmap', 'pair',
                                  'mover_linux', 'seccomp_relay'}),
                ('usherd-log', {'log_main', 'log_check', 'log_lines',
                                'seccomp_log'})):
            self.assertLessEqual(some, set(linked(program)), program)

    def test_launcher_has_no_room_of_others(self):
        """Nothing that sees a connection is linked into it."""
        rooms = {source.rsplit('/', 1)[0]
                 for source in sources('usherd').values()}
        self.assertEqual(rooms, {'src/usherd', 'src/common', 'sandbox'})


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
        for program in CHILDREN:
            for library in self.libraries(program):
                if 'event' in library:
                    self.assertIn('libevent_core', library, program)

    def test_launcher_and_log_have_no_libevent(self):
        for program in ('usherd', 'usherd-log'):
            self.assertEqual([library for library in self.libraries(program)
                              if 'event' in library], [], program)
            self.assertEqual({name for name in self.functions(program)
                              if name.startswith('event_base_')},
                             set(), program)

    def test_no_more_of_libevent_is_linked(self):
        """No bufferevents, HTTP, DNS or RPC of libevent in any program."""
        feature = re.compile(r'(bufferevent|evhttp|evdns|evrpc|evconnlistener|'
                             r'evbuffer|evtag)_\w+')
        for program in ('usherd', *CHILDREN):
            defined = self.functions(program)
            self.assertEqual({name for name in defined
                              if feature.fullmatch(name)}, set(), program)

    def test_no_resolver_in_children(self):
        """Nothing of name services in a static child: getaddrinfo(3) is the
        dead end of no_resolver.c."""
        loader = re.compile(r'_*(nss_\w*|gaih_inet\w*|res_n?search|'
                            r'getpwnam(_r)?|getgrnam(_r)?|'
                            r'getaddrinfo_a|gethostbyname\w*)')
        for program in CHILDREN:
            defined = self.functions(program)
            self.assertEqual({name for name in defined
                              if loader.fullmatch(name)}, set(), program)

    def test_relay_has_no_parser(self):
        defined = self.functions('usherd-relay')
        self.assertEqual({name for name in defined if name.startswith(
            ('hello_', 'request_', 'flight_', 'hostname_', 'response_',
             'framing_', 'lenient_', 'coded_', 'br_'))}, set())

    def test_only_parsers_parse(self):
        """And nobody but a relay moves bytes.  (hostname.c is shared: a
        record's name is looked at again by who takes it.)"""
        for program in ('usherd', 'usherd-front', 'usherd-log'):
            defined = self.functions(program)
            self.assertEqual({name for name in defined if name.startswith(
                ('hello_', 'request_parse', 'flight_', 'chunks_', 'response_',
                 'framing_', 'lenient_', 'coded_', 'mover_', 'pair_', 'br_'))}, set(),
                program)


if __name__ == '__main__':
    harness.unittest.main()
