/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include "tags/tag_list.h"

/* All of a list, sorted, with a space after each: one line to compare. */
static inline const char *tag_texts(struct tag_list *list)
{
	static char text[TAG_LIST_MAX_BYTES + 1];

	text[0] = '\0';
	tag_list_sort(list);
	for (size_t i = 0; i < list->n; i++) {
		strcat(text, tag_list_get(list, i));
		strcat(text, " ");
	}
	return text;
}
