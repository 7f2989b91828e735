/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partial: the name that a recording has while it is written, FILE.partial (design §9). It is
 * created exclusively and locked, so that a second recorder is told apart from one that was killed,
 * and renamed over FILE when it ended.
 */
#ifndef MOCKPROXY_PARTIAL_H
#define MOCKPROXY_PARTIAL_H

#include "parsers/compiler.h"
#include "store/writer.h"

struct partial {
	char *path;	    /* FILE */
	char *partial_path; /* FILE.partial */
	int fd;		    /* holds the lock; must not be closed while SQLite has the file open */
};

/* 0, or -errno with a sentence for people. Of a link the file that it names is meant; what is there and no file is refused. */
MUST_CHECK int partial_create(struct partial *partial, const char *path,
			      char error[STORE_ERROR_BYTES]);
/* FILE.partial becomes FILE, on the disk before this returns. */
MUST_CHECK int partial_publish(struct partial *partial, char error[STORE_ERROR_BYTES]);
/* Removes a file that was created and is of no use to anybody. */
void partial_remove(struct partial *partial);
/* The file stays where it is, unlocked. Accepts a zeroed one. */
void partial_release(struct partial *partial);

/* Is this file locked by a recorder that runs? */
bool partial_is_locked(const char *partial_path);

#endif
