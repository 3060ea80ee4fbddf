// SPDX-License-Identifier: Apache-2.0
#include "verb_priv.h"

const struct lg_verb *const vb_verbs[] = {
#define VB_VERB(name) &vb_##name,
#include "verbs.def"
#undef VB_VERB
};
const size_t vb_n_verbs = HS_ARRAY_SIZE(vb_verbs);

const struct lg_setting vb_settings[] = {
	{ "rows", "N|all", "10", "rows of a table that are shown at once" },
	{ "hold", "TIME|off", "120s",
	  "an idle instant gives its clone back after this time" },
	{ "cow", "PERCENT|off", "5%",
	  "and when the program had to copy this much of its memory; 16 MiB "
	  "are free" },
	{ "memory", "SIZE|auto|none", "auto",
	  "most memory of ours; auto is half of what is available" },
	{ "pager", "on|off", "on", "long output on a terminal is paged" },
	{ "color", "auto|always|never", "auto", "colour of what is shown" },
};
const size_t vb_n_settings = HS_ARRAY_SIZE(vb_settings);
