# SPDX-License-Identifier: ISC
"""usherd and all that it starts in a directory of a test's own, where one of
them can be replaced by something else: the launcher looks beside itself."""
import os
import shutil
import subprocess

import harness

PROGRAMS = ('usherd', 'usherd-front', 'usherd-log', 'usherd-tls',
            'usherd-http', 'usherd-relay')

WRAPPER = r'''
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	FILE *file = fopen("%(path)s.does", "r");
	char what[16] = "", shard[16] = "";
	int i;

	if (file != NULL && fscanf(file, "%%15s %%15s", what, shard) < 1)
		return 99;
	for (i = 1; i < argc - 1; i++)
		if (strcmp(argv[i], "-s") == 0 &&
		    strcmp(argv[i + 1], shard) == 0)
			shard[0] = '\0';	/* it is meant */
	if (shard[0] == '\0' && strcmp(what, "exit") == 0)
		return 7;
	if (shard[0] == '\0' && strcmp(what, "crash") == 0)
		__builtin_trap();
	if (shard[0] == '\0' && strcmp(what, "hang") == 0)
		sleep(60);
	if (shard[0] == '\0' && strcmp(what, "slow") == 0)
		sleep(1);
	if (file != NULL)
		fclose(file);
	execv("%(path)s.real", argv);
	return 98;
}
'''


class Copies:
    def __init__(self, case, name='programs'):
        self.path = case.scratch / f'{case.id()}.{name}'
        self.path.mkdir()
        os.chmod(self.path, 0o755)
        self.replace()

    def replace(self):
        """All of them anew, each by a rename, as a package manager does."""
        for program in PROGRAMS:
            self.put(program, harness.BUILD / program)

    def put(self, program, source):
        beside = self.path / f'{program}.new'
        shutil.copy(source, beside)
        os.chmod(beside, 0o755)
        os.rename(beside, self.path / program)

    def put_text(self, program, text):
        """A script in the place of one."""
        beside = self.path / 'text'
        beside.write_text(text)
        self.put(program, beside)

    def wrap(self, program):
        """From now on it does what does() says."""
        path = self.path / program
        source = self.path / 'wrapper.c'
        source.write_text(WRAPPER % {'path': path})
        os.rename(path, f'{path}.real')
        subprocess.run(['cc', '-O1', '-o', path, source], check=True)

    def does(self, program, what):
        """'exit', 'crash', 'hang' or 'slow', and behind it the number of a
        shard, or of none: in all; None: what it should."""
        path = self.path / f'{program}.does'
        if what is None:
            path.unlink()
            return
        path.write_text(what)
        os.chmod(path, 0o644)
