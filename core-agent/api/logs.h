/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Log lines, as they are written, to those who ask for them. */

#include <stddef.h>

struct evbuffer;
struct log_stream_hub;
struct response_source;

/* Takes the tap of log.h. NULL: out of memory. */
struct log_stream_hub *log_stream_hub_new(void);

/* After every stream was freed. Takes NULL. */
void log_stream_hub_free(struct log_stream_hub *hub);

/* NULL: too many, or out of memory. */
struct response_source *log_stream_new(struct log_stream_hub *hub);

/* Append the lines that were written last, up to 64 KiB. 0 or -ENOMEM. */
int log_stream_hub_copy(struct log_stream_hub *hub, struct evbuffer *out);
