# SPDX-License-Identifier: ISC
"""usher run.  The command gets the preload library, and finds
everything else as it was; what is wrong with the command line is said in one
line."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

import harness
from runs import LIBRARY, NOBODY, SECONDS, Case


class Words(Case):
    def test_version(self):
        for option in ('-V', '--version'):
            done = self.run_usher(option)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertRegex(done.stdout, r'\Ausher \d+\.\d+\S*\n\Z')

    def test_help_goes_to_standard_output(self):
        for words in (['-h'], ['--help'], ['run', '-h'], ['run', '--help'],
                      ['run', '-l', 'nonsense', '-h']):
            with self.subTest(words):
                done = self.run_usher(*words)
                self.assertEqual((done.returncode, done.stderr), (0, ''))
                self.assertTrue(done.stdout.startswith('usage: usher run'))
                for letter in 'lrThV':
                    self.assertRegex(done.stdout, rf'(?m)^  -{letter} ')

    def test_output_that_cannot_be_written_is_an_error(self):
        for words in (['-V'], ['-h'], ['run', '-h']):
            with open('/dev/full', 'w') as full:
                status = subprocess.run([self.usher, *words], stdout=full,
                                        timeout=SECONDS).returncode
            self.assertEqual(status, 1)

    def test_bad_usage_is_one_line_and_the_usage_on_standard_error(self):
        for words in ([], ['walk'], ['wa\nlk'], [''], ['-z'], ['--nonsense'],
                      ['Run'], ['run'], ['run', '--'], ['run', '-z'],
                      ['run', '-z', 'true'], ['run', '-\n'], ['run', '-l'],
                      ['run', '-T'], ['run', '--nonsense\x1b', 'true'],
                      ['run', '-l', '1=/tmp/x-handoff']):
            with self.subTest(words):
                done = self.run_usher(*words)
                self.assertEqual((done.returncode, done.stdout), (1, ''))
                self.assertRegex(
                    done.stderr,
                    r'\Ausher(?: run)?: [ -~]+\nusage: usher run ')


class Environment(Case):
    """What the executed program finds in its environment."""

    def test_the_library_is_preloaded(self):
        self.assertEqual(self.seen()['LD_PRELOAD'], self.library)
        maps = self.ran('cat', '/proc/self/maps')
        self.assertIn(self.library, maps)

    def test_the_library_comes_before_what_was_preloaded_already(self):
        other = str(self.copy(self.library, 'other.so'))
        more = str(self.copy(self.library, 'more.so'))
        for before, after in (
                ('', ''), (':', ''), (other, ':' + other),
                (other + ' ' + more, ':' + other + ':' + more),
                (':' + other + '::', ':' + other),
                (self.library, ''),
                (self.library + ':' + other, ':' + other),
                (other + ' ' + self.library, ':' + other),
                (self.library + ':' + self.library, '')):
            with self.subTest(before):
                seen = self.seen(env={'LD_PRELOAD': before})
                self.assertEqual(seen['LD_PRELOAD'], self.library + after)

    def test_usher_run_by_usher_preloads_once(self):
        seen = self.seen(self.usher, 'run')
        self.assertEqual(seen['LD_PRELOAD'], self.library)

    def test_all_listeners_are_in_one_variable(self):
        a, b, c = (f'{port}={self.scratch}/{name}-handoff'
                   for port, name in ((1, 'tls'), (65535, 'http'), (80, 'x')))
        self.assertEqual(self.seen('-l', a)['USHER_LISTEN'], a)
        for words in (['-l', a, '-l', b, '-l', c], ['-l', f'{a},{b},{c}'],
                      ['-l', f'{a},{b}', '-l', c], ['-l' + a, f'-l{b},{c}']):
            with self.subTest(words):
                self.assertEqual(self.seen(*words)['USHER_LISTEN'],
                                 f'{a},{b},{c}')

    def test_trusted_users_are_in_one_variable(self):
        for words in (['-T', 'root', '-T', '4294967294'],
                      ['-T', 'root,4294967294']):
            with self.subTest(words):
                self.assertEqual(self.seen(*words)['USHER_TRUST'],
                                 'root,4294967294')

    def test_each_run_that_replaces_has_another_number(self):
        """An inherited one is of the run around it."""
        numbers = {self.seen(*words, env={'USHER_REPLACE': '00000001'})
                   ['USHER_REPLACE']
                   for words in (['-r'], ['--replace'], ['-r'], [])}
        self.assertEqual(len(numbers), 4)
        for number in numbers:
            self.assertRegex(number, r'\A[0-9a-f]{8}\Z')
        self.assertIn('00000001', numbers)

    def test_without_options_these_variables_are_left_alone(self):
        seen = self.seen()
        self.assertNotIn('USHER_LISTEN', seen)
        self.assertNotIn('USHER_TRUST', seen)
        self.assertNotIn('USHER_REPLACE', seen)
        inherited = {'USHER_LISTEN': f'80={self.scratch}/http-handoff',
                     'USHER_TRUST': 'root'}
        seen = self.seen(env=inherited)
        self.assertEqual({**seen, **inherited}, seen)

    def test_an_option_replaces_what_was_inherited(self):
        new = f'81={self.scratch}/http-handoff'
        seen = self.seen('-l', new, '-T', 'nobody',
                         env={'USHER_LISTEN': '80=/nowhere/http-handoff',
                              'USHER_TRUST': 'root'})
        self.assertEqual((seen['USHER_LISTEN'], seen['USHER_TRUST']),
                         (new, 'nobody'))

    def test_nothing_else_changes(self):
        odd = {'EMPTY': '', 'LINES': 'a\nb', 'EQUALS': '=a=b'}
        before = self.environment(**odd)
        after = self.seen(env=odd)
        self.assertEqual(after.pop('LD_PRELOAD'), self.library)
        self.assertEqual(after, before)


class Library(Case):
    """Where the library is looked for."""

    def test_without_the_library_nothing_is_executed(self):
        alone = self.copy(self.usher, 'usher')
        done = self.run_usher('run', 'true', usher=str(alone))
        if done.returncode == 0:
            self.skipTest('one is installed')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertRegex(done.stderr,
                         rf'\Ausher run: {LIBRARY}: neither .*\n\Z')

    def test_it_is_beside_the_program_not_beside_a_link_to_it(self):
        link = self.scratch / 'usher'
        link.symlink_to(self.usher)
        self.assertEqual(self.seen(usher=str(link))['LD_PRELOAD'],
                         self.library)

    def test_a_path_that_ld_preload_cannot_hold_is_refused(self):
        for name in ('a b', 'a:b', 'a$LIB'):
            with self.subTest(name):
                place = self.scratch / name
                place.mkdir()
                shutil.copy(self.usher, place)
                shutil.copy(self.library, place)
                self.refused('true', usher=str(place / 'usher'),
                             says='cannot be preloaded')


class Execution(Case):
    """The command is executed in usher's place, and nothing stands between."""

    def test_arguments_arrive_as_they_are(self):
        show = 'import sys; print(ascii(sys.argv[1:]))'
        for arguments in ([], [''], ['-l', '-T', '-h', '--', '-z'],
                          ['a b', 'c\nd', '*', '$HOME', '\udcff']):
            for words in ([], ['--']):
                with self.subTest(arguments=arguments, words=words):
                    out = self.ran(*words, sys.executable, '-c', show,
                                   *arguments)
                    self.assertEqual(out, ascii(arguments) + '\n')

    def test_the_command_keeps_the_name_that_was_typed(self):
        self.file('named', '#!/bin/sh\necho "$0"\n')
        program = self.copy('/bin/cat', 'words')
        out = self.ran('words', '/proc/self/cmdline',
                       env={'PATH': str(self.scratch)})
        self.assertEqual(out, 'words\0/proc/self/cmdline\0')
        out = self.ran(program, '/proc/self/cmdline')
        self.assertEqual(out, f'{program}\0/proc/self/cmdline\0')

    def test_the_process_stays_the_same(self):
        with subprocess.Popen(
                [self.usher, 'run', 'sh', '-c', 'echo $$'],
                stdout=subprocess.PIPE, text=True,
                env=self.environment()) as process:
            self.assertEqual(process.stdout.read(), f'{process.pid}\n')

    def test_exit_statuses_and_signals_are_the_commands_own(self):
        for status in (0, 1, 2, 77, 126, 127, 255):
            done = self.run_usher('run', 'sh', '-c', f'exit {status}')
            self.assertEqual((done.returncode, done.stderr), (status, ''))
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1):
            done = self.run_usher('run', 'sh', '-c', f'kill -{number:d} $$')
            self.assertEqual(done.returncode, -number)

    def test_a_signal_reaches_the_command(self):
        script = 'trap "echo got it; exit 3" TERM; echo ready; read x'
        with subprocess.Popen(
                [self.usher, 'run', 'sh', '-c', script], text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env=self.environment()) as process:
            self.assertEqual(process.stdout.readline(), 'ready\n')
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.stdout.read(), 'got it\n')
            self.assertEqual(process.wait(SECONDS), 3)

    def test_ignored_signals_and_the_umask_are_inherited(self):
        def prepare():
            os.umask(0o037)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        out = self.ran('cat', '/proc/self/status', preexec_fn=prepare)
        ignored = int(re.search(r'SigIgn:\s*(\w+)', out)[1], 16)
        self.assertTrue(ignored & 1 << signal.SIGHUP - 1)
        self.assertFalse(ignored & 1 << signal.SIGTERM - 1)
        self.assertRegex(out, r'Umask:\s*0037\n')

    def test_descriptors_are_inherited_and_none_is_added(self):
        with socket.socket() as extra:
            out = self.ran('ls', '/proc/self/fd', pass_fds=[extra.fileno()])
            # ls has one for the directory that it reads
            listed = {int(word) for word in out.split()}
            self.assertLessEqual({0, 1, 2, extra.fileno()}, listed)
            self.assertEqual(len(listed), 5)

    def test_standard_input_is_the_commands(self):
        done = self.run_usher('run', 'cat', stdin=None, input='a\nb')
        self.assertEqual(done.stdout, 'a\nb')


class Search(Case):
    """The command is looked for as execvp(3) does."""

    def where(self, name):
        path = self.scratch / name
        path.mkdir(exist_ok=True)
        return path

    def program(self, directory, says, mode=0o755):
        path = self.where(directory) / 'tool'
        path.write_text(f'#!/bin/sh\necho {says}\n')
        os.chmod(path, mode)
        return path

    def search(self, *directories):
        return {'PATH': ':'.join(str(each) for each in directories)}

    def test_the_first_of_path_wins(self):
        a, b = self.program('a', 'A').parent, self.program('b', 'B').parent
        for path, says in (((a, b), 'A'), ((b, a), 'B'),
                           (('/nowhere', a), 'A'), (('/dev/null', a), 'A')):
            self.assertEqual(self.ran('tool', env=self.search(*path)),
                             says + '\n')

    def test_what_cannot_be_executed_is_passed_over(self):
        a = self.program('a', 'A', mode=0o644).parent
        b = self.program('b', 'B').parent
        (self.where('c') / 'tool').mkdir()
        path = self.search(a, self.where('c'), b)
        self.assertEqual(self.ran('tool', env=path), 'B\n')

    def test_an_empty_element_is_the_current_directory(self):
        a = self.program('a', 'A').parent
        for path in (':', ':/nowhere', '/nowhere:', '/nowhere::/x', ''):
            self.assertEqual(self.ran('tool', env={'PATH': path}, cwd=a),
                             'A\n')

    def test_without_path_the_usual_directories_are_searched(self):
        environment = self.environment()
        del environment['PATH']
        done = subprocess.run([self.usher, 'run', 'echo', 'there'],
                              capture_output=True, env=environment,
                              timeout=SECONDS)
        self.assertEqual((done.returncode, done.stdout), (0, b'there\n'))

    def test_a_slash_means_no_search(self):
        a = self.program('a', 'A').parent
        self.assertEqual(self.ran('./tool', cwd=a), 'A\n')
        self.assertEqual(self.ran('a/tool', cwd=self.scratch), 'A\n')
        self.refused('x/tool', status=127, says='not found',
                     env=self.search(a), cwd=self.scratch)

    def test_not_found_is_127(self):
        for name in ('no-such-command', '/no/such', './no-such', '',
                     '/dev/null/x', 'x' * 300, 'x' * 5000, 'a/' + 'x' * 5000):
            with self.subTest(name):
                self.refused(name, status=127, says='not found$')

    def test_not_executable_is_126(self):
        plain = self.program('a', 'A', mode=0o644)
        for name in (plain, '/', '/dev/null', self.where('d')):
            with self.subTest(name):
                self.refused(name, status=126, says='may execute')
        self.refused('tool', status=126, says='may execute',
                     env=self.search(plain.parent, '/nowhere'))

    def test_a_directory_that_may_not_be_searched_is_126(self):
        """But in PATH it may be there for somebody else."""
        tool = self.program('a', 'A')
        os.chmod(tool.parent, 0o600)
        before = NOBODY if harness.ROOT else []
        self.refused(tool, status=126, says='may execute', before=before)
        path = self.search(tool.parent, '/usr/bin', '/bin')
        self.refused('tool', status=127, says='not found', before=before,
                     env=path)
        self.assertEqual(self.ran('echo', before=before, env=path), '\n')

    def test_names_are_printed_in_visible_characters(self):
        for name, shown in (('a b', r'a\x20b'), ('a\nb', r'a\x0ab'),
                            ('\x1b[2J', r'\x1b[2J'), ('\\x', r'\\x'),
                            ('caf\xe9', r'caf\xc3\xa9'), ('', '""'),
                            ('\udcff', r'\xff'), ('%s%n', '%s%n')):
            with self.subTest(shown):
                self.assertEqual(self.refused(name, status=127),
                                 f'usher run: {shown}: not found\n')
        line = self.refused('\n' * 3000, status=127)
        self.assertLess(len(line), 1100)
        self.assertIn('...', line)


class Settings(Case):
    """Malformed settings are refused before anything is executed."""

    def listen(self, text):
        return text.replace('DIR', str(self.scratch))

    def test_listeners(self):
        for text, says in (
                ('', 'empty'), (',', 'empty'), ('80=DIR/a-handoff,', 'empty'),
                (',80=DIR/a-handoff', 'empty'),
                ('80=DIR/a-handoff,,81=DIR/b-handoff', 'empty'),
                ('80', 'PORT=PATH'), ('DIR/a-handoff', 'PORT=PATH'),
                ('80:DIR/a-handoff', 'PORT=PATH'),
                ('=DIR/a-handoff', 'port'), ('0=DIR/a-handoff', 'port'),
                ('65536=DIR/a-handoff', 'port'),
                ('4294967376=DIR/a-handoff', 'port'),
                ('-1=DIR/a-handoff', 'port'), ('+80=DIR/a-handoff', 'port'),
                (' 80=DIR/a-handoff', 'port'), ('80 =DIR/a-handoff', 'port'),
                ('8 0=DIR/a-handoff', 'port'), ('0x50=DIR/a-handoff', 'port'),
                ('http=DIR/a-handoff', 'port'),
                ('[::]:80=DIR/a-handoff', 'port'),
                ('80=', 'slash'), ('80=a-handoff', 'slash'),
                ('80=./a-handoff', 'slash'), ('80==DIR/a-handoff', 'slash'),
                ('80=DIR', 'name like'), ('80=DIR/', 'name like'),
                ('80=DIR/tls-socket', 'name like'),
                ('80=DIR/tls-handoff/', 'name like'),
                ('80=DIR/tls-handoff2', 'name like'),
                ('80=DIR/handoff', 'name like'),
                ('80=DIR/tls-handoff ', 'name like'),
                ('80=DIR/none/a-handoff', 'No such file'),
                ('80=/dev/null/a-handoff', 'Not a directory'),
                ('80=/' + 'x' * 5000 + '/a-handoff', 'too long'),
                ('80=DIR/a-handoff,80=DIR/b-handoff', 'twice'),
                ('80=DIR/a\n/b-handoff', r'a\\x0a/')):
            with self.subTest(text):
                self.refused('-l', self.listen(text), 'echo', 'executed',
                             says='-l.*' + says)

    def test_one_port_in_two_options(self):
        self.refused('-l', self.listen('80=DIR/a-handoff'),
                     '-l', self.listen('80=DIR/b-handoff'), 'true',
                     says='80 is there twice')

    def test_an_empty_option_among_others(self):
        for options in (['-l', '', '-l', self.listen('80=DIR/a-handoff')],
                        ['-l', self.listen('80=DIR/a-handoff'), '-l', ''],
                        ['-T', '', '-T', 'root'], ['-T', 'root', '-T', '']):
            with self.subTest(options):
                self.refused(*options, 'true', says='empty')

    def test_users(self):
        for text in ('', 'no-such-user-here', 'root,', ',root', 'root,,root',
                     'root,no-such-user-here', ' root', 'root root', 'x' * 999,
                     'x\ny', '-1', '4294967295', '99999999999999999999',
                     '+1', '1 '):
            with self.subTest(text):
                self.refused('-T', text, 'echo', 'executed', says='-T')

    def test_as_many_as_the_library_has_room_for(self):
        ports = [f'{port}={self.scratch}/{port}-handoff'
                 for port in range(1, 66)]
        self.assertEqual(self.seen('-l', ','.join(ports[:64]))['USHER_LISTEN'],
                         ','.join(ports[:64]))
        self.refused('-l', ','.join(ports), 'true', says='more than 64 ports')
        self.ran('-T', ','.join(['root'] * 16), 'true')
        self.refused('-T', ','.join(['root'] * 17), 'true',
                     says='more than 16 users')


if __name__ == '__main__':
    unittest.main()
