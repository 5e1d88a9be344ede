/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What could not be kept, turned from totals since the probe started into what
 * is new since last time. Pure.
 *
 * Two sources: the probe's totals by cause (Trailer.overflow), and the closed
 * log. All records that this ever held up to some number add up to
 * Trailer.before_next; less those that were read, they are what was evicted
 * before it was read.
 *
 * A connection whose close was lost is in one of these totals with all its
 * bytes, some of which were reported while it was open. Those (its baseline,
 * `vanished`) are taken off the losses that follow.
 *
 * Not so for an end that no program of the probe told (`OVERFLOW_END_UNSEEN`): its total
 * has a connection but no bytes. What of it was reported is all that is known.
 */

#include <stddef.h>
#include <stdint.h>

#include "connection.h"

#define OVERFLOW_ACCOUNT_MAX_CAUSES 16
#define OVERFLOW_ACCOUNT_CAUSE_SIZE 32
#define OVERFLOW_END_UNSEEN "end_unseen"

struct overflow_account;

struct overflow_sum {
	uint64_t n_connections;
	struct connection_counters counters;
};

typedef void (*overflow_account_on_sum)(const char *name, const struct overflow_sum *sum,
					void *context);

/* NULL: out of memory. */
struct overflow_account *overflow_account_new(void);
void overflow_account_free(struct overflow_account *account);

/* Forget everything: another instance of the probe counts from 0. */
void overflow_account_clear(struct overflow_account *account);

/* A record of the closed log was read; `total` is what it holds. */
void overflow_account_add_closed(struct overflow_account *account,
				 const struct connection_counters *total);

/*
 * A read of the closed log has ended, and `before_next` is the sum of all records
 * before the position reached. Fills `ret` (cause "closed_log"); true when there
 * is something to report.
 */
bool overflow_account_add_log(struct overflow_account *account,
			      const struct overflow_sum *before_next, struct overflow *ret);

/*
 * The probe's total for a cause. Fills `ret`, whose `cause` lives as long as the
 * account; true when there is something to report. False without effect, and
 * counted, for a cause beyond OVERFLOW_ACCOUNT_MAX_CAUSES.
 */
bool overflow_account_add_total(struct overflow_account *account, const char *cause,
				const struct overflow_sum *total, struct overflow *ret);

/*
 * The probe's total for OVERFLOW_END_UNSEEN, and the end of a poll, once what vanished in it
 * was added. The latter fills `ret` as overflow_account_add_total() does, from what was told
 * until DELTA_POLLS_UNTIL_VANISHED - 1 polls before: by now each of these connections that was
 * ever reported has vanished.
 */
void overflow_account_note_unseen(struct overflow_account *account,
				  const struct overflow_sum *total);
bool overflow_account_end_poll(struct overflow_account *account, struct overflow *ret);

/* A connection was reported up to `reported` and is gone without a closed record. */
void overflow_account_add_vanished(struct overflow_account *account,
				   const struct connection_counters *reported);

/* Every sum that must survive a restart of the agent, under a name of its own. */
void overflow_account_for_each(const struct overflow_account *account,
			       overflow_account_on_sum on_sum, void *context);

/* Put back a sum of for_each(). 0, or -ENOSPC. */
int overflow_account_restore(struct overflow_account *account, const char *name,
			     const struct overflow_sum *sum);

/* Times that a total was not taken because there were too many causes. */
uint64_t overflow_account_n_causes_full(const struct overflow_account *account);
