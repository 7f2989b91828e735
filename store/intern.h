/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intern: remembers things by their bytes, so that each is stored once. Bounded: when it holds more
 * than its maximum, intern_trim() forgets everything, which costs a duplicate row and never a wrong
 * one.
 *
 * Payloads stay where they are until intern_trim() or intern_release().
 */
#ifndef MOCKPROXY_INTERN_H
#define MOCKPROXY_INTERN_H

#include "parsers/slice.h"

struct intern_entry;

struct intern {
	struct intern_entry **buckets;
	size_t n_buckets; /* a power of two, or 0 */
	size_t n;
	size_t bytes;
	size_t bytes_max;
};

void intern_init(struct intern *intern, size_t bytes_max);
void intern_release(struct intern *intern);
/* Forgets everything when more than the maximum is held: true. */
bool intern_trim(struct intern *intern);

/* The payload of this key, or NULL. */
void *intern_find(const struct intern *intern, struct slice key);
/* A zeroed payload for a key that is not there yet, aligned for any type; the key is copied. */
void *intern_add(struct intern *intern, struct slice key, size_t payload_size);

#endif
