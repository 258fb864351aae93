/* SPDX-License-Identifier: ISC */
#ifndef USHER_CALLS_H
#define USHER_CALLS_H

#include "../../src/common/message.h"

/* calls.c, numbers.c, front_calls.c: the system calls behind the table in
 * attacks.c. */
enum {
	CHILD_EPOLL = 5,	/* the loop's own descriptors */
	CHILD_CLIENT = 16,	/* CHILD_FIRST_CLIENT */
	FRONT_CLIENT = 512,	/* SLOTS_BASE */
	FRONT_HOSTS = 7,	/* what has which number in the front */
	FRONT_LISTENER = 8,
	FRONT_SPARE = 485,	/* holds /dev/null, and nothing else ever */
	FRONT_CONNECTOR = 491,	/* HOSTS_CONNECTORS_FIRST */
	FAR = 700
};

/* Of the relay that tries it: try_relay.c knows it from its start. */
extern enum protocol try_protocol;

void	try_open(int);
void	try_openat(int);
void	try_openat2(int);
void	try_unlink(int);
void	try_execve(int);
void	try_execveat(int);
void	try_execveat_empty(int);
void	try_mprotect(int);
void	try_mmap(int);
void	try_pkey_mprotect(int);
void	try_clone(int);
void	try_clone3(int);
void	try_kill(int);
void	try_tgkill(int);
void	try_ptrace(int);
void	try_vm_read(int);
void	try_pidfd_open(int);
void	try_pidfd_getfd(int);
void	try_dumpable(int);
void	try_ioctl(int);
void	try_unshare(int);
void	try_io_uring(int);
void	try_bpf(int);
void	try_x32(int);
void	try_int80(int);
void	try_socket(int);
void	try_connect(int);
void	try_accept(int);
void	try_listen(int);
void	try_read(int);
void	try_readv(int);
void	try_read_all(int);
void	try_recv(int);
void	try_recvmsg(int);
void	try_peek(int);
void	try_peek_from(int);
void	try_peek_more(int);
void	try_discard(int);
void	try_discard_seen(int);
void	try_write(int);
void	try_writev(int);
void	try_send(int);
void	try_sendmsg(int);
void	try_sendmsg_flags(int);
void	try_setfl(int);
void	try_setfl_accepted(int);
void	try_setsockopt_accepted(int);
void	try_tcp_option_accepted(int);
void	try_ioctl_accepted(int);
void	try_setitimer(int);
void	try_setown(int);
void	try_tcp_option(int);
void	try_shutdown(int);
void	try_splice(int);
void	try_tee(int);
void	try_vmsplice(int);
void	try_setsockopt(int);
void	try_renumber(int);
void	try_renumber_wide(int);
void	try_dup(int);

void	try_splice_into(int);
void	try_splice_into_wide(int);
void	try_splice_from(int);
void	try_splice_from_wide(int);
void	try_send_resized(int);
void	try_send_shifted(int);
void	try_send_other(int);
void	try_send_to(int);
void	try_send_to_wide(int);
void	try_dup_over(int);
void	try_shutdown_client(int);
void	try_setfl_wide(int);
void	try_setsockopt_wide(int);
void	try_tcp_option_wide(int);
void	try_ioctl_wide(int);
void	try_read_wide(int);
void	try_write_wide(int);
void	try_accept_wide(int);
void	try_setfd(int);
void	try_kill_group(int);
void	try_kill_group_wide(int);

void	try_question(int);
void	try_question_wide(int);
void	try_question_resized(int);
void	try_stat(int);
void	try_readlink(int);
void	try_connect_copy(int);
void	try_connect_resized(int);
void	try_connect_shifted(int);
void	try_send_address(int);
void	try_send_wide(int);
void	try_sendmsg_wide(int);
void	try_mprotect_constants(int);
void	try_dup_onto(int);
void	try_dup_onto_wide(int);
void	try_dup_lowest(int);
void	try_close(int);
void	try_close_wide(int);
void	try_setfl_of(int);
void	try_shutdown_accepted(int);
void	try_shutdown_own(int);
void	try_shutdown_own_wide(int);
void	try_setuid(int);
void	try_pipe(int);
void	try_socketpair(int);
void	try_wait(int);

#endif
