/* SPDX-License-Identifier: ISC */
#ifndef USHER_ARGUMENTS_H
#define USHER_ARGUMENTS_H

/*
 * What is to be handed to libusher-accept.so, looked at before the command is
 * executed.  The library looks for itself (../accept/settings.h), but by then
 * it is inside somebody else's server, and its words are in that one's log.
 * Each exits 1 with a line on stderr, or returns.
 */

/* USHER_LISTEN: PORT=PATH, several of them separated by commas. */
void	arguments_listen_check(const char *list);

/* USHER_TRUST: names and numbers of users, separated by commas. */
void	arguments_trust_check(const char *list);

#endif
