/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Messages that Linux 6.18 sent. */

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "netlink/diag_message.h"

struct recorded {
	_Alignas(4) char bytes[512];
	size_t size;
};

static inline struct recorded read_recorded(const char *name)
{
	struct recorded message;
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), RECORDED "%s", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	message.size = fread(message.bytes, 1, sizeof(message.bytes), file);
	(void)fclose(file);
	return message;
}

static inline struct diag_socket parse_recorded(const char *name, uint8_t protocol)
{
	struct recorded message = read_recorded(name);
	struct diag_socket socket;

	assert_int_equal(diag_message_parse(message.bytes, message.size, protocol, &socket), 0);
	return socket;
}
