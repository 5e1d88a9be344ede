/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reading fixed-size records from the file of a BPF iterator. */

#include <stddef.h>
#include <stdint.h>

/* What one read(2) of an iterator can return at most (kernel/bpf/bpf_iter.c). */
#define ITERATOR_BUFFER_BYTES (8 * 4096)

struct iterator {
	int fd; /* owned by the caller */
	size_t record_size;
	size_t pending_offset; /* an incomplete record of the last read */
	size_t n_pending;      /* its bytes so far */
	_Alignas(8) uint8_t buffer[ITERATOR_BUFFER_BYTES];
};

/* -1 in `fd` is an iterator that is at its end. */
void iterator_init(struct iterator *iterator, int fd, size_t record_size);

/*
 * The next whole records, at `*ret_records`, valid until the next call. Their
 * number, 0 at the end, or negative errno; -EPROTO when the file ends inside one.
 */
int iterator_read(struct iterator *iterator, const void **ret_records);
