/*
 * Lines of a text that people give: a file or standard input ("-"), plain or gzip. A byte order mark is skipped, line ends of every
 * system are cut off. What is no text (another compression, UTF-16, binary) is refused with what to do instead, since judging its bytes
 * as names would be a false all-clear.
 */
#ifndef CTWATCH_LINES_H
#define CTWATCH_LINES_H

#include "base.h"

struct gzFile_s;                  /* zlib's */

#define LINE_BYTES_MAX (1u << 20)

struct line_reader {
	struct gzFile_s *in;
	char *path;               /* as it is shown */
	struct buf bytes;         /* read and not yet returned */
	size_t at;                /* where the next line begins in it */
	uint64_t number;          /* of the line returned last, from 1 */
	bool first_column, begun, ended, failed;
	struct error err;
};

/* What follows a tab is left off when `first_column`. ERR_USAGE names the file. */
bool lines_open(struct line_reader *, const char *path, bool first_column, struct error *err);
/* False at the end, or when it breaks: lines_close says which. The line borrows from the reader until the next call. */
bool lines_next(struct line_reader *, struct slice *line);
/* False with a sentence when the text could not be read to its end. */
bool lines_close(struct line_reader *, struct error *err);

#endif
