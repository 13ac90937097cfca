/* See prose.h. */
#include "prose.h"

#include <string.h>

#define SENTENCE_MAX (1u << 20)

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of a name or an address; bytes beyond ASCII may be of a name that is shown decoded. */
static bool is_part(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*' || (unsigned char)c >= 0x80;
}

/* A run of name characters and dots: a name when its last label has a letter ("T1583.001" has none), or the four numbers of an address. */
static bool is_name(struct slice run)
{
	size_t dots = 0;
	bool letters = false;             /* in the label that is being read */

	for (size_t i = 0; i < run.len; i++) {
		dots += run.data[i] == '.';
		letters = (letters && run.data[i] != '.') || is_letter((char)run.data[i]) || run.data[i] >= 0x80;
	}
	return dots > 0 && (letters || dots == 3);
}

char *prose_defanged(const char *sentence)
{
	struct buf out;

	buf_init(&out, SENTENCE_MAX);
	while (*sentence != '\0') {
		size_t len = 0;

		/* a dot belongs to the run when it stands between two of its characters */
		while (is_part(sentence[len]) || (len > 0 && sentence[len] == '.' && is_part(sentence[len + 1])))
			len++;
		bool name = is_name(slice_of(sentence, len));
		if (len == 0)
			len = 1;
		for (size_t i = 0; i < len; i++)
			if (name && sentence[i] == '.')
				buf_append_text(&out, "[.]");
			else
				buf_append(&out, sentence + i, 1);
		sentence += len;
	}
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}
