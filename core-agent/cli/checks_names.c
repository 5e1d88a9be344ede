/* SPDX-License-Identifier: Apache-2.0 */
/* What the running agent knows of names: this host's, and who tells it those of containers. */
#include "diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc.h"

#define TIMEOUT_MS 5000L

/* A new reference, or NULL with the finding told. */
static json_t *ask_status(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	struct ipc_problem problem;
	struct ipc *ipc = NULL;
	json_t *status = NULL;

	if (ipc_new(diagnosis->settings, &ipc, &problem) == 0) {
		ipc_set_timeout(ipc, TIMEOUT_MS);
		status = ipc_ask(ipc, "/agent/status", NULL, false, &problem);
	}
	ipc_free(ipc);
	if (!status)
		diagnose_warn(ret, "not known, as core-agent does not answer\nsee the check agent");
	return status;
}

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

void check_host_name(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	json_t *status = ask_status(diagnosis, ret);
	const json_t *host = json_object_get(status, "host");
	const char *source = text(status, "hostname_source");
	const char *cloud = text(host, "cloud_provider");
	bool is_known = *cloud != '\0';

	if (!status)
		return;
	if (getenv("KUBERNETES_SERVICE_HOST") && strcmp(source, "kernel") == 0)
		diagnose_warn(ret, "%s is the pod's name, not the node's\nset DD_NODE_NAME from "
				   "spec.nodeName", text(status, "hostname"));
	else
		diagnose_pass(ret, "%s, from %s%s%s%s%s", text(status, "hostname"), source,
			      is_known ? "; instance of " : "", cloud, is_known ? " " : "",
			      text(host, "instance_id"));
	json_decref(status);
}

/* The first that fails, with its own words, which have the remedy; NULL: none does. */
static const json_t *find_failing(const json_t *sources)
{
	for (size_t i = 0; i < json_array_size(sources); i++)
		if (strcmp(text(json_array_get(sources, i), "state"), "failing") == 0)
			return json_array_get(sources, i);
	return NULL;
}

static void list_good(const json_t *sources, char *out, size_t out_bytes)
{
	size_t size = 0;

	*out = '\0';
	for (size_t i = 0; i < json_array_size(sources) && size < out_bytes; i++)
		if (strcmp(text(json_array_get(sources, i), "state"), "ok") == 0)
			size += (size_t)snprintf(out + size, out_bytes - size, " %s",
						 text(json_array_get(sources, i), "name"));
}

void check_sources(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	json_t *status = ask_status(diagnosis, ret);
	const json_t *sources = json_object_get(status, "sources");
	const json_t *failing = find_failing(sources);
	char good[DIAGNOSE_TEXT_BYTES];

	if (!status)
		return;
	list_good(sources, good, sizeof(good));
	if (failing)
		diagnose_warn(ret, "no names from %s: %s\nuntil it answers records have ids, and the "
				   "names that it gave before; core-agent status has all sources",
			      text(failing, "name"), text(failing, "detail"));
	else
		diagnose_pass(ret, *good ? "names from%s" : "nobody here knows names%s", good);
	json_decref(status);
}
