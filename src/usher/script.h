/* SPDX-License-Identifier: ISC */
#ifndef USHER_SCRIPT_H
#define USHER_SCRIPT_H

/*
 * The first line of a #! script, execve(2), as Linux reads it
 * (fs/binfmt_script.c): an interpreter, and all that follows as one argument.
 */
enum { SCRIPT_HEAD = 256 };	/* no more is looked at: BINPRM_BUF_SIZE */

struct script {
	char	interpreter[SCRIPT_HEAD + 1];
	char	argument[SCRIPT_HEAD + 1];	/* may be empty */
};

/*
 * head is the beginning of the file, with zeros after its end.  Gives -1 when
 * this is no #! line, or one whose interpreter is missing or cut off.
 */
int	script_read(struct script *script, const char head[SCRIPT_HEAD]);

/*
 * Gives what will run the script: the interpreter itself or, where that is
 * env(1), the command that its argument names, which has to be looked for in
 * PATH; NULL when env is asked for something else than to run a command in
 * this environment, or in a way that is not understood.  Points into script,
 * whose argument may be cut up for it.
 */
const char	*script_command(struct script *script);

#endif
