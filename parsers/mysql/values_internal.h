/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of MySQL's values share, and nothing else uses. Errors as in values.h; appended bytes of a failure stay. */
#ifndef MOCKPROXY_MYSQL_VALUES_INTERNAL_H
#define MOCKPROXY_MYSQL_VALUES_INTERNAL_H

#include "parsers/mysql/values.h"

/* Decimals that mean: as many as there are. */
#define MY_DECIMALS_FREE 31
/* The longest text of zeros that a column may ask for: MySQL's widths end here. */
#define MY_ZEROFILL_MAX 255

/* values_float.c; width 4 or 8. */
int my_float_to_text(unsigned int width, struct slice bytes, struct buffer *text);
int my_float_to_binary(unsigned int width, struct slice text, struct buffer *bytes);
/* A canonical text as a column of the text protocol has it. */
int my_float_for_column(unsigned int width, unsigned int decimals, struct slice text,
			struct buffer *out);

/* values_time.c */
int my_date_to_text(bool with_time, struct slice bytes, struct buffer *text);
int my_date_to_binary(bool with_time, struct slice text, struct buffer *bytes);
int my_time_to_text(struct slice bytes, struct buffer *text);
int my_time_to_binary(struct slice text, struct buffer *bytes);
/* A canonical text with the column's number of digits behind the second. */
int my_fraction_for_column(unsigned int decimals, struct slice text, struct buffer *out);

#endif
