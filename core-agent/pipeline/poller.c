/* SPDX-License-Identifier: Apache-2.0 */
#include "poller.h"

#include "enrich/enrich.h"
#include "exporters/exporters.h"
#include "ingest.h"
#include "clock.h"
#include "log.h"
#include "probe_client.h"
#include "tagging.h"

#include <event2/event.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_US UINT64_C(1000)

/*
 * Records of a process may come this long after its end: the probe ends a UDP flow
 * 120 s after its last datagram (sysprobe.udp_stream_idle).
 */
#define KEEP_PROCESSES_NS (180 * NS_PER_S)
/* Look-ups of /proc are trusted no longer than this. */
#define TICK_NS (30 * NS_PER_S)
/* A cycle that takes this long beyond its turn shows that something hangs. */
#define STALE_NS (15 * NS_PER_S)
/* Between two cycles even when the first took longer than the interval. */
#define MIN_PAUSE_NS (NS_PER_S / 100)

struct step {
	enum ingest_stream stream;
	const char *path;
	bool is_poll_only;
};

static const struct step steps[] = {
	{INGEST_PROCESSES, "/v1/processes", false},
	{INGEST_CONNECTIONS, "/v1/connections", true},
	{INGEST_CLOSED, "/v1/closed", false},
};
#define N_STEPS (sizeof(steps) / sizeof(*steps))

struct poller {
	struct poller_settings settings;
	struct probe_client *client;
	struct ingest *ingest;
	struct exporters *exporters;
	struct enricher *enricher;
	struct tagging *tagging;
	poller_on_end on_end;
	void *context;
	struct event *timer;

	uint64_t next_poll_ns; /* CLOCK_MONOTONIC, as the next two */
	uint64_t cycle_began_ns;
	uint64_t ticked_ns;
	size_t step; /* N_STEPS: no cycle is going on */
	bool is_poll;
	bool has_begun_anew; /* once a cycle, for another instance of the probe */
	bool is_stopping;
	bool has_ended;
	int batch_error; /* why the stream was stopped */
	struct probe_problems problems;
	uint64_t whole_ns; /* CLOCK_MONOTONIC: end of the last whole cycle */
	uint64_t n_whole;
	enum probe_problem last_problem;
	bool is_connected;
};

static void end(struct poller *poller)
{
	if (poller->has_ended)
		return;
	poller->has_ended = true;
	poller->step = N_STEPS;
	(void)event_del(poller->timer); /* of no consequence when it was not pending */
	poller->on_end(poller->context);
}

static void set_timer(struct poller *poller, uint64_t wait_ns)
{
	struct timeval wait = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
			       .tv_usec = (suseconds_t)(wait_ns % NS_PER_S / NS_PER_US)};

	if (event_add(poller->timer, &wait) == 0)
		return;
	log_error("cannot set the timer of the next poll", NULL);
	end(poller);
}

static uint64_t until(uint64_t due_ns, uint64_t now_ns)
{
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

static void schedule(struct poller *poller)
{
	uint64_t now_ns = clock_monotonic_ns();
	uint64_t wait_ns = until(poller->cycle_began_ns + poller->settings.drain_interval_ns, now_ns);
	uint64_t until_poll_ns = until(poller->next_poll_ns, now_ns);

	if (until_poll_ns > 0 && until_poll_ns < wait_ns)
		wait_ns = until_poll_ns;
	set_timer(poller, wait_ns > MIN_PAUSE_NS ? wait_ns : MIN_PAUSE_NS);
}

static void plan_next_poll(struct poller *poller)
{
	poller->next_poll_ns += poller->settings.poll_interval_ns;
	if (poller->next_poll_ns < poller->cycle_began_ns)
		poller->next_poll_ns = poller->cycle_began_ns + poller->settings.poll_interval_ns;
}

/* A burst of records leaves the heap in pieces; give back what is free. */
static void tick(struct poller *poller)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (!poller->is_poll && now_ns - poller->ticked_ns < TICK_NS)
		return;
	poller->ticked_ns = now_ns;
	enricher_tick(poller->enricher, ingest_now_boottime_ns(poller->ingest), KEEP_PROCESSES_NS);
	tagging_tick(poller->tagging);
	(void)malloc_trim(0); /* whether it found any is of no interest */
}

static void finish_cycle(struct poller *poller, bool is_whole)
{
	bool is_polled = poller->is_poll && is_whole;
	/* A poll that failed before it reported anything is tried again soon. */
	bool is_spent = poller->is_poll && (is_whole || ingest_has_interval(poller->ingest));
	int r;

	poller->step = N_STEPS;
	if (is_polled)
		ingest_end_poll(poller->ingest);
	r = ingest_end_interval(poller->ingest, !is_whole);
	if (is_polled)
		exporters_polled(poller->exporters);
	if (is_spent)
		plan_next_poll(poller);
	tick(poller);
	if (r < 0 || poller->is_stopping)
		end(poller);
	else
		schedule(poller);
}


static void start_step(struct poller *poller);

static void next_step(struct poller *poller)
{
	do
		poller->step++;
	while (poller->step < N_STEPS && steps[poller->step].is_poll_only && !poller->is_poll);
	if (poller->step == N_STEPS)
		finish_cycle(poller, true);
	else if (poller->is_stopping)
		finish_cycle(poller, false);
	else
		start_step(poller);
}

static void on_stopped(struct poller *poller)
{
	if (poller->batch_error == -ERESTART && !poller->has_begun_anew && !poller->is_stopping) {
		poller->has_begun_anew = true;
		poller->step = 0;
		start_step(poller);
	} else {
		finish_cycle(poller, false);
	}
}

static void note_whole_cycle(struct poller *poller)
{
	poller->is_connected = true;
	poller->whole_ns = clock_monotonic_ns();
	poller->n_whole++;
}

static void note_problem(struct poller *poller, enum probe_problem problem, const char *detail)
{
	poller->is_connected = false;
	poller->last_problem = problem;
	probe_problems_add(&poller->problems, problem, poller->settings.socket_path, detail);
}

static void on_done(enum probe_problem problem, const char *detail, void *context)
{
	struct poller *poller = context;

	if (problem == PROBE_OK) {
		ingest_end_stream(poller->ingest);
		if (poller->step == N_STEPS - 1) {
			note_whole_cycle(poller);
			probe_problems_recovered(&poller->problems, poller->settings.socket_path);
		}
		next_step(poller);
	} else if (problem == PROBE_STOPPED) {
		on_stopped(poller);
	} else {
		note_problem(poller, problem, detail);
		finish_cycle(poller, false);
	}
}

static int on_batch(const Sysprobe__V1__Batch *batch, void *context)
{
	struct poller *poller = context;

	poller->batch_error = ingest_batch(batch, poller->ingest);
	return poller->batch_error;
}

static void start_step(struct poller *poller)
{
	const struct step *step = &steps[poller->step];
	uint64_t from = ingest_begin_stream(poller->ingest, step->stream);
	int r = probe_client_get(poller->client, step->path, from, on_batch, on_done, poller);

	if (r == 0)
		return;
	note_problem(poller, PROBE_NO_MEMORY, strerror(-r));
	finish_cycle(poller, false);
}

static void start_cycle(struct poller *poller)
{
	poller->cycle_began_ns = clock_monotonic_ns();
	poller->is_poll = poller->cycle_began_ns >= poller->next_poll_ns;
	poller->has_begun_anew = false;
	poller->step = 0;
	start_step(poller);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	start_cycle(context);
}

struct poller *poller_new(struct event_base *base, const struct poller_settings *settings,
		      struct probe_client *client, struct ingest *ingest,
		      struct exporters *exporters, struct enricher *enricher,
		      struct tagging *tagging, poller_on_end on_end, void *context)
{
	static const struct timeval at_once = {0};
	struct poller *poller = calloc(1, sizeof(*poller));

	if (!poller)
		return NULL;
	*poller = (struct poller){.settings = *settings,
			      .client = client,
			      .ingest = ingest,
			      .exporters = exporters,
			      .enricher = enricher,
			      .tagging = tagging,
			      .on_end = on_end,
			      .context = context,
			      .next_poll_ns = clock_monotonic_ns(),
			      .whole_ns = clock_monotonic_ns(),
			      .step = N_STEPS,
			      .timer = evtimer_new(base, on_timer, poller)};
	if (poller->timer && event_add(poller->timer, &at_once) == 0)
		return poller;
	poller_free(poller);
	return NULL;
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;
	if (poller->timer)
		event_free(poller->timer);
	free(poller);
}

void poller_stop(struct poller *poller)
{
	poller->is_stopping = true;
	if (poller->step == N_STEPS)
		end(poller);
}

void poller_set_intervals(struct poller *poller, uint64_t poll_interval_ns,
			  uint64_t drain_interval_ns)
{
	uint64_t latest_ns = clock_monotonic_ns() + poll_interval_ns;

	poller->settings.poll_interval_ns = poll_interval_ns;
	poller->settings.drain_interval_ns = drain_interval_ns;
	if (poller->next_poll_ns > latest_ns)
		poller->next_poll_ns = latest_ns;
	if (poller->step == N_STEPS && !poller->has_ended)
		schedule(poller);
}

struct poller_health poller_get_health(const struct poller *poller)
{
	uint64_t since_ns = clock_monotonic_ns() - poller->whole_ns;

	return (struct poller_health){
		.is_connected = poller->is_connected,
		.is_stale = since_ns > 3 * poller->settings.drain_interval_ns + STALE_NS,
		.since_whole_ns = since_ns,
		.last_problem = poller->last_problem,
		.n_cycles = poller->n_whole,
	};
}

const struct probe_problems *poller_get_problems(const struct poller *poller)
{
	return &poller->problems;
}
