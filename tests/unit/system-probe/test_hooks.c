/* SPDX-License-Identifier: Apache-2.0 */
#include "hooks.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MAX_TRIALS 32

/* A kernel that refuses one program, and every one with one of these words in its name. */
struct invented_kernel {
	const char *refuses[4];
	const char *refuses_only;
	int error;
	const char *tried[MAX_TRIALS];
	size_t n_tried;
};

static int try_program(const char *program, void *context)
{
	struct invented_kernel *kernel = context;

	kernel->tried[kernel->n_tried++] = program;
	if (kernel->refuses_only && strcmp(program, kernel->refuses_only) == 0)
		return kernel->error;
	for (const char *const *word = kernel->refuses; *word; word++)
		if (strstr(program, *word))
			return kernel->error;
	return 0;
}

static struct hook_choice choose(enum hook_id id, enum tier max_tier,
				 struct invented_kernel *kernel)
{
	return hook_choose(&hooks[id], max_tier, try_program, kernel);
}

static void choose_all(struct hook_choice choices[N_HOOKS], struct invented_kernel *kernel)
{
	for (int i = 0; i < N_HOOKS; i++) {
		kernel->n_tried = 0;
		choices[i] = choose(i, TIER_TRAMPOLINE, kernel);
	}
}

static void kernel_that_loads_all_gets_the_best_of_every_hook(void **state)
{
	struct invented_kernel kernel = { 0 };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_all(choices, &kernel);
	for (int i = 0; i < N_HOOKS; i++) {
		assert_ptr_equal(choices[i].variant, &hooks[i].variants[0]);
		assert_null(choices[i].refused);
	}
	assert_int_equal(hooks_tier(choices), TIER_TRAMPOLINE);
}

static void kernel_without_fentry_gets_cgroup_skb_and_the_listener(void **state)
{
	struct invented_kernel kernel = { .refuses = { "fentry", "fexit" }, .error = -EPERM };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_all(choices, &kernel);
	assert_string_equal(choices[HOOK_UDP].variant->name, "cgroup_skb");
	assert_string_equal(choices[HOOK_UDP].refused->name, "fentry");
	assert_string_equal(choices[HOOK_UDP].refused_program, "udp_sent_ipv4_fentry");
	assert_int_equal(choices[HOOK_UDP].refused_error, -EPERM);
	assert_string_equal(choices[HOOK_ACCEPT].variant->name, "listener, then iter/task_file or who closes");
	assert_string_equal(choices[HOOK_ACCEPT].refused->name, "fexit/inet_csk_accept");
	assert_non_null(choices[HOOK_TCP].variant);
	assert_int_equal(hooks_tier(choices), TIER_TRACEPOINT);
}

static void kernel_with_the_old_accept_gets_the_old_variant(void **state)
{
	struct invented_kernel kernel = { .refuses_only = "tcp_accept_fexit", .error = -EINVAL };
	struct hook_choice choice = choose(HOOK_ACCEPT, TIER_TRAMPOLINE, &kernel);

	(void)state;
	assert_string_equal(choice.variant->programs[0], "tcp_accept_fexit_old");
	assert_int_equal(kernel.n_tried, 2);
	assert_string_equal(choice.refused_program, "tcp_accept_fexit");
}

static void kernel_that_loads_nothing_gets_nothing_that_loads(void **state)
{
	struct invented_kernel kernel = { .refuses = { "" }, .error = -ENOENT };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_all(choices, &kernel);
	for (int i = 0; i < N_HOOKS; i++)
		assert_true(!choices[i].variant || !choices[i].variant->programs[0]);
	assert_null(choices[HOOK_TCP].variant);
	assert_string_equal(choices[HOOK_TCP].refused_program, "tcp_state_tp_btf");
	assert_int_equal(choices[HOOK_TCP].refused_error, -ENOENT);
	assert_int_equal(hooks_tier(choices), TIER_NONE);
}

/* As under lockdown=confidentiality, which refuses reading user memory. */
static void kernel_in_lockdown_gets_the_bare_process_variants(void **state)
{
	struct invented_kernel kernel = { .refuses = { "process_exec_tp_btf",
						       "process_exec_unlooped_tp_btf",
						       "process_exit_tp_btf" },
					  .error = -EPERM };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_all(choices, &kernel);
	assert_string_equal(choices[HOOK_EXEC].variant->programs[0], "process_exec_bare_tp_btf");
	assert_string_equal(choices[HOOK_EXIT].variant->programs[0], "process_exit_bare_tp_btf");
	assert_non_null(choices[HOOK_EXEC].variant->lacks);
	assert_int_equal(hooks_tier(choices), TIER_TRAMPOLINE);
}

static void kernel_without_bpf_loop_reads_environments_within_bounds(void **state)
{
	struct invented_kernel kernel = { .refuses = { "process_exec_tp_btf" }, .error = -EINVAL };
	struct hook_choice choice = choose(HOOK_EXEC, TIER_TRAMPOLINE, &kernel);

	(void)state;
	assert_string_equal(choice.variant->programs[0], "process_exec_unlooped_tp_btf");
	assert_non_null(strstr(choice.variant->lacks, "environment"));
}

/* The last obstacle is the lowest: removing it is enough to have the hook. */
static void hook_that_is_off_names_the_obstacle_of_its_least_variant(void **state)
{
	struct invented_kernel kernel = { .refuses = { "fentry", "udp_socket_cgroup" },
					  .error = -EPERM };
	struct hook_choice choice = choose(HOOK_UDP, TIER_TRAMPOLINE, &kernel);

	(void)state;
	assert_null(choice.variant);
	assert_string_equal(choice.refused->name, "cgroup_skb");
	assert_string_equal(choice.refused_program, "udp_socket_cgroup");
}

static void variant_needs_all_of_its_programs(void **state)
{
	struct invented_kernel kernel = { .refuses = { "udp_expire_iter" }, .error = -EINVAL };
	struct hook_choice choice = choose(HOOK_UDP, TIER_TRAMPOLINE, &kernel);

	(void)state;
	assert_null(choice.variant);
	assert_string_equal(choice.refused_program, "udp_expire_iter");
}

static void nothing_is_tried_beyond_what_loads(void **state)
{
	struct invented_kernel kernel = { 0 };

	(void)state;
	(void)choose(HOOK_UDP, TIER_TRAMPOLINE, &kernel);
	assert_int_equal(kernel.n_tried, 5);
	assert_string_equal(kernel.tried[0], "udp_sent_ipv4_fentry");
}

static void forced_tracepoint_tier_tries_no_trampoline(void **state)
{
	struct invented_kernel kernel = { 0 };
	struct hook_choice choice = choose(HOOK_UDP, TIER_TRACEPOINT, &kernel);

	(void)state;
	assert_string_equal(choice.variant->name, "cgroup_skb");
	assert_null(choice.refused);
	assert_string_equal(kernel.tried[0], "udp_sent_cgroup_skb");
}

static void processes_alone_are_no_capture_tier(void **state)
{
	struct hook_choice choices[N_HOOKS] = { 0 };

	(void)state;
	choices[HOOK_EXEC].variant = &hooks[HOOK_EXEC].variants[0];
	choices[HOOK_ACCEPT].variant = &hooks[HOOK_ACCEPT].variants[0];
	assert_int_equal(hooks_tier(choices), TIER_NONE);
}

static void udp_alone_has_a_tier(void **state)
{
	struct hook_choice choices[N_HOOKS] = { 0 };

	(void)state;
	choices[HOOK_UDP].variant = &hooks[HOOK_UDP].variants[0];
	assert_int_equal(hooks_tier(choices), TIER_TRAMPOLINE);
	choices[HOOK_UDP].variant = &hooks[HOOK_UDP].variants[1];
	assert_int_equal(hooks_tier(choices), TIER_TRACEPOINT);
}

static void choose_wanted(struct hook_choice choices[N_HOOKS], enum tier max_tier,
			  struct invented_kernel *kernel)
{
	bool is_wanted[N_HOOKS];

	for (int i = 0; i < N_HOOKS; i++)
		is_wanted[i] = true;
	kernel->n_tried = 0;
	hooks_choose(choices, is_wanted, max_tier, try_program, kernel);
}

static void kernel_that_loads_nothing_gets_sock_diag(void **state)
{
	struct invented_kernel kernel = { .refuses = { "" }, .error = -ENOENT };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_wanted(choices, TIER_TRAMPOLINE, &kernel);
	assert_string_equal(choices[HOOK_TCP].variant->name, "sock_diag");
	assert_string_equal(choices[HOOK_TCP].refused_program, "tcp_state_tp_btf");
	assert_string_equal(choices[HOOK_UDP].variant->name, "sock_diag");
	assert_int_equal(hooks_tier(choices), TIER_NETLINK);
	assert_true(hooks_need_netlink(choices));
}

/* As 5.10, which refuses socket storage in tracing programs. */
static void what_loads_is_kept_beside_sock_diag_but_what_follows_tcp(void **state)
{
	struct invented_kernel kernel = { .refuses = { "tcp_state", "tcp_adopt" },
					  .error = -EINVAL };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_wanted(choices, TIER_TRAMPOLINE, &kernel);
	assert_string_equal(choices[HOOK_TCP].variant->name, "sock_diag");
	assert_string_equal(choices[HOOK_UDP].variant->name, "fentry");
	assert_string_equal(choices[HOOK_ACCEPT].variant->name, "/proc");
	assert_null(choices[HOOK_RETRANSMIT].variant);
	assert_int_equal(hooks_tier(choices), TIER_NETLINK);
}

static void nothing_but_tcp_asks_for_sock_diag(void **state)
{
	struct invented_kernel kernel = { .refuses = { "udp", "tcp_adopt" }, .error = -EPERM };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_wanted(choices, TIER_TRAMPOLINE, &kernel);
	assert_null(choices[HOOK_UDP].variant);
	assert_null(choices[HOOK_TCP_ADOPT].variant);
	assert_false(hooks_need_netlink(choices));
}

static void forced_netlink_tier_tries_no_program(void **state)
{
	struct invented_kernel kernel = { 0 };
	struct hook_choice choices[N_HOOKS];

	(void)state;
	choose_wanted(choices, TIER_NETLINK, &kernel);
	assert_int_equal(kernel.n_tried, 0);
	assert_int_equal(hooks_tier(choices), TIER_NETLINK);
	assert_null(choices[HOOK_EXEC].variant);
}

static void each_tier_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(tier_name(TIER_NONE), "none");
	assert_string_equal(tier_name(TIER_NETLINK), "netlink");
	assert_string_equal(tier_name(TIER_TRACEPOINT), "tracepoint");
	assert_string_equal(tier_name(TIER_TRAMPOLINE), "trampoline");
}

static bool is_in(const char *const *programs, size_t n, const char *wanted)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(programs[i], wanted) == 0)
			return true;
	return false;
}

static void usual_programs_are_the_best_that_need_no_trampoline(void **state)
{
	const char *programs[HOOKS_MAX_PROGRAMS];
	bool wanted[N_HOOKS] = { [HOOK_TCP] = true, [HOOK_UDP] = true, [HOOK_EXEC] = true };
	size_t n = hooks_usual_programs(wanted, programs);

	(void)state;
	assert_true(is_in(programs, n, "tcp_state_tp_btf"));
	assert_true(is_in(programs, n, "udp_sent_cgroup_skb"));
	assert_true(is_in(programs, n, "process_exec_tp_btf"));
	assert_false(is_in(programs, n, "process_exec_bare_tp_btf"));
	assert_false(is_in(programs, n, "udp_sent_ipv4_fentry"));
	assert_false(is_in(programs, n, "tcp_retransmit_tp_btf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_that_loads_all_gets_the_best_of_every_hook),
		cmocka_unit_test(kernel_without_fentry_gets_cgroup_skb_and_the_listener),
		cmocka_unit_test(kernel_with_the_old_accept_gets_the_old_variant),
		cmocka_unit_test(kernel_that_loads_nothing_gets_nothing_that_loads),
		cmocka_unit_test(kernel_in_lockdown_gets_the_bare_process_variants),
		cmocka_unit_test(kernel_without_bpf_loop_reads_environments_within_bounds),
		cmocka_unit_test(hook_that_is_off_names_the_obstacle_of_its_least_variant),
		cmocka_unit_test(variant_needs_all_of_its_programs),
		cmocka_unit_test(nothing_is_tried_beyond_what_loads),
		cmocka_unit_test(forced_tracepoint_tier_tries_no_trampoline),
		cmocka_unit_test(processes_alone_are_no_capture_tier),
		cmocka_unit_test(udp_alone_has_a_tier),
		cmocka_unit_test(kernel_that_loads_nothing_gets_sock_diag),
		cmocka_unit_test(what_loads_is_kept_beside_sock_diag_but_what_follows_tcp),
		cmocka_unit_test(nothing_but_tcp_asks_for_sock_diag),
		cmocka_unit_test(forced_netlink_tier_tries_no_program),
		cmocka_unit_test(each_tier_has_its_name),
		cmocka_unit_test(usual_programs_are_the_best_that_need_no_trampoline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
