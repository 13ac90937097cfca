/* See output_file.h. */
#include "output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool output_file_open(struct output_file *file, const char *path, FILE *otherwise, struct error *err)
{
	*file = (struct output_file){ .stream = otherwise };
	errno = 0;               /* what is found there at the end is why writing failed */
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

static bool not_written(const char *what, struct error *err)
{
	return error_set(err, ERR_NO_SPACE, "%s could not be written: %s", what, errno != 0 ? strerror(errno) : "the system does not say why");
}

bool output_file_close(struct output_file *file, bool ok, struct error *err)
{
	/* a writer that stopped because the stream failed leaves the sentence to us */
	bool failed = ferror(file->stream) != 0;

	if (file->path == NULL)
		return failed || (ok && fflush(file->stream) != 0) ? not_written("output", err) : ok;
	if (failed || (ok && (fflush(file->stream) != 0 || fsync(fileno(file->stream)) != 0)))
		ok = not_written(file->temporary, err);
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
