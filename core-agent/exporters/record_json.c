/* SPDX-License-Identifier: Apache-2.0 */
#include "record_json.h"

#include "facts.h"
#include "record_tags.h"
#include "text.h"

#include <string.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define MAX_TEXT_BYTES 4096
#define MAX_REASON_BYTES 64

/* Setting a NULL value fails like out of memory does: one check at the end sees both. */
static int set(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new_nocheck(object, name, value);
}

static int set_number(json_t *object, const char *name, uint64_t value)
{
	return set(object, name, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

static int set_known_number(json_t *object, const char *name, uint64_t value)
{
	return value ? set_number(object, name, value) : 0;
}

/* NULL and empty are unknown. */
static int set_text(json_t *object, const char *name, const char *text)
{
	char copy[MAX_TEXT_BYTES];

	if (!text || !*text)
		return 0;
	(void)text_make_utf8(text, copy, sizeof(copy)); /* a longer one is cut */
	return set(object, name, json_string_nocheck(copy));
}

static int set_time(json_t *object, const struct interval *interval)
{
	char time[TEXT_TIME_SIZE];

	text_format_time(interval->end_unix_ns, time);
	return set_text(object, "time", time);
}

static int set_flag(json_t *object, const char *name, bool value)
{
	return set(object, name, json_boolean(value));
}

static const char *state_name(enum connection_state state)
{
	static const char *const names[] = {[CONNECTION_OPEN] = "open",
					    [CONNECTION_CLOSED] = "closed",
					    [CONNECTION_FAILED] = "failed",
					    [CONNECTION_LISTENING] = "listening"};

	return names[state];
}

static const char *direction_name(enum connection_direction direction)
{
	switch (direction) {
	case CONNECTION_INCOMING:
		return "incoming";
	case CONNECTION_OUTGOING:
		return "outgoing";
	case CONNECTION_LOCAL:
		return "local";
	default:
		return NULL;
	}
}

static const char *role_name(enum connection_role role)
{
	switch (role) {
	case CONNECTION_SERVER:
		return "server";
	case CONNECTION_CLIENT:
		return "client";
	default:
		return NULL;
	}
}

static int set_error(json_t *object, uint32_t error)
{
	const char *name = error <= INT32_MAX ? strerrorname_np((int)error) : NULL;
	char number[16];

	if (!error)
		return 0;
	(void)snprintf(number, sizeof(number), "E%u", error); /* fits */
	return set_text(object, "error", name ? name : number);
}

static int set_address(json_t *object, const char *name, const struct connection *connection,
		       const uint8_t address[16])
{
	char text[INET6_ADDRSTRLEN];

	text_format_address(connection->family, address, text);
	return set_text(object, name, text);
}

static int set_identity(json_t *object, const struct connection *connection,
			const struct interval *interval)
{
	bool is_tcp = connection->protocol == CONNECTION_TCP;
	bool is_ipv4 = connection->family == CONNECTION_IPV4;

	return set_time(object, interval) | set_number(object, "id", connection->id) |
	       set_text(object, "probe_instance", interval->probe_instance) |
	       set_text(object, "state", state_name(connection->state)) |
	       set_error(object, connection->error) |
	       set_text(object, "proto", is_tcp ? "tcp" : "udp") |
	       set_text(object, "family", is_ipv4 ? "ipv4" : "ipv6");
}

static int set_local_end(json_t *object, const struct connection *connection)
{
	return set_address(object, "local_ip", connection, connection->local_address) |
	       set_number(object, "local_port", connection->local_port);
}

static int set_ends(json_t *object, const struct connection *connection)
{
	return set_text(object, "direction", direction_name(connection->direction)) |
	       set_text(object, "role", role_name(connection->role)) |
	       set_local_end(object, connection) |
	       set_address(object, "remote_ip", connection, connection->remote_address) |
	       set_number(object, "remote_port", connection->remote_port) |
	       set_known_number(object, "netns", connection->netns);
}

static int set_owner(json_t *object, const struct connection *connection)
{
	const struct connection_owner *owner = &connection->owner;

	return set_known_number(object, "pid", connection->pid) |
	       set_text(object, "comm", connection->comm) |
	       (connection->owner_is_listener ? set_flag(object, "owner_is_listener", true) : 0) |
	       set_text(object, "exe", owner->executable) |
	       set_text(object, "cmdline", owner->command_line) |
	       set_text(object, "user", owner->user) |
	       set_text(object, "container_id", owner->container_id) |
	       set_text(object, "container_runtime", owner->container_runtime) |
	       set_text(object, "pod_uid", owner->pod_uid) |
	       set_text(object, "systemd_unit", owner->systemd_unit);
}

static int set_remote_owner(json_t *object, const struct connection *connection)
{
	return set_text(object, "remote_container_id", connection->remote_container_id);
}

/* After all others: a tag must not take the place of a field. */
static int set_tags(json_t *object, const struct connection *connection)
{
	return record_tags_set(object, RECORD_LOCAL_END, connection->tags) |
	       record_tags_set(object, RECORD_REMOTE_END, connection->remote_tags);
}

static int set_all_counters(json_t *object, const struct connection_counters *counters)
{
	int result = 0;

	for (const struct counter *c = facts_counters; c < facts_counters + FACTS_N_COUNTERS; c++)
		result |= set_number(object, c->name, facts_get_counter(c, counters));
	return result;
}

/* `counters` are the connection's: of the interval or in all. */
static int set_counters(json_t *object, const struct connection *connection,
			const struct connection_counters *counters)
{
	int result = 0;

	for (const struct counter *c = facts_counters; c < facts_counters + FACTS_N_COUNTERS; c++)
		if (facts_has_counter(c, &connection->facts))
			result |= set_number(object, c->name, facts_get_counter(c, counters));
	return result;
}

static int set_totals(json_t *object, const struct connection *connection)
{
	int result = 0;

	for (const struct counter *c = facts_counters; c < facts_counters + FACTS_N_COUNTERS; c++)
		if (facts_has_counter(c, &connection->facts))
			result |= set_number(object, c->total_name,
					     facts_get_counter(c, &connection->total));
	return result;
}

static int set_fact(json_t *object, const struct fact *fact, uint64_t value)
{
	const char *text = facts_text(fact, value);

	if (text)
		return set_text(object, fact->name, text);
	return fact->type == FACT_BOOL ? set_flag(object, fact->name, value)
				       : set_number(object, fact->name, value);
}

static int set_facts(json_t *object, const struct connection *connection)
{
	bool is_listener = connection->state == CONNECTION_LISTENING;
	uint64_t value;
	int result = 0;

	for (const struct fact *fact = facts_rows; fact < facts_rows + facts_n; fact++)
		if (fact->is_of_listener == is_listener &&
		    facts_get(fact, &connection->facts, &value))
			result |= set_fact(object, fact, value);
	return result;
}

static int set_drops(json_t *object, const struct connection *connection)
{
	json_t *drops;
	int result = 0;

	if (!connection->n_drops)
		return 0;
	drops = json_object();
	for (size_t i = 0; i < connection->n_drops; i++) {
		char reason[MAX_REASON_BYTES];

		(void)text_make_utf8(connection->drops[i].reason, reason, sizeof(reason));
		result |= set_number(drops, reason, connection->drops[i].packets);
	}
	return result | set(object, "drops", drops);
}

static int set_rtt(json_t *object, const struct connection *connection)
{
	if (!connection->has_rtt)
		return 0;
	return set_number(object, "rtt_us", connection->rtt_us) |
	       set_number(object, "rtt_var_us", connection->rtt_var_us);
}

/* How long connect() took: only its own end can know. */
static int set_connect_time(json_t *object, const struct connection *connection)
{
	uint64_t started_ns = connection->started_unix_ns;
	uint64_t established_ns = connection->established_unix_ns;

	if (connection->role != CONNECTION_CLIENT || connection->protocol != CONNECTION_TCP ||
	    !started_ns || established_ns < started_ns)
		return 0;
	return set_number(object, "connect_us", (established_ns - started_ns) / NS_PER_US);
}

/* How long it waited in the accept queue. */
static int set_accept_time(json_t *object, const struct connection *connection)
{
	uint64_t established_ns = connection->established_unix_ns;
	uint64_t accepted_ns = connection->accepted_unix_ns;

	if (!established_ns || accepted_ns < established_ns)
		return 0;
	return set_number(object, "accept_us", (accepted_ns - established_ns) / NS_PER_US);
}

static int set_started(json_t *object, const struct connection *connection)
{
	char time[TEXT_TIME_SIZE];

	if (!connection->started_unix_ns)
		return 0;
	text_format_time(connection->started_unix_ns, time);
	return set_text(object, "started", time);
}

static int set_duration(json_t *object, const struct connection *connection,
			const struct interval *interval)
{
	bool is_open = connection->state == CONNECTION_OPEN;
	uint64_t end_ns = is_open ? interval->end_unix_ns : connection->closed_unix_ns;

	if (!connection->started_unix_ns || end_ns < connection->started_unix_ns)
		return 0;
	return set_number(object, "duration_ms",
			  (end_ns - connection->started_unix_ns) / NS_PER_MS);
}

static json_t *checked(json_t *object, int result)
{
	if (result == 0)
		return object;
	json_decref(object);
	return NULL;
}

/* How it went, beyond its counters. */
static int set_story(json_t *object, const struct connection *connection,
		     const struct interval *interval)
{
	return set_rtt(object, connection) | set_facts(object, connection) |
	       set_drops(object, connection) | set_started(object, connection) |
	       set_connect_time(object, connection) | set_accept_time(object, connection) |
	       set_duration(object, connection, interval);
}

json_t *record_json_connection(const struct connection *connection,
			       const struct interval *interval)
{
	json_t *object = json_object();

	return checked(object, set_identity(object, connection, interval) |
				       set_ends(object, connection) |
				       set_owner(object, connection) |
				       set_remote_owner(object, connection) |
				       set_counters(object, connection, &connection->interval) |
				       set_totals(object, connection) |
				       set_story(object, connection, interval) |
				       set_tags(object, connection));
}

static int set_refusals(json_t *object, const struct connection *listener)
{
	const struct connection_refusals *refusals = &listener->refusals;
	uint64_t known = refusals->is_known ? listener->facts.known : 0;
	int result = 0;

	if (known & FACT_BIT(FACT_DROPPED_ATTEMPTS))
		result |= set_number(object, "dropped_attempts", refusals->dropped_attempts);
	if (known & FACT_BIT(FACT_SYNACK_RETRANSMITS))
		result |= set_number(object, "synack_retransmits", refusals->synack_retransmits);
	return result;
}

json_t *record_json_listener(const struct connection *listener, const struct interval *interval)
{
	json_t *object = json_object();

	return checked(object, set_identity(object, listener, interval) |
				       set_local_end(object, listener) |
				       set_known_number(object, "netns", listener->netns) |
				       set_owner(object, listener) | set_facts(object, listener) |
				       set_refusals(object, listener) |
				       set_started(object, listener) | set_tags(object, listener));
}

json_t *record_json_totals(const struct connection *connection, const struct interval *interval)
{
	json_t *object = json_object();

	return checked(object, set_identity(object, connection, interval) |
				       set_ends(object, connection) |
				       set_owner(object, connection) |
				       set_remote_owner(object, connection) |
				       set_counters(object, connection, &connection->total) |
				       set_story(object, connection, interval) |
				       set_tags(object, connection));
}

json_t *record_json_owner(const struct connection *connection)
{
	json_t *object = json_object();

	return checked(object, set_owner(object, connection) | set_tags(object, connection));
}

static bool is_fact(const char *name)
{
	for (const struct fact *fact = facts_rows; fact < facts_rows + facts_n; fact++)
		if (!fact->is_of_listener && strcmp(fact->name, name) == 0)
			return true;
	for (const struct counter *c = facts_counters; c < facts_counters + FACTS_N_COUNTERS; c++)
		if (strcmp(c->name, name) == 0)
			return true;
	return false;
}

/* A test holds this to what record_json_totals() gives. */
bool record_json_has_field(const char *name)
{
	static const char *const names[] = {
		"time", "id", "probe_instance", "state", "error", "proto", "family", "direction",
		"role", "local_ip", "local_port", "remote_ip", "remote_port", "netns", "pid", "comm",
		"owner_is_listener", "exe", "cmdline", "user", "container_id", "container_runtime",
		"pod_uid", "systemd_unit", "remote_container_id", "rtt_us", "rtt_var_us", "drops",
		"started", "connect_us", "accept_us", "duration_ms",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return is_fact(name);
}

json_t *record_json_overflow(const struct overflow *overflow, const struct interval *interval)
{
	json_t *object = json_object();
	json_t *inner = json_object();
	int result = set_text(inner, "cause", overflow->cause) |
		     set_number(inner, "connections", overflow->n_connections) |
		     set_all_counters(inner, &overflow->interval);

	return checked(object, result | set_time(object, interval) |
				       set_text(object, "probe_instance", interval->probe_instance) |
				       set(object, "overflow", inner));
}

char *record_json_text(json_t *record)
{
	char *text = record ? json_dumps(record, JSON_COMPACT) : NULL;

	json_decref(record);
	return text;
}
