/* SPDX-License-Identifier: Apache-2.0 */
/* Launcher: one run of record, replay or trace, from the options to the exit status. */
#ifndef MOCKPROXY_LAUNCHER_H
#define MOCKPROXY_LAUNCHER_H

#include "proxy/options.h"

/* Returns the exit status of mockproxy (design §12); has said what there was to say. */
int launcher_run(const struct options *options);

#endif
