/* SPDX-License-Identifier: Apache-2.0 */
#include "image_name.h"

#include "tag_list.h"

#include <stdio.h>
#include <string.h>

#define MAX_NAME 256

static const char digest_name[] = "sha256:";

void image_name_add_tags(struct tag_list *list, const char *image)
{
	char name[MAX_NAME];
	char *tag, *last;

	if (!image || strncmp(image, digest_name, sizeof(digest_name) - 1) == 0)
		return;
	(void)snprintf(name, sizeof(name), "%s", image); /* cut: a tag is shorter anyway */
	name[strcspn(name, "@")] = '\0';
	last = strrchr(name, '/');
	last = last ? last + 1 : name;
	tag = strchr(last, ':'); /* one before the last '/' is of a port */
	if (tag)
		*tag++ = '\0';
	tag_list_add(list, "image_name", name);
	tag_list_add(list, "short_image", last);
	tag_list_add(list, "image_tag", tag);
}
