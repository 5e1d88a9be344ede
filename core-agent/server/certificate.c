/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"

#define OWN_NAME "CN=sysprobe core-agent,O=Sysprobe"
#define VALID_DAYS 365
#define DAY_S 86400
#define SERIAL_BYTES 16
#define MAX_PEM_BYTES 4096
#define MAX_NAMES_BYTES 127 /* so that a length is one byte */
#define MAX_HOST_BYTES 64

/* GeneralName of RFC 5280, 4.2.1.6: context tags 2 and 7 */
enum { TAG_SEQUENCE = 0x30, TAG_DNS_NAME = 0x82, TAG_ADDRESS = 0x87 };

struct names {
	unsigned char bytes[MAX_NAMES_BYTES + 2];
	size_t size;
};

static int add_name(struct names *names, unsigned char tag, const void *bytes, size_t size)
{
	if (names->size + 2 + size > sizeof(names->bytes))
		return -ENAMETOOLONG;
	names->bytes[names->size++] = tag;
	names->bytes[names->size++] = (unsigned char)size;
	memcpy(names->bytes + names->size, bytes, size);
	names->size += size;
	return 0;
}

static int add_host(struct names *names, const char *host)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, host, address) == 1)
		return add_name(names, TAG_ADDRESS, address, 4);
	if (inet_pton(AF_INET6, host, address) == 1)
		return add_name(names, TAG_ADDRESS, address, 16);
	if (strlen(host) > MAX_HOST_BYTES)
		return -ENAMETOOLONG;
	return add_name(names, TAG_DNS_NAME, host, strlen(host));
}

/* The value of the extension subjectAltName. mbedTLS 2.28 has no call for it. */
static int make_names(const char *host, struct names *ret)
{
	static const unsigned char loopback4[4] = {127, 0, 0, 1};
	static const unsigned char loopback6[16] = {[15] = 1};
	int r;

	ret->size = 2;
	(void)add_name(ret, TAG_DNS_NAME, "localhost", strlen("localhost")); /* these fit */
	(void)add_name(ret, TAG_ADDRESS, loopback4, sizeof(loopback4));
	(void)add_name(ret, TAG_ADDRESS, loopback6, sizeof(loopback6));
	r = host ? add_host(ret, host) : 0;
	ret->bytes[0] = TAG_SEQUENCE;
	ret->bytes[1] = (unsigned char)(ret->size - 2);
	return r;
}

static void format_time(time_t time, char out[16])
{
	struct tm utc;

	(void)gmtime_r(&time, &utc);
	(void)strftime(out, 16, "%Y%m%d%H%M%S", &utc);
}

static int set_serial(mbedtls_x509write_cert *writer, certificate_random random, void *context)
{
	unsigned char serial[SERIAL_BYTES];
	int r = random(context, serial, sizeof(serial));

	if (r)
		return r;
	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and always of this length */
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
	return mbedtls_x509write_crt_set_serial_raw(writer, serial, sizeof(serial));
#else
	mbedtls_mpi number;

	mbedtls_mpi_init(&number);
	r = mbedtls_mpi_read_binary(&number, serial, sizeof(serial));
	if (r == 0)
		r = mbedtls_x509write_crt_set_serial(writer, &number);
	mbedtls_mpi_free(&number);
	return r;
#endif
}

static int set_times(mbedtls_x509write_cert *writer)
{
	time_t now = time(NULL);
	char from[16], to[16];

	format_time(now - DAY_S, from); /* a clock may be set back a little */
	format_time(now + (time_t)VALID_DAYS * DAY_S, to);
	return mbedtls_x509write_crt_set_validity(writer, from, to);
}

/* An end entity, and no authority: with its key nothing else can be signed. */
static int set_contents(mbedtls_x509write_cert *writer, mbedtls_pk_context *key,
			const struct names *names)
{
	int r;

	mbedtls_x509write_crt_set_version(writer, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(writer, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(writer, key);
	mbedtls_x509write_crt_set_issuer_key(writer, key);
	r = mbedtls_x509write_crt_set_subject_name(writer, OWN_NAME);
	if (r == 0)
		r = mbedtls_x509write_crt_set_issuer_name(writer, OWN_NAME);
	if (r == 0)
		r = set_times(writer);
	if (r == 0)
		r = mbedtls_x509write_crt_set_basic_constraints(writer, 0, -1);
	if (r == 0)
		r = mbedtls_x509write_crt_set_key_usage(writer, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	if (r == 0)
		r = mbedtls_x509write_crt_set_subject_key_identifier(writer);
	if (r == 0)
		r = mbedtls_x509write_crt_set_authority_key_identifier(writer);
	if (r == 0)
		r = mbedtls_x509write_crt_set_extension(
			writer, MBEDTLS_OID_SUBJECT_ALT_NAME,
			MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0, names->bytes,
			names->size);
	return r;
}

static int make_key(mbedtls_pk_context *key, certificate_random random, void *context)
{
	int r = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	return r ? r
		 : mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), random,
				       context);
}

/* Certificate, then key, as PEM. */
static int make_pem(const struct names *names, certificate_random random, void *context,
		    unsigned char out[MAX_PEM_BYTES])
{
	mbedtls_x509write_cert writer;
	mbedtls_pk_context key;
	size_t size;
	int r;

	mbedtls_x509write_crt_init(&writer);
	mbedtls_pk_init(&key);
	r = make_key(&key, random, context);
	if (r == 0)
		r = set_contents(&writer, &key, names);
	if (r == 0)
		r = set_serial(&writer, random, context);
	if (r == 0)
		r = mbedtls_x509write_crt_pem(&writer, out, MAX_PEM_BYTES, random, context);
	if (r == 0) {
		size = strlen((char *)out);
		r = mbedtls_pk_write_key_pem(&key, out + size, MAX_PEM_BYTES - size);
	}
	mbedtls_pk_free(&key);
	mbedtls_x509write_crt_free(&writer);
	return r ? -EIO : 0;
}

static int write_whole(int fd, const unsigned char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			size -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int replace_file(const char *path, const unsigned char *pem)
{
	CLEANUP_FREE char *temporary = NULL;
	int fd, r;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL; /* undefined after a failure */
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return -errno;
	r = write_whole(fd, pem, strlen((const char *)pem));
	(void)close(fd); /* fsync has told of every error */
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary); /* the first error is the one to report */
	return r;
}

int certificate_write(const char *path, const char *host, certificate_random random,
		      void *random_context)
{
	unsigned char pem[MAX_PEM_BYTES];
	struct names names;
	int r = make_names(host, &names);

	if (r == 0)
		r = make_pem(&names, random, random_context, pem);
	if (r == 0)
		r = replace_file(path, pem);
	explicit_bzero(pem, sizeof(pem));
	return r;
}

bool certificate_is_own(const mbedtls_x509_crt *certificate)
{
	char subject[128];
	int n = mbedtls_x509_dn_gets(subject, sizeof(subject), &certificate->subject);

	return n > 0 && strcmp(subject, "CN=sysprobe core-agent, O=Sysprobe") == 0;
}

bool certificate_names(const mbedtls_x509_crt *certificate, const char *host)
{
	struct names names;

	return make_names(host, &names) == 0 &&
	       memmem(certificate->v3_ext.p, certificate->v3_ext.len, names.bytes, names.size);
}

bool certificate_is_ending(const mbedtls_x509_crt *certificate)
{
	const mbedtls_x509_time *to = &certificate->valid_to;
	struct tm end = {.tm_year = to->year - 1900, .tm_mon = to->mon - 1, .tm_mday = to->day,
			 .tm_hour = to->hour, .tm_min = to->min, .tm_sec = to->sec};

	return timegm(&end) - time(NULL) < (time_t)CERTIFICATE_RENEW_DAYS * DAY_S ||
	       mbedtls_x509_time_is_future(&certificate->valid_from);
}
