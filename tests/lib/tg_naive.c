// SPDX-License-Identifier: Apache-2.0
/*
 * The control of the harm suite: dlopen() called in a program the plain way,
 * as injectors do. PTRACE_ATTACH, the registers that PTRACE_GETREGS gives, a
 * call into libc wherever the thread happens to be, and a trap to come back.
 * It is here to show that the suite finds the harm that this does.
 *
 *	tg_naive PID FILE	exit status 0: the library was loaded
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where libc begins in a process; 0: not found. */
static uint64_t libc_of(pid_t pid)
{
	char path[40], line[512];
	uint64_t start = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, "/libc.so.6")) {
			start = strtoull(line, NULL, 16);
			break;
		}
	}
	if (f)
		fclose(f);
	return start;
}

static int write_mem(pid_t pid, uint64_t addr, const void *buf, size_t n)
{
	char path[40];
	ssize_t rc;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	rc = pwrite(fd, buf, n, (off_t)addr);
	close(fd);
	return rc == (ssize_t)n ? 0 : -1;
}

/* dlopen(text at sp + 64, RTLD_NOW), to return to address 0. */
static int call(pid_t pid, const char *file)
{
	struct user_regs_struct old, r;
	uint64_t at, zero = 0;
	int status;

	if (ptrace(PTRACE_GETREGS, pid, 0, &old))
		return 1;
	r = old;
	at = (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "dlopen");
	at = libc_of(pid) + (at - libc_of(getpid()));
	r.rsp = ((old.rsp - 4096) & ~UINT64_C(15)) - 8;
	r.rip = at;
	r.rdi = r.rsp + 64;
	r.rsi = RTLD_NOW;
	r.orig_rax = UINT64_MAX;
	if (write_mem(pid, r.rsp, &zero, sizeof(zero)) ||
	    write_mem(pid, r.rsp + 64, file, strlen(file) + 1) ||
	    ptrace(PTRACE_SETREGS, pid, 0, &r) ||
	    ptrace(PTRACE_CONT, pid, 0, 0) || waitpid(pid, &status, __WALL) < 0)
		return 1;
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSEGV)
		fprintf(stderr, "tg_naive: status %x\n", status);
	ptrace(PTRACE_GETREGS, pid, 0, &r);
	ptrace(PTRACE_SETREGS, pid, 0, &old);
	return r.rax == 0;
}

int main(int argc, char **argv)
{
	pid_t pid = argc == 3 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	int status, rc;

	if (!pid)
		return 2;
	alarm(2);		// it hangs: so does the program
	if (ptrace(PTRACE_ATTACH, pid, 0, 0) ||
	    waitpid(pid, &status, __WALL) < 0)
		return 2;
	rc = call(pid, argv[2]);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return rc;
}
