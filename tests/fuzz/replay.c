/* Stands in for libFuzzer in ordinary builds: runs the target once over every file of a corpus directory. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return 0;
	struct buf content;
	uint8_t chunk[65536];
	size_t n;

	buf_init(&content, 1u << 26);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0 && buf_append(&content, chunk, n))
		;
	fclose(file);
	LLVMFuzzerTestOneInput(content.data != NULL ? content.data : chunk, content.len);
	buf_deinit(&content);
	return 1;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *item;

		if (dir == NULL) {
			fprintf(stderr, "no corpus at %s\n", argv[i]);
			return 1;
		}
		while ((item = readdir(dir)) != NULL) {
			if (item->d_name[0] == '.')
				continue;
			char *path = xasprintf("%s/%s", argv[i], item->d_name);
			n += run_file(path);
			free(path);
		}
		closedir(dir);
	}
	printf("%d inputs replayed\n", n);
	return n > 0 ? 0 : 1;
}
