/* SPDX-License-Identifier: Apache-2.0 */
#include "table_view.h"

#include "facts.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9
#define MIN_ENDPOINT_WIDTH 15
#define MAX_ENDPOINT_WIDTH 47 /* an IPv6 address in brackets, colon, port */
#define MAX_LINE 512
#define MAX_CELL 64
#define N_LINES_AROUND 3 /* title, header, "N more" */

struct row {
	uint64_t id;
	uint64_t bytes_sent, bytes_received; /* in the interval */
	uint64_t rtt_us;
	enum connection_protocol protocol;
	enum connection_state state;
	enum connection_direction direction;
	uint32_t pid;
	uint32_t error;
	bool has_rtt;
	bool has_sent, has_received; /* else the bytes are not known */
	bool is_reset;
	char local[MAX_ENDPOINT_WIDTH + 1];
	char remote[MAX_ENDPOINT_WIDTH + 1];
	char process[16];
	char container[13];
};

struct table_view {
	struct row rows[TABLE_VIEW_MAX_ROWS];
	size_t n_rows;
	size_t least; /* row with the fewest bytes, when all rows are in use */
	uint64_t n_connections;
	uint64_t bytes_sent, bytes_received;
	uint64_t n_lost;
};

struct table_view *table_view_new(void)
{
	return calloc(1, sizeof(struct table_view));
}

void table_view_free(struct table_view *view)
{
	free(view);
}

void table_view_clear(struct table_view *view)
{
	view->n_rows = 0;
	view->least = 0;
	view->n_connections = 0;
	view->bytes_sent = 0;
	view->bytes_received = 0;
	view->n_lost = 0;
}

static uint64_t traffic(const struct row *row)
{
	return row->bytes_sent + row->bytes_received;
}

static void format_endpoint(enum connection_family family, const uint8_t address[16],
			    uint16_t port, char ret[MAX_ENDPOINT_WIDTH + 1])
{
	char text[INET6_ADDRSTRLEN];

	text_format_address(family, address, text);
	/* An IPv6 address with dotted end may be cut: it is for the eye. */
	(void)snprintf(ret, MAX_ENDPOINT_WIDTH + 1, family == CONNECTION_IPV4 ? "%s:%u" : "[%s]:%u",
		       text, port);
}

static void fill_row(struct row *row, const struct connection *connection)
{
	const char *container = connection->owner.container_id;

	*row = (struct row){.id = connection->id,
			    .bytes_sent = connection->interval.bytes_sent,
			    .bytes_received = connection->interval.bytes_received,
			    .rtt_us = connection->rtt_us,
			    .protocol = connection->protocol,
			    .state = connection->state,
			    .direction = connection->direction,
			    .pid = connection->pid,
			    .error = connection->error,
			    .has_rtt = connection->has_rtt,
			    .has_sent = connection->facts.known & FACT_BIT(FACT_BYTES_SENT),
			    .has_received =
				    connection->facts.known & FACT_BIT(FACT_BYTES_RECEIVED),
			    .is_reset = connection->facts.reset_sent ||
					connection->facts.reset_received};
	format_endpoint(connection->family, connection->local_address, connection->local_port,
			row->local);
	format_endpoint(connection->family, connection->remote_address, connection->remote_port,
			row->remote);
	text_make_printable(connection->comm ? connection->comm : "-", sizeof(row->process),
			    row->process, sizeof(row->process));
	text_make_printable(container ? container : "-", sizeof(row->container), row->container,
			    sizeof(row->container));
}

static struct row *find_row(struct table_view *view, uint64_t id)
{
	for (size_t i = 0; i < view->n_rows; i++)
		if (view->rows[i].id == id)
			return &view->rows[i];
	return NULL;
}

static void find_least(struct table_view *view)
{
	view->least = 0;
	for (size_t i = 1; i < view->n_rows; i++)
		if (traffic(&view->rows[i]) < traffic(&view->rows[view->least]))
			view->least = i;
}

/* NULL: other rows have more traffic. */
static struct row *make_room(struct table_view *view, const struct row *row)
{
	if (view->n_rows < TABLE_VIEW_MAX_ROWS)
		return &view->rows[view->n_rows++];
	return traffic(row) > traffic(&view->rows[view->least]) ? &view->rows[view->least] : NULL;
}

static bool is_below_all(const struct table_view *view, const struct connection *connection)
{
	return view->n_rows == TABLE_VIEW_MAX_ROWS &&
	       connection->interval.bytes_sent + connection->interval.bytes_received <=
		       traffic(&view->rows[view->least]);
}

static void count(struct table_view *view, const struct connection *connection, bool is_again)
{
	view->n_connections += !is_again;
	view->bytes_sent += connection->interval.bytes_sent;
	view->bytes_received += connection->interval.bytes_received;
}

void table_view_add(struct table_view *view, const struct connection *connection)
{
	/* Within one view a connection is first open, then closed. */
	struct row *place =
		connection->state == CONNECTION_OPEN ? NULL : find_row(view, connection->id);
	struct row row;

	count(view, connection, place != NULL);
	if (!place && is_below_all(view, connection))
		return;
	fill_row(&row, connection);
	if (place) {
		row.bytes_sent += place->bytes_sent;
		row.bytes_received += place->bytes_received;
	} else {
		place = make_room(view, &row);
	}
	if (place)
		*place = row;
	if (view->n_rows == TABLE_VIEW_MAX_ROWS)
		find_least(view);
}

void table_view_add_overflow(struct table_view *view, const struct overflow *overflow)
{
	view->n_lost += overflow->n_connections;
}

static int compare_rows(const void *left, const void *right)
{
	uint64_t a = traffic(left), b = traffic(right);

	return a < b ? 1 : a > b ? -1 : 0;
}

static void format_rate(uint64_t bytes, uint64_t elapsed_ns, char *out, size_t size)
{
	static const char units[] = " kMGTPE";
	double rate = elapsed_ns ? (double)bytes * NS_PER_S / (double)elapsed_ns : 0;
	size_t unit = 0;

	for (; rate >= 999.5 && units[unit + 1]; unit++)
		rate /= 1000;
	if (!elapsed_ns)
		(void)snprintf(out, size, "-");
	else if (unit == 0)
		(void)snprintf(out, size, "%.0f", rate);
	else
		(void)snprintf(out, size, rate < 9.95 ? "%.1f%c" : "%.0f%c", rate, units[unit]);
}

static void format_protocol(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	(void)snprintf(out, MAX_CELL, "%s", row->protocol == CONNECTION_TCP ? "tcp" : "udp");
}

static void format_local(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	(void)snprintf(out, MAX_CELL, "%s", row->local);
}

static void format_remote(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	(void)snprintf(out, MAX_CELL, "%s", row->remote);
}

static void format_direction(const struct row *row, const struct table_frame *frame, char *out)
{
	static const char *const names[] = {[CONNECTION_DIRECTION_UNKNOWN] = "-",
					    [CONNECTION_INCOMING] = "in",
					    [CONNECTION_OUTGOING] = "out",
					    [CONNECTION_LOCAL] = "local"};

	(void)frame;
	(void)snprintf(out, MAX_CELL, "%s", names[row->direction]);
}

static const struct {
	uint32_t error;
	const char *word;
} bad_ends[] = {
	{ECONNREFUSED, "refused"}, {ETIMEDOUT, "timeout"},   {ENETUNREACH, "unreach"},
	{EHOSTUNREACH, "unreach"}, {ECONNRESET, "reset"},    {ECANCELED, "cancel"},
	{EADDRNOTAVAIL, "no port"},
};

/* How it ended, when not well. */
static const char *state_word(const struct row *row)
{
	if (row->state == CONNECTION_OPEN)
		return "open";
	for (size_t i = 0; i < sizeof(bad_ends) / sizeof(*bad_ends); i++)
		if (row->error == bad_ends[i].error)
			return bad_ends[i].word;
	if (row->state == CONNECTION_FAILED)
		return "failed";
	return row->is_reset ? "reset" : "closed";
}

static void format_state(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	(void)snprintf(out, MAX_CELL, "%s", state_word(row));
}

static void format_pid(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	(void)snprintf(out, MAX_CELL, row->pid ? "%u" : "-", row->pid);
}

static void format_process(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	(void)snprintf(out, MAX_CELL, "%s", row->process);
}

static void format_container(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	(void)snprintf(out, MAX_CELL, "%s", row->container);
}

static void format_sent(const struct row *row, const struct table_frame *frame, char *out)
{
	format_rate(row->bytes_sent, row->has_sent ? frame->elapsed_ns : 0, out, MAX_CELL);
}

static void format_received(const struct row *row, const struct table_frame *frame, char *out)
{
	format_rate(row->bytes_received, row->has_received ? frame->elapsed_ns : 0, out, MAX_CELL);
}

static void format_rtt(const struct row *row, const struct table_frame *frame, char *out)
{
	(void)frame;
	if (!row->has_rtt)
		(void)snprintf(out, MAX_CELL, "-");
	else if (row->rtt_us < 10000)
		(void)snprintf(out, MAX_CELL, "%" PRIu64 "us", row->rtt_us);
	else
		(void)snprintf(out, MAX_CELL, "%" PRIu64 "ms", row->rtt_us / 1000);
}

struct column {
	const char *name;
	unsigned int width; /* 0: shares what is left */
	bool is_right;
	unsigned int leave; /* order in which columns go when there is no room; 0: stays */
	void (*format)(const struct row *row, const struct table_frame *frame, char *out);
};

static const struct column columns[] = {
	{"PROTO", 5, false, 4, format_protocol},
	{"LOCAL", 0, false, 0, format_local},
	{"REMOTE", 0, false, 0, format_remote},
	{"DIR", 5, false, 5, format_direction},
	{"STATE", 7, false, 3, format_state},
	{"PID", 7, true, 6, format_pid},
	{"PROCESS", 15, false, 0, format_process},
	{"CONTAINER", 12, false, 1, format_container},
	{"SENT/s", 7, true, 0, format_sent},
	{"RECV/s", 7, true, 0, format_received},
	{"RTT", 7, true, 2, format_rtt},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))
#define N_LEAVING 6

/* Which columns there is room for, and how wide the two endpoints are. */
struct layout {
	unsigned int n_left_out; /* those with `leave` from 1 to this */
	unsigned int endpoint_width;
};

static bool is_shown(const struct layout *layout, const struct column *column)
{
	return column->leave == 0 || column->leave > layout->n_left_out;
}

static unsigned int fixed_width(const struct layout *layout)
{
	unsigned int width = 0;

	for (size_t i = 0; i < N_COLUMNS; i++)
		if (is_shown(layout, &columns[i]))
			width += columns[i].width + 1;
	return width - 1; /* no space after the last */
}

static struct layout choose_layout(unsigned int width)
{
	struct layout layout = {0};
	unsigned int left;

	while (layout.n_left_out < N_LEAVING &&
	       fixed_width(&layout) + 2 * MIN_ENDPOINT_WIDTH > width)
		layout.n_left_out++;
	left = width > fixed_width(&layout) ? width - fixed_width(&layout) : 0;
	layout.endpoint_width = left / 2;
	if (layout.endpoint_width < MIN_ENDPOINT_WIDTH)
		layout.endpoint_width = MIN_ENDPOINT_WIDTH;
	if (layout.endpoint_width > MAX_ENDPOINT_WIDTH)
		layout.endpoint_width = MAX_ENDPOINT_WIDTH;
	return layout;
}

/* `row` NULL: the header. */
static void format_line(const struct layout *layout, const struct row *row,
			const struct table_frame *frame, char line[MAX_LINE])
{
	size_t n = 0;

	for (size_t i = 0; i < N_COLUMNS; i++) {
		const struct column *column = &columns[i];
		int width = (int)(column->width ? column->width : layout->endpoint_width);
		char cell[MAX_CELL];

		if (!is_shown(layout, column))
			continue;
		if (row)
			column->format(row, frame, cell);
		else
			(void)snprintf(cell, sizeof(cell), "%s", column->name);
		n += (size_t)snprintf(line + n, MAX_LINE - n, column->is_right ? "%s%*.*s" : "%s%-*.*s",
				      n ? " " : "", width, width, cell);
	}
}

/* One line of the screen, cut to its width; lines are separated, not ended, by newlines. */
static void print_line(const struct table_frame *frame, const char *line, const char *style,
		       bool is_first, FILE *out)
{
	const char *on = frame->has_colour && frame->is_terminal ? style : "";
	const char *off = *on ? "\033[0m" : "";

	fprintf(out, "%s%s%.*s%s%s", is_first ? "" : "\n", on, (int)frame->width, line, off,
		frame->is_terminal ? "\033[K" : "");
}

static void print_title(const struct table_view *view, const struct table_frame *frame, FILE *out)
{
	char line[MAX_LINE], time[TEXT_TIME_SIZE], tier[24], sent[16], received[16];

	text_format_time(frame->end_unix_ns, time);
	text_make_printable(frame->tier, sizeof(tier), tier, sizeof(tier));
	format_rate(view->bytes_sent, frame->elapsed_ns, sent, sizeof(sent));
	format_rate(view->bytes_received, frame->elapsed_ns, received, sizeof(received));
	(void)snprintf(line, sizeof(line),
		       "sysprobe %.8s UTC  tier %s  %" PRIu64 " connections  sent %sB/s  "
		       "received %sB/s  lost %" PRIu64,
		       time + strlen("2026-01-01T"), tier, view->n_connections, sent, received,
		       view->n_lost);
	print_line(frame, line, "\033[1m", true, out);
}

static void print_rest(const struct table_view *view, const struct table_frame *frame,
		       size_t n_shown, FILE *out)
{
	char line[MAX_LINE];

	if (view->n_connections <= n_shown)
		return;
	(void)snprintf(line, sizeof(line), "%" PRIu64 " more", view->n_connections - n_shown);
	print_line(frame, line, "", false, out);
}

void table_view_print(struct table_view *view, const struct table_frame *frame, FILE *out)
{
	struct layout layout = choose_layout(frame->width);
	size_t room = frame->height > N_LINES_AROUND ? frame->height - N_LINES_AROUND : 0;
	size_t n = view->n_rows < room ? view->n_rows : room;
	char line[MAX_LINE];

	qsort(view->rows, view->n_rows, sizeof(*view->rows), compare_rows);
	if (view->n_rows == TABLE_VIEW_MAX_ROWS)
		view->least = view->n_rows - 1;
	if (frame->is_terminal)
		fputs("\033[?25l\033[H", out);
	print_title(view, frame, out);
	format_line(&layout, NULL, frame, line);
	print_line(frame, line, "\033[7m", false, out);
	for (size_t i = 0; i < n; i++) {
		format_line(&layout, &view->rows[i], frame, line);
		print_line(frame, line, "", false, out);
	}
	print_rest(view, frame, n, out);
	fputs(frame->is_terminal ? "\033[J\033[?25h" : "\n", out);
}
