/* SPDX-License-Identifier: Apache-2.0 */
/* Exporter to a terminal: the busiest connections, drawn anew after each poll. */
#include "exporter_classes.h"
#include "log.h"
#include "table_view.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cleanup.h"

#define DEFAULT_WIDTH 132
#define DEFAULT_HEIGHT 24
#define MAX_WIDTH 500

struct exporter {
	struct table_view *view;
	struct event *resized; /* SIGWINCH; NULL when not on a terminal */
	bool is_terminal;
	bool is_drawn; /* the view is on the screen: the next record begins a new one */
	uint64_t end_unix_ns;
	uint64_t last_drawn_unix_ns; /* 0: never */
	uint64_t elapsed_ns;
	char tier[24];
	int error;
	struct exporter_stats stats;
};

static int write_screen(const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* A screen that nobody sized, or no terminal at all, gets the default. */
static void get_size(struct table_frame *frame)
{
	struct winsize size = {0};

	frame->width = DEFAULT_WIDTH;
	frame->height = DEFAULT_HEIGHT;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row)
		return;
	frame->width = size.ws_col < MAX_WIDTH ? size.ws_col : MAX_WIDTH;
	frame->height = size.ws_row;
}

/* https://no-color.org: set and not empty. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return !no_colour || !*no_colour;
}

static int draw(struct exporter *exporter)
{
	struct table_frame frame = {.tier = exporter->tier,
				    .end_unix_ns = exporter->end_unix_ns,
				    .elapsed_ns = exporter->elapsed_ns,
				    .is_terminal = exporter->is_terminal,
				    .has_colour = wants_colour()};
	CLEANUP_FREE char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -errno;
	get_size(&frame);
	table_view_print(exporter->view, &frame, out);
	return fclose(out) == EOF ? -errno : write_screen(text, size);
}

static void on_resized(evutil_socket_t signal, short events, void *context)
{
	struct exporter *exporter = context;

	(void)signal;
	(void)events;
	if (exporter->is_drawn)
		exporter->error = draw(exporter);
}

static void table_free(struct exporter *exporter)
{
	if (!exporter)
		return;
	if (exporter->resized)
		event_free(exporter->resized);
	if (exporter->is_terminal && exporter->last_drawn_unix_ns)
		(void)write_screen("\033[0m\033[?25h\n", strlen("\033[0m\033[?25h\n"));
	table_view_free(exporter->view);
	free(exporter);
}

static int set_up(struct exporter *exporter, struct event_base *base)
{
	exporter->view = table_view_new();
	exporter->is_terminal = isatty(STDOUT_FILENO);
	if (!exporter->view)
		return -ENOMEM;
	if (!exporter->is_terminal)
		return 0;
	exporter->resized = evsignal_new(base, SIGWINCH, on_resized, exporter);
	return exporter->resized && event_add(exporter->resized, NULL) == 0 ? 0 : -ENOMEM;
}

static struct exporter *table_new(const struct agent_settings *settings, struct event_base *base)
{
	struct exporter *exporter = calloc(1, sizeof(*exporter));
	int r;

	(void)settings;
	if (!exporter)
		return NULL;
	r = set_up(exporter, base);
	if (r == 0)
		return exporter;
	log_error("cannot set up the table", "error=%s", strerror(-r));
	table_free(exporter);
	errno = -r;
	return NULL;
}

static int table_begin(struct exporter *exporter, const struct interval *interval)
{
	if (exporter->is_drawn)
		table_view_clear(exporter->view);
	exporter->is_drawn = false;
	exporter->end_unix_ns = interval->end_unix_ns;
	(void)snprintf(exporter->tier, sizeof(exporter->tier), "%s", interval->tier); /* cut: fine */
	return 0;
}

static int table_connection(struct exporter *exporter, const struct connection *connection)
{
	exporter->stats.n_connections++;
	exporter->stats.n_delivered++;
	table_view_add(exporter->view, connection);
	return 0;
}

static int table_overflow(struct exporter *exporter, const struct overflow *overflow)
{
	table_view_add_overflow(exporter->view, overflow);
	return 0;
}

static int table_end(struct exporter *exporter, bool is_aborted)
{
	(void)is_aborted;
	return exporter->error;
}

static void table_polled(struct exporter *exporter)
{
	uint64_t last = exporter->last_drawn_unix_ns;

	exporter->elapsed_ns =
		last && exporter->end_unix_ns > last ? exporter->end_unix_ns - last : 0;
	exporter->last_drawn_unix_ns = exporter->end_unix_ns;
	exporter->error = draw(exporter);
	exporter->is_drawn = true;
	exporter->stats.n_errors += exporter->error < 0;
}

static const struct exporter_stats *table_stats(const struct exporter *exporter)
{
	return &exporter->stats;
}

const struct exporter_class table_exporter = {
	.name = "table",
	.new = table_new,
	.free = table_free,
	.begin = table_begin,
	.connection = table_connection,
	.overflow = table_overflow,
	.end = table_end,
	.stats = table_stats,
	.polled = table_polled,
};
