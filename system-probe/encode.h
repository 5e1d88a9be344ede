/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From the kernel's records to the messages of proto/sysprobe.proto. Pure: bytes
 * in, bytes out. All return the size written, or -EMSGSIZE when `capacity` is
 * too small, in which case the buffer's content is undefined.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sp_types.h"

/* Enough for any encoded Connection and for any encoded Process. */
#define ENCODE_CONNECTION_MAX_BYTES 768
#define ENCODE_PROCESS_MAX_BYTES 4096
/* Of one Overflow and one Drop message, and of the first or last Batch of a stream. */
#define ENCODE_OVERFLOW_MAX_BYTES 128
#define ENCODE_DROP_MAX_BYTES 64
#define ENCODE_EDGE_MAX_BYTES 1024

/* A Connection message without a frame. `sequence` 0: not part of a log. */
ssize_t encode_connection(const struct sp_connection *connection, uint64_t sequence, uint8_t *out,
			  size_t capacity);

/* Process.Event of the contract. */
enum process_event { PROCESS_ALIVE = 1, PROCESS_EXEC = 2, PROCESS_EXIT = 3 };

/* One process event or table entry; strings are borrowed, with their sizes. */
struct process_record {
	uint8_t event; /* enum process_event */
	uint32_t tgid, parent_tgid, uid;
	uint64_t start_ns, time_ns, cgroup_id, sequence;
	const char *comm; /* NUL-terminated */
	const char *cgroup_name; /* NUL-terminated */
	const char *executable;
	size_t executable_size;
	const char *command_line;
	size_t command_line_size;
	bool is_command_line_cut;
	bool is_forked_only;
	const char *environment; /* each entry ends in a NUL */
	size_t environment_size;
};
ssize_t encode_process(const struct process_record *record, uint8_t *out, size_t capacity);

/* What stands at the start and the end of each stream. */
struct stream_header {
	const uint8_t *instance_id; /* 16 bytes */
	uint64_t now_boottime_ns, now_unix_ns;
	const char *tier;
	const uint8_t *boot_id;      /* 16 bytes */
	uint64_t first_sequence; /* 0: not a log */
};

struct named_overflow {
	const char *cause;
	struct sp_overflow sum;
};

struct stream_trailer {
	uint64_t n_records;
	uint64_t next_sequence; /* 0: not a log */
	const struct sp_overflow *before_next; /* NULL: not the closed log */
	const struct named_overflow *overflow;
	size_t n_overflow; /* at most SP_N_OVERFLOW_CAUSES */
};

/* A whole Batch with its size in front. */
ssize_t encode_header_batch(const struct stream_header *header, uint8_t *out, size_t capacity);
ssize_t encode_trailer_batch(const struct stream_trailer *trailer, uint8_t *out, size_t capacity);

/*
 * A Batch is put together from messages that are encoded already: frame each
 * with encode_member(), then put encode_frame_size() in front of them all.
 */
enum batch_member { BATCH_CONNECTION = 2, BATCH_PROCESS = 3 };

#define ENCODE_MEMBER_HEAD_MAX_BYTES 6
#define ENCODE_FRAME_SIZE_MAX_BYTES 5

/* Key and size that stand before a member of `size` bytes; returns their size. */
size_t encode_member_head(enum batch_member member, size_t size,
			  uint8_t out[ENCODE_MEMBER_HEAD_MAX_BYTES]);
size_t encode_frame_size(size_t size, uint8_t out[ENCODE_FRAME_SIZE_MAX_BYTES]);
