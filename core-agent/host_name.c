/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The full name comes from getaddrinfo() in a thread. It asks in whatever order nsswitch.conf
 * says (/etc/hosts, DNS, sssd, ...), as hostname -f does, and may block for as long as those
 * do; libevent's resolver and c-ares know some of these places only. The thread shares
 * nothing with the loop but its end of a socket pair, and may outlive it.
 */
#include "host_name.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "log.h"
#include "settings.h"
#include "sources/host_facts.h"

#define NAME_SIZE 256
#define RETRY_S 60

struct host_name {
	struct host_facts *facts;
	char logged[NAME_SIZE];
	struct event *on_answer; /* of the thread */
	struct event *retry;
	int fd; /* -1: no thread */
};

/* The thread's alone. */
struct lookup {
	int fd;
	char name[NAME_SIZE];
};

/* "localhost.localdomain" is nobody's name. */
static bool is_full(const char *name)
{
	return name && strchr(name, '.') && strncmp(name, "localhost", strlen("localhost")) != 0;
}

static void *run_lookup(void *argument)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_flags = AI_CANONNAME};
	struct lookup *lookup = argument;
	struct addrinfo *found = NULL;

	if (getaddrinfo(lookup->name, NULL, &hints, &found) == 0 && is_full(found->ai_canonname))
		/* Nobody may be there any more to read it. */
		(void)send(lookup->fd, found->ai_canonname, strlen(found->ai_canonname),
			   MSG_NOSIGNAL);
	if (found)
		freeaddrinfo(found);
	(void)close(lookup->fd); /* tells that this was all */
	free(lookup);
	return NULL;
}

static int start_thread(const char *name, int fd)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	if (!lookup)
		return -ENOMEM;
	lookup->fd = fd;
	(void)snprintf(lookup->name, sizeof(lookup->name), "%s", name);
	r = pthread_attr_init(&attributes);
	if (r == 0) {
		(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		r = pthread_create(&thread, &attributes, run_lookup, lookup);
		(void)pthread_attr_destroy(&attributes);
	}
	if (r != 0)
		free(lookup);
	return -r;
}

static void retry_later(struct host_name *name)
{
	const struct timeval delay = {.tv_sec = RETRY_S};

	if (event_add(name->retry, &delay) < 0)
		log_error("the full host name is not looked for again: no timer", NULL);
}

static void end_lookup(struct host_name *name)
{
	if (name->on_answer)
		event_free(name->on_answer);
	if (name->fd >= 0)
		(void)close(name->fd); /* nothing was written through it */
	name->on_answer = NULL;
	name->fd = -1;
}

static void on_answer(evutil_socket_t fd, short events, void *context)
{
	struct host_name *name = context;
	char full[NAME_SIZE];
	ssize_t n = recv(fd, full, sizeof(full) - 1, MSG_DONTWAIT);

	(void)events;
	end_lookup(name);
	if (n <= 0) {
		retry_later(name);
		return;
	}
	full[n] = '\0';
	host_facts_set_name(name->facts, HOST_NAME_FQDN, full);
}

static int start_lookup(struct host_name *name)
{
	struct utsname kernel;
	int fds[2], r;

	if (uname(&kernel) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	name->fd = fds[0];
	name->on_answer = event_new(event_get_base(name->retry), name->fd, EV_READ, on_answer,
				    name);
	r = name->on_answer && event_add(name->on_answer, NULL) == 0 ? 0 : -ENOMEM;
	if (r == 0)
		r = start_thread(kernel.nodename, fds[1]);
	if (r == 0)
		return 0;
	end_lookup(name);
	(void)close(fds[1]); /* nothing was written through it */
	return r;
}

static void on_retry(evutil_socket_t fd, short events, void *context)
{
	struct host_name *name = context;
	int r = start_lookup(name);

	(void)fd;
	(void)events;
	if (r == 0)
		return;
	log_warn("cannot look for the full host name now", "error=%s", strerror(-r));
	retry_later(name);
}

static bool is_on_fargate(void)
{
	const char *where = getenv("AWS_EXECUTION_ENV");

	return where && strcmp(where, "AWS_ECS_FARGATE") == 0;
}

static void remember(struct host_name *name)
{
	(void)snprintf(name->logged, sizeof(name->logged), "%s", host_facts_name(name->facts));
}

static void set_names(struct host_name *name, const struct agent_settings *settings)
{
	struct utsname kernel;

	host_facts_set_name(name->facts, HOST_NAME_SETTING, settings->hostname);
	host_facts_set_name(name->facts, HOST_NAME_NODE, settings->node_name);
	host_facts_set(name->facts, HOST_KUBE_NODE, settings->node_name);
	if (!is_on_fargate() && uname(&kernel) == 0)
		host_facts_set_name(name->facts, HOST_NAME_KERNEL, kernel.nodename);
	remember(name);
}

struct host_name *host_name_new(const struct agent_settings *settings, struct event_base *base,
				struct host_facts *facts)
{
	struct host_name *name = calloc(1, sizeof(*name));

	if (!name)
		return NULL;
	name->facts = facts;
	name->fd = -1;
	name->retry = evtimer_new(base, on_retry, name);
	if (!name->retry) {
		host_name_free(name);
		return NULL;
	}
	set_names(name, settings);
	if (settings->is_hostname_fqdn && !is_on_fargate())
		event_active(name->retry, EV_TIMEOUT, 0);
	return name;
}

void host_name_free(struct host_name *name)
{
	if (!name)
		return;
	end_lookup(name);
	if (name->retry)
		event_free(name->retry);
	free(name);
}

void host_name_tick(struct host_name *name)
{
	if (strcmp(name->logged, host_facts_name(name->facts)) == 0)
		return;
	log_info("this host has another name now", "before=%s name=%s source=%s", name->logged,
		 host_facts_name(name->facts), host_facts_name_source(name->facts));
	remember(name);
}
