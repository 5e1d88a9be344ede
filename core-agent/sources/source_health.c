/* SPDX-License-Identifier: Apache-2.0 */
#include "source_health.h"

#include "clock.h"
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


void source_health_init(struct source_health *health, const char *name)
{
	*health = (struct source_health){.name = name, .state = SOURCE_STARTING};
}

void source_health_answered(struct source_health *health)
{
	health->n_answers++;
	health->last_answer_ns = clock_monotonic_ns();
	if (health->state == SOURCE_OK)
		return;
	log_info(health->state == SOURCE_STARTING ? "a source of tags answers"
						  : "a source of tags answers again",
		 "source=%s failures=%llu", health->name, (unsigned long long)health->n_failures);
	health->state = SOURCE_OK;
	health->detail[0] = '\0';
}

void source_health_failed(struct source_health *health, const char *format, ...)
{
	va_list arguments;

	health->n_failures++;
	va_start(arguments, format);
	(void)vsnprintf(health->detail, sizeof(health->detail), format, arguments); /* cut */
	va_end(arguments);
	if (health->state == SOURCE_FAILING)
		return;
	health->state = SOURCE_FAILING;
	log_warn("a source of tags fails: what it said last stays for a while",
		 "source=%s reason=%s", health->name, health->detail);
}

const char *source_state_name(enum source_state state)
{
	static const char *const names[] = {[SOURCE_STARTING] = "starting",
					    [SOURCE_OK] = "ok",
					    [SOURCE_FAILING] = "failing"};

	return names[state];
}
