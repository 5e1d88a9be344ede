/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd and CRI-O through the CRI, as a kubelet asks them. A round: list the pod
 * sandboxes, ask for the addresses of new ones, list the containers, ask for the images of
 * new ones that are named by id; only then is all of it told. A round that fails is told
 * nothing of. Containers that no kubelet made (of nerdctl or ctr) are not in the CRI.
 */
#include "sources/source_classes.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "cri_call.h"
#include "cri_known.h"
#include "cri_tags.h"
#include "http/backoff.h"
#include "http/fetch.h"
#include "settings.h"
#include "sources/socket_trouble.h"
#include "sources/source_health.h"
#include "tags/tag_list.h"

#define NS_PER_S UINT64_C(1000000000)
#define ROUND_INTERVAL_MS 10000
/* Between two rounds, when somebody is wanted. */
#define WANTED_INTERVAL_NS NS_PER_S
/* Whoever is no container of this runtime is wanted again and again. */
#define MAX_STRANGERS 64

static const char *const default_paths[] = {"/run/containerd/containerd.sock",
					    "/var/run/crio/crio.sock",
					    "/run/k3s/containerd/containerd.sock"};
#define N_DEFAULT_PATHS (sizeof(default_paths) / sizeof(*default_paths))
#define MAX_PATHS 128 /* all of them, each after a space */

static const char *const versions[] = {"v1", "v1alpha2"};
#define N_VERSIONS (sizeof(versions) / sizeof(*versions))

struct source {
	struct source_context context;
	struct source_health health;
	struct event *timer;
	const char *socket;    /* NULL: none found */
	size_t i_path;	       /* of the default one that is asked */
	unsigned int in_vain;  /* a bit for each default one that was, since any answered */
	struct cri_call *call; /* to `socket` */
	size_t version;
	bool is_version_known;
	uint32_t n_failures; /* in a row */
	uint64_t round_ns;   /* when the last one began */
	bool is_round_open;

	Cri__ListPodSandboxResponse *sandboxes; /* of this round, as the next */
	Cri__ListContainersResponse *containers;
	size_t i_sandbox, i_container; /* not asked about yet */
	struct cri_known *known;

	char strangers[MAX_STRANGERS][ENTITY_ID_SIZE];
	size_t next_stranger;
	struct tag_list tags;
};

static void arm(struct source *source, uint32_t ms)
{
	const struct timeval wait = {ms / 1000, ms % 1000 * 1000};

	(void)event_add(source->timer, &wait); /* fails without memory only: then no more rounds */
}

static void end_round(struct source *source)
{
	source->is_round_open = false;
	if (source->sandboxes)
		cri__list_pod_sandbox_response__free_unpacked(source->sandboxes, NULL);
	if (source->containers)
		cri__list_containers_response__free_unpacked(source->containers, NULL);
	source->sandboxes = NULL;
	source->containers = NULL;
	source->i_sandbox = source->i_container = 0;
}

static void give_up_round(struct source *source)
{
	uint32_t random = 0;

	(void)getrandom(&random, sizeof(random), 0); /* else all wait alike: no harm */
	end_round(source);
	source->is_version_known = false;
	source->in_vain = 0;
	arm(source, backoff_delay_ms(++source->n_failures, 0, random));
}

static bool is_path_default(const struct source *source)
{
	return !*source->context.settings->cri_socket_path;
}

/* Where no path was set, there need not be a runtime. */
static bool is_absence_normal(const struct source *source)
{
	return is_path_default(source) && source->health.state == SOURCE_STARTING;
}

static void tell_absent(struct source *source, const char *what)
{
	if (is_absence_normal(source))
		(void)snprintf(source->health.detail, sizeof(source->health.detail), "%s: %s",
			       source->socket ? source->socket : default_paths[0], what); /* cut */
	else
		source_health_failed(&source->health, "%s: %s", source->socket, what);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0 || errno == EACCES;
}

/* One that was not asked in vain, from the one that was asked last. */
static const char *find_socket(struct source *source)
{
	if (!is_path_default(source))
		return source->context.settings->cri_socket_path;
	for (size_t n = 0; n < N_DEFAULT_PATHS; n++) {
		size_t i = (source->i_path + n) % N_DEFAULT_PATHS;

		if (source->in_vain & 1u << i || !is_there(default_paths[i]))
			continue;
		source->i_path = i;
		return default_paths[i];
	}
	return NULL;
}

/*
 * Who refuses a question before he has read it may reset the stream behind his words, and
 * libcurl then has none of them (-EPROTO).
 */
static bool is_no_cri(const struct source *source, const struct cri_reply *reply)
{
	int error = reply->answer->error;

	return error == -ENOENT || error == -ECONNREFUSED ||
	       reply->status == CRI_UNIMPLEMENTED ||
	       (error == -EPROTO && !source->is_version_known);
}

/*
 * Docker's containerd has the CRI disabled, and sockets are left behind: neither says that no
 * other runtime is here. True: the next round begins with that one, now.
 */
static bool try_other_socket(struct source *source, const struct cri_reply *reply)
{
	if (!is_path_default(source) || !is_no_cri(source, reply))
		return false;
	source->in_vain |= 1u << source->i_path;
	if (!find_socket(source))
		return false;
	end_round(source);
	source->is_version_known = false;
	arm(source, 0);
	return true;
}

static void tell_all_in_vain(struct source *source)
{
	char paths[MAX_PATHS] = "";
	size_t size = 0;

	for (size_t i = 0; i < N_DEFAULT_PATHS; i++)
		if (source->in_vain & 1u << i)
			size += (size_t)snprintf(paths + size, sizeof(paths) - size, " %s",
						 default_paths[i]); /* all of them fit */
	source_health_failed(&source->health,
			     "no CRI at any of%s: is the runtime running, and its CRI enabled? "
			     "cri_socket_path names another", paths);
}

static void tell_trouble(struct source *source, const struct cri_reply *reply)
{
	int error = reply->answer->error;

	if (source->in_vain & (source->in_vain - 1)) /* more than one was */
		tell_all_in_vain(source);
	else if ((error == -ENOENT || error == -ECONNREFUSED) && is_absence_normal(source))
		tell_absent(source, "nobody answers yet");
	else if (reply->status == CRI_UNIMPLEMENTED)
		tell_absent(source, "the runtime has no CRI");
	else if (error || reply->answer->status != 200)
		socket_trouble_tell(&source->health, source->socket,
				    source->context.settings->user, reply->answer);
	else
		source_health_failed(&source->health, "%s: gRPC status %d %.80s", source->socket,
				     reply->status, reply->problem);
}

static void fail_round(struct source *source, const struct cri_reply *reply)
{
	if (try_other_socket(source, reply))
		return;
	tell_trouble(source, reply);
	give_up_round(source);
}

static void ask_next(struct source *source);

static void ask(struct source *source, const char *method, const ProtobufCMessage *request,
		const ProtobufCMessageDescriptor *reply, cri_on_reply on_reply)
{
	char path[96];
	int r;

	(void)snprintf(path, sizeof(path), "runtime.%s.RuntimeService/%s",
		       versions[source->version], method);
	r = cri_call_start(source->call, path, request, reply, on_reply, source);
	if (r == 0)
		return;
	source_health_failed(&source->health, "no request: %s", strerror(-r));
	give_up_round(source);
}

/* Older runtimes know the other version only. False: none, or it is known. */
static bool try_other_version(struct source *source, const struct cri_reply *reply)
{
	if (source->is_version_known || reply->status != CRI_UNIMPLEMENTED)
		return false;
	source->version = (source->version + 1) % N_VERSIONS;
	return source->version != 0;
}

static void on_sandboxes(const struct cri_reply *reply, void *context)
{
	struct source *source = context;

	if (!reply->message && try_other_version(source, reply)) {
		ask_next(source);
		return;
	}
	if (!reply->message) {
		source->version = 0;
		fail_round(source, reply);
		return;
	}
	source->is_version_known = true;
	source->sandboxes = (Cri__ListPodSandboxResponse *)reply->message;
	ask_next(source);
}

static void on_containers(const struct cri_reply *reply, void *context)
{
	struct source *source = context;

	if (!reply->message) {
		fail_round(source, reply);
		return;
	}
	source->containers = (Cri__ListContainersResponse *)reply->message;
	ask_next(source);
}

static void on_sandbox_status(const struct cri_reply *reply, void *context)
{
	struct source *source = context;
	const Cri__PodSandboxStatusResponse *response =
		(const Cri__PodSandboxStatusResponse *)reply->message;
	const Cri__PodSandbox *sandbox = source->sandboxes->items[source->i_sandbox++];
	struct cri_item *item = cri_known_get(source->known, sandbox->id);

	if (!response && reply->status != CRI_NOT_FOUND) {
		fail_round(source, reply);
		return;
	}
	if (item && response && response->status)
		cri_tags_read_addresses(response->status, item);
	if (item)
		item->is_asked = true;
	protobuf_c_message_free_unpacked(reply->message, NULL);
	ask_next(source);
}

static void on_container_status(const struct cri_reply *reply, void *context)
{
	struct source *source = context;
	const Cri__ContainerStatusResponse *response =
		(const Cri__ContainerStatusResponse *)reply->message;
	const Cri__Container *container = source->containers->containers[source->i_container++];
	struct cri_item *item = cri_known_get(source->known, container->id);

	if (!response && reply->status != CRI_NOT_FOUND) {
		fail_round(source, reply);
		return;
	}
	if (item && response && response->status)
		(void)snprintf(item->image, sizeof(item->image), "%s",
			       cri_tags_image(response->status->image)); /* cut */
	if (item)
		item->is_asked = true;
	protobuf_c_message_free_unpacked(reply->message, NULL);
	ask_next(source);
}

static bool is_ready(const Cri__PodSandbox *sandbox)
{
	return sandbox->state == CRI__POD_SANDBOX_STATE__SANDBOX_READY;
}

/* True: a question is on its way. */
static bool ask_about_sandbox(struct source *source)
{
	Cri__PodSandboxStatusRequest request = CRI__POD_SANDBOX_STATUS_REQUEST__INIT;

	for (; source->i_sandbox < source->sandboxes->n_items; source->i_sandbox++) {
		const Cri__PodSandbox *sandbox = source->sandboxes->items[source->i_sandbox];
		struct cri_item *item = cri_known_get(source->known, sandbox->id);

		if (!item || item->is_asked || !is_ready(sandbox))
			continue;
		request.pod_sandbox_id = sandbox->id;
		ask(source, "PodSandboxStatus", &request.base,
		    &cri__pod_sandbox_status_response__descriptor, on_sandbox_status);
		return true;
	}
	return false;
}

static bool ask_about_container(struct source *source)
{
	Cri__ContainerStatusRequest request = CRI__CONTAINER_STATUS_REQUEST__INIT;

	for (; source->i_container < source->containers->n_containers; source->i_container++) {
		const Cri__Container *container =
			source->containers->containers[source->i_container];
		struct cri_item *item = cri_known_get(source->known, container->id);

		if (!item || item->is_asked || *cri_tags_image(container->image))
			continue;
		request.container_id = container->id;
		ask(source, "ContainerStatus", &request.base,
		    &cri__container_status_response__descriptor, on_container_status);
		return true;
	}
	return false;
}

/* `item` NULL: too many to be asked about; the entities say so too. */
static void report(struct source *source, enum entity_kind kind, const char *id,
		   const char *pod_uid, const struct cri_item *item, bool has_addresses)
{
	struct entity_report said = {.kind = kind, .id = id, .tags = &source->tags,
				     .pod_uid = pod_uid};

	if (item && has_addresses) {
		said.addresses = item->addresses;
		said.n_addresses = item->n_addresses;
	}
	/* Refused is counted there. */
	(void)entities_set(source->context.entities, ENTITY_FROM_CRI, &said, clock_monotonic_ns());
}

static void report_sandbox(struct source *source, const Cri__PodSandbox *sandbox)
{
	const struct cri_item *item = cri_known_get(source->known, sandbox->id);

	if (!sandbox->metadata || !*sandbox->metadata->uid)
		return;
	cri_tags_get_pod(sandbox, &source->tags);
	report(source, ENTITY_POD, sandbox->metadata->uid, NULL, item, is_ready(sandbox));
}

static const char *pod_uid_of(const struct source *source, const Cri__Container *container)
{
	for (size_t i = 0; i < source->sandboxes->n_items; i++) {
		const Cri__PodSandbox *sandbox = source->sandboxes->items[i];

		if (sandbox->metadata && strcmp(sandbox->id, container->pod_sandbox_id) == 0)
			return sandbox->metadata->uid;
	}
	return NULL;
}

static void report_container(struct source *source, const Cri__Container *container)
{
	const struct cri_item *item = cri_known_get(source->known, container->id);
	const char *image = cri_tags_image(container->image);

	if (!*image && item)
		image = item->image;
	cri_tags_get_container(container, image,
			       &source->context.settings->container_labels_as_tags, &source->tags);
	report(source, ENTITY_CONTAINER, container->id, pod_uid_of(source, container), item, false);
}

/*
 * A pod whose sandbox was made anew has the old one, not ready, in the list too: the ready
 * ones are told last.
 */
static void report_all(struct source *source)
{
	const Cri__ListPodSandboxResponse *pods = source->sandboxes;

	entities_begin_list(source->context.entities, ENTITY_FROM_CRI);
	for (size_t i = 0; i < pods->n_items; i++)
		if (!is_ready(pods->items[i]))
			report_sandbox(source, pods->items[i]);
	for (size_t i = 0; i < pods->n_items; i++)
		if (is_ready(pods->items[i]))
			report_sandbox(source, pods->items[i]);
	for (size_t i = 0; i < source->containers->n_containers; i++)
		report_container(source, source->containers->containers[i]);
	entities_end_list(source->context.entities, ENTITY_FROM_CRI, clock_monotonic_ns());
}

static void ask_next(struct source *source)
{
	Cri__ListPodSandboxRequest pods = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
	Cri__ListContainersRequest containers = CRI__LIST_CONTAINERS_REQUEST__INIT;

	if (!source->sandboxes) {
		ask(source, "ListPodSandbox", &pods.base,
		    &cri__list_pod_sandbox_response__descriptor, on_sandboxes);
		return;
	}
	if (ask_about_sandbox(source))
		return;
	if (!source->containers) {
		ask(source, "ListContainers", &containers.base,
		    &cri__list_containers_response__descriptor, on_containers);
		return;
	}
	if (ask_about_container(source))
		return;
	report_all(source);
	cri_known_end_list(source->known);
	source_health_answered(&source->health);
	source->n_failures = 0;
	source->in_vain = 0;
	end_round(source);
	arm(source, ROUND_INTERVAL_MS);
}

/* Keeps the one there is while its socket is the same. */
static int connect_to(struct source *source, const char *socket)
{
	if (source->call && source->socket == socket)
		return 0;
	cri_call_free(source->call);
	source->socket = socket;
	source->call = cri_call_new(source->context.loop, socket);
	return source->call ? 0 : -ENOMEM;
}

static void begin_round(struct source *source)
{
	const char *socket = find_socket(source);

	source->round_ns = clock_monotonic_ns();
	if (!socket && is_absence_normal(source)) {
		tell_absent(source, "not there, nor those of CRI-O and k3s");
		give_up_round(source);
		return;
	}
	if (connect_to(source, socket ? socket : source->socket) < 0) {
		give_up_round(source);
		return;
	}
	source->is_round_open = true;
	cri_known_begin_list(source->known);
	ask_next(source);
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	struct source *source = context;

	(void)fd;
	(void)events;
	if (!source->is_round_open)
		begin_round(source);
}

static void cri_free(struct source *source)
{
	if (!source)
		return;
	cri_call_free(source->call);
	end_round(source);
	cri_known_free(source->known);
	if (source->timer)
		event_free(source->timer);
	free(source);
}

static int cri_new(const struct source_context *context, struct source **ret)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->context = *context;
	source_health_init(&source->health, cri_source.name);
	source->known = cri_known_new(2 * (size_t)context->settings->max_entities);
	source->timer = evtimer_new(context->base, on_timer, source);
	if (!source->known || !source->timer) {
		cri_free(source);
		return -ENOMEM;
	}
	arm(source, 0);
	*ret = source;
	return 0;
}

static const struct source_health *cri_health(const struct source *source)
{
	return &source->health;
}

/* The first time; noted then. */
static bool is_new_stranger(struct source *source, const char *id)
{
	for (size_t i = 0; i < MAX_STRANGERS; i++)
		if (strcmp(source->strangers[i], id) == 0)
			return false;
	(void)snprintf(source->strangers[source->next_stranger], ENTITY_ID_SIZE, "%s", id);
	source->next_stranger = (source->next_stranger + 1) % MAX_STRANGERS;
	return true;
}

static void cri_wanted(struct source *source, enum entity_kind kind, const char *id,
		       const char *runtime)
{
	uint64_t since_ns = clock_monotonic_ns() - source->round_ns;

	(void)runtime;
	if ((kind != ENTITY_CONTAINER && kind != ENTITY_POD) || !is_new_stranger(source, id))
		return;
	if (!source->is_round_open)
		arm(source, since_ns < WANTED_INTERVAL_NS ? 1000 : 0);
}

const struct source_class cri_source = {
	.name = "cri",
	.new = cri_new,
	.free = cri_free,
	.health = cri_health,
	.wanted = cri_wanted,
};
