/* Allocation that cannot fail: sizes from outside are checked before they come here. */
#include "base.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FATAL_WITHIN_MS 200            /* for somebody who reads standard error slowly */
#define FATAL_CODE 4                   /* as for a state that cannot be used: see `ctwatch run --help` */

void fatal(const char *format, ...)
{
	char text[512] = "ctwatch: ";
	size_t len = strlen(text);
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	va_list args;

	va_start(args, format);
	vsnprintf(text + len, sizeof(text) - len - 1, format, args);
	va_end(args);
	len = strlen(text);
	text[len++] = '\n';
	if (poll(&room, 1, FATAL_WITHIN_MS) == 1 && write(STDERR_FILENO, text, len) < 0) {
		/* there is no other place to say it */
	}
	_exit(FATAL_CODE);
}

static void *checked(void *p, size_t size)
{
	if (p == NULL)
		fatal("out of memory: %zu bytes more were wanted; give the container more or lower memory_bytes", size);
	return p;
}

void *xmalloc(size_t size)
{
	return checked(malloc(size == 0 ? 1 : size), size);
}

void *xcalloc(size_t count, size_t size)
{
	return checked(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size), size);
}

void *xrealloc(void *old, size_t size)
{
	return checked(realloc(old, size == 0 ? 1 : size), size);
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return checked(NULL, SIZE_MAX);
	return xrealloc(old, total);
}

char *xstrdup(const char *text)
{
	return slice_dup_text(slice_text(text));
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	return checked(len < 0 ? NULL : text, 0);
}
