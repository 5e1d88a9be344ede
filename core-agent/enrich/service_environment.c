/* SPDX-License-Identifier: Apache-2.0 */
#include "service_environment.h"

#include <stdbool.h>
#include <string.h>

#include "environment.h"

/* Of a service's name; a lower one holds. */
enum { RANK_DD = 1, RANK_OTEL_NAME, RANK_ATTRIBUTE, RANK_OLD_ATTRIBUTE };

struct span {
	const char *at;
	size_t size;
};

static void offer(struct service_value *value, uint8_t rank, struct span text)
{
	size_t size = text.size ? strnlen(text.at, text.size) : 0;

	if (size == 0 || (value->rank && value->rank <= rank))
		return;
	if (size >= sizeof(value->text))
		size = sizeof(value->text) - 1;
	memcpy(value->text, text.at, size);
	value->text[size] = '\0';
	value->rank = rank;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trimmed(struct span span)
{
	while (span.size && is_space(span.at[0]))
		span = (struct span){ span.at + 1, span.size - 1 };
	while (span.size && is_space(span.at[span.size - 1]))
		span.size--;
	return span;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986 section 2.1; a NUL would end the text unseen. False: broken. */
static bool decode(struct span from, char *out, size_t *ret_size)
{
	size_t n = 0;

	for (size_t i = 0; i < from.size; i++) {
		int high, low;

		if (from.at[i] != '%') {
			out[n++] = from.at[i];
			continue;
		}
		if (from.size - i < 3)
			return false;
		high = hex_digit(from.at[i + 1]);
		low = hex_digit(from.at[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return false;
		out[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*ret_size = n;
	return true;
}

static void take_attribute(struct service_environment *names, struct span key, struct span value)
{
	const struct {
		const char *key;
		struct service_value *value;
		uint8_t rank;
	} attributes[] = {
		{ "service.name", &names->service, RANK_ATTRIBUTE },
		{ "service.version", &names->version, RANK_ATTRIBUTE },
		{ "deployment.environment.name", &names->env, RANK_ATTRIBUTE },
		{ "deployment.environment", &names->env, RANK_OLD_ATTRIBUTE },
	};
	char text[ENVIRONMENT_MAX_ENTRY_BYTES];
	size_t size;

	if (value.size > sizeof(text) || !decode(value, text, &size))
		return;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (strlen(attributes[i].key) == key.size &&
		    memcmp(attributes[i].key, key.at, key.size) == 0)
			offer(attributes[i].value, attributes[i].rank, (struct span){ text, size });
}

static void take_attributes(struct service_environment *names, struct span list, bool is_cut)
{
	while (list.size) {
		const char *comma = memchr(list.at, ',', list.size);
		size_t size = comma ? (size_t)(comma - list.at) : list.size;
		const char *equals = size ? memchr(list.at, '=', size) : NULL;

		if (equals && (comma || !is_cut)) {
			size_t key_size = (size_t)(equals - list.at);

			take_attribute(names, trimmed((struct span){ list.at, key_size }),
				       trimmed((struct span){ equals + 1, size - key_size - 1 }));
		}
		size += comma ? 1 : 0;
		list = (struct span){ list.at + size, list.size - size };
	}
}

void service_environment_add(struct service_environment *names, const void *entry, size_t size)
{
	size_t value_at = 0;
	enum environment_variable which = environment_which(entry, size, &value_at);
	struct span value = { (const char *)entry + value_at, size - value_at };

	switch (which) {
	case ENVIRONMENT_DD_SERVICE:
		offer(&names->service, RANK_DD, value);
		break;
	case ENVIRONMENT_DD_ENV:
		offer(&names->env, RANK_DD, value);
		break;
	case ENVIRONMENT_DD_VERSION:
		offer(&names->version, RANK_DD, value);
		break;
	case ENVIRONMENT_OTEL_SERVICE_NAME:
		offer(&names->service, RANK_OTEL_NAME, value);
		break;
	case ENVIRONMENT_OTEL_RESOURCE_ATTRIBUTES:
		take_attributes(names, value, size >= ENVIRONMENT_MAX_ENTRY_BYTES - 1);
		break;
	case ENVIRONMENT_N_VARIABLES:
		break;
	}
}

enum service_source service_environment_source(const struct service_environment *names)
{
	switch (names->service.rank) {
	case 0:
		return SERVICE_SOURCE_UNKNOWN;
	case RANK_DD:
		return SERVICE_SOURCE_ENVIRONMENT;
	default:
		return SERVICE_SOURCE_OTEL;
	}
}
