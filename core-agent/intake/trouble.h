/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What can go wrong between here and the intake, and what the user can do about it. */

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

enum trouble {
	TROUBLE_NONE,
	TROUBLE_NETWORK,     /* no answer */
	TROUBLE_TLS,         /* the server's certificate is not accepted */
	TROUBLE_CA_FILE,     /* the setting ca_file cannot be used */
	TROUBLE_BUSY,        /* 408, 429, 5xx */
	TROUBLE_API_KEY,     /* 401, 403 */
	TROUBLE_TOO_LARGE,   /* 413 */
	TROUBLE_WRONG_PLACE, /* 1xx, 3xx, 404, 405: no intake there */
	TROUBLE_REFUSED,     /* other 4xx */
	TROUBLE_REPLY,       /* taken, but the reply cannot be read */
	TROUBLE_COMPLAINT,   /* taken, but the reply carries an error text */
	TROUBLE_QUEUE_FULL,
	TROUBLE_LOCAL,       /* out of memory and the like */
	N_TROUBLES,
};

enum trouble trouble_of_status(long http_status);
enum trouble trouble_of_curl(CURLcode result);

/* The same message may succeed later. */
bool trouble_is_passing(enum trouble trouble);

struct troubles {
	uint32_t logged; /* bit per enum trouble */
};

/* Log it, if this kind was not logged yet. `detail` may be NULL; any bytes. */
void troubles_note(struct troubles *troubles, enum trouble trouble, const char *detail);

/* A message was taken: passing troubles end here, and would be logged anew. */
void troubles_over(struct troubles *troubles);
