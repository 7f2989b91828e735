/* SPDX-License-Identifier: Apache-2.0 */
/* mockproxy doctor: whether this machine can redirect connects, and what to do where it cannot. */
#ifndef MOCKPROXY_DOCTOR_H
#define MOCKPROXY_DOCTOR_H

#include <stdbool.h>

/* Prints to stdout. 0: nothing is missing; 1. */
int doctor_run(bool json);

#endif
