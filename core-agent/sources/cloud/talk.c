/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/fetch.h"

/* The service is on the same host as the hypervisor: it is near, or it is not there. */
#define CONNECT_TIMEOUT_MS 1000
#define TIMEOUT_MS 2000
/* GCP lets attributes have 512 KiB, and they are in the answer. */
#define MAX_BYTES (1024 * 1024)
#define PROBLEM_SIZE 256

struct cloud_talk {
	const struct cloud_provider *provider;
	struct fetch *fetch;
	char *address;
	struct cloud_exchange exchange;
	struct cloud_request request; /* that runs */
	cloud_talk_on_end on_end;
	void *context;
};

static bool ask(struct cloud_talk *talk);

static void fail(struct cloud_talk *talk, const char *problem)
{
	talk->on_end(talk, NULL, problem, talk->context);
}

static void go_on(struct cloud_talk *talk)
{
	if (!talk->provider->next(&talk->exchange, &talk->request))
		talk->on_end(talk, &talk->exchange.facts, "", talk->context);
	else if (!ask(talk))
		fail(talk, "no memory for a request, or too many run");
}

/* The path's query and tag keys are no secrets; the token is in the header. */
static void fail_status(struct cloud_talk *talk, const struct fetch_answer *answer)
{
	char problem[PROBLEM_SIZE];

	if (answer->error < 0)
		(void)snprintf(problem, sizeof(problem), "%.120s: %.120s", talk->request.path,
			       answer->problem);
	else
		(void)snprintf(problem, sizeof(problem), "%.120s: HTTP status %ld",
			       talk->request.path, answer->status);
	fail(talk, problem);
}

static void on_answer(const struct fetch_answer *answer, void *context)
{
	struct cloud_talk *talk = context;
	bool is_refused = talk->request.is_optional &&
			  (answer->status == 403 || answer->status == 404);
	struct cloud_answer found = {
		.body = is_refused ? NULL : answer->body,
		.size = is_refused ? 0 : answer->size,
		.flavor = fetch_header(talk->fetch, CLOUD_ANSWER_HEADER),
	};

	if (answer->error < 0 || (answer->status != 200 && !is_refused))
		fail_status(talk, answer);
	else if (talk->provider->take(&talk->exchange, &found) < 0)
		fail(talk, "what answers is not this cloud's metadata service");
	else
		go_on(talk);
}

static bool ask(struct cloud_talk *talk)
{
	const char *const headers[] = {talk->request.header, NULL};
	struct fetch_request request = {.method = talk->request.method, .headers = headers};
	char *url;
	int r;

	if (asprintf(&url, "%s%s", talk->address, talk->request.path) < 0)
		return false;
	request.url = url;
	r = fetch_start(talk->fetch, &request, on_answer, talk);
	free(url); /* curl has copied it */
	return r == 0;
}

/* As people write it, with a slash at the end or without. */
static char *copy_address(const char *address)
{
	size_t size = strlen(address);

	while (size > 0 && address[size - 1] == '/')
		size--;
	return strndup(address, size);
}

struct cloud_talk *cloud_talk_start(struct curl_loop *loop,
				    const struct cloud_talk_settings *settings,
				    cloud_talk_on_end on_end, void *context)
{
	static const struct fetch_settings fetch_settings = {
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = TIMEOUT_MS,
		.max_bytes = MAX_BYTES,
	};
	struct cloud_talk *talk = calloc(1, sizeof(*talk));

	if (!talk)
		return NULL;
	talk->provider = settings->provider;
	talk->on_end = on_end;
	talk->context = context;
	talk->address = copy_address(settings->address);
	talk->fetch = fetch_new(loop, &fetch_settings);
	cloud_exchange_init(&talk->exchange, settings->provider, settings->is_without_tags,
			    settings->own_mac);
	talk->exchange.is_without_routes = settings->is_without_routes;
	if (talk->address && talk->fetch &&
	    talk->provider->next(&talk->exchange, &talk->request) && ask(talk))
		return talk;
	cloud_talk_free(talk);
	return NULL;
}

void cloud_talk_free(struct cloud_talk *talk)
{
	if (!talk)
		return;
	fetch_free(talk->fetch);
	free(talk->address);
	free(talk);
}

const struct cloud_provider *cloud_talk_provider(const struct cloud_talk *talk)
{
	return talk->provider;
}
