/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What can fail returns struct hs_err *; NULL is success. The caller owns the
 * error and ends it with hs_err_free(), or hands it up.
 *
 * Messages read "what was being done, to what: why", lower case, no stop.
 * A remedy is one line to type or to do, and is printed apart.
 */
#ifndef HS_ERR_H
#define HS_ERR_H

#include "base.h"

enum hs_code {
	HS_ERR_OTHER = 1,	/* none of the below */
	HS_ERR_NOMEM,		/* over the budget, or malloc failed */
	HS_ERR_CANCELLED,	/* Ctrl-C: shown as "interrupted" */
	HS_ERR_OS,		/* errnum is set */
	HS_ERR_FAULT,		/* addr is not mapped or not readable */
	HS_ERR_USAGE,		/* what was typed is wrong; exit status 2 */
	HS_ERR_NAME,		/* a name was not found */
	HS_ERR_DENIED,		/* not permitted; remedy says what would */
	HS_ERR_REFUSED,		/* we will not, for the target's sake */
	HS_ERR_GONE,		/* the target ended; exit status 4 */
	HS_ERR_FORMAT,		/* bytes of a file or message are wrong */
	HS_ERR_UNSUPPORTED,	/* runtime, version or build not known */
	HS_ERR_TORN,		/* target data was caught in mid-change */
	HS_ERR_TIMEOUT,
	HS_ERR_PLUGIN,		/* a plugin misbehaved */
};

struct hs_err {
	enum hs_code code;
	int errnum;		/* errno, or 0 */
	uint64_t addr;		/* target address, or 0 */
	int column;		/* of a syntax error, from 0; else -1 */
	char *message;		/* never NULL */
	char *remedy;		/* or NULL */
};

/** New error. The caller of the failing function owns it. */
struct hs_err *hs_err_new(enum hs_code code, const char *fmt, ...)
	HS_PRINTF(2, 3) HS_MUST_USE HS_NEVER_NULL;
/** New error of code HS_ERR_OS: ": strerror(errnum)" is added. */
struct hs_err *hs_err_os(int errnum, const char *fmt, ...)
	HS_PRINTF(2, 3) HS_MUST_USE HS_NEVER_NULL;
/** Put "what: " before the message. Returns err (NULL stays NULL). */
struct hs_err *hs_err_wrap(struct hs_err *err, const char *fmt, ...)
	HS_PRINTF(2, 3) HS_MUST_USE;
/** Set the remedy (replaces one that is there). Returns err. */
struct hs_err *hs_err_remedy(struct hs_err *err, const char *fmt, ...)
	HS_PRINTF(2, 3) HS_MUST_USE;
/** NULL is fine. */
void hs_err_free(struct hs_err *err);
/** True and frees *err when it has that code; else leaves it alone. */
bool hs_err_catch(struct hs_err **err, enum hs_code code);
/** Stable word for a code ("cancelled", "denied", …), for documents. */
const char *hs_code_name(enum hs_code code);
static inline void hs_err_free_p(struct hs_err **err)
{
	hs_err_free(*err);
}
#define HS_ERR_GUARD HS_CLEANUP(hs_err_free_p)
#endif
