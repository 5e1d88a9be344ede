/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "source.h"

/* One line for each source; the rows of the table in sources.c. */
extern const struct source_class cloud_source;
extern const struct source_class configured_source;
extern const struct source_class ecs_source;
extern const struct source_class cri_source;
extern const struct source_class docker_source;
extern const struct source_class podman_source;
extern const struct source_class kubelet_source;
extern const struct source_class kube_api_source;
