/* SPDX-License-Identifier: Apache-2.0 */
#include "image_name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "tags/tag.h"
#include "tags/tag_list.h"

#define ID_BYTES 64

/* 64 hex digits, or a digest: an image without a name. */
static bool is_id(const char *reference)
{
	if (strncmp(reference, "sha256:", 7) == 0)
		return true;
	return strspn(reference, "0123456789abcdef") == ID_BYTES && !reference[ID_BYTES];
}

/* A colon behind the last slash; one before it belongs to a port. */
static size_t name_size(const char *reference, size_t size)
{
	for (size_t i = size; i > 0 && reference[i - 1] != '/'; i--)
		if (reference[i - 1] == ':')
			return i - 1;
	return size;
}

static void add(struct tag_list *list, const char *key, const char *value, size_t size)
{
	char text[TAG_SIZE];
	size_t n = size < sizeof(text) ? size : sizeof(text) - 1; /* no longer tag has room */

	memcpy(text, value, n);
	text[n] = '\0';
	tag_list_add(list, key, text);
}

int image_name_add_tags(struct tag_list *list, const char *reference)
{
	size_t size = strcspn(reference, "@");
	size_t n_name = name_size(reference, size);
	const char *slash = n_name ? memrchr(reference, '/', n_name) : NULL;
	const char *last = slash ? slash + 1 : reference;

	if (n_name == 0 || is_id(reference))
		return -ENODATA;
	add(list, "image_name", reference, n_name);
	add(list, "short_image", last, n_name - (size_t)(last - reference));
	if (n_name < size)
		add(list, "image_tag", reference + n_name + 1, size - n_name - 1);
	else if (!reference[size])
		tag_list_add(list, "image_tag", "latest");
	return 0;
}
