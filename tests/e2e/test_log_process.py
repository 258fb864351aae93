# SPDX-License-Identifier: ISC
"""usherd-log by itself: what fronts send it, legal or not, and what becomes of
it."""
import errno
import os
import pwd
import re
import signal
import struct
import subprocess
import time
import unittest

import harness
import held
from harness import ROOT, wait_for
from logs import (ACCEPT, CHILD, COUNTS, CUT, DENIED, HOSTS_GONE, LOOP, LOST,
                  PING, REFUSED, SHARD, SIZE, STEP, STOPPING, TEXT, UNKNOWN,
                  Case, record, refused, unread)


class Lines(Case):
    def test_all_kinds(self):
        log, front, other = self.started(2)
        front.send(record(REFUSED, protocol=0, refusal=DENIED, named=1,
                          name=b'a.example', entry=b'_default',
                          at=b'_default/tls-socket', needs=ord('w'),
                          mode=0o755, uid=1002, gid=1003))
        self.wait_lines(1)
        other.send(record(CHILD, child=2, pid=99, why=1) +
                   record(ACCEPT, error=errno.EMFILE) +
                   record(LOOP, error=errno.ENOSPC))
        self.wait_lines(4)
        front.send(record(HOSTS_GONE))
        self.wait_lines(5)
        log.order(TEXT, text=b'ready to serve /srv: all was tried')
        self.assertEqual(self.wait_lines(6), [
            'usherd: refused tls client=[192.0.2.1]:4711 host=a.example '
            'reason=denied alert=80 entry=_default at=_default/tls-socket '
            'mode=0755 owner=1002:1003 needs=w',
            'usherd: http parser 2 (pid 99) broke the rules: replacing it',
            'usherd: accept: Too many open files: waiting',
            'usherd: event loop: No space left on device',
            'usherd: hosts directory /etc/usher/hosts has been removed, and '
            'nothing is found any more: restart',
            'usherd: ready to serve /srv: all was tried'])
        log.ping()

    def test_lost_by_the_front(self):
        _, front = self.started()
        front.send(record(LOST, count=7) + refused() + refused(2))
        lines = self.wait_lines(2)
        self.assertRegex(lines[0], r'^usherd: \(7 lines lost\) refused http')
        self.assertRegex(lines[1], '^usherd: refused http')

    def test_steps_only_where_asked_for(self):
        step = record(STEP, id=7, state=1, event=2, action=3, next=4)
        _, front = self.started(1, '-e', 'steps')
        front.send(step)
        self.assertEqual(self.wait_lines(1), [
            'usherd: step front=1 connection=7 state=PEEKING event=REQUEST '
            'action=SHOW_AGAIN next=BACKLOGGED'])
        _, front = self.started()
        front.send(step)
        self.assertEqual(self.wait_lines(2)[1],
                         'usherd: front 1: broken log record')

    def test_figures(self):
        log, front, other = self.started(2)
        # 2 protocols: 4 counts each, then the refusals of each, the endings
        # of each, bytes up and down of each, then gauges
        refusals, endings = 45, 7
        ended = 64 + 2 * 8 * refusals
        after = ended + 2 * 8 * (endings + 2)
        for page, factor in ((front, 1), (other, 100)):
            struct.pack_into('=8Q', page.counters, 0,
                             *(factor * n for n in range(1, 9)))
            struct.pack_into('=2Q', page.counters, 64 + 8 * UNKNOWN,
                             factor, factor)
            struct.pack_into('=18Q', page.counters, ended,
                             *(factor * n for n in range(18)))
            struct.pack_into('=4Q', page.counters, after,
                             *(factor * n for n in range(1, 5)))
        log.order(COUNTS)
        log.order(STOPPING)
        log.order(CUT, value=30)
        self.assertEqual(self.wait_lines(9), [
            'usherd: counts tls accepted=101 relayed=202 handed-off=303 '
            'left=404',
            'usherd: counts tls refused unknown-host=101 no-socket=101',
            'usherd: counts tls ended whole=101 client=202 tenant=303 '
            'refused=404 idle=505 relay=606 bytes-up=1414 bytes-down=1515',
            'usherd: counts http accepted=505 relayed=606 handed-off=707 '
            'left=808',
            'usherd: counts http refused none',
            'usherd: counts http ended whole=808 client=909 tenant=1010 '
            'refused=1111 idle=1212 relay=1313 bytes-up=1616 bytes-down=1717',
            'usherd: counts now undecided=101 in-relays=202 '
            'not-picked-up=303 processes-replaced=404 lines-lost=0',
            'usherd: no longer accepting, 303 connections left',
            'usherd: 303 connections cut after 30 s'])

    def test_orders_that_are_none(self):
        for kind, more in ((0, {}), (7, {}), (SHARD, {'shard': 1}),
                           (PING, {'value': 1}), (COUNTS, {'shard': 1}),
                           (PING, {'text': b'x'}),
                           (TEXT, {'text': b'x' * 1008}),
                           (SHARD, {'shard': 65, 'fds': [0, 0]}),
                           (TEXT, {'text': b'x', 'fds': [0]})):
            with self.subTest(kind=kind, more=more):
                log = self.log()
                log.order(kind, **more)
                self.assertEqual(log.process.wait(10), 1)


class Broken(Case):
    def broken(self, data):
        log, front, other = self.started(2)
        before = len(self.lines())
        front.send(data)
        wait_for(lambda: len(self.lines()) > before)
        front.send(refused())
        other.send(refused())
        wait_for(lambda: len(self.lines()) > before + 1)
        log.ping()
        lines = self.lines()[before:]
        self.assertEqual(len(lines), 2, lines)
        self.assertEqual(lines[0], 'usherd: front 1: broken log record')
        self.assertEqual(lines[1], 'usherd: refused http '
                         'client=[10.0.0.1]:4711 host=a.example '
                         'reason=unknown-host status=404')
        self.assertIsNone(log.process.poll())
        return log, front, before

    def test_foreign_bytes(self):
        """Not one of them is printed, in whatever field."""
        for foreign in (b'\n', b'\x1b[2J', b' reason=x', b'\xff', b'%n', b'"',
                        b'a\0b'):
            for field in ('name', 'entry', 'at'):
                with self.subTest(foreign=foreign, field=field):
                    fields = {'entry': b'_default', 'at': b'x'}
                    fields[field] = b'a' + foreign
                    self.broken(refused(**fields))

    def test_no_end(self):
        for field, size in (('name', 254), ('entry', 254), ('at', 160)):
            with self.subTest(field=field):
                fields = {'entry': b'_default', 'at': b'x'}
                fields[field] = b'a' * size
                self.broken(refused(**fields))

    def test_numbers(self):
        for more in ({'protocol': 2}, {'refusal': 0}, {'refusal': 45},
                     {'refusal': 2 ** 32 - 1}, {'named': 2}, {'pid': 1},
                     {'needs': ord('q'), 'at': b'x'}, {'mode': 1}):
            with self.subTest(more=more):
                self.broken(refused(**more))
        for data in (record(CHILD, child=4, pid=1, why=1), record(0),
                     record(8), record(CHILD, child=0, pid=1, why=0),
                     record(CHILD, child=0, pid=1, why=10), bytes(SIZE),
                     record(ACCEPT, error=4096), record(LOST)):
            with self.subTest(data=data[:72]):
                self.broken(data)

    def test_torn(self):
        """What follows a part of a record is not taken for one."""
        for n in (1, SIZE - 1, SIZE + 1):
            with self.subTest(n=n):
                self.broken(refused()[:-1] if n == SIZE - 1 else
                            b'\0' * n)

    def test_a_new_front(self):
        """It begins where the one before it has left off: what that has left
        in the pipe is thrown away."""
        log, front, before = self.broken(refused()[:100])
        log.give(1, front)
        log.ping()
        front.send(refused(9))
        wait_for(lambda: len(self.lines()) > before + 2)
        self.assertEqual(len(self.lines()), before + 3)
        self.assertIn('10.0.0.9', self.lines()[-1])


class Floods(Case):
    def test_one_front_beside_another(self):
        """One writes all that its pipe takes, all the time; what another says
        is there at once."""
        log, flood, other = self.started(2)
        data = b''.join(refused(i) for i in range(5))  # within PIPE_BUF
        waits = []
        for i in range(20):
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                try:
                    flood.send(data)
                except BlockingIOError:
                    pass
            begun = time.monotonic()
            other.send(record(CHILD, child=0, pid=1000 + i, why=1))
            wait_for(lambda n=i: any(f'(pid {1000 + n})' in line
                                     for line in self.lines()), 5, 0.005)
            waits.append(time.monotonic() - begun)
        self.assertLess(sorted(waits)[10], 0.1)
        log.ping()

    def test_of_events(self):
        """A front that has something to say all the time has so many lines,
        too."""
        _, front, other = self.started(2)
        child = record(CHILD, child=0, pid=1, why=1)
        for _ in range(40):
            wait_for(lambda: unread(front) < 100 * SIZE, 5, 0.005)
            for _ in range(10):
                front.send(child * 5)
        other.send(child)
        wait_for(lambda: 'tls parser 2' in self.lines()[-1])
        self.assertRegex(self.lines()[-1], r'\(\d+ lines lost\)')
        self.assertLess(len(self.lines()), 900)

    def test_one_source(self):
        """It has so many lines; a second one is still told of."""
        _, front = self.started()
        for _ in range(40):
            wait_for(lambda: unread(front) < 100 * SIZE, 5, 0.005)
            front.send(b''.join(refused(1) for _ in range(50)))
        front.send(refused(2))
        wait_for(lambda: '10.0.0.2]' in self.lines()[-1])
        self.assertRegex(self.lines()[-1], r'\(\d+ lines lost\)')
        self.assertLess(len(self.lines()), 900)


class Stderr(Case):
    def test_nobody_empties_it(self):
        """Lines are lost and counted, and nothing waits."""
        out, end = os.pipe()
        self.addCleanup(os.close, out)
        log = self.log(stderr=end)
        os.close(end)
        front = self.front()
        log.give(1, front)
        for i in range(20):
            wait_for(lambda: unread(front) < 100 * SIZE, 5, 0.005)
            front.send(b''.join(refused(50 * i + n) for n in range(50)))
        log.ping()
        wait_for(lambda: unread(front) == 0)
        log.ping()
        text = os.read(out, 1 << 20)
        front.send(refused(5000))
        while b'[10.0.19.136]' not in text:
            text += os.read(out, 1 << 20)
        lines = text.decode().splitlines()
        told = [line for line in lines if 'lines lost' in line]
        self.assertEqual(len(told), 1)
        lost = int(told[0].split('(')[1].split()[0])
        self.assertEqual(lost + len(lines), 1001)
        for line in lines:
            self.assertTrue(line.startswith('usherd: '), line)

    def test_its_reader_is_gone(self):
        out, end = os.pipe()
        log = self.log(stderr=end)
        os.close(end)
        os.close(out)
        front = self.front()
        log.give(1, front)
        front.send(refused())
        log.ping()
        self.assertIsNone(log.process.poll())

    def test_nowhere(self):
        log = self.log(stderr=subprocess.DEVNULL)
        front = self.front()
        log.give(1, front)
        front.send(refused())
        log.ping()
        log.order(COUNTS)
        log.ping()


class Endings(Case):
    def test_killed(self):
        """The next one has the same pipes, and says what is in them."""
        log, front, other = self.started(2)
        log.ping()
        os.kill(log.process.pid, signal.SIGSTOP)
        for i in range(150):
            front.send(refused(i))
            other.send(refused(1000 + i))
        os.kill(log.process.pid, signal.SIGKILL)
        log.process.wait()
        self.assertEqual(self.lines(), [])
        log = self.log()
        log.give(1, front)
        log.give(2, other)
        self.assertEqual(len(self.wait_lines(300)), 300)
        log.ping()

    def test_the_launcher_closes(self):
        """It says what is there, and ends."""
        log, front, other = self.started(2)
        log.ping()
        os.kill(log.process.pid, signal.SIGSTOP)
        for i in range(150):
            front.send(refused(i))
            other.send(refused(1000 + i))
        log.control.close()
        os.kill(log.process.pid, signal.SIGCONT)
        self.assertEqual(log.process.wait(10), 0)
        self.assertEqual(len(self.lines()), 300)

    def test_last_words(self):
        """What it was told last is written, also when the end follows at
        once and no front has anything to say."""
        log, _ = self.started()
        log.ping()
        os.kill(log.process.pid, signal.SIGSTOP)
        log.order(TEXT, text=b'last words')
        log.control.close()
        os.kill(log.process.pid, signal.SIGCONT)
        self.assertEqual(log.process.wait(10), 0)
        self.assertEqual(self.lines(), ['usherd: last words'])

    def test_a_pipe_ends(self):
        log, front, other = self.started(2)
        front.send(refused())
        os.close(front.end)
        front.end = os.open('/dev/null', os.O_WRONLY)
        self.wait_lines(1)
        other.send(refused(2))
        self.wait_lines(2)
        log.ping()
        used = cpu_of(log.process.pid)
        time.sleep(0.5)
        self.assertLess(cpu_of(log.process.pid) - used, 0.2)

    def test_all_shards(self):
        """As many as there can be, and each one anew."""
        log, *fronts = self.started(64)
        for _ in range(2):
            for i, front in enumerate(fronts, 1):
                log.give(i, front)
                log.ping()
        for i, front in enumerate(fronts):
            front.send(refused(i))
        self.wait_lines(64)

    def test_signals_of_others(self):
        log, front = self.started()
        log.ping()
        os.kill(log.process.pid, signal.SIGPIPE)
        os.kill(log.process.pid, signal.SIGSTOP)
        os.kill(log.process.pid, signal.SIGCONT)
        front.send(refused())
        self.wait_lines(1)
        log.ping()


def cpu_of(pid):
    """Seconds of CPU that it has used."""
    with open(f'/proc/{pid}/stat', encoding='ascii') as file:
        fields = file.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def attacks():
    """The names in the table of tests/sandbox/try_log.c."""
    text = (harness.TOP / 'tests/sandbox/try_log.c').read_text()
    table = text.split('attacks[] = {')[1].split('};')[0]
    return re.findall(r'\{ "([a-z0-9-]+)", ', table)


# What a sanitizer's runtime does itself: sandbox/loader_dynamic.c.
OF_SANITIZERS = {'mmap-memory', 'page-write'}


class Confined(Case):
    def misled(self, name):
        log = self.log(program=harness.BUILD / 'tests/try/usherd-log')
        front = self.front()
        log.give(1, front)
        log.ping()
        front.send(refused(name=f'{name}.attack'.encode()))
        return log

    def test_attacks(self):
        names = attacks()
        self.assertGreater(len(names), 30)
        self.assertLessEqual(OF_SANITIZERS, set(names))
        for name in names:
            if name in OF_SANITIZERS and not held.as_shipped():
                continue
            with self.subTest(name):
                log = self.misled(name)
                self.assertEqual(log.process.wait(10), -signal.SIGSYS)
        self.assertEqual(self.lines(), [])

    def test_root_of_a_plain_user(self):
        """By a user namespace, where the system lets him have one."""
        self.confined = False
        may = subprocess.run(['unshare', '-U', 'true'], check=False,
                             stderr=subprocess.DEVNULL)
        if may.returncode != 0:
            self.skipTest('no user namespaces')
        log, front = self.started(1, '-c')
        front.send(refused())
        self.wait_lines(1)
        log.ping()

    def test_rights_are_left(self):
        log = self.misled('rights')
        self.wait_lines(1)
        log.ping()

    @unittest.skipUnless(ROOT, 'needs root')
    def test_what_it_is(self):
        log, _ = self.started()
        log.ping()
        status = harness.status_of(log.process.pid)
        who = pwd.getpwnam(harness.USER)
        self.assertEqual(status['Uid'].split(), [str(who.pw_uid)] * 4)
        self.assertEqual(status['Groups'].split(), [])
        self.assertEqual(int(status['CapEff'], 16), 0)
        self.assertEqual(status['Seccomp'], '2')
        self.assertEqual(os.readlink(f'/proc/{log.process.pid}/root'),
                         self.empty)
        with open(f'/proc/{log.process.pid}/maps', encoding='ascii') as maps:
            page = [line for line in maps if 'counters' in line]
        self.assertEqual([line.split()[1] for line in page], ['r--s'])


if ROOT:
    def plain(base):
        return type('Plain' + base.__name__, (base,), {'confined': False})

    PlainLines, PlainStderr, PlainEndings = map(plain,
                                                (Lines, Stderr, Endings))


if __name__ == '__main__':
    unittest.main()
