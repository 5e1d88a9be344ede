/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The table of what can be known of a connection: where each fact stands in the
 * probe's record, where in the agent's, and what it is called. A new one is a row
 * in facts.c and a member of struct connection_facts. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"
#include "sysprobe.pb-c.h"

/* Its place in connection_facts.known; `field` is a number of sysprobe.v1.Connection. */
#define FACT_BIT(field) (UINT64_C(1) << (field))

#define FACTS_ALL_COUNTERS (UINT64_C(0x1f) << 16)

/* Those that are named in code. */
enum fact_field {
	FACT_BYTES_SENT = 16,
	FACT_BYTES_RECEIVED = 17,
	FACT_DROPPED_ATTEMPTS = 48,
	FACT_SYNACK_RETRANSMITS = 49,
};

enum fact_type { FACT_NUMBER, FACT_BOOL, FACT_SIDE, FACT_TCP_STATE };

struct fact {
	unsigned int field;
	enum fact_type type;
	const char *wire_name; /* of the field */
	const char *name;      /* in records; that of a total, where there is a delta too */
	size_t wire_offset;    /* in Sysprobe__V1__Connection */
	size_t offset;	       /* in struct connection_facts */
	bool is_wide;	       /* 64 bits in both, else 32 */
	bool is_of_listener;   /* else of a connection */
	bool is_zero_unknown;  /* never measured, whatever known_fields says */
};

extern const struct fact facts_rows[];
extern const size_t facts_n;

/* One of struct connection_counters. */
struct counter {
	unsigned int field;
	const char *name;
	const char *total_name;
	size_t offset;
};

#define FACTS_N_COUNTERS 5
extern const struct counter facts_counters[FACTS_N_COUNTERS];

/*
 * Every fact that `record` knows; `known` gets no bit of a value that makes no
 * sense, or that this table does not have.
 */
struct connection_facts facts_read(const Sysprobe__V1__Connection *record);

/*
 * Drops by reason, equal ones as one; names are borrowed from `record`. What has no
 * name, or no place, is added to "OTHER". Returns how many.
 */
size_t facts_read_drops(const Sysprobe__V1__Connection *record,
			struct connection_drop ret[CONNECTION_MAX_DROP_REASONS]);

/* False, `ret` untouched: not known of this connection. */
bool facts_get(const struct fact *fact, const struct connection_facts *of, uint64_t *ret);

/* "local", "ESTABLISHED"; NULL for a fact that is no text. */
const char *facts_text(const struct fact *fact, uint64_t value);

bool facts_has_counter(const struct counter *counter, const struct connection_facts *of);
uint64_t facts_get_counter(const struct counter *counter, const struct connection_counters *of);
uint64_t *facts_counter_in(const struct counter *counter, struct connection_counters *of);
