/* SPDX-License-Identifier: Apache-2.0 */
/* Search path: a list of schemas in one canonical text, `a, "B", "$user"`. */
#ifndef MOCKPROXY_SQL_SEARCH_PATH_H
#define MOCKPROXY_SQL_SEARCH_PATH_H

#include "parsers/buffer.h"

/* Appends one more name to a canonical list. */
void sql_search_path_append(struct buffer *list, struct slice name);

/*
 * A list as startup parameters and set_config() take it: names with commas between, folded unless
 * quoted. Appends its canonical form; a text that is no such list is appended as one name.
 */
void sql_search_path_parse(struct buffer *list, struct slice text);

#endif
