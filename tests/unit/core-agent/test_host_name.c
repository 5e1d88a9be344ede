/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "host_name.h"
#include "settings.h"
#include "sources/host_facts.h"

/* The full name depends on the machine: test_cloud.py has it. */
struct fixture {
	struct agent_settings settings;
	struct event_base *base;
	struct host_facts *facts;
	struct host_name *name;
};

static int setup(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	fixture = (struct fixture){.base = event_base_new(), .facts = host_facts_new()};
	return options_load_bytes(agent_options, agent_options_n, &fixture.settings, "test", "", 0,
				  &(struct option_error){""});
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unsetenv("AWS_EXECUTION_ENV");
	host_name_free(fixture->name);
	host_facts_free(fixture->facts);
	event_base_free(fixture->base);
	options_free(agent_options, agent_options_n, &fixture->settings);
	return 0;
}

static void set(struct fixture *fixture, const char *key, const char *value)
{
	struct option_error error;

	assert_int_equal(options_set(options_find(agent_options, agent_options_n, key),
				     &fixture->settings, value, strlen(value), &error),
			 0);
}

static const char *begin(struct fixture *fixture)
{
	fixture->name = host_name_new(&fixture->settings, fixture->base, fixture->facts);
	assert_non_null(fixture->name);
	return host_facts_name(fixture->facts);
}

static void kernel_has_the_last_word(void **state)
{
	struct fixture *fixture = *state;
	struct utsname kernel;

	assert_int_equal(uname(&kernel), 0);
	assert_string_equal(begin(fixture), kernel.nodename);
	assert_string_equal(host_facts_name_source(fixture->facts), "kernel");
}

static void node_is_better_than_the_kernel(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "kubernetes_kubelet_nodename", "node-3");
	assert_string_equal(begin(fixture), "node-3");
	assert_string_equal(host_facts_name_source(fixture->facts), "node");
}

static void node_of_the_setting_is_known_from_the_start(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "kubernetes_kubelet_nodename", "node-3");
	(void)begin(fixture);
	assert_string_equal(host_facts_get(fixture->facts, HOST_KUBE_NODE), "node-3");
}

static void setting_has_the_first_word(void **state)
{
	struct fixture *fixture = *state;

	set(fixture, "kubernetes_kubelet_nodename", "node-3");
	set(fixture, "hostname", "chosen");
	assert_string_equal(begin(fixture), "chosen");
	assert_string_equal(host_facts_name_source(fixture->facts), "setting");
}

static void on_fargate_the_kernel_is_not_asked(void **state)
{
	setenv("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE", 1);
	assert_string_equal(begin(*state), "");
}

static void on_ec2_it_is(void **state)
{
	setenv("AWS_EXECUTION_ENV", "AWS_ECS_EC2", 1);
	assert_string_not_equal(begin(*state), "");
}

#define IN_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FIXTURE(kernel_has_the_last_word),
		IN_FIXTURE(node_is_better_than_the_kernel),
		IN_FIXTURE(node_of_the_setting_is_known_from_the_start),
		IN_FIXTURE(setting_has_the_first_word),
		IN_FIXTURE(on_fargate_the_kernel_is_not_asked),
		IN_FIXTURE(on_ec2_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
