/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "enrich/enrich.h"

#include "process_fixture.h"
#include "tree_fixture.h"

#define MAX_PROCESSES 4
#define KEEP_NS UINT64_C(60000000000)
#define BOOT_TO_UNIX_NS INT64_C(1700000000000000000)
#define START_TICKS 8150
#define START_NS UINT64_C(81500000123) /* within that tick, at 100 in a second */

/* An enricher over a /proc of its own. */
struct world {
	struct tree *tree;
	struct enricher *enricher;
};

static inline int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_int_equal(tree_set_up((void **)&world->tree), 0);
	tree_write_text(world->tree, "etc/passwd", "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/\n");
	world->enricher = enricher_new(world->tree->procfs, MAX_PROCESSES, true);
	assert_non_null(world->enricher);
	*state = world;
	return 0;
}

static inline int tear_down(void **state)
{
	struct world *world = *state;

	enricher_free(world->enricher);
	(void)tree_tear_down((void **)&world->tree);
	free(world);
	return 0;
}

static inline int add(const struct world *world, struct record record)
{
	Sysprobe__V1__Process message = to_message(&record);

	return enricher_add_process(world->enricher, &message, BOOT_TO_UNIX_NS);
}

static inline struct connection fill(const struct world *world, uint32_t pid,
				     uint64_t start_ns, uint64_t cgroup_id)
{
	struct connection connection = { .pid = pid, .process_start_ns = start_ns,
					 .cgroup_id = cgroup_id };

	enricher_fill(world->enricher, &connection);
	return connection;
}

static inline const struct enricher_stats *stats_of(const struct world *world)
{
	return enricher_get_stats(world->enricher);
}

static inline void tick(const struct world *world)
{
	enricher_tick(world->enricher, START_NS, KEEP_NS);
}

static inline struct tree_process nginx(void)
{
	return (struct tree_process){
		.pid = 7,
		.parent = 1,
		.start_ticks = START_TICKS,
		.uid = 33,
		.comm = "nginx",
		.executable = "/usr/sbin/nginx",
		.command_line = "nginx\0-g\0daemon off;",
		.command_line_size = 21,
		.cgroup = "0::/system.slice/nginx.service\n",
	};
}

static inline void show_nginx(const struct world *world)
{
	struct tree_process process = nginx();

	tree_add_process(world->tree, &process);
}

static const struct record short_lived = {
	.event = EVENT_EXEC,
	.tgid = 7,
	.start_ns = START_NS,
	.executable = "/usr/bin/curl",
	.command_line = "curl http://db",
	.comm = "curl",
	.uid = 33,
	.cgroup_id = UINT64_MAX, /* of no directory */
	.cgroup_name = "nginx.service",
};

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
