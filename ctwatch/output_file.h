/* A file that readers see whole or not at all: written beside its place, synced, then renamed. Or a stream that is there already. */
#ifndef CTWATCH_OUTPUT_FILE_H
#define CTWATCH_OUTPUT_FILE_H

#include <stdio.h>

#include "base.h"

struct output_file {
	FILE *stream;
	char *path, *temporary;           /* NULL when `stream` was there already */
};

/* `path` NULL or "-": writes to `otherwise`, which is not closed. */
bool output_file_open(struct output_file *file, const char *path, FILE *otherwise, struct error *err);
/* `ok` false takes the new file away and leaves the old one. Returns false when it was, or when the file cannot be put in place. */
bool output_file_close(struct output_file *file, bool ok, struct error *err);

#endif
