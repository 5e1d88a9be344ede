/* SPDX-License-Identifier: Apache-2.0 */
/* What has tags, and which source said them: for "why is this name missing?". */
#include "api_internal.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "list.h"
#include "sources/source_health.h"
#include "sources/sources.h"
#include "tagging.h"
#include "tags/entities.h"
#include "tags/tag_sets.h"

#define NS_PER_MS 1000000
#define SEARCH_BYTES 256

struct query {
	struct list_query list;
	const char *kind; /* NULL: any; static */
	char search[SEARCH_BYTES];
};

/* The sets are held, as entities may change while the answer is read. */
struct row {
	enum entity_kind kind;
	char id[ENTITY_ID_SIZE];
	const struct tag_set *merged;
	const struct tag_set *from[ENTITY_N_SOURCES];
};

struct rows {
	struct entities *entities;
	const struct query *query; /* while they are gathered */
	struct row *rows;
	size_t n, n_matched;
};

static json_t *tags_json(const struct tag_set *tags)
{
	json_t *array = json_array();

	for (size_t i = 0; i < tag_set_n(tags); i++)
		(void)json_array_append_new(array, json_string_nocheck(tag_set_get(tags, i)));
	return array;
}

static json_t *source_json(const struct source_health *health)
{
	json_t *object = json_pack("{s:s, s:s, s:I, s:I}", "name", health->name, "state",
				   source_state_name(health->state), "answers",
				   (json_int_t)health->n_answers, "failures",
				   (json_int_t)health->n_failures);

	if (health->detail[0])
		(void)json_object_set_new(object, "detail", json_string(health->detail));
	if (health->last_answer_ns)
		(void)json_object_set_new(object, "last_answer_ms_ago",
					  json_integer((json_int_t)((clock_monotonic_ns() -
								     health->last_answer_ns) /
								    NS_PER_MS)));
	return object;
}

json_t *tagger_sources_json(const struct api *api)
{
	const struct sources *sources = tagging_sources(api->parts.tagging);
	json_t *array = json_array();

	for (size_t i = 0; sources_health(sources, i); i++)
		(void)json_array_append_new(array, source_json(sources_health(sources, i)));
	return array;
}

static bool has(const struct tag_set *tags, const char *part)
{
	for (size_t i = 0; i < tag_set_n(tags); i++)
		if (strstr(tag_set_get(tags, i), part))
			return true;
	return false;
}

static bool is_wanted(const struct query *query, const struct entity *entity,
		      const struct tag_set *tags)
{
	if (query->kind && strcmp(query->kind, entity_kind_name(entity_kind(entity))) != 0)
		return false;
	return strstr(entity_id(entity), query->search) || has(tags, query->search);
}

static void fill(struct row *row, const struct entity *entity, const struct tag_set *tags)
{
	row->kind = entity_kind(entity);
	strcpy(row->id, entity_id(entity)); /* of ENTITY_ID_SIZE too */
	row->merged = tag_set_hold(tags);
	for (int i = 0; i < ENTITY_N_SOURCES; i++)
		row->from[i] =
			tag_set_hold(entity_tags_from(entity, (enum entity_source)i));
}

static void take(const struct entity *entity, void *context)
{
	struct rows *rows = context;
	const struct tag_set *tags = entities_tags(rows->entities, entity);

	if (!is_wanted(rows->query, entity, tags))
		return;
	rows->n_matched++;
	if (rows->n < rows->query->list.limit)
		fill(&rows->rows[rows->n++], entity, tags);
}

static void rows_free(void *context)
{
	struct rows *rows = context;

	for (size_t i = 0; i < rows->n; i++) {
		tag_set_release(rows->rows[i].merged);
		for (int k = 0; k < ENTITY_N_SOURCES; k++)
			tag_set_release(rows->rows[i].from[k]);
	}
	free(rows->rows);
	free(rows);
}

/* NULL: out of memory. */
static struct rows *rows_new(struct entities *entities, const struct query *query)
{
	size_t n = entities_n(entities);
	struct rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return NULL;
	if (n > query->list.limit)
		n = query->list.limit;
	*rows = (struct rows){.entities = entities, .query = query};
	rows->rows = calloc(n ? n : 1, sizeof(*rows->rows));
	if (!rows->rows) {
		free(rows);
		return NULL;
	}
	entities_for_each(entities, take, rows);
	rows->query = NULL;
	return rows;
}

static json_t *item(size_t i, void *context)
{
	const struct rows *rows = context;
	const struct row *row = &rows->rows[i];
	json_t *sources = json_object();

	for (int k = 0; k < ENTITY_N_SOURCES; k++)
		if (row->from[k])
			(void)json_object_set_new(sources,
						  entity_source_name((enum entity_source)k),
						  tags_json(row->from[k]));
	return json_pack("{s:s, s:s, s:o, s:o}", "kind", entity_kind_name(row->kind), "id", row->id,
			 "tags", tags_json(row->merged), "sources", sources);
}

static bool set_kind(struct query *query, const char *value, struct response *response)
{
	for (int kind = ENTITY_CONTAINER; kind <= ENTITY_HOST; kind++)
		if (strcmp(value, entity_kind_name((enum entity_kind)kind)) == 0)
			query->kind = entity_kind_name((enum entity_kind)kind);
	if (!query->kind)
		answer_error(response, 400, "kind is container, pod or host");
	return query->kind;
}

static bool set_parameter(const char *name, const char *value, void *context,
			  struct response *response)
{
	struct query *query = context;
	int r = list_set_form(&query->list, name, value, response);

	if (r != -ENOENT)
		return r == 0;
	if (strcmp(name, "kind") == 0)
		return set_kind(query, value, response);
	if (strcmp(name, "search") != 0) {
		answer_error(response, 400, "no parameter is called %s here", name);
		return false;
	}
	if (strlen(value) < sizeof(query->search)) {
		strcpy(query->search, value);
		return true;
	}
	answer_error(response, 400, "search is at most %d bytes", SEARCH_BYTES - 1);
	return false;
}

void tagger_get_list(struct api *api, const struct api_request *request,
		     struct response *response)
{
	struct query query = {.list.limit = LIST_DEFAULT_LIMIT};
	struct list list = {.name = "entities", .item = item, .free = rows_free};
	struct rows *rows;

	if (!answer_parameters(request, set_parameter, &query, response))
		return;
	rows = rows_new(tagging_entities(api->parts.tagging), &query);
	if (!rows) {
		answer_error(response, 500, "out of memory");
		return;
	}
	list.n = rows->n;
	list.context = rows;
	list_answer(api, &list, &query.list,
		    json_pack("{s:I, s:I, s:o}", "matched", (json_int_t)rows->n_matched, "shown",
			      (json_int_t)rows->n, "sources", tagger_sources_json(api)),
		    response);
}
