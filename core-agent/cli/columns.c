/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exporters/text.h"
#include "format.h"

#define CONTAINER_CHARS 12 /* as other tools show it */

const char columns_default[] =
	"proto,state,direction,local,remote,pid,process,container,sent,received,rtt,error";

static const char *text(const json_t *record, const char *name)
{
	return json_string_value(json_object_get(record, name));
}

static uint64_t number(const json_t *record, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(record, name));

	return value > 0 ? (uint64_t)value : 0;
}

static void unknown(char out[COLUMN_CELL_BYTES])
{
	memcpy(out, "-", 2);
}

void columns_format_member(const json_t *record, const char *name, char out[COLUMN_CELL_BYTES])
{
	const json_t *value = json_object_get(record, name);

	unknown(out);
	if (json_is_string(value))
		text_make_printable(json_string_value(value), COLUMN_CELL_BYTES, out,
				    COLUMN_CELL_BYTES);
	else if (json_is_integer(value))
		(void)snprintf(out, COLUMN_CELL_BYTES, "%" JSON_INTEGER_FORMAT,
			       json_integer_value(value));
	else if (json_is_boolean(value))
		(void)snprintf(out, COLUMN_CELL_BYTES, "%s", json_is_true(value) ? "yes" : "no");
}

static void format_end(const json_t *record, const char *ip_name, const char *port_name,
		       char out[COLUMN_CELL_BYTES])
{
	const char *ip = text(record, ip_name);
	char shown[64];

	unknown(out);
	if (!ip)
		return;
	text_make_printable(ip, sizeof(shown), shown, sizeof(shown));
	(void)snprintf(out, COLUMN_CELL_BYTES, strchr(shown, ':') ? "[%s]:%" PRIu64 : "%s:%" PRIu64,
		       shown, number(record, port_name));
}

static void format_local(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	format_end(record, "local_ip", "local_port", out);
}

static void format_remote(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	format_end(record, "remote_ip", "remote_port", out);
}

static void format_direction(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	const char *direction = text(record, "direction");

	unknown(out);
	if (direction)
		(void)snprintf(out, COLUMN_CELL_BYTES, "%s",
			       strcmp(direction, "incoming") == 0   ? "in"
			       : strcmp(direction, "outgoing") == 0 ? "out"
								    : "local");
}

static void format_process(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	columns_format_member(record, "comm", out);
}

static void format_container(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	bool has_name = json_object_get(record, "container_name");

	columns_format_member(record, has_name ? "container_name" : "container_id", out);
	if (!has_name && strlen(out) > CONTAINER_CHARS)
		out[CONTAINER_CHARS] = '\0';
}

static void format_service(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	columns_format_member(record, "systemd_unit", out);
}

static void format_figure(const json_t *record, const char *name,
			  void (*format)(uint64_t value, char out[FORMAT_SIZE]),
			  char out[COLUMN_CELL_BYTES])
{
	unknown(out);
	if (json_object_get(record, name))
		format(number(record, name), out);
}

static void format_sent(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	format_figure(record, "bytes_sent", format_count, out);
}

static void format_received(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	format_figure(record, "bytes_received", format_count, out);
}

static void format_rtt(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	format_figure(record, "rtt_us", format_us, out);
}

static void format_connect(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	format_figure(record, "connect_us", format_us, out);
}

static void format_duration(const json_t *record, char out[COLUMN_CELL_BYTES])
{
	format_figure(record, "duration_ms", format_ms, out);
}

static const struct column columns[] = {
	{"proto", NULL, false, NULL, NULL},
	{"state", NULL, false, NULL, NULL},
	{"direction", "DIR", false, format_direction, NULL},
	{"local", NULL, false, format_local, "local_ip,local_port"},
	{"remote", NULL, false, format_remote, "remote_ip,remote_port"},
	{"pid", NULL, true, NULL, NULL},
	{"process", NULL, false, format_process, "comm"},
	{"container", NULL, false, format_container, "container_id,container_name"},
	{"service", NULL, false, format_service, "systemd_unit"},
	{"sent", NULL, true, format_sent, "bytes_sent"},
	{"received", NULL, true, format_received, "bytes_received"},
	{"rtt", NULL, true, format_rtt, "rtt_us"},
	{"connect", NULL, true, format_connect, "connect_us"},
	{"duration", NULL, true, format_duration, "duration_ms"},
	{"error", NULL, false, NULL, NULL},
};

const struct column *columns_find(const char *name)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		if (strcmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

void columns_format(const struct column *column, const char *name, const json_t *record,
		    char out[COLUMN_CELL_BYTES])
{
	if (column && column->format)
		column->format(record, out);
	else
		columns_format_member(record, name, out);
}
