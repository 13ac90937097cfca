/* Errors: one sentence, built from the inside out. */
#include "base.h"

#include <stdio.h>
#include <string.h>

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list args;

	err->kind = kind;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return false;
}

bool error_context(struct error *err, const char *format, ...)
{
	char inner[sizeof(err->text)];
	va_list args;

	memcpy(inner, err->text, sizeof(inner));
	va_start(args, format);
	int used = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t room = used < 0 || (size_t)used >= sizeof(err->text) ? 0 : sizeof(err->text) - (size_t)used;
	if (room > 3) {
		size_t len = strnlen(inner, room - 3);
		char *at = err->text + used;

		memcpy(at, ": ", 2);
		memcpy(at + 2, inner, len);
		at[2 + len] = '\0';
	}
	return false;
}
