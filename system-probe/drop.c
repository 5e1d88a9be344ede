/* SPDX-License-Identifier: Apache-2.0 */
#include "drop.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "log.h"
#include "privileges.h"

#define BIT(capability) (1ULL << (capability))

/* In order: what is tried first is the least. */
static const uint64_t candidates[] = {
	0,
	BIT(CAP_BPF),
	BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_NET_ADMIN),
	BIT(CAP_SYS_ADMIN),
};

static int works_with(struct capture *capture, uint64_t capabilities)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(privileges_keep_only(capabilities) < 0 || capture_check(capture) < 0);
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static uint64_t least_that_works(struct capture *capture)
{
	const size_t n = sizeof(candidates) / sizeof(candidates[0]);
	const uint64_t base = capture_capabilities(capture);

	for (size_t i = 0; i < n; i++)
		if (works_with(capture, base | candidates[i]) == 0)
			return base | candidates[i];
	return base | candidates[n - 1];
}

int drop_privileges(struct capture *capture, const char *group)
{
	uint64_t keep = least_that_works(capture);
	int r;

	if (group) {
		r = privileges_set_group(group);
		if (r < 0 && geteuid() == 0)
			log_warn("cannot join the socket's group", "group=%s error=%s", group,
				 strerror(-r));
	}
	r = privileges_keep_only(keep);
	if (r == 0)
		r = privileges_lock();
	if (r < 0)
		return r;
	log_info("privileges dropped", "capabilities_kept=%" PRIx64, keep);
	return 0;
}
