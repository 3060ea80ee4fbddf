/* SPDX-License-Identifier: Apache-2.0 */
/** Commands of tg_driver for the evaluator; answers are lines of JSON. */
#ifndef TG_DRIVER_EVAL_H
#define TG_DRIVER_EVAL_H

#include "tg_eval.h"

/** call CPU_MS FUNCTION ARG… */
void driver_call(struct tg_eval *e, char *const *words, int n);
/** batch visit|value|text CPU_MS FUNCTION OBJECT… */
void driver_batch(struct tg_eval *e, char *const *words, int n);
/** rate visit|value|text FUNCTION OBJECT N: the same object N times */
void driver_rate(struct tg_eval *e, char *const *words, int n);
#endif
