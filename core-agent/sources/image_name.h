/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Tags of a container's image: image_name, short_image, image_tag. Pure. */

struct tag_list;

/*
 * From a reference as runtimes give it: [REGISTRY[:PORT]/]REPOSITORY[:TAG][@DIGEST]. The name
 * is what stands before tag and digest, the short one its last component. Without tag and
 * digest the tag is "latest", as runtimes have it. A bare digest, or the id of an image, adds
 * nothing. 0, or -ENODATA when nothing was added.
 */
int image_name_add_tags(struct tag_list *list, const char *reference);
