#include "run_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <sqlite3.h>

#include "config.h"
#include "temp_state.h"

#define ARGUMENTS_MAX 48
#define WAIT_MS 60000            /* a loaded machine is slow, not wrong */
#define FILE_MAX (64u << 20)

void sleep_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static void program_path(const char *name, char out[512])
{
	char self[400];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(len > 0);
	self[len] = '\0';
	snprintf(out, 512, "%s/%s", dirname(self), name);
}

static pid_t spawn(const struct run_kit *kit, const char *program, const char *const *arguments)
{
	const char *argv[ARGUMENTS_MAX];
	char path[512];
	size_t n = 0;

	program_path(program, path);
	argv[n++] = path;
	for (; *arguments != NULL && n < ARGUMENTS_MAX - 1; arguments++)
		argv[n++] = *arguments;
	argv[n] = NULL;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	if (chdir(kit->directory) != 0)
		_exit(127);
	int out = open(strcmp(program, "fakelog") == 0 ? "fakelog.out" : "out", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int err = open(strcmp(program, "fakelog") == 0 ? "fakelog.out" : "err", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execv(path, (char *const *)argv);
	_exit(127);
}

char *run_kit_file(const struct run_kit *kit, const char *name)
{
	char *path = xasprintf("%s/%s", kit->directory, name);
	struct error err;
	struct buf text;

	buf_init(&text, FILE_MAX);
	file_read(path, FILE_MAX - 1, &text, &err);
	char *copy = xstrdup(buf_text(&text));
	buf_deinit(&text);
	free(path);
	return copy;
}

void run_kit_start(struct run_kit *kit, const char *const *arguments)
{
	static const char *const OWN[] = { "--ready-file", "ready", "--list", "list.json", "--fast", NULL };
	const char *all[ARGUMENTS_MAX];
	size_t n = 0;

	*kit = (struct run_kit){ .directory = temp_directory() };
	for (const char *const *a = OWN; *a != NULL; a++)
		all[n++] = *a;
	for (; *arguments != NULL && n < ARGUMENTS_MAX - 1; arguments++)
		all[n++] = *arguments;
	all[n] = NULL;
	kit->fakelog = spawn(kit, "fakelog", all);
	for (unsigned waited = 0; waited < WAIT_MS; waited += 20) {
		kit->base_url = run_kit_file(kit, "ready");
		if (kit->base_url[0] != '\0')
			break;
		free(kit->base_url);
		kit->base_url = NULL;
		sleep_ms(20);
	}
	if (kit->base_url == NULL)
		fail_msg("fakelog does not get ready: %s", run_kit_file(kit, "fakelog.out"));
	kit->base_url[strcspn(kit->base_url, "\n")] = '\0';
	run_kit_config(kit, "beginning", "");
}

void run_kit_config(const struct run_kit *kit, const char *start, const char *more)
{
	char *path = xasprintf("%s/config.json", kit->directory);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "{\"state\":\"%s/state\",\"log_lists\":[\"%s/list.json\"],\"start\":\"%s\",\"contact\":\"tests@ctwatch.invalid\",\"poll\":\"5s\"%s}\n",
		kit->directory, kit->directory, start, more);
	fclose(file);
	free(path);
}

static int wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void run_kit_stop(struct run_kit *kit)
{
	if (kit->daemon != 0)
		run_kit_end(kit, SIGKILL);
	kill(kit->fakelog, SIGTERM);
	wait_for(kit->fakelog);
	temp_remove(kit->directory);
	free(kit->base_url);
}

static pid_t start_program(const struct run_kit *kit, const char *const *arguments)
{
	const char *all[ARGUMENTS_MAX];
	size_t n = 0;

	for (; *arguments != NULL && n < ARGUMENTS_MAX - 3; arguments++)
		all[n++] = *arguments;
	all[n++] = "-c";
	all[n++] = "config.json";
	all[n] = NULL;
	return spawn(kit, "../ctwatch", all);
}

int run_kit_run(const struct run_kit *kit, const char *const *arguments)
{
	return wait_for(start_program(kit, arguments));
}

void run_kit_daemon(struct run_kit *kit)
{
	static const char *const RUN[] = { "run", NULL };

	kit->daemon = start_program(kit, RUN);
}

int run_kit_end(struct run_kit *kit, int signal)
{
	pid_t pid = kit->daemon;

	kit->daemon = 0;
	kill(pid, signal);
	return wait_for(pid);
}

void run_kit_control(const struct run_kit *kit, const char *query)
{
	char *url = xasprintf("%s/control?%s", kit->base_url, query);
	CURL *easy = curl_easy_init();
	long status = 0;
	FILE *nowhere = fopen("/dev/null", "w");

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, nowhere);
	assert_int_equal(curl_easy_perform(easy), CURLE_OK);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	assert_int_equal(status / 100, 2);
	curl_easy_cleanup(easy);
	fclose(nowhere);
	free(url);
}

char *run_kit_sql(const struct run_kit *kit, const char *query)
{
	char *path = xasprintf("%s/state/ctwatch.db", kit->directory);
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	struct buf out;

	buf_init(&out, FILE_MAX);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, 5000);
		if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) == SQLITE_OK) {
			while (sqlite3_step(statement) == SQLITE_ROW) {
				for (int i = 0; i < sqlite3_column_count(statement); i++)
					buf_printf(&out, "%s%s", i == 0 ? "" : "|",
						   sqlite3_column_text(statement, i) == NULL ? "" : (const char *)sqlite3_column_text(statement, i));
				buf_append_text(&out, "\n");
			}
		}
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
	free(path);
	if (out.len > 0)
		out.len--;               /* no newline at the end */
	char *text = xstrdup(buf_text(&out));
	buf_deinit(&out);
	return text;
}

void run_kit_wait(const struct run_kit *kit, const char *query, const char *expected)
{
	for (unsigned waited = 0;; waited += 100) {
		char *text = run_kit_sql(kit, query);
		bool done = strcmp(text, expected) == 0;

		if (!done && waited >= WAIT_MS)
			fail_msg("%s gives \"%s\", not \"%s\"", query, text, expected);
		free(text);
		if (done)
			return;
		sleep_ms(100);
	}
}
