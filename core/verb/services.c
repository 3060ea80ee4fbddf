// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

struct hs_err *vb_services(const struct lg_call *call,
			   const struct vb_services **ret)
{
	if (!call->session->services)
		return hs_err_new(HS_ERR_UNSUPPORTED,
				  "%s: there is no engine to do it",
				  call->verb->name);
	*ret = call->session->services;
	return NULL;
}

struct hs_err *vb_instant(const struct lg_call *call, const char *which,
			  struct lg_instant **ret)
{
	const struct vb_services *sv;
	struct hs_err *err;

	if (!which)
		return lg_current(call->session, ret);
	err = vb_services(call, &sv);
	if (err)
		return err;
	if (*which == '@') // as the prompt has it
		which++;
	return sv->instant(sv->engine, which, ret);
}
