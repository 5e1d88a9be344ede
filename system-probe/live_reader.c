/* SPDX-License-Identifier: Apache-2.0 */
#include "live_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture_internal.h"
#include "iterator.h"

#define NETLINK_RECORDS 64

enum phase { PHASE_TCP, PHASE_UDP, PHASE_NETLINK, PHASE_END };

struct live_reader {
	struct capture *capture;
	enum phase phase;
	int tcp_fd, udp_fd; /* -1: that hook is off, or not by BPF */
	struct tcp_tally tcp_tally; /* before the walk */
	uint64_t n_tallied;
	struct iterator udp;
	size_t netlink_cursor;
	struct sp_connection netlink_records[NETLINK_RECORDS];
};

void live_reader_free(struct live_reader *reader)
{
	if (!reader)
		return;
	if (reader->tcp_fd >= 0)
		(void)close(reader->tcp_fd); /* read only */
	if (reader->udp_fd >= 0)
		(void)close(reader->udp_fd);
	free(reader);
}

static int open_all(struct live_reader *reader)
{
	struct capture *capture = reader->capture;

	reader->tcp_fd = capture_open_tcp(capture);
	reader->udp_fd = capture_open_udp(capture);
	if (reader->tcp_fd < 0 && reader->tcp_fd != -ENOTSUP)
		return reader->tcp_fd;
	if (reader->udp_fd < 0 && reader->udp_fd != -ENOTSUP)
		return reader->udp_fd;
	if (reader->tcp_fd >= 0)
		reader->tcp_tally = capture_tally_tcp(capture);
	iterator_init(&reader->udp, reader->udp_fd, sizeof(struct sp_connection));
	/* What cannot be read now is given as last seen, and counted. */
	if (capture->netlink && netlink_capture_refresh(capture->netlink) == -ENOMEM)
		return -ENOMEM;
	return 0;
}

struct live_reader *live_reader_new(struct capture *capture)
{
	struct live_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return NULL;
	reader->capture = capture;
	r = open_all(reader);
	if (r < 0) {
		live_reader_free(reader);
		errno = -r;
		return NULL;
	}
	return reader;
}

static int read_tcp(struct live_reader *reader, const struct sp_connection **ret_records)
{
	struct capture *capture = reader->capture;
	int n;

	if (reader->tcp_fd < 0)
		return 0;
	n = capture_read_tcp(capture, reader->tcp_fd, ret_records);
	for (int i = 0; i < n; i++)
		reader->n_tallied += (*ret_records)[i].is_tallied;
	if (n == 0)
		unseen_ends_update(&capture->unseen_ends, reader->tcp_tally,
				   capture_tally_tcp(capture), reader->n_tallied);
	return n;
}

static int read_udp(struct live_reader *reader, const struct sp_connection **ret_records)
{
	const void *records = NULL;
	int n = iterator_read(&reader->udp, &records);

	*ret_records = records;
	return n;
}

/* Copied, as the originals may go before the reader comes back. */
static int read_netlink(struct live_reader *reader, const struct sp_connection **ret_records)
{
	const struct sp_connection *record;
	int n = 0;

	while (reader->capture->netlink && n < NETLINK_RECORDS &&
	       (record = netlink_capture_next(reader->capture->netlink, &reader->netlink_cursor)))
		reader->netlink_records[n++] = *record;
	*ret_records = reader->netlink_records;
	return n;
}

static int read_phase(struct live_reader *reader, const struct sp_connection **ret_records)
{
	switch (reader->phase) {
	case PHASE_TCP:
		return read_tcp(reader, ret_records);
	case PHASE_UDP:
		return read_udp(reader, ret_records);
	default:
		return read_netlink(reader, ret_records);
	}
}

int live_reader_read(struct live_reader *reader, const struct sp_connection **ret_records)
{
	int n = 0;

	while (reader->phase != PHASE_END && (n = read_phase(reader, ret_records)) == 0)
		reader->phase++;
	return n;
}
