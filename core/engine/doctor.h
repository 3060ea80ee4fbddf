/* SPDX-License-Identifier: Apache-2.0 */
/** Rows of doctor: what, its value, and what to type, "" for nothing. */
#ifndef EN_DOCTOR_H
#define EN_DOCTOR_H

#include "engine.h"

void en_doctor_row(json_t *rows, const char *what, const char *value,
		   const char *type);
void en_doctor_rowf(json_t *rows, const char *what, const char *fmt, ...)
	HS_PRINTF(3, 4);

/** What others have left in all processes. */
void en_doctor_left(json_t *rows);
/** What others have left in one, which is taken away. */
void en_doctor_clean(struct en_engine *en, int pid, json_t *rows);
#endif
