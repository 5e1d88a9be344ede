/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <string.h>

static bool is_known(const char *name)
{
	return name && *name;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

const char *service_choose(const struct service_candidates *candidates,
			   enum service_source *ret_source)
{
	const struct {
		const char *name;
		enum service_source source;
	} by_worth[] = {
		{ candidates->environment, candidates->environment_source },
		{ candidates->command, SERVICE_SOURCE_COMMAND },
		{ candidates->unit, SERVICE_SOURCE_SYSTEMD },
		{ base_name(candidates->executable), SERVICE_SOURCE_EXECUTABLE },
	};

	for (size_t i = 0; i < sizeof(by_worth) / sizeof(*by_worth); i++) {
		if (!is_known(by_worth[i].name))
			continue;
		*ret_source = by_worth[i].source;
		return by_worth[i].name;
	}
	*ret_source = SERVICE_SOURCE_UNKNOWN;
	return NULL;
}

bool service_unit_name(const char *unit, char out[SERVICE_NAME_BYTES])
{
	static const char suffix[] = ".service";
	size_t size = strlen(unit);

	if (size < sizeof(suffix) || strcmp(unit + size - (sizeof(suffix) - 1), suffix) != 0)
		return false;
	size -= sizeof(suffix) - 1;
	if (size >= SERVICE_NAME_BYTES)
		return false;
	memcpy(out, unit, size);
	out[size] = '\0';
	return true;
}

bool service_yields_to_labels(const char *source_name)
{
	return !source_name ||
	       (strcmp(source_name, service_source_name(SERVICE_SOURCE_ENVIRONMENT)) != 0 &&
		strcmp(source_name, service_source_name(SERVICE_SOURCE_OTEL)) != 0);
}

const char *service_source_name(enum service_source source)
{
	static const char *const names[] = {
		[SERVICE_SOURCE_ENVIRONMENT] = "environment",
		[SERVICE_SOURCE_OTEL] = "otel",
		[SERVICE_SOURCE_LABELS] = "labels",
		[SERVICE_SOURCE_COMMAND] = "command",
		[SERVICE_SOURCE_SYSTEMD] = "systemd",
		[SERVICE_SOURCE_EXECUTABLE] = "executable",
	};

	return names[source];
}
