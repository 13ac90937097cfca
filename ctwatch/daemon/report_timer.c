/* See report_timer.h. */
#include "report_timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "output_file.h"
#include "report_settings.h"
#include "report_weeks.h"

#define LOOK_MS 60000                /* a clock that was set is noticed within a minute */
#define LAST_FACT "report/last"      /* the week that was reported last ... */
#define WEEKS_FACT "report/weeks"    /* ... and the weeks before it, see report_weeks.h */
#define RETRY_MS 900000

enum timer_phase { TIMER_ASKING, TIMER_WAITING, TIMER_WRITING, TIMER_TELLING };

struct report_timer {
	struct report_timer_options with;
	uv_timer_t look;
	uv_work_t work;
	enum timer_phase phase;
	bool closing, handle_closed;
	int64_t not_before_steady_ms;     /* after a failure */
	char *done;                       /* weeks that are reported */
	char *done_next;                  /* what it becomes with the week that is being reported */
	char week[16];                    /* the last one that is over, being reported */
	/* the worker's, while WRITING */
	struct config config;             /* a copy of the struct: a reload writes over the original; what it points to lives until the end */
	struct report_settings settings;
	struct report_options range;      /* of the week that is due */
	int64_t generated_ms;
	bool ok;
	struct error err;
	struct buf files;                 /* JSON array of paths */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

static void look(struct report_timer *timer);
static bool ask_job(void *ctx, struct state *st, struct error *err);
static void on_asked(void *ctx, bool ok, const struct error *err);

static int64_t wall_ms(const struct report_timer *timer)
{
	return timer->with.clock.wall_ms(timer->with.clock.ctx);
}

static int64_t steady_ms(const struct report_timer *timer)
{
	return timer->with.clock.steady_ms(timer->with.clock.ctx);
}

static void maybe_free(struct report_timer *timer)
{
	if (!timer->closing || !timer->handle_closed || timer->phase != TIMER_WAITING)
		return;
	void (*closed)(void *) = timer->closed;
	void *ctx = timer->closed_ctx;

	free(timer->done);
	free(timer->done_next);
	free(timer);
	closed(ctx);
}

static void rest(struct report_timer *timer)
{
	timer->phase = TIMER_WAITING;
	maybe_free(timer);
}

static bool keep_done(const struct report_timer *timer, const char *weeks, struct state *st, struct error *err)
{
	return state_put_fact(st, LAST_FACT, timer->week, err) && state_put_fact(st, WEEKS_FACT, weeks, err);
}

/* ---- telling: the fact and the event, in one transaction -------------------------------------------------------- */

static bool tell_job(void *ctx, struct state *st, struct error *err)
{
	struct report_timer *timer = ctx;
	char *payload = xasprintf("{\"summary\":\"The report of week %s is there\",\"week\":\"%s\",\"files\":%s}", timer->week, timer->week, buf_text(&timer->files));
	struct state_event event = { .type = EVENT_REPORT_READY, .payload_json = payload, .subject = timer->week };
	bool ok = keep_done(timer, timer->done_next, st, err) && state_route(st, &event, timer->generated_ms, err);

	free(payload);
	return ok;
}

static void on_told(void *ctx, bool ok, const struct error *err)
{
	struct report_timer *timer = ctx;

	if (ok) {
		free(timer->done);
		timer->done = timer->done_next;
		timer->done_next = NULL;
		diag(timer->with.diag, DIAG_NOTICE, "report", NULL, "the report of week %s is written to %s", timer->week, timer->settings.directory);
	} else if (!timer->closing) {
		diag(timer->with.diag, DIAG_WARNING, "report", NULL, "%s; it is made again later", err->text);
		timer->not_before_steady_ms = steady_ms(timer) + RETRY_MS;
	}
	report_settings_deinit(&timer->settings);
	buf_deinit(&timer->files);
	if (ok && !timer->closing && timer->with.made != NULL)
		timer->with.made(timer->with.ctx);
	rest(timer);
}

/* ---- writing, on a worker thread ------------------------------------------------------------------------------------ */

/* What lies in the state's directory is for its user and group only, as everything else there. */
static bool is_in_state(const struct report_timer *timer)
{
	size_t len = strlen(timer->config.state);

	return strncmp(timer->settings.directory, timer->config.state, len) == 0 && timer->settings.directory[len] == '/';
}

static bool write_one(struct report_timer *timer, struct state *st, enum report_format format, struct error *err)
{
	char *path = xasprintf("%s/ctwatch-%s.%s", timer->settings.directory, timer->week, REPORT_FORMAT_NAMES[format]);
	struct output_file file;
	bool ok = output_file_open(&file, path, NULL, err);

	if (ok) {
		if (is_in_state(timer))
			(void)fchmod(fileno(file.stream), 0640);
		ok = report_write(st, &timer->settings.options, format, file.stream, err);
		ok = output_file_close(&file, ok, err);
	}
	if (ok) {
		json_t *string = json_string(path);
		char *quoted = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;

		buf_printf(&timer->files, "%s%s", timer->files.len > 1 ? "," : "", quoted != NULL ? quoted : "\"\"");
		free(quoted);
		json_decref(string);
	}
	free(path);
	return ok;
}

static bool make_directory(const struct report_timer *timer, struct error *err)
{
	const char *path = timer->settings.directory;

	return mkdir(path, is_in_state(timer) ? 0750 : 0755) == 0 || errno == EEXIST || error_set(err, ERR_USAGE, "the directory %s cannot be made: %s", path, strerror(errno));
}

static bool write_all(struct report_timer *timer, struct error *err)
{
	struct report_options *options = &timer->settings.options;
	struct state *st;
	bool ok = true;

	options->since_ms = timer->range.since_ms;
	options->until_ms = timer->range.until_ms;
	options->before_ms = timer->range.before_ms;
	options->generated_ms = timer->generated_ms;
	if (!make_directory(timer, err) || !state_open(timer->config.state, STATE_READ, timer->generated_ms, &st, err))
		return false;
	for (enum report_format format = 0; ok && format < N_REPORT_FORMATS; format++)
		if (timer->settings.formats[format])
			ok = write_one(timer, st, format, err);
	state_close(st);
	return ok;
}

static void on_work(uv_work_t *work)
{
	struct report_timer *timer = CONTAINER_OF(work, struct report_timer, work);

	timer->ok = report_settings_load(&timer->settings, &timer->config, NULL, NULL, timer->generated_ms, &timer->err) && write_all(timer, &timer->err);
}

static void on_worked(uv_work_t *work, int status)
{
	struct report_timer *timer = CONTAINER_OF(work, struct report_timer, work);

	buf_append_text(&timer->files, "]");
	if (status == 0 && timer->ok) {
		timer->phase = TIMER_TELLING;
		store_submit(timer->with.store, tell_job, on_told, timer);
		return;
	}
	if (status == 0) {
		diag(timer->with.diag, DIAG_WARNING, "report", NULL, "the report of week %s could not be written: %s; it is tried again", timer->week, timer->err.text);
		timer->not_before_steady_ms = steady_ms(timer) + RETRY_MS;
	}
	report_settings_deinit(&timer->settings);
	buf_deinit(&timer->files);
	rest(timer);
}

static void start_writing(struct report_timer *timer)
{
	buf_init(&timer->files, 64u << 10);
	buf_append_text(&timer->files, "[");
	timer->config = *timer->with.config;
	free(timer->done_next);
	timer->done_next = report_weeks_add(timer->done, timer->week, timer->generated_ms);
	timer->phase = TIMER_WRITING;
	uv_queue_work(timer->with.loop, &timer->work, on_work, on_worked);
}

/* ---- looking whether it is time -------------------------------------------------------------------------------------- */

/* The last whole week is due once its report's weekday and time have passed: Monday 07:00 of the week after, by default. */
static bool is_due(struct report_timer *timer, struct error *err)
{
	const char *zone = timer->with.config->timezone;
	int64_t now = wall_ms(timer), due_ms;
	int year, week, weekday, minute;

	report_schedule(timer->with.config, &weekday, &minute);
	if (weekday < 0 || !report_last_week(zone, now, &year, &week, err) || !report_week_options(zone, year, week, &timer->range, err) ||
	    !report_next_time(zone, weekday, minute, timer->range.until_ms - 1, &due_ms, err))
		return false;
	snprintf(timer->week, sizeof(timer->week), "%04d-W%02d", year % 10000, week % 100);
	timer->generated_ms = now;
	return now >= due_ms && report_week_is_owed(timer->done, timer->week, now);
}

static void look(struct report_timer *timer)
{
	struct error err = { 0 };

	if (timer->phase != TIMER_WAITING || timer->done == NULL || timer->closing || steady_ms(timer) < timer->not_before_steady_ms)
		return;
	bool due = is_due(timer, &err);
	if (report_week_is_first(timer->done, timer->week)) {
		timer->phase = TIMER_ASKING;
		store_submit(timer->with.store, ask_job, on_asked, timer);
	} else if (due) {
		start_writing(timer);
	} else if (err.kind != ERR_NONE) {
		diag(timer->with.diag, DIAG_WARNING, "report", NULL, "%s", err.text);
		timer->not_before_steady_ms = steady_ms(timer) + RETRY_MS;
	}
}

static void on_look(uv_timer_t *handle)
{
	look(CONTAINER_OF(handle, struct report_timer, look));
}

/* ---- starting: which week was reported last? A first start owes nothing for the weeks before it. -------------------- */

static bool load_done(struct report_timer *timer, struct state *st, struct error *err)
{
	char *last = NULL;

	free(timer->done);
	timer->done = NULL;
	if (!state_get_fact(st, LAST_FACT, &last, err) || !state_get_fact(st, WEEKS_FACT, &timer->done, err)) {
		free(last);
		return false;
	}
	if (timer->done != NULL && last != NULL && strncmp(timer->done, last, strlen(last)) == 0) {
		free(last);
		return true;
	}
	free(timer->done);
	timer->done = last;
	return true;
}

static bool ask_job(void *ctx, struct state *st, struct error *err)
{
	struct report_timer *timer = ctx;

	if (!load_done(timer, st, err))
		return false;
	if (!report_week_is_first(timer->done, timer->week))
		return true;
	free(timer->done);
	timer->done = report_weeks_add(NULL, timer->week, timer->generated_ms);
	return keep_done(timer, timer->done, st, err);
}

static void on_asked(void *ctx, bool ok, const struct error *err)
{
	struct report_timer *timer = ctx;

	if (!ok && !timer->closing)
		diag(timer->with.diag, DIAG_WARNING, "report", NULL, "%s; no reports until the next start", err->text);
	timer->phase = TIMER_WAITING;
	if (timer->closing) {
		maybe_free(timer);
		return;
	}
	if (ok) {
		uv_timer_start(&timer->look, on_look, LOOK_MS, LOOK_MS);
		look(timer);
	}
}

/* Addresses that would wait for their report for ever. */
static void warn_of_mail(const struct report_timer *timer)
{
	const struct config *config = timer->with.config;
	json_t *sink;
	size_t i;

	if (json_array_size(json_object_get(config->report, "mail")) == 0)
		return;
	json_array_foreach(config->alerts, i, sink) {
		const char *type = json_string_value(json_object_get(sink, "type"));

		if (type != NULL && strcmp(type, "mail") == 0)
			return;
	}
	diag(timer->with.diag, DIAG_WARNING, "report", NULL, "\"report\": {\"mail\": ...} names addresses, but no sink of \"alerts\" sends mail: they get nothing");
}

struct report_timer *report_timer_start(const struct report_timer_options *options)
{
	struct report_timer *timer = xcalloc(1, sizeof(*timer));
	struct error ignored;
	int year, week;

	timer->with = *options;
	uv_timer_init(options->loop, &timer->look);
	/* for the first start: the last whole week, in UTC where the zone is unknown (which look() will say) */
	if (!report_last_week(options->config->timezone, wall_ms(timer), &year, &week, &ignored))
		report_last_week(NULL, wall_ms(timer), &year, &week, &ignored);
	snprintf(timer->week, sizeof(timer->week), "%04d-W%02d", year % 10000, week % 100);
	timer->generated_ms = wall_ms(timer);
	timer->phase = TIMER_ASKING;
	warn_of_mail(timer);
	store_submit(options->store, ask_job, on_asked, timer);
	return timer;
}

bool report_timer_is_busy(const struct report_timer *timer)
{
	return timer->phase != TIMER_WAITING;
}

void report_timer_reload(struct report_timer *timer, const struct config *config)
{
	timer->with.config = config;
	timer->not_before_steady_ms = 0;
	warn_of_mail(timer);
}

static void on_closed(uv_handle_t *handle)
{
	struct report_timer *timer = CONTAINER_OF(handle, struct report_timer, look);

	timer->handle_closed = true;
	maybe_free(timer);
}

void report_timer_close(struct report_timer *timer, void (*closed)(void *ctx), void *ctx)
{
	timer->closing = true;
	timer->closed = closed;
	timer->closed_ctx = ctx;
	uv_close((uv_handle_t *)&timer->look, on_closed);
}
