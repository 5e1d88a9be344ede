/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a record changes in what is known of a process: of its strings in a change that is yet
 * to be applied, of all else at once. Which process it is, and who its parent, the table knows
 * (process_table.h, which says what each record means). Pure.
 */

#include "process_table.h"

/* Parent and cgroup, where they are unknown. */
void process_update_unknown(struct process *process, const Sysprobe__V1__Process *record);

/* `ret` starts zeroed, here and below; process_change_apply() ends it. */
void process_update_start(struct process *process, const Sysprobe__V1__Process *record,
			  struct process_change *ret);

/* `parent` NULL: unknown, or it was dead when `process` began. */
void process_update_exit(struct process *process, const struct process *parent,
			 const Sysprobe__V1__Process *record, struct process_change *ret);
void process_update_observe(struct process *process, const struct process *parent,
			    const Sysprobe__V1__Process *record,
			    struct process_observation observation, struct process_change *ret);
