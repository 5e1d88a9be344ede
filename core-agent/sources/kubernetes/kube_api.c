/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API server, where a setting wants it: names of Services, and pods of other nodes.
 *
 * Services come from EndpointSlices, as a pod's Services stand nowhere in the pod. A slice
 * has addresses too, but does not tell a pod's own from its host's, and would give all of a
 * host's traffic to one pod; so pods of other nodes come from the pods themselves. A list of
 * pods as a table or as metadata alone would be shorter, but one has no address in it, and
 * the other is made for each client by the API server.
 */
#include "sources/source_classes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kube_client.h"
#include "kube_pod.h"
#include "kube_report.h"
#include "kube_services.h"
#include "kube_slice.h"
#include "kube_watch.h"
#include "log.h"
#include "settings.h"
#include "sources/host_facts.h"
#include "sources/source_health.h"
#include "tags/tag_list.h"


/* Those that are over have no address of their own any more: "!=" escaped, "," too. */
static const char live_pods[] = "status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";

enum part { PART_SERVICES, PART_PODS, N_PARTS };

struct source {
	struct source_health health;
	struct entities *entities;
	const struct host_facts *host;
	struct kube_allowed allowed;
	bool has_all_nodes; /* pods of other nodes are wanted */
	bool is_wait_told;
	struct kube_services *services;
	struct kube_watch *watches[N_PARTS];
	bool is_failing[N_PARTS];
	struct tag_list tags; /* scratch */
};

/* One part that is well says nothing of the other. */
static void answered(struct source *source, enum part part, enum entity_source from)
{
	source->is_failing[part] = false;
	entities_confirm(source->entities, from, clock_monotonic_ns());
	if (!source->is_failing[PART_SERVICES] && !source->is_failing[PART_PODS])
		source_health_answered(&source->health);
}

static void failed(struct source *source, enum part part, const char *problem)
{
	source->is_failing[part] = true;
	source_health_failed(&source->health, "%s", problem);
}

/* "": of all */
static const char *wanted_node(const struct source *source)
{
	return source->has_all_nodes ? "" : host_facts_get(source->host, HOST_KUBE_NODE);
}

/*
 * Slices are listed once: pods of other nodes that are kept for want of our name would take
 * the places of our own for good.
 */
static bool is_node_known(void *context)
{
	struct source *source = context;

	if (source->has_all_nodes || wanted_node(source)[0])
		return true;
	if (!source->is_wait_told)
		log_info("a source of tags waits for the name of this node: the kubelet's, or "
			 "kubernetes_kubelet_nodename",
			 "source=%s", source->health.name);
	source->is_wait_told = true;
	return false;
}

static void on_slices_begin(void *context)
{
	struct source *source = context;

	kube_services_begin_list(source->services);
}

static void on_slice(json_t *object, void *context)
{
	struct source *source = context;
	struct kube_slice slice;

	if (kube_slice_from_json(object, &slice) < 0)
		return; /* no slice; the others are */
	kube_services_set(source->services, &slice, wanted_node(source), clock_monotonic_ns());
	kube_slice_deinit(&slice);
}

static void on_slice_removed(json_t *object, void *context)
{
	struct source *source = context;
	struct kube_slice slice;

	if (kube_slice_from_json(object, &slice) < 0)
		return; /* as above */
	kube_services_remove(source->services, slice.namespace, slice.name, clock_monotonic_ns());
	kube_slice_deinit(&slice);
}

static void on_slices_end(void *context)
{
	struct source *source = context;

	kube_services_end_list(source->services, clock_monotonic_ns());
}

static void on_slices_answer(void *context)
{
	answered(context, PART_SERVICES, ENTITY_FROM_KUBE_SERVICES);
}

static void on_slices_trouble(const char *problem, void *context)
{
	failed(context, PART_SERVICES, problem);
}

static void on_pods_begin(void *context)
{
	struct source *source = context;

	entities_begin_list(source->entities, ENTITY_FROM_KUBE_API);
}

static void on_pod(json_t *object, void *context)
{
	struct source *source = context;
	struct kube_pod pod;

	if (kube_pod_from_api(object, &pod) < 0)
		return; /* no pod; the others are */
	kube_report_pod(source->entities, ENTITY_FROM_KUBE_API, &pod, &source->allowed,
			&source->tags, clock_monotonic_ns());
	kube_pod_deinit(&pod);
}

static void on_pod_removed(json_t *object, void *context)
{
	struct source *source = context;
	struct kube_pod pod;

	if (kube_pod_from_api(object, &pod) < 0)
		return; /* as above */
	kube_report_pod_gone(source->entities, ENTITY_FROM_KUBE_API, &pod, clock_monotonic_ns());
	kube_pod_deinit(&pod);
}

static void on_pods_end(void *context)
{
	struct source *source = context;

	entities_end_list(source->entities, ENTITY_FROM_KUBE_API, clock_monotonic_ns());
}

static void on_pods_answer(void *context)
{
	answered(context, PART_PODS, ENTITY_FROM_KUBE_API);
}

static void on_pods_trouble(const char *problem, void *context)
{
	failed(context, PART_PODS, problem);
}

static struct kube_watch *watch_services(const struct source_context *context,
					 struct kube_watch_settings settings,
					 struct source *source)
{
	const struct kube_watch_handler handler = {
		.is_ready = is_node_known,
		.on_begin = on_slices_begin,
		.on_object = on_slice,
		.on_end = on_slices_end,
		.on_removed = on_slice_removed,
		.on_answer = on_slices_answer,
		.on_trouble = on_slices_trouble,
		.context = source,
	};

	settings.path = "/apis/discovery.k8s.io/v1/endpointslices";
	settings.older_path = "/apis/discovery.k8s.io/v1beta1/endpointslices"; /* to 1.20 */
	return kube_watch_new(context->base, context->loop, &settings, &handler);
}

static struct kube_watch *watch_pods(const struct source_context *context,
				     struct kube_watch_settings settings, struct source *source)
{
	const struct kube_watch_handler handler = {
		.on_begin = on_pods_begin,
		.on_object = on_pod,
		.on_end = on_pods_end,
		.on_removed = on_pod_removed,
		.on_answer = on_pods_answer,
		.on_trouble = on_pods_trouble,
		.context = source,
	};

	settings.path = "/api/v1/pods";
	settings.selector = live_pods;
	return kube_watch_new(context->base, context->loop, &settings, &handler);
}

/* What Kubernetes puts into the environment of every container. */
static int format_server(char *ret, size_t ret_size)
{
	const char *server = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	char host[200];

	if (!server || !server[0])
		return -EDESTADDRREQ;
	kube_format_host(server, host, sizeof(host));
	(void)snprintf(ret, ret_size, "https://%s:%s", host, port && port[0] ? port : "443");
	return 0;
}

static int kube_api_init(struct source *source, const struct source_context *context)
{
	const struct agent_settings *settings = context->settings;
	char server[256];
	const struct kube_watch_settings of_watch = {
		.server = server,
		.ca_file = settings->kubernetes_ca_file[0] ? settings->kubernetes_ca_file : NULL,
		.token_file = settings->kubelet_token_path,
	};
	int r = format_server(server, sizeof(server));

	if (r < 0)
		return r;
	source->entities = context->entities;
	source->host = context->host;
	source->allowed = (struct kube_allowed){&settings->pod_labels_as_tags,
						&settings->pod_annotations_as_tags};
	source->has_all_nodes = settings->kubernetes_api == KUBERNETES_API_PODS;
	source_health_init(&source->health, kube_api_source.name);
	source->services = kube_services_new(context->entities);
	if (!source->services)
		return -ENOMEM;
	source->watches[PART_SERVICES] = watch_services(context, of_watch, source);
	if (source->has_all_nodes)
		source->watches[PART_PODS] = watch_pods(context, of_watch, source);
	return !source->watches[PART_SERVICES] ||
			       (source->has_all_nodes && !source->watches[PART_PODS])
		       ? -ENOMEM
		       : 0;
}

static void kube_api_free(struct source *source)
{
	if (!source)
		return;
	for (int part = 0; part < N_PARTS; part++)
		kube_watch_free(source->watches[part]);
	kube_services_free(source->services);
	free(source);
}

static int kube_api_new(const struct source_context *context, struct source **ret)
{
	struct source *source;
	int r;

	if (context->settings->kubernetes_api == KUBERNETES_API_OFF)
		return -ENODEV;
	source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	r = kube_api_init(source, context);
	if (r < 0)
		kube_api_free(source);
	else
		*ret = source;
	return r;
}

static const struct source_health *kube_api_health(const struct source *source)
{
	return &source->health;
}

const struct source_class kube_api_source = {
	.name = "kube_api",
	.new = kube_api_new,
	.free = kube_api_free,
	.health = kube_api_health,
};
