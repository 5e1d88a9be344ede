/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "hooks.h"

/*
 * One log line for each hook: the variant chosen, why a better one was refused,
 * and for a hook that is off what is missing and the remedy. One line for all when
 * the same trouble refused them all. Hooks that nobody wanted have an empty choice
 * and no line. `cgroup_error`: of opening the cgroup root, 0 if none.
 */
void choice_report_log(const struct hook_choice choices[N_HOOKS], int cgroup_error);
