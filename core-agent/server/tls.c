/* SPDX-License-Identifier: Apache-2.0 */
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificate.h"
#include "cleanup.h"

#define MAX_FILE_BYTES 65536

struct tls_context {
	size_t n_users;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_x509_crt certificate;
	mbedtls_pk_context key;
	mbedtls_ssl_config config;
};

struct tls_session {
	struct tls_context *context;
	mbedtls_ssl_context ssl;
	int fd;
	bool wants_write;
	bool is_open;
};

static int parse_key(struct tls_context *context, const unsigned char *pem, size_t size)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_parse_key(&context->key, pem, size, NULL, 0, mbedtls_ctr_drbg_random,
				    &context->random);
#else
	return mbedtls_pk_parse_key(&context->key, pem, size, NULL, 0);
#endif
}

static bool is_pair(struct tls_context *context)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return mbedtls_pk_check_pair(&context->certificate.pk, &context->key,
				     mbedtls_ctr_drbg_random, &context->random) == 0;
#else
	return mbedtls_pk_check_pair(&context->certificate.pk, &context->key) == 0;
#endif
}

static void set_min_version(mbedtls_ssl_config *config)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03020000
	mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
	mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3,
				     MBEDTLS_SSL_MINOR_VERSION_3);
#endif
}

/* The library's own order begins with the largest, at several times the price. */
static void set_groups(mbedtls_ssl_config *config)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03010000
	static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
					  MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
					  MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
					  MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

	mbedtls_ssl_conf_groups(config, groups);
#else
	static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_SECP256R1,
						      MBEDTLS_ECP_DP_CURVE25519,
						      MBEDTLS_ECP_DP_SECP384R1,
						      MBEDTLS_ECP_DP_NONE};

	mbedtls_ssl_conf_curves(config, groups);
#endif
}

/* TLS 1.3 of 3.x takes its primitives from there. */
static int init_psa(void)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return psa_crypto_init() == PSA_SUCCESS ? 0 : -EIO;
#else
	return 0;
#endif
}

/* The file's bytes, NUL-terminated as the PEM parser wants them. Size, or negative errno. */
static ssize_t read_file(const char *path, unsigned char *out, size_t size)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	size_t n = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	while (n < size) {
		ssize_t got = read(fd, out + n, size - n);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0) {
			out[n] = '\0';
			return (ssize_t)n;
		}
		n += got > 0 ? (size_t)got : 0;
	}
	return -EINVAL;
}

static void forget_certificate(struct tls_context *context)
{
	mbedtls_x509_crt_free(&context->certificate);
	mbedtls_pk_free(&context->key);
	mbedtls_x509_crt_init(&context->certificate);
	mbedtls_pk_init(&context->key);
}

static int load(struct tls_context *context, const char *path)
{
	CLEANUP_FREE unsigned char *pem = malloc(MAX_FILE_BYTES);
	ssize_t size = pem ? read_file(path, pem, MAX_FILE_BYTES) : -ENOMEM;
	int r = 0;

	if (size < 0)
		return (int)size;
	forget_certificate(context);
	if (mbedtls_x509_crt_parse(&context->certificate, pem, (size_t)size + 1) != 0 ||
	    parse_key(context, pem, (size_t)size + 1) != 0 || !is_pair(context))
		r = -EINVAL;
	explicit_bzero(pem, (size_t)size);
	return r;
}

static bool is_to_replace(const struct tls_context *context, const char *host)
{
	return certificate_is_own(&context->certificate) &&
	       (certificate_is_ending(&context->certificate) ||
		!certificate_names(&context->certificate, host));
}

static int load_or_make(struct tls_context *context, const char *path, const char *host)
{
	int r = load(context, path);

	if (r != -ENOENT && (r < 0 || !is_to_replace(context, host)))
		return r;
	r = certificate_write(path, host, mbedtls_ctr_drbg_random, &context->random);
	return r < 0 ? r : load(context, path);
}

static int configure(struct tls_context *context)
{
	mbedtls_ssl_config *config = &context->config;

	if (mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
					MBEDTLS_SSL_PRESET_DEFAULT))
		return -ENOMEM;
	set_min_version(config);
	set_groups(config);
	mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE); /* clients have the token */
	mbedtls_ssl_conf_rng(config, mbedtls_ctr_drbg_random, &context->random);
	return mbedtls_ssl_conf_own_cert(config, &context->certificate, &context->key) ? -ENOMEM
										       : 0;
}

static int set_up(struct tls_context *context, const char *path, const char *host)
{
	int r = init_psa();

	if (r == 0 && mbedtls_ctr_drbg_seed(&context->random, mbedtls_entropy_func,
					    &context->entropy, NULL, 0))
		r = -EIO;
	if (r == 0)
		r = load_or_make(context, path, host);
	return r < 0 ? r : configure(context);
}

int tls_context_new(const char *path, const char *host, struct tls_context **ret)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	int r;

	if (!context)
		return -ENOMEM;
	context->n_users = 1;
	mbedtls_entropy_init(&context->entropy);
	mbedtls_ctr_drbg_init(&context->random);
	mbedtls_x509_crt_init(&context->certificate);
	mbedtls_pk_init(&context->key);
	mbedtls_ssl_config_init(&context->config);
	r = set_up(context, path, host);
	if (r < 0)
		tls_context_unref(context);
	else
		*ret = context;
	return r;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
	context->n_users++;
	return context;
}

void tls_context_unref(struct tls_context *context)
{
	if (!context || --context->n_users > 0)
		return;
	mbedtls_ssl_config_free(&context->config);
	mbedtls_pk_free(&context->key);
	mbedtls_x509_crt_free(&context->certificate);
	mbedtls_ctr_drbg_free(&context->random);
	mbedtls_entropy_free(&context->entropy);
	free(context);
}

bool tls_context_is_ending(const struct tls_context *context)
{
	return certificate_is_ending(&context->certificate);
}

bool tls_context_is_foreign(const struct tls_context *context)
{
	return !certificate_is_own(&context->certificate);
}

static int send_bytes(void *context, const unsigned char *bytes, size_t size)
{
	const struct tls_session *session = context;
	ssize_t n = send(session->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return (int)n;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE
						 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int receive_bytes(void *context, unsigned char *out, size_t size)
{
	const struct tls_session *session = context;
	ssize_t n = recv(session->fd, out, size, MSG_DONTWAIT);

	if (n >= 0)
		return (int)n;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ
						 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

struct tls_session *tls_session_new(struct tls_context *context, int fd)
{
	struct tls_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->fd = fd;
	session->context = tls_context_ref(context);
	mbedtls_ssl_init(&session->ssl);
	if (mbedtls_ssl_setup(&session->ssl, &context->config)) {
		tls_session_free(session);
		return NULL;
	}
	mbedtls_ssl_set_bio(&session->ssl, session, send_bytes, receive_bytes, NULL);
	return session;
}

void tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	mbedtls_ssl_free(&session->ssl);
	tls_context_unref(session->context);
	free(session);
}

static ssize_t result_of(struct tls_session *session, int r)
{
	session->wants_write = r == MBEDTLS_ERR_SSL_WANT_WRITE;
	if (r > 0)
		session->is_open = true;
	if (r >= 0)
		return r;
	if (r == MBEDTLS_ERR_SSL_WANT_READ || r == MBEDTLS_ERR_SSL_WANT_WRITE)
		return -EAGAIN;
	if (r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || r == MBEDTLS_ERR_SSL_CONN_EOF)
		return 0;
	return -EPROTO;
}

static int shake_hands(struct tls_session *session)
{
	int r;

	if (session->is_open)
		return 0;
	r = mbedtls_ssl_handshake(&session->ssl);
	session->is_open = r == 0;
	return r;
}

ssize_t tls_session_read(struct tls_session *session, void *out, size_t size)
{
	int r = shake_hands(session);

	return result_of(session, r ? r : mbedtls_ssl_read(&session->ssl, out, size));
}

ssize_t tls_session_write(struct tls_session *session, const void *bytes, size_t size)
{
	return result_of(session, mbedtls_ssl_write(&session->ssl, bytes, size));
}

bool tls_session_wants_write(const struct tls_session *session)
{
	return session->wants_write;
}

bool tls_session_is_open(const struct tls_session *session)
{
	return session->is_open;
}

void tls_session_close(struct tls_session *session)
{
	if (session->is_open)
		(void)mbedtls_ssl_close_notify(&session->ssl); /* the socket ends next anyway */
}
