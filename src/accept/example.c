/* SPDX-License-Identifier: ISC */
#include <sys/stat.h>
#include <sys/un.h>
#include <err.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "usher_accept.h"

static void
answer(int client, const char *address)
{
	struct pollfd	poller = { .fd = client, .events = POLLIN };
	char		text[4096] = "";
	ssize_t		n, pieces, used = 0;

	for (pieces = 0; strstr(text, "\r\n\r\n") == NULL; used += n) {
		if (++pieces > 16 || poll(&poller, 1, 1000) != 1 || (n = read(
		    client, text + used, sizeof(text) - 1 - (size_t)used)) <= 0)
			return;
	}
	(void)dprintf(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n%s\n", strlen(address) + 1, address);
}

/* Tells each HTTP client its address, one after the other. */
int
main(int argc, char *argv[])
{
	const struct passwd	*usherd = getpwnam("_usherd");
	struct usher_trust	trust = {
	    usherd == NULL ? NULL : &usherd->pw_uid, usherd != NULL };
	struct sockaddr_un	here = { .sun_family = AF_UNIX };
	struct sockaddr_storage	from;
	socklen_t		size = sizeof(from);
	char			address[NI_MAXHOST];
	int			client, listener;

	if (argc != 2 || strlen(argv[1]) >= sizeof(here.sun_path))
		errx(1, "usage: usher-example DIRECTORY/http-handoff");
	(void)signal(SIGPIPE, SIG_IGN);
	(void)unlink(strcpy(here.sun_path, argv[1]));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&here, sizeof(here)) == -1 ||
	    chmod(argv[1], 0666) == -1 || listen(listener, SOMAXCONN) == -1)
		err(1, "%s", argv[1]);
	while ((client = usher_accept(listener, &trust, (void *)&from, &size,
	    SOCK_CLOEXEC)) != -1) {
		(void)getnameinfo((void *)&from, size, address,
		    sizeof(address), NULL, 0, NI_NUMERICHOST);
		answer(client, address);
		(void)close(client);
		size = sizeof(from);
	}
	err(1, "accept");
}
