/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/kubernetes/kube_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tag_texts.h"

static const char *tags(const char *kind, const char *name, const char *hash)
{
	static struct tag_list list;

	tag_list_clear(&list);
	kube_owner_add_tags(&list, kind, name, hash);
	return tag_texts(&list);
}

static void a_replica_set_of_a_deployment_names_it(void **state)
{
	(void)state;
	assert_string_equal(tags("ReplicaSet", "web-shop-5d4f8c7b9", "5d4f8c7b9"),
			    "kube_deployment:web-shop kube_ownerref_kind:replicaset "
			    "kube_ownerref_name:web-shop-5d4f8c7b9 "
			    "kube_replica_set:web-shop-5d4f8c7b9 ");
}

static void a_replica_set_of_its_own_has_no_deployment(void **state)
{
	static const char expected[] = "kube_ownerref_kind:replicaset "
				       "kube_ownerref_name:web-7c9d kube_replica_set:web-7c9d ";

	(void)state;
	assert_string_equal(tags("ReplicaSet", "web-7c9d", NULL), expected);
	assert_string_equal(tags("ReplicaSet", "web-7c9d", "9d"), expected);
}

static void a_job_of_a_cron_job_names_it(void **state)
{
	static const char expected[] = "kube_cronjob:backup kube_job:";

	(void)state;
	assert_memory_equal(tags("Job", "backup-28401234", NULL), expected, sizeof(expected) - 1);
	assert_memory_equal(tags("Job", "backup-1611111060", NULL), expected,
			    sizeof(expected) - 1);
}

static void a_job_with_a_date_has_no_cron_job(void **state)
{
	static const char *const names[] = {"backup-20240101", "backup-2024010112", "backup-7",
					    "backup-284012345678", "backup-x8401234", "backup"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_null(strstr(tags("Job", names[i], NULL), "cron"));
}

static void each_kind_has_its_key(void **state)
{
	(void)state;
	assert_non_null(strstr(tags("StatefulSet", "db", NULL), "kube_stateful_set:db"));
	assert_non_null(strstr(tags("DaemonSet", "ds", NULL), "kube_daemon_set:ds"));
	assert_non_null(strstr(tags("ReplicationController", "rc", NULL),
			       "kube_replication_controller:rc"));
	assert_string_equal(tags("Rollout", "r", NULL),
			    "kube_ownerref_kind:rollout kube_ownerref_name:r ");
}

static void without_owner_there_is_nothing(void **state)
{
	(void)state;
	assert_string_equal(tags(NULL, NULL, "x"), "");
	assert_string_equal(tags("Job", NULL, "x"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_replica_set_of_a_deployment_names_it),
		cmocka_unit_test(a_replica_set_of_its_own_has_no_deployment),
		cmocka_unit_test(a_job_of_a_cron_job_names_it),
		cmocka_unit_test(a_job_with_a_date_has_no_cron_job),
		cmocka_unit_test(each_kind_has_its_key),
		cmocka_unit_test(without_owner_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
