/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a source needs around it, and a service for it to ask: libevent's, on the same loop,
 * so that a source that blocks never gets its answer.
 */

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http/curl_loop.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "sources/source_classes.h"
#include "sources/source_health.h"
#include "tags/entities.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

struct source_fixture {
	struct agent_settings settings;
	struct event_base *base;
	struct curl_loop *loop;
	struct tag_sets *sets;
	struct entities *entities;
	struct host_facts *host;
	struct evhttp *server;
	char url[64];
	struct source *source;
	const struct source_class *class;
};

static inline int source_fixture_setup(struct source_fixture *fixture)
{
	const struct entities_limits limits = {
		.max_entities = 100, .keep_ns = 1, .max_age_ns = UINT64_MAX};
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	struct evhttp_bound_socket *bound;

	memset(fixture, 0, sizeof(*fixture));
	fixture->base = event_base_new();
	fixture->loop = curl_loop_new(fixture->base);
	fixture->sets = tag_sets_new();
	fixture->entities = entities_new(fixture->sets, &limits);
	fixture->host = host_facts_new();
	fixture->server = evhttp_new(fixture->base);
	bound = evhttp_bind_socket_with_handle(fixture->server, "127.0.0.1", 0);
	getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size);
	snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d",
		 ntohs(address.sin_port));
	return options_load_bytes(agent_options, agent_options_n, &fixture->settings, "test", "", 0,
				  &(struct option_error){""});
}

static inline void source_fixture_teardown(struct source_fixture *fixture)
{
	if (fixture->source)
		fixture->class->free(fixture->source);
	evhttp_free(fixture->server);
	curl_loop_free(fixture->loop);
	entities_free(fixture->entities);
	tag_sets_free(fixture->sets);
	host_facts_free(fixture->host);
	event_base_free(fixture->base);
	options_free(agent_options, agent_options_n, &fixture->settings);
}

static inline void source_fixture_set(struct source_fixture *fixture, const char *key,
				      const char *value)
{
	struct option_error error;

	assert_int_equal(options_set(options_find(agent_options, agent_options_n, key),
				     &fixture->settings, value, strlen(value), &error),
			 0);
}

/* As its new() says. */
static inline int source_fixture_start(struct source_fixture *fixture,
				       const struct source_class *class)
{
	const struct source_context context = {
		.settings = &fixture->settings,
		.base = fixture->base,
		.loop = fixture->loop,
		.entities = fixture->entities,
		.host = fixture->host,
	};

	fixture->class = class;
	return class->new(&context, &fixture->source);
}

/* Run the loop until the source's answers and failures are as many as `n`, 10 s at most. */
static inline void source_fixture_run(struct source_fixture *fixture, uint64_t n)
{
	const struct source_health *health = fixture->class->health(fixture->source);

	for (int i = 0; i < 1000 && health->n_answers + health->n_failures < n; i++) {
		const struct timeval limit = {.tv_usec = 10000};

		event_base_loopexit(fixture->base, &limit);
		event_base_dispatch(fixture->base);
	}
	assert_int_equal(health->n_answers + health->n_failures, n);
}

static inline const char *source_fixture_tag(struct source_fixture *fixture,
					     enum entity_kind kind, const char *id,
					     const char *key)
{
	const struct entity *entity = entities_find(fixture->entities, kind, id);

	assert_non_null(entity);
	return tag_set_find(entities_tags(fixture->entities, entity), key);
}

static inline void source_fixture_reply(struct evhttp_request *request, const char *body)
{
	evbuffer_add_printf(evhttp_request_get_output_buffer(request), "%s", body);
	evhttp_send_reply(request, 200, "OK", NULL);
}
