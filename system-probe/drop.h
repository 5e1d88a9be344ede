/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The last phase before the first request: give up every right that serving does
 * not need. Here is also where seccomp and Landlock belong.
 */

struct capture;

/*
 * Keep only the capabilities without which `capture` stops working: those it
 * names (the tier netlink does), and for BPF what trying in a child process
 * finds: none where the kernel lets descriptors be used without (Linux 5.19), else
 * CAP_BPF. Then no_new_privs and no core dumps.
 * `group`, unless NULL, stays as the one supplementary group, for the
 * auth-token file. 0 or negative errno; logs what was kept.
 */
int drop_privileges(struct capture *capture, const char *group);
