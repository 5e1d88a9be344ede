/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cleanup.h"

#define MAX_FILE_BYTES 8192

void host_copy_printable(char *to, size_t to_size, const char *from, size_t from_size)
{
	size_t n = from_size < to_size - 1 ? from_size : to_size - 1;

	for (size_t i = 0; i < n; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '_';
	to[n] = '\0';
}

static void copy_unquoted(char ret_value[HOST_MAX_TEXT], const char *value, size_t size)
{
	if (size >= 2 && (*value == '"' || *value == '\'') && value[size - 1] == *value) {
		value++;
		size -= 2;
	}
	host_copy_printable(ret_value, HOST_MAX_TEXT, value, size);
}

void host_parse_os_release(const char *text, size_t size, const char *key,
			   char ret_value[HOST_MAX_TEXT])
{
	size_t key_size = strlen(key);
	const char *end = text + size;

	ret_value[0] = '\0';
	for (const char *line = text, *next; line < end; line = next + 1) {
		next = memchr(line, '\n', (size_t)(end - line));
		if (!next)
			next = end;
		if ((size_t)(next - line) > key_size && line[key_size] == '=' &&
		    !memcmp(line, key, key_size)) {
			line += key_size + 1;
			copy_unquoted(ret_value, line, (size_t)(next - line));
		}
	}
}

bool host_parse_port_range(const char *text, uint16_t *ret_first, uint16_t *ret_last)
{
	char *after_first, *after_last;
	unsigned long first = strtoul(text, &after_first, 10);
	unsigned long last = strtoul(after_first, &after_last, 10);

	if (after_first == text || after_last == after_first || !first || first > last ||
	    last > UINT16_MAX)
		return false;
	*ret_first = (uint16_t)first;
	*ret_last = (uint16_t)last;
	return true;
}

/* Bytes read, NUL-terminated; 0 when the file cannot be read. */
static size_t read_file(const char *path, char ret_text[MAX_FILE_BYTES])
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd >= 0 ? read(fd, ret_text, MAX_FILE_BYTES - 1) : 0;

	if (size < 0)
		size = 0;
	ret_text[size] = '\0';
	return (size_t)size;
}

static void read_platform(struct host *host)
{
	char text[MAX_FILE_BYTES];
	size_t size = read_file("/etc/os-release", text);

	if (!size)
		size = read_file("/usr/lib/os-release", text);
	host_parse_os_release(text, size, "ID", host->platform);
	host_parse_os_release(text, size, "VERSION_ID", host->platform_version);
	if (!*host->platform) /* the default of os-release(5) */
		strcpy(host->platform, "linux");
}

static void read_port_range(struct host *host, const char *procfs_path)
{
	CLEANUP_FREE char *path = NULL;
	char text[MAX_FILE_BYTES];

	if (asprintf(&path, "%s/sys/net/ipv4/ip_local_port_range", procfs_path) < 0) {
		path = NULL;
		return;
	}
	(void)read_file(path, text); /* empty text does not parse: unknown */
	(void)host_parse_port_range(text, &host->ephemeral_first, &host->ephemeral_last);
}

void host_init(struct host *host, const char *name, const char *procfs_path)
{
	struct utsname kernel;

	memset(host, 0, sizeof(*host));
	if (!uname(&kernel)) {
		const char *own = *name ? name : kernel.nodename;

		host_copy_printable(host->name, HOST_MAX_TEXT, own, strlen(own));
		host_copy_printable(host->kernel_version, HOST_MAX_TEXT, kernel.release,
				    strlen(kernel.release));
		host_copy_printable(host->architecture, HOST_MAX_TEXT, kernel.machine,
				    strlen(kernel.machine));
	}
	read_platform(host);
	read_port_range(host, procfs_path);
}
