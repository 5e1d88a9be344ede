/* SPDX-License-Identifier: Apache-2.0 */
#include "unseen_ends.h"

void unseen_ends_update(struct unseen_ends *ends, struct tcp_tally before, struct tcp_tally after,
			uint64_t n_live)
{
	uint64_t n_open = after.n_begun - after.n_ended;
	uint64_t n_now = n_open > n_live ? n_open - n_live : 0;
	uint64_t n_certain = n_now < ends->n_last ? n_now : ends->n_last;

	if (before.n_begun != after.n_begun || before.n_ended != after.n_ended)
		return;
	ends->n_last = n_now;
	if (n_certain > ends->n_told)
		ends->n_told = n_certain;
}
