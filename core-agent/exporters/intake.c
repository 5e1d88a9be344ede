/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter to a Datadog-compatible intake: collects an interval, encodes it into
 * messages when it ends, and leaves them to the sender.
 */
#include "exporter_classes.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "intake/connections.h"
#include "intake/endpoint.h"
#include "intake/host.h"
#include "intake/message.h"
#include "intake/payload.h"
#include "intake/queue.h"
#include "intake/sender.h"
#include "log.h"
#include "settings.h"
#include "subnets.h"
#include "tags/tag_sets.h"

#ifndef SYSPROBE_VERSION
#define SYSPROBE_VERSION "0.1.0"
#endif

#define MAX_API_KEY_CHARS 256
#define NS_PER_S UINT64_C(1000000000)

struct exporter {
	struct exporter_stats stats;
	struct host host;
	const struct tag_set *host_tags; /* held */
	struct subnets subnets;
	struct connections *connections;
	struct sender *sender;
	size_t max_per_message;
	int32_t group_id; /* of the last interval that was sent */
	uint64_t end_unix_ns;
};

static void intake_free(struct exporter *exporter)
{
	if (!exporter)
		return;
	sender_free(exporter->sender);
	connections_free(exporter->connections);
	tag_set_release(exporter->host_tags);
	free(exporter);
}

/* It becomes part of a header line. */
static bool is_api_key_usable(const char *key)
{
	size_t size = strlen(key);

	for (size_t i = 0; i < size; i++)
		if (key[i] <= ' ' || key[i] > '~')
			return false;
	return size <= MAX_API_KEY_CHARS;
}

static int check_api_key(const struct agent_settings *settings)
{
	if (!*settings->api_key) {
		log_error("the intake exporter needs api_key; set it, or DD_API_KEY, or take intake "
			  "out of exporters",
			  NULL);
		return -EINVAL;
	}
	if (!is_api_key_usable(settings->api_key)) {
		log_error("api_key is longer than 256 characters or has a space or control character",
			  NULL);
		return -EINVAL;
	}
	return 0;
}

/* The URL itself is not logged: a wrong one may hold a password. */
static int make_url(const struct agent_settings *settings, char **ret_url)
{
	int result = endpoint_url(settings->process_dd_url, settings->site, ret_url);

	if (result == -EPROTONOSUPPORT)
		log_error("process_dd_url must start with https://; the intake is only reached over "
			  "TLS",
			  NULL);
	else if (result)
		log_error("cannot make the intake's URL of process_dd_url or site; the form is "
			  "https://HOST[:PORT][/PATH]",
			  "error=%s", strerror(-result));
	return result;
}

static int set_up_sender(struct exporter *exporter, const struct agent_settings *settings,
			 struct event_base *base)
{
	CLEANUP_FREE char *url = NULL;
	struct sender_settings sender = {
		.api_key = settings->api_key,
		.ca_file = settings->ca_file,
		.hostname = exporter->host.name,
		.version = SYSPROBE_VERSION,
		.max_queue_bytes = (size_t)settings->queue_bytes,
	};
	int result = make_url(settings, &url);

	if (result)
		return result;
	sender.url = url;
	exporter->sender = sender_new(base, &sender, &exporter->stats);
	if (exporter->sender)
		return 0;
	log_error("cannot start the intake exporter", "error=%s", strerror(ENOMEM));
	return -ENOMEM;
}

static size_t clamp_per_message(int64_t setting)
{
	if (setting < 1)
		return 1;
	return setting < PAYLOAD_MAX_CONNECTIONS ? (size_t)setting : PAYLOAD_MAX_CONNECTIONS;
}

static int set_up(struct exporter *exporter, const struct agent_settings *settings,
		  struct event_base *base)
{
	int result = check_api_key(settings);

	if (result)
		return result;
	host_init(&exporter->host, settings->hostname, settings->procfs_path);
	exporter->max_per_message = clamp_per_message(settings->max_conns_per_message);
	exporter->connections = connections_new((size_t)settings->max_tracked_connections);
	return exporter->connections ? set_up_sender(exporter, settings, base) : -ENOMEM;
}

static struct exporter *intake_new(const struct agent_settings *settings, struct event_base *base)
{
	struct exporter *exporter = calloc(1, sizeof(*exporter));
	int result;

	if (!exporter)
		return NULL;
	result = set_up(exporter, settings, base);
	if (!result)
		return exporter;
	intake_free(exporter);
	errno = -result;
	return NULL;
}

/* A name that became known after the start is told from here on. */
static void note_host(struct exporter *exporter, const struct interval *interval)
{
	const char *name = interval->host_name ? interval->host_name : exporter->host.name;
	const char *network_id = interval->network_id ? interval->network_id : "";
	const struct tag_set *before = exporter->host_tags;

	host_copy_printable(exporter->host.name, HOST_MAX_TEXT, name, strlen(name));
	host_copy_printable(exporter->host.network_id, HOST_MAX_TEXT, network_id,
			    strlen(network_id));
	sender_set_hostname(exporter->sender, exporter->host.name);
	exporter->host_tags = tag_set_hold(interval->host_tags);
	exporter->subnets.n_blocks = 0;
	if (interval->subnets)
		exporter->subnets = *interval->subnets;
	tag_set_release(before);
}

static int intake_begin(struct exporter *exporter, const struct interval *interval)
{
	struct queue_loss lost = sender_take_lost(exporter->sender);

	exporter->end_unix_ns = interval->end_unix_ns;
	note_host(exporter, interval);
	connections_add_lost(exporter->connections, lost.n_connections, &lost.telemetry);
	return 0;
}

static bool is_worth_sending(const struct connection *connection)
{
	const struct connection_counters *interval = &connection->interval;

	return connection->is_new || connection->is_established_now ||
	       connection->state != CONNECTION_OPEN || interval->bytes_sent ||
	       interval->bytes_received || interval->packets_sent || interval->packets_received ||
	       interval->retransmits;
}

static int intake_connection(struct exporter *exporter, const struct connection *connection)
{
	int result;

	if (!is_worth_sending(connection))
		return 0;
	exporter->stats.n_connections++;
	result = connections_add(exporter->connections, connection);
	if (result)
		exporter->stats.n_dropped++;
	return result;
}

static int intake_overflow(struct exporter *exporter, const struct overflow *overflow)
{
	connections_add_overflow(exporter->connections, overflow);
	return 0;
}

static int add_message(void *context, const uint8_t *body, size_t size, size_t n_connections)
{
	struct queue_item *item = context;
	uint8_t *bytes;
	int result = message_encode(MESSAGE_CONNECTIONS, body, size, &bytes, &size);

	return result ? result : queue_item_add(item, bytes, size, n_connections);
}

static int encode(struct exporter *exporter, struct queue_item **ret_item)
{
	const struct connections_group group = {
		.host = &exporter->host,
		.host_tags = exporter->host_tags,
		.subnets = &exporter->subnets,
		.id = exporter->group_id < INT32_MAX ? exporter->group_id + 1 : 1,
		.max_per_message = exporter->max_per_message,
	};
	struct queue_item *item = queue_item_new(
		(time_t)(exporter->end_unix_ns / NS_PER_S),
		connections_n_messages(exporter->connections, group.max_per_message));
	int result = item ? connections_encode(exporter->connections, &group, add_message, item) :
			    -ENOMEM;

	if (result) {
		queue_item_free(item);
		return result;
	}
	queue_item_set_telemetry(item, connections_telemetry(exporter->connections));
	exporter->group_id = group.id;
	*ret_item = item;
	return 0;
}

/*
 * Losses of an interval without connections stay in `connections`, and leave
 * the host with the next one. An aborted interval is sent like any other: what
 * it holds is real.
 */
static int intake_end(struct exporter *exporter, bool is_aborted)
{
	size_t n = connections_count(exporter->connections);
	const struct payload_telemetry telemetry = *connections_telemetry(exporter->connections);
	struct queue_item *item;
	int result;

	(void)is_aborted;
	if (!n)
		return 0;
	result = encode(exporter, &item);
	connections_clear(exporter->connections);
	if (result) {
		log_error("cannot encode an interval for the intake, it is dropped",
			  "connections=%zu error=%s", n, strerror(-result));
		exporter->stats.n_dropped += n;
		connections_add_lost(exporter->connections, n, &telemetry);
		return result;
	}
	sender_add(exporter->sender, item);
	return 0;
}

static const struct exporter_stats *intake_stats(const struct exporter *exporter)
{
	return &exporter->stats;
}

static bool intake_is_sending(const struct exporter *exporter)
{
	return sender_is_posting(exporter->sender);
}

const struct exporter_class intake_exporter = {
	.name = "intake",
	.new = intake_new,
	.free = intake_free,
	.begin = intake_begin,
	.connection = intake_connection,
	.overflow = intake_overflow,
	.end = intake_end,
	.stats = intake_stats,
	.is_sending = intake_is_sending,
};
