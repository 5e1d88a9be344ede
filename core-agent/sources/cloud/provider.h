/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What is asked of a cloud's metadata service, one request after the other, and what its
 * answers mean. A cloud is one file and one row in cloud.c. Pure: the requests are made by
 * talk.c.
 */

#include <stdbool.h>
#include <stddef.h>

#include "cloud_facts.h"

#define CLOUD_PATH_SIZE 256
#define CLOUD_HEADER_SIZE 320
#define CLOUD_MAC_SIZE 18
#define CLOUD_TOKEN_SIZE 257
#define CLOUD_KEY_SIZE 129 /* of an instance's tag on AWS: 128 characters */
#define CLOUD_MAX_INTERFACES SUBNETS_MAX
#define CLOUD_MAX_KEYS 64  /* 50, says AWS */

/* The answer needs this header, with this value. */
#define CLOUD_ANSWER_HEADER "Metadata-Flavor"

struct cloud_request {
	const char *method; /* NULL: GET */
	char path[CLOUD_PATH_SIZE]; /* behind the address of the service */
	char header[CLOUD_HEADER_SIZE];
	bool is_optional; /* the service may not have it: 403, 404 */
};

struct cloud_answer {
	const char *body; /* NUL-terminated behind `size`; NULL: it does not have it */
	size_t size;
	const char *flavor; /* CLOUD_ANSWER_HEADER, or NULL */
};

/* One conversation, as far as it got. */
struct cloud_exchange {
	struct cloud_facts facts;
	bool is_without_tags;	      /* the owner's tags are not asked for */
	bool is_without_routes;	      /* nor are the subnets of other interfaces than its own */
	char own_mac[CLOUD_MAC_SIZE]; /* of the default route's interface; "": unknown */
	size_t step;

	/* AWS */
	char token[CLOUD_TOKEN_SIZE];
	char mac[CLOUD_MAC_SIZE]; /* of the interface whose network is the host's */
	char macs[CLOUD_MAX_INTERFACES][CLOUD_MAC_SIZE];
	size_t n_macs, i_mac; /* i_mac: is being asked about */
	char subnet_id[CLOUD_VALUE_SIZE]; /* of that one; "": unknown */
	char keys[CLOUD_MAX_KEYS][CLOUD_KEY_SIZE];
	size_t n_keys, n_keys_asked;
};

struct cloud_provider {
	const char *name;   /* as in the setting cloud_provider_metadata */
	const char *remedy; /* when it is the cloud, and its service does not answer */

	/* What to ask next; false: all is asked. */
	bool (*next)(struct cloud_exchange *exchange, struct cloud_request *ret);

	/* 0, or -EBADMSG: this is no answer to it, so this is not the cloud's service. */
	int (*take)(struct cloud_exchange *exchange, const struct cloud_answer *answer);
};

extern const struct cloud_provider cloud_aws, cloud_gcp, cloud_azure;

/* `own_mac` "": unknown. */
void cloud_exchange_init(struct cloud_exchange *exchange, const struct cloud_provider *provider,
			 bool is_without_tags, const char *own_mac);
