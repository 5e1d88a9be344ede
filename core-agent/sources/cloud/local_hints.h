/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What this machine itself shows of the cloud it is in, without asking anybody. */

#include <stddef.h>

#include "provider.h"

/* What the firmware says, /sys/class/dmi/id/; "": not there. */
struct dmi {
	char sys_vendor[64];
	char product_name[64];
	char board_vendor[64];
	char chassis_asset_tag[64];
};

/* The provider's name, or NULL: it does not say. Pure. */
const char *local_hints_provider(const struct dmi *dmi);

/* Interface of the IPv4 default route in the text of /proc/net/route; "": none. Pure. */
#define LOCAL_HINTS_INTERFACE_SIZE 16
void local_hints_parse_route(const char *text, char ret[LOCAL_HINTS_INTERFACE_SIZE]);

void local_hints_read_dmi(const char *sysfs_path, struct dmi *ret);

/* Address of the default route's interface, lower case; "": unknown. */
void local_hints_read_mac(const char *procfs_path, const char *sysfs_path,
			  char ret[CLOUD_MAC_SIZE]);
