/* SPDX-License-Identifier: Apache-2.0 */
#include "kube_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_MS 5000
#define MAX_ERROR_BODY_BYTES ((size_t)64 * 1024)
#define MAX_RETRY_AFTER_S 3600

static const char header_start[] = "Authorization: Bearer ";

struct kube_client {
	struct fetch *fetch;
	char *token_file;
	int token_error;
	char header[sizeof(header_start) + KUBE_MAX_TOKEN_BYTES];
};

struct kube_client *kube_client_new(struct curl_loop *loop,
				    const struct kube_client_settings *settings)
{
	const struct fetch_settings of_fetch = {
		.ca_file = settings->ca_file,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = settings->timeout_ms,
		.max_bytes = MAX_ERROR_BODY_BYTES,
		.is_peer_unverified = settings->is_peer_unverified,
	};
	struct kube_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->token_file = strdup(settings->token_file);
	client->fetch = fetch_new(loop, &of_fetch);
	if (client->token_file && client->fetch)
		return client;
	kube_client_free(client);
	return NULL;
}

void kube_client_free(struct kube_client *client)
{
	if (!client)
		return;
	fetch_free(client->fetch);
	free(client->token_file);
	explicit_bzero(client->header, sizeof(client->header));
	free(client);
}

/* Its bytes end up in a header: what is not printable ASCII would end it, or split it. */
static int check_token(const char *token)
{
	if (!token[0])
		return -EINVAL;
	for (const char *at = token; *at; at++)
		if (*at <= ' ' || *at > '~')
			return -EINVAL;
	return 0;
}

static int read_token(struct kube_client *client)
{
	char *token = client->header + sizeof(header_start) - 1;
	int fd = open(client->token_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, token, KUBE_MAX_TOKEN_BYTES + 1);
	if (n < 0)
		n = -errno;
	(void)close(fd); /* was only read */
	if (n < 0)
		return (int)n;
	if (n > KUBE_MAX_TOKEN_BYTES)
		return -EFBIG;
	token[n] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	return check_token(token);
}

int kube_client_get(struct kube_client *client, const char *url, kube_on_bytes on_bytes,
		    fetch_on_answer on_answer, void *context)
{
	const char *headers[] = {"Accept: application/json", NULL, NULL};
	const struct fetch_request request = {
		.url = url,
		.headers = headers,
		.on_bytes = on_bytes,
	};

	client->token_error = 0;
	if (strncmp(url, "https://", 8) == 0) {
		memcpy(client->header, header_start, sizeof(header_start));
		client->token_error = read_token(client);
		if (client->token_error == 0)
			headers[1] = client->header;
	}
	return fetch_start(client->fetch, &request, on_answer, context);
}

int64_t kube_client_retry_after_s(struct kube_client *client)
{
	const char *text = fetch_header(client->fetch, "Retry-After");
	int64_t seconds = text ? strtoll(text, NULL, 10) : 0; /* a date counts as none */

	if (seconds < 0)
		return 0;
	return seconds < MAX_RETRY_AFTER_S ? seconds : MAX_RETRY_AFTER_S;
}

int kube_client_token_error(const struct kube_client *client)
{
	return client->token_error;
}

static const char *find_remedy(const struct kube_remedy *remedies, long status)
{
	while (remedies->status && remedies->status != status)
		remedies++;
	return remedies->status ? remedies->text : "it is not what was asked for";
}

void kube_explain(const struct fetch_answer *answer, const struct kube_remedy *remedies,
		  const char *certificate_remedy, char *ret, size_t ret_size)
{
	if (answer->status >= 300)
		(void)snprintf(ret, ret_size, "status %ld: %s", answer->status,
			       find_remedy(remedies, answer->status));
	else if (answer->error == -EKEYREJECTED)
		(void)snprintf(ret, ret_size, "its certificate is not accepted: %s",
			       certificate_remedy);
	else
		(void)snprintf(ret, ret_size, "%s",
			       answer->problem[0] ? answer->problem
						  : "the answer makes no sense");
}

void kube_format_host(const char *host, char *ret, size_t ret_size)
{
	bool is_bare_ipv6 = strchr(host, ':') && host[0] != '[';

	(void)snprintf(ret, ret_size, is_bare_ipv6 ? "[%s]" : "%s", host);
}
