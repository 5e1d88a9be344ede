/* SPDX-License-Identifier: Apache-2.0 */
#include "trouble.h"

#include "log.h"

static const struct {
	bool is_passing;
	enum log_level level;
	const char *sentence;
	const char *remedy;
} rows[N_TROUBLES] = {
	[TROUBLE_NETWORK] = {true, LOG_LEVEL_WARN, "cannot reach the intake, will be repeated",
			     "check process_dd_url, site, DNS, proxy and firewall"},
	[TROUBLE_TLS] = {true, LOG_LEVEL_ERROR,
			 "the intake's certificate is not accepted, will be repeated",
			 "set ca_file if a private authority signed it, and check the host name"},
	[TROUBLE_CA_FILE] = {true, LOG_LEVEL_ERROR, "cannot use ca_file, will be repeated",
			     "it must be readable and hold certificates in PEM form"},
	[TROUBLE_BUSY] = {true, LOG_LEVEL_WARN, "the intake is busy or failing, will be repeated",
			  "none, unless it lasts"},
	[TROUBLE_API_KEY] = {false, LOG_LEVEL_ERROR,
			     "the intake refuses the API key, connections are dropped",
			     "check api_key and site"},
	[TROUBLE_TOO_LARGE] = {false, LOG_LEVEL_ERROR,
			       "the intake finds messages too large, connections are dropped",
			       "lower max_conns_per_message"},
	[TROUBLE_WRONG_PLACE] = {false, LOG_LEVEL_ERROR,
				 "no intake answers there, connections are dropped",
				 "check process_dd_url and site"},
	[TROUBLE_REFUSED] = {false, LOG_LEVEL_ERROR,
			     "the intake refuses messages, connections are dropped",
			     "see the intake's own log"},
	[TROUBLE_REPLY] = {false, LOG_LEVEL_WARN, "the intake's reply cannot be read",
			   "check that process_dd_url is an intake for connections"},
	[TROUBLE_COMPLAINT] = {false, LOG_LEVEL_ERROR, "the intake reports an error", "see error"},
	[TROUBLE_QUEUE_FULL] = {true, LOG_LEVEL_ERROR,
				"the queue to the intake is full, the oldest is dropped",
				"raise queue_bytes to bridge longer outages"},
	[TROUBLE_LOCAL] = {true, LOG_LEVEL_WARN, "cannot start a post, will be repeated",
			   "check the memory limit"},
};

enum trouble trouble_of_status(long http_status)
{
	if (http_status >= 200 && http_status < 300)
		return TROUBLE_NONE;
	if (http_status == 408 || http_status == 429 || http_status >= 500)
		return TROUBLE_BUSY;
	if (http_status == 401 || http_status == 403)
		return TROUBLE_API_KEY;
	if (http_status == 413)
		return TROUBLE_TOO_LARGE;
	if (http_status < 400 || http_status == 404 || http_status == 405)
		return TROUBLE_WRONG_PLACE;
	return TROUBLE_REFUSED;
}

enum trouble trouble_of_curl(CURLcode result)
{
	switch (result) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return TROUBLE_TLS;
	case CURLE_SSL_CACERT_BADFILE:
		return TROUBLE_CA_FILE;
	case CURLE_OUT_OF_MEMORY:
		return TROUBLE_LOCAL;
	default:
		return TROUBLE_NETWORK;
	}
}

bool trouble_is_passing(enum trouble trouble)
{
	return rows[trouble].is_passing;
}

void troubles_note(struct troubles *troubles, enum trouble trouble, const char *detail)
{
	uint32_t bit = UINT32_C(1) << trouble;

	if (troubles->logged & bit)
		return;
	troubles->logged |= bit;
	log_line(rows[trouble].level, rows[trouble].sentence, "error=%s remedy=%s", detail,
		 rows[trouble].remedy);
}

void troubles_over(struct troubles *troubles)
{
	uint32_t passing = 0;

	for (int i = 0; i < N_TROUBLES; i++)
		if (rows[i].is_passing)
			passing |= UINT32_C(1) << i;
	if (troubles->logged & passing)
		log_info("the intake takes messages again", NULL);
	troubles->logged &= ~passing;
}
