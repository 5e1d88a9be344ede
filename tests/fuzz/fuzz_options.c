/* SPDX-License-Identifier: Apache-2.0 */

/* Any bytes as a settings file: refused with an error text, or loaded within all limits. */

#include "log.h"
#include "options.h"

#include "../unit/common/options_fixture.h"

#include <stdlib.h>
#include <string.h>

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

static void check_list(const struct option_list *list)
{
	check(list->n <= OPTION_MAX_LIST);
	for (size_t i = 0; i < list->n; i++)
		check(strlen(list->items[i]) <= OPTION_MAX_STRING_BYTES);
}

static void check_map(const struct option_map *map)
{
	check(map->n <= OPTION_MAX_LIST);
	for (size_t i = 0; i < map->n; i++) {
		check(*map->items[i].key && *map->items[i].value);
		check(options_map_find(map, map->items[i].key) == map->items[i].value);
	}
}

static void check_loaded(const struct sample *sample)
{
	check(sample->port >= 1 && sample->port <= 65535);
	check(sample->interval_ns >= UINT64_C(1000000000));
	check(sample->interval_ns <= UINT64_C(3600000000000));
	check(sample->level >= SAMPLE_ERROR && sample->level <= SAMPLE_INFO);
	check(sample->path && sample->api_key);
	check(strlen(sample->path) <= OPTION_MAX_STRING_BYTES);
	check_list(&sample->ports);
	check_list(&sample->exporters);
	check_map(&sample->labels);
}

static void check_refused(const struct sample *sample, const struct option_error *error)
{
	static const struct sample zero;

	check(memcmp(sample, &zero, sizeof(zero)) == 0);
	check(strncmp(error->text, "fuzz:", 5) == 0);
	for (const char *c = error->text; *c; c++)
		check(*c >= ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct option_error error = { "" };
	struct sample sample;

	memset(&sample, 0, sizeof(sample)); /* the padding too; it is compared */
	log_set_level(LOG_LEVEL_ERROR);
	if (options_load_bytes(sample_table, SAMPLE_N, &sample, "fuzz", (const char *)bytes, size,
			       &error) == 0)
		check_loaded(&sample);
	else
		check_refused(&sample, &error);
	options_free(sample_table, SAMPLE_N, &sample);
	return 0;
}
