/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that the whole program uses; nothing here has code. */
#ifndef MOCKPROXY_COMPILER_H
#define MOCKPROXY_COMPILER_H

/* The result tells of an error that the caller must look at. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
