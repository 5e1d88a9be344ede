/* SPDX-License-Identifier: Apache-2.0 */
#include "recent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(item) ((item)->is_out_of_memory = true)
#include <uthash.h>

#include "pipeline/delta.h"
#include "tags/tag_sets.h"
#include "texts.h"

#define POLLS_UNTIL_VANISHED 2

struct item {
	union {
		UT_hash_handle hh;	    /* open: by record.id */
		TAILQ_ENTRY(item) entry; /* ended */
	};
	struct recent_record record;
	uint32_t n_users; /* the store is one */
	uint32_t seen_poll;
	bool is_out_of_memory; /* could not be linked in */
};

TAILQ_HEAD(item_list, item);

struct recent {
	struct item *open;
	struct item_list ended;
	struct texts *texts;
	size_t max_records;
	const char *instance; /* of the texts */
	uint64_t now_unix_ns;
	uint32_t poll;
	struct recent_stats stats;
};

static struct item *item_of(const struct recent_record *record)
{
	return (struct item *)((uintptr_t)record - offsetof(struct item, record));
}

struct recent *recent_new(size_t max_records)
{
	struct recent *recent = calloc(1, sizeof(*recent));

	if (!recent)
		return NULL;
	recent->max_records = max_records;
	recent->poll = 1;
	TAILQ_INIT(&recent->ended);
	recent->texts = texts_new();
	if (recent->texts)
		return recent;
	free(recent);
	return NULL;
}

static void release(struct recent *recent, struct item *item)
{
	if (--item->n_users > 0)
		return;
	for (size_t i = 0; i < RECENT_N_TEXTS; i++)
		texts_release(recent->texts, item->record.texts[i]);
	texts_release(recent->texts, item->record.probe_instance);
	tag_set_release(item->record.tags);
	tag_set_release(item->record.remote_tags);
	free(item);
}

static void remove_open(struct recent *recent, struct item *item)
{
	HASH_DEL(recent->open, item);
	recent->stats.n_open--;
	release(recent, item);
}

static void remove_ended(struct recent *recent, struct item *item)
{
	TAILQ_REMOVE(&recent->ended, item, entry);
	recent->stats.n_ended--;
	release(recent, item);
}

static void remove_all(struct recent *recent)
{
	struct item *item, *next;

	HASH_ITER(hh, recent->open, item, next)
		remove_open(recent, item);
	while (!TAILQ_EMPTY(&recent->ended))
		remove_ended(recent, TAILQ_FIRST(&recent->ended));
}

void recent_free(struct recent *recent)
{
	if (!recent)
		return;
	remove_all(recent);
	texts_free(recent->texts);
	free(recent);
}

/* Numbers that are the probe's own begin anew with it. */
static void change_instance(struct recent *recent, const char *instance)
{
	struct item *item, *next;

	texts_release(recent->texts, recent->instance);
	recent->instance = texts_take(recent->texts, instance);
	HASH_ITER(hh, recent->open, item, next)
		if (item->record.id & DELTA_OWN_ID_BIT)
			remove_open(recent, item);
}

void recent_begin(struct recent *recent, const struct interval *interval)
{
	recent->now_unix_ns = interval->end_unix_ns;
	if (!recent->instance || strcmp(recent->instance, interval->probe_instance) != 0)
		change_instance(recent, interval->probe_instance);
}

static bool is_equal(const char *a, const char *b)
{
	return a && b && *b ? strcmp(a, b) == 0 : !a && (!b || !*b);
}

/* Without memory the text is unknown. */
static void set_text(struct recent *recent, const char **place, const char *text)
{
	const char *before = *place;

	if (before == text || is_equal(before, text))
		return;
	*place = texts_take(recent->texts, text);
	texts_release(recent->texts, before);
}

static void set_texts(struct recent *recent, struct recent_record *record,
		      const struct connection *connection)
{
	const struct connection_owner *owner = &connection->owner;
	const char *const texts[RECENT_N_TEXTS] = {
		[RECENT_COMM] = connection->comm,
		[RECENT_EXECUTABLE] = owner->executable,
		[RECENT_COMMAND_LINE] = owner->command_line,
		[RECENT_USER] = owner->user,
		[RECENT_CONTAINER_ID] = owner->container_id,
		[RECENT_POD_UID] = owner->pod_uid,
		[RECENT_SYSTEMD_UNIT] = owner->systemd_unit,
		[RECENT_REMOTE_CONTAINER_ID] = connection->remote_container_id,
	};

	for (size_t i = 0; i < RECENT_N_TEXTS; i++)
		set_text(recent, &record->texts[i], texts[i]);
	set_text(recent, &record->probe_instance, recent->instance);
	record->container_runtime = owner->container_runtime;
}

static void set_tags(const struct tag_set **place, const struct tag_set *tags)
{
	const struct tag_set *before = *place;

	if (before == tags)
		return;
	*place = tag_set_hold(tags);
	tag_set_release(before);
}

static void set_record(struct recent *recent, struct recent_record *record,
		       const struct connection *connection)
{
	set_texts(recent, record, connection);
	set_tags(&record->tags, connection->tags);
	set_tags(&record->remote_tags, connection->remote_tags);
	record->id = connection->id;
	record->time_unix_ns = recent->now_unix_ns;
	record->process_start_ns = connection->process_start_ns;
	record->process_start_unix_ns = connection->owner.start_unix_ns;
	record->started_unix_ns = connection->started_unix_ns;
	record->established_unix_ns = connection->established_unix_ns;
	record->accepted_unix_ns = connection->accepted_unix_ns;
	record->closed_unix_ns = connection->closed_unix_ns;
	record->facts = connection->facts;
	record->owner_is_listener = connection->owner_is_listener;
	record->total = connection->total;
	memcpy(record->local_address, connection->local_address, 16);
	memcpy(record->remote_address, connection->remote_address, 16);
	record->pid = connection->pid;
	record->netns = connection->netns;
	record->error = connection->error;
	record->rtt_us = connection->rtt_us;
	record->rtt_var_us = connection->rtt_var_us;
	record->local_port = connection->local_port;
	record->remote_port = connection->remote_port;
	record->protocol = (uint8_t)connection->protocol;
	record->family = (uint8_t)connection->family;
	record->state = (uint8_t)connection->state;
	record->role = (uint8_t)connection->role;
	record->direction = (uint8_t)connection->direction;
	record->has_rtt = connection->has_rtt;
}

static bool make_room(struct recent *recent)
{
	if (recent->stats.n_open + recent->stats.n_ended < recent->max_records)
		return true;
	if (TAILQ_EMPTY(&recent->ended))
		return false;
	recent->stats.n_evicted++;
	remove_ended(recent, TAILQ_FIRST(&recent->ended));
	return true;
}

/* NULL: no room or no memory. */
static struct item *add_item(struct recent *recent, uint64_t id, bool is_open)
{
	struct item *item = make_room(recent) ? calloc(1, sizeof(*item)) : NULL;

	if (!item)
		return NULL;
	item->n_users = 1;
	item->record.id = id;
	if (is_open) {
		HASH_ADD(hh, recent->open, record.id, sizeof(item->record.id), item);
		if (item->is_out_of_memory) {
			free(item);
			return NULL;
		}
		recent->stats.n_open++;
	} else {
		TAILQ_INSERT_TAIL(&recent->ended, item, entry);
		recent->stats.n_ended++;
	}
	return item;
}

static struct item *find_open(const struct recent *recent, uint64_t id)
{
	struct item *item;

	HASH_FIND(hh, recent->open, &id, sizeof(id), item);
	return item;
}

static void move_to_ended(struct recent *recent, struct item *item)
{
	HASH_DEL(recent->open, item);
	TAILQ_INSERT_TAIL(&recent->ended, item, entry);
	recent->stats.n_open--;
	recent->stats.n_ended++;
}

void recent_add(struct recent *recent, const struct connection *connection)
{
	bool is_open = connection->state == CONNECTION_OPEN;
	struct item *item = find_open(recent, connection->id);

	if (item && !is_open)
		move_to_ended(recent, item);
	if (!item)
		item = add_item(recent, connection->id, is_open);
	if (!item) {
		recent->stats.n_not_kept++;
		return;
	}
	item->seen_poll = recent->poll;
	set_record(recent, &item->record, connection);
}

void recent_polled(struct recent *recent)
{
	struct item *item, *next;

	HASH_ITER(hh, recent->open, item, next)
		if (recent->poll - item->seen_poll >= POLLS_UNTIL_VANISHED)
			remove_open(recent, item);
	recent->poll++;
}

void recent_for_each(const struct recent *recent, recent_on_record on_record, void *context)
{
	const struct item *item;

	TAILQ_FOREACH(item, &recent->ended, entry)
		on_record(&item->record, context);
	for (item = recent->open; item; item = item->hh.next)
		on_record(&item->record, context);
}

const struct recent_record *recent_hold(struct recent *recent, const struct recent_record *record)
{
	(void)recent; /* it says whose record it is */
	item_of(record)->n_users++;
	return record;
}

void recent_release(struct recent *recent, const struct recent_record *record)
{
	release(recent, item_of(record));
}

void recent_to_connection(const struct recent_record *record, struct connection *ret,
			  struct interval *ret_interval)
{
	*ret_interval = (struct interval){.end_unix_ns = record->time_unix_ns,
					  .probe_instance = record->probe_instance};
	*ret = (struct connection){
		.id = record->id,
		.protocol = record->protocol,
		.family = record->family,
		.state = record->state,
		.role = record->role,
		.direction = record->direction,
		.local_port = record->local_port,
		.remote_port = record->remote_port,
		.netns = record->netns,
		.error = record->error,
		.pid = record->pid,
		.process_start_ns = record->process_start_ns,
		.comm = record->texts[RECENT_COMM],
		.owner = {.executable = record->texts[RECENT_EXECUTABLE],
			  .command_line = record->texts[RECENT_COMMAND_LINE],
			  .user = record->texts[RECENT_USER],
			  .start_unix_ns = record->process_start_unix_ns,
			  .container_id = record->texts[RECENT_CONTAINER_ID],
			  .container_runtime = record->container_runtime,
			  .pod_uid = record->texts[RECENT_POD_UID],
			  .systemd_unit = record->texts[RECENT_SYSTEMD_UNIT]},
		.tags = record->tags,
		.remote_tags = record->remote_tags,
		.remote_container_id = record->texts[RECENT_REMOTE_CONTAINER_ID],
		.total = record->total,
		.has_rtt = record->has_rtt,
		.rtt_us = record->rtt_us,
		.rtt_var_us = record->rtt_var_us,
		.started_unix_ns = record->started_unix_ns,
		.established_unix_ns = record->established_unix_ns,
		.accepted_unix_ns = record->accepted_unix_ns,
		.closed_unix_ns = record->closed_unix_ns,
		.facts = record->facts,
		.owner_is_listener = record->owner_is_listener,
	};
	memcpy(ret->local_address, record->local_address, 16);
	memcpy(ret->remote_address, record->remote_address, 16);
}

struct recent_stats recent_get_stats(const struct recent *recent)
{
	struct recent_stats stats = recent->stats;

	stats.n_texts = texts_n(recent->texts);
	return stats;
}
