/* SPDX-License-Identifier: Apache-2.0 */
#include "history.h"
#include "history_internal.h"

#include <errno.h>

int history_errno(int sqlite_result)
{
	switch (sqlite_result & 0xff) { /* without the extended part */
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_ERROR:
	case SQLITE_MISMATCH:
	case SQLITE_CONSTRAINT:
		return -EINVAL;
	default:
		return -EIO;
	}
}

const char *history_remedy(int error)
{
	switch (-error) {
	case ENOSPC:
		return "free space on that file system";
	case EACCES:
	case EROFS:
		return "let the agent's user write the file and its directory";
	case ENOENT:
		return "make the directory, owned by the agent's user, or change history.path";
	case EINVAL:
		return "move the file away; a new one is made";
	case EBUSY:
		return "end the other program that writes the file";
	default:
		return "check the file system";
	}
}
