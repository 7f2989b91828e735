/* SPDX-License-Identifier: Apache-2.0 */
/* How a framer gives a message out: whole, or, when it is too large to be held, in parts. */
#ifndef MOCKPROXY_FRAME_H
#define MOCKPROXY_FRAME_H

enum frame_part { FRAME_WHOLE, FRAME_BEGIN, FRAME_BYTES };

#endif
