// SPDX-License-Identifier: Apache-2.0
#include "tg_eval.h"

#include <sys/syscall.h>

/* Names of calls that functions make which go beyond their own memory. */
#define CALL(name) { SYS_##name, #name }
static const struct {
	int number;
	const char *name;
} calls[] = {
	CALL(read), CALL(write), CALL(open), CALL(openat), CALL(close),
	CALL(stat), CALL(fstat), CALL(lstat), CALL(newfstatat), CALL(statx),
	CALL(lseek), CALL(pread64), CALL(pwrite64), CALL(readv), CALL(writev),
	CALL(ioctl), CALL(fcntl), CALL(access), CALL(faccessat),
	CALL(faccessat2), CALL(pipe), CALL(pipe2), CALL(dup), CALL(dup2),
	CALL(dup3), CALL(getcwd), CALL(chdir), CALL(mkdir), CALL(rename),
	CALL(renameat2), CALL(unlink), CALL(unlinkat), CALL(readlink),
	CALL(readlinkat), CALL(chmod), CALL(fsync), CALL(ftruncate),
	CALL(getdents64), CALL(memfd_create), CALL(mmap), CALL(mprotect),
	CALL(mremap), CALL(madvise), CALL(msync), CALL(select),
	CALL(pselect6), CALL(poll), CALL(ppoll), CALL(epoll_wait),
	CALL(epoll_pwait), CALL(epoll_ctl), CALL(epoll_create1),
	CALL(eventfd2), CALL(pause), CALL(nanosleep), CALL(clock_nanosleep),
	CALL(alarm), CALL(setitimer), CALL(socket), CALL(connect),
	CALL(accept), CALL(accept4), CALL(bind), CALL(listen), CALL(sendto),
	CALL(recvfrom), CALL(sendmsg), CALL(recvmsg), CALL(getsockopt),
	CALL(setsockopt), CALL(clone), CALL(clone3), CALL(fork), CALL(vfork),
	CALL(execve), CALL(wait4), CALL(waitid), CALL(kill), CALL(tkill),
	CALL(tgkill), CALL(rt_sigsuspend), CALL(rt_sigtimedwait), CALL(prctl),
	CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev),
	CALL(setuid), CALL(setgid), CALL(prlimit64), CALL(setrlimit),
	CALL(shmget), CALL(shmat), CALL(semop), CALL(futex),
	CALL(set_robust_list), CALL(membarrier), CALL(rseq),
	CALL(sched_setaffinity), CALL(io_uring_setup), CALL(mount),
	CALL(reboot),
};

void tg_eval_call_name(int number, struct hs_text *ret)
{
	for (size_t i = 0; i < HS_ARRAY_SIZE(calls); i++) {
		if (calls[i].number == number) {
			hs_text_add(ret, calls[i].name);
			return;
		}
	}
	if (number < 0)
		hs_text_add(ret, "a system call of another kind");
	else
		hs_text_addf(ret, "system call %d", number);
}
