/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A table with every type, for the tests and the fuzzer of the options. */

#include "options.h"

#include <stddef.h>

struct sample {
	bool is_enabled;
	int64_t port;
	int64_t any_number;
	uint64_t interval_ns;
	char *path;
	char *api_key;
	int level;
	struct option_list ports;
	struct option_list exporters;
	struct option_map labels;
};

enum sample_level { SAMPLE_ERROR, SAMPLE_WARN, SAMPLE_INFO };

static const char *const sample_levels[] = { "error", "warn", "info", NULL };
static const char *const sample_enabled_env[] = { "DD_SAMPLE_FIRST", "DD_SAMPLE_SECOND", NULL };
static const char *const sample_legacy_env[] = { "DD_SAMPLE_LEGACY", NULL };

#define FIELD(name) offsetof(struct sample, name)

static const struct option sample_table[] = {
	{ .key = "log_level", .type = OPTION_ENUM, .offset = FIELD(level), .fallback = "info",
	  .choices = sample_levels, .help = "Lines above this level are dropped." },
	{ .key = "network_config.enabled", .type = OPTION_BOOL, .offset = FIELD(is_enabled),
	  .fallback = "true", .env = sample_enabled_env, .help = "Watch connections." },
	{ .key = "network_config.ports", .type = OPTION_STRING_LIST, .offset = FIELD(ports),
	  .fallback = "53", .help = "Ports whose datagrams are read." },
	{ .key = "cmd_port", .type = OPTION_INT, .offset = FIELD(port), .fallback = "5001",
	  .min = 1, .max = 65535, .help = "Port of the command interface." },
	{ .key = "any_number", .type = OPTION_INT, .offset = FIELD(any_number),
	  .help = "A number without limits." },
	{ .key = "network_config.poll.interval", .type = OPTION_DURATION,
	  .offset = FIELD(interval_ns), .fallback = "30s", .min = 1000000000,
	  .max = INT64_C(3600000000000), .help = "Time between two polls." },
	{ .key = "path", .type = OPTION_STRING, .offset = FIELD(path), .fallback = "a \"b\" c: \\d",
	  .help = "Some text that YAML must quote." },
	{ .key = "api_key", .type = OPTION_STRING, .offset = FIELD(api_key), .is_secret = true,
	  .help = "The key of the intake." },
	{ .key = "exporters", .type = OPTION_STRING_LIST, .offset = FIELD(exporters),
	  .fallback = "local null 5", .help = "Where records go." },
	{ .key = "labels_as_tags", .type = OPTION_STRING_MAP, .offset = FIELD(labels),
	  .fallback = "{\"com.x.app\": app}", .help = "Labels that become tags." },
	{ .key = "network_config.source_excludes", .type = OPTION_NO_EFFECT,
	  .env = sample_legacy_env, .help = "Not supported." },
	{ .key = "internal_profiling", .type = OPTION_NO_EFFECT, .help = "Not supported." },
};

#undef FIELD

#define SAMPLE_N (sizeof(sample_table) / sizeof(sample_table[0]))
