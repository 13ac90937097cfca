/* See process.h. */
#include "process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_MAX 4096
#define GRACE_MS 2000
#define LINGER_MS 500
#define ENV_MAX 128

struct process {
	uv_process_t child;
	uv_pipe_t in, out;
	uv_timer_t limit;
	uv_write_t write;
	uint8_t *input;
	struct buf output;
	char chunk[4096];
	unsigned open_handles;
	bool spawned, exited, out_ended, timed_out, reported;
	int64_t exit_status;
	int signal;
	int start_error;
	int64_t time_limit_ms;
	void (*done)(void *ctx, bool ok, const char *sentence);
	void *ctx;
};

static void on_closed(uv_handle_t *handle)
{
	struct process *process = handle->data;

	if (--process->open_handles > 0)
		return;
	buf_deinit(&process->output);
	free(process->input);
	free(process);
}

static void close_handle(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

static void close_all(struct process *process)
{
	close_handle((uv_handle_t *)&process->in);
	close_handle((uv_handle_t *)&process->out);
	close_handle((uv_handle_t *)&process->limit);
	if (process->spawned)
		close_handle((uv_handle_t *)&process->child);
}

/* One sentence of how it went, with the beginning of what it said. */
static void report(struct process *process)
{
	char sentence[256], said[160];
	bool ok = process->start_error == 0 && !process->timed_out && process->signal == 0 && process->exit_status == 0;

	text_escape(slice_of(process->output.data, process->output.len), said, sizeof(said));
	if (process->start_error != 0)
		snprintf(sentence, sizeof(sentence), "cannot be started: %s", uv_strerror(process->start_error));
	else if (process->timed_out)
		snprintf(sentence, sizeof(sentence), "ended after its time limit");
	else if (process->signal != 0)
		snprintf(sentence, sizeof(sentence), "ended by signal %d", process->signal);
	else
		snprintf(sentence, sizeof(sentence), "exit status %d%s%s", (int)process->exit_status, said[0] != '\0' ? ": " : "", said);
	process->reported = true;
	void (*done)(void *, bool, const char *) = process->done;
	void *ctx = process->ctx;
	close_all(process);
	done(ctx, ok, sentence);
}

static void maybe_report(struct process *process)
{
	if (process->exited && process->out_ended && !process->reported)
		report(process);
}

static void on_limit(uv_timer_t *limit);

static void on_child_exit(uv_process_t *child, int64_t status, int signal)
{
	struct process *process = child->data;

	process->exited = true;
	process->exit_status = status;
	process->signal = signal;
	if (process->reported) {
		/* cancelled: it was waited for only so that no zombie stays */
		close_handle((uv_handle_t *)child);
		return;
	}
	maybe_report(process);
	/* a grandchild may hold the pipe open: what the program itself wrote is there within a moment */
	if (!process->reported)
		uv_timer_start(&process->limit, on_limit, LINGER_MS, 0);
}

static void end_group(struct process *process, int number)
{
	if (uv_kill(-process->child.pid, number) != 0)
		uv_process_kill(&process->child, number);
}

static void on_limit(uv_timer_t *limit)
{
	struct process *process = limit->data;

	if (process->start_error != 0) {
		report(process);
	} else if (process->exited) {
		process->out_ended = true;
		maybe_report(process);
	} else if (!process->timed_out) {
		process->timed_out = true;
		end_group(process, SIGTERM);
		uv_timer_start(limit, on_limit, GRACE_MS, 0);
	} else {
		end_group(process, SIGKILL);
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct process *process = handle->data;

	(void)suggested;
	*buf = uv_buf_init(process->chunk, sizeof(process->chunk));
}

static void on_output(uv_stream_t *out, ssize_t n, const uv_buf_t *buf)
{
	struct process *process = out->data;

	if (n < 0) {
		process->out_ended = true;
		maybe_report(process);
		return;
	}
	/* read to the end, so that it never blocks; keep the beginning */
	size_t room = OUTPUT_MAX - process->output.len;
	buf_append(&process->output, buf->base, (size_t)n < room ? (size_t)n : room);
}

static void on_written(uv_write_t *write, int status)
{
	struct process *process = CONTAINER_OF(write, struct process, write);

	/* a program that does not read its input is fine */
	(void)status;
	close_handle((uv_handle_t *)&process->in);
}

static void inherit(const char **env, size_t *n, char **made, size_t *n_made)
{
	static const char *const names[] = { "PATH", "HOME", "LANG", "TZ" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value == NULL)
			continue;
		made[*n_made] = xasprintf("%s=%s", names[i], value);
		env[(*n)++] = made[(*n_made)++];
	}
}

/* `said`: the writing end for standard output and standard error. */
static int spawn(struct process *process, const struct process_options *options, uv_loop_t *loop, uv_file said)
{
	const char *env[ENV_MAX + 8];
	char *made[8];
	size_t n = 0, n_made = 0;
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&process->in },
		{ .flags = UV_INHERIT_FD, .data.fd = said },
		{ .flags = UV_INHERIT_FD, .data.fd = said },
	};

	inherit(env, &n, made, &n_made);
	for (size_t i = 0; options->env != NULL && options->env[i] != NULL && i < ENV_MAX; i++)
		env[n++] = options->env[i];
	env[n] = NULL;
	uv_process_options_t spawn_options = {
		.exit_cb = on_child_exit,
		.file = options->argv[0],
		.args = (char **)options->argv,
		.env = (char **)env,
		.cwd = options->directory != NULL ? options->directory : "/",
		.flags = UV_PROCESS_DETACHED,     /* a group of its own: what it started ends with it */
		.stdio_count = 3,
		.stdio = stdio,
	};
	process->spawned = true;          /* its handle is initialised also when spawning fails */
	process->open_handles++;
	process->child.data = process;
	int status = uv_spawn(loop, &process->child, &spawn_options);
	for (size_t i = 0; i < n_made; i++)
		free(made[i]);
	return status;
}

struct process *process_start(uv_loop_t *loop, const struct process_options *options)
{
	struct process *process = xcalloc(1, sizeof(*process));

	process->done = options->done;
	process->ctx = options->ctx;
	process->time_limit_ms = options->time_limit_ms;
	buf_init(&process->output, OUTPUT_MAX);
	uv_pipe_init(loop, &process->in, 0);
	uv_pipe_init(loop, &process->out, 0);
	uv_timer_init(loop, &process->limit);
	process->in.data = process->out.data = process->limit.data = process;
	process->open_handles = 3;
	uv_file said[2];
	process->start_error = uv_pipe(said, UV_NONBLOCK_PIPE, 0);
	if (process->start_error == 0) {
		uv_pipe_open(&process->out, said[0]);
		process->start_error = spawn(process, options, loop, said[1]);
		close(said[1]);
	}
	if (process->start_error != 0) {
		uv_timer_start(&process->limit, on_limit, 0, 0);
		return process;
	}
	uv_timer_start(&process->limit, on_limit, (uint64_t)process->time_limit_ms, 0);
	uv_read_start((uv_stream_t *)&process->out, on_alloc, on_output);
	process->input = xmalloc(options->input.len);
	if (options->input.len > 0)
		memcpy(process->input, options->input.data, options->input.len);
	uv_buf_t input = uv_buf_init((char *)process->input, (unsigned)options->input.len);
	if (uv_write(&process->write, (uv_stream_t *)&process->in, &input, 1, on_written) != 0)
		close_handle((uv_handle_t *)&process->in);
	return process;
}

void process_cancel(struct process *process)
{
	if (process->reported)
		return;
	process->reported = true;
	bool running = process->start_error == 0 && !process->exited;
	if (running)
		end_group(process, SIGKILL);
	close_handle((uv_handle_t *)&process->in);
	close_handle((uv_handle_t *)&process->out);
	close_handle((uv_handle_t *)&process->limit);
	if (!running)
		close_handle((uv_handle_t *)&process->child);
}
