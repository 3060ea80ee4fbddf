// SPDX-License-Identifier: Apache-2.0
// A frozen clone: the same bytes as a process's, that no longer change, and
// the threads that the program had when it was cloned.
#include "image_priv.h"

struct hs_err *im_open_clone(int pid, int clone_pid, int mem_fd,
			     const struct im_thread *threads, size_t n_threads,
			     struct im_image **ret)
{
	return im_open_process(IM_CLONE, pid, clone_pid, mem_fd, threads,
			       n_threads, ret);
}
