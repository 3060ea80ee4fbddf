// SPDX-License-Identifier: GPL-3.0-or-later
#include "roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

#include "view.h"

enum {
	/* The tracer stops each target once more to reap its clones. */
	END_MS = 5000,
	BURY_MS = 200,
	LOOK_MS = 2,
};

static char *own_folder(void)
{
	char path[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return hs_xstrdup(".");
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		slash[slash == path] = '\0';
	return hs_xstrdup(path);
}

char *sh_own_file(const char *beside, const char *moved, const char *installed)
{
	HS_FREE char *folder = own_folder();
	const char *const places[] = { beside, moved };
	size_t i;

	for (i = 0; i < HS_ARRAY_SIZE(places); i++) {
		HS_FREE char *path =
			hs_xasprintf("%s/%s", folder, places[i]);

		if (!access(path, R_OK))
			return hs_take(path);
	}
	return hs_xstrdup(installed);
}

static char *engine_path(void)
{
	return sh_own_file("heapsh-engine", "../libexec/heapsh/heapsh-engine",
			   HEAPSH_PKGLIBEXECDIR "/heapsh-engine");
}

/* A string that lives until exec: the argument of a descriptor. */
static void add_fd(char (*ret)[12], int fd)
{
	snprintf(*ret, sizeof(*ret), "%d", fd);
}

/* In the child. Signals as at our own start, no terminal to read from; fds
 * stay open over exec. */
static HS_NORETURN void become(const char *path, char *const *argv,
			       const int *fds, size_t n_fds, int death_signal)
{
	static const int ours[] = { SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
				    SIGPIPE, SIGTSTP, SIGWINCH };
	sigset_t none;
	size_t i;
	int null;

	for (i = 0; i < HS_ARRAY_SIZE(ours); i++)
		signal(ours[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	// Ctrl-C and Ctrl-Z of the terminal are for the shell.
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, death_signal);
	null = open("/dev/null", O_RDONLY);
	if (null > 0)
		dup2(null, 0);
	for (i = 0; i < n_fds; i++)
		fcntl(fds[i], F_SETFD, 0);
	execv(path, argv);
	_exit(127);
}

/* death_signal: what it gets when we die; 0: nothing. */
static struct hs_err *start(char *const *argv, const int *fds, size_t n_fds,
			    int death_signal, pid_t *ret)
{
	HS_FREE char *path = engine_path();
	pid_t pid;

	if (access(path, X_OK))
		return hs_err_os(errno, "start %s", path);
	pid = fork();
	if (pid < 0)
		return hs_err_os(errno, "start %s", path);
	if (!pid)
		become(path, argv, fds, n_fds, death_signal);
	*ret = pid;
	return NULL;
}

static struct hs_err *open_shared(struct sh_roles *r)
{
	void *p;

	r->shared_fd = memfd_create("heapsh-shared", MFD_CLOEXEC);
	if (r->shared_fd < 0 || ftruncate(r->shared_fd, sizeof(*r->shared)))
		return hs_err_os(errno, "make memory to share with the engine");
	p = mmap(NULL, sizeof(*r->shared), PROT_READ | PROT_WRITE, MAP_SHARED,
		 r->shared_fd, 0);
	if (p == MAP_FAILED)
		return hs_err_os(errno, "map memory to share with the engine");
	r->shared = p;
	r->shared->task.version = 1;
	return NULL;
}

static struct hs_err *start_tracer(struct sh_roles *r)
{
	char control_arg[12], service_arg[12];
	char *argv[] = { (char *)"heapsh-engine", (char *)"--tracer",
			 control_arg, service_arg, NULL };
	HS_CLOSE int control = -1, service = -1;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return hs_err_os(errno, "make a socket for the tracer");
	r->control_fd = fds[0];
	control = fds[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return hs_err_os(errno, "make a socket for the tracer");
	r->service_fd = fds[0];
	service = fds[1];
	add_fd(&control_arg, control);
	add_fd(&service_arg, service);
	// It has targets to let go on, so it ends in its own time.
	return start(argv, (int[]){ control, service }, 2, 0, &r->tracer);
}

struct hs_err *sh_roles_start(struct sh_roles *r)
{
	struct hs_err *err;

	r->control_fd = r->service_fd = r->engine_fd = r->shared_fd = -1;
	err = open_shared(r);
	if (!err)
		err = start_tracer(r);
	return err ? err : sh_engine_start(r);
}

struct hs_err *sh_engine_start(struct sh_roles *r)
{
	char socket_arg[12], shared_arg[12], service_arg[12];
	HS_VEC(char *) argv = { 0 };
	HS_CLOSE int theirs = -1;
	struct hs_err *err;
	int fds[2];
	size_t i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return hs_err_os(errno, "make a socket for the engine");
	r->engine_fd = fds[0];
	theirs = fds[1];
	add_fd(&socket_arg, theirs);
	add_fd(&shared_arg, r->shared_fd);
	add_fd(&service_arg, r->service_fd);
	hs_vec_push(&argv, (char *)"heapsh-engine");
	hs_vec_push(&argv, (char *)"--engine");
	hs_vec_push(&argv, socket_arg);
	hs_vec_push(&argv, shared_arg);
	hs_vec_push(&argv, service_arg);
	for (i = 0; i < r->plugin_dirs.n; i++) {
		hs_vec_push(&argv, (char *)"--plugin-path");
		hs_vec_push(&argv, (char *)r->plugin_dirs.v[i]);
	}
	for (i = 0; i < r->plugins.n; i++) {
		hs_vec_push(&argv, (char *)"--plugin");
		hs_vec_push(&argv, (char *)r->plugins.v[i]);
	}
	for (i = 0; i < r->skip.n; i++) {
		hs_vec_push(&argv, (char *)"--skip-plugin");
		hs_vec_push(&argv, r->skip.v[i]);
	}
	hs_vec_push(&argv, NULL);
	memset(r->shared->plugin, 0, sizeof(r->shared->plugin));
	memset(r->shared->call, 0, sizeof(r->shared->call));
	r->shared->overdue_ms = 0;
	atomic_store(&r->shared->task.started_ns, 0);
	// It has nothing to give back, and may be in the middle of a sweep.
	err = start(argv.v, (int[]){ theirs, r->shared_fd, r->service_fd }, 3,
		    SIGKILL, &r->engine);
	hs_vec_deinit(&argv);
	return err;
}

/* Wait at most ms for pid to end. True when it has. */
static bool wait_for(pid_t pid, int ms, int *status)
{
	uint64_t end = hs_now_ns() + (uint64_t)ms * 1000000;
	pid_t got;

	for (;;) {
		got = waitpid(pid, status, WNOHANG);
		if (got == pid || (got < 0 && errno == ECHILD))
			return true;
		if (hs_now_ns() > end)
			return false;
		poll(NULL, 0, LOOK_MS);
	}
}

static char *how_it_ended(int status)
{
	if (WIFSIGNALED(status))
		return hs_xasprintf("was killed by signal %d (%s)",
				    WTERMSIG(status),
				    strsignal(WTERMSIG(status)));
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return hs_xasprintf("ended with status %d",
				    WEXITSTATUS(status));
	return hs_xstrdup("ended");
}

/* What code that runs can bring upon itself. */
static bool is_own_fault(int status)
{
	static const int faults[] = { SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
				      SIGABRT, SIGTRAP, SIGSYS,
				      SIGALRM /* the engine's own limit */ };
	size_t i;

	if (!WIFSIGNALED(status))
		return true;
	for (i = 0; i < HS_ARRAY_SIZE(faults); i++)
		if (WTERMSIG(status) == faults[i])
			return true;
	return false;
}

/* Names are words; what else stands there is made one. */
static void add_shared(struct hs_text *t, const char *s, size_t size)
{
	const struct vw_style ascii = { 0 };

	vw_foreign(t, &ascii, s, strnlen(s, size));
}

/* The plugin that ran, and is left out from now on; or NULL. */
static const char *skip_running(struct sh_roles *r, const char *how)
{
	struct wr_shared *shared = r->shared;
	HS_TEXT name = { 0 }, skip = { 0 };

	add_shared(&name, shared->plugin, sizeof(shared->plugin));
	if (!name.len)
		return NULL;
	hs_text_addf(&skip, "%s:the engine %s", hs_text_str(&name), how);
	hs_vec_push(&r->skip, hs_text_take(&skip));
	free(r->died);
	r->died = hs_text_take(&name);
	return r->died;
}

/* "… in open()", where a plugin ran. */
static char *with_call(struct sh_roles *r, const char *how)
{
	HS_TEXT t = { 0 };

	if (r->shared->overdue_ms)
		hs_text_addf(&t, "was ended after %g s",
			     r->shared->overdue_ms / 1000.0);
	else
		hs_text_add(&t, how);
	if (r->shared->plugin[0] && r->shared->call[0]) {
		hs_text_add(&t, " in ");
		add_shared(&t, r->shared->call, sizeof(r->shared->call));
	}
	return hs_text_take(&t);
}

static void forget_engine(struct sh_roles *r)
{
	hs_close_p(&r->engine_fd);
	r->engine = 0;
	wr_reader_deinit(&r->reader);
}

char *sh_engine_bury(struct sh_roles *r, bool loops, const char **plugin)
{
	HS_FREE char *how = NULL, *where = NULL;
	int status = 0;

	*plugin = NULL;
	if (!r->engine)
		return hs_xstrdup("was not started");
	// It may have closed its socket and still be there.
	if (loops || !wait_for(r->engine, BURY_MS, &status)) {
		kill(r->engine, SIGKILL);
		waitpid(r->engine, &status, 0);
	}
	forget_engine(r);
	how = loops ? hs_xstrdup("gave no answer") : how_it_ended(status);
	if (!loops && !is_own_fault(status))
		return hs_take(how);
	where = with_call(r, how);
	*plugin = skip_running(r, where);
	return *plugin ? hs_take(where) : hs_take(how);
}

bool sh_tracer_died(struct sh_roles *r)
{
	int status;

	if (!r->tracer || waitpid(r->tracer, &status, WNOHANG) != r->tracer)
		return false;
	r->tracer = 0;
	return true;
}

void sh_roles_end(struct sh_roles *r)
{
	int status;
	size_t i;

	if (r->engine) {
		// The end of its socket ends it.
		hs_close_p(&r->engine_fd);
		if (!wait_for(r->engine, END_MS, &status)) {
			kill(r->engine, SIGKILL);
			waitpid(r->engine, &status, 0);
		}
		forget_engine(r);
	}
	hs_close_p(&r->service_fd);
	hs_close_p(&r->control_fd);
	// Never killed: it may be about to let a target go on.
	if (r->tracer)
		wait_for(r->tracer, END_MS, &status);
	if (r->shared)
		munmap(r->shared, sizeof(*r->shared));
	hs_close_p(&r->shared_fd);
	for (i = 0; i < r->skip.n; i++)
		free(r->skip.v[i]);
	hs_vec_deinit(&r->skip);
	free(r->died);
	hs_vec_deinit(&r->plugin_dirs);
	hs_vec_deinit(&r->plugins);
}
