/* SIGHUP, hundreds of times: what a configuration held is given back when the next one stands in its place. */
#include "daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "temp_state.h"

#define WARM_UP 40                   /* the allocator's and libraries' own tables are filled by then */
#define RELOADS 300
#define MAY_GROW_BYTES (RELOADS * 100u)

/* Exact under the address sanitizer, whose allocator does not count for mallinfo2. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
	return __sanitizer_get_current_allocated_bytes != NULL ? __sanitizer_get_current_allocated_bytes() : mallinfo2().uordblks;
}

struct operator {
	char *config_path;
	atomic_uint n_loads;
	size_t after_warm_up, at_end;
};

/* On the loop, at the same point of each reload. */
static bool load(void *ctx, struct config *out, struct error *err)
{
	struct operator *operator = ctx;
	unsigned n = atomic_load(&operator->n_loads) + 1;

	if (n == WARM_UP)
		operator->after_warm_up = allocated();
	if (n == WARM_UP + RELOADS)
		operator->at_end = allocated();
	atomic_store(&operator->n_loads, n);
	return config_load(operator->config_path, out, err);
}

static void *operate(void *arg)
{
	struct operator *operator = arg;
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (unsigned n = 0; n < WARM_UP + RELOADS; n++) {
		kill(getpid(), SIGHUP);   /* the first comes while it starts */
		while (atomic_load(&operator->n_loads) == n)
			nanosleep(&pause, NULL);
	}
	kill(getpid(), SIGTERM);
	return NULL;
}

static char *write_config(const char *directory)
{
	char *path = xasprintf("%s/config.json", directory);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file,
		"{\"state\":\"%s/state\",\"log_lists\":[\"%s/none.json\"],\"logs\":{\"include\":[\"none of them\"]},\"contact\":\"tests@ctwatch.invalid\","
		"\"alerts\":[{\"type\":\"command\",\"argv\":[\"/bin/true\"]},{\"type\":\"ecs\",\"path\":\"%s/ecs\"}]}\n",
		directory, directory, directory);
	fclose(file);
	return path;
}

/* They wait for those who listen: the loop, and the thread that hears SIGTERM. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void three_hundred_reloads_keep_nothing(void **state)
{
	struct operator operator = { .config_path = NULL };
	char *directory = temp_directory();
	struct config config;
	struct error err;
	pthread_t thread;

	(void)state;
	operator.config_path = write_config(directory);
	if (!config_load(operator.config_path, &config, &err))
		fail_msg("%s", err.text);
	block_signals();
	assert_int_equal(pthread_create(&thread, NULL, operate, &operator), 0);
	struct daemon_options options = { .config = &config, .reload = load, .reload_ctx = &operator };
	assert_int_equal(daemon_run(&options), 0);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&operator.n_loads), WARM_UP + RELOADS);
	if (operator.at_end > operator.after_warm_up + MAY_GROW_BYTES)
		fail_msg("%u reloads keep %zu bytes each", RELOADS, (operator.at_end - operator.after_warm_up) / RELOADS);
	free(operator.config_path);
	temp_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_hundred_reloads_keep_nothing),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
