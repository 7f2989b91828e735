/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording: a finished file, open for reading (design §9). Opening checks that it is a recording of a version that
 * this program reads, whole enough to be used; nothing is ever written to it, and it may lie in a read-only folder.
 */
#ifndef MOCKPROXY_RECORDING_H
#define MOCKPROXY_RECORDING_H

#include "parsers/compiler.h"
#include "parsers/slice.h"
#include "store/writer.h"

#define RECORDING_APPLICATION_ID 0x6d6f636b /* "mock" */
#define RECORDING_VERSION 5

struct recording;

struct recording_options {
	const char *path;
	bool allow_partial; /* FILE.partial, and incomplete recordings are warned of in any case */
};

/*
 * 0, or -errno with a sentence for people: -ENOENT, -EACCES, -EBADMSG (not a recording, damaged), -ENOTSUP (newer
 * version), -EBUSY (a .partial, and not allowed).
 */
MUST_CHECK int recording_open(const struct recording_options *options,
			      struct recording **ret_recording, char ret_error[STORE_ERROR_BYTES]);
void recording_close(struct recording *recording); /* accepts NULL */

/* NULL when it is complete, else why not. */
const char *recording_incomplete(const struct recording *recording);

#endif
