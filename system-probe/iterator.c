/* SPDX-License-Identifier: Apache-2.0 */
#include "iterator.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void iterator_init(struct iterator *iterator, int fd, size_t record_size)
{
	iterator->fd = fd;
	iterator->record_size = record_size;
	iterator->pending_offset = iterator->n_pending = 0;
}

/* EAGAIN: the kernel went through many objects without output; it goes on from there. */
static ssize_t read_some(struct iterator *iterator)
{
	ssize_t n;

	do {
		n = read(iterator->fd, iterator->buffer + iterator->n_pending,
			 sizeof(iterator->buffer) - iterator->n_pending);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	return n < 0 ? -errno : n;
}

int iterator_read(struct iterator *iterator, const void **ret_records)
{
	size_t n_records;

	if (iterator->fd < 0)
		return 0;
	memmove(iterator->buffer, iterator->buffer + iterator->pending_offset, iterator->n_pending);
	while (iterator->n_pending < iterator->record_size) {
		ssize_t n = read_some(iterator);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return iterator->n_pending ? -EPROTO : 0;
		iterator->n_pending += (size_t)n;
	}
	n_records = iterator->n_pending / iterator->record_size;
	iterator->pending_offset = n_records * iterator->record_size;
	iterator->n_pending -= iterator->pending_offset;
	*ret_records = iterator->buffer;
	return (int)n_records;
}
