/* SPDX-License-Identifier: Apache-2.0 */
/* Exporter of JSON lines to a file or to standard output. */
#include "exporter_classes.h"
#include "line_file.h"
#include "log.h"
#include "record_json.h"
#include "settings.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct exporter {
	struct line_file *file;
	const char *path; /* the settings' */
	struct event *reopen; /* SIGHUP */
	struct interval interval;
	int error; /* first one of the interval */
	bool is_error_logged;
	uint64_t n_dropped_here; /* before they reached the file */
	struct exporter_stats stats;
};

static void jsonl_free(struct exporter *exporter)
{
	if (!exporter)
		return;
	if (exporter->reopen)
		event_free(exporter->reopen);
	line_file_free(exporter->file);
	free(exporter);
}

static void on_sighup(evutil_socket_t signal, short events, void *context)
{
	struct exporter *exporter = context;
	int r = line_file_reopen(exporter->file);

	(void)signal;
	(void)events;
	if (r < 0)
		log_error("cannot open the JSON lines file anew; the old one stays in use",
			  "path=%s error=%s", exporter->path, strerror(-r));
	else
		log_info("opened the JSON lines file anew", "path=%s", exporter->path);
}

static int set_up(struct exporter *exporter, struct event_base *base)
{
	int r = line_file_open(exporter->path, &exporter->file);

	if (r < 0) {
		log_error("cannot open the JSON lines file; let the agent's user write it, or "
			  "change jsonl.path",
			  "path=%s error=%s", exporter->path, strerror(-r));
		return r;
	}
	exporter->reopen = evsignal_new(base, SIGHUP, on_sighup, exporter);
	return exporter->reopen && event_add(exporter->reopen, NULL) == 0 ? 0 : -ENOMEM;
}

static struct exporter *jsonl_new(const struct agent_settings *settings, struct event_base *base)
{
	struct exporter *exporter = calloc(1, sizeof(*exporter));
	int r;

	if (!exporter)
		return NULL;
	exporter->path = settings->jsonl_path;
	r = set_up(exporter, base);
	if (r == 0)
		return exporter;
	jsonl_free(exporter);
	errno = -r;
	return NULL;
}

static int jsonl_begin(struct exporter *exporter, const struct interval *interval)
{
	exporter->interval = *interval;
	exporter->error = 0;
	return 0;
}

static void note_error(struct exporter *exporter, int r)
{
	if (r < 0 && exporter->error == 0)
		exporter->error = r;
}

static int add_record(struct exporter *exporter, json_t *record)
{
	CLEANUP_FREE char *text = record_json_text(record);
	int r = text ? line_file_add(exporter->file, text, strlen(text)) : -ENOMEM;

	if (!text)
		exporter->n_dropped_here++;
	note_error(exporter, r);
	return r;
}

static int jsonl_connection(struct exporter *exporter, const struct connection *connection)
{
	exporter->stats.n_connections++;
	return add_record(exporter, record_json_connection(connection, &exporter->interval));
}

static int jsonl_listener(struct exporter *exporter, const struct connection *listener)
{
	return add_record(exporter, record_json_listener(listener, &exporter->interval));
}

static int jsonl_overflow(struct exporter *exporter, const struct overflow *overflow)
{
	return add_record(exporter, record_json_overflow(overflow, &exporter->interval));
}

/* EPIPE is no failure: the reader has what it wanted. */
static void log_change(struct exporter *exporter)
{
	bool is_failing = exporter->error < 0 && exporter->error != -EPIPE;

	if (is_failing && !exporter->is_error_logged)
		log_error("cannot write JSON lines; records are dropped until it works",
			  "path=%s error=%s", exporter->path, strerror(-exporter->error));
	if (!is_failing && exporter->is_error_logged)
		log_info("JSON lines are written again", "path=%s", exporter->path);
	exporter->is_error_logged = is_failing;
}

static void refresh_stats(struct exporter *exporter)
{
	const struct line_file_stats *lines = line_file_get_stats(exporter->file);

	exporter->stats.n_delivered = lines->n_written;
	exporter->stats.n_dropped = exporter->n_dropped_here + lines->n_dropped;
	exporter->stats.n_errors = lines->n_errors;
}

static int jsonl_end(struct exporter *exporter, bool is_aborted)
{
	(void)is_aborted;
	note_error(exporter, line_file_flush(exporter->file));
	log_change(exporter);
	refresh_stats(exporter);
	return exporter->error;
}

static const struct exporter_stats *jsonl_stats(const struct exporter *exporter)
{
	return &exporter->stats;
}

const struct exporter_class jsonl_exporter = {
	.name = "jsonl",
	.new = jsonl_new,
	.free = jsonl_free,
	.begin = jsonl_begin,
	.connection = jsonl_connection,
	.listener = jsonl_listener,
	.overflow = jsonl_overflow,
	.end = jsonl_end,
	.stats = jsonl_stats,
};
