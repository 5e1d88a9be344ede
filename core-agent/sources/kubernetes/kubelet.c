/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kubelet of this node: its pods and their containers, one list at a time. Nothing is
 * watched: a kubelet has no watch, and it knows its own pods before anybody else does.
 */
#include "sources/source_classes.h"

#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "http/backoff.h"
#include "kube_client.h"
#include "kube_pod.h"
#include "kube_report.h"
#include "kube_seen.h"
#include "clock.h"
#include "log.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "sources/json_items.h"
#include "sources/source_health.h"
#include "tags/tag_list.h"

#define NS_PER_MS UINT64_C(1000000)
#define INTERVAL_MS 30000
#define MIN_INTERVAL_MS 5000 /* when somebody wants a pod that is not known */
#define TIMEOUT_MS 20000
#define URL_SIZE 512

static const struct kube_remedy remedies[] = {
	{401, "the service account's token is not taken: see kubelet_auth_token_path, and "
	      "authentication.webhook of the kubelet"},
	{403, "the service account needs the verb get on nodes/proxy: see RBAC in the manual"},
	{404, "it has no /pods: see kubernetes_https_kubelet_port"},
	{429, "it asks for fewer requests"},
	{500, "the kubelet is in trouble: see its log"},
	{503, "the kubelet is in trouble: see its log"},
	{0, NULL},
};
static const char certificate_remedy[] =
	"name its authority in kubelet_client_ca, or set kubelet_tls_verify: false";

struct source {
	struct source_health health;
	struct entities *entities;
	struct host_facts *host;
	struct kube_allowed allowed;
	struct kube_client *client;
	struct json_items *items;
	struct kube_seen *seen;
	struct event *timer;
	char url[URL_SIZE], plain_url[URL_SIZE]; /* "": no fallback */
	bool is_plain;		     /* the request that runs is the fallback */
	bool has_tls;		     /* it has answered with TLS, whatever it said */
	char secure_problem[SOURCE_MAX_DETAIL]; /* why there was a fallback */
	uint32_t n_failures; /* in a row */
	uint64_t started_ms, due_ms;
	bool is_running;
	struct tag_list tags;
};

static uint64_t now_ms(void)
{
	return clock_monotonic_ns() / NS_PER_MS;
}

static uint32_t random_u32(void)
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof(random), GRND_NONBLOCK); /* else all come at once */
	return random;
}

static void wait_until(struct source *source, uint64_t due_ms)
{
	uint64_t now = now_ms(), delay_ms = due_ms > now ? due_ms - now : 0;
	struct timeval delay = {.tv_sec = (time_t)(delay_ms / 1000),
				.tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};

	source->due_ms = due_ms;
	(void)event_add(source->timer, &delay); /* has memory for its timer since it is new */
}

static void report_container(const struct kube_pod *pod, const struct kube_container *container,
			     void *context)
{
	struct source *source = context;
	const struct entity_report report = {
		.kind = ENTITY_CONTAINER,
		.id = container->id,
		.tags = &source->tags,
		.pod_uid = pod->cgroup_uid,
	};

	tag_list_clear(&source->tags);
	kube_pod_add_container_tags(pod, container, &source->tags);
	/* What finds no room is counted there; an id that is none is nobody's. */
	(void)entities_set(source->entities, ENTITY_FROM_KUBELET, &report, clock_monotonic_ns());
}

static bool keep(enum entity_kind kind, const char *id, void *context)
{
	struct source *source = context;

	return entities_keep(source->entities, ENTITY_FROM_KUBELET, kind, id,
			     clock_monotonic_ns());
}

static void note_container(const struct kube_pod *pod, const struct kube_container *container,
			   void *context)
{
	struct source *source = context;

	(void)pod;
	kube_seen_note(source->seen, ENTITY_CONTAINER, container->id);
}

static void note(struct source *source, const struct kube_pod *pod)
{
	kube_seen_note(source->seen, ENTITY_POD, pod->cgroup_uid);
	if (strcmp(pod->uid, pod->cgroup_uid) != 0)
		kube_seen_note(source->seen, ENTITY_POD, pod->uid);
	kube_pod_for_each_container(pod, note_container, source);
}

static int on_item(const char *bytes, size_t size, void *context)
{
	struct source *source = context;
	struct kube_pod pod;
	int r;

	if (kube_seen_find(source->seen, bytes, size, keep, source))
		return 0;
	r = kube_pod_from_kubelet(bytes, size, &pod);
	if (r == -EINVAL)
		return 0; /* no pod; the others are */
	if (r < 0)
		return r;
	if (pod.node) {
		host_facts_set(source->host, HOST_KUBE_NODE, pod.node);
		host_facts_set_name(source->host, HOST_NAME_NODE, pod.node);
	}
	kube_report_pod(source->entities, ENTITY_FROM_KUBELET, &pod, &source->allowed,
			&source->tags, clock_monotonic_ns());
	kube_pod_for_each_container(&pod, report_container, source);
	note(source, &pod);
	kube_pod_deinit(&pod);
	return 0;
}

static int on_bytes(const char *bytes, size_t size, void *context)
{
	struct source *source = context;

	return json_items_feed(source->items, bytes, size);
}

static bool is_whole_list(const struct source *source)
{
	size_t size = 0;
	const char *rest = json_items_rest(source->items, &size);
	json_t *list = rest ? json_loadb(rest, size, 0, NULL) : NULL;
	const char *kind = json_string_value(json_object_get(list, "kind"));
	bool is_list = kind && strcmp(kind, "PodList") == 0;

	json_decref(list);
	return is_list;
}

/*
 * Where nobody answers with TLS, or it wants rights that we have not. Not for a certificate
 * that is refused: any user may listen on the other port, and who cannot be told from the
 * kubelet is not asked without TLS. Nor when a kubelet that had TLS is away: it will be back.
 */
static bool may_fall_back(const struct source *source, const struct fetch_answer *answer)
{
	if (source->is_plain || !source->plain_url[0])
		return false;
	if (answer->error == 0)
		return answer->status == 401 || answer->status == 403;
	if (source->has_tls)
		return false;
	return answer->error == -ECONNREFUSED || answer->error == -EHOSTUNREACH ||
	       (answer->error == -EKEYREJECTED && kube_client_token_error(source->client) < 0);
}

static void fail(struct source *source, const char *problem)
{
	const char *url = source->is_plain ? source->plain_url : source->url;
	uint32_t delay_ms = backoff_delay_ms(++source->n_failures,
					     kube_client_retry_after_s(source->client),
					     random_u32());

	if (source->is_plain)
		source_health_failed(&source->health, "%s: %s; %s: %s", source->url,
				     source->secure_problem, url, problem);
	else
		source_health_failed(&source->health, "%s: %s", url, problem);
	source->is_running = false;
	wait_until(source, now_ms() + delay_ms);
}

static void succeed(struct source *source)
{
	uint64_t jitter_ms = random_u32() % (INTERVAL_MS / 10);

	entities_end_list(source->entities, ENTITY_FROM_KUBELET, clock_monotonic_ns());
	kube_seen_end_list(source->seen);
	source_health_answered(&source->health);
	source->n_failures = 0;
	source->is_running = false;
	wait_until(source, source->started_ms + INTERVAL_MS - jitter_ms);
}

static void ask(struct source *source, bool is_plain);

static void on_answer(const struct fetch_answer *answer, void *context)
{
	struct source *source = context;
	char problem[SOURCE_MAX_DETAIL];

	if (!source->is_plain && answer->status != 0)
		source->has_tls = true;
	if (answer->error == 0 && answer->status == 200 && is_whole_list(source)) {
		succeed(source);
		return;
	}
	kube_explain(answer, remedies, certificate_remedy, problem, sizeof(problem));
	if (!may_fall_back(source, answer)) {
		fail(source, problem);
		return;
	}
	memcpy(source->secure_problem, problem, sizeof(problem));
	ask(source, true);
}

static void ask(struct source *source, bool is_plain)
{
	int r;

	source->is_plain = is_plain;
	source->is_running = true;
	json_items_reset(source->items);
	entities_begin_list(source->entities, ENTITY_FROM_KUBELET);
	kube_seen_begin_list(source->seen);
	r = kube_client_get(source->client, is_plain ? source->plain_url : source->url, on_bytes,
			    on_answer, source);
	if (r < 0)
		fail(source, strerror(-r));
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	struct source *source = context;

	(void)fd;
	(void)events;
	source->started_ms = now_ms();
	ask(source, false);
}

/* A new pod: its first connections should not wait for the interval. */
static void kubelet_wanted(struct source *source, enum entity_kind kind, const char *id,
			   const char *runtime)
{
	uint64_t soonest_ms = source->started_ms + MIN_INTERVAL_MS;

	(void)id;
	(void)runtime;
	if (kind != ENTITY_HOST && !source->is_running && source->n_failures == 0 &&
	    soonest_ms < source->due_ms)
		wait_until(source, soonest_ms);
}

static bool is_in_kubernetes(const struct agent_settings *settings)
{
	const char *server = getenv("KUBERNETES_SERVICE_HOST");

	return (server && server[0]) || settings->kubelet_host[0] ||
	       access(settings->kubelet_token_path, F_OK) == 0;
}

/* A pod with the host's network has its node's name, which its certificate is for. */
static void format_urls(struct source *source, const struct agent_settings *settings)
{
	struct utsname kernel = {.nodename = "localhost"};
	char host[256];

	(void)uname(&kernel); /* else as above */
	kube_format_host(settings->kubelet_host[0] ? settings->kubelet_host : kernel.nodename, host,
			 sizeof(host));
	(void)snprintf(source->url, sizeof(source->url), "https://%s:%lld/pods", host,
		       (long long)settings->kubelet_https_port);
	if (settings->kubelet_http_port)
		(void)snprintf(source->plain_url, sizeof(source->plain_url), "http://%s:%lld/pods",
			       host, (long long)settings->kubelet_http_port);
}

static int kubelet_init(struct source *source, const struct source_context *context)
{
	const struct agent_settings *settings = context->settings;
	const struct kube_client_settings of_client = {
		.ca_file = settings->kubelet_ca_file[0] ? settings->kubelet_ca_file : NULL,
		.token_file = settings->kubelet_token_path,
		.timeout_ms = TIMEOUT_MS,
		.is_peer_unverified = !settings->kubelet_tls_verify,
	};

	source->entities = context->entities;
	source->host = context->host;
	source->allowed = (struct kube_allowed){&settings->pod_labels_as_tags,
						&settings->pod_annotations_as_tags};
	source_health_init(&source->health, kubelet_source.name);
	format_urls(source, settings);
	source->items = json_items_new(JSON_ITEMS_LIST, JSON_ITEMS_MAX_ITEM_BYTES,
					on_item, source);
	source->seen = kube_seen_new((size_t)settings->max_entities);
	source->client = kube_client_new(context->loop, &of_client);
	source->timer = event_new(context->base, -1, 0, on_timer, source);
	if (!source->items || !source->seen || !source->client || !source->timer)
		return -ENOMEM;
	if (of_client.is_peer_unverified)
		log_warn("the kubelet's certificate is not verified: who answers in its place may "
			 "give wrong tags, and gets the service account's token",
			 "because=kubelet_tls_verify");
	wait_until(source, now_ms());
	return 0;
}

static void kubelet_free(struct source *source)
{
	if (!source)
		return;
	kube_client_free(source->client);
	json_items_free(source->items);
	kube_seen_free(source->seen);
	if (source->timer)
		event_free(source->timer);
	free(source);
}

static int kubelet_new(const struct source_context *context, struct source **ret)
{
	struct source *source;
	int r;

	if (!is_in_kubernetes(context->settings))
		return -ENODEV;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	r = kubelet_init(source, context);
	if (r < 0)
		kubelet_free(source);
	else
		*ret = source;
	return r;
}

static const struct source_health *kubelet_health(const struct source *source)
{
	return &source->health;
}

const struct source_class kubelet_source = {
	.name = "kubelet",
	.new = kubelet_new,
	.free = kubelet_free,
	.health = kubelet_health,
	.wanted = kubelet_wanted,
};
