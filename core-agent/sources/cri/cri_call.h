/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One call after the other of a runtime's CRI service, over its Unix socket. */

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct cri_call;
struct curl_loop;
struct fetch_answer;

/* Of gRPC, https://grpc.io/docs/guides/status-codes/ */
#define CRI_NOT_FOUND 5
#define CRI_UNIMPLEMENTED 12

struct cri_reply {
	const struct fetch_answer *answer; /* why there is none, where `status` is -1 */
	int status;	      /* of gRPC; 0: there is a message. -1: no answer of gRPC */
	const char *problem;  /* the service's own words, or "" */
	ProtobufCMessage *message; /* protobuf_c_message_free_unpacked() it; NULL: none, or broken */
};

typedef void (*cri_on_reply)(const struct cri_reply *reply, void *context);

/* Strings are copied. NULL: out of memory. */
struct cri_call *cri_call_new(struct curl_loop *loop, const char *socket);
void cri_call_free(struct cri_call *call); /* ends what runs, without reply; takes NULL */

/*
 * Ask `path`, such as "runtime.v1.RuntimeService/ListContainers". `on_reply` is called once,
 * later, from the loop; it may start the next one. 0, or as fetch_start().
 */
int cri_call_start(struct cri_call *call, const char *path, const ProtobufCMessage *request,
		   const ProtobufCMessageDescriptor *reply, cri_on_reply on_reply, void *context);
