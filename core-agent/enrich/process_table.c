/* SPDX-License-Identifier: Apache-2.0 */
#include "process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "fast_hash.h"
#include "process_update.h"
#include "procfs.h"

struct key {
	uint64_t start_ns;
	uint64_t tgid;
};

TAILQ_HEAD(entry_list, entry);

struct entry {
	struct process process; /* first: a process is its entry */
	struct key key;
	UT_hash_handle hh; /* behind the key, which is read with it */
	unsigned int handed_out; /* bit per string */
	uint64_t used_ns;        /* of the tick after the last use; 0: new */
	struct entry_list *list; /* one of the three of its table */
	TAILQ_ENTRY(entry) link;
	struct entry *older; /* started before under the same tgid */
	UT_hash_handle hh_newest;
};

struct process_table {
	size_t max_processes;
	struct entry *entries; /* by key */
	struct entry *newest;  /* by tgid: the one that started last */
	struct entry_list living;   /* and reported: not to be forgotten */
	struct entry_list observed; /* living and not reported; by last use */
	struct entry_list ended;    /* by end_ns */
	struct process_graveyard graveyard;
};

struct process_table *process_table_new(size_t max_processes)
{
	struct process_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->max_processes = max_processes;
	TAILQ_INIT(&table->living);
	TAILQ_INIT(&table->observed);
	TAILQ_INIT(&table->ended);
	process_graveyard_init(&table->graveyard, max_processes);
	return table;
}

void process_table_free(struct process_table *table)
{
	struct entry *entry, *next;

	if (!table)
		return;
	HASH_CLEAR(hh_newest, table->newest);
	HASH_ITER(hh, table->entries, entry, next) {
		HASH_DELETE(hh, table->entries, entry);
		(void)process_strings_release(entry->process.strings, 0, &table->graveyard);
		free(entry);
	}
	process_graveyard_empty(&table->graveyard);
	free(table);
}

static void leave_list(struct entry *entry)
{
	if (entry->list)
		TAILQ_REMOVE(entry->list, entry, link);
	entry->list = NULL;
}

static void move_to_tail(struct entry_list *list, struct entry *entry)
{
	leave_list(entry);
	TAILQ_INSERT_TAIL(list, entry, link);
	entry->list = list;
}

/* Ends arrive nearly in order: the place is near the tail. */
static void end_process(struct process_table *table, struct entry *entry, uint64_t end_ns)
{
	struct entry *before;

	leave_list(entry);
	entry->process.end_ns = end_ns;
	TAILQ_FOREACH_REVERSE(before, &table->ended, entry_list, link)
		if (before->process.end_ns <= end_ns)
			break;
	if (before)
		TAILQ_INSERT_AFTER(&table->ended, before, entry, link);
	else
		TAILQ_INSERT_HEAD(&table->ended, entry, link);
	entry->list = &table->ended;
}

/* Index by tgid: a chain from the youngest to the oldest. */

static struct entry *newest_of(const struct process_table *table, uint32_t tgid)
{
	uint64_t key = tgid;
	struct entry *entry;

	HASH_FIND(hh_newest, table->newest, &key, sizeof(key), entry);
	return entry;
}

/* If memory lacks, the chain is lost to look-ups by tgid; `entries` still owns it. */
static void set_newest(struct process_table *table, struct entry *old, struct entry *new)
{
	if (old)
		HASH_DELETE(hh_newest, table->newest, old);
	if (new)
		HASH_ADD(hh_newest, table->newest, key.tgid, sizeof(new->key.tgid), new);
}

static void chain(struct process_table *table, struct entry *entry)
{
	struct entry *head = newest_of(table, entry->process.tgid);
	struct entry *younger = NULL;
	struct entry *older = head;

	while (older && older->process.start_ns > entry->process.start_ns) {
		younger = older;
		older = older->older;
	}
	entry->older = older;
	if (younger)
		younger->older = entry;
	else
		set_newest(table, head, entry);
	if (older && !older->process.end_ns)
		end_process(table, older, entry->process.start_ns);
	if (younger && !entry->process.end_ns)
		end_process(table, entry, younger->process.start_ns);
}

static void unchain(struct process_table *table, struct entry *entry)
{
	struct entry *at = newest_of(table, entry->process.tgid);

	if (at == entry)
		set_newest(table, entry, entry->older);
	while (at && at->older != entry)
		at = at->older;
	if (at)
		at->older = entry->older;
}

/* Entries. */

static struct entry *find_exactly(const struct process_table *table, uint32_t tgid,
				  uint64_t start_ns)
{
	struct key key = { .start_ns = start_ns, .tgid = tgid };
	struct entry *entry;

	HASH_FIND(hh, table->entries, &key, sizeof(key), entry);
	return entry;
}

/* Of a process older than itself the probe knows the start as /proc has it, rounded down. */
static struct entry *find_entry(const struct process_table *table, uint32_t tgid, uint64_t start_ns)
{
	struct entry *entry = find_exactly(table, tgid, start_ns);

	return entry ? entry : find_exactly(table, tgid, procfs_round_start(start_ns));
}

static int forget(struct process_table *table, struct entry *entry)
{
	int r = process_strings_release(entry->process.strings, entry->handed_out,
					&table->graveyard);

	if (r < 0)
		return r;
	leave_list(entry);
	unchain(table, entry);
	HASH_DELETE(hh, table->entries, entry);
	free(entry);
	return 0;
}

static int make_room(struct process_table *table)
{
	struct entry *oldest = TAILQ_FIRST(&table->ended);

	if (HASH_CNT(hh, table->entries) < table->max_processes)
		return 0;
	if (!oldest)
		oldest = TAILQ_FIRST(&table->observed);
	return oldest ? forget(table, oldest) : -ENOSPC;
}

static int add(struct process_table *table, const Sysprobe__V1__Process *record,
	       struct entry **ret)
{
	struct entry *entry;
	int r = make_room(table);

	if (r < 0)
		return r;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->process.tgid = record->tgid;
	entry->process.start_ns = record->start_ns;
	entry->key = (struct key){ .start_ns = record->start_ns, .tgid = record->tgid };
	HASH_ADD(hh, table->entries, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	move_to_tail(&table->observed, entry);
	chain(table, entry);
	*ret = entry;
	return 0;
}

static int find_or_add(struct process_table *table, const Sysprobe__V1__Process *record,
		       struct entry **ret)
{
	if (!record->tgid || !record->start_ns)
		return -EINVAL;
	*ret = find_entry(table, record->tgid, record->start_ns);
	return *ret ? 0 : add(table, record, ret);
}

static int apply(struct process_table *table, struct entry *entry, struct process_change *change)
{
	bool has_service = change->mask & 1u << PROCESS_SERVICE;
	int r = process_change_apply(change, entry->process.strings, &entry->handed_out,
				     &table->graveyard);

	if (r == 0 && has_service)
		entry->process.service_source = change->service_source;
	return r;
}

static const struct process *living_parent(const struct process_table *table,
					   const struct process *child)
{
	const struct entry *at = newest_of(table, child->parent_tgid);

	while (at && at->process.start_ns > child->start_ns)
		at = at->older;
	if (!at || (at->process.end_ns && at->process.end_ns < child->start_ns))
		return NULL;
	return &at->process;
}

static void set_reported(struct process_table *table, struct entry *entry)
{
	entry->process.is_reported = true;
	if (entry->list == &table->observed)
		move_to_tail(&table->living, entry);
}

static int apply_start(struct process_table *table, struct entry *entry,
		       const Sysprobe__V1__Process *record)
{
	struct process_change change = { .mask = 0 };
	int r;

	process_update_start(&entry->process, record, &change);
	r = apply(table, entry, &change);
	if (r < 0)
		entry->process.is_procfs_read = false;
	return r;
}

static int apply_exit(struct process_table *table, struct entry *entry,
		      const Sysprobe__V1__Process *record)
{
	struct process *process = &entry->process;
	struct process_change change = { .mask = 0 };

	process_update_unknown(process, record);
	process_update_exit(process, living_parent(table, process), record, &change);
	end_process(table, entry, record->time_ns ? record->time_ns : process->start_ns);
	return apply(table, entry, &change);
}

int process_table_record(struct process_table *table, const Sysprobe__V1__Process *record)
{
	struct entry *entry;
	int r = find_or_add(table, record, &entry);

	if (r < 0)
		return r;
	set_reported(table, entry);
	if (record->event == SYSPROBE__V1__PROCESS__EVENT__EVENT_EXIT)
		return apply_exit(table, entry, record);
	return apply_start(table, entry, record);
}

int process_table_observe(struct process_table *table, const Sysprobe__V1__Process *record,
			  struct process_observation observation)
{
	struct process_change change = { .mask = 0 };
	struct process *process;
	struct entry *entry;
	int r = find_or_add(table, record, &entry);

	if (r < 0)
		return r;
	process = &entry->process;
	process_update_unknown(process, record);
	process_update_observe(process, living_parent(table, process), record, observation,
			       &change);
	r = apply(table, entry, &change);
	process->is_procfs_read = r == 0;
	return r;
}

/* The caller's `process` is one of `table`'s own entries, which it may write to. */
static struct entry *entry_of(const struct process *process)
{
	return (struct entry *)(uintptr_t)process;
}

int process_table_set_container(struct process_table *table, const struct process *process,
				const struct container_id *container)
{
	struct entry *entry = entry_of(process);
	struct process_change change = { .mask = 0 };
	int r;

	process_change_set_text(&change, PROCESS_CONTAINER_ID, container->id);
	process_change_set_text(&change, PROCESS_POD_UID, container->pod_uid);
	process_change_set_unit(&change, container->systemd_unit);
	r = apply(table, entry, &change);
	if (r < 0)
		return r;
	entry->process.container_runtime = container->runtime;
	entry->process.is_container_resolved = true;
	return 0;
}

const struct process *process_table_find(const struct process_table *table, uint32_t tgid,
					 uint64_t start_ns)
{
	const struct entry *entry = find_entry(table, tgid, start_ns);

	return entry ? &entry->process : NULL;
}

const struct process *process_table_find_between(const struct process_table *table, uint32_t tgid,
						 uint64_t from_ns, uint64_t to_ns)
{
	const struct entry *at = newest_of(table, tgid);

	while (at && at->process.start_ns >= to_ns)
		at = at->older;
	return at && at->process.start_ns >= from_ns ? &at->process : NULL;
}

const struct process *process_table_next_living(struct process_table *table)
{
	struct entry *entry = TAILQ_FIRST(&table->living);

	if (!entry)
		return NULL;
	move_to_tail(&table->living, entry);
	return &entry->process;
}

void process_table_end(struct process_table *table, const struct process *process, uint64_t end_ns)
{
	end_process(table, entry_of(process), end_ns);
}

void process_table_hand_out(struct process_table *table, const struct process *process)
{
	struct entry *entry = entry_of(process);

	if (entry->list == &table->observed && !entry->handed_out)
		move_to_tail(&table->observed, entry);
	entry->handed_out = PROCESS_ALL_STRINGS;
}

void process_table_tick(struct process_table *table, uint64_t now_ns, uint64_t keep_ns)
{
	struct entry *entry, *next;

	process_graveyard_empty(&table->graveyard);
	HASH_ITER(hh, table->entries, entry, next) {
		uint64_t last_ns;

		if (entry->handed_out || !entry->used_ns)
			entry->used_ns = now_ns;
		entry->handed_out = 0;
		last_ns = entry->process.end_ns ? entry->process.end_ns : entry->used_ns;
		if (entry->list != &table->living && last_ns < now_ns && now_ns - last_ns > keep_ns)
			(void)forget(table, entry); /* cannot fail: nothing is handed out */
	}
}

size_t process_table_n_processes(const struct process_table *table)
{
	return HASH_CNT(hh, table->entries);
}
