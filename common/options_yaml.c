/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

/*
 * Walks libyaml's events with the dotted path of where it is. The event API and
 * not the document API: only the events still tell an alias from a copy.
 */
struct reader {
	yaml_parser_t parser;
	struct options_load *load;
	char path[OPTION_MAX_KEY_BYTES + 1];
	size_t path_size;
	size_t key_line; /* of the path's last word */
	size_t depth; /* open mappings and sequences */
};

static void cleanup_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}

#define CLEANUP_EVENT __attribute__((cleanup(cleanup_event)))

static size_t line_of(const yaml_event_t *event)
{
	return event->start_mark.line + 1;
}

static int read_node(struct reader *reader);

static int syntax_error(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "unknown problem";
	/* Errors in the encoding have no mark of their own. */
	size_t line = parser->error == YAML_READER_ERROR ? parser->mark.line :
							   parser->problem_mark.line;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	return options_fail(reader->load, line + 1, NULL,
			    "not valid YAML: %s; indent with spaces and quote special text",
			    problem);
}

static bool has_anchor_or_tag(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor || event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor || event->data.mapping_start.tag;
	default:
		return false;
	}
}

static const char *path_of(const struct reader *reader)
{
	return reader->path_size > 0 ? reader->path : NULL;
}

static int check_event(struct reader *reader, const yaml_event_t *event)
{
	if (has_anchor_or_tag(event))
		return options_fail(reader->load, line_of(event), path_of(reader),
				    "an anchor, alias or tag; write the value out");
	if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT)
		reader->depth++;
	if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT)
		reader->depth--;
	if (reader->depth > OPTION_MAX_DEPTH)
		return options_fail(reader->load, line_of(event), path_of(reader),
				    "nested too deep; allowed: %d levels", OPTION_MAX_DEPTH);
	return 0;
}

/* On success the caller deletes the event; on failure it is zero. */
static int next_event(struct reader *reader, yaml_event_t *ret_event)
{
	int r;

	if (!yaml_parser_parse(&reader->parser, ret_event))
		return syntax_error(reader);
	r = check_event(reader, ret_event);
	if (r < 0)
		yaml_event_delete(ret_event);
	return r;
}

static bool is_null(const yaml_event_t *event)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };
	const char *text = (const char *)event->data.scalar.value;

	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static int path_push(struct reader *reader, const yaml_event_t *key)
{
	const char *word = (const char *)key->data.scalar.value;
	size_t size = key->data.scalar.length, dot = reader->path_size > 0;
	char shown[48];

	if (size == 0 || reader->path_size + dot + size > OPTION_MAX_KEY_BYTES ||
	    memchr(word, '\0', size)) {
		options_printable(word, size, shown, sizeof(shown));
		return options_fail(reader->load, line_of(key), path_of(reader),
				    "\"%s\" cannot be a key; allowed: 1 to %d bytes in all", shown,
				    OPTION_MAX_KEY_BYTES);
	}
	if (dot)
		reader->path[reader->path_size] = '.';
	memcpy(reader->path + reader->path_size + dot, word, size);
	reader->key_line = line_of(key);
	reader->path_size += dot + size;
	reader->path[reader->path_size] = '\0';
	return 0;
}

static void path_pop(struct reader *reader, size_t size)
{
	reader->path_size = size;
	reader->path[size] = '\0';
}

static const struct option *find_row(const struct reader *reader)
{
	for (size_t i = 0; i < reader->load->n; i++)
		if (strcmp(reader->load->table[i].key, reader->path) == 0)
			return &reader->load->table[i];
	return NULL;
}

/* The first row below the path, which stands for the section; NULL: no section. */
static struct options_row_state *find_section(const struct reader *reader)
{
	for (size_t i = 0; i < reader->load->n; i++) {
		const char *key = reader->load->table[i].key;

		if (strncmp(key, reader->path, reader->path_size) == 0 &&
		    key[reader->path_size] == '.')
			return &reader->load->rows[i];
	}
	return NULL;
}

static int fail_value(const struct reader *reader, const struct option *row, size_t line, int r,
		      const struct options_problem *problem)
{
	return r == -EINVAL ? options_fail(reader->load, line, row->key, "%s", problem->text) : r;
}

static int fail_kind(const struct reader *reader, const struct option *row, size_t line,
		     const char *found)
{
	char allowed[240];

	options_value_describe(row, allowed, sizeof(allowed));
	return options_fail(reader->load, line, row->key, "found %s; allowed: %s", found, allowed);
}

static int read_list(struct reader *reader, const struct option *row)
{
	options_value_clear_list(row, reader->load->settings);
	for (;;) {
		CLEANUP_EVENT yaml_event_t event = { 0 };
		struct options_problem problem;
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (event.type != YAML_SCALAR_EVENT)
			return fail_kind(reader, row, line_of(&event), "a list in the list");
		r = options_value_add_to_list(row, reader->load->settings,
					      (const char *)event.data.scalar.value,
					      is_null(&event) ? 0 : event.data.scalar.length,
					      &problem);
		if (r < 0)
			return fail_value(reader, row, line_of(&event), r, &problem);
	}
}

/* The pair whose key is `key`. */
static int read_pair(struct reader *reader, const struct option *row, const yaml_event_t *key)
{
	CLEANUP_EVENT yaml_event_t value = { 0 };
	struct options_problem problem;
	int r = next_event(reader, &value);

	if (r < 0)
		return r;
	if (key->type != YAML_SCALAR_EVENT || value.type != YAML_SCALAR_EVENT)
		return fail_kind(reader, row, line_of(key), "more than words in the mapping");
	r = options_value_add_to_map(row, reader->load->settings,
				     (const char *)key->data.scalar.value, key->data.scalar.length,
				     (const char *)value.data.scalar.value,
				     is_null(&value) ? 0 : value.data.scalar.length, &problem);
	return r < 0 ? fail_value(reader, row, line_of(key), r, &problem) : 0;
}

static int read_map(struct reader *reader, const struct option *row)
{
	options_value_clear_map(row, reader->load->settings);
	for (;;) {
		CLEANUP_EVENT yaml_event_t key = { 0 };
		int r = next_event(reader, &key);

		if (r < 0)
			return r;
		if (key.type == YAML_MAPPING_END_EVENT)
			return 0;
		r = read_pair(reader, row, &key);
		if (r < 0)
			return r;
	}
}

static int read_scalar(struct reader *reader, const struct option *row, const yaml_event_t *event)
{
	struct options_problem problem;
	int r;

	if (is_null(event))
		return 0;
	r = options_value_set(row, reader->load->settings, (const char *)event->data.scalar.value,
			      event->data.scalar.length, &problem);
	return r < 0 ? fail_value(reader, row, line_of(event), r, &problem) : 0;
}

/* Passes over the rest of the node that `reader->depth` has just entered. */
static int skip_node(struct reader *reader, size_t depth_before)
{
	while (reader->depth > depth_before) {
		yaml_event_t event;
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		yaml_event_delete(&event);
	}
	return 0;
}

static int read_row(struct reader *reader, const struct option *row, const yaml_event_t *event)
{
	struct options_row_state *state = &reader->load->rows[row - reader->load->table];

	if (state->is_set)
		return options_fail(reader->load, reader->key_line, row->key,
				    "set twice; allowed: once");
	state->is_set = true;
	if (row->type == OPTION_NO_EFFECT) {
		options_warn_no_effect(reader->load, row);
		return skip_node(reader, reader->depth - (event->type != YAML_SCALAR_EVENT));
	}
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(reader, row, event);
	if (event->type == YAML_MAPPING_START_EVENT)
		return row->type == OPTION_STRING_MAP
			       ? read_map(reader, row)
			       : fail_kind(reader, row, reader->key_line, "a mapping");
	if (row->type != OPTION_STRING_LIST)
		return fail_kind(reader, row, reader->key_line, "a list");
	return read_list(reader, row);
}

static int read_mapping(struct reader *reader)
{
	size_t size_before = reader->path_size;

	for (;;) {
		yaml_event_t key;
		bool is_end;
		int r = next_event(reader, &key);

		if (r < 0)
			return r;
		is_end = key.type == YAML_MAPPING_END_EVENT;
		if (key.type == YAML_SCALAR_EVENT)
			r = path_push(reader, &key);
		else if (!is_end)
			r = options_fail(reader->load, line_of(&key), path_of(reader),
					 "a key is a list or mapping; allowed: a word");
		yaml_event_delete(&key);
		if (r < 0 || is_end)
			return r;
		r = read_node(reader);
		if (r < 0)
			return r;
		path_pop(reader, size_before);
	}
}

static int read_section(struct reader *reader, struct options_row_state *section,
			const yaml_event_t *event)
{
	uint32_t bit = UINT32_C(1) << reader->depth;

	if (event->type == YAML_SCALAR_EVENT && is_null(event))
		return 0; /* every key below it is commented out */
	if (event->type != YAML_MAPPING_START_EVENT)
		return options_fail(reader->load, reader->key_line, reader->path,
				    "is a section; allowed: a mapping, indented below it");
	if (section->sections & bit)
		return options_fail(reader->load, reader->key_line, reader->path,
				    "the section is opened twice; allowed: once");
	section->sections |= bit;
	return read_mapping(reader);
}

static int read_node(struct reader *reader)
{
	CLEANUP_EVENT yaml_event_t event = { 0 };
	struct options_row_state *section;
	const struct option *row;
	char nearest[OPTION_MAX_KEY_BYTES + 1];
	int r = next_event(reader, &event);

	if (r < 0)
		return r;
	row = find_row(reader);
	if (row)
		return read_row(reader, row, &event);
	section = find_section(reader);
	if (section)
		return read_section(reader, section, &event);
	options_nearest(reader->load->table, reader->load->n, reader->path, nearest,
			sizeof(nearest));
	return options_fail(reader->load, reader->key_line, reader->path,
			    "unknown key; the nearest known key is %s", nearest);
}

/* The node of the only document: a mapping, or nothing. */
static int read_root(struct reader *reader)
{
	CLEANUP_EVENT yaml_event_t event = { 0 };
	int r = next_event(reader, &event);

	if (r < 0)
		return r;
	if (event.type == YAML_MAPPING_START_EVENT)
		return read_mapping(reader);
	if (event.type == YAML_SCALAR_EVENT && is_null(&event))
		return 0;
	return options_fail(reader->load, line_of(&event), NULL,
			    "the file is no mapping; allowed: lines of KEY: VALUE");
}

static int read_stream(struct reader *reader)
{
	for (size_t n_documents = 0;;) {
		yaml_event_t event;
		yaml_event_type_t type;
		size_t line;
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		type = event.type;
		line = line_of(&event);
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			return 0;
		if (type != YAML_DOCUMENT_START_EVENT)
			continue;
		if (++n_documents > 1)
			return options_fail(reader->load, line, NULL,
					    "a second document; allowed: one");
		r = read_root(reader);
		if (r < 0)
			return r;
	}
}

int options_yaml_read(struct options_load *load, const char *bytes, size_t size)
{
	struct reader reader = { .load = load };
	int r;

	if (!yaml_parser_initialize(&reader.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, size);
	r = read_stream(&reader);
	yaml_parser_delete(&reader.parser);
	return r;
}
