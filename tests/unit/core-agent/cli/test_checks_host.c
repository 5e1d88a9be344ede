/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/diagnose.h"

#include "../enrich/tree_fixture.h"

#include <linux/capability.h>

static struct diagnose_finding look(diagnose_check check, const struct tree *tree)
{
	struct diagnosis diagnosis = {.root = tree->root};
	struct diagnose_finding finding = {0};

	check(&diagnosis, &finding);
	assert_true(finding.result == DIAGNOSE_PASS || *finding.remedy);
	return finding;
}

static void btf_that_is_missing_is_a_warning(void **state)
{
	assert_int_equal(look(check_btf, *state).result, DIAGNOSE_WARNING);
}

static void btf_is_known_by_its_magic_number(void **state)
{
	struct tree *tree = *state;
	const uint16_t magic = 0xeb9f;

	tree_write(tree, "sys/kernel/btf/vmlinux", (const char *)&magic, sizeof(magic));
	assert_int_equal(look(check_btf, tree).result, DIAGNOSE_PASS);
	tree_write_text(tree, "sys/kernel/btf/vmlinux", "");
	assert_int_equal(look(check_btf, tree).result, DIAGNOSE_WARNING);
}

static void lockdown_is_what_stands_in_brackets(void **state)
{
	struct tree *tree = *state;

	tree_write_text(tree, "sys/kernel/security/lsm", "capability,landlock");
	tree_write_text(tree, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_int_equal(look(check_lsm, tree).result, DIAGNOSE_PASS);
	tree_write_text(tree, "sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
	assert_int_equal(look(check_lsm, tree).result, DIAGNOSE_WARNING);
}

static void selinux_is_suspected_while_the_probe_does_not_answer(void **state)
{
	struct tree *tree = *state;

	tree_write_text(tree, "sys/fs/selinux/enforce", "1");
	assert_non_null(strstr(look(check_lsm, tree).remedy, "ausearch"));
	tree_write_text(tree, "sys/fs/selinux/enforce", "0");
	assert_int_equal(look(check_lsm, tree).result, DIAGNOSE_PASS);
}

static void cgroup_v2_is_found_in_the_mount_table(void **state)
{
	struct tree *tree = *state;

	tree_write_text(tree, "proc/self/mounts", "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\n");
	assert_int_equal(look(check_cgroup, tree).result, DIAGNOSE_WARNING);
	tree_write_text(tree, "proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
	assert_string_equal(look(check_cgroup, tree).text, "cgroup v2 at /sys/fs/cgroup");
}

static void set_conntrack(const struct tree *tree, const char *count)
{
	tree_write_text(tree, "proc/sys/net/netfilter/nf_conntrack_count", count);
	tree_write_text(tree, "proc/sys/net/netfilter/nf_conntrack_max", "1000\n");
}

static void conntrack_warns_before_it_is_full(void **state)
{
	struct tree *tree = *state;

	assert_int_equal(look(check_conntrack, tree).result, DIAGNOSE_PASS);
	set_conntrack(tree, "890\n");
	assert_int_equal(look(check_conntrack, tree).result, DIAGNOSE_PASS);
	set_conntrack(tree, "905\n");
	assert_int_equal(look(check_conntrack, tree).result, DIAGNOSE_WARNING);
	set_conntrack(tree, "1000\n");
	assert_string_equal(look(check_conntrack, tree).remedy,
			    "sysctl -w net.netfilter.nf_conntrack_max=2000");
}

static void capabilities_that_cannot_be_had_are_named(void **state)
{
	struct diagnosis diagnosis = {.root = "", .bounding = 1ULL << CAP_BPF};
	struct diagnose_finding finding;

	(void)state;
	check_capabilities(&diagnosis, &finding);
	assert_int_equal(finding.result, DIAGNOSE_WARNING);
	assert_non_null(strstr(finding.text, "CAP_PERFMON CAP_NET_ADMIN"));
	assert_null(strstr(finding.text, "CAP_BPF"));
	diagnosis.bounding = 1ULL << CAP_SYS_ADMIN;
	check_capabilities(&diagnosis, &finding);
	assert_int_equal(finding.result, DIAGNOSE_PASS);
}

static void hooks_that_are_not_there_are_named_in_the_probes_words(void **state)
{
	struct diagnosis diagnosis = {
		.root = "",
		.probe_status = json_loads("{\"hooks\": [{\"hook\": \"a\", \"variant\": \"x\"},"
					   " {\"hook\": \"b\", \"without\": \"no UDP\"}]}", 0, NULL)};
	struct diagnose_finding finding;

	(void)state;
	check_hooks(&diagnosis, &finding);
	assert_string_equal(finding.text, "1 of 2 hooks are not there: no UDP");
	json_decref(diagnosis.probe_status);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tree_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(btf_that_is_missing_is_a_warning),
		TEST(btf_is_known_by_its_magic_number),
		TEST(lockdown_is_what_stands_in_brackets),
		TEST(selinux_is_suspected_while_the_probe_does_not_answer),
		TEST(cgroup_v2_is_found_in_the_mount_table),
		TEST(conntrack_warns_before_it_is_full),
		TEST(capabilities_that_cannot_be_had_are_named),
		TEST(hooks_that_are_not_there_are_named_in_the_probes_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
