/* SPDX-License-Identifier: Apache-2.0 */
#include "local_hints.h"

#include <fcntl.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#define PATH_SIZE 4200
#define MAX_ROUTES_BYTES 16384

/* Hyper-V says "Microsoft Corporation" anywhere; this number is Azure's alone. */
#define AZURE_ASSET_TAG "7783-7084-3265-9085-8269-3286-77"

const char *local_hints_provider(const struct dmi *dmi)
{
	if (strcmp(dmi->sys_vendor, "Amazon EC2") == 0 ||
	    strcmp(dmi->board_vendor, "Amazon EC2") == 0 ||
	    strcmp(dmi->chassis_asset_tag, "Amazon EC2") == 0)
		return "aws";
	if (strcmp(dmi->sys_vendor, "Google") == 0 ||
	    strncmp(dmi->product_name, "Google", strlen("Google")) == 0)
		return "gcp";
	return strcmp(dmi->chassis_asset_tag, AZURE_ASSET_TAG) == 0 ? "azure" : NULL;
}

static bool is_default(const char *line, char interface[LOCAL_HINTS_INTERFACE_SIZE])
{
	unsigned int destination, flags, mask;

	return sscanf(line, "%15s %8x %*x %4x %*d %*d %*d %8x", interface, &destination,
		      &flags, &mask) == 4 &&
	       destination == 0 && mask == 0 && (flags & RTF_UP);
}

void local_hints_parse_route(const char *text, char ret[LOCAL_HINTS_INTERFACE_SIZE])
{
	char interface[LOCAL_HINTS_INTERFACE_SIZE];

	*ret = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (is_default(line, interface)) {
			strcpy(ret, interface);
			return;
		}
	}
}

/* NUL-terminated, without a newline at its end; empty when it cannot be read. */
static void read_file(const char *path, char *ret, size_t size)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : 0;

	ret[n > 0 ? n : 0] = '\0';
	if (n > 0 && ret[n - 1] == '\n')
		ret[n - 1] = '\0';
}

static void read_dmi(const char *sysfs_path, const char *name, char ret[64])
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/class/dmi/id/%s", sysfs_path, name);
	read_file(path, ret, 64);
}

void local_hints_read_dmi(const char *sysfs_path, struct dmi *ret)
{
	read_dmi(sysfs_path, "sys_vendor", ret->sys_vendor);
	read_dmi(sysfs_path, "product_name", ret->product_name);
	read_dmi(sysfs_path, "board_vendor", ret->board_vendor);
	read_dmi(sysfs_path, "chassis_asset_tag", ret->chassis_asset_tag);
}

void local_hints_read_mac(const char *procfs_path, const char *sysfs_path,
			  char ret[CLOUD_MAC_SIZE])
{
	char path[PATH_SIZE], routes[MAX_ROUTES_BYTES], interface[LOCAL_HINTS_INTERFACE_SIZE];

	*ret = '\0';
	(void)snprintf(path, sizeof(path), "%s/net/route", procfs_path);
	read_file(path, routes, sizeof(routes));
	local_hints_parse_route(routes, interface);
	if (!*interface)
		return;
	(void)snprintf(path, sizeof(path), "%s/class/net/%s/address", sysfs_path, interface);
	read_file(path, ret, CLOUD_MAC_SIZE);
}
