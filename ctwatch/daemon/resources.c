/* See resources.h. */
#include "resources.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* The loop 4, its wake-ups and signals 5, the database and a reading connection 7, lock, list, a connection to a log, a look-up. */
#define DESCRIPTORS_MIN 22
/* libuv's 4, the database's, those that write and that hear signals 3, one that looks up a name. */
#define THREADS_MIN 9

static bool check_descriptors(struct error *err)
{
	int held[DESCRIPTORS_MIN], n = 0, status = 0;

	while (n < DESCRIPTORS_MIN && status == 0) {
		held[n] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		status = held[n] < 0 ? errno : 0;
		n += status == 0;
	}
	for (int i = 0; i < n; i++)
		close(held[i]);
	return status == 0 || error_set(err, ERR_FATAL, "%d files can be opened, and %d are needed (%s): raise the limit, as with ulimit -n 1024", n, DESCRIPTORS_MIN,
					strerror(status));
}

static void *wait_at(void *gate)
{
	pthread_mutex_lock(gate);
	pthread_mutex_unlock(gate);
	return NULL;
}

static bool check_threads(struct error *err)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_t held[THREADS_MIN];
	int n = 0, status = 0;

	pthread_mutex_lock(&gate);
	while (n < THREADS_MIN && status == 0) {
		status = pthread_create(&held[n], NULL, wait_at, &gate);
		n += status == 0;
	}
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < n; i++)
		pthread_join(held[i], NULL);
	return status == 0 || error_set(err, ERR_FATAL, "%d threads can be started, and %d are needed (%s): raise the limit on processes (ulimit -u, the container's pids) or on memory", n,
					THREADS_MIN, strerror(status));
}

bool resources_check(struct error *err)
{
	return check_descriptors(err) && check_threads(err);
}
