// SPDX-License-Identifier: Apache-2.0
// A running process, nothing stopped.
#include "image_priv.h"

#include <errno.h>
#include <fcntl.h>

static struct hs_err *open_failed(int errnum, int pid)
{
	if (errnum == ENOENT || errnum == ESRCH)
		return hs_err_new(HS_ERR_GONE, "open process %d: no such "
				  "process", pid);
	if (errnum != EACCES && errnum != EPERM)
		return hs_err_os(errnum, "open the memory of process %d", pid);
	return hs_err_remedy(
		hs_err_new(HS_ERR_DENIED, "open the memory of process %d: not "
			   "permitted", pid),
		"run heapsh as the user of the process, or as root");
}

struct hs_err *im_open_live(int pid, struct im_image **ret)
{
	HS_FREE char *path = hs_xasprintf("/proc/%d/mem", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return open_failed(errno, pid);
	return im_open_running(pid, fd, ret);
}

struct hs_err *im_open_running(int pid, int mem_fd, struct im_image **ret)
{
	return im_open_process(IM_LIVE, pid, pid, mem_fd, NULL, 0, ret);
}
