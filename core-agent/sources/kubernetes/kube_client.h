/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * GET requests to the kubelet or to the API server as the pod's service account, and what to
 * say when they fail. The token is read from its file for each request, as Kubernetes
 * replaces it before it ends; it goes over TLS only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/fetch.h"

#define KUBE_MAX_TOKEN_BYTES 16384

struct kube_client;

struct kube_client_settings {
	const char *ca_file; /* NULL: the system's */
	const char *token_file;
	uint32_t timeout_ms; /* of a whole answer */
	bool is_peer_unverified;
};

typedef int (*kube_on_bytes)(const char *bytes, size_t size, void *context);

/* Strings are copied; `loop` outlives it. NULL: out of memory. */
struct kube_client *kube_client_new(struct curl_loop *loop,
				    const struct kube_client_settings *settings);
void kube_client_free(struct kube_client *client); /* as fetch_free() */

/* As fetch_start(); without a token that can be read the request goes out without one. */
int kube_client_get(struct kube_client *client, const char *url, kube_on_bytes on_bytes,
		    fetch_on_answer on_answer, void *context);

/* Seconds that the last answer asked to wait (Retry-After, RFC 9110); 0: it did not. */
int64_t kube_client_retry_after_s(struct kube_client *client);

/* Why the last request had no token: 0 (it had one, or is in clear text) or negative errno. */
int kube_client_token_error(const struct kube_client *client);

/* What a status asks of the operator; the last row has status 0. */
struct kube_remedy {
	long status;
	const char *text;
};

/* One line on an answer that is no good. */
void kube_explain(const struct fetch_answer *answer, const struct kube_remedy *remedies,
		  const char *certificate_remedy, char *ret, size_t ret_size);

/* The host of a URL: an IPv6 address in brackets, all else as it is. */
void kube_format_host(const char *host, char *ret, size_t ret_size);
