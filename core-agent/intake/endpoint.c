/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"

#define CONNECTIONS_PATH "/api/v1/connections"

static int has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;

	if (curl_url_get(url, part, &text, 0))
		return 0;
	curl_free(text);
	return 1;
}

static int check_parts(CURLU *url, const char *base)
{
	char *scheme = NULL;
	int is_https;

	/* Without CURLU_DEFAULT_SCHEME a URL that names no scheme is refused here. */
	if (curl_url_set(url, CURLUPART_URL, base, CURLU_NON_SUPPORT_SCHEME))
		return -EINVAL;
	if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0))
		return -EINVAL;
	is_https = !strcasecmp(scheme, "https");
	curl_free(scheme);
	if (!is_https)
		return -EPROTONOSUPPORT;
	if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_QUERY) ||
	    has_part(url, CURLUPART_FRAGMENT))
		return -EINVAL;
	return 0;
}

static int check(const char *base)
{
	CURLU *url = curl_url();
	int result;

	if (!url)
		return -ENOMEM;
	result = check_parts(url, base);
	curl_url_cleanup(url);
	return result;
}

int endpoint_url(const char *base, const char *site, char **ret_url)
{
	CLEANUP_FREE char *root = NULL;
	size_t size;
	int result;

	if (asprintf(&root, "%s%s", *base ? base : "https://process.", *base ? "" : site) < 0) {
		root = NULL;
		return -ENOMEM;
	}
	result = check(root);
	if (result)
		return result;
	for (size = strlen(root); size && root[size - 1] == '/'; size--)
		;
	return asprintf(ret_url, "%.*s" CONNECTIONS_PATH, (int)size, root) < 0 ? -ENOMEM : 0;
}
