#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sql.h"

/*
 * Locks of the open file description (F_OFD_*), not of the process: a second open in the same process is refused as well, and
 * closing another descriptor of the file does not drop it.
 */
enum lock_byte { BYTE_DAEMON, BYTE_TURN };

static struct flock lock_of(enum lock_byte byte, short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
}

static char *lock_path(const char *directory)
{
	return xasprintf("%s/lock", directory);
}

/* "4711 since 2026-11-22T08:15:30.123Z on host" */
static bool write_holder(int fd, int64_t now_ms)
{
	char host[256] = "", since[TIME_TEXT_LEN];

	gethostname(host, sizeof(host) - 1);
	char *text = xasprintf("%ld since %s on %s\n", (long)getpid(), time_format_rfc3339(now_ms, since), host);
	bool ok = ftruncate(fd, 0) == 0 && pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);

	free(text);
	return ok;
}

static void read_holder(int fd, char *out, size_t out_len)
{
	char text[512];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text_escape(slice_of(text, n > 0 ? (size_t)n : 0), out, out_len);
}

bool lock_take(const char *directory, int64_t now_ms, int *out, struct error *err)
{
	char *path = lock_path(directory), holder[300];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640), why = errno;
	struct flock lock = lock_of(BYTE_DAEMON, F_WRLCK);

	free(path);
	if (fd < 0)
		return error_set(err, errno_kind(why),
				 "state %s: cannot write its lock (%s); give this user write permission on the directory", directory, strerror(why));
	if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
		why = errno;
		read_holder(fd, holder, sizeof(holder));
		close(fd);
		if (why == EAGAIN || why == EACCES)
			return error_set(err, ERR_FATAL, "state %s is in use by process %s; stop it first, or name another state directory", directory,
					 holder[0] != '\0' ? holder : "unknown");
		return error_set(err, ERR_FATAL, "state %s cannot be locked: %s", directory, strerror(why));
	}
	/* a full disk must not keep the daemon from starting: who holds it is a courtesy */
	(void)write_holder(fd, now_ms);
	*out = fd;
	return true;
}

void lock_release(int *fd)
{
	if (*fd < 0)
		return;
	if (ftruncate(*fd, 0) != 0)
		errno = 0;   /* only the kernel's lock counts */
	close(*fd);
	*fd = -1;
}

long state_holder(const char *directory)
{
	char *path = lock_path(directory), holder[300];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct flock lock = lock_of(BYTE_DAEMON, F_RDLCK);
	long pid = 0;

	free(path);
	if (fd < 0)
		return 0;
	if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
		read_holder(fd, holder, sizeof(holder));
		pid = strtol(holder, NULL, 10);
	}
	close(fd);
	return pid;
}

/* ---- turns ---------------------------------------------------------------------------------------------- */

#define TURN_POLLS 1000       /* of a millisecond */

int turn_open(const char *directory)
{
	char *path = lock_path(directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	free(path);
	return fd;
}

void turn_take(int fd)
{
	const struct timespec millisecond = { 0, 1000000 };
	struct flock lock = lock_of(BYTE_TURN, F_WRLCK);

	for (int i = 0; fd >= 0 && i < TURN_POLLS && fcntl(fd, F_OFD_SETLK, &lock) != 0; i++)
		nanosleep(&millisecond, NULL);
}

void turn_release(int fd)
{
	struct flock lock = lock_of(BYTE_TURN, F_UNLCK);

	if (fd >= 0)
		(void)fcntl(fd, F_OFD_SETLK, &lock);
}
