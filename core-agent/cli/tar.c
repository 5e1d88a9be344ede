/* SPDX-License-Identifier: Apache-2.0 */
#include "tar.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define BLOCK 512

/* tar(5), POSIX ustar; numbers are octal text. */
struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char modified[12];
	char checksum[8];
	char type;
	char link_name[100];
	char magic[6];
	char version[2];
	char rest[247];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

/* The sum of all bytes, those of the checksum taken as spaces. */
static void set_checksum(struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned int sum = 0;

	memset(header->checksum, ' ', sizeof(header->checksum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += bytes[i];
	(void)snprintf(header->checksum, sizeof(header->checksum), "%06o", sum); /* fits */
}

static int write_all(FILE *out, const void *bytes, size_t size)
{
	errno = 0;
	if (size == 0 || fwrite(bytes, 1, size, out) == size)
		return 0;
	return errno ? -errno : -EIO;
}

int tar_add(FILE *out, const char *name, const void *bytes, size_t size, int64_t modified)
{
	static const char zeros[BLOCK];
	struct header header = {.type = '0', .magic = "ustar", .version = {'0', '0'}};
	int r;

	if (strlen(name) > TAR_MAX_NAME_BYTES)
		return -ENAMETOOLONG;
	if (size > TAR_MAX_FILE_BYTES)
		return -EFBIG;
	memcpy(header.name, name, strlen(name));
	memcpy(header.mode, "0000600", 8);
	memcpy(header.uid, "0000000", 8);
	memcpy(header.gid, "0000000", 8);
	(void)snprintf(header.size, sizeof(header.size), "%011" PRIo64, (uint64_t)size); /* fits */
	(void)snprintf(header.modified, sizeof(header.modified), "%011" PRIo64,
		       (uint64_t)modified & UINT64_C(077777777777));
	set_checksum(&header);
	r = write_all(out, &header, sizeof(header));
	if (r == 0)
		r = write_all(out, bytes, size);
	if (r == 0)
		r = write_all(out, zeros, (BLOCK - size % BLOCK) % BLOCK);
	return r;
}

int tar_end(FILE *out)
{
	static const char zeros[2 * BLOCK];
	int r = write_all(out, zeros, sizeof(zeros));

	if (r == 0 && fflush(out) == EOF)
		r = -errno;
	return r;
}
