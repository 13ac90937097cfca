/* See leave.h. */
#include "leave.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEAVE_WITHIN_MS 4200         /* then the last words; 5 s are promised, container managers wait 10 */
#define LAST_WORDS_MS 300
#define SAME_SIGNAL_MS 50            /* a terminal and a wrapper send one each */
#define BEGIN_SIGNAL SIGALRM         /* from ourselves: wakes the thread for leave_begin */

struct leave {
	pthread_mutex_t lock;            /* for what follows */
	struct diag *diag;
	const char *doing;
	void (*told)(void *ctx);
	void *ctx;
	int code, code_on_signal;
	int64_t asked_ms, until_ms;      /* steady; 0: not yet */
	pthread_t thread;
};

static int64_t steady_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, BEGIN_SIGNAL);
}

/* With the lock held, which keeps the diagnostics. */
static _Noreturn void leave_now(struct leave *l)
{
	if (l->diag != NULL) {
		diag(l->diag, DIAG_WARNING, "daemon", NULL, "leaving at once, without waiting for %s: nothing that was committed is lost", l->doing);
		diag_flush(l->diag, LAST_WORDS_MS);
	}
	_exit(l->code);
}

static void begin(struct leave *l)
{
	if (l->until_ms == 0)
		l->until_ms = steady_ms() + LEAVE_WITHIN_MS;
}

static void tell(struct leave *l)
{
	void (*told)(void *) = l->told;

	l->told = NULL;
	if (told != NULL)
		told(l->ctx);
}

static void on_signal(struct leave *l)
{
	if (l->asked_ms != 0) {
		if (steady_ms() - l->asked_ms > SAME_SIGNAL_MS)
			leave_now(l);
		return;
	}
	l->asked_ms = steady_ms();
	if (l->code == 0)
		l->code = l->code_on_signal;
	begin(l);
	tell(l);
}

/* The next signal; -1 when the time is over. */
static int wait_for_signal(const sigset_t *set, int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - steady_ms();
		struct timespec wait = { .tv_sec = left > 0 ? (time_t)(left / 1000) : 0, .tv_nsec = left > 0 ? (long)(left % 1000) * 1000000 : 0 };
		int number = until_ms == 0 ? sigwaitinfo(set, NULL) : sigtimedwait(set, NULL, &wait);

		if (number > 0 || errno == EAGAIN)
			return number;
	}
}

static void *on_thread(void *arg)
{
	struct leave *l = arg;
	int64_t until_ms = 0;
	sigset_t set;

	signals(&set);
	for (;;) {
		int number = wait_for_signal(&set, until_ms);

		pthread_mutex_lock(&l->lock);
		if (number < 0)
			leave_now(l);
		if (number == BEGIN_SIGNAL)
			begin(l);
		else
			on_signal(l);
		until_ms = l->until_ms;
		pthread_mutex_unlock(&l->lock);
	}
	return NULL;
}

struct leave *leave_start(struct diag *out, int code_on_signal, struct error *err)
{
	struct leave *l = xcalloc(1, sizeof(*l));
	sigset_t set;

	l->diag = out;
	l->doing = "what it has begun";
	l->code_on_signal = code_on_signal;
	pthread_mutex_init(&l->lock, NULL);
	signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	int status = pthread_create(&l->thread, NULL, on_thread, l);
	if (status == 0) {
		pthread_detach(l->thread);
		return l;
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
	error_set(err, ERR_FATAL, "no thread can be started: %s", strerror(status));
	return NULL;
}

void leave_tell(struct leave *l, void (*told)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&l->lock);
	l->told = told;
	l->ctx = ctx;
	if (l->asked_ms != 0)
		tell(l);
	pthread_mutex_unlock(&l->lock);
}

void leave_begin(struct leave *l)
{
	pthread_kill(l->thread, BEGIN_SIGNAL);
}

void leave_doing(struct leave *l, const char *what)
{
	pthread_mutex_lock(&l->lock);
	l->doing = what;
	pthread_mutex_unlock(&l->lock);
}

void leave_code(struct leave *l, int code)
{
	pthread_mutex_lock(&l->lock);
	l->code = code;
	pthread_mutex_unlock(&l->lock);
}

void leave_end(struct leave *l)
{
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->diag = NULL;
	l->told = NULL;
	pthread_mutex_unlock(&l->lock);
}
