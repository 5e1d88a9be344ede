/* SPDX-License-Identifier: Apache-2.0 */
#include "options_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t ns;
} units[] = { /* largest first, for options_duration_format() */
	{ "h", UINT64_C(3600000000000) },
	{ "m", UINT64_C(60000000000) },
	{ "s", UINT64_C(1000000000) },
	{ "ms", UINT64_C(1000000) },
	{ "us", UINT64_C(1000) },
	{ "ns", UINT64_C(1) },
};

#define N_UNITS (sizeof(units) / sizeof(units[0]))

int options_digits_parse(const char *text, size_t size, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (size == 0)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return -ERANGE;
	}
	*ret_value = value;
	return 0;
}

/* The unit `text` starts with, its name as long as the letters there; N_UNITS: none. */
static size_t find_unit(const char *text, size_t size, size_t *ret_size)
{
	size_t n_letters = 0, i;

	while (n_letters < size && text[n_letters] >= 'a' && text[n_letters] <= 'z')
		n_letters++;
	*ret_size = n_letters;
	for (i = 0; i < N_UNITS; i++)
		if (strlen(units[i].name) == n_letters &&
		    memcmp(units[i].name, text, n_letters) == 0)
			break;
	return i;
}

static size_t count_digits(const char *text, size_t size)
{
	size_t n = 0;

	while (n < size && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

int options_duration_parse(const char *text, size_t size, uint64_t *ret_ns)
{
	uint64_t total = 0, value;
	size_t at = 0;

	if (options_digits_parse(text, size, &value) == 0)
		return __builtin_mul_overflow(value, UINT64_C(1000000000), ret_ns) ? -ERANGE : 0;
	do {
		size_t n_digits = count_digits(text + at, size - at), unit, unit_size;
		int r = options_digits_parse(text + at, n_digits, &value);

		if (r < 0)
			return r;
		at += n_digits;
		unit = find_unit(text + at, size - at, &unit_size);
		if (unit == N_UNITS)
			return -EINVAL;
		at += unit_size;
		if (__builtin_mul_overflow(value, units[unit].ns, &value) ||
		    __builtin_add_overflow(total, value, &total))
			return -ERANGE;
	} while (at < size);
	*ret_ns = total;
	return 0;
}

void options_duration_format(uint64_t ns, char *out, size_t size)
{
	size_t unit = 0;

	while (ns % units[unit].ns != 0)
		unit++;
	if (ns == 0)
		unit = 2; /* "0s", not "0h" */
	(void)snprintf(out, size, "%" PRIu64 "%s", ns / units[unit].ns, units[unit].name);
}
