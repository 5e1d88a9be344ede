/* SPDX-License-Identifier: Apache-2.0 */
/* Exporter of JSON lines to a file or to standard output. */
#include "exporter_classes.h"
#include "line_file.h"
#include "log.h"
#include "record_json.h"
#include "settings.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

struct exporter {
	struct line_file *file;
	const char *path; /* the settings' */
	struct event_base *base;
	struct event *reopen;	/* SIGHUP */
	struct event *writable; /* the reader has room again for lines that wait */
	struct interval interval;
	int error; /* first one since the last interval */
	bool is_error_logged;
	uint64_t n_dropped_here; /* before they reached the file */
	struct exporter_stats stats;
};

static void jsonl_free(struct exporter *exporter)
{
	uint64_t n_lost = exporter && exporter->file ? line_file_end(exporter->file) : 0;

	if (n_lost > 0)
		log_warn("JSON lines that nobody read ended with the exporter",
			 "path=%s lines=%" PRIu64, exporter->path, n_lost);
	if (!exporter)
		return;
	if (exporter->reopen)
		event_free(exporter->reopen);
	if (exporter->writable)
		event_free(exporter->writable);
	line_file_free(exporter->file);
	free(exporter);
}

static void note_error(struct exporter *exporter, int r)
{
	if (r < 0 && exporter->error == 0)
		exporter->error = r;
}

static void refresh_stats(struct exporter *exporter)
{
	const struct line_file_stats *lines = line_file_get_stats(exporter->file);

	exporter->stats.n_delivered = lines->n_written;
	exporter->stats.n_dropped = exporter->n_dropped_here + lines->n_dropped;
	exporter->stats.n_errors = lines->n_errors;
}

/* Where it fails, as for what epoll(7) refuses, the next interval tries again. */
static void watch_if_waiting(struct exporter *exporter)
{
	if (line_file_is_waiting(exporter->file))
		(void)event_add(exporter->writable, NULL);
}

static void on_writable(evutil_socket_t fd, short events, void *context)
{
	struct exporter *exporter = context;

	(void)fd;
	(void)events;
	note_error(exporter, line_file_flush(exporter->file));
	refresh_stats(exporter);
	watch_if_waiting(exporter);
}

/* The event lets go of the descriptor before that is closed. */
static int reopen(struct exporter *exporter)
{
	int r;

	(void)event_del(exporter->writable); /* fails for an event without a base only */
	r = line_file_reopen(exporter->file);
	(void)event_assign(exporter->writable, exporter->base, line_file_fd(exporter->file),
			   EV_WRITE, on_writable, exporter); /* fails when it is pending only */
	watch_if_waiting(exporter);
	return r;
}

static const char *reason(int error)
{
	return error == -ENXIO ? "nobody reads the FIFO; start its reader first" : strerror(-error);
}

static void on_sighup(evutil_socket_t signal, short events, void *context)
{
	struct exporter *exporter = context;
	int r = reopen(exporter);

	(void)signal;
	(void)events;
	if (r < 0)
		log_error("cannot open the JSON lines file anew; the old one stays in use",
			  "path=%s error=%s", exporter->path, reason(r));
	else
		log_info("opened the JSON lines file anew", "path=%s", exporter->path);
}

static int set_up(struct exporter *exporter, struct event_base *base)
{
	int r = line_file_open(exporter->path, &exporter->file);

	if (r < 0) {
		log_error("cannot open the JSON lines file; let the agent's user write it, or "
			  "change jsonl.path",
			  "path=%s error=%s", exporter->path, reason(r));
		return r;
	}
	exporter->base = base;
	exporter->writable = event_new(base, line_file_fd(exporter->file), EV_WRITE, on_writable,
				       exporter);
	exporter->reopen = evsignal_new(base, SIGHUP, on_sighup, exporter);
	if (!exporter->writable || !exporter->reopen || event_add(exporter->reopen, NULL) < 0)
		return -ENOMEM;
	return 0;
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
	return 0;
}

static int add_record(struct exporter *exporter, json_t *record)
{
	CLEANUP_FREE char *text = record_json_text(record);
	int r = text ? line_file_add(exporter->file, text, strlen(text)) : -ENOMEM;

	if (!text)
		exporter->n_dropped_here++;
	note_error(exporter, r);
	watch_if_waiting(exporter);
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

static const char *complaint(int error)
{
	return error == -EAGAIN ? "nobody reads the JSON lines; new ones are dropped until it is done"
				: "cannot write JSON lines; records are dropped until it works";
}

/* EPIPE is no failure: the reader has what it wanted. */
static void log_change(struct exporter *exporter, int error)
{
	bool is_failing = error < 0 && error != -EPIPE;

	if (is_failing && !exporter->is_error_logged)
		log_error(complaint(error), "path=%s error=%s", exporter->path, strerror(-error));
	/* An interval without records says nothing while others wait. */
	if (!is_failing && exporter->is_error_logged && line_file_is_waiting(exporter->file))
		return;
	if (!is_failing && exporter->is_error_logged)
		log_info("JSON lines are written again", "path=%s", exporter->path);
	exporter->is_error_logged = is_failing;
}

static int jsonl_end(struct exporter *exporter, bool is_aborted)
{
	int error;

	(void)is_aborted;
	note_error(exporter, line_file_flush(exporter->file));
	watch_if_waiting(exporter);
	error = exporter->error;
	exporter->error = 0;
	log_change(exporter, error);
	refresh_stats(exporter);
	return error;
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
