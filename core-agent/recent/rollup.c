/* SPDX-License-Identifier: Apache-2.0 */
#include "rollup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(group) ((group)->is_out_of_memory = true)
#include <uthash.h>

/* Compared as bytes: without gaps, or with all of them zero. */
struct key {
	const char *name;	 /* container or service; a text of the store */
	const char *remote_name; /* likewise, or of a process; NULL: not known */
	uint64_t process_start_ns;
	uint8_t remote_address[16];
	uint32_t pid, remote_pid;
	uint16_t port;
	uint8_t family, protocol, role;
};

struct group {
	struct key key;
	struct rollup_row row;
	bool is_out_of_memory; /* could not be linked in */
	UT_hash_handle hh;
};

struct rollup {
	struct recent *recent;
	const struct rollup_settings *settings; /* while it is made */
	struct group *groups;
	const struct rollup_row **rows;
	int error;
};

/* False: it has none of what is asked for. */
static bool set_group(const struct rollup_settings *settings, const struct recent_record *record,
		      struct key *key)
{
	switch (settings->by) {
	case ROLLUP_PROCESS:
		key->pid = record->pid;
		key->process_start_ns = record->process_start_ns;
		return record->pid != 0;
	case ROLLUP_CONTAINER:
		key->name = record->texts[RECENT_CONTAINER_ID];
		return key->name;
	default:
		key->name = record->texts[RECENT_SERVICE];
		return key->name;
	}
}

static uint16_t server_port(const struct recent_record *record)
{
	if (record->role == CONNECTION_CLIENT)
		return record->remote_port;
	return record->role == CONNECTION_SERVER ? record->local_port : 0;
}

/* By the same as the local end, where that is known. */
static void set_remote_name(enum rollup_by by, const struct recent_record *record,
			    struct key *key)
{
	static const enum recent_text texts[] = {
		[ROLLUP_PROCESS] = RECENT_REMOTE_COMM,
		[ROLLUP_CONTAINER] = RECENT_REMOTE_CONTAINER_ID,
		[ROLLUP_SERVICE] = RECENT_REMOTE_SERVICE,
	};

	key->remote_name = record->texts[texts[by]];
	key->remote_pid = by == ROLLUP_PROCESS ? record->remote_pid : 0;
}

static void set_remote(const struct recent_record *record, struct key *key)
{
	memcpy(key->remote_address, record->remote_address, 16);
	key->family = record->family;
	key->protocol = record->protocol;
	key->role = record->role;
	key->port = server_port(record);
}

static struct group *add_group(struct rollup *rollup, const struct key *key,
			       const struct recent_record *record)
{
	struct group *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	memcpy(&group->key, key, sizeof(*key)); /* its gaps as well */
	HASH_ADD(hh, rollup->groups, key, sizeof(group->key), group);
	if (group->is_out_of_memory) {
		free(group);
		return NULL;
	}
	group->row.sample = recent_hold(rollup->recent, record);
	memcpy(group->row.remote_address, key->remote_address, 16);
	group->row.family = key->family;
	group->row.protocol = key->protocol;
	group->row.role = key->role;
	group->row.port = key->port;
	return group;
}

static void add_up(struct rollup_row *row, const struct recent_record *record)
{
	row->n_open += record->state == CONNECTION_OPEN;
	row->n_closed += record->state == CONNECTION_CLOSED;
	row->n_failed += record->state == CONNECTION_FAILED;
	row->total.bytes_sent += record->total.bytes_sent;
	row->total.bytes_received += record->total.bytes_received;
	row->total.packets_sent += record->total.packets_sent;
	row->total.packets_received += record->total.packets_received;
	row->total.retransmits += record->total.retransmits;
	if (record->has_rtt && record->rtt_us > row->max_rtt_us)
		row->max_rtt_us = record->rtt_us;
}

static void take(const struct recent_record *record, void *context)
{
	struct rollup *rollup = context;
	struct group *group;
	struct key key;

	memset(&key, 0, sizeof(key));
	if (rollup->error || !filter_matches(rollup->settings->filter, record) ||
	    (!set_group(rollup->settings, record, &key) && !rollup->settings->has_unnamed))
		return;
	if (rollup->settings->has_remote) {
		set_remote(record, &key);
		set_remote_name(rollup->settings->by, record, &key);
	}
	HASH_FIND(hh, rollup->groups, &key, sizeof(key), group);
	if (!group)
		group = add_group(rollup, &key, record);
	if (group)
		add_up(&group->row, record);
	else
		rollup->error = -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	const struct connection_counters *left = &(*(const struct rollup_row *const *)a)->total;
	const struct connection_counters *right = &(*(const struct rollup_row *const *)b)->total;
	uint64_t left_bytes = left->bytes_sent + left->bytes_received;
	uint64_t right_bytes = right->bytes_sent + right->bytes_received;

	return (left_bytes < right_bytes) - (left_bytes > right_bytes);
}

static int sort_rows(struct rollup *rollup)
{
	size_t n = HASH_COUNT(rollup->groups), i = 0;

	rollup->rows = calloc(n + 1, sizeof(struct rollup_row *));
	if (!rollup->rows)
		return -ENOMEM;
	for (const struct group *group = rollup->groups; group; group = group->hh.next)
		rollup->rows[i++] = &group->row;
	qsort(rollup->rows, n, sizeof(*rollup->rows), compare);
	return 0;
}

int rollup_new(struct recent *recent, const struct rollup_settings *settings,
	       struct rollup **ret)
{
	struct rollup *rollup = calloc(1, sizeof(*rollup));
	int r;

	if (!rollup)
		return -ENOMEM;
	rollup->recent = recent;
	rollup->settings = settings;
	recent_for_each(recent, take, rollup);
	r = rollup->error ? rollup->error : sort_rows(rollup);
	rollup->settings = NULL;
	if (r < 0)
		rollup_free(rollup);
	else
		*ret = rollup;
	return r;
}

void rollup_free(struct rollup *rollup)
{
	struct group *group, *next;

	if (!rollup)
		return;
	HASH_ITER(hh, rollup->groups, group, next) {
		HASH_DEL(rollup->groups, group);
		recent_release(rollup->recent, group->row.sample);
		free(group);
	}
	free(rollup->rows);
	free(rollup);
}

size_t rollup_n(const struct rollup *rollup)
{
	return HASH_COUNT(rollup->groups);
}

const struct rollup_row *rollup_get(const struct rollup *rollup, size_t i)
{
	return rollup->rows[i];
}
