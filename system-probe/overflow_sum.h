/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sp_types.h"

static inline void overflow_sum_add(struct sp_overflow *sum, const struct sp_overflow *part)
{
	sum->counters.bytes_sent += part->counters.bytes_sent;
	sum->counters.bytes_received += part->counters.bytes_received;
	sum->counters.packets_sent += part->counters.packets_sent;
	sum->counters.packets_received += part->counters.packets_received;
	sum->connections += part->connections;
	sum->retransmits += part->retransmits;
}
