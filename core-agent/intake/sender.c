/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At any time one of: idle (queue empty), posting (`is_posting`: the handle is in
 * the loop), waiting (the timer runs, then the first message is tried again).
 */
#include "sender.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/exporter.h"
#include "http/backoff.h"
#include "http/curl_loop.h"
#include "log.h"
#include "message.h"
#include "request_id.h"
#include "trouble.h"

#define CONNECT_TIMEOUT_S 10L
#define TOTAL_TIMEOUT_S 30L

struct sender {
	struct event_base *base;
	struct exporter_stats *stats;
	struct queue *queue;
	struct curl_loop *loop;
	struct event *timer;
	CURL *easy;
	char *hostname;
	struct curl_slist *fixed_headers;
	struct curl_slist *headers; /* of the request that runs: fixed and its own */
	time_t start_unix_seconds;
	bool is_posting;
	uint32_t n_failures; /* in a row */
	struct queue_loss lost; /* not taken yet */
	struct troubles troubles;
	uint8_t reply[MESSAGE_MAX_REPLY_BYTES];
	size_t reply_size;
	bool is_reply_too_large;
};

static void post_first(struct sender *sender);

static void give_up(struct sender *sender, const struct queue_loss *loss)
{
	sender->stats->n_dropped += loss->n_connections;
	sender->lost.n_connections += loss->n_connections;
	payload_telemetry_add(&sender->lost.telemetry, &loss->telemetry);
}

/* The first failure to append frees the list: *list is NULL then, and stays so. */
static int add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer ? 0 : -ENOMEM;
}

__attribute__((format(printf, 2, 3)))
static int add_header_format(struct curl_slist **list, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= sizeof(line))
		return -ENAMETOOLONG;
	return add_header(list, line);
}

static int make_fixed_headers(struct sender *sender, const struct sender_settings *settings)
{
	struct curl_slist **list = &sender->fixed_headers;
	int failed = 0;

	failed |= add_header_format(list, "DD-Api-Key: %s", settings->api_key);
	failed |= add_header(list, "Content-Type: application/x-protobuf");
	failed |= add_header_format(list, "DD-Agent-Version: %s", settings->version);
	failed |= add_header_format(list, "X-Dd-Processagentversion: %s", settings->version);
	failed |= add_header(list, "X-Dd-ContainerCount: 0");
	failed |= add_header(list, "X-DD-Payload-Source: system_probe");
	failed |= add_header(list, "X-DD-Processes-Enabled: false");
	failed |= add_header(list, "X-DD-Service-Discovery-Enabled: false");
	failed |= add_header(list, "Expect:"); /* do not wait for a 100 Continue */
	failed |= add_header_format(list, "X-DD-Agent-Start-Time: %lld",
				    (long long)sender->start_unix_seconds);
	return failed ? -EINVAL : 0;
}

static int make_headers(struct sender *sender, time_t unix_seconds, uint32_t batch)
{
	uint64_t id = request_id_make(unix_seconds, sender->hostname, getpid(), batch);
	int failed = 0;

	curl_slist_free_all(sender->headers);
	sender->headers = NULL;
	for (const struct curl_slist *fixed = sender->fixed_headers; fixed; fixed = fixed->next)
		failed |= add_header(&sender->headers, fixed->data);
	failed |= add_header_format(&sender->headers, "X-Dd-Hostname: %s", sender->hostname);
	failed |= add_header_format(&sender->headers, "X-DD-Agent-Timestamp: %lld",
				    (long long)unix_seconds);
	failed |= add_header_format(&sender->headers, "X-DD-Request-ID: %" PRIu64, id);
	return failed ? -ENOMEM : 0;
}

/* Over the maximum the transfer is ended; whether it was taken is known by its status. */
static size_t on_reply(char *bytes, size_t size, size_t n, void *context)
{
	struct sender *sender = context;

	(void)size; /* libcurl: always 1 */
	if (n > sizeof(sender->reply) - sender->reply_size) {
		sender->is_reply_too_large = true;
		return 0;
	}
	memcpy(sender->reply + sender->reply_size, bytes, n);
	sender->reply_size += n;
	return n;
}

/* Each request carries the API key: it must go nowhere in clear, by no redirect. */
static int allow_only_https(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https") != CURLE_OK;
#else /* before 7.85 */
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)CURLPROTO_HTTPS) != CURLE_OK;
#endif
}

static int set_up_easy(struct sender *sender, const struct sender_settings *settings)
{
	CURL *easy = sender->easy = curl_easy_init();
	char agent[128];
	int failed = 0;

	if (!easy)
		return -ENOMEM;
	snprintf(agent, sizeof(agent), "sysprobe/%s", settings->version);
	failed |= curl_easy_setopt(easy, CURLOPT_URL, settings->url) != CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, agent) != CURLE_OK;
	failed |= allow_only_https(easy);
	failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) !=
		  CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) != CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) != CURLE_OK;
	if (*settings->ca_file)
		failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file) != CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S) != CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT, TOTAL_TIMEOUT_S) != CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_reply) != CURLE_OK;
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, sender) != CURLE_OK;
	return failed ? -EINVAL : 0;
}

static uint32_t random_u32(void)
{
	uint32_t number;

	evutil_secure_rng_get_bytes(&number, sizeof(number));
	return number;
}

static void wait_and_retry(struct sender *sender, int64_t retry_after_s)
{
	uint32_t delay_ms;
	struct timeval delay;

	sender->n_failures++;
	delay_ms = backoff_delay_ms(sender->n_failures, retry_after_s, random_u32());
	delay = (struct timeval){delay_ms / 1000, delay_ms % 1000 * 1000};
	log_debug("post to the intake failed, will be repeated", "delay_ms=%u", delay_ms);
	(void)event_add(sender->timer, &delay); /* failing, the next interval tries again */
}

static void note_trouble(struct sender *sender, enum trouble trouble, const char *detail)
{
	sender->stats->n_errors++;
	troubles_note(&sender->troubles, trouble, detail);
}

/* The message was taken; its reply may still say something. */
static void check_reply(struct sender *sender)
{
	char *complaint = NULL;
	int result = sender->is_reply_too_large ? -EMSGSIZE :
						  message_decode_reply(sender->reply,
								       sender->reply_size,
								       &complaint);

	if (result)
		note_trouble(sender, TROUBLE_REPLY, strerror(-result));
	else if (*complaint)
		note_trouble(sender, TROUBLE_COMPLAINT, complaint);
	free(complaint);
}

static void finish_first(struct sender *sender, bool is_delivered)
{
	struct queue_loss loss = queue_remove_first(sender->queue);

	if (is_delivered)
		sender->stats->n_delivered += loss.n_connections;
	else
		give_up(sender, &loss);
	sender->n_failures = 0;
	post_first(sender);
}

static void on_status(struct sender *sender, long status)
{
	enum trouble trouble = trouble_of_status(status);
	curl_off_t retry_after_s = 0;
	char detail[32];

	if (trouble == TROUBLE_NONE) {
		troubles_over(&sender->troubles);
		check_reply(sender);
		finish_first(sender, true);
		return;
	}
	snprintf(detail, sizeof(detail), "HTTP status %ld", status);
	note_trouble(sender, trouble, detail);
	if (!trouble_is_passing(trouble)) {
		finish_first(sender, false);
		return;
	}
	/* Without the header: stays 0. */
	(void)curl_easy_getinfo(sender->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	wait_and_retry(sender, retry_after_s);
}

static void on_posted(CURL *easy, CURLcode result, void *context)
{
	struct sender *sender = context;
	long status = 0;

	sender->is_posting = false;
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status); /* 0: none came */
	if (result == CURLE_OK || sender->is_reply_too_large) {
		on_status(sender, status);
		return;
	}
	note_trouble(sender, trouble_of_curl(result), curl_easy_strerror(result));
	wait_and_retry(sender, 0);
}

static int start_post(struct sender *sender, const struct queue_message *message)
{
	int result;

	sender->reply_size = 0;
	sender->is_reply_too_large = false;
	if (curl_easy_setopt(sender->easy, CURLOPT_HTTPHEADER, sender->headers) ||
	    curl_easy_setopt(sender->easy, CURLOPT_POST, 1L) ||
	    curl_easy_setopt(sender->easy, CURLOPT_POSTFIELDS, message->bytes) ||
	    curl_easy_setopt(sender->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->size))
		return -ENOMEM;
	result = curl_loop_start(sender->loop, sender->easy, on_posted, sender);
	sender->is_posting = !result;
	return result;
}

/* Unless the queue is empty, something runs afterwards that will call this again. */
static void post_first(struct sender *sender)
{
	const struct queue_item *item;
	uint32_t batch;
	const struct queue_message *message = queue_first(sender->queue, &item, &batch);
	int result;

	if (!message)
		return;
	result = make_headers(sender, queue_item_time(item), batch);
	if (!result)
		result = start_post(sender, message);
	if (result) {
		note_trouble(sender, TROUBLE_LOCAL, strerror(-result));
		wait_and_retry(sender, 0);
	}
}

static void on_timer(evutil_socket_t fd, short events, void *context)
{
	(void)fd;
	(void)events;
	post_first(context);
}

void sender_add(struct sender *sender, struct queue_item *item)
{
	const struct queue_item *before = NULL, *after = NULL;
	struct queue_loss loss;
	uint32_t batch;

	(void)queue_first(sender->queue, &before, &batch); /* NULL is the answer then */
	loss = queue_add(sender->queue, item);
	(void)queue_first(sender->queue, &after, &batch);
	if (loss.n_connections) {
		give_up(sender, &loss);
		troubles_note(&sender->troubles, TROUBLE_QUEUE_FULL, NULL);
	}
	if (sender->is_posting && after != before) { /* it was the one being posted */
		curl_loop_cancel(sender->loop, sender->easy);
		sender->is_posting = false;
	}
	if (!sender->is_posting && !event_pending(sender->timer, EV_TIMEOUT, NULL))
		post_first(sender);
}

void sender_set_hostname(struct sender *sender, const char *hostname)
{
	char *copy;

	if (strcmp(sender->hostname, hostname) == 0)
		return;
	copy = strdup(hostname);
	if (!copy)
		return;
	free(sender->hostname);
	sender->hostname = copy;
}

bool sender_is_posting(const struct sender *sender)
{
	return sender->is_posting;
}

struct queue_loss sender_take_lost(struct sender *sender)
{
	struct queue_loss lost = sender->lost;

	sender->lost = (struct queue_loss){0};
	return lost;
}

static int set_up(struct sender *sender, const struct sender_settings *settings)
{
	sender->queue = queue_new(settings->max_queue_bytes);
	sender->loop = curl_loop_new(sender->base);
	sender->timer = evtimer_new(sender->base, on_timer, sender);
	sender->hostname = strdup(settings->hostname);
	if (!sender->queue || !sender->loop || !sender->timer || !sender->hostname)
		return -ENOMEM;
	if (make_fixed_headers(sender, settings))
		return -EINVAL;
	return set_up_easy(sender, settings);
}

struct sender *sender_new(struct event_base *base, const struct sender_settings *settings,
			  struct exporter_stats *stats)
{
	struct sender *sender = calloc(1, sizeof(*sender));

	if (!sender)
		return NULL;
	sender->base = base;
	sender->stats = stats;
	sender->start_unix_seconds = time(NULL);
	if (!set_up(sender, settings))
		return sender;
	sender_free(sender);
	return NULL;
}

static void drop_rest(struct sender *sender)
{
	uint64_t n = queue_n_connections(sender->queue);

	if (!n)
		return;
	sender->stats->n_dropped += n;
	log_warn("stopping before all could be sent to the intake", "connections=%" PRIu64, n);
}

void sender_free(struct sender *sender)
{
	if (!sender)
		return;
	if (sender->queue)
		drop_rest(sender);
	curl_loop_free(sender->loop);
	curl_easy_cleanup(sender->easy);
	if (sender->timer)
		event_free(sender->timer);
	queue_free(sender->queue);
	curl_slist_free_all(sender->headers);
	curl_slist_free_all(sender->fixed_headers);
	free(sender->hostname);
	free(sender);
}
