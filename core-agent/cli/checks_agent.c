/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent itself needs, and whom it talks to. */
#include "diagnose.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth_token.h"
#include "cleanup.h"
#include "intake/endpoint.h"
#include "ipc.h"
#include "settings.h"

#define TIMEOUT_MS 5000L
#define MAX_STATUS_BYTES (256 * 1024)
#define MAX_PATH 512

void check_settings(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	if (diagnosis->settings_error)
		diagnose_fail(ret, "%s\ncorrect that; all else is looked at with the defaults",
			      diagnosis->settings_error);
	else
		diagnose_pass(ret, "file and environment are valid");
}

static void tell_token_error(const char *path, int error, struct diagnose_finding *ret)
{
	switch (error) {
	case ENOENT:
		diagnose_fail(ret, "%s is missing\nstart core-agent, which writes it; its folder must "
				   "belong to the agent's user", path);
		break;
	case EACCES:
		diagnose_fail(ret, "%s cannot be read\nrun this command as root or the agent's user; if "
				   "you did, chown the file to that user", path);
		break;
	case EPERM:
		diagnose_fail(ret, "%s can be written by others\nchmod 0640 %s", path, path);
		break;
	case EINVAL:
		diagnose_fail(ret, "%s holds no token\nremove it and restart core-agent, which writes a "
				   "new one", path);
		break;
	default:
		diagnose_fail(ret, "%s: %s\ncheck auth_token_file_path", path, strerror(error));
	}
}

void check_token(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	const char *path = diagnosis->settings->auth_token_file_path;
	struct auth_token *token = auth_token_new(path);
	int r = token ? auth_token_refresh(token) : -ENOMEM;

	if (r < 0)
		tell_token_error(path, -r, ret);
	else
		diagnose_pass(ret, "%s", path);
	auth_token_free(token);
}

void check_agent(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	struct ipc_problem problem;
	struct ipc *ipc = NULL;
	json_t *health = NULL;
	char *remedy;

	if (ipc_new(diagnosis->settings, &ipc, &problem) == 0) {
		ipc_set_timeout(ipc, TIMEOUT_MS);
		health = ipc_ask(ipc, "/agent/status/health", NULL, true, &problem);
	}
	if (!health) {
		remedy = strstr(problem.text, "; ");
		if (remedy)
			*remedy = '\0';
		diagnose_fail(ret, "%s\n%s", problem.text,
			      remedy ? remedy + 2 : "look at the log of core-agent");
	} else if (!json_is_true(json_object_get(health, "is_ready"))) {
		diagnose_fail(ret, "core-agent runs, but no connections come in\nsee the checks socket "
				   "and token");
	} else {
		diagnose_pass(ret, "core-agent runs, and connections come in");
	}
	json_decref(health);
	ipc_free(ipc);
}

struct body {
	char *bytes;
	size_t size;
};

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct body *body = context;
	char *grown = body->size + n <= MAX_STATUS_BYTES ? realloc(body->bytes, body->size + n) : NULL;

	(void)size; /* always 1, says CURLOPT_WRITEFUNCTION(3) */
	if (!grown)
		return 0;
	memcpy(grown + body->size, bytes, n);
	body->bytes = grown;
	body->size += n;
	return n;
}

static struct curl_slist *token_header(const struct agent_settings *settings)
{
	struct auth_token *token = auth_token_new(settings->auth_token_file_path);
	struct curl_slist *headers = NULL;
	char line[AUTH_TOKEN_MAX_CHARS + 64];

	if (token && auth_token_refresh(token) == 0) {
		(void)snprintf(line, sizeof(line), "Authorization: Bearer %s",
			       auth_token_get(token)); /* fits */
		headers = curl_slist_append(NULL, line);
		explicit_bzero(line, sizeof(line));
	}
	auth_token_free(token);
	return headers;
}

/* The HTTP status, or 0 with `ret_problem` (static) when there was none. */
static long ask_probe(const struct agent_settings *settings, struct body *body,
		      const char **ret_problem)
{
	struct curl_slist *headers = token_header(settings);
	CURL *easy = curl_easy_init();
	CURLcode result = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (easy) {
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, settings->sysprobe_socket);
		curl_easy_setopt(easy, CURLOPT_URL, "http://sysprobe/v1/status");
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
		curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
		result = curl_easy_perform(easy);
	}
	if (result == CURLE_OK)
		(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* else 0 */
	*ret_problem = curl_easy_strerror(result);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	return status;
}

static void tell_answer(struct diagnosis *diagnosis, long status, const char *problem)
{
	const char *path = diagnosis->settings->sysprobe_socket;
	struct diagnose_finding *ret = &diagnosis->socket;

	if (status == 200 && diagnosis->probe_status)
		diagnose_pass(ret, "system-probe answers on %s", path);
	else if (status == 401 || status == 403)
		diagnose_fail(ret, "system-probe does not accept the token, or this user\ngive both "
				   "processes the same auth_token_file_path, and sysprobe.socket_group "
				   "a group of the agent's user");
	else if (status == 0)
		diagnose_fail(ret, "system-probe does not answer on %s: %s\nlook at its log, or "
				   "restart it", path, problem);
	else
		diagnose_fail(ret, "system-probe answers with status %ld\nlook at its log", status);
}

/* 0, or the negative errno of connect(2). */
static int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    sizeof(address.sun_path))
		return -ENAMETOOLONG;
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

void check_socket(struct diagnosis *diagnosis)
{
	const char *path = diagnosis->settings->sysprobe_socket;
	struct diagnose_finding *ret = &diagnosis->socket;
	struct body body = {0};
	const char *problem;
	long status;
	int r = connect_unix(path);

	if (r == -ENOENT || r == -ECONNREFUSED) {
		diagnose_fail(ret, r == -ENOENT ? "%s is missing: system-probe is not running, or has "
						  "another socket\nstart system-probe; both settings "
						  "files name the same sysprobe_socket"
						: "nobody listens on %s\nstart system-probe", path);
		return;
	}
	if (r < 0) {
		diagnose_fail(ret, "%s: %s\nlet the agent's user be in the group that "
				   "sysprobe.socket_group names", path, strerror(-r));
		return;
	}
	status = ask_probe(diagnosis->settings, &body, &problem);
	if (status == 200 && body.bytes)
		diagnosis->probe_status = json_loadb(body.bytes, body.size, 0, NULL);
	free(body.bytes);
	tell_answer(diagnosis, status, problem);
}

void check_runtimes(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	static const char *const sockets[] = {"/var/run/docker.sock",
					      "/run/containerd/containerd.sock",
					      "/run/k3s/containerd/containerd.sock",
					      "/run/crio/crio.sock", "/run/podman/podman.sock"};
	char open[DIAGNOSE_TEXT_BYTES] = "", path[MAX_PATH];
	const char *closed = NULL;
	size_t size = 0;

	for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
		struct stat status;

		(void)snprintf(path, sizeof(path), "%s%s", diagnosis->root, sockets[i]); /* fits */
		if (stat(path, &status) < 0) {
			closed = errno == EACCES ? sockets[i] : closed;
			continue;
		}
		if (access(path, R_OK | W_OK) < 0)
			closed = sockets[i];
		else
			size += (size_t)snprintf(open + size, sizeof(open) - size, " %s",
						 sockets[i]); /* fits */
	}
	if (closed)
		diagnose_warn(ret, "the agent's user may not open %s: of its containers only ids are "
				   "known\nadd that user to the socket's group", closed);
	else if (size > 0)
		diagnose_pass(ret, "reachable:%s", open);
	else
		diagnose_pass(ret, "no container runtime shows itself");
}

/* Within the time limit. 0 or negative errno. */
static int try_connect(const struct addrinfo *address)
{
	CLEANUP_CLOSE int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				      0);
	struct pollfd wait = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&wait, 1, (int)TIMEOUT_MS) <= 0)
		return -ETIMEDOUT;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); /* cannot fail for these */
	return -error;
}

static int connect_tcp(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int r;

	if (getaddrinfo(host, port, &hints, &found))
		return -EHOSTUNREACH;
	r = try_connect(found);
	freeaddrinfo(found);
	return r;
}

void check_kubelet(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	const struct agent_settings *settings = diagnosis->settings;
	const char *host = *settings->kubelet_host ? settings->kubelet_host : "localhost";
	char path[MAX_PATH], port[8];
	int r;

	(void)snprintf(path, sizeof(path), "%s/var/lib/kubelet", diagnosis->root); /* ours: fits */
	if (!getenv("KUBERNETES_SERVICE_HOST") && access(path, F_OK) < 0) {
		diagnose_pass(ret, "no Kubernetes here");
		return;
	}
	(void)snprintf(port, sizeof(port), "%u",
		       (unsigned int)(settings->kubelet_https_port & 0xffff)); /* fits */
	r = connect_tcp(host, port);
	if (r < 0)
		diagnose_warn(ret, "no kubelet on %s port %s: %s\nuse the host's network, or set "
				   "DD_KUBERNETES_KUBELET_HOST to status.hostIP", host, port,
			      strerror(-r));
	else
		diagnose_pass(ret, "the kubelet listens on %s port %s", host, port);
}

static bool has_intake(const struct agent_settings *settings)
{
	for (size_t i = 0; i < settings->exporters.n; i++)
		if (strcmp(settings->exporters.items[i], "intake") == 0)
			return true;
	return false;
}

/* TCP and TLS only: nothing is sent. */
static CURLcode shake_hands(const struct agent_settings *settings, const char *url)
{
	CURL *easy = curl_easy_init();
	CURLcode result = CURLE_OUT_OF_MEMORY;

	if (!easy)
		return result;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	if (*settings->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
	result = curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	return result;
}

void check_upstream(const struct diagnosis *diagnosis, struct diagnose_finding *ret)
{
	const struct agent_settings *settings = diagnosis->settings;
	CLEANUP_FREE char *url = NULL;
	CURLcode result;

	if (!has_intake(settings)) {
		diagnose_pass(ret, "nothing is sent off this host");
		return;
	}
	if (!*settings->api_key) {
		diagnose_fail(ret, "api_key is not set\nset api_key, or take intake out of exporters");
		return;
	}
	if (endpoint_url(settings->process_dd_url, settings->site, &url) < 0) {
		diagnose_fail(ret, "process_config.process_dd_url is no https:// URL\ncorrect it");
		return;
	}
	result = shake_hands(settings, url);
	if (result == CURLE_OK)
		diagnose_pass(ret, "TLS to %s", url);
	else
		diagnose_fail(ret, "%s: %s\ncheck name resolution, proxy and firewall; for another "
				   "authority set sysprobe.tls_ca_file", url, curl_easy_strerror(result));
}
