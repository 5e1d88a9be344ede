/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Sockets whose holder is sought, by the inode of their file. Filled, sorted, asked. Pure. */

#include <stddef.h>
#include <stdint.h>

struct inode_row {
	uint32_t inode;
	void *value;
};

struct inode_table {
	struct inode_row *rows; /* owned */
	size_t n_rows;
	size_t capacity;
};

void inode_table_deinit(struct inode_table *table);

/* 0 or -ENOMEM. */
int inode_table_add(struct inode_table *table, uint32_t inode, void *value);

/* After the last add and before the first find. */
void inode_table_sort(struct inode_table *table);

/* NULL: not sought. */
void *inode_table_find(const struct inode_table *table, uint32_t inode);

/*
 * The number in a link of /proc/PID/fd or /proc/PID/ns, such as "socket:[123]" or
 * "net:[4026531840]", whose part before the bracket is `kind`. 0: another kind, or no
 * such number.
 */
uint32_t inode_table_parse_link(const char *link, size_t size, const char *kind);
