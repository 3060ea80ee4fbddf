// SPDX-License-Identifier: Apache-2.0
/*
 * Deaths at moments that were chosen. Linked in front of the tracer's requests
 * to the kernel (--wrap=ptrace and so on), so that what is tested is what is
 * shipped:
 *
 *	HEAPSH_TEST_DIE_AT=n	the tracer is killed behind its n-th request
 *	HEAPSH_TEST_KILL_AT=n	process HEAPSH_TEST_KILL_PID is killed there
 *	HEAPSH_TEST_COUNT=file	gets the number of requests, at the tracer's end
 *	HEAPSH_TEST_SLOW_US=n	between seizing a thread and stopping it so much
 *				time passes, in which anything may happen to it
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long number(const char *name)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 10) : 0;
}

/* The engine and the driver have nothing to do with it. */
static int is_tracer(void)
{
	char name[16] = "";

	return !prctl(PR_GET_NAME, name) && !strcmp(name, "heapsh-tracer");
}

static unsigned long n_requests;

static void count(void)
{
	int saved = errno;

	if (is_tracer()) {
		n_requests++;
		if (n_requests == number("HEAPSH_TEST_DIE_AT"))
			kill(getpid(), SIGKILL);
		if (n_requests == number("HEAPSH_TEST_KILL_AT"))
			kill((pid_t)number("HEAPSH_TEST_KILL_PID"), SIGKILL);
	}
	errno = saved;
}

static void __attribute__((__destructor__)) say_count(void)
{
	const char *path = getenv("HEAPSH_TEST_COUNT");
	FILE *f = path && is_tracer() ? fopen(path, "w") : NULL;

	if (f) {
		fprintf(f, "%lu\n", n_requests);
		fclose(f);
	}
}

long __real_ptrace(enum __ptrace_request request, ...);
long __wrap_ptrace(enum __ptrace_request request, ...);
long __wrap_ptrace(enum __ptrace_request request, ...)
{
	void *addr, *data;
	va_list ap;
	pid_t pid;
	long rc;

	// As glibc's own does: all three are read, also where none was given.
	va_start(ap, request);
	pid = va_arg(ap, pid_t);
	addr = va_arg(ap, void *);
	data = va_arg(ap, void *);
	va_end(ap);
	rc = __real_ptrace(request, pid, addr, data);
	if (request == PTRACE_SEIZE)
		usleep((unsigned int)number("HEAPSH_TEST_SLOW_US"));
	count();
	return rc;
}

ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	ssize_t rc = __real_pwrite(fd, buf, n, at);

	count();
	return rc;
}

ssize_t __real_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at)
{
	ssize_t rc = __real_pread(fd, buf, n, at);

	count();
	return rc;
}

ssize_t __real_process_vm_readv(pid_t pid, const struct iovec *local,
				unsigned long n, const struct iovec *remote,
				unsigned long m, unsigned long flags);
ssize_t __wrap_process_vm_readv(pid_t pid, const struct iovec *local,
				unsigned long n, const struct iovec *remote,
				unsigned long m, unsigned long flags);
ssize_t __wrap_process_vm_readv(pid_t pid, const struct iovec *local,
				unsigned long n, const struct iovec *remote,
				unsigned long m, unsigned long flags)
{
	ssize_t rc = __real_process_vm_readv(pid, local, n, remote, m, flags);

	count();
	return rc;
}

ssize_t __real_process_vm_writev(pid_t pid, const struct iovec *local,
				unsigned long n, const struct iovec *remote,
				unsigned long m, unsigned long flags);
ssize_t __wrap_process_vm_writev(pid_t pid, const struct iovec *local,
				unsigned long n, const struct iovec *remote,
				unsigned long m, unsigned long flags);
ssize_t __wrap_process_vm_writev(pid_t pid, const struct iovec *local,
				unsigned long n, const struct iovec *remote,
				unsigned long m, unsigned long flags)
{
	ssize_t rc = __real_process_vm_writev(pid, local, n, remote, m, flags);

	count();
	return rc;
}

int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int rc = __real_waitid(type, id, info, options);

	// One that waits for a report asks again and again: only the answer is
	// a moment of its own.
	if (rc || info->si_pid)
		count();
	return rc;
}
