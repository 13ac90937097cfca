/* Files beside a mail: the reports that report.ready names. */
#ifndef CTWATCH_MAIL_FILES_H
#define CTWATCH_MAIL_FILES_H

#include <jansson.h>

#include "base.h"

/*
 * Appends a part of a multipart/mixed mail for each path of "files" in the envelope's details. A file that is gone or does not
 * fit, and all when they are not to be attached, stand in a part of text with the path and the reason. Reads the files at once; they are
 * a few hundred kilobytes.
 */
void mail_files_put(struct buf *out, const char *boundary, const json_t *envelope, bool attach);

#endif
