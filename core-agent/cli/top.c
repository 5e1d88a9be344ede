/* SPDX-License-Identifier: Apache-2.0 */
/* The command top: the only file that knows of the terminal library. */
#include "cli_internal.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "exporters/text.h"
#include "ipc.h"
#include "top_view.h"

#define DEFAULT_INTERVAL_S 2
#define MAX_INTERVAL_S 3600
#define TIMEOUT_MS 3000L /* the screen stands still for so long at most */
#define KEY_ESCAPE 27
#define ESCAPE_DELAY_MS 100 /* to tell the key from the beginning of another, over ssh too */
#define FAILED_PAIR 1

enum mode { MODE_LIST, MODE_SEARCH, MODE_DETAILS, MODE_HELP };

struct top {
	struct cli *cli;
	struct ipc *ipc;
	struct top_view *view;
	enum mode mode;
	bool is_paused;
	bool is_done;
	char search[TOP_SEARCH_BYTES]; /* in force */
	char typed[TOP_SEARCH_BYTES];
	char trouble[512]; /* why the last question failed; empty: it did not */
	size_t interval_s;
	int64_t next_ms; /* when to ask again */
	int exit_code;
};

static const char *const help_lines[] = {
	"Up Down PgUp PgDn Home End   move",
	"Enter                        all that is known of the selected connection",
	"s S                          sort by the next, the previous key",
	"r                            largest or smallest first",
	"/                            search: part of a name or command line, a remote address",
	"                             or network, or a port; empty for all",
	"Space                        stand still, go on",
	"q                            leave",
	"",
	"A rate is what was moved between the last two reports of the agent (its setting",
	"process_config.intervals.connections). Rates are known of the 1000 connections that",
	"the agent gives: those with the most bytes, or first by the other keys.",
};

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The filters of the command line, and what is searched for. Heap; NULL: out of memory. */
static char *make_path(const struct top *top)
{
	const struct arguments *given = &top->cli->arguments;
	struct flag flags[2] = {{.is_query = true}, {.name = "sort", .is_query = true}};
	struct arguments arguments = {.n_given = 1};

	arguments.given[0].flag = &flags[1];
	arguments.given[0].value = top_view_sort_parameter(top->view);
	for (size_t i = 0; i < given->n_given && arguments.n_given < ARGUMENTS_MAX_FLAGS - 1; i++)
		if (given->given[i].flag->is_query)
			arguments.given[arguments.n_given++] = given->given[i];
	if (*top->search) {
		flags[0].name = top_search_parameter(top->search);
		arguments.given[arguments.n_given].flag = &flags[0];
		arguments.given[arguments.n_given++].value = top->search;
	}
	return ipc_query("/agent/connections?limit=1000", &arguments);
}

static void ask(struct top *top)
{
	CLEANUP_FREE char *path = make_path(top);
	struct ipc_problem problem = {.text = "out of memory", .exit_code = CLI_FAILED};
	json_t *answer = path ? ipc_ask(top->ipc, path, NULL, false, &problem) : NULL;

	top->trouble[0] = '\0';
	if (!answer || top_view_take(top->view, answer) < 0) {
		(void)snprintf(top->trouble, sizeof(top->trouble), "%s", problem.text); /* as large */
		top->exit_code = problem.exit_code;
	} else {
		top->exit_code = CLI_DONE;
	}
	json_decref(answer);
	top->next_ms = now_ms() + (int64_t)top->interval_s * 1000;
}

static void draw_line(int line, const char *text, attr_t attributes)
{
	(void)attrset(attributes); /* these calls fail only outside of the screen */
	(void)mvaddnstr(line, 0, text, COLS);
	if (attributes & A_REVERSE)
		for (int i = (int)strlen(text); i < COLS; i++)
			(void)mvaddch(line, i, ' ');
	(void)attrset(A_NORMAL);
}

static attr_t attributes_of(enum top_style style)
{
	switch (style) {
	case TOP_TITLE:
		return A_BOLD;
	case TOP_HEADER:
	case TOP_SELECTED:
		return A_REVERSE;
	case TOP_FAILED:
		return (attr_t)COLOR_PAIR(FAILED_PAIR);
	default:
		return A_NORMAL;
	}
}

static void draw_list(const struct top *top)
{
	char text[TOP_MAX_WIDTH], note[TOP_SEARCH_BYTES + 32];

	(void)snprintf(note, sizeof(note), "%s%s%s", *top->search ? "search " : "", top->search,
		       top->is_paused ? "  paused" : "");
	for (int line = 0; line < LINES - 1; line++) {
		enum top_style style = top_view_line(top->view, (unsigned int)line, note, text);

		draw_line(line, text, attributes_of(style));
	}
}

static void draw_details(const struct top *top)
{
	json_t *record = (json_t *)(uintptr_t)top_view_selected(top->view), *value;
	const char *name;
	int line = 0;

	draw_line(line++, "the selected connection", A_BOLD);
	json_object_foreach(record, name, value) {
		CLEANUP_FREE char *dump = json_is_string(value)
						  ? NULL
						  : json_dumps(value, JSON_ENCODE_ANY);
		char text[TOP_MAX_WIDTH], shown[TOP_MAX_WIDTH - 32];

		text_make_printable(dump ? dump : json_string_value(value), sizeof(shown), shown,
				    sizeof(shown));
		(void)snprintf(text, sizeof(text), "%-20s %s", name, shown); /* fits */
		if (line < LINES - 1)
			draw_line(line++, text, A_NORMAL);
	}
}

static void draw_help(void)
{
	for (int i = 0; i < (int)(sizeof(help_lines) / sizeof(*help_lines)) && i < LINES - 1; i++)
		draw_line(i, help_lines[i], A_NORMAL);
}

/* What can be done, what is typed, or what is wrong. */
static void draw_last_line(const struct top *top)
{
	char text[TOP_MAX_WIDTH];

	if (top->mode == MODE_SEARCH)
		(void)snprintf(text, sizeof(text), "search: %s_", top->typed); /* fits */
	else if (*top->trouble)
		(void)snprintf(text, sizeof(text), "%s", top->trouble); /* cut: for the eye */
	else if (top->mode != MODE_LIST)
		(void)snprintf(text, sizeof(text), "any key: back");
	else
		(void)snprintf(text, sizeof(text), "q leave  / search  s sort  r reverse  Enter details  "
						   "Space pause  ? help");
	draw_line(LINES - 1, text,
		  *top->trouble ? A_BOLD | (attr_t)COLOR_PAIR(FAILED_PAIR) : A_NORMAL);
}

static void draw(struct top *top)
{
	(void)erase(); /* cannot fail for the standard screen */
	if (top->mode == MODE_DETAILS)
		draw_details(top);
	else if (top->mode == MODE_HELP)
		draw_help();
	else
		draw_list(top);
	draw_last_line(top);
	(void)move(LINES - 1, COLS - 1);
	(void)refresh();
}

static void on_search_key(struct top *top, int key)
{
	size_t size = strlen(top->typed);

	if (key == '\n' || key == KEY_ENTER) {
		memcpy(top->search, top->typed, sizeof(top->search));
		top->next_ms = 0;
		top->mode = MODE_LIST;
	} else if (key == KEY_ESCAPE) {
		top->mode = MODE_LIST;
	} else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && size > 0) {
		top->typed[size - 1] = '\0';
	} else if (key >= ' ' && key <= '~' && size + 1 < sizeof(top->typed)) {
		top->typed[size] = (char)key;
		top->typed[size + 1] = '\0';
	}
}

static void change_sort(struct top *top, unsigned int step)
{
	unsigned int sort = (unsigned int)top_view_get_sort(top->view) + step;

	top_view_set_sort(top->view, (enum top_sort)(sort % TOP_N_SORTS));
	top->next_ms = 0;
}

static bool on_move_key(struct top *top, int key)
{
	static const struct {
		int key;
		enum top_move move;
	} moves[] = {{KEY_UP, TOP_UP},	       {'k', TOP_UP},		 {KEY_DOWN, TOP_DOWN},
		     {'j', TOP_DOWN},	       {KEY_PPAGE, TOP_PAGE_UP}, {KEY_NPAGE, TOP_PAGE_DOWN},
		     {KEY_HOME, TOP_HOME},     {KEY_END, TOP_END}};

	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++)
		if (moves[i].key == key) {
			top_view_move(top->view, moves[i].move);
			return true;
		}
	return false;
}

static void on_list_key(struct top *top, int key)
{
	if (on_move_key(top, key))
		return;
	switch (key) {
	case 'q':
		top->is_done = true;
		break;
	case '/':
		memcpy(top->typed, top->search, sizeof(top->typed));
		top->mode = MODE_SEARCH;
		break;
	case 's':
	case 'S':
		change_sort(top, key == 's' ? 1 : TOP_N_SORTS - 1);
		break;
	case 'r':
		top_view_reverse(top->view);
		break;
	case ' ':
		top->is_paused = !top->is_paused;
		break;
	case '\n':
	case KEY_ENTER:
		top->mode = top_view_selected(top->view) ? MODE_DETAILS : MODE_LIST;
		break;
	case '?':
	case 'h':
		top->mode = MODE_HELP;
		break;
	}
}

static void on_key(struct top *top, int key)
{
	if (key == KEY_RESIZE)
		top_view_resize(top->view, (unsigned int)COLS, (unsigned int)LINES);
	else if (top->mode == MODE_SEARCH)
		on_search_key(top, key);
	else if (top->mode == MODE_LIST)
		on_list_key(top, key);
	else if (key == 'q')
		top->is_done = true;
	else
		top->mode = MODE_LIST;
}

/* Until a key, a new size, the end of the terminal, or the time to ask again. */
static void wait_for_key(struct top *top)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	int64_t left_ms = top->next_ms - now_ms();
	int r = poll(&input, 1, left_ms > 0 ? (int)left_ms : 0);

	if (r > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)))
		top->is_done = true;
	for (int key; !top->is_done && (key = getch()) != ERR;)
		on_key(top, key);
}

static void loop(struct top *top)
{
	top_view_resize(top->view, (unsigned int)COLS, (unsigned int)LINES);
	while (!top->is_done) {
		if (top->next_ms <= now_ms()) {
			bool is_first = top->next_ms == 0;

			if (!top->is_paused || is_first)
				ask(top);
			else
				top->next_ms = now_ms() + (int64_t)top->interval_s * 1000;
		}
		draw(top);
		wait_for_key(top);
	}
}

static int show(struct top *top)
{
	const char *no_colour = getenv("NO_COLOR");
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return cli_fail(CLI_FAILED, "the terminal type %s is not known here; set TERM to another "
					    "(xterm, vt100)", getenv("TERM") ? getenv("TERM") : "(none)");
	(void)cbreak(); /* none of these fails on a terminal that newterm() took */
	(void)noecho();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)set_escdelay(ESCAPE_DELAY_MS);
	(void)curs_set(0);
	if (has_colors() && (!no_colour || !*no_colour)) {
		(void)start_color();
		(void)use_default_colors();
		(void)init_pair(FAILED_PAIR, COLOR_RED, -1);
	}
	loop(top);
	(void)endwin();
	delscreen(screen);
	return *top->trouble ? cli_fail(top->exit_code, "%s", top->trouble) : CLI_DONE;
}

static int set_up(struct top *top)
{
	const struct arguments *arguments = &top->cli->arguments;
	const char *sort = arguments_get(arguments, "sort");
	struct ipc_problem problem;
	enum top_sort parsed = TOP_RATE;
	int code;

	if (arguments_get_number(arguments, "interval", MAX_INTERVAL_S, &top->interval_s) < 0)
		return cli_fail(CLI_USAGE, "--interval takes seconds, 1 to %d", MAX_INTERVAL_S);
	if (sort && top_sort_parse(sort, &parsed) < 0)
		return cli_fail(CLI_USAGE, "--sort takes rate, bytes, retransmits, rtt, time, duration "
					   "or pid");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cli_fail(CLI_USAGE, "top wants a terminal; core-agent connections does not");
	code = cli_enter(top->cli);
	if (code != CLI_DONE)
		return code;
	if (ipc_new(&top->cli->settings, &top->ipc, &problem) < 0)
		return cli_fail(problem.exit_code, "%s", problem.text);
	ipc_set_timeout(top->ipc, TIMEOUT_MS);
	top_view_set_sort(top->view, parsed);
	ask(top); /* what cannot be asked at all is said without a screen */
	return *top->trouble ? cli_fail(top->exit_code, "%s", top->trouble) : CLI_DONE;
}

int command_top(struct cli *cli)
{
	struct top top = {.cli = cli, .view = top_view_new(), .interval_s = DEFAULT_INTERVAL_S};
	int code = top.view ? set_up(&top) : cli_fail(CLI_FAILED, "out of memory");

	if (code == CLI_DONE)
		code = show(&top);
	ipc_free(top.ipc);
	top_view_free(top.view);
	return code;
}
