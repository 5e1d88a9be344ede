/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "cleanup.h"
#include "intake.pb-c.h"

#define VERSION 3
#define COMPRESSION_LEVEL 3 /* libzstd's own default; receivers take any */

enum encoding { ENCODING_PLAIN = 0, ENCODING_ZSTD = 4, ENCODING_ZSTD_PURE_GO = 5 };

int message_encode(enum message_type type, const uint8_t *body, size_t size, uint8_t **ret_bytes,
		   size_t *ret_size)
{
	const uint8_t header[MESSAGE_HEADER_BYTES] = {VERSION, ENCODING_ZSTD, (uint8_t)type};
	CLEANUP_FREE uint8_t *bytes = NULL;
	size_t room, compressed;
	uint8_t *fitted;

	if (size > MESSAGE_MAX_BODY_BYTES)
		return -EMSGSIZE;
	room = ZSTD_compressBound(size);
	bytes = malloc(MESSAGE_HEADER_BYTES + room);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, header, sizeof(header));
	compressed = ZSTD_compress(bytes + MESSAGE_HEADER_BYTES, room, body, size,
				   COMPRESSION_LEVEL);
	if (ZSTD_isError(compressed))
		return -EIO;
	*ret_size = MESSAGE_HEADER_BYTES + compressed;
	/* It may wait in a queue that counts bytes: give the unused room back. */
	fitted = realloc(bytes, *ret_size);
	*ret_bytes = fitted ? fitted : bytes;
	bytes = NULL;
	return 0;
}

/* Size of the header, or negative errno. */
static int header_size(const uint8_t *bytes, size_t size)
{
	static const uint8_t sizes[] = {0, 4, 8, MESSAGE_HEADER_BYTES};

	if (size <= 4) /* no version has a message that short */
		return -EBADMSG;
	if (bytes[0] < 1 || bytes[0] > VERSION)
		return -EPROTONOSUPPORT;
	return size < sizes[bytes[0]] ? -EBADMSG : sizes[bytes[0]];
}

static int decompress(const uint8_t *in, size_t in_size, uint8_t **ret_out, size_t *ret_size)
{
	uint8_t *out = malloc(MESSAGE_MAX_REPLY_BYTES);
	size_t result;

	if (!out)
		return -ENOMEM;
	result = ZSTD_decompress(out, MESSAGE_MAX_REPLY_BYTES, in, in_size);
	if (ZSTD_isError(result)) {
		free(out);
		return ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall ? -EMSGSIZE :
										  -EBADMSG;
	}
	*ret_out = out;
	*ret_size = result;
	return 0;
}

static int decode_body(const uint8_t *body, size_t size, char **ret_complaint)
{
	Datadog__ProcessAgent__ResCollector *reply =
		datadog__process_agent__res_collector__unpack(NULL, size, body);

	if (!reply)
		return -EBADMSG;
	*ret_complaint = strdup(reply->message);
	datadog__process_agent__res_collector__free_unpacked(reply, NULL);
	return *ret_complaint ? 0 : -ENOMEM;
}

int message_decode_reply(const uint8_t *bytes, size_t size, char **ret_complaint)
{
	CLEANUP_FREE uint8_t *plain = NULL;
	size_t plain_size = 0;
	int offset, result;

	if (size > MESSAGE_MAX_REPLY_BYTES)
		return -EMSGSIZE;
	offset = header_size(bytes, size);
	if (offset < 0)
		return offset;
	if (bytes[2] != MESSAGE_RES_COLLECTOR)
		return -EPROTO;
	if (bytes[1] == ENCODING_PLAIN)
		return decode_body(bytes + offset, size - (size_t)offset, ret_complaint);
	if (bytes[1] != ENCODING_ZSTD && bytes[1] != ENCODING_ZSTD_PURE_GO)
		return -EPROTONOSUPPORT;
	result = decompress(bytes + offset, size - (size_t)offset, &plain, &plain_size);
	return result ? result : decode_body(plain, plain_size, ret_complaint);
}
