/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that cannot be bounded, or that have a better form here: using one fails the build by its name. The
 * Makefile includes this before everything else; the system's own declarations agree with these.
 */
#ifndef MOCKPROXY_BANNED_H
#define MOCKPROXY_BANNED_H

#ifndef __clang__ /* clang wants the attribute on the first declaration, which its builtins take */
#define BANNED(instead) __attribute__((error("banned call: use " instead)))

char *strcpy(char *restrict, const char *restrict) BANNED("memcpy or struct buffer");
char *strcat(char *restrict, const char *restrict) BANNED("struct buffer");
char *strncpy(char *restrict, const char *restrict, __SIZE_TYPE__) BANNED("memcpy");
char *strncat(char *restrict, const char *restrict, __SIZE_TYPE__) BANNED("struct buffer");
int sprintf(char *restrict, const char *restrict, ...) BANNED("snprintf or struct buffer");
int vsprintf(char *restrict, const char *restrict, __builtin_va_list) BANNED("vsnprintf");
char *strtok(char *restrict, const char *restrict) BANNED("struct cursor");
long atol(const char *) BANNED("strtol with its error checked");
int atoi(const char *) BANNED("strtol with its error checked");

#undef BANNED
#endif

#endif
