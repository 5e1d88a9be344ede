/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Service, environment and version as the variables of a process give them: DD_SERVICE,
 * DD_ENV and DD_VERSION before OpenTelemetry's, and OTEL_SERVICE_NAME before service.name
 * of OTEL_RESOURCE_ATTRIBUTES (OpenTelemetry specification, "Resource SDK" and "SDK
 * Configuration"). An empty value counts as unset. Pure.
 */

#include <stddef.h>
#include <stdint.h>

#include "service.h"

struct service_value {
	char text[SERVICE_NAME_BYTES]; /* empty: unset */
	uint8_t rank;		       /* of the variable it is from; 0: none */
};

/* Starts zeroed. */
struct service_environment {
	struct service_value service;
	struct service_value env;
	struct service_value version;
};

/*
 * Take the `size` bytes of "NAME=value", any bytes. Of a variable that comes again the
 * first holds, as for getenv(). An attribute that is no key=value, or whose
 * percent-encoding is broken, is passed over; so is the last one of a list that was cut
 * (ENVIRONMENT_MAX_ENTRY_BYTES).
 */
void service_environment_add(struct service_environment *names, const void *entry, size_t size);

/* Where names->service is from. */
enum service_source service_environment_source(const struct service_environment *names);
