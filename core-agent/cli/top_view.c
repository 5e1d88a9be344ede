/* SPDX-License-Identifier: Apache-2.0 */
#include "top_view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "columns.h"
#include "format.h"

#define LINES_AROUND 3 /* title, header, keys */
#define MIN_END_WIDTH 15
#define MAX_END_WIDTH 47

struct row {
	json_t *record; /* owned */
	int64_t id;
	int64_t time_ms;
	uint64_t bytes;
	uint64_t rate; /* bytes a second */
	bool has_rate;
	uint64_t key;
};

struct top_view {
	struct row *rows;
	size_t n;
	json_int_t n_matched, n_open;
	char instance[64]; /* of the probe: ids are its own */
	enum top_sort sort;
	bool is_reverse;
	unsigned int width, height;
	size_t selected, first;
};

static const struct {
	const char *name, *parameter, *member;
} sorts[TOP_N_SORTS] = {
	[TOP_RATE] = {"rate", "bytes", NULL},
	[TOP_BYTES] = {"bytes", "bytes", NULL},
	[TOP_RETRANSMITS] = {"retransmits", "retransmits", "retransmits"},
	[TOP_RTT] = {"rtt", "rtt", "rtt_us"},
	[TOP_TIME] = {"time", "time", NULL},
	[TOP_DURATION] = {"duration", "duration", "duration_ms"},
	[TOP_PID] = {"pid", "pid", "pid"},
};

/* The columns from left to right; those with the highest `leave` go first from a narrow one. */
static const struct {
	const char *name; /* of columns.h; "rate" is our own */
	unsigned int width; /* 0: an end of the connection */
	unsigned int leave;
} shown[] = {
	{"rate", 7, 0},	   {"sent", 5, 6},    {"received", 8, 6}, {"rtt", 6, 5},
	{"state", 6, 2},   {"proto", 5, 7},   {"direction", 5, 8}, {"pid", 7, 1},
	{"process", 15, 0}, {"container", 12, 4}, {"local", 0, 3},  {"remote", 0, 0},
	{"error", 12, 0},
};
#define N_SHOWN (sizeof(shown) / sizeof(*shown))
#define MAX_LEAVE 8

struct top_view *top_view_new(void)
{
	return calloc(1, sizeof(struct top_view));
}

static void free_rows(struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_decref(rows[i].record);
	free(rows);
}

void top_view_free(struct top_view *view)
{
	if (!view)
		return;
	free_rows(view->rows, view->n);
	free(view);
}

int top_sort_parse(const char *name, enum top_sort *ret)
{
	for (size_t i = 0; i < TOP_N_SORTS; i++)
		if (strcmp(sorts[i].name, name) == 0) {
			*ret = (enum top_sort)i;
			return 0;
		}
	return -ENOENT;
}

const char *top_view_sort_parameter(const struct top_view *view)
{
	return sorts[view->sort].parameter;
}

enum top_sort top_view_get_sort(const struct top_view *view)
{
	return view->sort;
}

static uint64_t number(const json_t *record, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(record, name));

	return value > 0 ? (uint64_t)value : 0;
}

/* Of "2026-11-21T06:22:11.559Z"; 0: of another form. */
static int64_t parse_time_ms(const char *text)
{
	struct tm tm = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int ms = 0;

	if (!rest || sscanf(rest, ".%3dZ", &ms) != 1)
		return 0;
	return (int64_t)timegm(&tm) * 1000 + ms;
}

static uint64_t sort_key(const struct row *row, enum top_sort sort)
{
	switch (sort) {
	case TOP_RATE:
		return row->rate;
	case TOP_BYTES:
		return row->bytes;
	case TOP_TIME:
		return (uint64_t)row->time_ms;
	default:
		return number(row->record, sorts[sort].member);
	}
}

/* Ties stay in an order that does not change from look to look. */
static int compare(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->key != right->key)
		return left->key < right->key ? 1 : -1;
	return (left->id > right->id) - (left->id < right->id);
}

static int compare_reverse(const void *a, const void *b)
{
	return compare(b, a);
}

static void clamp(struct top_view *view)
{
	size_t room = view->height > LINES_AROUND ? view->height - LINES_AROUND : 1;

	if (view->selected >= view->n)
		view->selected = view->n ? view->n - 1 : 0;
	if (view->first > view->selected)
		view->first = view->selected;
	if (view->selected >= view->first + room)
		view->first = view->selected - room + 1;
	if (view->first + room > view->n)
		view->first = view->n > room ? view->n - room : 0;
}

/* Who looks at the first row wants to go on looking there: that is no selection. */
static bool get_selected_id(const struct top_view *view, int64_t *ret)
{
	if (view->selected == 0 || view->selected >= view->n)
		return false;
	*ret = view->rows[view->selected].id;
	return true;
}

static void select_id(struct top_view *view, int64_t id)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->rows[i].id == id)
			view->selected = i;
}

static void sort_rows(struct top_view *view)
{
	for (size_t i = 0; i < view->n; i++)
		view->rows[i].key = sort_key(&view->rows[i], view->sort);
	if (view->n > 0)
		qsort(view->rows, view->n, sizeof(*view->rows),
		      view->is_reverse ? compare_reverse : compare);
}

/* The selection stays with its connection. */
static void sort_again(struct top_view *view)
{
	int64_t id = 0;
	bool is_selected = get_selected_id(view, &id);

	sort_rows(view);
	if (is_selected)
		select_id(view, id);
	clamp(view);
}

void top_view_set_sort(struct top_view *view, enum top_sort sort)
{
	view->sort = sort;
	sort_again(view);
}

void top_view_reverse(struct top_view *view)
{
	view->is_reverse = !view->is_reverse;
	sort_again(view);
}

static const struct row *find_row(const struct top_view *view, int64_t id)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->rows[i].id == id)
			return &view->rows[i];
	return NULL;
}

static void set_rate(struct row *row, const struct row *before)
{
	if (!before)
		return;
	if (row->time_ms <= before->time_ms) { /* the agent has not looked again */
		row->rate = before->rate;
		row->has_rate = before->has_rate;
	} else if (row->bytes >= before->bytes) {
		row->rate = (row->bytes - before->bytes) * 1000 /
			    (uint64_t)(row->time_ms - before->time_ms);
		row->has_rate = true;
	}
}

static void fill_row(const struct top_view *view, struct row *row, json_t *record, bool is_known)
{
	row->record = json_incref(record);
	row->id = json_integer_value(json_object_get(record, "id"));
	row->time_ms = parse_time_ms(json_string_value(json_object_get(record, "time")));
	row->bytes = number(record, "bytes_sent") + number(record, "bytes_received");
	if (is_known)
		set_rate(row, find_row(view, row->id));
}

int top_view_take(struct top_view *view, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "connections");
	size_t n = json_array_size(list) < TOP_MAX_ROWS ? json_array_size(list) : TOP_MAX_ROWS;
	const char *instance = json_string_value(
		json_object_get(json_array_get(list, 0), "probe_instance"));
	bool is_known = instance && strcmp(instance, view->instance) == 0;
	int64_t selected = 0;
	bool is_selected = get_selected_id(view, &selected);
	struct row *rows = calloc(n ? n : 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fill_row(view, &rows[i], json_array_get(list, i), is_known);
	free_rows(view->rows, view->n);
	view->rows = rows;
	view->n = n;
	view->n_matched = json_integer_value(json_object_get(answer, "matched"));
	view->n_open = json_integer_value(json_object_get(answer, "open"));
	(void)snprintf(view->instance, sizeof(view->instance), "%s", instance ? instance : "");
	sort_rows(view);
	if (is_selected)
		select_id(view, selected);
	clamp(view);
	return 0;
}

void top_view_resize(struct top_view *view, unsigned int width, unsigned int height)
{
	view->width = width < TOP_MAX_WIDTH ? width : TOP_MAX_WIDTH - 1;
	view->height = height;
	clamp(view);
}

void top_view_move(struct top_view *view, enum top_move move)
{
	size_t room = view->height > LINES_AROUND ? view->height - LINES_AROUND : 1;

	switch (move) {
	case TOP_UP:
		view->selected -= view->selected > 0;
		break;
	case TOP_DOWN:
		view->selected++;
		break;
	case TOP_PAGE_UP:
		view->selected -= view->selected > room ? room : view->selected;
		break;
	case TOP_PAGE_DOWN:
		view->selected += room;
		break;
	case TOP_HOME:
		view->selected = 0;
		break;
	case TOP_END:
		view->selected = view->n;
		break;
	}
	clamp(view);
}

const json_t *top_view_selected(const struct top_view *view)
{
	return view->selected < view->n ? view->rows[view->selected].record : NULL;
}

/* How many kinds of columns have left, and how wide an end may be. */
struct layout {
	unsigned int n_left;
	unsigned int end_width;
};

static bool is_shown(const struct layout *layout, size_t column)
{
	return shown[column].leave == 0 || shown[column].leave + layout->n_left <= MAX_LEAVE;
}

static struct layout choose(unsigned int width)
{
	struct layout layout = {0};

	for (;; layout.n_left++) {
		unsigned int fixed = 0, n_ends = 0;

		for (size_t i = 0; i < N_SHOWN; i++) {
			if (!is_shown(&layout, i))
				continue;
			fixed += shown[i].width + 1;
			n_ends += shown[i].width == 0;
		}
		layout.end_width = width > fixed ? (width - fixed) / n_ends : 0;
		if (layout.end_width >= MIN_END_WIDTH || layout.n_left == MAX_LEAVE)
			break;
	}
	if (layout.end_width > MAX_END_WIDTH)
		layout.end_width = MAX_END_WIDTH;
	return layout;
}

static void format_cell(const struct row *row, size_t column, char out[COLUMN_CELL_BYTES])
{
	char rate[FORMAT_SIZE];

	if (column > 0) {
		columns_format(columns_find(shown[column].name), shown[column].name, row->record, out);
		return;
	}
	(void)snprintf(out, COLUMN_CELL_BYTES, "-");
	if (!row->has_rate)
		return;
	format_count(row->rate, rate);
	(void)snprintf(out, COLUMN_CELL_BYTES, "%sB/s", rate);
}

static void title_of(size_t column, char out[COLUMN_CELL_BYTES])
{
	const struct column *known = columns_find(shown[column].name);
	const char *title = known && known->title ? known->title : shown[column].name;
	size_t i;

	for (i = 0; title[i]; i++)
		out[i] = title[i] >= 'a' && title[i] <= 'z' ? (char)(title[i] - 'a' + 'A') : title[i];
	out[i] = '\0';
}

/* `row` NULL: the titles. */
static void format_row(const struct top_view *view, const struct row *row, char out[TOP_MAX_WIDTH])
{
	struct layout layout = choose(view->width);
	char line[2 * TOP_MAX_WIDTH], cell[COLUMN_CELL_BYTES];
	size_t size = 0;

	line[0] = '\0';
	for (size_t i = 0; i < N_SHOWN && size < TOP_MAX_WIDTH; i++) {
		const struct column *known = columns_find(shown[i].name);
		int width = (int)(shown[i].width ? shown[i].width : layout.end_width);
		bool is_right = i == 0 || (known && known->is_right);

		if (!is_shown(&layout, i))
			continue;
		if (row)
			format_cell(row, i, cell);
		else
			title_of(i, cell);
		size += (size_t)snprintf(line + size, sizeof(line) - size,
					 is_right ? "%s%*.*s" : "%s%-*.*s", size ? " " : "", width,
					 width, cell); /* a row is at most half of it */
	}
	(void)snprintf(out, TOP_MAX_WIDTH, "%.*s", (int)view->width, line); /* cut to the screen */
}

static void format_title(const struct top_view *view, const char *note, char out[TOP_MAX_WIDTH])
{
	size_t room = view->height > LINES_AROUND ? view->height - LINES_AROUND : 0;
	size_t last = view->first + room < view->n ? view->first + room : view->n;
	char line[TOP_MAX_WIDTH];

	(void)snprintf(line, sizeof(line),
		       "sysprobe  %" JSON_INTEGER_FORMAT " open  %" JSON_INTEGER_FORMAT
		       " matched  %zu-%zu shown  by %s%s  %s", view->n_open, view->n_matched,
		       view->n ? view->first + 1 : 0, last,
		       sorts[view->sort].name, view->is_reverse ? " (smallest first)" : "", note);
	(void)snprintf(out, TOP_MAX_WIDTH, "%.*s", (int)view->width, line); /* cut to the screen */
}

enum top_style top_view_line(const struct top_view *view, unsigned int line, const char *note,
			     char out[TOP_MAX_WIDTH])
{
	size_t i = view->first + line - 2;
	const char *state;

	out[0] = '\0';
	if (line == 0) {
		format_title(view, note, out);
		return TOP_TITLE;
	}
	if (line == 1) {
		format_row(view, NULL, out);
		return TOP_HEADER;
	}
	if (i >= view->n)
		return TOP_PLAIN;
	format_row(view, &view->rows[i], out);
	state = json_string_value(json_object_get(view->rows[i].record, "state"));
	if (i == view->selected)
		return TOP_SELECTED;
	return state && strcmp(state, "failed") == 0 ? TOP_FAILED : TOP_PLAIN;
}

static bool is_network(const char *text)
{
	unsigned char address[16];
	char copy[TOP_SEARCH_BYTES];

	(void)snprintf(copy, sizeof(copy), "%s", text); /* no address is longer */
	copy[strcspn(copy, "/")] = '\0';
	return inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1;
}

const char *top_search_parameter(const char *text)
{
	size_t n_digits = strspn(text, "0123456789");

	if (is_network(text))
		return "remote";
	if (*text && !text[n_digits] && n_digits <= 5 && atoi(text) <= UINT16_MAX && atoi(text) > 0)
		return "port";
	return "search";
}
