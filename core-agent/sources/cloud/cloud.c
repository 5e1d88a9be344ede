/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where this host is, as the metadata service of its cloud tells. What the firmware says
 * decides who is asked first; where it says nothing, all are asked at once, and who answers
 * whole is it.
 */
#include "sources/source_classes.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "local_hints.h"
#include "clock.h"
#include "log.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "sources/source_health.h"
#include "talk.h"

#define NS_PER_S UINT64_C(1000000000)

static const struct cloud_provider *const providers[] = {&cloud_aws, &cloud_gcp, &cloud_azure};
#define N_PROVIDERS (sizeof(providers) / sizeof(*providers))

/* The network may come up after the agent; later the interval of the settings holds. */
static const unsigned int retry_s[] = {2, 4, 10, 60, 300};
#define N_RETRIES (sizeof(retry_s) / sizeof(*retry_s))

struct source {
	struct source_context context;
	struct source_health health;
	struct event *timer;
	bool is_enabled[N_PROVIDERS];
	struct cloud_talk *talks[N_PROVIDERS];
	const struct cloud_provider *likely; /* that answered, or the firmware names; or NULL */
	bool is_found;			     /* it answered */
	bool are_all_asked;		     /* in this round */
	size_t n_tries;			     /* since the last answer */
	char own_mac[CLOUD_MAC_SIZE];
};

static const struct {
	enum cloud_fact from;
	enum host_fact to;
} host_facts_of[] = {
	{CLOUD_INSTANCE_ID, HOST_INSTANCE_ID}, {CLOUD_INSTANCE_TYPE, HOST_INSTANCE_TYPE},
	{CLOUD_ZONE, HOST_ZONE},	       {CLOUD_REGION, HOST_REGION},
	{CLOUD_NETWORK_ID, HOST_NETWORK_ID},   {CLOUD_SUBNET_ID, HOST_SUBNET_ID},
};

static void schedule(struct source *source, uint64_t ns)
{
	struct timeval delay = {.tv_sec = (time_t)(ns / NS_PER_S),
				.tv_usec = (suseconds_t)(ns % NS_PER_S / 1000)};

	if (event_add(source->timer, &delay) < 0)
		log_error("the cloud's metadata service is not asked again: no timer", NULL);
}

static void apply_tags(struct source *source, const struct cloud_facts *facts)
{
	struct tag_list list;
	struct entity_report report = {.kind = ENTITY_HOST, .id = "", .tags = &list};

	cloud_facts_tags(facts, &list);
	/* What finds no room is counted there. */
	(void)entities_set(source->context.entities, ENTITY_FROM_CLOUD, &report, clock_monotonic_ns());
}

static void apply(struct source *source, const struct cloud_facts *facts)
{
	enum azure_name style = (enum azure_name)source->context.settings->azure_hostname_style;
	struct host_facts *host = source->context.host;
	char name[CLOUD_VALUE_SIZE];

	host_facts_set(host, HOST_CLOUD_PROVIDER, facts->provider);
	for (size_t i = 0; i < sizeof(host_facts_of) / sizeof(*host_facts_of); i++)
		host_facts_set(host, host_facts_of[i].to, facts->values[host_facts_of[i].from]);
	host_facts_set_subnets(host, &facts->subnets);
	cloud_facts_name(facts, style, name);
	host_facts_set_name(host, HOST_NAME_CLOUD, name);
	apply_tags(source, facts);
}

static void end_talks(struct source *source)
{
	for (size_t i = 0; i < N_PROVIDERS; i++) {
		cloud_talk_free(source->talks[i]);
		source->talks[i] = NULL;
	}
}

static bool is_talking(const struct source *source)
{
	for (size_t i = 0; i < N_PROVIDERS; i++)
		if (source->talks[i])
			return true;
	return false;
}

/* Most hosts that nobody answers on are in no cloud: that is no failure. */
static void end_round(struct source *source)
{
	if (source->n_tries < N_RETRIES) {
		schedule(source, retry_s[source->n_tries++] * NS_PER_S);
		return;
	}
	if (source->n_tries++ == N_RETRIES && !source->likely)
		log_info("no cloud's metadata service answers: this host is taken to be in none",
			 "off_with=cloud_provider_metadata");
	schedule(source, source->context.settings->cloud_interval_ns);
}

static void start_talk(struct source *source, size_t i);

/* All but the likely one, which was asked alone before. */
static void ask_others(struct source *source)
{
	source->are_all_asked = true;
	for (size_t i = 0; i < N_PROVIDERS; i++)
		if (source->is_enabled[i] && providers[i] != source->likely)
			start_talk(source, i);
}

static void found(struct source *source, const struct cloud_facts *facts,
		  const struct cloud_provider *provider)
{
	apply(source, facts);
	source_health_answered(&source->health);
	source->likely = provider;
	source->is_found = true;
	source->n_tries = 0;
	end_talks(source);
	schedule(source, source->context.settings->cloud_interval_ns);
}

static void on_end(struct cloud_talk *talk, const struct cloud_facts *facts, const char *problem,
		   void *context)
{
	struct source *source = context;
	const struct cloud_provider *provider = cloud_talk_provider(talk);

	if (facts) {
		found(source, facts, provider);
		return;
	}
	if (provider == source->likely)
		source_health_failed(&source->health, "%s: %s; %s", provider->name, problem,
				     provider->remedy);
	for (size_t i = 0; i < N_PROVIDERS; i++)
		if (source->talks[i] == talk)
			source->talks[i] = NULL;
	cloud_talk_free(talk);
	if (is_talking(source))
		return;
	if (!source->are_all_asked && !source->is_found)
		ask_others(source);
	if (!is_talking(source))
		end_round(source);
}

static char *address_of(const struct agent_settings *settings,
			const struct cloud_provider *provider)
{
	char *address;

	if (provider == &cloud_aws)
		return strdup(settings->aws_metadata_url);
	if (provider == &cloud_azure)
		return strdup(settings->azure_metadata_url);
	return asprintf(&address, "http://%s", settings->gcp_metadata_host) < 0 ? NULL : address;
}

static bool is_without_tags(const struct agent_settings *settings,
			    const struct cloud_provider *provider)
{
	return provider == &cloud_gcp ? !settings->collect_gce_tags : !settings->collect_ec2_tags;
}

static void start_talk(struct source *source, size_t i)
{
	const struct agent_settings *settings = source->context.settings;
	char *address = address_of(settings, providers[i]);
	const struct cloud_talk_settings talk = {
		.provider = providers[i],
		.address = address,
		.own_mac = source->own_mac,
		.is_without_tags = is_without_tags(settings, providers[i]),
		.is_without_routes = !settings->finds_routes,
	};

	if (address)
		source->talks[i] = cloud_talk_start(source->context.loop, &talk, on_end, source);
	free(address);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	struct source *source = context;
	const struct agent_settings *settings = source->context.settings;

	(void)fd;
	(void)events;
	local_hints_read_mac(settings->procfs_path, settings->sysfs_path, source->own_mac);
	source->are_all_asked = !source->likely;
	for (size_t i = 0; i < N_PROVIDERS; i++)
		if (source->is_enabled[i] && (!source->likely || providers[i] == source->likely))
			start_talk(source, i);
	if (!is_talking(source))
		end_round(source);
}

/* The field's list has clouds that nothing is known of here. */
static size_t enable(struct source *source, const struct option_list *names)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		size_t at = 0;

		while (at < N_PROVIDERS && strcmp(names->items[i], providers[at]->name) != 0)
			at++;
		if (at < N_PROVIDERS)
			n += !source->is_enabled[at];
		else if (strcmp(names->items[i], "none") != 0)
			log_warn("a cloud is not known here, and not asked",
				 "setting=cloud_provider_metadata name=%s", names->items[i]);
		if (at < N_PROVIDERS)
			source->is_enabled[at] = true;
	}
	return n;
}

static void read_hint(struct source *source)
{
	const char *name;
	struct dmi dmi;

	local_hints_read_dmi(source->context.settings->sysfs_path, &dmi);
	name = local_hints_provider(&dmi);
	for (size_t i = 0; name && i < N_PROVIDERS; i++)
		if (source->is_enabled[i] && strcmp(name, providers[i]->name) == 0)
			source->likely = providers[i];
}

static void cloud_free(struct source *source)
{
	if (!source)
		return;
	end_talks(source);
	if (source->timer)
		event_free(source->timer);
	free(source);
}

static int cloud_new(const struct source_context *context, struct source **ret)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->context = *context;
	source_health_init(&source->health, cloud_source.name);
	if (enable(source, &context->settings->cloud_providers) == 0) {
		cloud_free(source);
		return -ENODEV;
	}
	source->timer = evtimer_new(context->base, on_timer, source);
	if (!source->timer) {
		cloud_free(source);
		return -ENOMEM;
	}
	read_hint(source);
	schedule(source, 0);
	*ret = source;
	return 0;
}

static const struct source_health *cloud_health(const struct source *source)
{
	return &source->health;
}

const struct source_class cloud_source = {
	.name = "cloud",
	.new = cloud_new,
	.free = cloud_free,
	.health = cloud_health,
};
