/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest.h"

#include "convert.h"
#include "direction.h"
#include "enrich/enrich.h"
#include "enrich/tagger.h"
#include "exporters/exporters.h"
#include "host_pairs.h"
#include "listeners.h"
#include "local_ends.h"
#include "log.h"
#include "state_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIER_SIZE 32

struct ingest {
	struct enricher *enricher;
	struct tagger *tagger;
	struct exporters *exporters;
	struct state_store store;
	struct listeners *listeners;
	struct host_pairs *pairs;
	struct local_ends *ends;
	uint64_t process_next; /* not saved: the table of processes is in memory only */

	enum ingest_stream stream;
	uint64_t stream_next; /* where its trailer says to go on; 0: none */
	uint64_t processes_read_ns; /* CLOCK_BOOTTIME: all processes until then are known */
	uint64_t held_from; /* closed log: first record that is left for the next read; 0: none */
	struct overflow_sum held; /* what those from it on add up to */
	int64_t boot_to_unix_ns;
	uint64_t now_boottime_ns;
	uint64_t now_unix_ns;
	char tier[TIER_SIZE];

	struct interval interval;
	char interval_instance[33];
	bool has_interval;
	bool is_reader_gone;
	struct ingest_stats stats;
};

struct ingest *ingest_new(struct enricher *enricher, struct tagger *tagger,
			  struct exporters *exporters, struct history *history,
			  size_t max_connections)
{
	struct ingest *ingest = calloc(1, sizeof(*ingest));

	if (!ingest)
		return NULL;
	ingest->enricher = enricher;
	ingest->tagger = tagger;
	ingest->exporters = exporters;
	ingest->process_next = 1;
	ingest->listeners = listeners_new(LISTENERS_MAX);
	ingest->pairs = host_pairs_new(max_connections);
	ingest->ends = local_ends_new(max_connections);
	if (ingest->listeners && ingest->pairs && ingest->ends &&
	    state_store_init(&ingest->store, history, max_connections) == 0)
		return ingest;
	ingest_free(ingest);
	return NULL;
}

void ingest_free(struct ingest *ingest)
{
	if (!ingest)
		return;
	state_store_deinit(&ingest->store);
	listeners_free(ingest->listeners);
	host_pairs_free(ingest->pairs);
	local_ends_free(ingest->ends);
	free(ingest);
}

uint64_t ingest_begin_stream(struct ingest *ingest, enum ingest_stream stream)
{
	ingest->stream = stream;
	ingest->stream_next = 0;
	ingest->held_from = 0;
	ingest->held = (struct overflow_sum){0};
	switch (stream) {
	case INGEST_PROCESSES:
		return ingest->process_next;
	case INGEST_CLOSED:
		return ingest->store.positions.closed_next;
	default:
		return 0;
	}
}

/* Exporters log and count their own failures; only this one concerns the pipeline. */
static int note_export(struct ingest *ingest, int r)
{
	ingest->is_reader_gone |= r == -EPIPE;
	return ingest->is_reader_gone ? -EPIPE : 0;
}

static int begin_interval(struct ingest *ingest)
{
	if (ingest->has_interval)
		return 0;
	memcpy(ingest->interval_instance, ingest->store.positions.probe_instance,
	       sizeof(ingest->interval_instance));
	ingest->interval = (struct interval){.end_unix_ns = ingest->now_unix_ns,
					     .probe_instance = ingest->interval_instance,
					     .tier = ingest->tier};
	tagger_fill_interval(ingest->tagger, &ingest->interval);
	ingest->has_interval = true;
	return note_export(ingest, exporters_begin(ingest->exporters, &ingest->interval));
}

static int report_overflow(struct ingest *ingest, const struct overflow *overflow)
{
	int r = begin_interval(ingest);

	return r < 0 ? r
		     : note_export(ingest, exporters_overflow(ingest->exporters, overflow));
}

static struct overflow_sum read_sum(const Sysprobe__V1__Overflow *overflow)
{
	return (struct overflow_sum){.n_connections = overflow->connections,
				     .counters = {.bytes_sent = overflow->bytes_sent,
						  .bytes_received = overflow->bytes_received,
						  .packets_sent = overflow->packets_sent,
						  .packets_received = overflow->packets_received,
						  .retransmits = overflow->retransmits}};
}

/* Sockets of another boot are others; of the same boot they go on. */
static void reset(struct ingest *ingest, const char *instance, const char *boot_id)
{
	if (state_store_is_same_boot(&ingest->store, boot_id)) {
		listeners_carry_over(ingest->listeners);
	} else {
		listeners_clear(ingest->listeners);
		host_pairs_clear(ingest->pairs);
		local_ends_clear(ingest->ends);
	}
	state_store_reset(&ingest->store, instance, boot_id);
}

/* Ends what was begun with the old instance; the stream at hand is given up. */
static int change_instance(struct ingest *ingest, const char *instance, const char *boot_id)
{
	bool is_first = !*ingest->store.positions.probe_instance;
	int r;

	if (is_first) {
		log_info("met system-probe", "instance=%s tier=%s", instance, ingest->tier);
		reset(ingest, instance, boot_id);
		return 0;
	}
	log_info("system-probe was restarted", "instance=%s tier=%s", instance, ingest->tier);
	ingest->stats.n_instances++;
	r = ingest_end_interval(ingest, true);
	reset(ingest, instance, boot_id);
	ingest->process_next = 1;
	return r < 0 ? r : -ERESTART;
}

static void account_process_gap(struct ingest *ingest, const Sysprobe__V1__Header *header)
{
	if (ingest->process_next > 1 && header->first_sequence > ingest->process_next)
		ingest->stats.n_process_lost += header->first_sequence - ingest->process_next;
}

static void read_clock(struct ingest *ingest, const Sysprobe__V1__Header *header)
{
	ingest->boot_to_unix_ns = convert_boot_to_unix(header);
	ingest->now_boottime_ns = header->now_boottime_ns;
	ingest->now_unix_ns = header->now_unix_ns;
	enricher_set_clock(ingest->enricher, ingest->boot_to_unix_ns);
}

static int take_header(struct ingest *ingest, const Sysprobe__V1__Header *header)
{
	char instance[33], boot_id[33];
	int r = 0;

	read_clock(ingest, header);
	(void)snprintf(ingest->tier, sizeof(ingest->tier), "%s", header->tier); /* cut: for the eye */
	convert_instance(header, instance);
	convert_boot_id(header, boot_id);
	if (strcmp(instance, ingest->store.positions.probe_instance) != 0)
		r = change_instance(ingest, instance, boot_id);
	if (r < 0)
		return r;
	if (ingest->stream == INGEST_PROCESSES) {
		account_process_gap(ingest, header);
		ingest->processes_read_ns = header->now_boottime_ns;
	} else if (ingest->stream == INGEST_CONNECTIONS)
		r = begin_interval(ingest);
	return r;
}

static void take_process(struct ingest *ingest, const Sysprobe__V1__Process *process)
{
	int r = enricher_add_process(ingest->enricher, process, ingest->boot_to_unix_ns);

	if (r == -EINVAL)
		ingest->stats.n_invalid++;
	else if (r < 0)
		ingest->stats.n_processes_not_kept++;
}

/* False: handed over before, when the stream was cut after it. */
static bool take_sequence(struct ingest *ingest, uint64_t sequence)
{
	struct history_state *positions = &ingest->store.positions;

	if (sequence <= positions->closed_handed) {
		ingest->stats.n_duplicates++;
		return false;
	}
	ingest->stats.n_closed_lost += sequence - positions->closed_handed - 1;
	positions->closed_handed = sequence;
	return true;
}

static bool belongs_to_stream(const struct ingest *ingest, const Sysprobe__V1__Connection *record)
{
	bool is_live = record->state == SYSPROBE__V1__STATE__STATE_OPEN ||
		       record->state == SYSPROBE__V1__STATE__STATE_LISTENING;

	return is_live == (ingest->stream == INGEST_CONNECTIONS);
}

static int convert(const struct ingest *ingest, const Sysprobe__V1__Connection *record,
		   struct connection *ret)
{
	if (!belongs_to_stream(ingest, record))
		return -EINVAL;
	return convert_connection(record, ingest->boot_to_unix_ns, ret);
}

static int take_listener(struct ingest *ingest, struct connection *listener)
{
	if (!listeners_see(ingest->listeners, listener, ingest->store.positions.polled_unix_ns))
		return 0;
	enricher_fill(ingest->enricher, listener);
	tagger_fill(ingest->tagger, listener);
	return note_export(ingest, exporters_listener(ingest->exporters, listener));
}

/* What other records of the batch depend on; what is invalid is counted later. */
static int look_ahead(struct ingest *ingest, const Sysprobe__V1__Connection *record)
{
	struct connection connection;

	if (convert(ingest, record, &connection) < 0)
		return 0;
	if (connection.state == CONNECTION_LISTENING)
		return take_listener(ingest, &connection);
	host_pairs_see(ingest->pairs, &connection);
	if (host_pairs_has(ingest->pairs, &connection))
		local_ends_note(ingest->ends, &connection);
	return 0;
}

/* Both ends are here: say who has the other. */
static void fill_other(struct ingest *ingest, struct connection *connection)
{
	const struct local_end_owner *owner;
	struct connection other = {.state = CONNECTION_OPEN};

	local_ends_note(ingest->ends, connection);
	owner = local_ends_other(ingest->ends, connection);
	if (!owner)
		return;
	other.pid = owner->pid;
	other.process_start_ns = owner->process_start_ns;
	other.cgroup_id = owner->cgroup_id;
	enricher_fill(ingest->enricher, &other);
	tagger_fill_other(ingest->tagger, connection, &other);
}

static int export_connection(struct ingest *ingest, struct connection *connection)
{
	int r = begin_interval(ingest);
	bool is_local;

	if (r < 0)
		return r;
	is_local = host_pairs_has(ingest->pairs, connection);
	direction_fill(connection, is_local);
	enricher_fill(ingest->enricher, connection);
	tagger_fill(ingest->tagger, connection);
	if (is_local)
		fill_other(ingest, connection);
	ingest->stats.n_connections++;
	return note_export(ingest, exporters_connection(ingest->exporters, connection));
}

/*
 * Closed after the processes were read: its own may have begun in between, so it waits
 * for the next read of both. What follows it waits too, as positions are numbers.
 */
static bool is_held(struct ingest *ingest, const Sysprobe__V1__Connection *record)
{
	struct connection_counters *held = &ingest->held.counters;

	if (record->sequence <= ingest->store.positions.closed_handed ||
	    (!ingest->held_from && record->closed_ns <= ingest->processes_read_ns))
		return false;
	if (!ingest->held_from)
		ingest->held_from = record->sequence;
	ingest->held.n_connections++;
	held->bytes_sent += record->bytes_sent;
	held->bytes_received += record->bytes_received;
	held->packets_sent += record->packets_sent;
	held->packets_received += record->packets_received;
	held->retransmits += record->retransmits;
	return true;
}

static int take_connection(struct ingest *ingest, const Sysprobe__V1__Connection *record)
{
	bool is_closed = ingest->stream == INGEST_CLOSED;
	struct connection connection;

	if (is_closed && is_held(ingest, record))
		return 0;
	if (is_closed && !take_sequence(ingest, record->sequence))
		return 0;
	if (convert(ingest, record, &connection) < 0) {
		ingest->stats.n_invalid++;
		return 0;
	}
	if (connection.state == CONNECTION_LISTENING) /* handed on already */
		return 0;
	if (is_closed) /* an invalid one counts as lost with what the log lost */
		overflow_account_add_closed(ingest->store.account, &connection.total);
	direction_fill_role(&connection, ingest->listeners);
	if (state_store_apply(&ingest->store, &connection) < 0) {
		ingest->stats.n_left_out++;
		return 0;
	}
	return export_connection(ingest, &connection);
}

/* Where to go on, and what all before it add up to, without what waits. */
static uint64_t next_of(const struct ingest *ingest, const Sysprobe__V1__Trailer *trailer)
{
	return ingest->held_from ? ingest->held_from : trailer->next_sequence;
}

static struct overflow_sum sum_before_next(const struct ingest *ingest,
					   const Sysprobe__V1__Trailer *trailer)
{
	const struct overflow_sum *held = &ingest->held;
	struct overflow_sum sum = {0};

	if (!trailer->before_next)
		return sum;
	sum = read_sum(trailer->before_next);
	sum.n_connections -= held->n_connections;
	sum.counters.bytes_sent -= held->counters.bytes_sent;
	sum.counters.bytes_received -= held->counters.bytes_received;
	sum.counters.packets_sent -= held->counters.packets_sent;
	sum.counters.packets_received -= held->counters.packets_received;
	sum.counters.retransmits -= held->counters.retransmits;
	return sum;
}

/* The log's own total against what was read of it: the rest was evicted before. */
static int account_closed_log(struct ingest *ingest, const Sysprobe__V1__Trailer *trailer)
{
	struct history_state *positions = &ingest->store.positions;
	struct overflow_sum sum = sum_before_next(ingest, trailer);
	uint64_t next = next_of(ingest, trailer);
	struct overflow overflow;

	if (next > positions->closed_handed + 1) {
		ingest->stats.n_closed_lost += next - positions->closed_handed - 1;
		positions->closed_handed = next - 1;
	}
	if (!overflow_account_add_log(ingest->store.account, &sum, &overflow))
		return 0;
	return report_overflow(ingest, &overflow);
}

static int take_trailer(struct ingest *ingest, const Sysprobe__V1__Trailer *trailer)
{
	int r = ingest->stream == INGEST_CLOSED ? account_closed_log(ingest, trailer) : 0;

	ingest->stream_next = next_of(ingest, trailer);
	for (size_t i = 0; i < trailer->n_overflow && r == 0; i++) {
		struct overflow_sum sum = read_sum(trailer->overflow[i]);
		const char *cause = trailer->overflow[i]->cause;
		struct overflow overflow;

		if (strcmp(cause, OVERFLOW_END_UNSEEN) == 0)
			overflow_account_note_unseen(ingest->store.account, &sum);
		else if (overflow_account_add_total(ingest->store.account, cause, &sum, &overflow))
			r = report_overflow(ingest, &overflow);
	}
	return r;
}

static void refresh_stats(struct ingest *ingest)
{
	const struct host_pairs_stats *pairs = host_pairs_get_stats(ingest->pairs);

	ingest->stats.n_listeners_left_out =
		listeners_get_stats(ingest->listeners)->n_table_full;
	ingest->stats.n_ends_left_out = pairs->n_full + pairs->n_hurried;
	ingest->stats.n_owners_left_out = local_ends_get_stats(ingest->ends)->n_full;
}

int ingest_batch(const Sysprobe__V1__Batch *batch, void *context)
{
	struct ingest *ingest = context;
	int r = batch->header ? take_header(ingest, batch->header) : 0;

	for (size_t i = 0; i < batch->n_processes && r == 0; i++)
		take_process(ingest, batch->processes[i]);
	for (size_t i = 0; i < batch->n_connections && r == 0; i++)
		r = look_ahead(ingest, batch->connections[i]);
	for (size_t i = 0; i < batch->n_connections && r == 0; i++)
		r = take_connection(ingest, batch->connections[i]);
	if (batch->trailer && r == 0)
		r = take_trailer(ingest, batch->trailer);
	refresh_stats(ingest);
	return r;
}

void ingest_end_stream(struct ingest *ingest)
{
	if (ingest->stream_next == 0)
		return;
	if (ingest->stream == INGEST_PROCESSES)
		ingest->process_next = ingest->stream_next;
	else if (ingest->stream == INGEST_CLOSED)
		ingest->store.positions.closed_next = ingest->stream_next;
}

void ingest_end_poll(struct ingest *ingest)
{
	struct overflow overflow;

	state_store_sweep(&ingest->store);
	if (overflow_account_end_poll(ingest->store.account, &overflow))
		(void)report_overflow(ingest, &overflow); /* is_reader_gone outlasts it */
	listeners_sweep(ingest->listeners);
	host_pairs_sweep(ingest->pairs);
	local_ends_sweep(ingest->ends);
	ingest->store.positions.polled_unix_ns = ingest->interval.end_unix_ns;
}

int ingest_end_interval(struct ingest *ingest, bool is_aborted)
{
	bool has_interval = ingest->has_interval;
	int r = 0;

	ingest->has_interval = false;
	ingest->stats.n_aborted += has_interval && is_aborted;
	if (has_interval)
		r = note_export(ingest, exporters_end(ingest->exporters, is_aborted));
	if (has_interval || state_store_has_moved(&ingest->store))
		state_store_commit(&ingest->store);
	return r;
}

bool ingest_has_interval(const struct ingest *ingest)
{
	return ingest->has_interval;
}

uint64_t ingest_now_boottime_ns(const struct ingest *ingest)
{
	return ingest->now_boottime_ns;
}

const struct ingest_stats *ingest_get_stats(const struct ingest *ingest)
{
	return &ingest->stats;
}

struct ingest_probe ingest_get_probe(const struct ingest *ingest)
{
	return (struct ingest_probe){.instance = ingest->store.positions.probe_instance,
				     .tier = ingest->tier,
				     .polled_unix_ns = ingest->store.positions.polled_unix_ns};
}

const struct delta_stats *ingest_get_delta_stats(const struct ingest *ingest)
{
	return delta_get_stats(ingest->store.delta);
}

uint64_t ingest_n_causes_full(const struct ingest *ingest)
{
	return overflow_account_n_causes_full(ingest->store.account);
}
