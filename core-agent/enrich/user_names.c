/* SPDX-License-Identifier: Apache-2.0 */
#include "user_names.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "cleanup.h"

#define MAX_FILE_ENTRIES 100000
#define NUMBER_ONLY (UINT64_C(1) << 32)

struct user {
	uint64_t key; /* uid, with NUMBER_ONLY for the number whatever the file says */
	char *name;
	UT_hash_handle hh;
};

struct user_names {
	char *path;
	size_t max_users;
	struct user *users;
	struct stat seen; /* the file as of the last tick; all zero: not there */
};

static void stat_file(const char *path, struct stat *ret)
{
	if (stat(path, ret) < 0)
		memset(ret, 0, sizeof(*ret));
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

struct user_names *user_names_new(const char *path, size_t max_users)
{
	struct user_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->max_users = max_users;
	names->path = strdup(path);
	if (!names->path) {
		user_names_free(names);
		return NULL;
	}
	stat_file(names->path, &names->seen);
	return names;
}

static void forget_all(struct user_names *names)
{
	struct user *user, *next;

	HASH_ITER(hh, names->users, user, next) {
		HASH_DEL(names->users, user);
		free(user->name);
		free(user);
	}
}

void user_names_free(struct user_names *names)
{
	if (!names)
		return;
	forget_all(names);
	free(names->path);
	free(names);
}

/* Heap, or NULL when the file does not have it. */
static char *find_in_file(const char *path, uid_t uid)
{
	CLEANUP_FCLOSE FILE *file = fopen(path, "re");
	const struct passwd *entry;

	if (!file)
		return NULL;
	for (int i = 0; i < MAX_FILE_ENTRIES && (entry = fgetpwent(file)); i++)
		if (entry->pw_uid == uid)
			return strdup(entry->pw_name);
	return NULL;
}

static char *format_number(uid_t uid)
{
	char *text = NULL;

	return asprintf(&text, "%" PRIu32, (uint32_t)uid) < 0 ? NULL : text;
}

static const char *add(struct user_names *names, uint64_t key, char *name)
{
	struct user *user = name ? calloc(1, sizeof(*user)) : NULL;

	if (!user) {
		free(name);
		return NULL;
	}
	user->key = key;
	user->name = name;
	HASH_ADD(hh, names->users, key, sizeof(user->key), user);
	if (!user->hh.tbl) {
		free(user->name);
		free(user);
		return NULL;
	}
	return user->name;
}

static const char *get(struct user_names *names, uint64_t key, bool is_number)
{
	struct user *user;
	char *name = NULL;

	HASH_FIND(hh, names->users, &key, sizeof(key), user);
	if (user)
		return user->name;
	if (HASH_COUNT(names->users) >= names->max_users)
		return NULL;
	if (!is_number)
		name = find_in_file(names->path, (uid_t)key);
	return add(names, key, name ? name : format_number((uid_t)key));
}

const char *user_names_get(struct user_names *names, uid_t uid)
{
	return get(names, uid, false);
}

const char *user_names_get_number(struct user_names *names, uid_t uid)
{
	return get(names, uid | NUMBER_ONLY, true);
}

void user_names_tick(struct user_names *names)
{
	struct stat now;

	stat_file(names->path, &now);
	if (is_same_file(&now, &names->seen) && HASH_COUNT(names->users) < names->max_users)
		return;
	names->seen = now;
	forget_all(names);
}
