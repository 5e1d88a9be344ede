/* SPDX-License-Identifier: Apache-2.0 */
#include "cri_call.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "grpc_frame.h"
#include "http/fetch.h"

#define TIMEOUT_MS 10000
#define MAX_REPLY_BYTES (16 * 1024 * 1024)
/* Ours are an id and a few bytes. */
#define MAX_REQUEST_BYTES 512
#define MAX_URL 160

struct cri_call {
	struct fetch *fetch;
	uint8_t request[MAX_REQUEST_BYTES];
	const ProtobufCMessageDescriptor *reply;
	cri_on_reply on_reply;
	void *context;
};

struct cri_call *cri_call_new(struct curl_loop *loop, const char *socket)
{
	const struct fetch_settings settings = {.unix_socket = socket,
						.connect_timeout_ms = TIMEOUT_MS,
						.timeout_ms = TIMEOUT_MS,
						.max_bytes = MAX_REPLY_BYTES,
						.is_http2 = true};
	struct cri_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->fetch = fetch_new(loop, &settings);
	if (call->fetch)
		return call;
	free(call);
	return NULL;
}

void cri_call_free(struct cri_call *call)
{
	if (!call)
		return;
	fetch_free(call->fetch);
	free(call);
}

/* -1: there is none, or none of its numbers. */
static int status_of(struct cri_call *call)
{
	const char *text = fetch_header(call->fetch, "grpc-status");
	char *end;
	long status;

	if (!text || !*text)
		return -1;
	status = strtol(text, &end, 10);
	return !*end && status >= 0 && status < 100 ? (int)status : -1;
}

static ProtobufCMessage *unpack(const struct cri_call *call, const struct fetch_answer *answer)
{
	const uint8_t *message;
	size_t size;

	if (grpc_frame_get((const uint8_t *)answer->body, answer->size, &message, &size) < 0)
		return NULL;
	return protobuf_c_message_unpack(call->reply, NULL, size, message);
}

static void on_answer(const struct fetch_answer *answer, void *context)
{
	struct cri_call *call = context;
	bool is_answer = answer->error == 0 && answer->status == 200;
	const char *problem = is_answer ? fetch_header(call->fetch, "grpc-message") : NULL;
	struct cri_reply reply = {.answer = answer,
				  .status = is_answer ? status_of(call) : -1,
				  .problem = problem ? problem : ""};

	if (reply.status == 0)
		reply.message = unpack(call, answer);
	call->on_reply(&reply, call->context);
}

int cri_call_start(struct cri_call *call, const char *path, const ProtobufCMessage *request,
		   const ProtobufCMessageDescriptor *reply, cri_on_reply on_reply, void *context)
{
	static const char *const headers[] = {"Content-Type: application/grpc", "TE: trailers",
					      NULL};
	size_t size = protobuf_c_message_get_packed_size(request);
	char url[MAX_URL];
	const struct fetch_request ask = {.url = url,
					  .headers = headers,
					  .body = call->request,
					  .body_size = GRPC_PREFIX_BYTES + size};

	if (fetch_is_running(call->fetch))
		return -EBUSY;
	if (size > sizeof(call->request) - GRPC_PREFIX_BYTES)
		return -EMSGSIZE;
	(void)snprintf(url, sizeof(url), "http://localhost/%s", path);
	grpc_frame_put_prefix((uint32_t)size, call->request);
	(void)protobuf_c_message_pack(request, call->request + GRPC_PREFIX_BYTES);
	call->reply = reply;
	call->on_reply = on_reply;
	call->context = context;
	return fetch_start(call->fetch, &ask, on_answer, call);
}
