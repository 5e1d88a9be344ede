/* SPDX-License-Identifier: Apache-2.0 */

/*
 * system-probe: sees connections, counts them, hands them over. Wide rights to
 * load and attach, then none, then the first byte from outside.
 */

#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "auth_token.h"
#include "drop.h"
#include "listen.h"
#include "log.h"
#include "probe.h"
#include "reload.h"
#include "server.h"

#define EXIT_SETTINGS 2
#define UDP_EXPIRY_INTERVAL_S 5

static void on_ring(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	probe_drain(context);
}

static void on_expiry(evutil_socket_t fd, short what, void *context)
{
	struct probe *probe = context;

	(void)fd;
	(void)what;
	if (capture_expire_udp(probe->capture) < 0)
		probe->counters.n_drain_errors++;
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	log_info("stopping", NULL);
	event_base_loopbreak(context);
}

/* What SIGHUP reads anew, and into what. */
struct reload {
	struct probe_settings *settings;
	const struct arguments *arguments;
};

static void on_reload(evutil_socket_t fd, short what, void *context)
{
	const struct reload *reload = context;

	(void)fd;
	(void)what;
	/* Logged where it fails; the probe goes on as it was. */
	(void)reload_settings(reload->settings, reload->arguments->config,
			      reload->arguments->is_config_default);
}

static int print_settings(enum arguments_action action)
{
	if (action == ARGUMENTS_HELP_SETTINGS)
		options_print_help(probe_options, probe_options_n, stdout);
	else if (action == ARGUMENTS_PRINT_MANUAL)
		options_print_manual(probe_options, probe_options_n, "system-probe", stdout);
	else
		options_print_example(probe_options, probe_options_n, "system-probe.yaml", stdout);
	return EXIT_SUCCESS;
}

static int load_settings(const struct arguments *arguments, struct probe_settings *settings)
{
	struct option_error error;
	int r = options_load(probe_options, probe_options_n, settings, arguments->config,
			     arguments->is_config_default, &error);

	if (r < 0)
		fprintf(stderr, "system-probe: %s\n", error.text);
	else
		log_set_level(settings->log_level);
	return r;
}

static gid_t socket_group(const char *name)
{
	struct group *group = getgrnam(name);

	if (group)
		return group->gr_gid;
	log_info("the socket's group does not exist: only root and the owner of the auth-token "
		 "file may ask", "group=%s", name);
	return (gid_t)-1;
}

/* A SIGHUP that comes before the loop can take it waits, in place of ending the probe. */
static void let_reload(bool is_allowed)
{
	sigset_t hangup;

	(void)sigemptyset(&hangup); /* these cannot fail */
	(void)sigaddset(&hangup, SIGHUP);
	(void)sigprocmask(is_allowed ? SIG_UNBLOCK : SIG_BLOCK, &hangup, NULL);
}

/* Events live until the loop's base is freed. */
static int add_events(struct event_base *base, struct probe *probe, struct reload *reload)
{
	const struct timeval expiry = { UDP_EXPIRY_INTERVAL_S, 0 };
	int ring_fd = capture_ring_fd(probe->capture);
	struct event *events[] = {
		evsignal_new(base, SIGINT, on_stop, base),
		evsignal_new(base, SIGTERM, on_stop, base),
		event_new(base, -1, EV_PERSIST, on_expiry, probe),
		evsignal_new(base, SIGHUP, on_reload, reload),
		ring_fd < 0 ? NULL : event_new(base, ring_fd, EV_READ | EV_PERSIST, on_ring, probe),
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i] && event_add(events[i], i == 2 ? &expiry : NULL) < 0)
			return -ENOMEM;
	let_reload(true);
	return 0;
}

static int serve(struct probe *probe, struct reload *reload)
{
	const struct probe_settings *settings = probe->settings;
	struct event_base *base = event_base_new();
	struct auth_token *token = auth_token_new(settings->auth_token_file_path);
	struct server *server = NULL;
	gid_t group = socket_group(settings->socket_group);
	int fd, r = -ENOMEM;

	if (base && token && add_events(base, probe, reload) == 0) {
		fd = r = listen_unix(settings->socket_path, group);
		if (r >= 0)
			r = drop_privileges(probe->capture,
					    group == (gid_t)-1 ? NULL : settings->socket_group);
		if (r >= 0)
			server = server_new(base, fd, probe, token, group);
		if (server) {
			log_info("serving", "socket=%s", settings->socket_path);
			r = event_base_dispatch(base);
			(void)unlink(settings->socket_path); /* the next start replaces it anyway */
		}
	}
	server_free(server);
	auth_token_free(token);
	if (base)
		event_base_free(base);
	return r;
}

int main(int argc, char **argv)
{
	struct probe_settings settings = { 0 };
	struct probe probe = { 0 };
	struct arguments arguments;
	struct reload reload = { &settings, &arguments };
	int r;

	if (arguments_parse(argc, argv, &arguments) < 0)
		return EXIT_SETTINGS;
	if (arguments.action == ARGUMENTS_DONE)
		return EXIT_SUCCESS;
	if (arguments.action != ARGUMENTS_RUN)
		return print_settings(arguments.action);
	let_reload(false);
	if (load_settings(&arguments, &settings) < 0)
		return EXIT_SETTINGS;
	(void)signal(SIGPIPE, SIG_IGN); /* write errors are looked at where they happen */
	log_info("system-probe starts", "version=%s", SYSPROBE_VERSION);

	r = probe_init(&probe, &settings);
	if (r >= 0)
		r = probe_start_capture(&probe);
	if (r >= 0)
		r = serve(&probe, &reload);
	probe_deinit(&probe);
	options_free(probe_options, probe_options_n, &settings);
	if (r < 0)
		log_error("system-probe ends", "error=%s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
