/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The checks of the command diagnose: each looks at one needed thing, as the agent's
 * user, and says in one line how it is and in another what to do about it. For the
 * files checks_*.c and the command alone.
 */

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#define DIAGNOSE_TEXT_BYTES 320

enum diagnose_result { DIAGNOSE_PASS, DIAGNOSE_WARNING, DIAGNOSE_FAIL };

struct diagnose_finding {
	enum diagnose_result result;
	char text[DIAGNOSE_TEXT_BYTES];
	char remedy[DIAGNOSE_TEXT_BYTES]; /* empty when it passes */
};

struct agent_settings;

struct diagnosis {
	const struct agent_settings *settings;
	const char *settings_error; /* NULL: none; else `settings` are the defaults */
	const char *root;	    /* what stands before /proc and /sys; empty but in tests */
	uint64_t bounding;	    /* capabilities that could be had when the command began */
	json_t *probe_status;	    /* NULL: system-probe does not answer */
	struct diagnose_finding socket; /* found before the others: they build on it */
};

typedef void (*diagnose_check)(const struct diagnosis *diagnosis, struct diagnose_finding *ret);

void diagnose_pass(struct diagnose_finding *ret, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* `text` and, after a newline in it, the remedy. */
void diagnose_warn(struct diagnose_finding *ret, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void diagnose_fail(struct diagnose_finding *ret, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Asks system-probe; fills probe_status and the finding. */
void check_socket(struct diagnosis *diagnosis);

void check_kernel(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_btf(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_capabilities(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_lsm(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_hooks(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_mounts(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_cgroup(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_conntrack(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_settings(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_token(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_agent(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_runtimes(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_kubelet(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_host_name(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_sources(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_upstream(const struct diagnosis *diagnosis, struct diagnose_finding *ret);
void check_clock(const struct diagnosis *diagnosis, struct diagnose_finding *ret);

struct cli;

/* All checks, a line of JSON each. The settings are loaded, `error` is what that said. */
int diagnose_write(struct cli *cli, const char *error, FILE *out);
