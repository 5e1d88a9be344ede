/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink/diag_tracker.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/diag_connection.h"
#include "netlink/listener_table.h"
#include "netlink/netns_set.h"
#include "netlink/socket_table.h"

#define SECONDS(n) ((n) * 1000000000ULL)

/* A dump may pass over a socket whose bucket changes meanwhile: two must miss it. */
#define ROUNDS_UNTIL_GIVEN_UP 2
#define GIVE_UP_NS SECONDS(5)
/* Ten times what the rounds (every five seconds, at least) need to give up what was lost. */
#define SETTLE_NS SECONDS(15)
#define FORGET_GIVEN_UP_NS SECONDS(60)
#define MAX_WALKS 3

/* Below it in ids of our own: namespace and cookie, or a count (namespace 0). */
#define TRACKER_ID_BIT (SP_OWN_ID_BIT | 1ULL << 51)
#define COOKIE_BITS 40

struct diag_tracker {
	struct diag_tracker_config config;
	struct socket_table *sockets;
	struct listener_table *listeners;
	uint32_t generation;
	uint64_t now_ns; /* of this round */
	uint64_t last_id;
	struct diag_tracker_stats stats;
};

struct diag_tracker *diag_tracker_new(const struct diag_tracker_config *config)
{
	struct diag_tracker *tracker = calloc(1, sizeof(*tracker));

	if (!tracker)
		return NULL;
	tracker->config = *config;
	tracker->sockets = socket_table_new(config->max_sockets);
	tracker->listeners = listener_table_new(config->max_listening_ports);
	if (!tracker->sockets || !tracker->listeners) {
		diag_tracker_free(tracker);
		return NULL;
	}
	return tracker;
}

void diag_tracker_free(struct diag_tracker *tracker)
{
	if (!tracker)
		return;
	socket_table_free(tracker->sockets);
	listener_table_free(tracker->listeners);
	free(tracker);
}

void diag_tracker_begin(struct diag_tracker *tracker, uint64_t now_ns)
{
	tracker->generation++;
	tracker->now_ns = now_ns;
}

static uint64_t id_of(const struct diag_tracker *tracker, const struct netns *netns,
		      uint64_t cookie)
{
	if (tracker->config.has_global_cookies || netns->number == 1)
		return cookie;
	return TRACKER_ID_BIT | (uint64_t)(netns->number & 0x7ff) << COOKIE_BITS |
	       (cookie & ((1ULL << COOKIE_BITS) - 1));
}

static struct socket_key key_of(const struct netns *netns, const struct diag_socket *socket)
{
	return (struct socket_key){ socket->cookie, netns->inode };
}

static bool is_listener(const struct socket_entry *entry)
{
	return entry->record.state == SP_STATE_LISTENING;
}

static const struct sp_owner *listener_of(const struct diag_tracker *tracker,
					  const struct sp_connection *record)
{
	return listener_table_get(tracker->listeners, record->owner.netns, record->tuple.local_port);
}

/* Until somebody is found who holds the accepted socket itself. */
static void inherit_owner(const struct diag_tracker *tracker, struct sp_connection *record)
{
	const struct sp_owner *owner;
	uint64_t cgroup_id = record->owner.cgroup_id;

	if (record->owner.tgid || record->role != SP_ROLE_SERVER ||
	    record->tuple.protocol != IPPROTO_TCP)
		return;
	owner = listener_of(tracker, record);
	if (!owner || !owner->tgid)
		return;
	record->owner = *owner;
	if (cgroup_id)
		record->owner.cgroup_id = cgroup_id;
	record->owner_is_listener = true;
}

static void finish(struct diag_tracker *tracker, struct sp_connection *record, uint64_t now_ns)
{
	record->closed_ns = now_ns;
	if (record->state == SP_STATE_OPEN)
		record->state = SP_STATE_CLOSED;
	inherit_owner(tracker, record);
	if (record->state == SP_STATE_FAILED && !tracker->config.collect_failed)
		tracker->stats.n_failed_left_out++;
	else
		tracker->config.closed(record, tracker->config.context);
}

/* The end of a connection that only its absence shows: with what was last seen of it. */
static void give_up(struct diag_tracker *tracker, struct socket_entry *entry, uint64_t now_ns)
{
	struct sp_connection record = entry->record;

	entry->is_given_up = true;
	if (entry->state == DIAG_SYN_SENT)
		record.state = SP_STATE_FAILED;
	finish(tracker, &record, now_ns);
}

static bool is_same_connection(const struct socket_entry *entry, const struct diag_socket *socket)
{
	struct sp_tuple tuple = diag_connection_tuple(socket);
	bool is_listening = socket->state == DIAG_LISTEN;

	return memcmp(&tuple, &entry->record.tuple, sizeof(tuple)) == 0 &&
	       is_listening == is_listener(entry);
}

static void fill(struct diag_tracker *tracker, struct socket_entry *entry,
		 const struct diag_socket *socket)
{
	struct sp_connection *record = &entry->record;
	bool is_port = listener_table_get(tracker->listeners, entry->netns->inode,
					  ntohs(socket->id.idiag_sport)) != NULL;

	if (socket->cgroup_id)
		record->owner.cgroup_id = socket->cgroup_id;
	if (socket->protocol != IPPROTO_TCP) {
		record->tuple = diag_connection_tuple(socket);
	} else if (socket->state == DIAG_LISTEN) {
		diag_connection_fill_listener(record, socket);
		/* When it is full, connections of further ports have less to go by. */
		(void)listener_table_set(tracker->listeners, entry->netns->inode,
					 record->tuple.local_port, &record->owner);
	} else {
		enum sp_role role = diag_connection_role(socket, record->role, is_port);

		diag_connection_fill(record, socket, role,
				     diag_connection_peer_fin(socket, role, 0, false) ==
					     DIAG_FIN_YES);
	}
	entry->seen_ns = tracker->now_ns;
	entry->generation = tracker->generation;
	entry->inode = socket->inode;
	entry->state = socket->state;
}

/* A second connection on one socket cannot have its cookie for an id as well. */
static struct socket_entry *new_entry(struct diag_tracker *tracker, struct netns *netns,
				      const struct diag_socket *socket, bool is_second)
{
	struct socket_entry *entry = socket_table_add(tracker->sockets, key_of(netns, socket));
	bool is_first_round = tracker->generation == 1;

	if (!entry) {
		tracker->stats.n_not_kept++;
		return NULL;
	}
	entry->netns = netns;
	entry->record.id = is_second ? TRACKER_ID_BIT | ++tracker->last_id :
				       id_of(tracker, netns, socket->cookie);
	entry->record.owner.netns = netns->inode;
	entry->record.state = SP_STATE_OPEN;
	entry->record.started_ns = is_first_round ? 0 : tracker->now_ns;
	fill(tracker, entry, socket);
	if (is_first_round && !is_listener(entry)) {
		entry->record.is_adopted = true;
		entry->record.before = entry->record.counters;
		entry->record.retransmits_before = entry->record.retransmits;
	}
	return entry;
}

/* Connected, and not only what is left of it in TIME_WAIT. */
static bool is_of_interest(const struct diag_socket *socket)
{
	if (socket->state == DIAG_LISTEN)
		return true;
	if (socket->id.idiag_dport == 0)
		return false;
	return socket->protocol != IPPROTO_TCP || socket->info_size > 0;
}

static void remove_entry(struct diag_tracker *tracker, struct socket_entry *entry, uint64_t now_ns)
{
	if (!is_listener(entry) && !entry->is_given_up)
		give_up(tracker, entry, now_ns);
	socket_table_remove(tracker->sockets, entry);
}

void diag_tracker_see(struct diag_tracker *tracker, struct netns *netns,
		      const struct diag_socket *socket)
{
	struct socket_entry *entry = socket_table_find(tracker->sockets, key_of(netns, socket));
	bool is_second = false;

	if (!is_of_interest(socket))
		return;
	netns->n_sockets++;
	if (entry && !is_same_connection(entry, socket)) {
		is_second = true;
		remove_entry(tracker, entry, tracker->now_ns);
		entry = NULL;
	}
	if (entry)
		fill(tracker, entry, socket);
	else
		(void)new_entry(tracker, netns, socket, is_second); /* counted when it fails */
}

/* Given up long ago, and its notification was one of those lost. */
static bool is_forgettable(const struct socket_entry *entry, uint64_t now_ns)
{
	return entry->is_given_up && entry->netns->lost_ns > entry->seen_ns &&
	       now_ns - entry->seen_ns > FORGET_GIVEN_UP_NS;
}

static void miss(struct diag_tracker *tracker, struct socket_entry *entry)
{
	uint64_t now_ns = tracker->now_ns;
	bool is_tcp = entry->record.tuple.protocol == IPPROTO_TCP;

	if (is_listener(entry) || is_forgettable(entry, now_ns)) {
		socket_table_remove(tracker->sockets, entry);
		return;
	}
	if (entry->is_given_up || tracker->generation - entry->generation < ROUNDS_UNTIL_GIVEN_UP ||
	    now_ns - entry->seen_ns < GIVE_UP_NS)
		return;
	if (is_tcp && entry->netns->lost_ns > entry->seen_ns && entry->netns->n_lost_unsettled > 0) {
		entry->netns->n_lost_unsettled--;
		entry->is_for_lost = true;
	}
	give_up(tracker, entry, now_ns);
	if (!is_tcp) /* nothing announces its end */
		socket_table_remove(tracker->sockets, entry);
}

void diag_tracker_end(struct diag_tracker *tracker)
{
	struct socket_entry *entry;
	size_t cursor = 0;

	while ((entry = socket_table_next(tracker->sockets, &cursor)))
		if (entry->generation != tracker->generation)
			miss(tracker, entry);
		else
			inherit_owner(tracker, &entry->record);
}

static bool has_peer_fin(struct diag_tracker *tracker, struct netns *netns,
			 const struct diag_socket *socket, const struct socket_entry *entry,
			 struct sp_connection *record)
{
	enum diag_fin fin = diag_connection_peer_fin(socket, record->role, entry ? entry->state : 0,
						     entry && entry->inode != 0);

	if (fin != DIAG_FIN_UNLESS_TIME_WAIT)
		return fin == DIAG_FIN_YES;
	/* When the kernel cannot be asked: most of those that nobody read more of were closed here. */
	if (tracker->config.has_time_wait(netns, socket, tracker->config.context) != 0) {
		record->quality.closed_first = SP_SIDE_LOCAL;
		return false;
	}
	record->quality.closed_first = SP_SIDE_REMOTE;
	return true;
}

/* Where the socket itself does not tell, and no dump showed who listens. */
static enum sp_role role_at_end(struct diag_tracker *tracker, struct netns *netns,
				const struct diag_socket *socket, enum sp_role known)
{
	uint16_t port = ntohs(socket->id.idiag_sport);
	bool is_port = listener_table_get(tracker->listeners, netns->inode, port) != NULL;
	enum sp_role role = diag_connection_role(socket, known, is_port);
	const struct sp_owner nobody = { .netns = netns->inode };

	if (is_port || role == SP_ROLE_SERVER ||
	    diag_connection_role(socket, known, true) != SP_ROLE_SERVER ||
	    tracker->config.has_listener(netns, socket, tracker->config.context) != 1)
		return role;
	(void)listener_table_set(tracker->listeners, netns->inode, port, &nobody); /* saves asking */
	return SP_ROLE_SERVER;
}

static void fill_end(struct diag_tracker *tracker, struct netns *netns,
		     const struct diag_socket *socket, const struct socket_entry *entry,
		     struct sp_connection *record)
{
	/* Who closed first stays known; the rest is said anew or not known at the end. */
	record->quality = (struct sp_quality){ .closed_first = record->quality.closed_first };
	record->role = role_at_end(tracker, netns, socket, record->role);
	diag_connection_fill(record, socket, record->role,
			     has_peer_fin(tracker, netns, socket, entry, record));
	record->state = diag_connection_has_failed(socket, record->role) ? SP_STATE_FAILED :
									   SP_STATE_CLOSED;
}

/* Counters only grow, but for a FIN that is recognized the second time. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void add_late(struct diag_tracker *tracker, const struct sp_connection *now,
		     const struct sp_connection *before)
{
	struct sp_overflow *late = &tracker->stats.late;
	const struct sp_counters *a = &now->counters, *b = &before->counters;

	late->counters.bytes_sent += grown(a->bytes_sent, b->bytes_sent);
	late->counters.bytes_received += grown(a->bytes_received, b->bytes_received);
	late->counters.packets_sent += grown(a->packets_sent, b->packets_sent);
	late->counters.packets_received += grown(a->packets_received, b->packets_received);
	late->retransmits += grown(now->retransmits, before->retransmits);
}

/* It did not stand for one that was lost, then. */
static void take_back_lost(struct diag_tracker *tracker, struct netns *netns,
			   const struct socket_entry *entry)
{
	if (!entry->is_for_lost)
		return;
	if (netns->n_lost_unsettled > 0)
		netns->n_lost_unsettled++;
	else
		tracker->stats.lost.connections++;
}

static void end_known(struct diag_tracker *tracker, struct socket_entry *entry,
		      const struct diag_socket *socket, uint64_t now_ns)
{
	struct sp_connection record = entry->record;

	fill_end(tracker, entry->netns, socket, entry, &record);
	if (entry->is_given_up) {
		add_late(tracker, &record, &entry->record);
		take_back_lost(tracker, entry->netns, entry);
	} else {
		finish(tracker, &record, now_ns);
	}
	socket_table_remove(tracker->sockets, entry);
}

static void end_unknown(struct diag_tracker *tracker, struct netns *netns,
			const struct diag_socket *socket, bool is_second, uint64_t now_ns)
{
	struct sp_connection record = {
		.id = is_second ? TRACKER_ID_BIT | ++tracker->last_id :
				  id_of(tracker, netns, socket->cookie),
		.owner = { .netns = netns->inode, .cgroup_id = socket->cgroup_id },
	};

	fill_end(tracker, netns, socket, NULL, &record);
	finish(tracker, &record, now_ns);
}

void diag_tracker_take_end(struct diag_tracker *tracker, struct netns *netns,
			   const struct diag_socket *socket, uint64_t now_ns)
{
	struct socket_entry *entry = socket_table_find(tracker->sockets, key_of(netns, socket));
	bool is_connected = is_of_interest(socket);
	bool is_second = false;

	netns->n_ends += is_connected;
	if (entry && (!is_connected || !is_same_connection(entry, socket))) {
		is_second = true;
		remove_entry(tracker, entry, now_ns);
		entry = NULL;
	}
	if (!is_connected)
		return;
	if (entry)
		end_known(tracker, entry, socket, now_ns);
	else
		end_unknown(tracker, netns, socket, is_second, now_ns);
}

void diag_tracker_take_lost(struct netns *netns, uint64_t n_lost, uint64_t now_ns)
{
	if (n_lost <= netns->n_lost_seen)
		return;
	netns->n_lost_unsettled += n_lost - netns->n_lost_seen;
	netns->n_lost_seen = n_lost;
	netns->lost_ns = now_ns;
}

void diag_tracker_settle_lost(struct diag_tracker *tracker, struct netns *netns, uint64_t now_ns)
{
	if (netns->n_lost_unsettled == 0 || now_ns - netns->lost_ns < SETTLE_NS)
		return;
	tracker->stats.lost.connections += netns->n_lost_unsettled;
	netns->n_lost_unsettled = 0;
}

void diag_tracker_count_missed(struct diag_tracker *tracker, struct netns *netns)
{
	uint64_t n_alive = 0, n_seen;
	const struct socket_entry *entry;
	size_t cursor = 0;

	while ((entry = socket_table_next(tracker->sockets, &cursor)))
		n_alive += entry->netns == netns && !is_listener(entry) &&
			   entry->record.tuple.protocol == IPPROTO_TCP;
	n_seen = n_alive + netns->n_ends;
	if (netns->is_found_late)
		tracker->stats.missed.connections += grown(netns->n_opens, n_seen);
}

void diag_tracker_forget(struct diag_tracker *tracker, const struct netns *netns)
{
	struct socket_entry *entry;
	size_t cursor = 0;

	while ((entry = socket_table_next(tracker->sockets, &cursor)))
		if (entry->netns == netns)
			remove_entry(tracker, entry, tracker->now_ns);
	tracker->stats.lost.connections += netns->n_lost_unsettled;
	listener_table_forget(tracker->listeners, netns->inode);
}

static bool is_sought(const struct socket_entry *entry)
{
	return entry->inode && !entry->is_given_up && entry->n_walks < MAX_WALKS &&
	       (!entry->record.owner.tgid || entry->record.owner_is_listener);
}

int diag_tracker_seek_owners(struct diag_tracker *tracker, struct inode_table *sought)
{
	struct socket_entry *entry;
	size_t cursor = 0;
	int r = 0;

	while (r == 0 && (entry = socket_table_next(tracker->sockets, &cursor)))
		if (is_sought(entry))
			r = inode_table_add(sought, entry->inode, entry);
	inode_table_sort(sought);
	return r;
}

void diag_tracker_set_owner(struct diag_tracker *tracker, void *sought_value,
			    const struct sp_owner *owner)
{
	struct socket_entry *entry = sought_value;
	struct sp_owner *mine = &entry->record.owner;

	if (!is_sought(entry))
		return; /* by an earlier process */
	mine->tgid = owner->tgid;
	mine->process_start_ns = owner->process_start_ns;
	memcpy(mine->comm, owner->comm, sizeof(mine->comm));
	entry->record.owner_is_listener = false;
	if (is_listener(entry))
		(void)listener_table_set(tracker->listeners, mine->netns,
					 entry->record.tuple.local_port, mine); /* there already */
}

void diag_tracker_end_walk(struct diag_tracker *tracker, const struct inode_table *sought,
			   bool is_whole)
{
	(void)tracker;
	for (size_t i = 0; is_whole && i < sought->n_rows; i++)
		((struct socket_entry *)sought->rows[i].value)->n_walks++;
}

const struct sp_connection *diag_tracker_next(const struct diag_tracker *tracker, size_t *cursor)
{
	const struct socket_entry *entry;

	while ((entry = socket_table_next(tracker->sockets, cursor)))
		if (!entry->is_given_up)
			return &entry->record;
	return NULL;
}

const struct diag_tracker_stats *diag_tracker_get_stats(const struct diag_tracker *tracker)
{
	return &tracker->stats;
}
