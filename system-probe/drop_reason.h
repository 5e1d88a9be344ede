/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Names of the running kernel's enum skb_drop_reason. The numbers change from
 * kernel to kernel, so the names come from its BTF.
 */

#include <stdint.h>

struct btf;

/* Once, before the first look-up. 0, or -ENOENT when this kernel gives no reasons. */
int drop_reason_read_names(const struct btf *kernel);

/* As the kernel spells it, without SKB_DROP_REASON_; "OTHER" where there is no name. */
const char *drop_reason_name(uint32_t reason);
