/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tags/tag_sets.h"

static int set_number(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		value = value * 10 + (uint64_t)(*c - '0');
		if (value > max)
			return -EINVAL;
	}
	if (value == 0) /* no process, port or namespace has it; nor has the empty text */
		return -EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int set_port(const char *text, uint16_t *ret)
{
	uint32_t value;
	int r = set_number(text, UINT16_MAX, &value);

	if (r == 0)
		*ret = (uint16_t)value;
	return r;
}

static int set_text(const char *text, char out[FILTER_MAX_TEXT_BYTES])
{
	size_t size = strlen(text);

	if (size == 0 || size >= FILTER_MAX_TEXT_BYTES)
		return -EINVAL;
	memcpy(out, text, size + 1);
	return 0;
}

/* Position of a word, from 1, or 0. */
static unsigned int find_word(const char *const *words, const char *text, size_t size)
{
	for (unsigned int i = 0; words[i]; i++)
		if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0)
			return i + 1;
	return 0;
}

static int set_choice(const char *const *words, const uint8_t *values, const char *text,
		      uint8_t *ret)
{
	unsigned int place = find_word(words, text, strlen(text));

	if (!place)
		return -EINVAL;
	*ret = values[place - 1];
	return 0;
}

static int set_states(struct filter *filter, const char *text)
{
	static const char *const words[] = {"open", "closed", "failed", NULL};
	_Static_assert(CONNECTION_OPEN == 1 && CONNECTION_FAILED == 3, "places of the words");
	uint8_t states = 0;

	for (;;) {
		size_t size = strcspn(text, ",");
		unsigned int state = find_word(words, text, size);

		if (!state)
			return -EINVAL;
		states |= (uint8_t)(1U << state);
		if (!text[size])
			break;
		text += size + 1;
	}
	filter->states = states;
	return 0;
}

static int set_protocol(struct filter *filter, const char *text)
{
	static const char *const words[] = {"tcp", "udp", NULL};

	return set_choice(words, (const uint8_t[]){CONNECTION_TCP, CONNECTION_UDP}, text,
			  &filter->protocol);
}

static int set_family(struct filter *filter, const char *text)
{
	static const char *const words[] = {"ipv4", "ipv6", NULL};

	return set_choice(words, (const uint8_t[]){CONNECTION_IPV4, CONNECTION_IPV6}, text,
			  &filter->family);
}

static int set_direction(struct filter *filter, const char *text)
{
	static const char *const words[] = {"incoming", "outgoing", "local", NULL};
	static const uint8_t values[] = {CONNECTION_INCOMING, CONNECTION_OUTGOING,
					 CONNECTION_LOCAL};

	return set_choice(words, values, text, &filter->direction);
}

static int set_role(struct filter *filter, const char *text)
{
	static const char *const words[] = {"server", "client", NULL};

	return set_choice(words, (const uint8_t[]){CONNECTION_SERVER, CONNECTION_CLIENT}, text,
			  &filter->role);
}

/* ADDRESS or ADDRESS/BITS */
static int set_network(const char *text, struct filter_network *ret)
{
	char address[INET6_ADDRSTRLEN];
	struct filter_network network = {0};
	size_t size = strcspn(text, "/");
	uint32_t bits;

	if (size >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = '\0';
	if (inet_pton(AF_INET, address, network.address) == 1)
		network.family = CONNECTION_IPV4;
	else if (inet_pton(AF_INET6, address, network.address) == 1)
		network.family = CONNECTION_IPV6;
	else
		return -EINVAL;
	bits = network.family == CONNECTION_IPV4 ? 32 : 128;
	if (text[size] && strcmp(text + size, "/0") == 0)
		bits = 0;
	else if (text[size] && set_number(text + size + 1, bits, &bits) < 0)
		return -EINVAL;
	network.n_bits = (uint8_t)bits;
	*ret = network;
	return 0;
}

/* A name such as ECONNREFUSED, or "any". */
static int set_error(struct filter *filter, const char *text)
{
	if (strcmp(text, "any") == 0) {
		filter->has_error = true;
		return 0;
	}
	for (int error = 1; error < 134; error++) { /* EHWPOISON is the last: errno-base(3) */
		const char *name = strerrorname_np(error);

		if (!name || strcmp(name, text) != 0)
			continue;
		filter->error = (uint32_t)error;
		return 0;
	}
	return -EINVAL;
}

static int set_pid(struct filter *filter, const char *text)
{
	return set_number(text, INT32_MAX, &filter->pid);
}

static int set_netns(struct filter *filter, const char *text)
{
	return set_number(text, UINT32_MAX, &filter->netns);
}

static int set_any_port(struct filter *filter, const char *text)
{
	return set_port(text, &filter->port);
}

static int set_local_port(struct filter *filter, const char *text)
{
	return set_port(text, &filter->local_port);
}

static int set_remote_port(struct filter *filter, const char *text)
{
	return set_port(text, &filter->remote_port);
}

static int set_local(struct filter *filter, const char *text)
{
	return set_network(text, &filter->local);
}

static int set_remote(struct filter *filter, const char *text)
{
	return set_network(text, &filter->remote);
}

#define TEXT_SETTER(name)                                              \
	static int set_##name(struct filter *filter, const char *text) \
	{                                                              \
		filter->has_texts = true;                              \
		return set_text(text, filter->name);                   \
	}
TEXT_SETTER(comm)
TEXT_SETTER(user)
TEXT_SETTER(container)
TEXT_SETTER(pod)
TEXT_SETTER(namespace)
TEXT_SETTER(tag)
TEXT_SETTER(remote_tag)
TEXT_SETTER(service)
TEXT_SETTER(search)

#define NAME_TEXT "1 to 255 bytes"
#define TAG_TEXT "KEY:VALUE"
#define NETWORK_TEXT "an address, or ADDRESS/BITS"
#define PORT_TEXT "a port from 1 to 65535"

static const struct {
	const char *name;
	int (*set)(struct filter *filter, const char *text);
	const char *allowed;
} parameters[] = {
	{"comm", set_comm, NAME_TEXT},
	{"container", set_container, NAME_TEXT},
	{"direction", set_direction, "incoming, outgoing or local"},
	{"error", set_error, "the name of an error such as ECONNREFUSED, or any"},
	{"family", set_family, "ipv4 or ipv6"},
	{"local", set_local, NETWORK_TEXT},
	{"local_port", set_local_port, PORT_TEXT},
	{"namespace", set_namespace, NAME_TEXT},
	{"netns", set_netns, "the inode number of a network namespace"},
	{"pid", set_pid, "a process id"},
	{"pod", set_pod, NAME_TEXT},
	{"port", set_any_port, PORT_TEXT},
	{"proto", set_protocol, "tcp or udp"},
	{"remote", set_remote, NETWORK_TEXT},
	{"remote_port", set_remote_port, PORT_TEXT},
	{"remote_tag", set_remote_tag, TAG_TEXT},
	{"role", set_role, "server or client"},
	{"search", set_search, NAME_TEXT},
	{"service", set_service, NAME_TEXT},
	{"state", set_states, "any of open, closed, failed, separated by commas"},
	{"tag", set_tag, TAG_TEXT},
	{"user", set_user, NAME_TEXT},
};

int filter_set(struct filter *filter, const char *name, const char *value,
	       const char **ret_allowed)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		if (strcmp(parameters[i].name, name) != 0)
			continue;
		if (parameters[i].set(filter, value) == 0)
			return 0;
		*ret_allowed = parameters[i].allowed;
		return -EINVAL;
	}
	return -ENOENT;
}

static bool is_in(const struct filter_network *network, uint8_t family, const uint8_t address[16])
{
	unsigned int n_bytes = network->n_bits / 8, n_bits = network->n_bits % 8;

	if (!network->family)
		return true;
	if (network->family != family || memcmp(network->address, address, n_bytes) != 0)
		return false;
	return n_bits == 0 || ((network->address[n_bytes] ^ address[n_bytes]) >> (8 - n_bits)) == 0;
}

static bool is_text(const char *wanted, const char *text)
{
	return !*wanted || (text && strcmp(wanted, text) == 0);
}

static bool begins_with(const char *wanted, const char *text)
{
	return !*wanted || (text && strncmp(text, wanted, strlen(wanted)) == 0);
}

static bool has_value(const struct tag_set *tags, const char *key, const char *wanted)
{
	const char *value = tag_set_find(tags, key);

	return value && strcmp(value, wanted) == 0;
}

static bool is_container(const char *wanted, const struct recent_record *record)
{
	return begins_with(wanted, record->texts[RECENT_CONTAINER_ID]) ||
	       has_value(record->tags, "container_name", wanted);
}

static bool is_pod(const char *wanted, const struct recent_record *record)
{
	return is_text(wanted, record->texts[RECENT_POD_UID]) ||
	       has_value(record->tags, "pod_name", wanted);
}

static bool has_tag(const struct tag_set *tags, const char *wanted)
{
	for (size_t i = 0; i < tag_set_n(tags); i++)
		if (strcmp(tag_set_get(tags, i), wanted) == 0)
			return true;
	return !*wanted;
}

static bool is_service(const char *wanted, const char *unit)
{
	size_t size = strlen(wanted);

	if (!*wanted)
		return true;
	return unit && strncmp(unit, wanted, size) == 0 &&
	       (!unit[size] || strcmp(unit + size, ".service") == 0);
}

static bool contains(const char *text, const char *wanted)
{
	return text && strstr(text, wanted);
}

static bool is_in_a_tag(const struct tag_set *tags, const char *wanted)
{
	for (size_t i = 0; i < tag_set_n(tags); i++)
		if (strstr(tag_set_get(tags, i), wanted))
			return true;
	return false;
}

static bool is_found(const char *wanted, const struct recent_record *record)
{
	const char *const *texts = record->texts;

	return !*wanted || contains(texts[RECENT_COMM], wanted) ||
	       contains(texts[RECENT_EXECUTABLE], wanted) ||
	       contains(texts[RECENT_COMMAND_LINE], wanted) ||
	       is_in_a_tag(record->tags, wanted) || is_in_a_tag(record->remote_tags, wanted);
}

static bool has_numbers(const struct filter *filter, const struct recent_record *record)
{
	return (!filter->states || filter->states >> record->state & 1) &&
	       (!filter->protocol || filter->protocol == record->protocol) &&
	       (!filter->family || filter->family == record->family) &&
	       (!filter->direction || filter->direction == record->direction) &&
	       (!filter->role || filter->role == record->role) &&
	       (!filter->has_error || record->error) &&
	       (!filter->error || filter->error == record->error) &&
	       (!filter->pid || filter->pid == record->pid) &&
	       (!filter->netns || filter->netns == record->netns) &&
	       (!filter->local_port || filter->local_port == record->local_port) &&
	       (!filter->remote_port || filter->remote_port == record->remote_port) &&
	       (!filter->port || filter->port == record->local_port ||
		filter->port == record->remote_port);
}

static bool has_texts(const struct filter *filter, const struct recent_record *record)
{
	const char *const *texts = record->texts;

	return is_text(filter->comm, texts[RECENT_COMM]) &&
	       is_text(filter->user, texts[RECENT_USER]) &&
	       is_pod(filter->pod, record) && is_container(filter->container, record) &&
	       is_service(filter->service, texts[RECENT_SYSTEMD_UNIT]) &&
	       (!*filter->namespace ||
		has_value(record->tags, "kube_namespace", filter->namespace)) &&
	       has_tag(record->tags, filter->tag) &&
	       has_tag(record->remote_tags, filter->remote_tag) &&
	       is_found(filter->search, record);
}

bool filter_matches(const struct filter *filter, const struct recent_record *record)
{
	return has_numbers(filter, record) &&
	       is_in(&filter->local, record->family, record->local_address) &&
	       is_in(&filter->remote, record->family, record->remote_address) &&
	       (!filter->has_texts || has_texts(filter, record));
}
