/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The self-signed certificate of tls.h: made, written, recognised. For tls.c only. */

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>
#include <stddef.h>

#define CERTIFICATE_RENEW_DAYS 30

typedef int (*certificate_random)(void *context, unsigned char *out, size_t size);

/* Write a new one to `path`, whole from the moment the name shows it. 0 or negative errno. */
int certificate_write(const char *path, const char *host, certificate_random random,
		      void *random_context);

/* Was it made here? Only such a one is ever replaced. */
bool certificate_is_own(const mbedtls_x509_crt *certificate);

/* Does it name what certificate_write() would put into it for `host`? */
bool certificate_names(const mbedtls_x509_crt *certificate, const char *host);

bool certificate_is_ending(const mbedtls_x509_crt *certificate);
