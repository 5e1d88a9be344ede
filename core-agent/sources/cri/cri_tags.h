/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What messages of the CRI say, as tags and addresses. Pure. */

#include <stddef.h>

#include "cri.pb-c.h"

struct cri_item;
struct option_map;
struct tag_list;

/* "" where the runtime gave an id only. Valid as long as the message. */
const char *cri_tags_image(const Cri__ImageSpec *image);

/* The addresses of its own network into `item`: none where it has the host's. */
void cri_tags_read_addresses(const Cri__PodSandboxStatus *status, struct cri_item *item);

/* Both clear `list` first. `image` as of cri_tags_image(). */
void cri_tags_get_pod(const Cri__PodSandbox *sandbox, struct tag_list *list);
void cri_tags_get_container(const Cri__Container *container, const char *image,
			    const struct option_map *rules, struct tag_list *list);
