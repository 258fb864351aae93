# SPDX-License-Identifier: ISC
"""What `usher run` does not run.  Programs into which nothing can be
preloaded, or which would not go through it, are refused in one line that
names the alternative."""
import os
import pathlib
import pwd
import random
import shutil
import struct
import subprocess
import unittest

import elf
import harness
from elf import Elf
from runs import INSTEAD, NOBODY, SECONDS, Case


class Kinds(Case):
    """Real programs in which a preload cannot work."""

    def test_static_programs(self):
        found = 0
        for path in (harness.BUILD / 'usherd-tls', shutil.which('busybox')):
            if path is None or elf.loader(path) is not None:
                continue    # not there, or the sanitizers' build of it
            found += 1
            program = self.copy(path)
            line = self.refused(program, says='statically linked')
            self.assertIn(f'usher run: {program}: ', line)
            self.assertIn(INSTEAD, line)
        if found == 0:
            self.skipTest('no static program here')

    def test_go_programs_though_dynamic(self):
        programs = [path for path in map(shutil.which, ('fzf', 'gron'))
                    if path is not None]
        if not programs:
            self.skipTest('no Go program here')
        for path in programs:
            line = self.refused(path, '--version', says='Go program')
            self.assertIn(INSTEAD, line)

    def test_an_unreadable_program(self):
        program = self.copy('/bin/echo', mode=0o711)
        if harness.ROOT:
            os.chown(program, 1, 1)
            self.refused(program, 'x', before=NOBODY, says='cannot be read')
            self.assertEqual(self.ran(program, 'x'), 'x\n')
        else:
            os.chmod(program, 0o111)
            self.refused(program, 'x', says='cannot be read')

    def test_neither_elf_nor_script(self):
        for content in ('', '\n', '#', '#!', '#!\n', '#! \t\n', '# !/bin/sh\n',
                        'echo executed\n', b'\x7fELX' + bytes(100), bytes(300),
                        b'\xcf\xfa\xed\xfe' + bytes(300), '#!' + ' ' * 300,
                        '#!/bin/' + 'x' * 300 + '\n'):
            with self.subTest(content):
                self.refused(self.file('text', content),
                             says='neither an ELF program nor a script')

    def test_a_file_that_is_being_written_is_126(self):
        program = self.copy('/bin/echo')
        with open(program, 'ab'):
            self.refused(program, status=126, says='[Bb]usy')


class Rights(Case):
    """Set-user-ID and the like: the kernel is asked who is right.  Where it
    gives more rights, the loader takes LD_PRELOAD out of the environment."""

    def kernel_preloads(self, program, before):
        """None when it may not even be executed."""
        # setpriv is followed by one that has no capabilities left to give
        out = subprocess.run(
            [*before, '/usr/bin/env', program], capture_output=True, text=True,
            timeout=SECONDS, env={'LD_PRELOAD': '/nowhere/at-all.so',
                                  'EXECUTED': 'yes'}).stdout
        return 'LD_PRELOAD=' in out if 'EXECUTED=' in out else None

    def same(self, program, before):
        """usher refuses if and only if it would be in vain."""
        preloads = self.kernel_preloads(program, before)
        with self.subTest(str(program), before=before,
                          mode=oct(os.stat(program).st_mode)):
            if preloads is None:
                self.refused(program, before=before, status=126)
            elif preloads:
                self.assertIn(f'LD_PRELOAD={self.library}\n',
                              self.ran(program, before=before))
            else:
                line = self.refused(program, before=before,
                                    says='other rights than yours')
                self.assertIn(INSTEAD, line)
        return preloads

    def starts(self):
        """How the same file is started by different people."""
        if not harness.ROOT:
            return [[], ['setpriv', '--no-new-privs']]
        return [[], ['setpriv', '--no-new-privs'], NOBODY,
                [*NOBODY, '--no-new-privs'],
                ['setpriv', '--reuid=nobody', '--regid=daemon',
                 '--groups=nogroup']]

    def test_bits_and_owners(self):
        owners = [(os.geteuid(), os.getegid())]
        if harness.ROOT:
            nobody = pwd.getpwnam('nobody')
            owners += [(nobody.pw_uid, nobody.pw_gid), (0, nobody.pw_gid),
                       (nobody.pw_uid, 0), (1, 1)]
        answers = set()
        for uid, gid in owners:
            for mode in (0o0755, 0o4755, 0o2755, 0o6755, 0o2745, 0o6745):
                program = self.copy('/usr/bin/env', f'{uid}.{gid}.{mode:o}')
                if harness.ROOT:
                    os.chown(program, uid, gid)
                os.chmod(program, mode)
                for before in self.starts():
                    answers.add(self.same(program, before))
        self.assertLessEqual({True, False} if harness.ROOT else {True},
                             answers)

    def test_a_group_that_one_merely_belongs_to(self):
        mine = [gid for gid in os.getgroups() if gid != os.getegid()]
        if harness.ROOT or not mine:
            self.skipTest('for users with a second group')
        program = self.copy('/usr/bin/env')
        os.chown(program, -1, mine[0])
        os.chmod(program, 0o2755)
        self.assertFalse(self.same(program, []))

    def test_programs_of_the_system(self):
        """su and passwd are root's; as root they are not executed here."""
        before = NOBODY if harness.ROOT else []
        for name in ('su', 'passwd'):
            path = shutil.which(name, path='/bin:/usr/bin')
            if path is not None and os.stat(path).st_mode & 0o4000:
                line = self.refused(path, before=before,
                                    says='set-user-ID')
                self.assertIn(INSTEAD, line)

    @unittest.skipUnless(harness.ROOT, 'only root can give capabilities')
    def test_file_capabilities(self):
        setcap = shutil.which('setcap', path='/sbin:/usr/sbin:/bin:/usr/bin')
        if setcap is None:
            self.skipTest('no setcap here')
        answers = set()
        for number, text in enumerate((
                'cap_net_bind_service=ep', 'cap_net_bind_service=p',
                'cap_net_bind_service=i', 'cap_net_bind_service=ei',
                'cap_wake_alarm=p', '=')):
            program = self.copy('/usr/bin/env', f'env.{number}')
            done = subprocess.run([setcap, text, program],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                self.skipTest(f'setcap: {done.stderr.strip()}')
            for before in self.starts():
                answers.add((not before, self.same(program, before)))
        self.assertEqual(answers,
                         {(True, True), (False, True), (False, False)})

    @unittest.skipUnless(harness.ROOT, 'only root can mount')
    def test_on_a_file_system_where_set_user_id_counts_for_nothing(self):
        place = self.scratch / 'place'
        place.mkdir()
        for options, status in (('nosuid', 0), ('suid', 1)):
            done = subprocess.run(
                ['unshare', '-m', 'sh', '-c', '''
mount -t tmpfs -o mode=755,"$2" none "$1" || exit 99
cp /usr/bin/env "$1/env"
chmod 4755 "$1/env"
shift 2
exec "$@" ''', 'sh', str(place), options, *NOBODY, self.usher, 'run',
                 str(place / 'env')], capture_output=True, text=True,
                timeout=SECONDS, env=self.environment())
            if done.returncode == 99 or 'unshare' in done.stderr:
                self.skipTest(done.stderr.strip())
            with self.subTest(options):
                self.assertEqual(done.returncode, status, done.stderr)


class Scripts(Case):
    """Of a script the interpreter is looked at."""

    def script(self, line, name='script', body='echo "$0" "$@"\n'):
        return self.file(name, line + '\n' + body)

    def test_scripts_run(self):
        for line in ('#!/bin/sh', '#! /bin/sh', '#!\t/bin/sh \t',
                     '#!/bin/sh -', '#!/bin/sh  -e', '#!/usr/bin/env sh',
                     '#! /usr/bin/env  sh ', '#!/usr/bin/env -S sh',
                     '#!/usr/bin/env -Ssh -e',
                     '#!/usr/bin/env -S  A=b sh -e', '#!/usr/bin/env /bin/sh'):
            with self.subTest(line):
                script = self.script(line)
                self.assertEqual(self.ran(script, 'x'), f'{script} x\n')

    def test_an_env_script_finds_the_preload(self):
        script = self.script('#!/usr/bin/env python3',
                             body='import os\nprint(os.environ["LD_PRELOAD"])')
        self.assertEqual(self.ran(script), self.library + '\n')

    def test_a_script_without_a_line_end(self):
        script = self.file('script', '#!/bin/true')
        self.assertEqual(self.ran(script), '')

    def test_missing_interpreters_are_127(self):
        for line, shown in (
                ('#!/no/such/sh', '/no/such/sh'),
                ('#!/bin/sh\r', r'/bin/sh\x0d'),
                ('#!no-such-sh', 'no-such-sh'),
                ('#!sh', 'sh'), ('#!env sh', 'env'),
                ('#!/usr/bin/env no-such-sh', 'no-such-sh'),
                ('#!/usr/bin/env sh -e', r'sh\x20-e'),
                ('#!/usr/bin/env -S no-such-sh -e', 'no-such-sh'),
                ('#!/no/such/env sh', '/no/such/env')):
            with self.subTest(line):
                script = self.script(line)
                self.assertEqual(
                    self.refused(script, status=127, cwd=self.scratch),
                    f'usher run: {script}: its interpreter {shown}: '
                    'not found\n')

    def test_interpreters_that_cannot_be_executed_are_126(self):
        plain = self.file('plain', 'text', mode=0o644)
        for line in (f'#!{plain}', '#!/etc', f'#!/usr/bin/env {plain}'):
            with self.subTest(line):
                self.refused(self.script(line), status=126,
                             says='its interpreter .*may execute')

    def test_the_interpreter_must_take_a_preload(self):
        static = self.file('static', Elf(loader=None).bytes())
        go = self.file('go', Elf(sections=['.go.buildinfo']).bytes())
        for program, says in ((static, 'statically linked'), (go, 'Go pro')):
            for line in (f'#!{program}', f'#!/usr/bin/env {program}',
                         f'#!/usr/bin/env {program.name}',
                         f'#!/usr/bin/env -S {program} -x'):
                with self.subTest(line):
                    script = self.script(line)
                    path = f'{self.scratch}:/usr/bin:/bin'
                    line = self.refused(script, says=says,
                                        env={'PATH': path})
                    self.assertIn(f': {script}: its interpreter {program}: ',
                                  line)
                    self.assertIn(INSTEAD, line)

    def test_env_itself_may_be_anything(self):
        busybox = shutil.which('busybox')
        if busybox is None:
            self.skipTest('no static env here')
        env = self.scratch / 'env'
        env.symlink_to(busybox)
        script = self.script(f'#!{env} sh', body='echo "$LD_PRELOAD"')
        self.assertEqual(self.ran(script), self.library + '\n')

    def test_env_lines_that_are_not_understood(self):
        for words in ('', '-i', '-i sh', '-S', '-S -i sh', '-S A=b', 'A=b',
                      '-S "sh" -e', r'-S sh\_-e', '-S ${SHELL}', '-S sh # x',
                      '-u HOME sh', '-vS sh', '--split-string=sh', '-0',
                      '-S PATH=/bin sh', '-S LD_PRELOAD=x sh',
                      '-S USHER_LISTEN= sh'):
            with self.subTest(words):
                self.refused(self.script('#!/usr/bin/env ' + words),
                             says='its interpreter /usr/bin/env: .* put the '
                             'interpreter before the script')

    def nest(self, depth):
        """A script whose interpreter is a script, and so on: depth of them,
        then a program."""
        interpreter = self.copy('/bin/true', 'last')
        for number in range(depth):
            interpreter = self.script(f'#!{interpreter}', f'nest{number}')
        return interpreter

    def test_scripts_of_scripts_up_to_what_the_kernel_follows(self):
        for depth in range(1, 9):
            with self.subTest(depth):
                script = self.nest(depth)
                try:
                    follows = subprocess.run([script]).returncode == 0
                except OSError:
                    follows = False
                if follows:
                    self.ran(script)
                else:
                    self.refused(script, says='too many interpreters')

    def test_scripts_that_lead_to_themselves(self):
        path = self.scratch / 'script'
        for line in (f'#!{path}', f'#!/usr/bin/env {path}'):
            with self.subTest(line):
                self.script(line)
                self.refused(path, says='too many interpreters')

    def test_first_lines_as_long_as_the_kernel_reads(self):
        """Around byte 256, whatever the kernel says about them."""
        place = self.scratch / ('d' * 100) / ('e' * 100)
        place.mkdir(parents=True)
        true = shutil.copy('/bin/true', place / 'true')
        for length in range(250, 262):
            for before, after in (('', ''), ('', '\n'), (' ', '\n'),
                                  ('', ' x\n'), ('', ' ')):
                fill = length - len(f'#!{before}{place}/true')
                path = f'{place}{"/" * fill}/true'
                script = self.file('script', f'#!{before}{path}{after}')
                with self.subTest(length=length, before=before, after=after):
                    try:
                        works = subprocess.run([script]).returncode == 0
                    except OSError:
                        works = False
                    done = self.run_usher('run', script)
                    self.assertEqual(done.returncode == 0, works,
                                     done.stderr)
        self.assertTrue(os.path.exists(true))


@unittest.skipUnless(struct.calcsize('P') == 8, 'these are for 64 bits')
class Headers(Case):
    """ELF headers are read with care."""

    def refuse_elf(self, *, says, status=1, **fields):
        with self.subTest(fields):
            return self.refused(self.file('program', Elf(**fields).bytes()),
                                status=status, says=says)

    def test_the_file_made_here_is_understood(self):
        self.refuse_elf(says='dynamic loader is not on this system',
                 loader=elf.absent_loader())

    def test_another_processor_or_word_size(self):
        ident, _ = elf.of_this_machine()
        for at in (4, 5):   # EI_CLASS, EI_DATA
            other = bytearray(ident)
            other[at] = 3 - other[at]
            self.assertIn(INSTEAD, self.refuse_elf(
                says='another kind of processor', ident=bytes(other)))
        self.refuse_elf(says='another kind of processor', e_machine=22)

    def test_a_program_of_the_other_word_size(self):
        for path in ('/lib/ld-linux.so.2', '/lib32/libc.so.6',
                     '/lib/i386-linux-gnu/libc.so.6'):
            if os.path.exists(path):
                self.refused(self.copy(path, 'other'), says='another kind')
                return
        self.skipTest('none here')

    def test_another_c_library(self):
        line = self.refuse_elf(says='another C library',
                        loader='/lib/ld-other-c.so.1')
        self.assertIn(INSTEAD, line)

    def test_no_loader_means_static(self):
        self.refuse_elf(says='statically linked', loader=None)
        self.refuse_elf(says='statically linked', loader=None, e_type=3)
        self.refuse_elf(says='statically linked', loader=None, e_shoff=0)

    def test_go_is_known_by_its_sections(self):
        for sections in (['.go.buildinfo'], ['.note.go.buildid'],
                         ['.text', '.go.buildinfo', '.data']):
            for loader in ('/no/such/ld.so', None):
                line = self.refuse_elf(says='Go program', sections=sections,
                                loader=loader)
                self.assertIn(INSTEAD, line)
        for sections in (['.go.buildinf'], ['.go.buildinfos'], ['.go'],
                         ['x.go.buildinfo'], ['.note.go.buildids']):
            self.refuse_elf(says='static', sections=sections, loader=None)

    def test_numbers_that_lead_out_of_the_file(self):
        huge = (2 ** 64 - 1, 2 ** 63, 2 ** 63 - 1, 2 ** 64 - 64, 10 ** 6)
        cases = [{'e_phoff': n} for n in huge] + [{'e_phnum': 0}]
        cases += [{'e_shoff': n} for n in huge]
        cases += [{'p_offset': n} for n in huge]
        cases += [{'p_filesz': n} for n in (0, 1, 4097, *huge)]
        cases += [{'sh_offset': n} for n in huge]
        cases += [{'sh_size': n, 'sh_name': n - 1} for n in (10 ** 6, 1 << 31)]
        cases += [{'sh_size': 0}, {'sh_name': 2 ** 32 - 1}]
        cases += [{'e_shstrndx': n} for n in (2, 0xffff)]
        cases += [{'e_phentsize': n} for n in (0, 32, 57, 0xffff)]
        cases += [{'e_shentsize': n} for n in (0, 40, 65, 0xffff)]
        cases += [{'e_shnum': n} for n in (0, 0xffff)]
        cases += [{'e_type': n} for n in (0, 1, 4, 0xffff)]
        for fields in cases:
            self.refuse_elf(says='ELF headers are damaged', **fields)

    def test_a_loader_without_its_terminator(self):
        name = '/no/such/ld.so'
        self.refuse_elf(says='damaged', loader=name, p_filesz=len(name))

    def test_every_prefix_of_a_program(self):
        whole = Elf(sections=['.text', '.data']).bytes()
        for n in range(len(whole)):
            self.refused(self.file('program', whole[:n]),
                         says='neither an ELF' if n < 4 else 'damaged')

    def test_prefixes_of_a_real_program(self):
        whole = pathlib.Path('/usr/bin/env').read_bytes()
        for n in [*range(4, 900, 41), *range(1000, len(whole), 1999)]:
            self.refused(self.file('program', whole[:n]), says='damaged')

    def test_random_damage(self):
        """Its loader is never there, so that nothing is ever executed."""
        dice = random.Random(4)
        whole = Elf(loader=elf.absent_loader(),
                    sections=['.text', '.go', '.data']).bytes()
        for _ in range(300):
            data = bytearray(whole)
            for _ in range(dice.choice((1, 1, 2, 5, 20))):
                data[dice.randrange(4, len(data))] = dice.randrange(256)
            with self.subTest(bytes(data).hex()):
                self.refused(self.file('program', data))


if __name__ == '__main__':
    unittest.main()
