/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of processes, ids of containers and pods, and addresses are given again, in random
 * order: a connection has what its own process, container, pod and remote end have, as a model
 * that is too simple to be wrong says, and never what others have or had.
 */
#include "enrich/enrich.h"
#include "enrich/tagger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "enrich/procfs.h"
#include "process_fixture.h"
#include "sources/host_facts.h"
#include "tags/entities.h"
#include "tags/tag_list.h"
#include "tags/tag_sets.h"

#define N_SEEDS 200
#define N_STEPS 400
#define N_PIDS 4
#define N_CONTAINERS 4
#define N_PODS 3
#define N_ADDRESSES 3
#define N_LIVES N_STEPS
#define NONE (-1)
#define MS UINT64_C(1000000)
#define KEEP_NS (2000 * MS)
#define MAX_AGE_NS (9000 * MS)
#define MAX_PROCESSES 1024
#define ID_SIZE 65

/* What a source said last of an entity. */
struct said {
	bool is_there;
	uint64_t seen_ns, gone_ns; /* gone_ns 0: it lists it */
	int value;
	int pod; /* or NONE */
};

/* One process, from its start on. */
struct life {
	uint32_t pid;
	uint64_t start_ns, reported_start_ns, end_ns; /* end_ns 0: it lives */
	int value;
	int container; /* or NONE */
	bool is_forgotten;
};

struct world {
	uint32_t random;
	uint64_t now_ns;
	int n_values; /* each thing said is another than all before */
	struct said kubelet[N_CONTAINERS], docker[N_CONTAINERS], pods[N_PODS];
	int address_of[N_ADDRESSES]; /* container, or NONE */
	struct life lives[N_LIVES];
	size_t n_lives;
	size_t n_known; /* connections that were found to have what they must */

	struct tag_sets *sets;
	struct entities *entities;
	struct host_facts *host;
	struct tagger *tagger;
	struct enricher *enricher;
};

/* Numerical Recipes' generator; its upper bits are good enough. */
static int pick(struct world *world, int n)
{
	world->random = world->random * 1664525 + 1013904223;
	return (int)((world->random >> 8) % (uint32_t)n);
}

static void write_id(char id[ID_SIZE], int number)
{
	(void)snprintf(id, ID_SIZE, "%064x", 0xabc00 + number);
}

static void write_value(char text[16], char kind, int value)
{
	(void)snprintf(text, 16, "%c%d", kind, value);
}

/* Sources. */

static void tell(struct world *world, enum entity_source source,
		 const struct entity_report *report, struct said *said, int pod)
{
	assert_int_equal(entities_set(world->entities, source, report, world->now_ns), 0);
	*said = (struct said){.is_there = true,
			      .seen_ns = world->now_ns,
			      .value = world->n_values++,
			      .pod = pod};
}

static void kubelet_says_container(struct world *world)
{
	int at = pick(world, N_CONTAINERS);
	char id[ID_SIZE], value[16];
	struct tag_list list;
	const struct entity_report report = {.kind = ENTITY_CONTAINER, .id = id, .tags = &list};

	write_id(id, at);
	write_value(value, 'k', world->n_values);
	tag_list_clear(&list);
	tag_list_add(&list, "name", value);
	tell(world, ENTITY_FROM_KUBELET, &report, &world->kubelet[at], NONE);
}

static void kubelet_says_pod(struct world *world)
{
	int at = pick(world, N_PODS);
	char id[ID_SIZE], value[16];
	struct tag_list list;
	const struct entity_report report = {.kind = ENTITY_POD, .id = id, .tags = &list};

	write_id(id, at);
	write_value(value, 'p', world->n_values);
	tag_list_clear(&list);
	tag_list_add(&list, "pod_name", value);
	tell(world, ENTITY_FROM_KUBELET, &report, &world->pods[at], NONE);
}

static void take_addresses(struct world *world, int container)
{
	for (int i = 0; i < N_ADDRESSES; i++)
		if (world->address_of[i] == container)
			world->address_of[i] = NONE;
}

static void docker_says_container(struct world *world)
{
	int at = pick(world, N_CONTAINERS), pod = pick(world, N_PODS + 1) - 1;
	char id[ID_SIZE], pod_uid[ID_SIZE], value[16];
	struct entity_address addresses[N_ADDRESSES];
	struct tag_list list;
	struct entity_report report = {.kind = ENTITY_CONTAINER,
				       .id = id,
				       .tags = &list,
				       .pod_uid = pod == NONE ? NULL : pod_uid,
				       .addresses = addresses};

	write_id(id, at);
	write_id(pod_uid, pod);
	write_value(value, 'd', world->n_values);
	tag_list_clear(&list);
	tag_list_add(&list, "name", value);
	tag_list_add(&list, "image_name", value);
	take_addresses(world, at);
	for (int i = 0; i < N_ADDRESSES; i++) {
		if (pick(world, 2))
			continue;
		addresses[report.n_addresses++] = (struct entity_address){
			.family = CONNECTION_IPV4, .address = {10, 0, 0, (uint8_t)i}};
		world->address_of[i] = at;
	}
	tell(world, ENTITY_FROM_DOCKER, &report, &world->docker[at], pod);
}

static void a_source_says_that_one_is_gone(struct world *world)
{
	int at = pick(world, N_PODS), which = pick(world, 3);
	struct said *said = which == 0	 ? &world->kubelet[at]
			    : which == 1 ? &world->docker[at]
					 : &world->pods[at];
	enum entity_source source = which == 1 ? ENTITY_FROM_DOCKER : ENTITY_FROM_KUBELET;
	char id[ID_SIZE];

	write_id(id, at);
	entities_remove(world->entities, source, which == 2 ? ENTITY_POD : ENTITY_CONTAINER, id,
			world->now_ns);
	if (said->is_there && !said->gone_ns)
		said->gone_ns = world->now_ns;
}

/* Processes. */

static void report_process(struct world *world, const struct life *life,
			   Sysprobe__V1__Process__Event event)
{
	char executable[16], id[ID_SIZE], cgroup[96] = "session-1.scope";
	const struct record record = {.event = event,
				      .tgid = life->pid,
				      .start_ns = life->reported_start_ns,
				      .executable = event == EVENT_EXIT ? NULL : executable,
				      .time_ns = world->now_ns,
				      .cgroup_id = 1 + (uint64_t)pick(world, 3), /* given again */
				      .cgroup_name = cgroup};
	Sysprobe__V1__Process message;

	write_value(executable, '/', life->value);
	write_id(id, life->container);
	if (life->container != NONE)
		(void)snprintf(cgroup, sizeof(cgroup), "docker-%s.scope", id);
	message = to_message(&record);
	assert_int_equal(enricher_add_process(world->enricher, &message, 0), 0);
}

static struct life *living(struct world *world, uint32_t pid)
{
	for (size_t i = world->n_lives; i > 0; i--)
		if (world->lives[i - 1].pid == pid && !world->lives[i - 1].end_ns)
			return &world->lives[i - 1];
	return NULL;
}

/* The end of who had the number before may be unreported. */
static void a_process_starts(struct world *world)
{
	uint32_t pid = 100 + (uint32_t)pick(world, N_PIDS);
	struct life *before = living(world, pid), *life = &world->lives[world->n_lives++];

	*life = (struct life){.pid = pid,
			      .start_ns = world->now_ns,
			      .value = world->n_values++,
			      .container = pick(world, N_CONTAINERS + 1) - 1};
	life->reported_start_ns =
		pick(world, 4) ? life->start_ns : procfs_round_start(life->start_ns);
	report_process(world, life, EVENT_EXEC);
	if (before)
		before->end_ns = life->reported_start_ns;
}

static void a_process_becomes_another(struct world *world)
{
	struct life *life = living(world, 100 + (uint32_t)pick(world, N_PIDS));

	if (!life)
		return;
	life->value = world->n_values++;
	life->container = pick(world, N_CONTAINERS + 1) - 1;
	report_process(world, life, EVENT_EXEC);
}

static void a_process_ends(struct world *world)
{
	struct life *life = living(world, 100 + (uint32_t)pick(world, N_PIDS));

	if (!life)
		return;
	report_process(world, life, EVENT_EXIT);
	life->end_ns = world->now_ns;
}

/* Time. */

static void forget_said(const struct world *world, struct said *said)
{
	bool is_over = said->gone_ns ? world->now_ns - said->gone_ns > KEEP_NS
				     : world->now_ns - said->seen_ns > MAX_AGE_NS;

	if (is_over)
		said->is_there = false;
}

static void tick(struct world *world)
{
	entities_tick(world->entities, world->now_ns);
	enricher_tick(world->enricher, world->now_ns, KEEP_NS);
	for (int i = 0; i < N_PODS; i++)
		forget_said(world, &world->pods[i]);
	for (int i = 0; i < N_CONTAINERS; i++) {
		forget_said(world, &world->kubelet[i]);
		forget_said(world, &world->docker[i]);
		if (!world->docker[i].is_there)
			take_addresses(world, i);
	}
	for (size_t i = 0; i < world->n_lives; i++) {
		struct life *life = &world->lives[i];

		if (life->end_ns && world->now_ns - life->end_ns > KEEP_NS)
			life->is_forgotten = true;
	}
}

/* What must be. */

static void check(struct world *world, const char *what, const struct tag_set *tags,
		  const char *key, char kind, const struct said *said)
{
	const char *value = tag_set_find(tags, key);
	char expected[16] = "";

	if (said)
		write_value(expected, kind, said->value);
	if (strcmp(value ? value : "", expected) != 0)
		fail_msg("%s: %s is \"%s\", not \"%s\"", what, key, value ? value : "", expected);
	world->n_known += said != NULL;
}

static const struct said *if_there(const struct said *said)
{
	return said->is_there ? said : NULL;
}

static void check_container(struct world *world, const char *what, const struct tag_set *tags,
			    int container)
{
	const struct said *kubelet = if_there(&world->kubelet[container]);
	const struct said *docker = if_there(&world->docker[container]);
	const struct said *pod =
		docker && docker->pod != NONE ? if_there(&world->pods[docker->pod]) : NULL;

	check(world, what, tags, "name", kubelet ? 'k' : 'd', kubelet ? kubelet : docker);
	check(world, what, tags, "image_name", 'd', docker);
	check(world, what, tags, "pod_name", 'p', pod);
}

static void check_owner(const struct life *life, const struct connection *connection)
{
	const char *executable = connection->owner.executable;
	char expected[16];

	write_value(expected, '/', life->value);
	if (life->is_forgotten)
		assert_null(executable);
	else
		assert_string_equal(executable, expected);
}

static void a_process_has_a_connection(struct world *world)
{
	int at = pick(world, N_ADDRESSES);
	struct connection connection = {.state = CONNECTION_OPEN,
					.family = CONNECTION_IPV4,
					.remote_address = {10, 0, 0, (uint8_t)at}};
	const struct life *life;

	if (world->n_lives == 0)
		return;
	life = &world->lives[world->n_lives - 1 -
			     (size_t)pick(world, world->n_lives < 9 ? (int)world->n_lives : 9)];
	connection.pid = life->pid;
	connection.process_start_ns = life->start_ns;
	enricher_fill(world->enricher, &connection);
	tagger_fill(world->tagger, &connection);
	check_owner(life, &connection);
	if (life->is_forgotten || life->container == NONE)
		assert_null(connection.tags);
	else
		check_container(world, "local", connection.tags, life->container);
	if (world->address_of[at] == NONE)
		assert_null(connection.remote_tags);
	else
		check_container(world, "remote", connection.remote_tags, world->address_of[at]);
}

static void step(struct world *world)
{
	static void (*const steps[])(struct world *world) = {
		kubelet_says_container,	   kubelet_says_pod, docker_says_container,
		a_source_says_that_one_is_gone, a_process_starts, a_process_becomes_another,
		a_process_ends,		   tick,
	};

	world->now_ns += (uint64_t)(20 + pick(world, 300)) * MS; /* two starts in no one tick */
	steps[pick(world, sizeof(steps) / sizeof(*steps))](world);
	for (int i = 0; i < 3; i++)
		a_process_has_a_connection(world);
}

static void init(struct world *world, uint32_t seed)
{
	const struct entities_limits limits = {N_CONTAINERS + N_PODS, KEEP_NS, MAX_AGE_NS};

	*world = (struct world){.random = seed, .now_ns = 1000 * MS};
	for (int i = 0; i < N_ADDRESSES; i++)
		world->address_of[i] = NONE;
	world->sets = tag_sets_new();
	world->entities = entities_new(world->sets, &limits);
	world->host = host_facts_new();
	world->tagger = tagger_new(world->entities, NULL, world->host);
	world->enricher = enricher_new("/nonexistent/proc", MAX_PROCESSES, true);
}

static void deinit(struct world *world)
{
	enricher_free(world->enricher);
	tagger_free(world->tagger);
	host_facts_free(world->host);
	entities_free(world->entities);
	assert_int_equal(tag_sets_n(world->sets), 0);
	tag_sets_free(world->sets);
}

static void nothing_is_taken_for_another_that_had_its_number_id_or_address(void **state)
{
	static struct world world;

	(void)state;
	for (uint32_t seed = 1; seed <= N_SEEDS; seed++) {
		init(&world, seed);
		for (int i = 0; i < N_STEPS; i++)
			step(&world);
		assert_true(world.n_known > N_STEPS / 4);
		deinit(&world);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_taken_for_another_that_had_its_number_id_or_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
