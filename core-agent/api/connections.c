/* SPDX-License-Identifier: Apache-2.0 */
#include "api_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/record_json.h"
#include "exporters/record_tags.h"
#include "list.h"
#include "tagging.h"
#include "recent/filter.h"
#include "recent/recent.h"

#define MAX_FIELDS 48
#define FIELD_BYTES 32

typedef uint64_t (*sort_key)(const struct recent_record *record);

struct query {
	struct list_query list;
	struct filter filter;
	sort_key key;
	bool is_ascending;
	char fields[MAX_FIELDS][FIELD_BYTES];
	size_t n_fields; /* 0: all */
	const struct tag_sets *sets; /* whose keys are names of fields too */
};

struct match {
	uint64_t key;
	const struct recent_record *record; /* held */
};

/* While it is filled, a heap with the one that would go first at its top. */
struct matches {
	struct recent *recent;
	struct query query;
	struct match *rows;
	size_t n, capacity;
	size_t n_matched;
	bool is_out_of_memory;
};

static uint64_t key_bytes(const struct recent_record *record)
{
	return record->total.bytes_sent + record->total.bytes_received;
}

static uint64_t key_sent(const struct recent_record *record)
{
	return record->total.bytes_sent;
}

static uint64_t key_received(const struct recent_record *record)
{
	return record->total.bytes_received;
}

static uint64_t key_packets(const struct recent_record *record)
{
	return record->total.packets_sent + record->total.packets_received;
}

static uint64_t key_retransmits(const struct recent_record *record)
{
	return record->total.retransmits;
}

static uint64_t key_rtt(const struct recent_record *record)
{
	return record->has_rtt ? record->rtt_us : 0;
}

static uint64_t key_time(const struct recent_record *record)
{
	return record->time_unix_ns;
}

static uint64_t key_started(const struct recent_record *record)
{
	return record->started_unix_ns;
}

static uint64_t key_duration(const struct recent_record *record)
{
	uint64_t end_ns = record->closed_unix_ns ? record->closed_unix_ns : record->time_unix_ns;

	return record->started_unix_ns && end_ns > record->started_unix_ns
		       ? end_ns - record->started_unix_ns
		       : 0;
}

static uint64_t key_pid(const struct recent_record *record)
{
	return record->pid;
}

static const struct {
	const char *name;
	sort_key key;
} keys[] = {
	{"bytes", key_bytes},	      {"bytes_sent", key_sent},
	{"bytes_received", key_received}, {"packets", key_packets},
	{"retransmits", key_retransmits}, {"rtt", key_rtt},
	{"time", key_time},	      {"started", key_started},
	{"duration", key_duration},   {"pid", key_pid},
};

static bool set_sort(struct query *query, const char *value, struct response *response)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strcmp(keys[i].name, value) == 0) {
			query->key = keys[i].key;
			return true;
		}
	answer_error(response, 400, "sort is one of bytes, bytes_sent, bytes_received, packets, "
				    "retransmits, rtt, time, started, duration, pid");
	return false;
}

static bool set_order(struct query *query, const char *value, struct response *response)
{
	query->is_ascending = strcmp(value, "asc") == 0;
	if (query->is_ascending || strcmp(value, "desc") == 0)
		return true;
	answer_error(response, 400, "order is asc or desc");
	return false;
}

static bool set_fields(struct query *query, const char *value, struct response *response)
{
	while (*value && query->n_fields < MAX_FIELDS) {
		size_t size = strcspn(value, ",");
		char *field = query->fields[query->n_fields];

		(void)snprintf(field, FIELD_BYTES, "%.*s", (int)size, value);
		if (size == 0 || size >= FIELD_BYTES ||
		    (!record_json_has_field(field) &&
		     !record_tags_has_field(query->sets, field))) {
			answer_error(response, 400, "no field is called %.*s", (int)size, value);
			return false;
		}
		query->n_fields++;
		value += size + (value[size] == ',');
	}
	if (query->n_fields > 0 && !*value)
		return true;
	answer_error(response, 400, "fields is a list of 1 to %d names", MAX_FIELDS);
	return false;
}

static bool set_parameter(const char *name, const char *value, void *context,
			  struct response *response)
{
	struct query *query = context;
	const char *allowed = "";
	bool is_bad = false;
	int r;

	if (list_set_query(&query->list, name, value, response, &is_bad))
		return !is_bad;
	if (strcmp(name, "sort") == 0)
		return set_sort(query, value, response);
	if (strcmp(name, "order") == 0)
		return set_order(query, value, response);
	if (strcmp(name, "fields") == 0)
		return set_fields(query, value, response);
	r = filter_set(&query->filter, name, value, &allowed);
	if (r == -ENOENT)
		answer_error(response, 400, "no parameter is called %s here", name);
	else if (r < 0)
		answer_error(response, 400, "%s is %s", name, allowed);
	return r == 0;
}

static bool grow(struct matches *matches)
{
	size_t capacity = matches->capacity ? 2 * matches->capacity : 256;
	struct match *rows = reallocarray(matches->rows, capacity, sizeof(*rows));

	if (!rows)
		return false;
	matches->rows = rows;
	matches->capacity = capacity;
	return true;
}

/* Does `a` stand before `b` in the answer? */
static bool is_before(const struct matches *matches, const struct match *a, const struct match *b)
{
	return matches->query.is_ascending ? a->key < b->key : a->key > b->key;
}

static void swap(struct match *a, struct match *b)
{
	struct match kept = *a;

	*a = *b;
	*b = kept;
}

static void sift_up(struct matches *matches, size_t i)
{
	for (; i > 0; i = (i - 1) / 2) {
		struct match *row = &matches->rows[i], *above = &matches->rows[(i - 1) / 2];

		if (!is_before(matches, above, row))
			return;
		swap(row, above);
	}
}

static void sift_down(struct matches *matches)
{
	for (size_t i = 0, below; (below = 2 * i + 1) < matches->n; i = below) {
		if (below + 1 < matches->n &&
		    is_before(matches, &matches->rows[below], &matches->rows[below + 1]))
			below++;
		if (!is_before(matches, &matches->rows[i], &matches->rows[below]))
			return;
		swap(&matches->rows[i], &matches->rows[below]);
	}
}

static void replace_top(struct matches *matches, struct match *match)
{
	if (!is_before(matches, match, &matches->rows[0]))
		return;
	recent_release(matches->recent, matches->rows[0].record);
	match->record = recent_hold(matches->recent, match->record);
	matches->rows[0] = *match;
	sift_down(matches);
}

static void take(const struct recent_record *record, void *context)
{
	struct matches *matches = context;
	struct match match = {.record = record};

	if (matches->is_out_of_memory || !filter_matches(&matches->query.filter, record))
		return;
	matches->n_matched++;
	match.key = matches->query.key(record);
	if (matches->n == matches->query.list.limit) {
		replace_top(matches, &match);
		return;
	}
	if (matches->n == matches->capacity && !grow(matches)) {
		matches->is_out_of_memory = true;
		return;
	}
	match.record = recent_hold(matches->recent, record);
	matches->rows[matches->n++] = match;
	sift_up(matches, matches->n - 1);
}

static int compare_up(const void *a, const void *b)
{
	const struct match *left = a, *right = b;

	return (left->key > right->key) - (left->key < right->key);
}

static int compare_down(const void *a, const void *b)
{
	return compare_up(b, a);
}

static void matches_free(void *context)
{
	struct matches *matches = context;

	for (size_t i = 0; i < matches->n; i++)
		recent_release(matches->recent, matches->rows[i].record);
	free(matches->rows);
	free(matches);
}

static json_t *pick(json_t *record, const struct query *query)
{
	json_t *picked = json_object();

	for (size_t i = 0; record && picked && i < query->n_fields; i++) {
		json_t *value = json_object_get(record, query->fields[i]);

		if (value)
			(void)json_object_set(picked, query->fields[i], value);
	}
	json_decref(record);
	return picked;
}

static json_t *item(size_t i, void *context)
{
	const struct matches *matches = context;
	struct connection connection;
	struct interval interval;
	json_t *record;

	recent_to_connection(matches->rows[i].record, &connection, &interval);
	record = record_json_totals(&connection, &interval);
	return matches->query.n_fields ? pick(record, &matches->query) : record;
}

/* NULL: `response` says why. */
static struct matches *find_matches(struct api *api, const struct api_request *request,
				    struct response *response)
{
	struct matches *matches = calloc(1, sizeof(*matches));

	if (!matches) {
		answer_error(response, 500, "out of memory");
		return NULL;
	}
	matches->recent = api->parts.recent;
	matches->query = (struct query){.list.limit = LIST_DEFAULT_LIMIT,
					.key = key_bytes,
					.sets = tagging_sets(api->parts.tagging)};
	if (!answer_parameters(request, set_parameter, &matches->query, response)) {
		matches_free(matches);
		return NULL;
	}
	recent_for_each(api->parts.recent, take, matches);
	if (matches->is_out_of_memory) {
		matches_free(matches);
		answer_error(response, 500, "out of memory");
		return NULL;
	}
	if (matches->n > 0)
		qsort(matches->rows, matches->n, sizeof(*matches->rows),
		      matches->query.is_ascending ? compare_up : compare_down);
	return matches;
}

void connections_get(struct api *api, const struct api_request *request,
		     struct response *response)
{
	struct matches *matches = find_matches(api, request, response);
	struct recent_stats stats = recent_get_stats(api->parts.recent);
	struct list list = {.name = "connections", .item = item, .free = matches_free,
			    .context = matches};

	if (!matches)
		return;
	list.n = matches->n;
	list_answer(api, &list, &matches->query.list,
		    json_pack("{s:I, s:I, s:I, s:I, s:I}", "matched",
			      (json_int_t)matches->n_matched, "shown", (json_int_t)list.n, "open",
			      (json_int_t)stats.n_open, "ended", (json_int_t)stats.n_ended,
			      "not_kept", (json_int_t)stats.n_not_kept),
		    response);
}
