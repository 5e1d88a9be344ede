/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "cleanup.h"
#include "log.h"
#include "options_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

static int set_text(struct option_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int set_text(struct option_error *error, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, list); /* may be cut */
	va_end(list);
	return -EINVAL;
}

int options_fail(const struct options_load *load, size_t line, const char *key, const char *format,
		 ...)
{
	char place[32] = "", shown[OPTION_MAX_KEY_BYTES / 2] = "", what[sizeof(load->error->text)];
	va_list list;

	va_start(list, format);
	(void)vsnprintf(what, sizeof(what), format, list);
	va_end(list);
	if (line > 0)
		(void)snprintf(place, sizeof(place), ":%zu", line);
	if (key)
		options_printable(key, strlen(key), shown, sizeof(shown));
	return set_text(load->error, "%s%s: %s%s%s", load->name, place, shown, key ? ": " : "",
			what);
}

void options_warn_no_effect(const struct options_load *load, const struct option *row)
{
	struct options_row_state *state = &load->rows[row - load->table];

	if (!state->is_warned)
		log_warn("this setting is accepted but has no effect here", "key=%s", row->key);
	state->is_warned = true;
}

static int apply_default(const struct options_load *load, const struct option *row)
{
	struct options_problem problem;
	int r;

	if (row->type == OPTION_NO_EFFECT)
		return 0;
	if (!row->fallback && row->type != OPTION_STRING)
		return 0; /* the caller's zero */
	r = options_value_set(row, load->settings, row->fallback ? row->fallback : "",
			      row->fallback ? strlen(row->fallback) : 0, &problem);
	if (r == -EINVAL)
		return options_fail(load, 0, row->key, "the default: %s", problem.text);
	return r;
}

static int apply_defaults(const struct options_load *load)
{
	for (size_t i = 0; i < load->n; i++) {
		int r = apply_default(load, &load->table[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

void options_environment_name(const struct option *row, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "DD_%s", row->key);

	for (size_t i = 0; i < n && i < size; i++) {
		if (out[i] >= 'a' && out[i] <= 'z')
			out[i] = (char)(out[i] - 'a' + 'A');
		else if (out[i] == '.')
			out[i] = '_';
	}
}

static const char *value_of(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* `own` is the name made from the key. Returns the name that is set, or NULL. */
static const char *find_variable(const struct option *row, const char *own)
{
	if (value_of(own))
		return own;
	for (size_t i = 0; row->env && row->env[i]; i++)
		if (value_of(row->env[i]))
			return row->env[i];
	return NULL;
}

static int apply_variable(const struct options_load *load, const struct option *row)
{
	char own[OPTION_MAX_KEY_BYTES + 4];
	struct options_problem problem;
	const char *name, *value;
	int r;

	options_environment_name(row, own, sizeof(own));
	name = find_variable(row, own);
	if (!name)
		return 0;
	if (row->type == OPTION_NO_EFFECT) {
		options_warn_no_effect(load, row);
		return 0;
	}
	value = value_of(name);
	r = options_value_set(row, load->settings, value, strlen(value), &problem);
	if (r == -EINVAL)
		return set_text(load->error, "environment variable %s: %s: %s", name, row->key,
				problem.text);
	return r;
}

static int apply_environment(const struct options_load *load)
{
	for (size_t i = 0; i < load->n; i++) {
		int r = apply_variable(load, &load->table[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int fail_errno(const struct options_load *load, int error)
{
	const char *remedy = "check the path";

	if (error == EACCES)
		remedy = "let the user this program runs as read it (chgrp, chmod g+r)";
	else if (error == ENOENT)
		remedy = "create it, or name another file";
	(void)options_fail(load, 0, NULL, "cannot read: %s; %s", strerror(error), remedy);
	return -error;
}

static int check_file(const struct options_load *load, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail_errno(load, errno);
	if (!S_ISREG(status.st_mode))
		return options_fail(load, 0, NULL, "not a regular file; allowed: a YAML file");
	if (status.st_mode & S_IWOTH)
		return options_fail(load, 0, NULL, "file is writable by others; chmod o-w %s",
				    load->name);
	if (status.st_size > OPTION_MAX_FILE_BYTES)
		return options_fail(load, 0, NULL, "file is too large; allowed: %d bytes",
				    OPTION_MAX_FILE_BYTES);
	return 0;
}

static int read_file(struct options_load *load, int fd)
{
	/* One byte more than allowed, to see a file that grows. */
	CLEANUP_FREE char *bytes = malloc(OPTION_MAX_FILE_BYTES + 1);
	size_t size = 0;

	if (!bytes)
		return -ENOMEM;
	while (size <= OPTION_MAX_FILE_BYTES) {
		ssize_t n = read(fd, bytes + size, OPTION_MAX_FILE_BYTES + 1 - size);

		if (n < 0 && errno != EINTR)
			return fail_errno(load, errno);
		if (n == 0)
			return options_yaml_read(load, bytes, size);
		if (n > 0)
			size += (size_t)n;
	}
	return options_fail(load, 0, NULL, "file is too large; allowed: %d bytes",
			    OPTION_MAX_FILE_BYTES);
}

static int apply_file(struct options_load *load, bool is_path_default)
{
	/* Not blocking: a FIFO must give an error, not a hang. */
	CLEANUP_CLOSE int fd = open(load->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return errno == ENOENT && is_path_default ? 0 : fail_errno(load, errno);
	r = check_file(load, fd);
	return r < 0 ? r : read_file(load, fd);
}

/* Frees what half a load has set; gives -ENOMEM its text. */
static int end_load(const struct options_load *load, int r)
{
	if (r == -ENOMEM)
		(void)options_fail(load, 0, NULL, "out of memory; raise the memory limit");
	if (r < 0)
		options_free(load->table, load->n, load->settings);
	return r;
}

int options_load(const struct option *table, size_t n, void *settings, const char *path,
		 bool is_path_default, struct option_error *error)
{
	CLEANUP_FREE struct options_row_state *rows = calloc(n, sizeof(*rows));
	struct options_load load = { table, n, settings, path, rows, error };
	int r = rows ? apply_defaults(&load) : -ENOMEM;

	if (r == 0)
		r = apply_file(&load, is_path_default);
	if (r == 0)
		r = apply_environment(&load);
	return end_load(&load, r);
}

int options_load_bytes(const struct option *table, size_t n, void *settings, const char *name,
		       const char *bytes, size_t size, struct option_error *error)
{
	CLEANUP_FREE struct options_row_state *rows = calloc(n, sizeof(*rows));
	struct options_load load = { table, n, settings, name, rows, error };
	int r = rows ? apply_defaults(&load) : -ENOMEM;

	if (r == 0)
		r = options_yaml_read(&load, bytes, size);
	return end_load(&load, r);
}

void options_free(const struct option *table, size_t n, void *settings)
{
	for (size_t i = 0; i < n; i++)
		options_value_free(&table[i], settings);
}
