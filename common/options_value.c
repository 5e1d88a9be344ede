/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void *field_of(const struct option *row, void *settings)
{
	return (char *)settings + row->offset;
}

static bool has_limits(const struct option *row)
{
	return row->min != 0 || row->max != 0;
}

void options_printable(const char *text, size_t size, char *out, size_t out_size)
{
	size_t n = size < out_size ? size : out_size - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	out[n] = '\0';
	if (n < size && n >= 3)
		memcpy(out + n - 3, "...", 3);
}

static void describe_limits(const struct option *row, char *out, size_t size)
{
	char min[32], max[32];

	if (!has_limits(row)) {
		out[0] = '\0';
		return;
	}
	if (row->type == OPTION_DURATION) {
		options_duration_format((uint64_t)row->min, min, sizeof(min));
		options_duration_format((uint64_t)row->max, max, sizeof(max));
	} else {
		(void)snprintf(min, sizeof(min), "%" PRId64, row->min);
		(void)snprintf(max, sizeof(max), "%" PRId64, row->max);
	}
	(void)snprintf(out, size, " from %s to %s", min, max);
}

static void describe_choices(const struct option *row, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; row->choices[i] && used < size; i++) {
		const char *before = i == 0 ? "one of " : ", ";
		int n = snprintf(out + used, size - used, "%s%s", before, row->choices[i]);

		used += n > 0 ? (size_t)n : 0;
	}
}

void options_value_describe(const struct option *row, char *out, size_t size)
{
	char limits[80];

	describe_limits(row, limits, sizeof(limits));
	switch (row->type) {
	case OPTION_BOOL:
		(void)snprintf(out, size, "true or false");
		break;
	case OPTION_INT:
		(void)snprintf(out, size, "a whole number%s", limits);
		break;
	case OPTION_DURATION:
		(void)snprintf(out, size, "a duration such as 500ms, 30s, 5m or 1h%s%s",
			       limits[0] ? "," : "", limits);
		break;
	case OPTION_STRING:
		(void)snprintf(out, size, "text of at most %d bytes", OPTION_MAX_STRING_BYTES);
		break;
	case OPTION_ENUM:
		describe_choices(row, out, size);
		break;
	case OPTION_STRING_LIST:
		(void)snprintf(out, size, "a list of at most %d words", OPTION_MAX_LIST);
		break;
	case OPTION_STRING_MAP:
		(void)snprintf(out, size,
			       "a mapping of at most %d words to words, such as {\"a\": \"b\"}",
			       OPTION_MAX_LIST);
		break;
	case OPTION_NO_EFFECT:
		(void)snprintf(out, size, "anything; it has no effect");
		break;
	}
}

int options_value_refuse(const struct option *row, const char *text, size_t size,
			 const char *wrong, struct options_problem *problem)
{
	char shown[48] = "(hidden)", allowed[240];

	if (!row->is_secret)
		options_printable(text, size, shown, sizeof(shown));
	options_value_describe(row, allowed, sizeof(allowed));
	(void)snprintf(problem->text, sizeof(problem->text), "\"%s\" %s; allowed: %s", shown, wrong,
		       allowed); /* a cut message still says what is wrong */
	return -EINVAL;
}

static bool is_word(const char *text, size_t size, const char *word)
{
	return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

static int set_bool(const struct option *row, bool *field, const char *text, size_t size,
		    struct options_problem *problem)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_word(text, size, words[i])) {
			*field = i % 2 == 1;
			return 0;
		}
	}
	return options_value_refuse(row, text, size, "is neither true nor false", problem);
}

static int parse_int(const char *text, size_t size, int64_t *ret_value)
{
	bool is_negative = size > 0 && text[0] == '-';
	uint64_t value;
	int r = options_digits_parse(text + is_negative, size - is_negative, &value);

	if (r < 0)
		return r;
	if (value > INT64_MAX)
		return -ERANGE;
	*ret_value = is_negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

static int set_int(const struct option *row, int64_t *field, const char *text, size_t size,
		   struct options_problem *problem)
{
	int64_t value;
	int r = parse_int(text, size, &value);

	if (r == -EINVAL)
		return options_value_refuse(row, text, size, "is not a whole number", problem);
	if (r < 0 || (has_limits(row) && (value < row->min || value > row->max)))
		return options_value_refuse(row, text, size, "is out of range", problem);
	*field = value;
	return 0;
}

static int set_duration(const struct option *row, uint64_t *field, const char *text, size_t size,
			struct options_problem *problem)
{
	uint64_t ns;
	int r = options_duration_parse(text, size, &ns);

	if (r == -EINVAL)
		return options_value_refuse(row, text, size, "is not a duration", problem);
	if (r < 0 || (has_limits(row) && (ns < (uint64_t)row->min || ns > (uint64_t)row->max)))
		return options_value_refuse(row, text, size, "is out of range", problem);
	*field = ns;
	return 0;
}

int options_value_copy(const struct option *row, char **ret_copy, const char *text, size_t size,
		       struct options_problem *problem)
{
	if (size > OPTION_MAX_STRING_BYTES)
		return options_value_refuse(row, text, size, "is too long", problem);
	if (memchr(text, '\0', size))
		return options_value_refuse(row, text, size, "holds a NUL byte", problem);
	*ret_copy = strndup(text, size);
	return *ret_copy ? 0 : -ENOMEM;
}

static int set_string(const struct option *row, char **field, const char *text, size_t size,
		      struct options_problem *problem)
{
	char *copy;
	int r = options_value_copy(row, &copy, text, size, problem);

	if (r < 0)
		return r;
	free(*field);
	*field = copy;
	return 0;
}

static int set_enum(const struct option *row, int *field, const char *text, size_t size,
		    struct options_problem *problem)
{
	for (int i = 0; row->choices[i]; i++) {
		if (is_word(text, size, row->choices[i])) {
			*field = i;
			return 0;
		}
	}
	return options_value_refuse(row, text, size, "is not known", problem);
}

static void free_list(struct option_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct option_list){ 0 };
}

static int add_to_list(const struct option *row, struct option_list *list, const char *text,
		       size_t size, struct options_problem *problem)
{
	int r;

	if (size == 0)
		return options_value_refuse(row, text, size, "is an empty item", problem);
	if (list->n == OPTION_MAX_LIST)
		return options_value_refuse(row, text, size, "is one item too many", problem);
	if (!list->items)
		list->items = calloc(OPTION_MAX_LIST, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	r = options_value_copy(row, &list->items[list->n], text, size, problem);
	if (r == 0)
		list->n++;
	return r;
}

static bool is_separator(char c)
{
	return c == ' ' || c == ',' || c == '\t' || c == '\n' || c == '\r';
}

static int set_list(const struct option *row, struct option_list *field, const char *text,
		    size_t size, struct options_problem *problem)
{
	struct option_list list = { 0 };
	size_t at = 0;

	while (at < size) {
		size_t start = at;
		int r = 0;

		while (at < size && !is_separator(text[at]))
			at++;
		if (at > start)
			r = add_to_list(row, &list, text + start, at - start, problem);
		if (r < 0) {
			free_list(&list);
			return r;
		}
		at++;
	}
	free_list(field);
	*field = list;
	return 0;
}

int options_value_set(const struct option *row, void *settings, const char *text, size_t size,
		      struct options_problem *problem)
{
	void *field = field_of(row, settings);

	switch (row->type) {
	case OPTION_BOOL:
		return set_bool(row, field, text, size, problem);
	case OPTION_INT:
		return set_int(row, field, text, size, problem);
	case OPTION_DURATION:
		return set_duration(row, field, text, size, problem);
	case OPTION_STRING:
		return set_string(row, field, text, size, problem);
	case OPTION_ENUM:
		return set_enum(row, field, text, size, problem);
	case OPTION_STRING_LIST:
		return set_list(row, field, text, size, problem);
	case OPTION_STRING_MAP:
		return options_map_set(row, field, text, size, problem);
	case OPTION_NO_EFFECT:
		break;
	}
	return 0;
}

void options_value_clear_list(const struct option *row, void *settings)
{
	free_list(field_of(row, settings));
}

int options_value_add_to_list(const struct option *row, void *settings, const char *text,
			      size_t size, struct options_problem *problem)
{
	return add_to_list(row, field_of(row, settings), text, size, problem);
}

void options_value_clear_map(const struct option *row, void *settings)
{
	options_map_free(field_of(row, settings));
}

int options_value_add_to_map(const struct option *row, void *settings, const char *key,
			     size_t key_size, const char *value, size_t value_size,
			     struct options_problem *problem)
{
	return options_map_add(row, field_of(row, settings), key, key_size, value, value_size,
			       problem);
}

static void zero_string(char **field)
{
	if (*field)
		explicit_bzero(*field, strlen(*field)); /* it may be a secret */
	free(*field);
	*field = NULL;
}

void options_value_free(const struct option *row, void *settings)
{
	void *field = field_of(row, settings);

	switch (row->type) {
	case OPTION_BOOL:
		*(bool *)field = false;
		break;
	case OPTION_INT:
		*(int64_t *)field = 0;
		break;
	case OPTION_DURATION:
		*(uint64_t *)field = 0;
		break;
	case OPTION_STRING:
		zero_string(field);
		break;
	case OPTION_ENUM:
		*(int *)field = 0;
		break;
	case OPTION_STRING_LIST:
		free_list(field);
		break;
	case OPTION_STRING_MAP:
		options_map_free(field);
		break;
	case OPTION_NO_EFFECT:
		break;
	}
}
