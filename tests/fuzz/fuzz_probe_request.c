/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Any bytes from a client of the probe's socket: server.c and all below it, but no
 * kernel. Without the token nothing is answered with 200; memory is given back.
 */

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth_token.h"
#include "live_reader.h"
#include "log.h"
#include "probe.h"
#include "server.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define MAX_INPUT_BYTES 65536
#define MAX_TURNS 16
#define N_RECORDS 3000

static struct event_base *base;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct probe probe;
static struct probe_settings settings;

/* The kernel side, with nothing loaded and nothing to take. */
enum tier capture_tier(const struct capture *capture)
{
	(void)capture;
	return TIER_NONE;
}

const struct hook_choice *capture_choices(const struct capture *capture)
{
	static const struct hook_choice choices[N_HOOKS];

	(void)capture;
	return choices;
}

struct live_reader *live_reader_new(struct capture *capture)
{
	(void)capture;
	return (struct live_reader *)&base;
}

void live_reader_free(struct live_reader *reader)
{
	(void)reader;
}

int live_reader_read(struct live_reader *reader, const struct sp_connection **ret_records)
{
	(void)reader;
	(void)ret_records;
	return 0;
}

const char *settings_tier_name(enum tier_setting setting)
{
	(void)setting;
	return "auto";
}

void capture_get_overflow(const struct capture *capture,
			  struct sp_overflow ret_sums[SP_N_OVERFLOW_CAUSES])
{
	(void)capture;
	memset(ret_sums, 0, sizeof(*ret_sums) * SP_N_OVERFLOW_CAUSES);
}

void capture_get_events(const struct capture *capture, uint64_t ret_counts[SP_N_EVENT_COUNTERS])
{
	(void)capture;
	memset(ret_counts, 0, sizeof(*ret_counts) * SP_N_EVENT_COUNTERS);
}

const char *capture_overflow_name(enum sp_overflow_cause cause)
{
	(void)cause;
	return "cause";
}

void probe_drain(struct probe *unused)
{
	(void)unused;
}

void probe_find_workers(struct probe *unused)
{
	(void)unused;
}

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

static struct auth_token *new_token(void)
{
	char path[] = "/tmp/fuzz_probe_request.XXXXXX";
	int fd = mkstemp(path);
	struct auth_token *token = auth_token_new(path);

	check(fd >= 0 && token);
	check(write(fd, TOKEN, strlen(TOKEN)) == (ssize_t)strlen(TOKEN));
	close(fd);
	settings.auth_token_file_path = strdup(path);
	return token;
}

static void remove_token(void)
{
	(void)unlink(settings.auth_token_file_path);
}

static void fill_logs(void)
{
	struct sp_connection connection = { .tuple = { .family = SP_IPV4, .protocol = 6 } };

	probe.closed_log = closed_log_new(2 * N_RECORDS);
	probe.process_log = process_log_new(16, 16);
	check(probe.closed_log && probe.process_log);
	for (uint64_t i = 0; i < N_RECORDS; i++) {
		connection.id = i;
		check(closed_log_append(probe.closed_log, &connection) == 0);
	}
}

/* An abstract name leaves no file behind. */
static int listen_abstract(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "fuzz_probe_request.%d",
		 (int)getpid());
	check(fd >= 0);
	check(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 8) == 0);
	return fd;
}

static void start_once(void)
{
	if (base)
		return;
	log_set_level(LOG_LEVEL_ERROR);
	base = event_base_new();
	probe.settings = &settings;
	fill_logs();
	check(server_new(base, listen_abstract(), &probe, new_token(), (gid_t)-1) != NULL);
	check(atexit(remove_token) == 0);
}

/* Everything of the answer that is there now; false at its end. */
static bool take_answer(int fd, char *out, size_t capacity, size_t *used)
{
	char rest[65536];

	for (;;) {
		size_t room = capacity - 1 - *used;
		ssize_t n = read(fd, room ? out + *used : rest, room ? room : sizeof(rest));

		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		*used += room ? (size_t)n : 0;
	}
}

/* Send `bytes`, let the server have its turns, hang up, let it see that. */
static size_t converse(const uint8_t *bytes, size_t size, char *answer, size_t capacity)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t used = 0;

	check(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	check(send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size);
	for (int turn = 0; turn < MAX_TURNS; turn++) {
		check(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
		if (!take_answer(fd, answer, capacity, &used))
			break;
	}
	answer[used] = '\0';
	close(fd);
	for (int turn = 0; turn < 3; turn++)
		check(event_base_loop(base, EVLOOP_NONBLOCK) >= 0);
	return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char answer[4096];
	size_t n;

	if (size > MAX_INPUT_BYTES)
		return -1;
	start_once();
	n = converse(bytes, size, answer, sizeof(answer));
	check(n == 0 || strncmp(answer, "HTTP/", 5) == 0); /* libevent echoes any version */
	if (!memmem(bytes, size, TOKEN, strlen(TOKEN)))
		check(!strstr(answer, " 200 OK\r\n"));
	return 0;
}
