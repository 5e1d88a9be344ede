/* SPDX-License-Identifier: Apache-2.0 */
#include "overflow_account.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delta.h"

/* Names of saved sums; a cause is saved with this prefix so that it cannot equal them. */
#define NAME_READ "read"
#define NAME_VANISHED "vanished"
#define CAUSE_PREFIX "cause:"

struct cause {
	char name[OVERFLOW_ACCOUNT_CAUSE_SIZE];
	struct overflow_sum total;
};

struct overflow_account {
	struct overflow_sum read; /* of the closed log: read, or reported as lost */
	struct overflow_sum vanished; /* not yet taken off a loss */
	struct overflow_sum unseen[DELTA_POLLS_UNTIL_VANISHED]; /* until so many polls ago */
	struct cause causes[OVERFLOW_ACCOUNT_MAX_CAUSES];
	size_t n_causes;
	uint64_t n_causes_full;
};

struct overflow_account *overflow_account_new(void)
{
	return calloc(1, sizeof(struct overflow_account));
}

void overflow_account_free(struct overflow_account *account)
{
	free(account);
}

void overflow_account_clear(struct overflow_account *account)
{
	uint64_t n_causes_full = account->n_causes_full;

	*account = (struct overflow_account){.n_causes_full = n_causes_full};
}

static void add(struct overflow_sum *sum, const struct connection_counters *counters)
{
	sum->n_connections++;
	sum->counters.bytes_sent += counters->bytes_sent;
	sum->counters.bytes_received += counters->bytes_received;
	sum->counters.packets_sent += counters->packets_sent;
	sum->counters.packets_received += counters->packets_received;
	sum->counters.retransmits += counters->retransmits;
}

static uint64_t grown(uint64_t *known, uint64_t total)
{
	uint64_t n = total > *known ? total - *known : 0;

	*known += n;
	return n;
}

static uint64_t without(uint64_t loss, uint64_t *vanished)
{
	uint64_t n = loss < *vanished ? loss : *vanished;

	*vanished -= n;
	return loss - n;
}

/* What `total` adds to `known`, less what had been reported of it before. */
static bool account_loss(struct overflow_account *account, struct overflow_sum *known,
			 const struct overflow_sum *total, struct overflow *ret)
{
	struct overflow_sum *gone = &account->vanished;
	const struct connection_counters *now = &total->counters;
	struct connection_counters *old = &known->counters;

#define LOSS(field) without(grown(&old->field, now->field), &gone->counters.field)
	ret->n_connections = without(grown(&known->n_connections, total->n_connections),
				     &gone->n_connections);
	ret->interval.bytes_sent = LOSS(bytes_sent);
	ret->interval.bytes_received = LOSS(bytes_received);
	ret->interval.packets_sent = LOSS(packets_sent);
	ret->interval.packets_received = LOSS(packets_received);
	ret->interval.retransmits = LOSS(retransmits);
#undef LOSS
	return ret->n_connections || ret->interval.bytes_sent || ret->interval.bytes_received ||
	       ret->interval.packets_sent || ret->interval.packets_received ||
	       ret->interval.retransmits;
}

void overflow_account_add_closed(struct overflow_account *account,
				 const struct connection_counters *total)
{
	add(&account->read, total);
}

bool overflow_account_add_log(struct overflow_account *account,
			      const struct overflow_sum *before_next, struct overflow *ret)
{
	ret->cause = "closed_log";
	return account_loss(account, &account->read, before_next, ret);
}

static struct cause *find_or_add_cause(struct overflow_account *account, const char *name)
{
	struct cause *cause;

	for (size_t i = 0; i < account->n_causes; i++)
		if (strncmp(account->causes[i].name, name, sizeof(cause->name) - 1) == 0)
			return &account->causes[i];
	if (account->n_causes == OVERFLOW_ACCOUNT_MAX_CAUSES) {
		account->n_causes_full++;
		return NULL;
	}
	cause = &account->causes[account->n_causes++];
	(void)snprintf(cause->name, sizeof(cause->name), "%s", name); /* a longer name is cut */
	return cause;
}

bool overflow_account_add_total(struct overflow_account *account, const char *name,
				const struct overflow_sum *total, struct overflow *ret)
{
	struct cause *cause = find_or_add_cause(account, name);

	if (!cause)
		return false;
	ret->cause = cause->name;
	return account_loss(account, &cause->total, total, ret);
}

void overflow_account_note_unseen(struct overflow_account *account,
				  const struct overflow_sum *total)
{
	account->unseen[0] = *total;
}

bool overflow_account_end_poll(struct overflow_account *account, struct overflow *ret)
{
	const struct overflow_sum total = account->unseen[DELTA_POLLS_UNTIL_VANISHED - 1];
	uint64_t n_vanished = account->vanished.n_connections;
	bool is_lost;

	memmove(&account->unseen[1], &account->unseen[0],
		sizeof(account->unseen) - sizeof(account->unseen[0]));
	if (total.n_connections == 0)
		return false;
	is_lost = overflow_account_add_total(account, OVERFLOW_END_UNSEEN, &total, ret);
	if (n_vanished && account->vanished.n_connections == 0) /* no loss to come has them */
		account->vanished.counters = (struct connection_counters){0};
	return is_lost;
}

void overflow_account_add_vanished(struct overflow_account *account,
				   const struct connection_counters *reported)
{
	add(&account->vanished, reported);
}

void overflow_account_for_each(const struct overflow_account *account,
			       overflow_account_on_sum on_sum, void *context)
{
	char name[sizeof(CAUSE_PREFIX) + OVERFLOW_ACCOUNT_CAUSE_SIZE];

	on_sum(NAME_READ, &account->read, context);
	on_sum(NAME_VANISHED, &account->vanished, context);
	for (size_t i = 0; i < account->n_causes; i++) {
		(void)snprintf(name, sizeof(name), CAUSE_PREFIX "%s", account->causes[i].name);
		on_sum(name, &account->causes[i].total, context);
	}
}

int overflow_account_restore(struct overflow_account *account, const char *name,
			     const struct overflow_sum *sum)
{
	struct overflow_sum *place = NULL;
	struct cause *cause;

	if (strcmp(name, NAME_READ) == 0) {
		place = &account->read;
	} else if (strcmp(name, NAME_VANISHED) == 0) {
		place = &account->vanished;
	} else if (strncmp(name, CAUSE_PREFIX, strlen(CAUSE_PREFIX)) == 0) {
		cause = find_or_add_cause(account, name + strlen(CAUSE_PREFIX));
		if (!cause)
			return -ENOSPC;
		place = &cause->total;
	}
	if (place)
		*place = *sum;
	return 0;
}

uint64_t overflow_account_n_causes_full(const struct overflow_account *account)
{
	return account->n_causes_full;
}
