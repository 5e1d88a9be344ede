/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds invented connections to the intake exporter on a real event loop and
 * prints its counters as one JSON object, once everything is delivered or
 * dropped, or time is over. Exit status 2: the exporter did not start.
 */
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporters/exporter_classes.h"
#include "settings.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

#define TICK_MS 5

struct driver {
	struct agent_settings settings;
	struct event_base *base;
	struct exporter *exporter;
	struct tag_sets *sets;
	const struct tag_set *host_tags, *local_tags, *remote_tags;
	long n_connections, n_intervals, interval_ms, timeout_ms;
	long n_intervals_done;
	long n_ticks; /* of a timer that a blocked loop would stop */
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The first one has something in every field; the others differ in address and port. */
static struct connection invent(const struct driver *driver, long i)
{
	struct connection one = {
		.id = (uint64_t)i + 1,
		.protocol = i % 2 ? CONNECTION_UDP : CONNECTION_TCP,
		.family = i % 3 ? CONNECTION_IPV6 : CONNECTION_IPV4,
		.state = CONNECTION_OPEN,
		.role = CONNECTION_CLIENT,
		.direction = CONNECTION_OUTGOING,
		.local_address = {192, 0, 2, 1},
		.remote_address = {198, 51, 100, (uint8_t)(i >> 8), (uint8_t)i},
		.local_port = 40000,
		.remote_port = 443,
		.netns = 4026531840,
		.pid = 4242 + (uint32_t)(i % 50),
		.comm = "curl",
		.interval = {1000, 2000, 10, 20, 1},
		.is_established_now = true,
		.has_rtt = true,
		.rtt_us = 1500,
		.rtt_var_us = 300,
	};

	if (i)
		return one;
	one.tags = driver->local_tags;
	one.remote_tags = driver->remote_tags;
	one.remote_container_id = "beef";
	one.owner = (struct connection_owner){
		.executable = "/usr/bin/curl",
		.service = "shop",
		.version = "1.2",
		.container_id = "c0ffeec0ffeec0ffeec0ffeec0ffeec0"
				"ffeec0ffeec0ffeec0ffeec0ffeec0ff",
	};
	return one;
}

static void feed(struct driver *driver)
{
	const struct interval interval = {.end_unix_ns = now_ns(CLOCK_REALTIME),
					  .host_name = "renamed.example",
					  .network_id = "vpc-1",
					  .host_tags = driver->host_tags};
	const struct overflow overflow = {.cause = "closed_ring_full", .n_connections = 5};
	const struct connection idle = {.state = CONNECTION_OPEN, .family = CONNECTION_IPV4};

	intake_exporter.begin(driver->exporter, &interval);
	for (long i = 0; i < driver->n_connections; i++) {
		struct connection one = invent(driver, i);

		(void)intake_exporter.connection(driver->exporter, &one);
	}
	(void)intake_exporter.connection(driver->exporter, &idle); /* not worth sending */
	(void)intake_exporter.overflow(driver->exporter, &overflow);
	(void)intake_exporter.end(driver->exporter, false);
}

static void on_interval(evutil_socket_t fd, short events, void *context)
{
	struct driver *driver = context;

	(void)fd;
	(void)events;
	if (driver->n_intervals_done == driver->n_intervals)
		return;
	feed(driver);
	driver->n_intervals_done++;
}

static void on_tick(evutil_socket_t fd, short events, void *context)
{
	struct driver *driver = context;
	const struct exporter_stats *stats = intake_exporter.stats(driver->exporter);

	(void)fd;
	(void)events;
	driver->n_ticks++;
	if (driver->n_intervals_done == driver->n_intervals &&
	    stats->n_delivered + stats->n_dropped == stats->n_connections)
		event_base_loopbreak(driver->base);
}

static struct event *repeat(struct driver *driver, long ms, event_callback_fn callback)
{
	struct timeval period = {ms / 1000, ms % 1000 * 1000};
	struct event *event = event_new(driver->base, -1, EV_PERSIST, callback, driver);

	event_add(event, &period);
	return event;
}

static void print_stats(const struct driver *driver, uint64_t elapsed_ns)
{
	const struct exporter_stats *stats = intake_exporter.stats(driver->exporter);

	printf("{\"connections\": %" PRIu64 ", \"delivered\": %" PRIu64 ", \"dropped\": %" PRIu64
	       ", \"errors\": %" PRIu64 ", \"ticks\": %ld, \"elapsed_ms\": %" PRIu64 "}\n",
	       stats->n_connections, stats->n_delivered, stats->n_dropped, stats->n_errors,
	       driver->n_ticks, elapsed_ns / 1000000);
}

static void run(struct driver *driver)
{
	struct timeval limit = {driver->timeout_ms / 1000, driver->timeout_ms % 1000 * 1000};
	struct event *interval = repeat(driver, driver->interval_ms, on_interval);
	struct event *tick = repeat(driver, TICK_MS, on_tick);
	uint64_t start_ns = now_ns(CLOCK_MONOTONIC);

	on_interval(-1, 0, driver);
	event_base_loopexit(driver->base, &limit);
	event_base_dispatch(driver->base);
	print_stats(driver, now_ns(CLOCK_MONOTONIC) - start_ns);
	event_free(interval);
	event_free(tick);
}

static const struct tag_set *tag(struct driver *driver, const char *key, const char *value)
{
	struct tag_list list;

	tag_list_clear(&list);
	tag_list_add(&list, key, value);
	tag_list_add(&list, "env", "test");
	return tag_sets_take(driver->sets, &list);
}

static void make_tags(struct driver *driver)
{
	driver->sets = tag_sets_new();
	driver->host_tags = tag(driver, "team", "net");
	driver->local_tags = tag(driver, "container_name", "web");
	driver->remote_tags = tag(driver, "container_name", "db");
}

static void parse(struct driver *driver, int argc, char **argv)
{
	enum { URL, SITE, CA, KEY, MAX, QUEUE, TRACKED, CONNECTIONS, INTERVALS, PERIOD, TIMEOUT };
	static const char *const names[] = {"url", "site", "ca", "key", "max", "queue", "tracked",
					    "connections", "intervals", "period", "timeout"};
	struct agent_settings *settings = &driver->settings;
	char **texts[] = {[URL] = &settings->process_dd_url, [SITE] = &settings->site,
			  [CA] = &settings->ca_file, [KEY] = &settings->api_key};
	int64_t *numbers[] = {[MAX] = &settings->max_conns_per_message,
			      [QUEUE] = &settings->queue_bytes,
			      [TRACKED] = &settings->max_tracked_connections};
	long *own[] = {[CONNECTIONS] = &driver->n_connections, [INTERVALS] = &driver->n_intervals,
		       [PERIOD] = &driver->interval_ms, [TIMEOUT] = &driver->timeout_ms};

	for (int i = 1; i + 1 < argc; i += 2) {
		for (int row = URL; row <= TIMEOUT; row++) {
			if (strcmp(argv[i], names[row]))
				continue;
			if (row <= KEY)
				*texts[row] = argv[i + 1];
			else if (row <= TRACKED)
				*numbers[row] = strtoll(argv[i + 1], NULL, 10);
			else
				*own[row] = strtol(argv[i + 1], NULL, 10);
		}
	}
}

int main(int argc, char **argv)
{
	char empty[] = "", hostname[] = "driver.example", procfs[] = "/proc", key[] = "test-key";
	char site[] = "datadoghq.com";
	struct driver driver = {
		.settings = {.hostname = hostname, .procfs_path = procfs, .api_key = key,
			     .site = site, .process_dd_url = empty, .ca_file = empty,
			     .max_conns_per_message = 600, .queue_bytes = 60000000,
			     .max_tracked_connections = 65536},
		.n_connections = 1,
		.n_intervals = 1,
		.interval_ms = 100,
		.timeout_ms = 30000,
	};

	parse(&driver, argc, argv);
	signal(SIGPIPE, SIG_IGN); /* as in the agent */
	driver.base = event_base_new();
	make_tags(&driver);
	driver.exporter = intake_exporter.new(&driver.settings, driver.base);
	if (!driver.exporter) {
		event_base_free(driver.base);
		return 2;
	}
	run(&driver);
	intake_exporter.free(driver.exporter);
	tag_sets_free(driver.sets);
	event_base_free(driver.base);
	return 0;
}
