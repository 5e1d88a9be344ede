/* SPDX-License-Identifier: Apache-2.0 */
#include "recent/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tags/tag_list.h"
#include "tags/tag_sets.h"

static const struct recent_record nginx = {
	.protocol = CONNECTION_TCP,
	.family = CONNECTION_IPV4,
	.state = CONNECTION_OPEN,
	.role = CONNECTION_SERVER,
	.direction = CONNECTION_INCOMING,
	.local_port = 80,
	.remote_port = 40000,
	.pid = 42,
	.netns = 7,
	.local_address = {10, 0, 0, 1},
	.remote_address = {192, 0, 2, 129},
	.texts = {[RECENT_COMM] = "nginx", [RECENT_EXECUTABLE] = "/usr/sbin/nginx",
		  [RECENT_COMMAND_LINE] = "nginx: worker", [RECENT_USER] = "www-data",
		  [RECENT_CONTAINER_ID] = "abcdef0123", [RECENT_SYSTEMD_UNIT] = "nginx.service"},
};
static const struct recent_record unknown = {.protocol = CONNECTION_UDP,
					     .family = CONNECTION_IPV6,
					     .state = CONNECTION_FAILED,
					     .error = ECONNREFUSED,
					     .remote_address = {0x20, 0x01, 0x0d, 0xb8}};

/* Which of the two pass. */
static void assert_passes(const char *name, const char *value, bool is_nginx, bool is_unknown)
{
	struct filter filter = {0};
	const char *allowed = NULL;

	assert_int_equal(filter_set(&filter, name, value, &allowed), 0);
	assert_int_equal(filter_matches(&filter, &nginx), is_nginx);
	assert_int_equal(filter_matches(&filter, &unknown), is_unknown);
}

static void assert_refused(const char *name, const char *value)
{
	const char *allowed = NULL;
	struct filter filter = {0};

	assert_int_equal(filter_set(&filter, name, value, &allowed), -EINVAL);
	assert_non_null(allowed);
	filter.has_texts = false; /* without a text it says nothing */
	assert_memory_equal(&filter, &(struct filter){0}, sizeof(filter));
}

static const struct tag_set *tags_of(struct tag_sets *sets, const char *key, const char *value)
{
	struct tag_list list;

	tag_list_clear(&list);
	tag_list_add(&list, "container_name", "web");
	tag_list_add(&list, key, value);
	return tag_sets_take(sets, &list);
}

static void assert_with_tags(const char *name, const char *value, bool passes)
{
	struct tag_sets *sets = tag_sets_new();
	struct recent_record record = nginx;
	struct filter filter = {0};
	const char *allowed = NULL;

	record.tags = tags_of(sets, "kube_namespace", "shop");
	record.remote_tags = tags_of(sets, "pod_name", "db-0");
	assert_int_equal(filter_set(&filter, name, value, &allowed), 0);
	assert_int_equal(filter_matches(&filter, &record), passes);
	assert_false(filter_matches(&filter, &unknown));
	tag_sets_free(sets);
}

static void tags_of_the_local_end_are_compared_whole(void **state)
{
	(void)state;
	assert_with_tags("tag", "kube_namespace:shop", true);
	assert_with_tags("tag", "kube_namespace:sho", false);
	assert_with_tags("tag", "pod_name:db-0", false);
	assert_with_tags("remote_tag", "pod_name:db-0", true);
	assert_with_tags("remote_tag", "kube_namespace:shop", false);
}

static void names_come_from_tags(void **state)
{
	(void)state;
	assert_with_tags("container", "web", true);
	assert_with_tags("container", "abcdef", true);
	assert_with_tags("container", "we", false);
	assert_with_tags("namespace", "shop", true);
	assert_with_tags("namespace", "web", false);
	assert_with_tags("pod", "db-0", false);
}

static void search_looks_into_the_tags_of_both_ends(void **state)
{
	(void)state;
	assert_with_tags("search", "shop", true);
	assert_with_tags("search", "db-", true);
	assert_with_tags("search", "elsewhere", false);
}

static void an_empty_filter_passes_all(void **state)
{
	struct filter filter = {0};

	(void)state;
	assert_true(filter_matches(&filter, &nginx));
	assert_true(filter_matches(&filter, &unknown));
}

static void each_parameter_narrows(void **state)
{
	(void)state;
	assert_passes("state", "open", true, false);
	assert_passes("state", "open,failed", true, true);
	assert_passes("state", "closed", false, false);
	assert_passes("proto", "udp", false, true);
	assert_passes("family", "ipv6", false, true);
	assert_passes("direction", "incoming", true, false);
	assert_passes("role", "server", true, false);
	assert_passes("pid", "42", true, false);
	assert_passes("netns", "7", true, false);
	assert_passes("port", "40000", true, false);
	assert_passes("local_port", "80", true, false);
	assert_passes("remote_port", "80", false, false);
	assert_passes("error", "ECONNREFUSED", false, true);
	assert_passes("error", "any", false, true);
	assert_passes("comm", "nginx", true, false);
	assert_passes("comm", "ngin", false, false);
	assert_passes("user", "www-data", true, false);
	assert_passes("container", "abc", true, false);
	assert_passes("container", "bcd", false, false);
	assert_passes("service", "nginx", true, false);
	assert_passes("service", "nginx.service", true, false);
	assert_passes("service", "ngin", false, false);
	assert_passes("search", "worker", true, false);
	assert_passes("search", "sbin", true, false);
	assert_passes("pod", "x", false, false);
}

static void networks_compare_their_leading_bits(void **state)
{
	(void)state;
	assert_passes("remote", "192.0.2.129", true, false);
	assert_passes("remote", "192.0.2.128", false, false);
	assert_passes("remote", "192.0.2.128/25", true, false);
	assert_passes("remote", "192.0.2.0/25", false, false);
	assert_passes("remote", "0.0.0.0/0", true, false);
	assert_passes("remote", "2001:db8::/32", false, true);
	assert_passes("remote", "2001:db8::/128", false, true);
	assert_passes("remote", "2001:db8::1/127", false, true);
	assert_passes("local", "10.0.0.0/8", true, false);
}

static void what_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[][2] = {
		{"state", ""}, {"state", "open,"}, {"state", "shut"}, {"proto", "icmp"},
		{"pid", "0"}, {"pid", "-1"}, {"pid", "1 "}, {"pid", "99999999999999999999"},
		{"port", "65536"}, {"port", ""}, {"remote", "10.0.0.0/33"}, {"remote", "10.0.0.0/"},
		{"remote", "10.0.0.0/-1"}, {"remote", ""}, {"remote", "::/129"}, {"error", "EFUN"},
		{"comm", ""}, {"role", "peer"}, {"family", "4"}, {"direction", "up"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_refused(bad[i][0], bad[i][1]);
}

static void an_unknown_name_is_another_error(void **state)
{
	const char *allowed = NULL;
	struct filter filter = {0};

	(void)state;
	assert_int_equal(filter_set(&filter, "colour", "red", &allowed), -ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_filter_passes_all),
		cmocka_unit_test(tags_of_the_local_end_are_compared_whole),
		cmocka_unit_test(names_come_from_tags),
		cmocka_unit_test(search_looks_into_the_tags_of_both_ends),
		cmocka_unit_test(each_parameter_narrows),
		cmocka_unit_test(networks_compare_their_leading_bits),
		cmocka_unit_test(what_makes_no_sense_is_refused_and_changes_nothing),
		cmocka_unit_test(an_unknown_name_is_another_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
