/* SPDX-License-Identifier: ISC */
/*
 * What is tried, by whom, under which name.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../../src/child/message_take.h"
#include "../../src/common/message_send.h"
#include "../../src/front/linux.h"
#include "attacks.h"
#include "calls.h"

static const struct attack {
	const char	*name;
	unsigned int	 roles;
	void		(*run)(int);
	int		 argument;
} attacks[] = {
	{ "open", EYES | HANDS | KEYS, try_open, O_RDONLY },
	{ "openat", EYES | HANDS | KEYS, try_openat, AT_FDCWD },
	{ "execve", EYES | HANDS | KEYS, try_execve, 0 },
	{ "mprotect-exec", EYES | HANDS | KEYS, try_mprotect,
	    PROT_READ | PROT_EXEC },
	{ "mmap-exec", EYES | HANDS | KEYS, try_mmap, PROT_READ | PROT_EXEC },
	{ "mmap-all", EYES | HANDS | KEYS, try_mmap,
	    PROT_READ | PROT_WRITE | PROT_EXEC },
	{ "pkey-mprotect", EYES | HANDS | KEYS, try_pkey_mprotect,
	    PROT_READ | PROT_EXEC },
	{ "fork", EYES | HANDS | KEYS, try_clone, SIGCHLD },
	{ "thread", EYES | HANDS | KEYS, try_clone,
	    CLONE_VM | CLONE_SIGHAND | CLONE_THREAD },
	{ "clone3", EYES | HANDS | KEYS, try_clone3, 0 },
	{ "kill", EYES | HANDS | KEYS, try_kill, SIGKILL },
	{ "tgkill", EYES | HANDS | KEYS, try_tgkill, SIGKILL },
	{ "ptrace", EYES | HANDS | KEYS, try_ptrace, 0 },
	{ "vm-read", EYES | HANDS | KEYS, try_vm_read, 0 },
	{ "pidfd-open", EYES | HANDS | KEYS, try_pidfd_open, 1 },
	{ "pidfd-getfd", EYES | HANDS | KEYS, try_pidfd_getfd, CHILD_CLIENT },
	{ "dumpable", EYES | HANDS | KEYS, try_dumpable, 1 },
	/* what the front may, for hand-offs */
	{ "unsent", EYES | HANDS, try_ioctl_accepted, SIOCOUTQ },
	{ "unshare", EYES | HANDS | KEYS, try_unshare, CLONE_NEWUSER },
	{ "io-uring", EYES | HANDS | KEYS, try_io_uring, 1 },
	{ "x32", EYES | HANDS | KEYS, try_x32, 0 },
	{ "int80", EYES | HANDS | KEYS, try_int80, 20 },
	{ "socket", EYES | HANDS | KEYS, try_socket, AF_UNIX },
	{ "socket-inet", EYES | HANDS | KEYS, try_socket, AF_INET },
	{ "connect", EYES | HANDS | KEYS, try_connect, CHILD_CLIENT },
	{ "accept", EYES | HANDS, try_accept, CHILD_CLIENT },
	{ "read-loop", EYES | HANDS, try_read, CHILD_EPOLL },
	{ "read-client", EYES | HANDS, try_read, CHILD_CLIENT },
	{ "readv-client", EYES | HANDS | KEYS, try_readv, CHILD_CLIENT },
	{ "recv-client", EYES | HANDS | KEYS, try_recv, CHILD_CLIENT },
	{ "recvmsg-client", EYES | HANDS | KEYS, try_recvmsg, CHILD_CLIENT },
	{ "discard-seen", EYES | HANDS | KEYS, try_discard_seen,
	    CHILD_CLIENT },
	{ "peek-more", EYES | HANDS | KEYS, try_peek_more, CHILD_CLIENT },
	{ "write-client", EYES | HANDS | KEYS, try_write, CHILD_CLIENT },
	{ "sendmsg-control", EYES | HANDS | KEYS, try_sendmsg, CHILD_CONTROL },
	{ "peek", HANDS | KEYS, try_peek, CHILD_CLIENT },
	{ "tee", EYES | HANDS | KEYS, try_tee, CHILD_CLIENT },
	{ "vmsplice", EYES | HANDS | KEYS, try_vmsplice, CHILD_CLIENT },
	{ "renumber", EYES | HANDS, try_renumber, CHILD_REPORT },
	{ "setfl", EYES | HANDS, try_setfl_accepted, 0 },
	{ "keepalive", EYES | HANDS, try_setsockopt_accepted,
	    SO_KEEPALIVE },

	/* what the front may, so that no close takes long */
	{ "timer", EYES, try_setitimer, ITIMER_REAL },
	{ "passrights", EYES, try_setsockopt_accepted,
	    LINUX_SO_PASSRIGHTS },

	/* beside FIONREAD and SIOCATMARK, which relays may ask */
	{ "ioctl", EYES | KEYS, try_ioctl, FIONBIO },
	{ "unshare-files", KEYS, try_unshare, CLONE_NEWUSER | CLONE_NEWNS },
	{ "unshare-network", KEYS, try_unshare, CLONE_NEWUSER | CLONE_NEWNET },
	{ "terminate", EYES | KEYS, try_kill, SIGTERM },
	{ "bpf", EYES | KEYS, try_bpf, 0 },
	{ "renumber-control", EYES, try_renumber, CHILD_CONTROL },
	{ "renumber-wide", EYES, try_renumber_wide, CHILD_REPORT },
	{ "dup", EYES, try_dup, CHILD_CLIENT },
	{ "read-all", EYES, try_read_all, CHILD_EPOLL },
	{ "read-far", EYES | KEYS, try_read, FAR },
	{ "peek-from", EYES | KEYS, try_peek_from, CHILD_CLIENT },
	{ "discard", EYES | KEYS, try_discard, CHILD_CLIENT },
	{ "writev-client", EYES | KEYS, try_writev, CHILD_CLIENT },
	{ "send-client", EYES | HANDS | KEYS, try_send, CHILD_CLIENT },
	{ "sendmsg-client", EYES, try_sendmsg, CHILD_CLIENT },
	{ "shutdown-client", EYES, try_shutdown, CHILD_CLIENT },
	{ "splice-client", EYES | HANDS | KEYS, try_splice, CHILD_CLIENT },
	/* with a number that is none of the constants */
	{ "lowat", EYES | HANDS, try_setsockopt, SO_RCVLOWAT },
	{ "oob-inline", EYES | HANDS, try_setsockopt, SO_OOBINLINE },
	{ "unsent-lowat", EYES | HANDS, try_tcp_option, TCP_NOTSENT_LOWAT },

	/* Of a pair's pipes each has the end that is its own; of those who are
	 * none, nobody has. */
	{ "write-grant", EYES_ALONE | HANDS, try_write, CHILD_GRANT },
	{ "write-grant-wide", EYES | HANDS, try_write_wide, CHILD_GRANT },
	{ "writev-grant", EYES | HANDS, try_writev, CHILD_GRANT },
	{ "sendmsg-grant", EYES | HANDS, try_sendmsg, CHILD_GRANT },
	{ "read-grant", EYES | HANDS_ALONE, try_read, CHILD_GRANT },
	{ "read-grant-wide", EYES | HANDS, try_read_wide, CHILD_GRANT },
	{ "readv-grant", EYES | HANDS, try_readv, CHILD_GRANT },
	{ "recv-grant", EYES | HANDS, try_recv, CHILD_GRANT },
	{ "write-progress", EYES | HANDS_ALONE, try_write, CHILD_PROGRESS },
	{ "write-progress-wide", EYES | HANDS, try_write_wide,
	    CHILD_PROGRESS },
	{ "writev-progress", EYES | HANDS, try_writev, CHILD_PROGRESS },
	{ "sendmsg-progress", EYES | HANDS, try_sendmsg, CHILD_PROGRESS },
	{ "read-progress", EYES_ALONE | HANDS, try_read, CHILD_PROGRESS },
	{ "read-progress-wide", EYES | HANDS, try_read_wide, CHILD_PROGRESS },
	{ "readv-progress", EYES | HANDS, try_readv, CHILD_PROGRESS },
	{ "recv-progress", EYES | HANDS, try_recv, CHILD_PROGRESS },
	/* and nothing else comes to be where they are */
	{ "close-grant", EYES | HANDS, try_close, CHILD_GRANT },
	{ "close-grant-wide", EYES | HANDS, try_close_wide, CHILD_GRANT },
	{ "close-progress", EYES | HANDS, try_close, CHILD_PROGRESS },
	{ "close-progress-wide", EYES | HANDS, try_close_wide,
	    CHILD_PROGRESS },
	{ "close-last", EYES | HANDS, try_close, CHILD_FIRST_CLIENT - 1 },
	{ "over-report", EYES | HANDS, try_dup_over, CHILD_REPORT },
	{ "over-grant", EYES | HANDS, try_dup_over, CHILD_GRANT },
	{ "over-progress", EYES | HANDS, try_dup_over, CHILD_PROGRESS },
	/* what comes from the front is taken as messages */
	{ "read-control", EYES | HANDS, try_read, CHILD_CONTROL },
	{ "write-control", EYES | HANDS, try_write, CHILD_CONTROL },
	{ "read-report", EYES | HANDS, try_read, CHILD_REPORT },

	/* A relay splices between clients, tenants and pipes, and sends
	 * nothing but its answers, whole, to clients. */
	{ "splice-report", HANDS, try_splice_into, CHILD_REPORT },
	{ "splice-report-wide", HANDS, try_splice_into_wide, CHILD_REPORT },
	{ "splice-from-report", HANDS, try_splice_from, CHILD_REPORT },
	{ "splice-control", HANDS, try_splice_into, CHILD_CONTROL },
	{ "splice-control-wide", HANDS, try_splice_into_wide,
	    CHILD_CONTROL },
	{ "splice-from-control", HANDS, try_splice_from, CHILD_CONTROL },
	{ "splice-from-control-wide", HANDS, try_splice_from_wide,
	    CHILD_CONTROL },
	{ "splice-grant", HANDS, try_splice_into, CHILD_GRANT },
	{ "splice-grant-wide", HANDS, try_splice_into_wide, CHILD_GRANT },
	{ "splice-from-grant", HANDS, try_splice_from, CHILD_GRANT },
	{ "splice-from-grant-wide", HANDS, try_splice_from_wide,
	    CHILD_GRANT },
	{ "splice-progress", HANDS, try_splice_into, CHILD_PROGRESS },
	{ "splice-progress-wide", HANDS, try_splice_into_wide,
	    CHILD_PROGRESS },
	{ "splice-from-progress", HANDS, try_splice_from, CHILD_PROGRESS },
	{ "splice-last", HANDS, try_splice_into, CHILD_FIRST_CLIENT - 1 },
	{ "splice-from-last", HANDS, try_splice_from,
	    CHILD_FIRST_CLIENT - 1 },
	{ "shutdown-receiving", HANDS, try_shutdown_client, SHUT_RD },
	{ "shutdown-unknown", HANDS, try_shutdown_client, SHUT_RDWR + 1 },
	{ "send-less", HANDS, try_send_resized, -1 },
	{ "send-more", HANDS, try_send_resized, 1 },
	{ "send-shifted", HANDS, try_send_shifted, 1 },
	{ "send-other", HANDS, try_send_other, CHILD_CLIENT },
	{ "send-control", HANDS, try_send_to, CHILD_CONTROL },
	{ "send-control-wide", HANDS, try_send_to_wide, CHILD_CONTROL },
	{ "send-progress", HANDS, try_send_to, CHILD_PROGRESS },
	{ "send-progress-wide", HANDS, try_send_to_wide, CHILD_PROGRESS },
	{ "send-last", HANDS, try_send_to, CHILD_FIRST_CLIENT - 1 },
	{ "send-buffer", HANDS, try_setsockopt, SO_SNDBUF },
	{ "no-delay", HANDS, try_tcp_option, TCP_NODELAY },

	{ "openat-hosts", KEYS, try_openat, CHILD_CLIENT },
	{ "openat2-own", KEYS, try_openat2, CHILD_CLIENT },
	{ "openat2-cwd", KEYS, try_openat2, AT_FDCWD },
	{ "unlink", KEYS, try_unlink, AT_FDCWD },
	{ "execveat-path", KEYS, try_execveat, AT_FDCWD },
	{ "execveat-client", KEYS, try_execveat_empty, FRONT_CLIENT },
	{ "read-accepted", KEYS, try_read, FRONT_CLIENT },
	{ "readv-accepted", KEYS, try_readv, FRONT_CLIENT },
	{ "recv-accepted", KEYS, try_recv, FRONT_CLIENT },
	{ "recvmsg-accepted", KEYS, try_recvmsg, FRONT_CLIENT },
	{ "write-accepted", KEYS, try_write, FRONT_CLIENT },
	/* beside what a hand-off is sent with */
	{ "sendmsg-waiting", KEYS, try_sendmsg_flags, MSG_NOSIGNAL },
	{ "sendmsg-urgent", KEYS, try_sendmsg_flags,
	    MSG_NOSIGNAL | MSG_DONTWAIT | MSG_OOB },
	{ "setfl-async", KEYS, try_setfl_accepted, O_ASYNC | O_NONBLOCK },
	{ "setfl-append", KEYS, try_setfl_accepted, O_APPEND },
	{ "setown", KEYS, try_setown, 1 },
	{ "linger", KEYS, try_setsockopt_accepted, SO_LINGER },
	{ "receive-buffer", KEYS, try_setsockopt_accepted, SO_RCVBUF },
	{ "cork", KEYS, try_tcp_option_accepted, TCP_CORK },
	{ "timer-profile", KEYS, try_setitimer, ITIMER_PROF },
	{ "passcred", KEYS, try_setsockopt_accepted, SO_PASSCRED },
	/* of clients and tenants, and not of its own descriptors */
	{ "setfl-own", KEYS, try_setfl, O_NONBLOCK },
	{ "keepalive-own", KEYS, try_setsockopt, SO_KEEPALIVE },
	{ "passrights-own", KEYS, try_setsockopt, LINUX_SO_PASSRIGHTS },
	{ "nodelay-own", KEYS, try_tcp_option, TCP_NODELAY },
	{ "unsent-own", KEYS, try_ioctl, SIOCOUTQ },
	{ "setfl-own-wide", KEYS, try_setfl_wide, O_NONBLOCK },
	{ "keepalive-own-wide", KEYS, try_setsockopt_wide, SO_KEEPALIVE },
	{ "oob-inline-own-wide", KEYS, try_setsockopt_wide, SO_OOBINLINE },
	{ "passrights-own-wide", KEYS, try_setsockopt_wide,
	    LINUX_SO_PASSRIGHTS },
	{ "nodelay-own-wide", KEYS, try_tcp_option_wide, TCP_NODELAY },
	{ "unsent-own-wide", KEYS, try_ioctl_wide, SIOCOUTQ },
	/* and of its own, not of theirs */
	{ "read-accepted-wide", KEYS, try_read_wide, FRONT_CLIENT },
	{ "write-accepted-wide", KEYS, try_write_wide, FRONT_CLIENT },
	{ "accept-accepted-wide", KEYS, try_accept_wide, FRONT_CLIENT },
	{ "close-on-exec", KEYS, try_setfd, 0 },
	{ "kill-group", KEYS, try_kill_group, SIGKILL },
	{ "kill-group-wide", KEYS, try_kill_group_wide, SIGKILL },
	/* an allowed option's number at the other level */
	{ "debug", KEYS, try_setsockopt_accepted, TCP_NODELAY },
	{ "defer-accept", KEYS, try_tcp_option_accepted, SO_KEEPALIVE },
	{ "ioctl-type", KEYS, try_ioctl_accepted, TIOCSTI },
	{ "ioctl-async", KEYS, try_ioctl_accepted, FIOASYNC },
	{ "accept-accepted", KEYS, try_accept, FRONT_CLIENT },
	/* its constants, and what is not one of them */
	{ "question-cwd", KEYS, try_question, AT_FDCWD },
	{ "question-cwd-wide", KEYS, try_question_wide, AT_FDCWD },
	{ "question-more", KEYS, try_question_resized, 8 },
	{ "stat", KEYS, try_stat, FRONT_HOSTS },
	{ "readlink", KEYS, try_readlink, FRONT_HOSTS },
	{ "connect-copy", KEYS, try_connect_copy, FRONT_CLIENT },
	{ "connect-less", KEYS, try_connect_resized, -1 },
	{ "connect-shifted", KEYS, try_connect_shifted, 1 },
	{ "send-address", KEYS, try_send_address, FRONT_CLIENT },
	{ "mprotect-constants", KEYS, try_mprotect_constants, PROT_WRITE },
	/* a client or a tenant in the place of what is its own */
	{ "onto-stderr", KEYS, try_dup_onto, STDERR_FILENO },
	{ "onto-control", KEYS, try_dup_onto, CHILD_CONTROL },
	{ "onto-request", KEYS, try_dup_onto, CHILD_REPORT },
	{ "onto-log", KEYS, try_dup_onto, CHILD_REPORT + 1 },
	{ "onto-hosts", KEYS, try_dup_onto, FRONT_HOSTS },
	{ "onto-hosts-wide", KEYS, try_dup_onto_wide, FRONT_HOSTS },
	{ "onto-spare", KEYS, try_dup_onto, FRONT_SPARE },
	{ "onto-listener", KEYS, try_dup_onto, FRONT_LISTENER },
	{ "onto-lowest", KEYS, try_dup_lowest, 0 },
	{ "close-control", KEYS, try_close, CHILD_CONTROL },
	{ "close-hosts", KEYS, try_close, FRONT_HOSTS },
	{ "close-hosts-wide", KEYS, try_close_wide, FRONT_HOSTS },
	{ "read-connector", KEYS, try_read, FRONT_CONNECTOR },
	{ "setfl-control", KEYS, try_setfl_of, CHILD_CONTROL },
	{ "send-own-wide", KEYS, try_send_wide, FRONT_LISTENER },
	{ "sendmsg-control-wide", KEYS, try_sendmsg_wide, CHILD_CONTROL },
	{ "shutdown-accepted", KEYS, try_shutdown_accepted, SHUT_WR },
	{ "shutdown-own", KEYS, try_shutdown_own, FRONT_LISTENER },
	{ "shutdown-own-wide", KEYS, try_shutdown_own_wide,
	    FRONT_LISTENER },
	/* what a process with privileges could do in its place */
	{ "setuid", KEYS, try_setuid, 0 },
	{ "pipe", KEYS, try_pipe, O_CLOEXEC },
	{ "socketpair", KEYS, try_socketpair, AF_UNIX },
	{ "wait", KEYS, try_wait, -1 },
	{ "listen", KEYS, try_listen, FRONT_CLIENT },
};

enum { ATTACKS = sizeof(attacks) / sizeof(attacks[0]) };
_Static_assert(ATTACKS < UINT8_MAX, "order_of_attack");

/* "open.example" is called after "open". */
static int
is_called(const char *name, const char *attack)
{
	size_t n = strlen(attack);

	return strncmp(name, attack, n) == 0 &&
	    (name[n] == '.' || name[n] == '\0');
}

int
attack_number(unsigned int role, const char *name)
{
	size_t i;

	for (i = 0; i < ATTACKS; i++) {
		if ((attacks[i].roles & role) != 0 &&
		    is_called(name, attacks[i].name))
			return (int)i;
	}
	return -1;
}

void
attack_by_name(unsigned int role, const char *name)
{
	int number = attack_number(role, name);

	if (number != -1)
		attacks[number].run(attacks[number].argument);
}

void
order_of_attack(struct order *order, int number)
{
	order->zero = (uint8_t)(number + 1);
}

void
attack_of_order(struct order *order)
{
	size_t number = order->zero;

	order->zero = 0;
	if (number > 0 && number <= ATTACKS &&
	    (attacks[number - 1].roles & (HANDS | HANDS_ALONE)) != 0)
		attacks[number - 1].run(attacks[number - 1].argument);
}
