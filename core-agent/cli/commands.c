/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_internal.h"

#define NO_MORE {0}

static const struct flag common_flags[] = {
	{"config", "FILE", "settings (default " ARGUMENTS_DEFAULT_CONFIG ")", NULL, false},
	{"help", NULL, "what the command does, and its options", NULL, false},
	NO_MORE,
};

static const struct flag json_flags[] = {
	{"json", NULL, "JSON; of a list, one object a line", NULL, false},
	NO_MORE,
};

static const struct flag run_flags[] = {
	{"exporters", "LIST", "any of local, jsonl, table, intake, separated by commas", NULL,
	 false},
	{"poll-interval", "D", "time between two reports: 30s, 500ms, 5m", NULL, false},
	{"help-settings", NULL, "every key of the settings file", NULL, false},
	{"print-example", NULL, "an example of the settings file", NULL, false},
	{"print-manual", NULL, "the manual page of the settings file", NULL, false},
	{"version", NULL, "version of this program", NULL, false},
	NO_MORE,
};

static const struct flag history_flags[] = {
	{"limit", "N", "the newest N records only", NULL, false},
	{"json", NULL, "nothing else is printed anyway", NULL, false},
	NO_MORE,
};

static const struct flag filter_flags[] = {
	{"pid", "PID", "of this process", NULL, true},
	{"comm", "NAME", "of processes with this name", NULL, true},
	{"user", "USER", "of processes of this user", NULL, true},
	{"container", "NAME", "of containers of this name, or whose id begins so", NULL, true},
	{"pod", "NAME", "of the Kubernetes pod with this name or UID", NULL, true},
	{"namespace", "NAME", "of this Kubernetes namespace", NULL, true},
	{"tag", "KEY:VALUE", "of those with this tag: kube_service:web", NULL, true},
	{"remote-tag", "KEY:VALUE", "to or from those with this tag", NULL, true},
	{"service", "UNIT", "of this systemd unit", NULL, true},
	{"local", "ADDRESS", "local address, or ADDRESS/BITS", NULL, true},
	{"remote", "ADDRESS", "remote address, or ADDRESS/BITS", NULL, true},
	{"port", "PORT", "port of either end", NULL, true},
	{"local-port", "PORT", "local port", NULL, true},
	{"remote-port", "PORT", "remote port", NULL, true},
	{"state", "STATE", "any of open, closed, failed, separated by commas",
	 "open closed failed", true},
	{"error", "NAME", "ended with this error (ECONNREFUSED), or any", "any ECONNREFUSED "
	 "ECONNRESET ETIMEDOUT EHOSTUNREACH ENETUNREACH", true},
	{"proto", "PROTO", "tcp or udp", "tcp udp", true},
	{"family", "FAMILY", "ipv4 or ipv6", "ipv4 ipv6", true},
	{"direction", "DIRECTION", "incoming, outgoing or local", "incoming outgoing local", true},
	{"role", "ROLE", "server or client", "server client", true},
	{"netns", "INODE", "in this network namespace", NULL, true},
	{"search", "TEXT", "part of name, executable, command line or a tag", NULL, true},
	NO_MORE,
};

#define SORT_KEYS "bytes bytes_sent bytes_received packets retransmits rtt time started duration pid"

static const struct flag connections_flags[] = {
	{"sort", "KEY", "largest first; one of " SORT_KEYS, SORT_KEYS, true},
	{"order", "ORDER", "desc (default) or asc", "desc asc", true},
	{"limit", "N", "show N at most (default 1000)", NULL, true},
	{"fields", "LIST", "columns or members: any field of the JSON record, separated by commas",
	 NULL, true},
	NO_MORE,
};

static const struct flag top_flags[] = {
	{"sort", "KEY", "what to sort by at first", "rate bytes retransmits rtt time duration pid",
	 false},
	{"interval", "SECONDS", "time between two looks, 1 to 3600 (default 2)", NULL, false},
	NO_MORE,
};

static const struct flag topology_flags[] = {
	{"by", "WHAT", "process (default), container or service", "process container service", true},
	{"limit", "N", "the N largest edges (default 1000)", NULL, true},
	{"dot", NULL, "for Graphviz", NULL, false},
	{"svg", NULL, "a picture, one file that needs nothing else", NULL, false},
	NO_MORE,
};

static const struct flag config_flags[] = {
	{"runtime", NULL, "list: only what may change while the agent runs", NULL, false},
	NO_MORE,
};

static const struct flag flare_flags[] = {
	{"output", "FILE", "where to (default ./sysprobe-flare-HOST-TIME.tar)", NULL, false},
	{"list", NULL, "say what would be in it, and write nothing", NULL, false},
	{"yes", NULL, "do not ask before writing", NULL, false},
	NO_MORE,
};

#define FLAGS(...) (const struct flag *const[]){__VA_ARGS__, common_flags, NULL}

/* `run` is first: it is what the program does when no command is named. */
const struct command cli_commands[] = {
	{"run", "", "run the agent (the default)", NULL, FLAGS(run_flags), 0, 0, command_run},
	{"status", "", "how the agent and the probe are", NULL, FLAGS(json_flags), 0, 0,
	 command_status},
	{"connections", "", "connections that are open or ended last", NULL,
	 FLAGS(filter_flags, connections_flags, json_flags), 0, 0, command_connections},
	{"top", "", "the same on the whole screen, as it goes", NULL,
	 FLAGS(filter_flags, top_flags), 0, 0, command_top},
	{"topology", "", "who talks to whom", NULL, FLAGS(filter_flags, topology_flags, json_flags),
	 0, 0, command_topology},
	{"history", "", "stored records, JSON lines, oldest first", NULL, FLAGS(history_flags), 0, 0,
	 command_history},
	{"diagnose", "", "what is needed: there or not, and the remedy", NULL, FLAGS(json_flags), 0,
	 0, command_diagnose},
	{"config", "list|reload|get KEY|set KEY VALUE", "settings of the running agent",
	 "list get set reload", FLAGS(config_flags, json_flags), 1, 3, command_config},
	{"flare", "", "one file to send to those who help", NULL, FLAGS(flare_flags, json_flags), 0,
	 0, command_flare},
	{"completion", "bash|zsh|fish", "completions for a shell", "bash zsh fish", (const struct flag *const[]){common_flags, NULL},
	 1, 1, command_completion},
	{"version", "", "versions of this program, the agent and the probe", NULL,
	 FLAGS(json_flags), 0, 0, command_version},
	{0},
};
