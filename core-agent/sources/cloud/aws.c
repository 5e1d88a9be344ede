/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EC2 instance metadata service, version 2 alone: each request carries a token that
 * was asked for with PUT. "Use the Instance Metadata Service to access instance metadata"
 * and "Instance identity documents" in the EC2 User Guide say what is where.
 */
#include "provider.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MACS "/latest/meta-data/network/interfaces/macs/"
#define TAGS "/latest/meta-data/tags/instance/"
#define TOKEN_TTL_S "300"

enum step {
	ASK_TOKEN,
	ASK_DOCUMENT,
	ASK_MACS,
	ASK_MAC,
	ASK_VPC,
	ASK_SUBNET, /* and what follows, of each interface */
	ASK_BLOCK,
	ASK_BLOCKS6,
	ASK_KEYS,
	ASK_TAGS,
};

/* It goes into a header: nothing may end that early. */
static int take_token(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	if (answer->size == 0 || answer->size >= sizeof(exchange->token))
		return -EBADMSG;
	for (size_t i = 0; i < answer->size; i++)
		if (answer->body[i] <= ' ' || answer->body[i] > '~')
			return -EBADMSG;
	memcpy(exchange->token, answer->body, answer->size);
	exchange->token[answer->size] = '\0';
	return 0;
}

static const char *member(const json_t *document, const char *name)
{
	return json_string_value(json_object_get(document, name));
}

static int take_document(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	struct cloud_facts *facts = &exchange->facts;
	json_t *document = json_loadb(answer->body, answer->size, 0, NULL);
	const char *id = member(document, "instanceId");

	/* Others serve something at this path too. */
	if (!id || strncmp(id, "i-", 2) != 0) {
		json_decref(document);
		return -EBADMSG;
	}
	cloud_facts_set(facts, CLOUD_INSTANCE_ID, id);
	cloud_facts_set(facts, CLOUD_INSTANCE_TYPE, member(document, "instanceType"));
	cloud_facts_set(facts, CLOUD_IMAGE, member(document, "imageId"));
	cloud_facts_set(facts, CLOUD_ZONE, member(document, "availabilityZone"));
	cloud_facts_set(facts, CLOUD_REGION, member(document, "region"));
	cloud_facts_set(facts, CLOUD_AWS_ACCOUNT, member(document, "accountId"));
	json_decref(document);
	return 0;
}

/* "02:29:96:8f:6a:2d", as it comes and as it goes into a path. */
static bool is_mac(const char *text, size_t size)
{
	if (size != CLOUD_MAC_SIZE - 1)
		return false;
	for (size_t i = 0; i < size; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static void copy_mac(char ret[CLOUD_MAC_SIZE], const char *mac)
{
	memcpy(ret, mac, CLOUD_MAC_SIZE - 1);
	ret[CLOUD_MAC_SIZE - 1] = '\0';
}

static bool has_mac(const struct cloud_exchange *exchange, const char *mac)
{
	for (size_t i = 0; i < exchange->n_macs; i++)
		if (memcmp(exchange->macs[i], mac, CLOUD_MAC_SIZE - 1) == 0)
			return true;
	return false;
}

static void add_mac(struct cloud_exchange *exchange, const char *mac)
{
	if (exchange->n_macs < CLOUD_MAX_INTERFACES)
		copy_mac(exchange->macs[exchange->n_macs++], mac);
	else
		exchange->facts.subnets.n_left_out++;
}

/* Before all others, so that it finds room; with a setting, it is the only one. */
static void use_mac(struct cloud_exchange *exchange, const char *mac)
{
	copy_mac(exchange->mac, mac);
	if (!has_mac(exchange, mac))
		add_mac(exchange, mac);
}

/* All interfaces, one a line, each with a slash. Ours may be a pod's, and not among them. */
static int take_macs(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	const char *own = exchange->own_mac[0] && answer->body
				  ? strcasestr(answer->body, exchange->own_mac)
				  : NULL;

	if (own && is_mac(own, CLOUD_MAC_SIZE - 1))
		use_mac(exchange, own);
	for (const char *line = answer->body; line && *line && !exchange->is_without_routes;) {
		size_t size = strcspn(line, "/\n");

		if (is_mac(line, size) && !has_mac(exchange, line))
			add_mac(exchange, line);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return 0;
}

static int take_mac(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	if (answer->body && is_mac(answer->body, answer->size))
		use_mac(exchange, answer->body);
	return 0;
}

static int take_id(struct cloud_exchange *exchange, const struct cloud_answer *answer,
		   enum cloud_fact fact, const char *prefix)
{
	if (!answer->body)
		return 0;
	if (strncmp(answer->body, prefix, strlen(prefix)) != 0)
		return -EBADMSG;
	cloud_facts_set(&exchange->facts, fact, answer->body);
	return 0;
}

static int take_vpc(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	return take_id(exchange, answer, CLOUD_NETWORK_ID, "vpc-");
}

static int take_subnet(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	exchange->subnet_id[0] = '\0';
	if (!answer->body)
		return 0;
	if (strncmp(answer->body, "subnet-", 7) != 0)
		return -EBADMSG;
	if (answer->size < sizeof(exchange->subnet_id))
		strcpy(exchange->subnet_id, answer->body);
	if (strcmp(exchange->macs[exchange->i_mac], exchange->mac) == 0)
		cloud_facts_set(&exchange->facts, CLOUD_SUBNET_ID, exchange->subnet_id);
	return 0;
}

/* One a line. What is no block is none of AWS, and left out; no room is counted there. */
static int take_blocks(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	char block[CLOUD_VALUE_SIZE];

	for (const char *line = answer->body; line && *line;) {
		size_t size = strcspn(line, "\n");

		(void)snprintf(block, sizeof(block), "%.*s", (int)(size < 64 ? size : 64), line);
		(void)subnets_add(&exchange->facts.subnets, exchange->subnet_id,
				  exchange->macs[exchange->i_mac], block);
		line += size + (line[size] == '\n');
	}
	return 0;
}

/* What the service lets a tag's key have, and what needs no encoding in a path. */
static bool is_key(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("+-=.,_:@", text[i]))
			return false;
	return size > 0 && size < CLOUD_KEY_SIZE && strncmp(text, "..", size) != 0;
}

static int take_keys(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	for (const char *line = answer->body; line && *line;) {
		size_t size = strcspn(line, "\n");

		if (exchange->n_keys == CLOUD_MAX_KEYS || !is_key(line, size)) {
			exchange->facts.own_tags.n_left_out++;
		} else {
			memcpy(exchange->keys[exchange->n_keys], line, size);
			exchange->keys[exchange->n_keys++][size] = '\0';
		}
		line += size + (line[size] == '\n');
	}
	return 0;
}

static int take_tag(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	const char *key = exchange->keys[exchange->n_keys_asked++];

	tag_list_add(&exchange->facts.own_tags, key, answer->body);
	return 0;
}

static const struct {
	const char *path;
	int (*take)(struct cloud_exchange *exchange, const struct cloud_answer *answer);
	bool is_optional;
} steps[] = {
	[ASK_TOKEN] = {"/latest/api/token", take_token, false},
	[ASK_DOCUMENT] = {"/latest/dynamic/instance-identity/document", take_document, false},
	[ASK_MACS] = {MACS, take_macs, true},
	[ASK_MAC] = {"/latest/meta-data/mac", take_mac, true},
	[ASK_VPC] = {"/vpc-id", take_vpc, true},
	[ASK_SUBNET] = {"/subnet-id", take_subnet, true},
	[ASK_BLOCK] = {"/subnet-ipv4-cidr-block", take_blocks, true},
	[ASK_BLOCKS6] = {"/subnet-ipv6-cidr-blocks", take_blocks, true},
	[ASK_KEYS] = {TAGS, take_keys, true},
	[ASK_TAGS] = {TAGS, take_tag, true},
};

static bool is_needed(const struct cloud_exchange *exchange, size_t step)
{
	switch (step) {
	case ASK_MACS:
		return exchange->own_mac[0] || !exchange->is_without_routes;
	case ASK_MAC:
		return !exchange->mac[0];
	case ASK_VPC:
		return exchange->mac[0];
	case ASK_SUBNET:
		return exchange->i_mac < exchange->n_macs;
	case ASK_BLOCK:
	case ASK_BLOCKS6:
		return exchange->subnet_id[0] && !exchange->is_without_routes;
	case ASK_KEYS:
		return !exchange->is_without_tags;
	case ASK_TAGS:
		return exchange->n_keys_asked < exchange->n_keys;
	default:
		return true;
	}
}

static void write_path(const struct cloud_exchange *exchange, char path[CLOUD_PATH_SIZE])
{
	const char *end = steps[exchange->step].path;

	if (exchange->step == ASK_VPC)
		(void)snprintf(path, CLOUD_PATH_SIZE, MACS "%s%s", exchange->mac, end);
	else if (exchange->step >= ASK_SUBNET && exchange->step <= ASK_BLOCKS6)
		(void)snprintf(path, CLOUD_PATH_SIZE, MACS "%s%s", exchange->macs[exchange->i_mac],
			       end);
	else if (exchange->step == ASK_TAGS)
		(void)snprintf(path, CLOUD_PATH_SIZE, TAGS "%s",
			       exchange->keys[exchange->n_keys_asked]);
	else
		(void)snprintf(path, CLOUD_PATH_SIZE, "%s", end);
}

/* To the next step, or to the first one about the next interface. */
static void advance(struct cloud_exchange *exchange)
{
	exchange->step++;
	if (exchange->step != ASK_KEYS)
		return;
	exchange->subnet_id[0] = '\0';
	if (++exchange->i_mac < exchange->n_macs)
		exchange->step = ASK_SUBNET;
}

static bool next(struct cloud_exchange *exchange, struct cloud_request *ret)
{
	while (exchange->step <= ASK_TAGS && !is_needed(exchange, exchange->step))
		advance(exchange);
	if (exchange->step > ASK_TAGS)
		return false;
	*ret = (struct cloud_request){.is_optional = steps[exchange->step].is_optional};
	write_path(exchange, ret->path);
	if (exchange->step == ASK_TOKEN) {
		ret->method = "PUT";
		strcpy(ret->header, "X-aws-ec2-metadata-token-ttl-seconds: " TOKEN_TTL_S);
	} else {
		(void)snprintf(ret->header, sizeof(ret->header), "X-aws-ec2-metadata-token: %s",
			       exchange->token);
	}
	return true;
}

static int take(struct cloud_exchange *exchange, const struct cloud_answer *answer)
{
	int r = steps[exchange->step].take(exchange, answer);

	if (exchange->step != ASK_TAGS)
		advance(exchange);
	return r;
}

const struct cloud_provider cloud_aws = {
	.name = "aws",
	.remedy = "let its hop limit be 2, or give the agent the host's network",
	.next = next,
	.take = take,
};
