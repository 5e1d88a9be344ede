/* SPDX-License-Identifier: Apache-2.0 */
#include "service_words.h"

#include <string.h>

static const char *const extensions[] = {
	".py", ".pyc", ".js", ".mjs", ".cjs", ".ts", ".rb", ".php", ".pl", ".sh", ".R", ".dll",
	".exe", ".ru",
};

static const char *const plain_scripts[] = {
	"__main__", "app", "artisan", "asgi", "bootstrap", "cli", "config", "console", "daemon",
	"entrypoint", "index", "main", "manage", "master", "rails", "run", "server", "service",
	"start", "worker", "wsgi", "www",
};

static const char *const plain_folders[] = {
	"app", "bin", "build", "cmd", "code", "config", "dist", "home", "lib", "local", "opt",
	"out", "public", "root", "sbin", "script", "scripts", "server", "src", "srv", "tmp",
	"usr", "var", "web", "workspace",
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_one_of(const char *const *words, size_t n, const char *text, size_t size)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0)
			return true;
	return false;
}

bool service_copy(const char *text, size_t size, char out[SERVICE_NAME_BYTES])
{
	if (size >= SERVICE_NAME_BYTES)
		size = SERVICE_NAME_BYTES - 1;
	memmove(out, text, size);
	out[size] = '\0';
	return size > 0;
}

const char *service_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static size_t size_without_extension(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < N_ELEMENTS(extensions); i++) {
		size_t extension = strlen(extensions[i]);

		if (size > extension && strcmp(name + size - extension, extensions[i]) == 0)
			return size - extension;
	}
	return size;
}

bool service_program_name(const char *path, char out[SERVICE_NAME_BYTES])
{
	const char *name = service_base_name(path);

	return service_copy(name, size_without_extension(name), out);
}

/* The folder nearest to `end` that says something, or false. */
static bool folder_name(const char *path, const char *end, char out[SERVICE_NAME_BYTES])
{
	while (end > path) {
		const char *slash = memrchr(path, '/', (size_t)(end - path));
		const char *name = slash ? slash + 1 : path;
		size_t size = (size_t)(end - name);

		if (size && name[0] != '.' && !is_one_of(plain_folders, N_ELEMENTS(plain_folders),
							 name, size))
			return service_copy(name, size, out);
		end = slash ? slash : path;
	}
	return false;
}

static bool package_name(const char *path, const char *modules, char out[SERVICE_NAME_BYTES])
{
	static const char folder[] = "/node_modules/";
	const char *package = modules + sizeof(folder) - 1;

	if (folder_name(path, modules, out))
		return true;
	if (package[0] == '@' && strchr(package, '/'))
		package = strchr(package, '/') + 1;
	return service_copy(package, strcspn(package, "/"), out);
}

bool service_script_name(const char *path, char out[SERVICE_NAME_BYTES])
{
	const char *modules = strstr(path, "/node_modules/");
	const char *name = service_base_name(path);
	size_t size = size_without_extension(name);

	if (modules)
		return package_name(path, modules, out);
	if (is_one_of(plain_scripts, N_ELEMENTS(plain_scripts), name, size) && name > path &&
	    folder_name(path, name - 1, out))
		return true;
	return service_copy(name, size, out);
}

bool service_module_name(const char *text, char out[SERVICE_NAME_BYTES])
{
	size_t size = strcspn(text, ":(");
	size_t first = 0;

	for (size_t i = 0; i < size; i++)
		if (!is_letter(text[i]) && !is_digit(text[i]) && text[i] != '.')
			return false;
	while (first < size && text[first] != '.')
		first++;
	return is_letter(text[0]) && service_copy(text, first, out);
}

/* Where a version such as -1.2 or _3.0-SNAPSHOT begins, or the end. */
static size_t size_without_version(const char *name, size_t size)
{
	for (size_t i = 1; i + 1 < size; i++)
		if ((name[i] == '-' || name[i] == '_') && is_digit(name[i + 1]))
			return i;
	return size;
}

bool service_archive_name(const char *path, char out[SERVICE_NAME_BYTES])
{
	const char *name = service_base_name(path);
	const char *dot = strrchr(name, '.');
	size_t size = dot && is_letter(dot[1]) ? (size_t)(dot - name) : strlen(name);

	return service_copy(name, size_without_version(name, size), out);
}

bool service_bracketed_name(const char *title, char out[SERVICE_NAME_BYTES])
{
	const char *open = strrchr(title, '[');
	const char *close = open ? strchr(open, ']') : NULL;

	return close && service_copy(open + 1, (size_t)(close - open - 1), out);
}
