/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of protobuf-c are trees of pointers. Here the whole tree of one
 * payload stands in a few arrays of known size (struct tree), filled in order and
 * freed at once.
 */
#include "payload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "intake.pb-c.h"
#include "route_list.h"
#include "tag_buffer.h"
#include "tags/tag.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

#define NO_INDEX (-1)
#define MAX_TAGS_BYTES (4 * 1024 * 1024)
#define N_TELEMETRY 3

typedef Datadog__ProcessAgent__CollectorConnections Message;
typedef Datadog__ProcessAgent__CollectorConnections__ContainerForPidEntry ContainerEntry;
typedef Datadog__ProcessAgent__CollectorConnections__ConnTelemetryMapEntry TelemetryEntry;
typedef Datadog__ProcessAgent__Connection Connection;
typedef Datadog__ProcessAgent__Connection__TcpFailuresByErrCodeEntry FailureEntry;
typedef Datadog__ProcessAgent__Addr Addr;

/* A connection and all that it points to. */
struct branch {
	Connection connection;
	Addr local, remote;
	char local_ip[INET6_ADDRSTRLEN], remote_ip[INET6_ADDRSTRLEN];
	FailureEntry failure;
	FailureEntry *failures[1];
	ContainerEntry container;
};

struct tree {
	Message message;
	Datadog__ProcessAgent__AgentConfiguration configuration;
	TelemetryEntry telemetry[N_TELEMETRY];
	TelemetryEntry *telemetry_pointers[N_TELEMETRY];
	struct branch *branches;
	Connection **connections;
	ContainerEntry **containers; /* of distinct pids */
	struct route_list routes;
	struct tag_buffer *tags, *connection_tags;
	const struct tag_set *last_set; /* added last to `tags` */
	int32_t last_index;
	uint8_t *tags_bytes, *connection_tags_bytes;
};

static void tree_deinit(struct tree *tree)
{
	free(tree->branches);
	free(tree->connections);
	free(tree->containers);
	free(tree->tags_bytes);
	free(tree->connection_tags_bytes);
	tag_buffer_free(tree->tags);
	tag_buffer_free(tree->connection_tags);
}

/* Position 0 of each buffer is a set that means nothing: an absent index reads as 0. */
static struct tag_buffer *new_tags(void)
{
	static const char *const dummy[] = {"-"};
	struct tag_buffer *tags = tag_buffer_new(MAX_TAGS_BYTES);
	int32_t index;

	if (tags && tag_buffer_add(tags, dummy, 1, &index)) {
		tag_buffer_free(tags);
		return NULL;
	}
	return tags;
}

static int tree_init(struct tree *tree, size_t n)
{
	tree->branches = calloc(n, sizeof(*tree->branches));
	tree->connections = calloc(n, sizeof(Connection *));
	tree->containers = calloc(n, sizeof(ContainerEntry *));
	tree->tags = new_tags();
	tree->connection_tags = new_tags();
	if (!tree->branches || !tree->connections || !tree->containers || !tree->tags ||
	    !tree->connection_tags)
		return -ENOMEM;
	return 0;
}

static uint32_t clamp_u32(uint64_t number)
{
	return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static void fill_address(Addr *to, char text[INET6_ADDRSTRLEN], const struct record *record,
			 const uint8_t *address, uint16_t port)
{
	int family = record->family == CONNECTION_IPV6 ? AF_INET6 : AF_INET;

	datadog__process_agent__addr__init(to);
	/* Cannot fail: the family is known and INET6_ADDRSTRLEN holds any address. */
	(void)inet_ntop(family, address, text, INET6_ADDRSTRLEN);
	to->ip = text;
	to->port = port;
}

static Datadog__ProcessAgent__ConnectionDirection direction_of(const struct record *record)
{
	if (record->direction == CONNECTION_INCOMING)
		return DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__incoming;
	if (record->direction == CONNECTION_OUTGOING)
		return DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__outgoing;
	if (record->direction != CONNECTION_LOCAL)
		return DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__unspecified;
	/* Receivers expect who began here too; that it stays on the host is intraHost. */
	if (record->role == CONNECTION_SERVER)
		return DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__incoming;
	if (record->role == CONNECTION_CLIENT)
		return DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__outgoing;
	return DATADOG__PROCESS_AGENT__CONNECTION_DIRECTION__local;
}

static Datadog__ProcessAgent__EphemeralPortState ephemeral_state(const struct host *host,
								 uint16_t port)
{
	if (!host->ephemeral_first)
		return DATADOG__PROCESS_AGENT__EPHEMERAL_PORT_STATE__ephemeralUnspecified;
	if (port >= host->ephemeral_first && port <= host->ephemeral_last)
		return DATADOG__PROCESS_AGENT__EPHEMERAL_PORT_STATE__ephemeralTrue;
	return DATADOG__PROCESS_AGENT__EPHEMERAL_PORT_STATE__ephemeralFalse;
}

static void fill_counters(Connection *to, const struct record *record)
{
	to->lastbytessent = record->interval.bytes_sent;
	to->lastbytesreceived = record->interval.bytes_received;
	to->lastpacketssent = record->interval.packets_sent;
	to->lastpacketsreceived = record->interval.packets_received;
	to->lastretransmits = clamp_u32(record->interval.retransmits);
	to->rtt = record->rtt_us;
	to->rttvar = record->rtt_var_us;
}

/* errno that a TCP connection ended with, 0 for a good end or none yet. */
static uint32_t failure_of(const struct record *record)
{
	if (record->state == CONNECTION_OPEN)
		return 0;
	if (record->error)
		return record->error;
	/* Given up by its own program while connecting: receivers know that as this. */
	return record->state == CONNECTION_FAILED ? ECANCELED : 0;
}

static void fill_tcp(struct branch *branch, const struct record *record)
{
	Connection *to = &branch->connection;
	uint32_t failure = failure_of(record);

	to->lasttcpestablished = record->is_established_now;
	to->lasttcpclosed = record->state == CONNECTION_CLOSED;
	to->tcpecnnegotiated = record->has_ecn;
	if (!failure)
		return;
	datadog__process_agent__connection__tcp_failures_by_err_code_entry__init(&branch->failure);
	branch->failure.key = failure;
	branch->failure.value = 1;
	branch->failures[0] = &branch->failure;
	to->tcpfailuresbyerrcode = branch->failures;
	to->n_tcpfailuresbyerrcode = 1;
}

/* Records that follow one another mostly have the same set: the last one is remembered. */
static int add_tag_set(struct tree *tree, const struct tag_set *set, int32_t *ret_index)
{
	const char *tags[TAG_LIST_MAX_TAGS];
	size_t n = tag_set_n(set);
	int result;

	if (set && set == tree->last_set) {
		*ret_index = tree->last_index;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		tags[i] = tag_set_get(set, i);
	result = tag_buffer_add(tree->tags, tags, n, ret_index);
	if (result)
		return result;
	tree->last_set = set;
	tree->last_index = *ret_index;
	return 0;
}

static int fill_container_tags(struct tree *tree, Connection *to, const struct record *record)
{
	int result = add_tag_set(tree, record->tags, &to->localcontainertagsindex);

	return result ? result
		      : add_tag_set(tree, record->remote_tags, &to->remoteservicetagsidx);
}

/* "key:value" of printable text; empty when there is no value. */
static void make_tag(const char *key, const char *value, char ret[TAG_SIZE])
{
	char clean[TAG_SIZE];

	host_copy_printable(clean, sizeof(clean), value ? value : "", value ? strlen(value) : 0);
	(void)tag_format(key, clean, ret, NULL); /* empty is the answer for none */
}

static int fill_process_tags(struct tree *tree, Connection *to, const struct record *record)
{
	const struct {
		const char *key, *value;
	} rows[] = {{"process_context", record->process},
		    {"service", record->service},
		    {"env", record->env},
		    {"version", record->version}};
	char bytes[sizeof(rows) / sizeof(*rows)][TAG_SIZE];
	const char *tags[sizeof(rows) / sizeof(*rows)];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		make_tag(rows[i].key, rows[i].value, bytes[n]);
		if (*bytes[n]) {
			tags[n] = bytes[n];
			n++;
		}
	}
	to->tagschecksum = tag_buffer_checksum(tags, n);
	return tag_buffer_add(tree->connection_tags, tags, n, &to->tagsidx);
}

static int fill_branch(struct tree *tree, struct branch *branch, const struct host *host,
		       const struct record *record)
{
	Connection *to = &branch->connection;

	datadog__process_agent__connection__init(to);
	to->pid = (int32_t)record->pid;
	fill_address(&branch->local, branch->local_ip, record, record->local_address,
		     record->local_port);
	fill_address(&branch->remote, branch->remote_ip, record, record->remote_address,
		     record->remote_port);
	if (record->container_id)
		branch->local.containerid = (char *)record->container_id;
	if (record->remote_container_id)
		branch->remote.containerid = (char *)record->remote_container_id;
	to->laddr = &branch->local;
	to->raddr = &branch->remote;
	to->family = record->family == CONNECTION_IPV6 ?
			     DATADOG__PROCESS_AGENT__CONNECTION_FAMILY__v6 :
			     DATADOG__PROCESS_AGENT__CONNECTION_FAMILY__v4;
	to->type = record->protocol == CONNECTION_UDP ? DATADOG__PROCESS_AGENT__CONNECTION_TYPE__udp :
							DATADOG__PROCESS_AGENT__CONNECTION_TYPE__tcp;
	to->direction = direction_of(record);
	to->intrahost = record->direction == CONNECTION_LOCAL;
	to->netns = record->netns;
	to->islocalportephemeral = ephemeral_state(host, record->local_port);
	fill_counters(to, record);
	to->routeidx = route_list_add(&tree->routes, record);
	to->resolvconfidx = NO_INDEX;
	if (record->protocol == CONNECTION_TCP)
		fill_tcp(branch, record);
	return fill_process_tags(tree, to, record);
}

static int fill_connections(struct tree *tree, const struct payload *payload)
{
	int result = 0;

	for (size_t i = 0; i < payload->n_records && !result; i++) {
		result = fill_branch(tree, &tree->branches[i], payload->host, &payload->records[i]);
		if (!result)
			result = fill_container_tags(tree, &tree->branches[i].connection,
						     &payload->records[i]);
		tree->connections[i] = &tree->branches[i].connection;
	}
	tree->message.connections = tree->connections;
	tree->message.n_connections = payload->n_records;
	tree->message.routes = tree->routes.pointers;
	tree->message.n_routes = tree->routes.n;
	return result;
}

static int compare_container_pids(const void *left, const void *right)
{
	const ContainerEntry *a = *(ContainerEntry *const *)left;
	const ContainerEntry *b = *(ContainerEntry *const *)right;

	return (a->key > b->key) - (a->key < b->key);
}

static void fill_containers(struct tree *tree, const struct payload *payload)
{
	size_t n = 0, n_distinct = 0;

	for (size_t i = 0; i < payload->n_records; i++) {
		const struct record *record = &payload->records[i];
		ContainerEntry *entry = &tree->branches[i].container;

		if (!record->pid || !record->container_id)
			continue;
		datadog__process_agent__collector_connections__container_for_pid_entry__init(entry);
		entry->key = (int32_t)record->pid;
		entry->value = (char *)record->container_id;
		tree->containers[n++] = entry;
	}
	qsort(tree->containers, n, sizeof(ContainerEntry *), compare_container_pids);
	for (size_t i = 0; i < n; i++)
		if (!i || tree->containers[i]->key != tree->containers[n_distinct - 1]->key)
			tree->containers[n_distinct++] = tree->containers[i];
	tree->message.containerforpid = tree->containers;
	tree->message.n_containerforpid = n_distinct;
}

static void fill_telemetry(struct tree *tree, const struct payload_telemetry *telemetry)
{
	const struct {
		char *key;
		uint64_t value;
	} rows[N_TELEMETRY] = {
		{"closed_conn_dropped", telemetry->n_closed_dropped},
		{"conn_dropped", telemetry->n_dropped},
		{"conns_closed", telemetry->n_closed},
	};

	for (size_t i = 0; i < N_TELEMETRY; i++) {
		TelemetryEntry *entry = &tree->telemetry[i];

		datadog__process_agent__collector_connections__conn_telemetry_map_entry__init(entry);
		entry->key = rows[i].key;
		entry->value = rows[i].value < INT64_MAX ? (int64_t)rows[i].value : INT64_MAX;
		tree->telemetry_pointers[i] = entry;
	}
	tree->message.conntelemetrymap = tree->telemetry_pointers;
	tree->message.n_conntelemetrymap = N_TELEMETRY;
}

static void fill_envelope(struct tree *tree, const struct payload *payload)
{
	Message *to = &tree->message;
	const struct host *host = payload->host;

	datadog__process_agent__collector_connections__init(to);
	to->hostname = (char *)host->name;
	to->architecture = (char *)host->architecture;
	to->kernelversion = (char *)host->kernel_version;
	to->platform = (char *)host->platform;
	to->platformversion = (char *)host->platform_version;
	to->groupid = payload->group_id;
	to->groupsize = payload->group_size;
	to->networkid = (char *)host->network_id;
	datadog__process_agent__agent_configuration__init(&tree->configuration);
	tree->configuration.npmenabled = 1;
	to->agentconfiguration = &tree->configuration;
}

static int fill_tag_buffers(struct tree *tree)
{
	Message *to = &tree->message;
	int result = tag_buffer_encode(tree->tags, &tree->tags_bytes, &to->encodedtags.len);

	if (!result)
		result = tag_buffer_encode(tree->connection_tags, &tree->connection_tags_bytes,
					   &to->encodedconnectionstags.len);
	to->encodedtags.data = tree->tags_bytes;
	to->encodedconnectionstags.data = tree->connection_tags_bytes;
	return result;
}

static int fill_tree(struct tree *tree, const struct payload *payload)
{
	int result = tree_init(tree, payload->n_records);

	if (result)
		return result;
	fill_envelope(tree, payload);
	route_list_init(&tree->routes, payload->subnets);
	result = fill_connections(tree, payload);
	if (result)
		return result;
	result = add_tag_set(tree, payload->host_tags, &tree->message.hosttagsindex);
	if (result)
		return result;
	fill_containers(tree, payload);
	if (payload->telemetry)
		fill_telemetry(tree, payload->telemetry);
	return fill_tag_buffers(tree);
}

static int pack(const Message *message, uint8_t **ret_body, size_t *ret_size)
{
	size_t size = datadog__process_agent__collector_connections__get_packed_size(message);
	uint8_t *body = malloc(size);

	if (!body)
		return -ENOMEM;
	*ret_size = datadog__process_agent__collector_connections__pack(message, body);
	*ret_body = body;
	return 0;
}

void payload_telemetry_add(struct payload_telemetry *sum, const struct payload_telemetry *more)
{
	sum->n_closed += more->n_closed;
	sum->n_closed_dropped += more->n_closed_dropped;
	sum->n_dropped += more->n_dropped;
}

int payload_encode(const struct payload *payload, uint8_t **ret_body, size_t *ret_size)
{
	__attribute__((cleanup(tree_deinit))) struct tree tree = {0};
	int result;

	if (!payload->n_records || payload->n_records > PAYLOAD_MAX_CONNECTIONS)
		return -EINVAL;
	result = fill_tree(&tree, payload);
	return result ? result : pack(&tree.message, ret_body, ret_size);
}
