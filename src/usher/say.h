/* SPDX-License-Identifier: ISC */
#ifndef USHER_SAY_H
#define USHER_SAY_H

/*
 * What `usher run` has to say when it gives up: one line on stderr, and names
 * in it that cannot make two lines, or move the cursor, or be mistaken for
 * several words.
 */
enum { SHOWN_MAX = 1024 };

struct shown {
	char	text[SHOWN_MAX];
};

/*
 * Gives shown->text, a copy of text in which everything but visible ASCII is
 * \xNN, a backslash is doubled, and "..." stands for what there is no room
 * for; of no text, a pair of quotes.
 */
const char	*show(struct shown *shown, const char *text);

/* "usher run: ", the line, a newline; then exits. */
void	die(int status, const char *format, ...)
	    __attribute__((noreturn, format(printf, 2, 3)));

#endif
