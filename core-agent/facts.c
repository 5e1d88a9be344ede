/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <string.h>

#define OTHER "OTHER" /* as the probe calls what it has no place for */

#define ROW(number, kind, member, record_name, ...)                                 \
	{                                                                           \
		.field = (number), .type = (kind), .wire_name = #member,            \
		.name = (record_name),                                              \
		.wire_offset = offsetof(Sysprobe__V1__Connection, member),          \
		.offset = offsetof(struct connection_facts, member), __VA_ARGS__    \
	}
#define FACT(number, kind, member, ...) ROW(number, kind, member, #member, __VA_ARGS__)
#define OF_LISTENER .is_of_listener = true

const struct fact facts_rows[] = {
	/* The kernel has a smallest round trip of at least 1 us once it has any. */
	FACT(28, FACT_NUMBER, min_rtt_us, .is_zero_unknown = true),
	FACT(30, FACT_NUMBER, retransmits_timeout),
	FACT(31, FACT_NUMBER, retransmits_fast),
	FACT(32, FACT_NUMBER, retransmits_probe),
	FACT(33, FACT_NUMBER, reorderings),
	FACT(34, FACT_NUMBER, out_of_order),
	FACT(35, FACT_BOOL, ecn),
	FACT(36, FACT_NUMBER, delivered_ce),
	FACT(37, FACT_NUMBER, zero_window_probes),
	FACT(38, FACT_NUMBER, lost),
	FACT(39, FACT_NUMBER, cwnd),
	FACT(40, FACT_NUMBER, delivery_bytes_per_s, .is_wide = true),
	FACT(41, FACT_BOOL, reset_sent),
	FACT(42, FACT_BOOL, reset_received),
	FACT(43, FACT_SIDE, closed_first),
	FACT(44, FACT_TCP_STATE, tcp_state),
	FACT(46, FACT_NUMBER, accept_queue, OF_LISTENER),
	FACT(47, FACT_NUMBER, accept_queue_max, OF_LISTENER),
	ROW(FACT_DROPPED_ATTEMPTS, FACT_NUMBER, dropped_attempts, "total_dropped_attempts",
	    OF_LISTENER),
	ROW(FACT_SYNACK_RETRANSMITS, FACT_NUMBER, synack_retransmits, "total_synack_retransmits",
	    OF_LISTENER),
};

const size_t facts_n = sizeof(facts_rows) / sizeof(*facts_rows);

#define COUNTER(number, member) \
	{number, #member, "total_" #member, offsetof(struct connection_counters, member)}

const struct counter facts_counters[FACTS_N_COUNTERS] = {
	COUNTER(16, bytes_sent),       COUNTER(17, bytes_received), COUNTER(18, packets_sent),
	COUNTER(19, packets_received), COUNTER(20, retransmits),
};

static const char *const side_names[] = {
	[CONNECTION_LOCAL_SIDE] = "local",
	[CONNECTION_REMOTE_SIDE] = "remote",
};

/* include/net/tcp_states.h, without TCP_. */
static const char *const tcp_state_names[] = {
	[1] = "ESTABLISHED", [2] = "SYN_SENT",	[3] = "SYN_RECV",   [4] = "FIN_WAIT1",
	[5] = "FIN_WAIT2",   [6] = "TIME_WAIT", [7] = "CLOSE",	    [8] = "CLOSE_WAIT",
	[9] = "LAST_ACK",    [10] = "LISTEN",	[11] = "CLOSING",   [12] = "NEW_SYN_RECV",
};

static const struct {
	const char *const *names;
	size_t n;
} texts[] = {
	[FACT_SIDE] = {side_names, sizeof(side_names) / sizeof(*side_names)},
	[FACT_TCP_STATE] = {tcp_state_names, sizeof(tcp_state_names) / sizeof(*tcp_state_names)},
};

static bool is_text(const struct fact *fact)
{
	return fact->type == FACT_SIDE || fact->type == FACT_TCP_STATE;
}

const char *facts_text(const struct fact *fact, uint64_t value)
{
	if (!is_text(fact) || value >= texts[fact->type].n)
		return NULL;
	return texts[fact->type].names[value];
}

static uint64_t read_number(const void *at, bool is_wide)
{
	uint64_t wide;
	uint32_t narrow; /* uint32, bool and enum alike */

	if (is_wide) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}
_Static_assert(sizeof(protobuf_c_boolean) == sizeof(uint32_t), "read_number");
_Static_assert(sizeof(Sysprobe__V1__Side) == sizeof(uint32_t), "read_number");

static bool is_known(const Sysprobe__V1__Connection *record, const struct fact *fact,
		     uint64_t value)
{
	/* Known by its value alone: it has no bit on the wire. */
	bool has_bit = fact->type == FACT_SIDE || record->known_fields & FACT_BIT(fact->field);

	return has_bit && !(fact->is_zero_unknown && value == 0) &&
	       (!is_text(fact) || facts_text(fact, value));
}

struct connection_facts facts_read(const Sysprobe__V1__Connection *record)
{
	struct connection_facts ret = {0};

	for (const struct fact *fact = facts_rows; fact < facts_rows + facts_n; fact++) {
		const char *at = (const char *)record + fact->wire_offset;

		if (!is_known(record, fact, read_number(at, fact->is_wide)))
			continue;
		ret.known |= FACT_BIT(fact->field);
		memcpy((char *)&ret + fact->offset, at,
		       fact->is_wide ? sizeof(uint64_t) : sizeof(uint32_t));
	}
	for (size_t i = 0; i < FACTS_N_COUNTERS; i++)
		ret.known |= record->known_fields & FACT_BIT(facts_counters[i].field);
	return ret;
}

/* The last place is for all that have none of their own. */
static struct connection_drop *find_place(struct connection_drop *drops, size_t *n,
					  const char *reason)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(drops[i].reason, reason) == 0)
			return &drops[i];
	if (*n == CONNECTION_MAX_DROP_REASONS - 1 && strcmp(reason, OTHER) != 0)
		return find_place(drops, n, OTHER);
	if (*n == CONNECTION_MAX_DROP_REASONS)
		return &drops[*n - 1];
	drops[*n] = (struct connection_drop){.reason = reason};
	return &drops[(*n)++];
}

size_t facts_read_drops(const Sysprobe__V1__Connection *record,
			struct connection_drop ret[CONNECTION_MAX_DROP_REASONS])
{
	size_t n = 0;

	for (size_t i = 0; i < record->n_drops; i++) {
		const Sysprobe__V1__Drop *drop = record->drops[i];
		const char *reason = drop->reason && *drop->reason ? drop->reason : OTHER;

		find_place(ret, &n, reason)->packets += drop->packets;
	}
	return n;
}

bool facts_get(const struct fact *fact, const struct connection_facts *of, uint64_t *ret)
{
	if (!(of->known & FACT_BIT(fact->field)))
		return false;
	*ret = read_number((const char *)of + fact->offset, fact->is_wide);
	return true;
}

bool facts_has_counter(const struct counter *counter, const struct connection_facts *of)
{
	return of->known & FACT_BIT(counter->field);
}

uint64_t facts_get_counter(const struct counter *counter, const struct connection_counters *of)
{
	uint64_t value;

	memcpy(&value, (const char *)of + counter->offset, sizeof(value));
	return value;
}

uint64_t *facts_counter_in(const struct counter *counter, struct connection_counters *of)
{
	return (uint64_t *)(void *)((char *)of + counter->offset);
}
