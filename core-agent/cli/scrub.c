/* SPDX-License-Identifier: Apache-2.0 */
#include "scrub.h"

#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECRETS 8
#define MAX_GROUPS 4

#define SECRET_NAME                                                                           \
	"(api[_-]?key|app[_-]?key|access[_-]?key|private[_-]?key|password|passwd|passphrase|" \
	"passcode|pwd|secret|token|credentials?|auth)"
#define VALUE "[^][:space:]\"'\\,;&<>{}]+"

/* What stands in the group of that number gives way. Later rows see what earlier ones left. */
static const struct {
	const char *pattern;
	unsigned int group;
} rules[] = {
	/* A key file, or what is left of one after a cut. */
	{"-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]*)", 1},
	/* https://user:password@host */
	{"://([^]/[:space:]@\"']+)@", 1},
	/* Authorization: Bearer XYZ */
	{"(bearer|basic)[[:space:]]+(" VALUE ")", 2},
	/* api_key: XYZ, "password": "XYZ", DD_API_KEY=XYZ, --token=XYZ */
	{SECRET_NAME "[\"']?[[:space:]]*[:=][[:space:]]*[\"']?(" VALUE ")", 2},
	/* --password XYZ */
	{"(^|[[:space:]\"'])--?[a-z_-]*" SECRET_NAME "[[:space:]]+(" VALUE ")", 3},
};
#define N_RULES (sizeof(rules) / sizeof(*rules))

struct scrub {
	char *secrets[MAX_SECRETS];
	size_t n_secrets;
	regex_t rules[N_RULES];
	size_t n_rules; /* compiled */
};

void scrub_free(struct scrub *scrub)
{
	if (!scrub)
		return;
	for (size_t i = 0; i < scrub->n_secrets; i++) {
		explicit_bzero(scrub->secrets[i], strlen(scrub->secrets[i]));
		free(scrub->secrets[i]);
	}
	for (size_t i = 0; i < scrub->n_rules; i++)
		regfree(&scrub->rules[i]);
	free(scrub);
}

static bool set_up(struct scrub *scrub, const char *const *secrets)
{
	for (; *secrets && scrub->n_secrets < MAX_SECRETS; secrets++) {
		if (strlen(*secrets) < SCRUB_MIN_SECRET_BYTES)
			continue;
		scrub->secrets[scrub->n_secrets] = strdup(*secrets);
		if (!scrub->secrets[scrub->n_secrets])
			return false;
		scrub->n_secrets++;
	}
	for (; scrub->n_rules < N_RULES; scrub->n_rules++)
		if (regcomp(&scrub->rules[scrub->n_rules], rules[scrub->n_rules].pattern,
			    REG_EXTENDED | REG_ICASE) != 0)
			return false;
	return true;
}

struct scrub *scrub_new(const char *const *secrets)
{
	struct scrub *scrub = calloc(1, sizeof(*scrub));

	if (scrub && set_up(scrub, secrets))
		return scrub;
	scrub_free(scrub);
	return NULL;
}

/* Where the next thing to hide is. */
typedef bool (*finder)(const void *what, unsigned int group, const char *text, size_t *ret_start,
		     size_t *ret_end);

static bool find_known(const void *what, unsigned int group, const char *text, size_t *ret_start,
		       size_t *ret_end)
{
	const char *secret = what;
	const char *place = strstr(text, secret);

	(void)group;
	if (!place)
		return false;
	*ret_start = (size_t)(place - text);
	*ret_end = *ret_start + strlen(secret);
	return true;
}

static bool find_rule(const void *what, unsigned int group, const char *text, size_t *ret_start,
		      size_t *ret_end)
{
	regmatch_t matches[MAX_GROUPS];

	if (regexec(what, text, MAX_GROUPS, matches, 0) != 0 || matches[group].rm_so < 0)
		return false;
	*ret_start = (size_t)matches[group].rm_so;
	*ret_end = (size_t)matches[group].rm_eo;
	return true;
}

/* Takes `text` over. */
static char *hide(char *text, finder find, const void *what, unsigned int group, size_t *n_hidden)
{
	char *out = NULL;
	const char *rest = text;
	size_t size = 0, start, end;
	FILE *file = text ? open_memstream(&out, &size) : NULL;

	while (file && find(what, group, rest, &start, &end) && end > 0) {
		bool is_hidden = end - start == strlen(SCRUB_HIDDEN) &&
				 memcmp(rest + start, SCRUB_HIDDEN, end - start) == 0;

		fprintf(file, "%.*s" SCRUB_HIDDEN, (int)start, rest);
		*n_hidden += !is_hidden;
		rest += end;
	}
	if (file)
		fputs(rest, file);
	if (file && fclose(file) == EOF) {
		free(out);
		out = NULL;
	}
	free(text);
	return out;
}

char *scrub_text(const struct scrub *scrub, const char *text, size_t *n_hidden)
{
	char *out = strdup(text);

	for (size_t i = 0; i < scrub->n_secrets; i++)
		out = hide(out, find_known, scrub->secrets[i], 0, n_hidden);
	for (size_t i = 0; i < scrub->n_rules; i++)
		out = hide(out, find_rule, &scrub->rules[i], rules[i].group, n_hidden);
	return out;
}
