/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Settings with paths in a folder of the test's own, an event loop, a history. */

#include "facts.h"
#include "history/history.h"
#include "settings.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[40];
	char history_path[64];
	char lines_path[64];
	char text[4096];
	struct agent_settings settings;
	struct event_base *base;
	struct history *history;
};

static const struct interval an_interval = {
	.end_unix_ns = 1, .probe_instance = "0123456789abcdef0123456789abcdef", .tier = "x"};

static inline int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->folder, "/tmp/test-exporter-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	(void)snprintf(fixture->history_path, sizeof(fixture->history_path), "%s/history",
		       fixture->folder);
	(void)snprintf(fixture->lines_path, sizeof(fixture->lines_path), "%s/lines",
		       fixture->folder);
	fixture->settings.jsonl_path = fixture->lines_path;
	fixture->base = event_base_new();
	*state = fixture;
	return history_open(fixture->history_path, 100, &fixture->history);
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	history_close(fixture->history);
	event_base_free(fixture->base);
	unlink(fixture->history_path);
	unlink(fixture->lines_path);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static inline const char *read_file(struct fixture *fixture, const char *path)
{
	FILE *file = fopen(path, "r");
	size_t n = file ? fread(fixture->text, 1, sizeof(fixture->text) - 1, file) : 0;

	fixture->text[n] = '\0';
	if (file)
		fclose(file);
	return fixture->text;
}

static inline struct connection a_connection(uint64_t id)
{
	return (struct connection){.id = id,
				   .state = CONNECTION_OPEN,
				   .protocol = CONNECTION_TCP,
				   .family = CONNECTION_IPV4,
				   .is_new = true,
				   .facts.known = FACTS_ALL_COUNTERS,
				   .interval = {.bytes_sent = 10}};
}

static inline struct connection a_listener(uint64_t id)
{
	return (struct connection){.id = id,
				   .state = CONNECTION_LISTENING,
				   .protocol = CONNECTION_TCP,
				   .family = CONNECTION_IPV4,
				   .local_port = 80};
}
