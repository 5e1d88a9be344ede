/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One collection of the API server: listed once, page by page, then watched from there on,
 * so that what does not change is not sent again (Kubernetes API concepts, "Efficient
 * detection of changes"). It is listed anew only when the server has forgotten the version
 * that was seen last (410).
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct curl_loop;
struct event_base;
struct kube_watch;

struct kube_watch_settings {
	const char *server;	   /* "https://host:port" */
	const char *path;	   /* of the collection */
	const char *older_path;	   /* where it was in older versions; NULL: nowhere */
	const char *selector;	   /* fieldSelector, escaped for a URL; NULL: all */
	const char *ca_file;	   /* NULL: the system's */
	const char *token_file;
};

/* In the order that they are called; objects are borrowed. */
struct kube_watch_handler {
	/* May a list be asked for? If not, this is asked again each second. NULL: always. */
	bool (*is_ready)(void *context);
	void (*on_begin)(void *context); /* of a list: what does not come before its end is gone */
	void (*on_object)(json_t *object, void *context); /* is there, or has changed */
	void (*on_end)(void *context);
	void (*on_removed)(json_t *object, void *context);
	void (*on_answer)(void *context); /* all is well: at least once in five minutes */
	void (*on_trouble)(const char *problem, void *context);
	void *context;
};

/* Starts by itself, within three seconds. Strings are copied. NULL: out of memory. */
struct kube_watch *kube_watch_new(struct event_base *base, struct curl_loop *loop,
				  const struct kube_watch_settings *settings,
				  const struct kube_watch_handler *handler);
void kube_watch_free(struct kube_watch *watch); /* takes NULL */
