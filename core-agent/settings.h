/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* core-agent.yaml; the table with types, ranges, defaults and help is in settings.c. */

#include "options.h"

/* What the API server is asked for. */
enum kubernetes_api {
	KUBERNETES_API_OFF,
	KUBERNETES_API_SERVICES,
	KUBERNETES_API_PODS, /* and services */
};

struct agent_settings {
	int log_level; /* enum log_level */
	char *hostname; /* empty: see host_name.h */
	bool is_hostname_fqdn;
	int azure_hostname_style; /* enum azure_name */
	char *node_name; /* of Kubernetes; empty: unknown */
	char *user; /* to become when started as root */
	char *sysprobe_socket;
	char *auth_token_file_path;
	uint64_t poll_interval_ns;
	uint64_t drain_interval_ns; /* closed and process logs, between polls */
	char *procfs_path; /* /proc, or /host/proc in a container */
	char *sysfs_path;
	int64_t max_tracked_connections;
	int64_t max_processes;
	struct option_list tags;
	int64_t max_entities; /* of each source of tags */
	bool infers_services;
	struct option_list cloud_providers; /* aws, gcp, azure, and names not known here */
	uint64_t cloud_interval_ns;
	char *aws_metadata_url;
	char *gcp_metadata_host; /* HOST or HOST:PORT */
	char *azure_metadata_url;
	bool collect_ec2_tags;
	bool finds_routes; /* of connections, for the intake */
	bool collect_gce_tags;
	char *ecs_agent_url; /* empty: the default, where ecs_metadata_uri is there */
	char *ecs_metadata_uri; /* empty: no task of our own */
	char *docker_socket;  /* empty: Docker is not asked */
	struct option_list podman_sockets; /* paths, with wildcards; none: the usual ones */
	char *cri_socket_path; /* empty: the usual ones */
	struct option_map container_labels_as_tags;
	struct option_map docker_labels_as_tags; /* of Docker's and Podman's containers */

	char *kubelet_host; /* empty: the kernel's name of this host */
	int64_t kubelet_https_port;
	int64_t kubelet_http_port; /* 0: never asked in clear text */
	bool kubelet_tls_verify;
	char *kubelet_ca_file; /* empty: the system's */
	char *kubelet_token_path;
	int kubernetes_api; /* enum kubernetes_api */
	char *kubernetes_ca_file; /* empty: the system's */
	struct option_map pod_labels_as_tags; /* label -> key of the tag; as the next */
	struct option_map pod_annotations_as_tags;

	struct option_list exporters; /* local, jsonl, table, intake */

	char *cmd_host;
	int64_t cmd_port; /* 0: off, as the next */
	int64_t expvar_port;
	char *ipc_cert_file_path;
	int64_t max_recent_connections;
	char *ntp_server; /* empty: none */

	char *history_path;
	int64_t history_max_records;

	char *jsonl_path; /* "-": standard output */

	char *api_key;
	char *site; /* datadoghq.com */
	char *process_dd_url; /* empty: https://process.<site> */
	char *ca_file; /* empty: the system's */
	int64_t max_conns_per_message;
	int64_t queue_bytes; /* of payloads waiting for a retry */
};

/* Environment names through which the command line sets what the file may set too. */
#define AGENT_ENV_EXPORTERS "DD_EXPORTERS"
#define AGENT_ENV_POLL_INTERVAL "DD_PROCESS_CONFIG_INTERVALS_CONNECTIONS"

extern const struct option agent_options[];
extern const size_t agent_options_n;
