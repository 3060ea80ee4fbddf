// SPDX-License-Identifier: GPL-3.0-or-later
// What the terminal can show.
#include "shell.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static bool is_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* https://no-color.org: set and not empty. */
static bool wants_color(enum sh_when when, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	switch (when) {
	case SH_ALWAYS:
		return true;
	case SH_NEVER:
		return false;
	case SH_AUTO:
	default:
		return isatty(fd) && !(no && *no) && term &&
		       strcmp(term, "dumb");
	}
}

struct vw_style sh_style(const struct sh_shell *sh, int fd)
{
	struct vw_style style = { .format = sh->options->format };
	const char *setting = sh_setting(sh, "color");
	enum sh_when when = sh->options->color;
	struct winsize size;

	if (when == SH_AUTO && !strcmp(setting, "always"))
		when = SH_ALWAYS;
	if (when == SH_AUTO &&
	    (!strcmp(setting, "never") || !strcmp(setting, "off")))
		when = SH_NEVER;
	style.color = style.format == VW_TEXT && wants_color(when, fd);
	// A file gets UTF-8 in any locale where that is what the format says.
	style.utf8 = is_utf8() || (style.format != VW_TEXT && !isatty(fd));
	if (isatty(fd) && !ioctl(fd, TIOCGWINSZ, &size))
		style.width = size.ws_col;
	return style;
}

void sh_age(struct hs_text *t, uint64_t since_ns)
{
	struct timespec now;
	uint64_t ns, s;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	s = ns > since_ns ? (ns - since_ns) / 1000000000 : 0;
	if (s < 60)
		hs_text_addf(t, "%ds", (int)s);
	else if (s < 3600)
		hs_text_addf(t, "%dm", (int)(s / 60));
	else if (s < 86400)
		hs_text_addf(t, "%dh", (int)(s / 3600));
	else
		hs_text_addf(t, "%lud", (unsigned long)(s / 86400));
}
