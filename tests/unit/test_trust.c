/* SPDX-License-Identifier: ISC */
/*
 * usher_accept.c: from whom it takes connections.
 */
#include <sys/wait.h>

#include <grp.h>

#include "handing.h"

/* Run in a child, as somebody else, who hands over what he inherits. */
static void
hand_as(uid_t uid, const struct connection *made)
{
	int	status, stream;
	pid_t	child = fork();

	ck_assert_int_ne(child, -1);
	if (child == 0) {
		if (setgroups(0, NULL) == -1 || setgid(uid) == -1 ||
		    setuid(uid) == -1)
			_exit(2);
		stream = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(stream, (struct sockaddr *)&here,
		    sizeof(here)) == -1)
			_exit(3);
		send_on(stream, GOOD, SIZE, &made->accepted, 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

START_TEST(only_who_is_trusted)
{
	const uid_t		list[] = { 4711, 4712 };
	const struct usher_trust both = { list, 2 };
	struct connection	made;
	int			fd;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(directory, 0755), 0);
	ck_assert_int_eq(chmod(path, 0666), 0);
	connection_make(&made, AF_INET);
	hand_as(4712, &made);
	ck_assert_int_eq(usher_accept(listener, NULL, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	hand_as(4713, &made);
	ck_assert_int_eq(usher_accept(listener, &both, NULL, NULL, 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	hand_as(4712, &made);
	fd = usher_accept(listener, &both, NULL, NULL, SOCK_CLOEXEC);
	is_that(fd, &made);
	(void)close(fd);
	connection_close(&made);
}
END_TEST

START_TEST(the_owner_of_the_directory_is_trusted)
{
	struct connection	made;
	uid_t			owner = 1;
	int			fd;

	ck_assert_int_eq(usher_listener_owner(listener, &owner), 0);
	ck_assert_uint_eq(owner, own);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chmod(path, 0666), 0);
	ck_assert_int_eq(chown(directory, 4711, 0), 0);
	connection_make(&made, AF_INET);
	hand_as(4711, &made);
	fd = usher_accept(listener, NULL, NULL, NULL, SOCK_CLOEXEC);
	is_that(fd, &made);
	(void)close(fd);
	connection_close(&made);
	/* this number is everybody whom a user namespace does not know */
	ck_assert_int_eq(chown(directory, 65534, 0), 0);
	ck_assert_int_eq(usher_listener_owner(listener, &owner), -1);
}
END_TEST

static int
bound_to(const char *format, const char *where)
{
	struct sockaddr_un	address;
	int			fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	ck_assert_int_lt(snprintf(address.sun_path, sizeof(address.sun_path),
	    format, where), (int)sizeof(address.sun_path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
	    sizeof(address)), 0);
	return fd;
}

/* A relative path, one below /proc, and one through a link. */
START_TEST(an_owner_is_told_only_for_certain)
{
	static const char *const formats[] = {
		"x-handoff", "/proc/self/cwd/x-handoff", "%s/link/x-handoff"
	};
	uid_t	owner;
	int	fd;

	ck_assert_int_eq(chdir(directory), 0);
	ck_assert_int_eq(symlink(".", "link"), 0);
	fd = bound_to(formats[_i], directory);
	ck_assert_int_eq(usher_listener_owner(fd, &owner), -1);
	(void)close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(usher_listener_owner(fd, &owner), -1);
	(void)close(fd);
	ck_assert_int_eq(unlink("x-handoff"), 0);
	ck_assert_int_eq(unlink("link"), 0);
	ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("trust");
	TCase	*all = tcase_create("all");
	SRunner	*runner;
	int	 failed;

	tcase_add_checked_fixture(all, begin, end);
	tcase_add_test(all, only_who_is_trusted);
	tcase_add_test(all, the_owner_of_the_directory_is_trusted);
	tcase_add_loop_test(all, an_owner_is_told_only_for_certain, 0, 3);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
