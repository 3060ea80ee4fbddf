// SPDX-License-Identifier: Apache-2.0
#include "err.h"

#include <stdarg.h>

static const char *const code_names[] = {
	[HS_ERR_OTHER] = "other",
	[HS_ERR_NOMEM] = "nomem",
	[HS_ERR_CANCELLED] = "cancelled",
	[HS_ERR_OS] = "os",
	[HS_ERR_FAULT] = "fault",
	[HS_ERR_USAGE] = "usage",
	[HS_ERR_NAME] = "name",
	[HS_ERR_DENIED] = "denied",
	[HS_ERR_REFUSED] = "refused",
	[HS_ERR_GONE] = "gone",
	[HS_ERR_FORMAT] = "format",
	[HS_ERR_UNSUPPORTED] = "unsupported",
	[HS_ERR_TORN] = "torn",
	[HS_ERR_TIMEOUT] = "timeout",
	[HS_ERR_PLUGIN] = "plugin",
};

/* Takes message. */
static struct hs_err *err_create(enum hs_code code, char *message)
{
	struct hs_err *err = hs_xalloc(sizeof(*err));

	err->code = code;
	err->column = -1;
	err->message = message;
	return err;
}

struct hs_err *hs_err_new(enum hs_code code, const char *fmt, ...)
{
	va_list ap;
	char *message;

	va_start(ap, fmt);
	message = hs_xvasprintf(fmt, ap);
	va_end(ap);
	return err_create(code, message);
}

struct hs_err *hs_err_os(int errnum, const char *fmt, ...)
{
	HS_FREE char *what = NULL;
	struct hs_err *err;
	char buf[128];
	va_list ap;

	va_start(ap, fmt);
	what = hs_xvasprintf(fmt, ap);
	va_end(ap);
	// The GNU strerror_r(): may answer with a string that is not buf.
	err = err_create(HS_ERR_OS,
			 hs_xasprintf("%s: %s", what,
				      strerror_r(errnum, buf, sizeof(buf))));
	err->errnum = errnum;
	return err;
}

struct hs_err *hs_err_wrap(struct hs_err *err, const char *fmt, ...)
{
	HS_FREE char *what = NULL;
	va_list ap;
	char *message;

	if (!err)
		return NULL;
	va_start(ap, fmt);
	what = hs_xvasprintf(fmt, ap);
	va_end(ap);
	message = hs_xasprintf("%s: %s", what, err->message);
	free(err->message);
	err->message = message;
	return err;
}

struct hs_err *hs_err_remedy(struct hs_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return NULL;
	free(err->remedy);
	va_start(ap, fmt);
	err->remedy = hs_xvasprintf(fmt, ap);
	va_end(ap);
	return err;
}

void hs_err_free(struct hs_err *err)
{
	if (!err)
		return;
	free(err->message);
	free(err->remedy);
	free(err);
}

bool hs_err_catch(struct hs_err **err, enum hs_code code)
{
	if (!*err || (*err)->code != code)
		return false;
	hs_err_free(*err);
	*err = NULL;
	return true;
}

const char *hs_code_name(enum hs_code code)
{
	size_t i = code;

	if (i < HS_ARRAY_SIZE(code_names) && code_names[i])
		return code_names[i];
	return "other";
}
