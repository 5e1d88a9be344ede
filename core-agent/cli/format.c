/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include <inttypes.h>
#include <stdio.h>

void format_count(uint64_t count, char out[FORMAT_SIZE])
{
	static const char units[] = " kMGTPE";
	double value = (double)count;
	size_t unit = 0;

	for (; value >= 999.5 && units[unit + 1]; unit++)
		value /= 1000;
	if (unit == 0)
		(void)snprintf(out, FORMAT_SIZE, "%" PRIu64, count);
	else
		(void)snprintf(out, FORMAT_SIZE, value < 9.95 ? "%.1f%c" : "%.0f%c", value,
			       units[unit]);
}

void format_us(uint64_t us, char out[FORMAT_SIZE])
{
	if (us < 1000)
		(void)snprintf(out, FORMAT_SIZE, "%" PRIu64 "us", us);
	else if (us < 999500)
		(void)snprintf(out, FORMAT_SIZE, us < 9950 ? "%.1fms" : "%.0fms", (double)us / 1e3);
	else
		(void)snprintf(out, FORMAT_SIZE, us < 9950000 ? "%.1fs" : "%.0fs", (double)us / 1e6);
}

void format_ms(uint64_t ms, char out[FORMAT_SIZE])
{
	uint64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;

	if (ms < 1000)
		(void)snprintf(out, FORMAT_SIZE, "%" PRIu64 "ms", ms);
	else if (seconds < 60)
		(void)snprintf(out, FORMAT_SIZE, ms < 9950 ? "%.1fs" : "%.0fs", (double)ms / 1e3);
	else if (minutes < 60)
		(void)snprintf(out, FORMAT_SIZE, "%" PRIu64 "m%02" PRIu64 "s", minutes, seconds % 60);
	else if (hours < 24)
		(void)snprintf(out, FORMAT_SIZE, "%" PRIu64 "h%02" PRIu64 "m", hours, minutes % 60);
	else
		(void)snprintf(out, FORMAT_SIZE, "%" PRIu64 "d%" PRIu64 "h", hours / 24, hours % 24);
}
