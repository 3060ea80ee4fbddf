/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SH_PROGRAMS_H
#define SH_PROGRAMS_H

/** Each program of $PATH that begins so, once, in no order. Bounded. */
void sh_programs(const char *prefix, void (*found)(void *, const char *),
		 void *arg);
#endif
