/* SPDX-License-Identifier: Apache-2.0 */
#include "container_id.h"

#include <stdint.h>
#include <string.h>

#define HEX_ID_SIZE 64
#define FARGATE_TASK_SIZE 32
#define FARGATE_MAX_DIGITS 20
#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

struct span {
	const char *at;
	size_t size;
};

/* What has been seen of a path so far. */
struct walk {
	struct container_id *found;
	const char *parent_runtime; /* whose plain <id> directories are here; NULL: unknown */
	bool is_in_ecs;
};

/* <prefix><id><suffix> is a container of that runtime. */
static const struct {
	const char *prefix;
	const char *runtime;
	bool is_in_unit; /* made by the enclosing unit, which stays worth naming */
} named_forms[] = {
	{ "docker-", "docker", false },
	{ "docker:", "docker", false },
	{ "cri-containerd-", "containerd", false },
	{ "cri-containerd:", "containerd", false },
	{ "nerdctl-", "containerd", false },
	{ "nerdctl:", "containerd", false },
	{ "crio-", "cri-o", false },
	{ "crio:", "cri-o", false },
	{ "libpod-payload-", "podman", true },
	{ "libpod-", "podman", false },
	{ "libpod:", "podman", false },
};

static const char *const named_suffixes[] = { ".scope", "" };

/* Below a directory of this name, a plain <id> is a container of that runtime. */
static const struct {
	const char *directory;
	const char *runtime;
} parents[] = {
	{ "docker", "docker" },
	{ "ecs", "ecs" },
	{ "k8s.io", "containerd" },
	{ "default", "containerd" },
};

/* The unit types that can hold processes; slices only hold other units. */
static const char *const unit_suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

/* Best first; "" is the v2 hierarchy. */
static const char *const preferred_controllers[] = { "", "memory", "pids", "cpu" };

static bool equals(struct span span, const char *text)
{
	return span.size == strlen(text) && memcmp(span.at, text, span.size) == 0;
}

static bool strip_prefix(struct span *span, const char *prefix)
{
	size_t size = strlen(prefix);

	if (span->size < size || memcmp(span->at, prefix, size) != 0)
		return false;
	span->at += size;
	span->size -= size;
	return true;
}

static bool strip_suffix(struct span *span, const char *suffix)
{
	size_t size = strlen(suffix);

	if (span->size < size || memcmp(span->at + span->size - size, suffix, size) != 0)
		return false;
	span->size -= size;
	return true;
}

/* Cut what stands before the first `separator` off `rest`; all of it if there is none. */
static struct span cut(struct span *rest, char separator)
{
	const char *end = rest->size ? memchr(rest->at, separator, rest->size) : NULL;
	struct span head = { rest->at, end ? (size_t)(end - rest->at) : rest->size };
	size_t taken = head.size + (end ? 1 : 0);

	rest->at += taken;
	rest->size -= taken;
	return head;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(struct span span, size_t size)
{
	if (span.size != size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (!is_digit(span.at[i]) && !(span.at[i] >= 'a' && span.at[i] <= 'f'))
			return false;
	return true;
}

static bool is_digits(struct span span)
{
	for (size_t i = 0; i < span.size; i++)
		if (!is_digit(span.at[i]))
			return false;
	return span.size > 0;
}

/* `ret` holds at least span.size + 1 bytes. */
static void copy(char *ret, struct span span)
{
	memcpy(ret, span.at, span.size);
	ret[span.size] = '\0';
}

static void enter_container(struct walk *walk, struct span id, const char *runtime,
			    bool is_in_unit)
{
	copy(walk->found->id, id);
	walk->found->runtime = runtime;
	if (!is_in_unit)
		walk->found->systemd_unit[0] = '\0';
	walk->parent_runtime = NULL;
	walk->is_in_ecs = false;
}

static bool take_named_container(struct walk *walk, struct span component)
{
	for (size_t i = 0; i < N_ELEMENTS(named_forms); i++) {
		struct span rest = component;

		if (!strip_prefix(&rest, named_forms[i].prefix))
			continue;
		for (size_t j = 0; j < N_ELEMENTS(named_suffixes); j++) {
			struct span id = rest;

			if (!strip_suffix(&id, named_suffixes[j]) || !is_hex(id, HEX_ID_SIZE))
				continue;
			enter_container(walk, id, named_forms[i].runtime,
					named_forms[i].is_in_unit);
			return true;
		}
	}
	return false;
}

static bool take_plain_container(struct walk *walk, struct span component)
{
	if (!is_hex(component, HEX_ID_SIZE))
		return false;
	enter_container(walk, component, walk->parent_runtime, false);
	return true;
}

static bool take_fargate_container(struct walk *walk, struct span component)
{
	struct span digits = component;
	struct span task;

	if (!walk->is_in_ecs)
		return false;
	task = cut(&digits, '-');
	if (!is_hex(task, FARGATE_TASK_SIZE) || digits.size > FARGATE_MAX_DIGITS ||
	    !is_digits(digits))
		return false;
	enter_container(walk, component, "ecs", false);
	return true;
}

static bool take_parent(struct walk *walk, struct span component)
{
	if (walk->is_in_ecs) /* what follows are names of clusters and tasks */
		return false;
	for (size_t i = 0; i < N_ELEMENTS(parents); i++) {
		if (!equals(component, parents[i].directory))
			continue;
		walk->parent_runtime = parents[i].runtime;
		walk->is_in_ecs = equals(component, "ecs");
		return true;
	}
	return false;
}

/* A UUID whose dashes may be underscores, as in the name of a slice. */
static bool is_uuid(struct span span)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (span.size != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < span.size; i++) {
		struct span c = { span.at + i, 1 };
		bool is_dash = span.at[i] == '-' || span.at[i] == '_';

		if (form[i] == '-' ? !is_dash : !is_hex(c, 1))
			return false;
	}
	return true;
}

static struct span after_last(struct span span, const char *separator)
{
	size_t size = strlen(separator);

	for (size_t i = span.size; i >= size; i--)
		if (memcmp(span.at + i - size, separator, size) == 0)
			return (struct span){ span.at + i, span.size - i };
	return (struct span){ span.at, 0 };
}

static bool take_pod(struct walk *walk, struct span component)
{
	struct span uid = component;

	if (strip_suffix(&uid, ".slice"))
		uid = after_last(uid, "-pod");
	else if (!strip_prefix(&uid, "pod"))
		return false;
	if (!is_uuid(uid) && !is_hex(uid, 32))
		return false;
	copy(walk->found->pod_uid, uid);
	for (char *c = walk->found->pod_uid; *c; c++)
		if (*c == '_')
			*c = '-';
	walk->parent_runtime = NULL;
	return true;
}

static void take_unit(struct walk *walk, struct span component)
{
	for (size_t i = 0; i < N_ELEMENTS(unit_suffixes); i++) {
		struct span name = component;

		if (!strip_suffix(&name, unit_suffixes[i]) || name.size == 0)
			continue;
		(void)strip_prefix(&component, "_"); /* cg_escape; most names have none */
		if (component.size < CONTAINER_UNIT_SIZE)
			copy(walk->found->systemd_unit, component);
		return;
	}
}

/* <slice>:<runtime>:<id> in one component. */
static bool take_colon_form(struct walk *walk, struct span component)
{
	struct span rest = component;
	struct span slice = cut(&rest, ':');

	if (!take_named_container(walk, rest))
		return false;
	(void)take_pod(walk, slice); /* also used for containers that are in no pod */
	return true;
}

static void take_component(struct walk *walk, struct span component)
{
	if (take_named_container(walk, component) || take_plain_container(walk, component) ||
	    take_fargate_container(walk, component) || take_colon_form(walk, component) ||
	    take_pod(walk, component) || take_parent(walk, component))
		return;
	take_unit(walk, component);
}

static void parse_path(struct span path, struct container_id *found)
{
	struct walk walk = { .found = found };

	memset(found, 0, sizeof(*found));
	(void)strip_suffix(&path, " (deleted)"); /* seldom there */
	while (path.size)
		take_component(&walk, cut(&path, '/'));
}

void container_id_parse_path(const char *path, size_t size, struct container_id *ret)
{
	parse_path((struct span){ path, size }, ret);
}

static bool has_controller(struct span controllers, const char *name)
{
	if (!*name)
		return controllers.size == 0;
	while (controllers.size)
		if (equals(cut(&controllers, ','), name))
			return true;
	return false;
}

/* What a line names comes before where it stands; 0: nothing. */
static unsigned int score(struct span controllers, const struct container_id *found)
{
	const char *const by_worth[] = { found->id, found->pod_uid, found->systemd_unit };
	unsigned int n_kinds = N_ELEMENTS(by_worth);
	unsigned int n = N_ELEMENTS(preferred_controllers);
	unsigned int kind = 0;
	unsigned int i = 0;

	while (kind < n_kinds && !by_worth[kind][0])
		kind++;
	while (i < n && !has_controller(controllers, preferred_controllers[i]))
		i++;
	return kind < n_kinds ? (n_kinds - kind) * (n + 1) + (n - i) : 0;
}

void container_id_parse_text(const char *text, size_t size, struct container_id *ret)
{
	struct span rest = { text, size };
	unsigned int best = 0;

	memset(ret, 0, sizeof(*ret));
	while (rest.size) {
		struct span path = cut(&rest, '\n');
		struct span hierarchy = cut(&path, ':');
		struct span controllers = cut(&path, ':');
		struct container_id found;
		unsigned int candidate;

		if (!is_digits(hierarchy) || path.size == 0 || path.at[0] != '/')
			continue;
		parse_path(path, &found);
		candidate = score(controllers, &found);
		if (candidate > best) {
			best = candidate;
			*ret = found;
		}
	}
}
