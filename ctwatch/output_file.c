/* See output_file.h. */
#include "output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool output_file_open(struct output_file *file, const char *path, FILE *otherwise, struct error *err)
{
	*file = (struct output_file){ .stream = otherwise };
	if (path == NULL || strcmp(path, "-") == 0)
		return true;
	char *temporary = xasprintf("%s.new.%ld", path, (long)getpid());
	FILE *stream = fopen(temporary, "we");
	if (stream == NULL) {
		error_set(err, ERR_USAGE, "%s cannot be written: %s", temporary, strerror(errno));
		free(temporary);
		return false;
	}
	*file = (struct output_file){ stream, xstrdup(path), temporary };
	return true;
}

bool output_file_close(struct output_file *file, bool ok, struct error *err)
{
	if (file->path == NULL) {
		if (ok && (fflush(file->stream) != 0 || ferror(file->stream)))
			ok = error_set(err, ERR_NO_SPACE, "output cannot be written: %s", strerror(errno));
		return ok;
	}
	if (ok && (ferror(file->stream) || fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0))
		ok = error_set(err, ERR_NO_SPACE, "%s cannot be written: %s", file->temporary, strerror(errno));
	fclose(file->stream);
	if (ok && rename(file->temporary, file->path) != 0)
		ok = error_set(err, ERR_USAGE, "%s cannot be put in place: %s", file->path, strerror(errno));
	if (!ok)
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	*file = (struct output_file){ 0 };
	return ok;
}
