/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "options_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

const char *options_map_find(const struct option_map *map, const char *key)
{
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->items[i].key, key) == 0)
			return map->items[i].value;
	return NULL;
}

void options_map_free(struct option_map *map)
{
	for (size_t i = 0; i < map->n; i++) {
		free(map->items[i].key);
		free(map->items[i].value);
	}
	free(map->items);
	*map = (struct option_map){ 0 };
}

static int copy_pair(const struct option *row, struct option_pair *pair, const char *key,
		     size_t key_size, const char *value, size_t value_size,
		     struct options_problem *problem)
{
	int r = options_value_copy(row, &pair->key, key, key_size, problem);

	if (r < 0)
		return r;
	r = options_value_copy(row, &pair->value, value, value_size, problem);
	if (r < 0)
		free(pair->key);
	return r;
}

int options_map_add(const struct option *row, struct option_map *map, const char *key,
		    size_t key_size, const char *value, size_t value_size,
		    struct options_problem *problem)
{
	struct option_pair pair;
	int r;

	if (key_size == 0 || value_size == 0)
		return options_value_refuse(row, key, key_size, "is empty, or its value is",
					    problem);
	if (map->n == OPTION_MAX_LIST)
		return options_value_refuse(row, key, key_size, "is one word too many", problem);
	if (!map->items)
		map->items = calloc(OPTION_MAX_LIST, sizeof(*map->items));
	if (!map->items)
		return -ENOMEM;
	r = copy_pair(row, &pair, key, key_size, value, value_size, problem);
	if (r < 0)
		return r;
	if (options_map_find(map, pair.key)) {
		free(pair.key);
		free(pair.value);
		return options_value_refuse(row, key, key_size, "is set twice", problem);
	}
	map->items[map->n++] = pair;
	return 0;
}

static bool is_word(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && !event->data.scalar.anchor &&
	       !event->data.scalar.tag;
}

static int add_event(const struct option *row, struct option_map *map, const yaml_event_t *key,
		     const yaml_event_t *value, struct options_problem *problem)
{
	return options_map_add(row, map, (const char *)key->data.scalar.value,
			       key->data.scalar.length, (const char *)value->data.scalar.value,
			       value->data.scalar.length, problem);
}

/* 1: read one; 0: the mapping has ended; -EBADMSG: no pair of words. */
static int read_pair(yaml_parser_t *parser, const struct option *row, struct option_map *map,
		     struct options_problem *problem)
{
	yaml_event_t key, value;
	int r = -EBADMSG;

	if (!yaml_parser_parse(parser, &key))
		return -EBADMSG;
	if (key.type == YAML_MAPPING_END_EVENT) {
		r = 0;
	} else if (is_word(&key) && yaml_parser_parse(parser, &value)) {
		if (is_word(&value))
			r = add_event(row, map, &key, &value, problem);
		r = r == 0 ? 1 : r;
		yaml_event_delete(&value);
	}
	yaml_event_delete(&key);
	return r;
}

static int expect(yaml_parser_t *parser, yaml_event_type_t type)
{
	yaml_event_t event;
	bool is_expected;

	if (!yaml_parser_parse(parser, &event))
		return -EBADMSG;
	is_expected = event.type == type;
	yaml_event_delete(&event);
	return is_expected ? 0 : -EBADMSG;
}

static int expect_all(yaml_parser_t *parser, const yaml_event_type_t *types, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = expect(parser, types[i]);
	return r;
}

static int read_map(yaml_parser_t *parser, const struct option *row, struct option_map *map,
		    struct options_problem *problem)
{
	static const yaml_event_type_t before[] = { YAML_STREAM_START_EVENT,
						    YAML_DOCUMENT_START_EVENT,
						    YAML_MAPPING_START_EVENT };
	static const yaml_event_type_t after[] = { YAML_DOCUMENT_END_EVENT, YAML_STREAM_END_EVENT };
	int r = expect_all(parser, before, 3);

	if (r < 0)
		return r;
	do
		r = read_pair(parser, row, map, problem);
	while (r == 1);
	return r < 0 ? r : expect_all(parser, after, 2);
}

/* Of the text of a flow mapping, JSON is a subset. */
int options_map_set(const struct option *row, struct option_map *field, const char *text,
		    size_t size, struct options_problem *problem)
{
	struct option_map map = { 0 };
	yaml_parser_t parser;
	int r;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	r = read_map(&parser, row, &map, problem);
	if (parser.error == YAML_MEMORY_ERROR)
		r = -ENOMEM;
	yaml_parser_delete(&parser);
	if (r == 0) {
		options_map_free(field);
		*field = map;
		return 0;
	}
	options_map_free(&map);
	return r == -EBADMSG ? options_value_refuse(row, text, size, "is no mapping", problem) : r;
}
