/* See writer.h. */
#include "writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES 4096             /* PIPE_BUF: a line that fits does not mix with those of other processes */

struct message {
	struct message *next;
	size_t len, done;
	uint8_t bytes[];
};

struct writer {
	struct writer_options with;
	size_t chunk;                   /* most bytes of one write */
	pthread_t thread;
	pthread_mutex_t lock;           /* for what follows */
	pthread_cond_t wake_thread, changed;
	struct message *first, **last;
	struct writer_status now;
	bool closing, abandoned;
};

/* ---- the thread ------------------------------------------------------------------------------------------- */

/* Bytes taken, or -1. A descriptor that another program made non-blocking is waited for. */
static ssize_t write_some(int fd, const uint8_t *bytes, size_t len)
{
	for (;;) {
		ssize_t n = write(fd, bytes, len);

		if (n > 0)
			return n;
		if (n == 0)
			errno = EIO;
		else if (errno == EINTR)
			continue;
		if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			return -1;
		struct pollfd room = { .fd = fd, .events = POLLOUT };
		poll(&room, 1, -1);
	}
}

static void remove_first(struct writer *w)
{
	struct message *m = w->first;

	w->first = m->next;
	if (w->first == NULL)
		w->last = &w->first;
	w->now.n_waiting--;
	w->now.waiting_bytes -= m->len;
	w->now.begun = false;
	free(m);
}

static void on_written(struct writer *w, ssize_t n, int error)
{
	w->now.error = n > 0 ? 0 : error;
	if (n <= 0)
		w->now.failed_with = error;
	if (n > 0) {
		w->first->done += (size_t)n;
		w->now.written_bytes += (uint64_t)n;
		w->now.begun = true;
		if (w->first->done == w->first->len)
			remove_first(w);
	} else if (w->with.keep_on_error) {
		w->now.failed = true;
	} else {
		remove_first(w);
		w->now.n_failed++;
	}
}

static void free_writer(struct writer *w)
{
	while (w->first != NULL)
		remove_first(w);
	pthread_cond_destroy(&w->changed);
	pthread_cond_destroy(&w->wake_thread);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void write_first(struct writer *w)
{
	const struct message *m = w->first;
	size_t left = m->len - m->done;
	size_t len = left < w->chunk ? left : w->chunk;

	pthread_mutex_unlock(&w->lock);
	ssize_t n = write_some(w->with.fd, m->bytes + m->done, len);
	int error = errno;
	pthread_mutex_lock(&w->lock);
	on_written(w, n, error);
	pthread_cond_broadcast(&w->changed);
	if ((w->first == NULL || w->now.failed) && !w->closing && w->with.idle != NULL)
		w->with.idle(w->with.ctx);
}

static void *on_thread(void *arg)
{
	struct writer *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		bool may_write = w->first != NULL && !w->now.failed && !w->abandoned;

		if (may_write)
			write_first(w);
		else if (w->closing)
			break;
		else
			pthread_cond_wait(&w->wake_thread, &w->lock);
	}
	bool mine = w->abandoned;
	pthread_mutex_unlock(&w->lock);
	if (mine)
		free_writer(w);
	return NULL;
}

/* Signals belong to other threads; an end of the reader is an error of the write. */
static int start_thread(struct writer *w)
{
	sigset_t all, before;

	sigfillset(&all);
	sigdelset(&all, SIGTTOU);        /* a job in the background that may not write to its terminal stops, as others do */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int status = pthread_create(&w->thread, NULL, on_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

/* ---- from outside ----------------------------------------------------------------------------------------- */

struct writer *writer_new(const struct writer_options *options)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t steady;
	struct stat st;

	w->with = *options;
	w->last = &w->first;
	w->chunk = fstat(options->fd, &st) == 0 && S_ISREG(st.st_mode) ? SIZE_MAX : CHUNK_BYTES;
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake_thread, &steady);
	pthread_cond_init(&w->changed, &steady);
	pthread_condattr_destroy(&steady);
	int status = start_thread(w);
	if (status == 0)
		return w;
	free_writer(w);
	errno = status;
	return NULL;
}

bool writer_put(struct writer *w, struct slice text)
{
	if (text.len == 0)
		return true;
	pthread_mutex_lock(&w->lock);
	bool fits = w->first == NULL || (text.len <= w->with.max_bytes && w->now.waiting_bytes <= w->with.max_bytes - text.len);
	if (fits) {
		struct message *m = xmalloc(sizeof(*m) + text.len);

		*m = (struct message){ .len = text.len };
		memcpy(m->bytes, text.data, text.len);
		*w->last = m;
		w->last = &m->next;
		w->now.n_waiting++;
		w->now.waiting_bytes += text.len;
		pthread_cond_signal(&w->wake_thread);
	}
	pthread_mutex_unlock(&w->lock);
	return fits;
}

void writer_status(struct writer *w, struct writer_status *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->now;
	pthread_mutex_unlock(&w->lock);
}

void writer_retry(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->now.failed = false;
	pthread_cond_signal(&w->wake_thread);
	pthread_mutex_unlock(&w->lock);
}

void writer_forget(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	/* the thread holds the first one, unless it gave up */
	bool first_may_go = w->now.failed && !w->now.begun;
	struct message **at = w->first == NULL || first_may_go ? &w->first : &w->first->next;
	while (*at != NULL) {
		struct message *m = *at;

		*at = m->next;
		w->now.n_waiting--;
		w->now.waiting_bytes -= m->len;
		free(m);
	}
	w->last = at;
	w->now.failed = w->now.failed && w->first != NULL;
	pthread_mutex_unlock(&w->lock);
}

/* With the lock held. False: nothing happened for so long. */
static bool wait_for_change(struct writer *w, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0;
}

bool writer_wait(struct writer *w, int64_t stalled_ms)
{
	pthread_mutex_lock(&w->lock);
	while (w->first != NULL && !w->now.failed && wait_for_change(w, stalled_ms))
		;
	bool all = w->first == NULL;
	pthread_mutex_unlock(&w->lock);
	return all;
}

void writer_free(struct writer *w, int64_t stalled_ms)
{
	if (w == NULL)
		return;
	bool all = writer_wait(w, stalled_ms);
	pthread_mutex_lock(&w->lock);
	bool hangs = !all && !w->now.failed;
	w->closing = true;
	w->abandoned = hangs;
	pthread_cond_signal(&w->wake_thread);
	if (hangs)
		pthread_detach(w->thread);   /* under the lock: the thread may free all of it right after */
	pthread_t thread = w->thread;
	pthread_mutex_unlock(&w->lock);
	if (hangs)
		return;
	pthread_join(thread, NULL);
	free_writer(w);
}
