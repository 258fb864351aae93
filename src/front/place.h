/* SPDX-License-Identifier: ISC */
#ifndef USHER_PLACE_H
#define USHER_PLACE_H

#include <sys/stat.h>

/*
 * Where in hosts/ a look-up came to its end, for the administrator's log.
 */
enum { PLACE_TEXT_MAX = 160 };

struct place {
	char	at[PLACE_TEXT_MAX];	/* path below hosts/; "": nowhere */
	char	needs;			/* of "rwxt", what is missing, or 0: */
	mode_t	mode;			/* of what is there */
	uid_t	uid;
	gid_t	gid;
};

/*
 * Appends one name to a path of PLACE_TEXT_MAX bytes.  Tenants choose names,
 * so that each byte but letters, digits, '.', '_' and '-' is written '?';
 * what does not fit is left out.
 */
void	place_append(char *path, const char *name);

/* It is name in the directory path; name may be "" for path itself. */
void	place_set(struct place *place, const char *path, const char *name);
/* The same, and this permission is missing there. */
void	place_lacks(struct place *place, const char *path, const char *name,
	    const struct stat *st, char needs);

#endif
