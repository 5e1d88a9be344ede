/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which service a process belongs to, by the first of these that is known:
 *
 *   environment  DD_SERVICE, else OTEL_SERVICE_NAME, else service.name
 *   labels       of its pod or container, as tags (tagger.h)
 *   command      what an interpreter or a launcher was told to run (service_command.h)
 *   systemd      its unit, if that is a *.service
 *   executable   base name of the program
 *
 * Pure.
 */

#include <stdbool.h>

enum service_source {
	SERVICE_SOURCE_UNKNOWN,
	SERVICE_SOURCE_ENVIRONMENT, /* DD_SERVICE */
	SERVICE_SOURCE_OTEL,	    /* OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES */
	SERVICE_SOURCE_LABELS,	    /* set by the tagger */
	SERVICE_SOURCE_COMMAND,
	SERVICE_SOURCE_SYSTEMD,
	SERVICE_SOURCE_EXECUTABLE,
};

/* A longer name loses its end; with the NUL. */
#define SERVICE_NAME_BYTES 256

/* What each source gives; NULL or empty: nothing. */
struct service_candidates {
	const char *environment;
	enum service_source environment_source;
	const char *command;
	const char *unit;	/* without .service, as service_unit_name() has it */
	const char *executable; /* path */
};

/* The service, within one of the candidates, or NULL. */
const char *service_choose(const struct service_candidates *candidates,
			   enum service_source *ret_source);

/* "nginx" of "nginx.service"; false: not a service's unit, or its name is too long. */
bool service_unit_name(const char *unit, char out[SERVICE_NAME_BYTES]);

/* Do labels go before it? `source_name` is what service_source_name() gives. */
bool service_yields_to_labels(const char *source_name);

/* environment, otel, labels, command, systemd, executable; NULL: unknown. Static. */
const char *service_source_name(enum service_source source);
