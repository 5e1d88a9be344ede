/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What each message says about this host. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_MAX_TEXT 256

/* Printable ASCII, NUL-terminated; empty: unknown. */
struct host {
	char name[HOST_MAX_TEXT];
	char kernel_version[HOST_MAX_TEXT]; /* uname -r */
	char architecture[HOST_MAX_TEXT];   /* uname -m */
	char platform[HOST_MAX_TEXT];       /* os-release: ID, or "linux" */
	char platform_version[HOST_MAX_TEXT]; /* os-release: VERSION_ID */
	char network_id[HOST_MAX_TEXT]; /* of its VPC, set by the caller */
	uint16_t ephemeral_first; /* net.ipv4.ip_local_port_range of this namespace; 0: unknown */
	uint16_t ephemeral_last;
};

/*
 * Ask the kernel and read the files. `name` empty: the kernel's host name.
 * `procfs_path` is "/proc" or the host's mount of it. Never fails: what cannot
 * be found out stays unknown.
 */
void host_init(struct host *host, const char *name, const char *procfs_path);

/*
 * Value of `key` in the text of an os-release file, without quotes; empty when
 * there is none. Cut to fit `ret_value`. See os-release(5).
 */
void host_parse_os_release(const char *text, size_t size, const char *key,
			   char ret_value[HOST_MAX_TEXT]);

/* "32768\t60999\n" -> true, and the two numbers; false (nothing written) for all else. */
bool host_parse_port_range(const char *text, uint16_t *ret_first, uint16_t *ret_last);

/* Copy with every byte but printable ASCII as '_': fit for a protobuf string. Cuts. */
void host_copy_printable(char *to, size_t to_size, const char *from, size_t from_size);
