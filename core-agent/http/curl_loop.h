/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP transfers on the event loop: libcurl's multi interface driven by
 * libevent. The caller makes and configures the easy handle (URL, body, TLS,
 * CURLOPT_UNIX_SOCKET_PATH, limits, timeouts); this module only runs it.
 * Connections are kept and used again by later transfers of the same loop.
 */

#include <curl/curl.h>
#include <event2/event.h>

#define CURL_LOOP_MAX_TRANSFERS 32

struct curl_loop;

/*
 * `result` is CURLE_OK when a response arrived, whatever its HTTP status. The
 * handle is no longer in the loop: it may be read, started again, or cleaned up
 * here. The loop itself must not be freed here.
 */
typedef void (*curl_loop_done)(CURL *easy, CURLcode result, void *context);

/* `base` must outlive the loop. NULL: out of memory. */
struct curl_loop *curl_loop_new(struct event_base *base);

/* Ends transfers without calling their `done`; the easy handles stay the caller's. Takes NULL. */
void curl_loop_free(struct curl_loop *loop);

/*
 * Start a transfer; `done` is called once, later, from the event loop, unless it
 * is cancelled. `easy` must live until then. Sets CURLOPT_NOSIGNAL and
 * CURLOPT_QUICK_EXIT (ending a transfer must not wait for name resolution).
 * 0, -EBUSY (already started), -ENOSPC (CURL_LOOP_MAX_TRANSFERS run already) or
 * -EIO (refused by libcurl).
 */
int curl_loop_start(struct curl_loop *loop, CURL *easy, curl_loop_done done, void *context);

/*
 * End a transfer without calling `done`; does nothing when it is not running.
 * Not from inside one of the handle's own libcurl callbacks (CURLOPT_WRITEFUNCTION
 * and the like): return a short count there.
 */
void curl_loop_cancel(struct curl_loop *loop, CURL *easy);
