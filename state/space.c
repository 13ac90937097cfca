/* Room: what the state takes, what is left, and the reserve. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sql.h"

#define RESERVE_SHARE 4                   /* at most one part in so many of what is free */
#define RESERVE_BYTES_MIN (256 << 10)    /* less than this would not hold the words about a full disk */

static uint64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

bool state_size(struct state *st, uint64_t *n_bytes, uint64_t *free_bytes, struct error *err)
{
	char *wal = xasprintf("%s-wal", st->db_path);
	uint64_t total = size_of(st->db_path) + size_of(wal);
	struct statvfs fs;

	free(wal);
	if (statvfs(st->directory, &fs) != 0)
		return error_set(err, ERR_FATAL, "state %s: cannot ask its file system for free space: %s", st->directory, strerror(errno));
	*n_bytes = total;
	*free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return true;
}

static char *reserve_path(const struct state *st)
{
	return xasprintf("%s/reserve", st->directory);
}

bool state_reserve_release(struct state *st)
{
	char *path = reserve_path(st);
	bool ok = unlink(path) == 0;

	free(path);
	return ok;
}

/* Real blocks, not a hole: posix_fallocate. */
static bool allocate(const char *path, off_t n_bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	bool ok = fd >= 0 && posix_fallocate(fd, 0, n_bytes) == 0;

	if (fd >= 0)
		close(fd);
	if (!ok)
		unlink(path);
	return ok;
}

bool state_reserve_take(struct state *st)
{
	char *path = reserve_path(st);
	uint64_t have = size_of(path), wanted = 0;
	struct statvfs fs;

	if (have < STATE_RESERVE_BYTES && statvfs(st->directory, &fs) == 0)
		wanted = ((uint64_t)fs.f_bavail * fs.f_frsize + have) / RESERVE_SHARE;
	if (wanted > STATE_RESERVE_BYTES)
		wanted = STATE_RESERVE_BYTES;
	if (wanted >= RESERVE_BYTES_MIN && wanted > have && allocate(path, (off_t)wanted))
		have = wanted;
	free(path);
	return have >= STATE_RESERVE_BYTES;
}

uint64_t state_reserve_bytes(const struct state *st)
{
	char *path = reserve_path(st);
	uint64_t have = size_of(path);

	free(path);
	return have;
}
