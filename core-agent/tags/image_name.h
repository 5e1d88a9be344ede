/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tags of a container image from the name it was started by. Pure. */

struct tag_list;

/*
 * Of "registry.example:5000/shop/web:1.2@sha256:...": image_name (the whole name without tag
 * and digest), short_image ("web"), image_tag ("1.2"; absent when the name has none). NULL,
 * and a name that is nothing but a digest ("sha256:..."), add nothing.
 */
void image_name_add_tags(struct tag_list *list, const char *image);
