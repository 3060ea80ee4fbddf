// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

struct hs_err *vb_size_options(const struct lg_call *call,
			       struct an_size_options *ret)
{
	struct hs_err *err;

	an_size_options_init(ret);
	err = lg_opt_u64(call, "align", ret->align, &ret->align);
	if (!err)
		err = lg_opt_size(call, "limit", ret->limit, &ret->limit);
	if (!err)
		err = lg_opt_bool(call, "code", ret->code, &ret->code);
	if (err)
		return err;
	if (ret->align & (ret->align - 1) || ret->align > 1 << 20)
		return hs_err_remedy(hs_err_new(HS_ERR_USAGE,
						"%s: align=%llu is not a "
						"power of two",
						call->verb->name,
						(unsigned long long)ret->align),
				     "align=8, or align=1 for none");
	return NULL;
}
