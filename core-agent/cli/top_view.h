/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `core-agent top` shows: rows with their rates, which of them are on the screen,
 * and each line as text. Pure: JSON and keys in, text out.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_MAX_ROWS 1000
#define TOP_MAX_WIDTH 512
#define TOP_SEARCH_BYTES 64

enum top_sort {
	TOP_RATE,
	TOP_BYTES,
	TOP_RETRANSMITS,
	TOP_RTT,
	TOP_TIME,
	TOP_DURATION,
	TOP_PID,
	TOP_N_SORTS,
};

enum top_move { TOP_UP, TOP_DOWN, TOP_PAGE_UP, TOP_PAGE_DOWN, TOP_HOME, TOP_END };

/* How a line is to be drawn. */
enum top_style { TOP_PLAIN, TOP_TITLE, TOP_HEADER, TOP_SELECTED, TOP_FAILED };

struct top_view;

struct top_view *top_view_new(void); /* NULL: out of memory */
void top_view_free(struct top_view *view); /* takes NULL */

/* -ENOENT: no key is called so. */
int top_sort_parse(const char *name, enum top_sort *ret);

/* What the API is to sort by, so that what is shown is among what it gives. */
const char *top_view_sort_parameter(const struct top_view *view);
void top_view_set_sort(struct top_view *view, enum top_sort sort);
enum top_sort top_view_get_sort(const struct top_view *view);
void top_view_reverse(struct top_view *view);

/*
 * An answer of /agent/connections in place of the one before. A rate is what was moved
 * between two looks of the agent, which are not those of this program. -ENOMEM leaves
 * what was there.
 */
int top_view_take(struct top_view *view, const json_t *answer);

/* Of the whole screen; three lines are around the rows. */
void top_view_resize(struct top_view *view, unsigned int width, unsigned int height);
void top_view_move(struct top_view *view, enum top_move move);

/* The selected row's record, borrowed; NULL: there are no rows. */
const json_t *top_view_selected(const struct top_view *view);

/*
 * Line `line` of the screen but the last one, exactly as wide as the screen at most.
 * `note` stands at the end of the first: "paused", or what is searched for.
 */
enum top_style top_view_line(const struct top_view *view, unsigned int line, const char *note,
			     char out[TOP_MAX_WIDTH]);

/*
 * The parameter of the API that finds `text`: remote for an address or a network, port for
 * a number up to 65535, else search.
 */
const char *top_search_parameter(const char *text);
