/* See shared.h. */
#include "shared.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

const char *shared_dir(void)
{
	struct stat st;

	return stat(CTWATCH_SHARED_DIR "/spec", &st) == 0 ? CTWATCH_SHARED_DIR : NULL;
}

void need_shared(void)
{
	if (shared_dir() != NULL)
		return;
	printf("skipped: no ../shared\n");
	skip();
}

static const char *reader_for(const char *path)
{
	size_t len = strlen(path);

	if (len > 4 && strcmp(path + len - 4, ".zst") == 0)
		return "zstd -dc";
	if (len > 3 && strcmp(path + len - 3, ".gz") == 0)
		return "gzip -dc";
	return "cat";
}

struct slice shared_file(const char *path)
{
	char *command = xasprintf("%s '%s/%s'", reader_for(path), CTWATCH_SHARED_DIR, path);
	FILE *pipe = popen(command, "r");
	struct buf content;
	uint8_t chunk[65536];
	size_t n;

	free(command);
	if (pipe == NULL)
		return (struct slice){ 0 };
	buf_init(&content, 1u << 30);
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		if (!buf_append(&content, chunk, n))
			break;
	if (pclose(pipe) != 0) {
		buf_deinit(&content);
		return (struct slice){ 0 };
	}
	buf_text(&content);
	return buf_slice(&content);
}
