/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "log.h"
#include "sources/cloud/cloud_facts.h"

#define SECOND INT64_C(1000000000)
#define FIELD(name) .offset = offsetof(struct agent_settings, name)
#define ENV(...) .env = (const char *const[]){__VA_ARGS__, NULL}
#define NO_EFFECT(name) {.key = name, .type = OPTION_NO_EFFECT}

/* In the order of enum log_level. */
static const char *const log_levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
	NULL,
};

/* In the order of enum azure_name. */
static const char *const azure_names[] = {
	[AZURE_NAME_OS] = "os",
	[AZURE_NAME_VM] = "name",
	[AZURE_NAME_VM_AND_GROUP] = "name_and_resource_group",
	[AZURE_NAME_FULL] = "full",
	[AZURE_NAME_VM_ID] = "vmid",
	NULL,
};

/* In the order of enum kubernetes_api. */
static const char *const kubernetes_apis[] = {
	[KUBERNETES_API_OFF] = "off",
	[KUBERNETES_API_SERVICES] = "services",
	[KUBERNETES_API_PODS] = "pods",
	NULL,
};

const struct option agent_options[] = {
	{.key = "log_level", .type = OPTION_ENUM, FIELD(log_level), .choices = log_levels,
	 .fallback = "info", .is_runtime = true, .help = "Least urgent kind of log line that is written."},
	{.key = "hostname", .type = OPTION_STRING, FIELD(hostname),
	 .help = "Name of this host in what is sent upstream. Empty: the cloud's name of the "
		 "instance (AWS: instance id; GCP: DNS name; Azure: azure_hostname_style), else "
		 "the Kubernetes node's, else the system's."},
	{.key = "hostname_fqdn", .type = OPTION_BOOL, FIELD(is_hostname_fqdn), .fallback = "false",
	 .help = "Whether the system's name is made a full one, as hostname -f prints it; looked "
		 "up aside, so that a slow resolver holds nothing up."},
	{.key = "kubernetes_kubelet_nodename", .type = OPTION_STRING, FIELD(node_name),
	 ENV("DD_NODE_NAME", "NODE_NAME"),
	 .help = "Name of this Kubernetes node, from spec.nodeName: in a pod without the host's "
		 "network the system's name is the pod's."},
	{.key = "tags", .type = OPTION_STRING_LIST, FIELD(tags),
	 .help = "Tags of this host, each KEY:VALUE, sent upstream with the host's others."},

	/* Where the probe is, and how often it is asked. */
	{.key = "system_probe_config.sysprobe_socket", .type = OPTION_STRING,
	 FIELD(sysprobe_socket), .fallback = "/var/run/sysprobe/sysprobe.sock",
	 ENV("DD_SYSPROBE_SOCKET"),
	 .help = "Unix socket of system-probe; the same value as in system-probe.yaml."},
	{.key = "auth_token_file_path", .type = OPTION_STRING, FIELD(auth_token_file_path),
	 .fallback = "/var/lib/sysprobe/auth_token",
	 .help = "File with the token that system-probe asks for; written at first start. The "
		 "same value as in system-probe.yaml."},
	{.key = "process_config.intervals.connections", .type = OPTION_DURATION,
	 FIELD(poll_interval_ns), .fallback = "30s", .min = SECOND, .max = 3600 * SECOND,
	 ENV("SYSPROBE_POLL_INTERVAL"), .is_runtime = true,
	 .help = "Time between two reports of all connections. Shorter gives a finer picture and "
		 "more data."},
	{.key = "sysprobe.drain_interval", .type = OPTION_DURATION, FIELD(drain_interval_ns),
	 .fallback = "1s", .min = SECOND / 10, .max = 3600 * SECOND, .is_runtime = true,
	 .help = "Time between two reads of closed connections and of processes. Raise it only "
		 "where connections are few: the probe's logs are bounded."},
	{.key = "sysprobe.user", .type = OPTION_STRING, FIELD(user), .fallback = "sysprobe",
	 .help = "User to become when started as root; nobody when there is no such user."},
	{.key = "procfs_path", .type = OPTION_STRING, FIELD(procfs_path), .fallback = "/proc",
	 ENV("HOST_PROC"),
	 .help = "The host's /proc; /host/proc where a container mounts it there."},
	{.key = "sysprobe.sysfs_path", .type = OPTION_STRING, FIELD(sysfs_path),
	 .fallback = "/sys", ENV("HOST_SYS"),
	 .help = "The host's /sys: what the firmware says of the cloud is there."},

	/* Who knows names: the cloud, ECS. */
	{.key = "cloud_provider_metadata", .type = OPTION_STRING_LIST, FIELD(cloud_providers),
	 .fallback = "aws gcp azure",
	 .help = "Clouds whose metadata service may be asked where this host is; an empty list, or "
		 "none, asks nobody. Others that the existing agent knows are named at start and "
		 "not asked."},
	{.key = "sysprobe.cloud_metadata_interval", .type = OPTION_DURATION,
	 FIELD(cloud_interval_ns), .fallback = "50m", .min = SECOND, .max = 3300 * SECOND,
	 .help = "Time between two looks at the cloud's metadata, of which what was said last is "
		 "kept for an hour. At start some tries come sooner."},
	{.key = "sysprobe.aws_metadata_url", .type = OPTION_STRING, FIELD(aws_metadata_url),
	 .fallback = "http://169.254.169.254", ENV("AWS_EC2_METADATA_SERVICE_ENDPOINT"),
	 .help = "Metadata service of AWS; version 2 alone is spoken. In a container without the "
		 "host's network the instance's hop limit must be 2."},
	{.key = "sysprobe.gcp_metadata_host", .type = OPTION_STRING, FIELD(gcp_metadata_host),
	 .fallback = "169.254.169.254", ENV("GCE_METADATA_HOST"),
	 .help = "Metadata server of GCP, HOST or HOST:PORT."},
	{.key = "sysprobe.azure_metadata_url", .type = OPTION_STRING, FIELD(azure_metadata_url),
	 .fallback = "http://169.254.169.254", .help = "Metadata service of Azure."},
	{.key = "collect_ec2_tags", .type = OPTION_BOOL, FIELD(collect_ec2_tags),
	 .fallback = "true",
	 .help = "Whether the instance's tags on AWS become tags of this host, where its metadata "
		 "service has them (InstanceMetadataTags)."},
	{.key = "network_config.enable_gateway_lookup", .type = OPTION_BOOL, FIELD(finds_routes),
	 .fallback = "true", ENV("DD_SYSTEM_PROBE_NETWORK_ENABLE_GATEWAY_LOOKUP"),
	 .help = "On AWS, whether the intake is told which subnet a connection leaves by, where it "
		 "goes through the subnet's gateway: three questions about each interface, at each "
		 "look at the metadata."},
	{.key = "collect_gce_tags", .type = OPTION_BOOL, FIELD(collect_gce_tags),
	 .fallback = "true",
	 .help = "Whether the instance's network tags on GCP become tags of this host."},
	{.key = "azure_hostname_style", .type = OPTION_ENUM, FIELD(azure_hostname_style),
	 .choices = azure_names, .fallback = "os",
	 .help = "Name of this host on Azure: the system's (os), the virtual machine's, the same "
		 "with its resource group, with that and the subscription (full), or the vmId."},
	{.key = "ecs_agent_url", .type = OPTION_STRING, FIELD(ecs_agent_url),
	 .help = "Introspection of the ECS container agent, for the tasks of the whole instance. "
		 "Empty: http://127.0.0.1:51678 where the agent is a task of ECS itself, and its own "
		 "task alone where that does not answer; else off."},
	{.key = "sysprobe.ecs_metadata_uri", .type = OPTION_STRING, FIELD(ecs_metadata_uri),
	 ENV("ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"),
	 .help = "Task metadata endpoint, version 4 or 3; ECS sets the environment variable."},

	/* Bounds on memory. */
	{.key = "system_probe_config.max_tracked_connections", .type = OPTION_INT,
	 FIELD(max_tracked_connections), .fallback = "262144", .min = 1024, .max = 16777216,
	 .help = "Open connections whose last totals are remembered, at 130 bytes each. Those "
		 "beyond are reported when they close."},
	{.key = "sysprobe.max_processes", .type = OPTION_INT, FIELD(max_processes),
	 .fallback = "65536", .min = 256, .max = 4194304,
	 .help = "Processes whose name and container are remembered."},
	{.key = "system_probe_config.process_service_inference.enabled", .type = OPTION_BOOL,
	 FIELD(infers_services), .fallback = "true",
	 .help = "Name the service of a process whose environment does not by what its interpreter "
		 "or launcher runs, its systemd unit or its executable."},

	{.key = "sysprobe.max_tagged_entities", .type = OPTION_INT, FIELD(max_entities),
	 .fallback = "8192", .min = 16, .max = 1048576,
	 .help = "Containers, pods and the like that each source of tags may name."},

	/* Where names of containers come from. */
	{.key = "docker.socket", .type = OPTION_STRING, FIELD(docker_socket),
	 .fallback = "/var/run/docker.sock", ENV("DOCKER_HOST"),
	 .help = "Unix socket of Docker, as a path or unix://PATH; /host/var/run/docker.sock where a "
		 "container mounts it there. Empty: Docker is not asked."},
	{.key = "podman.sockets", .type = OPTION_STRING_LIST, FIELD(podman_sockets),
	 .help = "Unix sockets of podman system service, as paths that may have wildcards. None: "
		 "/run/podman/podman.sock and /run/user/*/podman/podman.sock."},
	{.key = "cri_socket_path", .type = OPTION_STRING, FIELD(cri_socket_path),
	 .help = "Unix socket of containerd, CRI-O or another runtime with the CRI. Empty: the first "
		 "that answers of /run/containerd/containerd.sock, /var/run/crio/crio.sock and "
		 "/run/k3s/containerd/containerd.sock."},
	{.key = "container_labels_as_tags", .type = OPTION_STRING_MAP,
	 FIELD(container_labels_as_tags),
	 .help = "Labels of containers that become tags, with the tag's key for each. A label may be "
		 "a pattern such as \"com.example.*\" or \"*\", and %%label%% in the tag's key "
		 "stands for the label: {\"*\": \"label_%%label%%\"} takes them all."},
	{.key = "docker_labels_as_tags", .type = OPTION_STRING_MAP, FIELD(docker_labels_as_tags),
	 .help = "The same for containers of Docker and Podman only."},

	{.key = "sysprobe.max_recent_connections", .type = OPTION_INT,
	 FIELD(max_recent_connections), .fallback = "131072", .min = 100, .max = 4194304,
	 .help = "Connections that the API can show, open ones and those that ended last, at about "
		 "500 bytes each."},

	/* Kubernetes. */
	{.key = "kubernetes_kubelet_host", .type = OPTION_STRING, FIELD(kubelet_host),
	 .help = "Name or address of this node's kubelet; in a pod without the host's network "
		 "status.hostIP. Empty: the host's name. The kubelet is asked where this is set, or "
		 "KUBERNETES_SERVICE_HOST, or a service account's token is there."},
	{.key = "kubernetes_https_kubelet_port", .type = OPTION_INT, FIELD(kubelet_https_port),
	 .fallback = "10250", .min = 1, .max = 65535,
	 .help = "Port of the kubelet, with TLS and the service account's token, which needs the "
		 "verb get on nodes/proxy."},
	{.key = "kubernetes_http_kubelet_port", .type = OPTION_INT, FIELD(kubelet_http_port),
	 .fallback = "10255", .max = 65535,
	 .help = "Read-only port of the kubelet, in clear text and without token: asked where the "
		 "other has not answered since the agent began, or refuses the token. 0: never."},
	{.key = "kubelet_tls_verify", .type = OPTION_BOOL, FIELD(kubelet_tls_verify),
	 .fallback = "true",
	 .help = "Verify the kubelet's certificate. Many kubelets have one that nobody signed: "
		 "give them serverTLSBootstrap, or set this to false, and know that whoever "
		 "answers in the kubelet's place then gets the token."},
	{.key = "kubelet_client_ca", .type = OPTION_STRING, FIELD(kubelet_ca_file),
	 .fallback = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
	 .help = "PEM file of the authorities that may sign the kubelet's certificate. Empty: the "
		 "system's."},
	{.key = "kubelet_auth_token_path", .type = OPTION_STRING, FIELD(kubelet_token_path),
	 .fallback = "/var/run/secrets/kubernetes.io/serviceaccount/token",
	 .help = "File with the service account's token; read for each request, as it changes."},
	{.key = "sysprobe.kubernetes_api", .type = OPTION_ENUM, FIELD(kubernetes_api),
	 .choices = kubernetes_apis, .fallback = "off",
	 .help = "What the API server is asked for, by every node. services: names of the Services "
		 "that this node's pods are behind; all EndpointSlices are listed once and then "
		 "watched, as they cannot be asked for by node. pods: also the pods of all other "
		 "nodes, so that remote addresses are named; all pods of the cluster are listed "
		 "once and then watched, and kept up to sysprobe.max_tagged_entities."},
	{.key = "kubernetes_apiserver_ca_path", .type = OPTION_STRING, FIELD(kubernetes_ca_file),
	 .fallback = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
	 .help = "PEM file of the authorities that may sign the API server's certificate. Empty: "
		 "the system's."},
	{.key = "kubernetes_pod_labels_as_tags", .type = OPTION_STRING_MAP,
	 FIELD(pod_labels_as_tags),
	 .help = "Labels of pods that become tags, each LABEL: KEY, for instance "
		 "{app.kubernetes.io/name: app}; patterns as for container_labels_as_tags. Labels "
		 "that hold ids make as many sets of tags."},
	{.key = "kubernetes_pod_annotations_as_tags", .type = OPTION_STRING_MAP,
	 FIELD(pod_annotations_as_tags),
	 .help = "Annotations of pods that become tags, each ANNOTATION: KEY, or a pattern."},

	/* Questions asked of the agent. */
	{.key = "cmd_host", .type = OPTION_STRING, FIELD(cmd_host), .fallback = "localhost",
	 .help = "Address that the IPC API listens on. Any but a loopback one lets other hosts "
		 "reach it, and is warned of at each start."},
	{.key = "cmd_port", .type = OPTION_INT, FIELD(cmd_port), .fallback = "5001", .max = 65535,
	 .help = "Port of the IPC API: HTTPS, with the auth token. 0: off."},
	{.key = "expvar_port", .type = OPTION_INT, FIELD(expvar_port), .fallback = "5000",
	 .max = 65535,
	 .help = "Port on 127.0.0.1 of the variables: plain HTTP, /debug/vars and /metrics. 0: "
		 "off."},
	{.key = "ipc_cert_file_path", .type = OPTION_STRING, FIELD(ipc_cert_file_path),
	 .fallback = "/var/lib/sysprobe/ipc_cert.pem",
	 .help = "Certificate and key of the IPC API in one PEM file; made at first start, readable "
		 "by the agent's user alone, and made anew before it ends."},

	{.key = "sysprobe.ntp_server", .type = OPTION_STRING, FIELD(ntp_server),
	 .fallback = "pool.ntp.org",
	 .help = "Time server, HOST or HOST:PORT, that core-agent diagnose compares the clock with. "
		 "Empty: none is asked."},

	/* Where records go. */
	{.key = "exporters", .type = OPTION_STRING_LIST, FIELD(exporters), .fallback = "local",
	 .is_runtime = true,
	 .help = "Where records go, any of: local (history on this host), jsonl (JSON lines), "
		 "table (for a terminal), intake (a Datadog-compatible intake)."},
	{.key = "history.path", .type = OPTION_STRING, FIELD(history_path),
	 .fallback = "/var/lib/sysprobe/history.db",
	 .help = "SQLite file with recent records and with how far the probe's logs were read. It "
		 "is used for the latter whatever the exporters are."},
	{.key = "history.max_records", .type = OPTION_INT, FIELD(history_max_records),
	 .fallback = "200000", .min = 100, .max = 100000000,
	 .help = "Records to keep, at about 700 bytes each; the oldest go first."},
	{.key = "jsonl.path", .type = OPTION_STRING, FIELD(jsonl_path), .fallback = "-",
	 .help = "File that the jsonl exporter appends to, opened anew at SIGHUP; - is standard "
		 "output."},

	/* The intake. */
	{.key = "api_key", .type = OPTION_STRING, FIELD(api_key), .is_secret = true,
	 .help = "Key for the intake."},
	{.key = "site", .type = OPTION_STRING, FIELD(site), .fallback = "datadoghq.com",
	 .help = "The intake is at https://process.SITE unless process_config.process_dd_url "
		 "says otherwise."},
	{.key = "process_config.process_dd_url", .type = OPTION_STRING, FIELD(process_dd_url),
	 ENV("DD_PROCESS_AGENT_URL"), .help = "URL of the intake, https:// only."},
	{.key = "sysprobe.tls_ca_file", .type = OPTION_STRING, FIELD(ca_file),
	 .help = "PEM file of the authorities that may sign the intake's certificate. Empty: the "
		 "system's."},
	{.key = "system_probe_config.max_conns_per_message", .type = OPTION_INT,
	 FIELD(max_conns_per_message), .fallback = "600", .min = 1, .max = 1000,
	 .help = "Connections in one message to the intake."},
	{.key = "process_config.process_queue_bytes", .type = OPTION_INT, FIELD(queue_bytes),
	 .fallback = "60000000", .min = 1000000, .max = 4000000000,
	 .help = "Bytes of messages that wait in memory for an intake that does not answer; the "
		 "oldest go first."},

	/* What manifests and files for the existing agent carry along. */
	NO_EFFECT("process_config.enabled"),
	NO_EFFECT("process_config.process_collection"),
	NO_EFFECT("process_config.container_collection"),
	NO_EFFECT("process_config.process_discovery"),
	NO_EFFECT("process_config.run_in_core_agent"),
	NO_EFFECT("process_config.additional_endpoints"),
	NO_EFFECT("process_config.queue_size"),
	NO_EFFECT("process_config.rt_queue_size"),
	NO_EFFECT("process_config.max_message_bytes"),
	NO_EFFECT("process_config.max_per_message"),
	NO_EFFECT("process_config.intervals.process"),
	NO_EFFECT("process_config.intervals.container"),
	NO_EFFECT("process_config.cmd_port"),
	NO_EFFECT("process_config.expvar_port"),
	NO_EFFECT("process_config.log_file"),
	NO_EFFECT("process_agent_enabled"),
	NO_EFFECT("system_probe_config.enabled"),
	NO_EFFECT("system_probe_config.external"),
	NO_EFFECT("network_config.enabled"),
	NO_EFFECT("discovery.enabled"),
	NO_EFFECT("traceroute.enabled"),
	NO_EFFECT("GUI_port"),
	NO_EFFECT("apm_config"),
	NO_EFFECT("logs_enabled"),
	NO_EFFECT("logs_config"),
	NO_EFFECT("use_dogstatsd"),
	NO_EFFECT("dogstatsd_port"),
	NO_EFFECT("dogstatsd_non_local_traffic"),
	NO_EFFECT("log_file"),
	NO_EFFECT("collect_ec2_tags_use_imds"),
	NO_EFFECT("ec2_metadata_timeout"),
	NO_EFFECT("ec2_metadata_token_lifetime"),
	NO_EFFECT("ec2_prefer_imdsv2"),
	NO_EFFECT("ec2_prioritize_instance_id_as_hostname"),
	NO_EFFECT("gce_metadata_timeout"),
	NO_EFFECT("gce_send_project_id_tag"),
	NO_EFFECT("azure_metadata_timeout"),
	NO_EFFECT("ecs_agent_container_name"),
	NO_EFFECT("ecs_metadata_timeout"),
	NO_EFFECT("env"),
	NO_EFFECT("dd_url"),
	NO_EFFECT("health_port"),
	NO_EFFECT("telemetry"),
};

const size_t agent_options_n = sizeof(agent_options) / sizeof(*agent_options);
