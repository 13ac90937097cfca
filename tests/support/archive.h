/* The members of a tar archive beside the project (.tar.zst), one after the other, in memory. */
#ifndef CTWATCH_TESTS_ARCHIVE_H
#define CTWATCH_TESTS_ARCHIVE_H

#include "base.h"

struct archive {
	struct slice all, rest;
};

/* `path` below ../shared; skips the running test when that is missing, fails it when the file is. */
void archive_open(struct archive *archive, const char *path);
void archive_close(struct archive *archive);
/* The next regular file; `name` holds its path, `content` borrows from the archive. False at the end. */
bool archive_next(struct archive *archive, char name[256], struct slice *content);
/* Content of the file of this name, wherever it stands; fails the test when there is none. Starts over from the beginning. */
struct slice archive_find(struct archive *archive, const char *name);
/* The first certificate of a PEM file, decoded; malloc'd, the caller frees .data. Shrinks `pem` past it. NULL data at the end. */
struct slice archive_take_pem(struct slice *pem);

#endif
