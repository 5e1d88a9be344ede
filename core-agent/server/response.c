/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

#include <errno.h>
#include <stddef.h>

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{417, "Expectation Failed"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
};

const char *response_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

void response_text(struct response *response, int status, const char *text)
{
	response->status = status;
	response->content_type = "text/plain; charset=utf-8";
	(void)evbuffer_drain(response->body, evbuffer_get_length(response->body));
	(void)evbuffer_add_printf(response->body, "%s\n", text); /* else the status says it */
}

static int write_framing(const struct response *response, bool is_chunked, struct evbuffer *out)
{
	if (is_chunked)
		return evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n");
	if (response->source)
		return 0; /* the end of the connection is its end */
	return evbuffer_add_printf(out, "Content-Length: %zu\r\n",
				   evbuffer_get_length(response->body));
}

int response_write(const struct response *response, bool is_chunked, bool is_keep_alive,
		   struct evbuffer *out)
{
	if (evbuffer_add_printf(out,
				"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"
				"X-Content-Type-Options: nosniff\r\n%s%s%s",
				response->status, response_reason(response->status),
				response->content_type ? response->content_type : "text/plain",
				response->header ? response->header : "",
				response->header ? "\r\n" : "",
				is_keep_alive ? "" : "Connection: close\r\n") < 0 ||
	    write_framing(response, is_chunked, out) < 0 || evbuffer_add(out, "\r\n", 2) < 0)
		return -ENOMEM;
	return response->source || evbuffer_add_buffer(out, response->body) == 0 ? 0 : -ENOMEM;
}

int response_write_piece(struct evbuffer *piece, bool is_chunked, struct evbuffer *out)
{
	size_t size = evbuffer_get_length(piece);

	if (is_chunked && evbuffer_add_printf(out, "%zx\r\n", size) < 0)
		return -ENOMEM;
	if (evbuffer_add_buffer(out, piece) < 0)
		return -ENOMEM;
	return is_chunked && evbuffer_add(out, "\r\n", 2) < 0 ? -ENOMEM : 0;
}
