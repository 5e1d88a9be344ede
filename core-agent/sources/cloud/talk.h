/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One conversation with one cloud's metadata service, on the event loop. */

#include "provider.h"

struct cloud_talk;
struct curl_loop;

struct cloud_talk_settings {
	const struct cloud_provider *provider;
	const char *address; /* of the service: "http://169.254.169.254" */
	const char *own_mac; /* "": unknown */
	bool is_without_tags;
	bool is_without_routes;
};

/*
 * `facts` are valid during the call; NULL: no whole answer, `problem` then says why. The
 * talk may be freed here.
 */
typedef void (*cloud_talk_on_end)(struct cloud_talk *talk, const struct cloud_facts *facts,
				  const char *problem, void *context);

/*
 * It ends with on_end, once, later; a request takes 2 s at most. Strings are copied.
 * NULL: out of memory, or too many transfers in the loop.
 */
struct cloud_talk *cloud_talk_start(struct curl_loop *loop,
				    const struct cloud_talk_settings *settings,
				    cloud_talk_on_end on_end, void *context);
void cloud_talk_free(struct cloud_talk *talk); /* without on_end; takes NULL */

const struct cloud_provider *cloud_talk_provider(const struct cloud_talk *talk);
