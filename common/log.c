/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARN] = { "warn", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static enum log_level max_level = LOG_LEVEL_INFO;
static void (*line_tap)(const char *line, size_t size, void *context);
static void *line_tap_context;

struct line {
	char bytes[LOG_MAX_LINE_BYTES];
	size_t size;
	bool is_cut;
};

/* The va_list by pointer, so that a helper's va_arg advances the caller's. */
struct arguments {
	va_list list;
};

enum width { WIDTH_INT, WIDTH_LONG, WIDTH_LONG_LONG, WIDTH_SIZE };

struct conversion {
	enum width width;
	bool has_precision; /* ".*" */
	char kind;
};

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_tap(void (*tap)(const char *line, size_t size, void *context), void *context)
{
	line_tap = tap;
	line_tap_context = context;
}

static void add_char(struct line *line, char c)
{
	if (line->size + 1 >= sizeof(line->bytes)) /* the last byte is the newline's */
		line->is_cut = true;
	else
		line->bytes[line->size++] = c;
}

static void add_text(struct line *line, const char *text)
{
	for (; *text; text++)
		add_char(line, *text);
}

static bool is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static void add_escaped(struct line *line, unsigned char c)
{
	char hex[8];

	if (c == '"' || c == '\\') {
		add_char(line, '\\');
		add_char(line, (char)c);
	} else if (c == '\n') {
		add_text(line, "\\n");
	} else if (c < ' ' || c >= 0x7f) {
		(void)snprintf(hex, sizeof(hex), "\\x%02x", c); /* cannot be cut */
		add_text(line, hex);
	} else {
		add_char(line, (char)c);
	}
}

static void add_value(struct line *line, const char *text, size_t size)
{
	bool is_quoted = size == 0;

	for (size_t i = 0; i < size && !is_quoted; i++)
		is_quoted = !is_plain((unsigned char)text[i]);
	if (is_quoted)
		add_char(line, '"');
	for (size_t i = 0; i < size; i++)
		add_escaped(line, (unsigned char)text[i]);
	if (is_quoted)
		add_char(line, '"');
}

static void add_string(struct line *line, bool has_precision, struct arguments *arguments)
{
	int precision = has_precision ? va_arg(arguments->list, int) : -1;
	const char *text = va_arg(arguments->list, const char *);

	if (!text)
		add_char(line, '-');
	else
		add_value(line, text, precision >= 0 ? strnlen(text, (size_t)precision) : strlen(text));
}

static void add_signed(struct line *line, enum width width, struct arguments *arguments)
{
	char digits[32];
	intmax_t value;

	switch (width) {
	case WIDTH_LONG:
		value = va_arg(arguments->list, long);
		break;
	case WIDTH_LONG_LONG:
		value = va_arg(arguments->list, long long);
		break;
	case WIDTH_SIZE:
		value = va_arg(arguments->list, ssize_t);
		break;
	default:
		value = va_arg(arguments->list, int);
	}
	(void)snprintf(digits, sizeof(digits), "%jd", value); /* cannot be cut */
	add_text(line, digits);
}

static void add_unsigned(struct line *line, enum width width, bool is_hex,
			 struct arguments *arguments)
{
	char digits[32];
	uintmax_t value;

	switch (width) {
	case WIDTH_LONG:
		value = va_arg(arguments->list, unsigned long);
		break;
	case WIDTH_LONG_LONG:
		value = va_arg(arguments->list, unsigned long long);
		break;
	case WIDTH_SIZE:
		value = va_arg(arguments->list, size_t);
		break;
	default:
		value = va_arg(arguments->list, unsigned int);
	}
	if (is_hex)
		(void)snprintf(digits, sizeof(digits), "%jx", value); /* cannot be cut */
	else
		(void)snprintf(digits, sizeof(digits), "%ju", value);
	add_text(line, digits);
}

/* Returns what follows the conversion that starts after '%' at `format`. */
static const char *parse_conversion(const char *format, struct conversion *ret_conversion)
{
	struct conversion conversion = { .width = WIDTH_INT };

	if (strncmp(format, ".*", 2) == 0) {
		conversion.has_precision = true;
		format += 2;
	}
	if (strncmp(format, "ll", 2) == 0) {
		conversion.width = WIDTH_LONG_LONG;
		format += 2;
	} else if (*format == 'l' || *format == 'z') {
		conversion.width = *format == 'l' ? WIDTH_LONG : WIDTH_SIZE;
		format++;
	}
	conversion.kind = *format;
	*ret_conversion = conversion;
	return *format ? format + 1 : format;
}

static bool add_conversion(struct line *line, struct conversion conversion,
			   struct arguments *arguments)
{
	bool is_string = conversion.kind == 's' && conversion.width == WIDTH_INT;

	if (conversion.has_precision && !is_string)
		return false;
	switch (conversion.kind) {
	case 's':
		if (is_string)
			add_string(line, conversion.has_precision, arguments);
		return is_string;
	case 'd':
	case 'i':
		add_signed(line, conversion.width, arguments);
		return true;
	case 'u':
	case 'x':
		add_unsigned(line, conversion.width, conversion.kind == 'x', arguments);
		return true;
	case '%':
		add_char(line, '%');
		return true;
	default:
		return false;
	}
}

static void add_fields(struct line *line, const char *fields, struct arguments *arguments)
{
	while (*fields) {
		struct conversion conversion;

		if (*fields != '%') {
			add_char(line, *fields++);
			continue;
		}
		fields = parse_conversion(fields + 1, &conversion);
		if (!add_conversion(line, conversion, arguments)) {
			/* The type of what follows in the va_list is not known any more. */
			add_text(line, "(unsupported format)");
			return;
		}
	}
}

/* systemd.exec(5): JOURNAL_STREAM is "DEVICE:INODE" of the stream, in decimal. */
static bool is_stderr_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat status;

	return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

static void add_prefix(struct line *line, enum log_level level)
{
	char prefix[48];
	struct timespec now;
	struct tm utc;

	if (is_stderr_journal()) {
		(void)snprintf(prefix, sizeof(prefix), "<%d>", levels[level].priority);
	} else {
		(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
		(void)gmtime_r(&now.tv_sec, &utc);
		(void)strftime(prefix, sizeof(prefix), "%Y-%m-%dT%H:%M:%SZ ", &utc);
	}
	add_text(line, prefix);
	add_text(line, levels[level].name);
	add_char(line, ' ');
}

static void end_line(struct line *line)
{
	if (line->is_cut)
		memcpy(line->bytes + line->size - 3, "...", 3);
	line->bytes[line->size++] = '\n';
}

void log_line(enum log_level level, const char *sentence, const char *fields, ...)
{
	struct line line = { .size = 0 };
	struct arguments arguments;
	int saved_errno = errno;

	if (level > max_level)
		return;
	add_prefix(&line, level);
	for (const char *c = sentence; *c; c++)
		add_char(&line, (unsigned char)*c < ' ' ? '?' : *c);
	if (fields) {
		add_char(&line, ' ');
		va_start(arguments.list, fields);
		add_fields(&line, fields, &arguments);
		va_end(arguments.list);
	}
	end_line(&line);
	/* There is no other place to report that the log cannot be written. */
	while (write(STDERR_FILENO, line.bytes, line.size) < 0 && errno == EINTR)
		;
	if (line_tap)
		line_tap(line.bytes, line.size, line_tap_context);
	errno = saved_errno;
}
