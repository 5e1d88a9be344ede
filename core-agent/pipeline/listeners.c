/* SPDX-License-Identifier: Apache-2.0 */
#include "listeners.h"

#include "facts.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) ((element)->is_out_of_memory = true)
#include <uthash.h>

#define POLLS_UNTIL_CLOSED 2

/* Compared as bytes: no padding. */
struct place {
	uint8_t address[16]; /* all zero: any, of either family */
	uint32_t netns;
	uint16_t port;
	uint16_t is_ipv6; /* 0 for any address: an IPv6 socket may take IPv4 as well */
};
_Static_assert(sizeof(struct place) == 24, "place");

/* As many sockets may listen at one place as set SO_REUSEPORT. */
struct port {
	struct place place;
	size_t n_listeners;
	bool is_out_of_memory;
	UT_hash_handle hh;
};

struct slot {
	uint64_t id;
	struct port *port;
	uint64_t dropped_attempts; /* reported */
	uint64_t synack_retransmits;
	uint32_t seen_poll;
	bool is_out_of_memory;
	UT_hash_handle hh;
};

struct listeners {
	struct slot *slots;
	struct port *ports;
	size_t max_listeners;
	uint32_t poll; /* number of the one going on */
	bool is_complete;
	struct listeners_stats stats;
};

struct listeners *listeners_new(size_t max_listeners)
{
	struct listeners *listeners = calloc(1, sizeof(*listeners));

	if (listeners)
		listeners->max_listeners = max_listeners;
	return listeners;
}

static void leave_port(struct listeners *listeners, struct port *port)
{
	if (--port->n_listeners > 0)
		return;
	HASH_DEL(listeners->ports, port);
	free(port);
}

static void remove_slot(struct listeners *listeners, struct slot *slot)
{
	leave_port(listeners, slot->port);
	HASH_DEL(listeners->slots, slot);
	free(slot);
	listeners->stats.n_listeners--;
}

void listeners_clear(struct listeners *listeners)
{
	struct slot *slot, *next;

	HASH_ITER(hh, listeners->slots, slot, next)
		remove_slot(listeners, slot);
	listeners->is_complete = false;
}

void listeners_free(struct listeners *listeners)
{
	if (!listeners)
		return;
	listeners_clear(listeners);
	free(listeners);
}

void listeners_carry_over(struct listeners *listeners)
{
	for (struct slot *slot = listeners->slots; slot; slot = slot->hh.next)
		slot->synack_retransmits = 0;
}

static struct place any_place(const struct connection *of)
{
	return (struct place){.netns = of->netns, .port = of->local_port};
}

static struct place place_of(const struct connection *of)
{
	struct place place = any_place(of);
	static const uint8_t any[16];

	if (memcmp(of->local_address, any, sizeof(any)) == 0)
		return place;
	memcpy(place.address, of->local_address, sizeof(place.address));
	place.is_ipv6 = of->family == CONNECTION_IPV6;
	return place;
}

static struct port *find_port(const struct listeners *listeners, const struct place *place)
{
	struct port *port;

	HASH_FIND(hh, listeners->ports, place, sizeof(*place), port);
	return port;
}

/* NULL: out of memory. */
static struct port *join_port(struct listeners *listeners, const struct place *place)
{
	struct port *port = find_port(listeners, place);

	if (!port) {
		port = calloc(1, sizeof(*port));
		if (!port)
			return NULL;
		port->place = *place;
		HASH_ADD(hh, listeners->ports, place, sizeof(port->place), port);
		if (port->is_out_of_memory) {
			free(port);
			return NULL;
		}
	}
	port->n_listeners++;
	return port;
}

static struct slot *find_slot(const struct listeners *listeners, uint64_t id)
{
	struct slot *slot;

	HASH_FIND(hh, listeners->slots, &id, sizeof(id), slot);
	return slot;
}

/* NULL: no room, or no memory. */
static struct slot *add_slot(struct listeners *listeners, const struct connection *listener)
{
	struct place place = place_of(listener);
	struct slot *slot;

	if (listeners->stats.n_listeners >= listeners->max_listeners)
		return NULL;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->id = listener->id;
	slot->port = join_port(listeners, &place);
	if (slot->port)
		HASH_ADD(hh, listeners->slots, id, sizeof(slot->id), slot);
	if (slot->port && !slot->is_out_of_memory) {
		listeners->stats.n_listeners++;
		return slot;
	}
	if (slot->port)
		leave_port(listeners, slot->port);
	free(slot);
	return NULL;
}

/* A counter that went down, as none of one socket does, begins anew. */
static uint64_t advance(uint64_t *reported, uint64_t total, bool is_known)
{
	uint64_t grown = total > *reported ? total - *reported : 0;

	if (!is_known)
		return 0;
	*reported = total;
	return grown;
}

static struct connection_refusals see_again(struct slot *slot, const struct connection_facts *facts)
{
	return (struct connection_refusals){
		.is_known = true,
		.dropped_attempts = advance(&slot->dropped_attempts, facts->dropped_attempts,
					    facts->known & FACT_BIT(FACT_DROPPED_ATTEMPTS)),
		.synack_retransmits = advance(&slot->synack_retransmits, facts->synack_retransmits,
					      facts->known & FACT_BIT(FACT_SYNACK_RETRANSMITS))};
}

static bool is_new_in(const struct connection *listener, uint64_t since_unix_ns)
{
	return listener->started_unix_ns != 0 && listener->started_unix_ns >= since_unix_ns;
}

bool listeners_see(struct listeners *listeners, struct connection *listener,
		   uint64_t since_unix_ns)
{
	struct slot *slot = find_slot(listeners, listener->id);
	bool is_new = !slot;

	if (is_new)
		slot = add_slot(listeners, listener);
	if (!slot) {
		listeners->stats.n_table_full++;
		return false;
	}
	slot->seen_poll = listeners->poll;
	listener->refusals = see_again(slot, &listener->facts);
	if (is_new)
		listener->refusals.is_known = is_new_in(listener, since_unix_ns);
	return is_new || listener->refusals.dropped_attempts ||
	       listener->refusals.synack_retransmits;
}

bool listeners_has(const struct listeners *listeners, const struct connection *connection)
{
	struct place own = place_of(connection), any = any_place(connection);

	return find_port(listeners, &own) || find_port(listeners, &any);
}

bool listeners_is_complete(const struct listeners *listeners)
{
	return listeners->is_complete;
}

void listeners_sweep(struct listeners *listeners)
{
	struct slot *slot, *next;

	HASH_ITER(hh, listeners->slots, slot, next)
		if (listeners->poll - slot->seen_poll >= POLLS_UNTIL_CLOSED)
			remove_slot(listeners, slot);
	listeners->poll++;
	listeners->is_complete = true;
}

const struct listeners_stats *listeners_get_stats(const struct listeners *listeners)
{
	return &listeners->stats;
}
