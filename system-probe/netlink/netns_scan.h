/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The network namespaces that a process is in or a file system holds open. One that
 * only a descriptor or a socket holds is not found.
 */

#include <stdint.h>

/* `path` opens the namespace with the inode; valid during the call only. */
typedef void netns_scan_found(uint32_t inode, const char *path, void *context);

/* Each namespace at least once. 0, or negative errno when /proc cannot be listed. */
int netns_scan(const char *procfs_path, netns_scan_found *found, void *context);

/*
 * A line of /proc/PID/mountinfo (proc(5)): the inode of the network namespace that is
 * mounted there, and where, with the kernel's octal escapes undone, cut to `size`.
 * 0 when it is no such mount. Pure.
 */
uint32_t netns_scan_parse_mount(const char *line, char *ret_mount_point, int size);

/* ActiveOpens and PassiveOpens together, of the text of /proc/net/snmp. 0 or -EBADMSG. Pure. */
int netns_scan_parse_opens(const char *text, uint64_t *ret_opens);
