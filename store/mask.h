/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mask: takes secrets out of command lines and connection strings before they are stored (design
 * §9): passwords in URLs and in "password=...", options and variables that are named like secrets.
 */
#ifndef MOCKPROXY_MASK_H
#define MOCKPROXY_MASK_H

#include "parsers/buffer.h"

struct name_value;

/* Appends one argument, its secrets replaced by ***. */
void mask_argument(struct buffer *out, struct slice argument);
/* What a client asked for at login, as an object: people put connection strings where they do not belong. */
void mask_parameters_json(struct buffer *json, const struct name_value *parameters, size_t n);
/*
 * The whole argv as a JSON array; an option's value may be the next argument (--password SECRET).
 */
void mask_command_json(struct buffer *json, const char *const *command);

#endif
