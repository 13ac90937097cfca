/* Files beside the database: written whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sql.h"

static bool write_all(int fd, struct slice content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.data, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		content = slice_sub(content, (size_t)n, content.len);
	}
	return true;
}

static bool sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

bool file_put(const char *directory, const char *name, struct slice content, struct error *err)
{
	char *path = xasprintf("%s/%s", directory, name), *temporary = xasprintf("%s/.%s.tmp", directory, name);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	bool ok = fd >= 0 && write_all(fd, content) && fsync(fd) == 0;
	int why = errno;

	if (fd >= 0)
		close(fd);
	if (ok && (rename(temporary, path) != 0 || !sync_directory(directory))) {
		why = errno;
		ok = false;
	}
	if (!ok) {
		unlink(temporary);
		error_set(err, errno_kind(why), "cannot write %s: %s", path, strerror(why));
	}
	free(path);
	free(temporary);
	return ok;
}
