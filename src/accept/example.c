/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>
#include <sys/un.h>
#include <err.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "usher_accept.h"

/* usher-example DIR/http-handoff: tells each HTTP client its address. */
static void
answer(int client, const char *address)
{
	char	text[4096];
	size_t	used = 0;
	ssize_t	n;

	alarm(5);	/* for one client; this server serves them in turn */
	do {
		n = read(client, text + used, sizeof(text) - 1 - used);
		if (n <= 0)
			return;
		text[used += (size_t)n] = '\0';
	} while (strstr(text, "\r\n\r\n") == NULL);
	(void)dprintf(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n%s\n", strlen(address) + 1, address);
}

static void
ignore(int number)
{
	(void)number;	/* read(2) ends with EINTR */
}

int
main(int argc, char *argv[])
{
	const struct sigaction	late = { .sa_handler = ignore };
	const struct passwd	*usherd = getpwnam("_usherd");
	struct usher_trust	trust = { usherd == NULL ? NULL :
				    &usherd->pw_uid, usherd != NULL };
	struct sockaddr_un	here = { .sun_family = AF_UNIX };
	struct sockaddr_storage	from;
	socklen_t		size = sizeof(from);
	char			address[NI_MAXHOST];
	int			client, listener;

	if (argc != 2 || strlen(argv[1]) >= sizeof(here.sun_path))
		errx(1, "usage: usher-example PATH");
	(void)sigaction(SIGALRM, &late, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)unlink(strcpy(here.sun_path, argv[1]));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) == -1 ||
	    chmod(argv[1], 0666) == -1 || listen(listener, SOMAXCONN) == -1)
		err(1, "%s", argv[1]);
	for (; (client = usher_accept(listener, &trust,
	    (struct sockaddr *)&from, &size, SOCK_CLOEXEC)) != -1;
	    size = sizeof(from)) {
		(void)getnameinfo((struct sockaddr *)&from, size, address,
		    sizeof(address), NULL, 0, NI_NUMERICHOST);
		answer(client, address);
		(void)close(client);
	}
	err(1, "accept");
}
