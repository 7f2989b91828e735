/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka, behind the headers that it needs and does not include. */
#ifndef MOCKPROXY_TEST_CMOCKA_H
#define MOCKPROXY_TEST_CMOCKA_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
/* clang-format on */

#endif
