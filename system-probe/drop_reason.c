/* SPDX-License-Identifier: Apache-2.0 */
#include "drop_reason.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENUM "skb_drop_reason"
#define PREFIX "SKB_DROP_REASON_"
#define MAX_REASONS 256 /* 7.x has some 130 */
#define NAME_BYTES 40

static char names[MAX_REASONS][NAME_BYTES];

int drop_reason_read_names(const struct btf *kernel)
{
	int id = btf__find_by_name_kind(kernel, ENUM, BTF_KIND_ENUM);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(kernel, (__u32)id);

	if (!type)
		return -ENOENT;
	for (__u16 i = 0; i < btf_vlen(type); i++) {
		const struct btf_enum *reason = &btf_enum(type)[i];
		const char *name = btf__name_by_offset(kernel, reason->name_off);

		if (reason->val < 0 || reason->val >= MAX_REASONS || !name)
			continue;
		if (strncmp(name, PREFIX, strlen(PREFIX)) == 0)
			name += strlen(PREFIX);
		snprintf(names[reason->val], NAME_BYTES, "%s", name); /* cut: for the eye */
	}
	return 0;
}

const char *drop_reason_name(uint32_t reason)
{
	return reason < MAX_REASONS && names[reason][0] ? names[reason] : "OTHER";
}
