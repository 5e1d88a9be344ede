/* SPDX-License-Identifier: Apache-2.0 */
#include "docker_parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* "" for what is not there or no string. */
static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_id(const char *id)
{
	size_t size = strlen(id);

	return size > 0 && size <= DOCKER_MAX_ID && strspn(id, "0123456789abcdef") == size;
}

/* A name with a second slash is another container's link to it. */
static const char *name_of(const json_t *names)
{
	size_t i;
	const json_t *item;

	json_array_foreach(names, i, item) {
		const char *name = json_string_value(item);

		if (name && !strchr(name + strspn(name, "/"), '/'))
			return name + strspn(name, "/");
	}
	return "";
}

static void add_address(struct docker_container *container, enum connection_family family,
			const char *text)
{
	struct entity_address *address = &container->addresses[container->n_addresses];

	if (container->n_addresses == ENTITY_MAX_ADDRESSES)
		return;
	memset(address, 0, sizeof(*address));
	address->family = family;
	if (inet_pton(family == CONNECTION_IPV4 ? AF_INET : AF_INET6, text, address->address) == 1)
		container->n_addresses++;
}

static void set_networks(struct docker_container *container, const json_t *object)
{
	const json_t *networks =
		json_object_get(json_object_get(object, "NetworkSettings"), "Networks");
	const char *mode = string_of(json_object_get(object, "HostConfig"), "NetworkMode");
	const char *name;
	json_t *network;

	container->has_networks = json_is_object(networks) || !container->is_running;
	if (!container->is_running || strcmp(mode, "host") == 0)
		return;
	json_object_foreach((json_t *)(uintptr_t)networks, name, network) {
		if (strcmp(name, "host") == 0)
			continue;
		add_address(container, CONNECTION_IPV4, string_of(network, "IPAddress"));
		add_address(container, CONNECTION_IPV6, string_of(network, "GlobalIPv6Address"));
	}
}

static void read_listed(const json_t *object, docker_on_container on_container, void *context)
{
	const char *state = string_of(object, "State");
	struct docker_container container = {
		.id = string_of(object, "Id"),
		.name = name_of(json_object_get(object, "Names")),
		.image = string_of(object, "Image"),
		.labels = json_object_get(object, "Labels"),
		.is_running = strcmp(state, "running") == 0 || strcmp(state, "paused") == 0,
	};

	if (!is_id(container.id))
		return;
	set_networks(&container, object);
	on_container(&container, context);
}

int docker_parse_listed(const char *text, size_t size, docker_on_container on_container,
			void *context)
{
	json_t *root = json_loadb(text, size, 0, NULL);
	int r = json_is_object(root) ? 0 : -EBADMSG;

	if (r == 0)
		read_listed(root, on_container, context);
	json_decref(root);
	return r;
}

int docker_parse_inspect(const char *text, size_t size, docker_on_container on_container,
			 void *context)
{
	json_t *root = json_loadb(text, size, 0, NULL);
	const json_t *config = json_object_get(root, "Config");
	const char *name = string_of(root, "Name");
	struct docker_container container = {
		.id = string_of(root, "Id"),
		.name = name + strspn(name, "/"),
		.image = string_of(config, "Image"),
		.labels = json_object_get(config, "Labels"),
		.is_running = json_is_true(
			json_object_get(json_object_get(root, "State"), "Running")),
	};
	int r = is_id(container.id) ? 0 : -EBADMSG;

	if (r == 0) {
		set_networks(&container, root);
		on_container(&container, context);
	}
	json_decref(root);
	return r;
}

/* False: one that says nothing here. Podman says "remove". */
static bool find_event(const char *type, const char *action, enum docker_event *ret)
{
	static const struct {
		const char *type, *action;
		enum docker_event event;
	} rows[] = {
		{"container", "create", DOCKER_EVENT_CREATED},
		{"container", "start", DOCKER_EVENT_STARTED},
		{"container", "die", DOCKER_EVENT_DIED},
		{"container", "died", DOCKER_EVENT_DIED},
		{"container", "rename", DOCKER_EVENT_CHANGED},
		{"container", "destroy", DOCKER_EVENT_REMOVED},
		{"container", "remove", DOCKER_EVENT_REMOVED},
		{"network", "connect", DOCKER_EVENT_CHANGED},
		{"network", "disconnect", DOCKER_EVENT_CHANGED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(type, rows[i].type) == 0 && strcmp(action, rows[i].action) == 0) {
			*ret = rows[i].event;
			return true;
		}
	}
	return false;
}

/* The attributes are the container's labels with a few words of the event among them. */
static struct docker_container read_actor(const json_t *actor, bool is_network)
{
	const json_t *attributes = json_object_get(actor, "Attributes");

	if (is_network)
		return (struct docker_container){
			.id = string_of(attributes, "container"), .name = "", .image = ""};
	return (struct docker_container){.id = string_of(actor, "ID"),
					 .name = string_of(attributes, "name"),
					 .image = string_of(attributes, "image"),
					 .labels = attributes};
}

int docker_parse_event(const char *text, size_t size, docker_on_event on_event, void *context)
{
	json_t *root = json_loadb(text, size, 0, NULL);
	const char *type = string_of(root, "Type");
	struct docker_container container =
		read_actor(json_object_get(root, "Actor"), strcmp(type, "network") == 0);
	int r = json_is_object(root) ? 0 : -EBADMSG;
	enum docker_event event;

	if (is_id(container.id) && find_event(type, string_of(root, "Action"), &event))
		on_event(event, &container, context);
	json_decref(root);
	return r;
}
