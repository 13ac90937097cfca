/* Allocation that cannot fail: sizes from outside are checked before they come here. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *p, size_t size)
{
	if (p == NULL) {
		fprintf(stderr, "ctwatch: out of memory asking for %zu bytes; give the container more or lower memory_bytes\n", size);
		abort();
	}
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
