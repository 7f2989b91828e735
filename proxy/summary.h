/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Summary: what a run says at its end, on stderr (design §12): a few lines for people, or one JSON object. Also collects what the
 * kernel reported meanwhile and is worth a line: connects that were left alone, Unix sockets.
 */
#ifndef MOCKPROXY_SUMMARY_H
#define MOCKPROXY_SUMMARY_H

#include "proxy/options.h"
#include "proxy/redirect.h"
#include "proxy/worker.h"
#include "store/verify.h"

/* Different places that are named; what is beyond is counted. */
#define SUMMARY_PLACES 32

struct summary_place {
	struct redirect_address address;
	uint16_t port;
	uint32_t reason;
	uint32_t verdict;
	uint64_t count;
	char path[REDIRECT_PATH_BYTES + 1]; /* of a Unix socket; else empty */
	uint16_t service;
};

struct summary {
	const struct options *options;
	struct summary_place places[SUMMARY_PLACES];
	size_t n_places;
	uint64_t more_places;
	uint64_t strangers;	     /* connections that no process of the app made */
	uint64_t out_of_descriptors; /* times that accepting had to wait */

	/* Filled in at the end; NULL where it does not apply. */
	const struct worker_counts *counts;
	const struct redirect_counters *kernel;
	const struct writer_summary *written;
	const struct verify_report *verified;
	const struct matcher_summary *matched;
	const char *incomplete; /* why the recording is */
	const char *failed;	/* why it was not written */
	const char *guard_text; /* stragglers and escapees, by the guard; lines */
};

/* An event of the kernel, as it comes. */
void summary_event(struct summary *summary, const struct redirect_event *event);
void summary_print(const struct summary *summary);

#endif
