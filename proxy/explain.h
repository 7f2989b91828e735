/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Explain: `mockproxy replay --explain`, on stderr: first which headers of HTTP say nothing of what is asked, then how each
 * request that the recording was asked for was matched.
 *
 *	mockproxy: http exact, exchange 7: GET http://a.test/x?id=1
 *	mockproxy:   not compared: Host, User-Agent
 *	mockproxy: postgres miss: select name from t where id = 9
 *	mockproxy:   nearest: select name from t where id = 5
 *	mockproxy:   difference: value 1: recorded 5, asked 9
 *
 * With --json one object a line. Any thread; an explanation is written at once.
 */
#ifndef MOCKPROXY_PROXY_EXPLAIN_H
#define MOCKPROXY_PROXY_EXPLAIN_H

#include "store/matcher.h"

/* The table of noise. */
void explain_noise(bool json);
/* For matcher_options: `context` is a const bool, whether JSON is wanted. */
void explain_request(void *context, const struct matcher_explanation *explanation);

#endif
