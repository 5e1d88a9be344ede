/* SPDX-License-Identifier: Apache-2.0 */
#include "unseen_ends.h"

void unseen_ends_update(struct unseen_ends *ends, struct tcp_tally before, struct tcp_tally after,
			uint64_t n_live)
{
	uint64_t n_found = after.n_ended + n_live + (after.n_freed - before.n_freed);
	uint64_t n_now = before.n_begun > n_found ? before.n_begun - n_found : 0;
	uint64_t n_certain = n_now < ends->n_last ? n_now : ends->n_last;

	ends->n_last = n_now;
	if (n_certain > ends->n_told)
		ends->n_told = n_certain;
}
