/* SPDX-License-Identifier: ISC */
#ifndef USHER_MISLED_H
#define USHER_MISLED_H

/*
 * Parsers that do what the name says that they have just read, which began
 * with "eyes-".
 */

/* Either parser, try_parser.c; roles are those of attacks.h that it has.
 * Returns where nothing stopped it. */
void	parser_misled(unsigned int roles, const char *name);

/* usherd-http and the relay of its pair, try_grant.c: "grant-LIE". */
void	grants_misled(const char *name);

#endif
