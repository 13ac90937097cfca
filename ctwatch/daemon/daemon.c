/* The daemon's life: start, signals, which logs are followed, stop. */
#include "daemon_private.h"
#include "clock.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAGGER_MS 50                /* between the first requests to two logs */
#define STAGGER_MAX_MS 15000
#define THREADS_MAX 4
#define TICK_MS 1000
#define PRUNE_EVERY_MS ((int64_t)6 * 3600 * 1000)

int64_t daemon_now(const struct daemon *d)
{
	(void)d;
	return clock_wall_ms();
}

void daemon_fail(struct daemon *d, int code)
{
	/* the gravest reason decides: contradiction and state before network */
	static const int rank[] = { 0, 1, 4, 3, 5, 2 };

	if (code >= 0 && code < (int)ARRAY_LEN(rank) && rank[code] > rank[d->exit_code])
		d->exit_code = code;
	leave_code(d->leave, d->exit_code);
}

/* ---- stopping -------------------------------------------------------------------------------------------- */

static void on_store_closed(void *ctx)
{
	struct daemon *d = ctx;

	d->store = NULL;
	governor_close(d->governor);
	fetcher_close(d->fetcher);
	leave_doing(d->leave, "connections to close");
}

static void on_alerts_closed(void *ctx)
{
	struct daemon *d = ctx;

	d->alerts = NULL;
	leave_doing(d->leave, "the database to close");
	store_close(d->store, on_store_closed, d);
}

static bool unroute_job(void *ctx, struct state *st, struct error *err)
{
	(void)ctx, (void)err;
	state_set_router(st, NULL, NULL);
	return true;
}

/* The store no longer looks at the sinks: they may go. */
static void on_unrouted(void *ctx, bool ok, const struct error *err)
{
	struct daemon *d = ctx;

	(void)ok, (void)err;
	leave_doing(d->leave, "alerts that are being delivered");
	if (d->alerts != NULL)
		alerts_close(d->alerts, on_alerts_closed, d);
	else
		on_alerts_closed(d);
}

/* A report that is being written is finished first: it ends with a job for the store. */
static void on_reports_closed(void *ctx)
{
	struct daemon *d = ctx;

	d->reports = NULL;
	leave_doing(d->leave, "the database");
	daemon_save_rates(d);
	store_submit(d->store, unroute_job, on_unrouted, d);
}

static void watchers_gone(struct daemon *d)
{
	leave_doing(d->leave, "a report that is being written");
	if (d->store == NULL)
		on_store_closed(d);
	else if (d->reports != NULL)
		report_timer_close(d->reports, on_reports_closed, d);
	else
		on_reports_closed(d);
}

static void on_watcher_closed(void *ctx)
{
	struct followed *f = ctx;
	struct daemon *d = f->daemon;
	struct followed **at = &d->followed;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	free(f);
	if (d->stopping && d->followed == NULL)
		watchers_gone(d);
}

void daemon_stop(struct daemon *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	if (d->store != NULL)
		store_hurry(d->store);    /* watchers wait for their jobs, which would wait for room on the disk */
	lists_close(d->lists);
	d->lists = NULL;
	leave_tell(d->leave, NULL, NULL);
	leave_doing(d->leave, "logs to finish what they have begun");
	leave_begin(d->leave);
	uv_close((uv_handle_t *)&d->told, NULL);
	uv_close((uv_handle_t *)&d->hangup, NULL);
	uv_close((uv_handle_t *)&d->tick, NULL);
	if (d->followed == NULL) {
		watchers_gone(d);
		return;
	}
	for (struct followed *f = d->followed, *next; f != NULL; f = next) {
		next = f->next;
		if (!f->closing) {
			f->closing = true;
			watcher_close(f->watcher, on_watcher_closed, f);
		}
	}
}

/* ---- once: when every log has settled ------------------------------------------------------------------------ */

static void on_flushed(void *ctx, size_t n_failed)
{
	struct daemon *d = ctx;

	if (n_failed > 0)
		diag(d->options->diag, DIAG_WARNING, "alerts", NULL, "%zu alert%s could not be delivered and wait%s in the outbox", n_failed, n_failed == 1 ? "" : "s",
		     n_failed == 1 ? "s" : "");
	if (alerts_output_is_behind(d->alerts))
		daemon_fail(d, 1);
	daemon_stop(d);
}

static void count_settled(struct daemon *d)
{
	if (!d->once || d->flushing || d->stopping || !d->started_logs)
		return;
	for (struct followed *f = d->followed; f != NULL; f = f->next) {
		struct watcher_status status;

		watcher_status(f->watcher, &status);
		if (status.outcome == WATCHER_UNSETTLED)
			return;
	}
	d->flushing = true;
	daemon_summary(d);
	daemon_scan_end(d);
	if (d->alerts != NULL)
		alerts_flush(d->alerts, on_flushed, d);
	else
		daemon_stop(d);
}

static void on_settled(void *ctx, struct watcher *w, enum watcher_outcome outcome)
{
	struct daemon *d = ctx;
	struct watcher_status status;

	watcher_status(w, &status);
	if (outcome == WATCHER_LEFT_BEHIND) {
		daemon_fail(d, 5);
		diag(d->options->diag, DIAG_WARNING, "log", status.name, "left behind at entry %" PRIu64 " of %" PRIu64 ": %s", status.position,
		     status.head_size, status.last_error);
	} else if (outcome == WATCHER_STARTED_AT_END) {
		diag(d->options->diag, DIAG_NOTICE, "log", status.name, "starts at entry %" PRIu64 ": the next run reads from there", status.start_index);
	}
}

/* ---- which logs are followed ------------------------------------------------------------------------------------ */

static struct followed *find_followed(struct daemon *d, const struct hash *log_id)
{
	for (struct followed *f = d->followed; f != NULL; f = f->next) {
		if (!f->closing && hash_equal(&f->log_id, log_id))
			return f;
	}
	return NULL;
}

bool daemon_follow(struct daemon *d, const struct watcher_options *options, struct error *err)
{
	struct followed *f = xcalloc(1, sizeof(*f));

	f->daemon = d;
	f->log_id = options->log->log_id;
	if (!watcher_start(options, &f->watcher, err)) {
		free(f);
		return false;
	}
	f->next = d->followed;
	d->followed = f;
	return true;
}

static void follow(struct daemon *d, const struct listed_log *log, enum follow_how how, size_t n)
{
	int64_t delay = (int64_t)n * STAGGER_MS;
	struct watcher_options options = {
		.ingest = &d->ingest,
		.log = log,
		.how = how,
		.first_poll_delay_ms = d->once ? 0 : delay < STAGGER_MAX_MS ? delay : STAGGER_MAX_MS,
	};
	struct error err;

	if (!daemon_follow(d, &options, &err))
		diag(d->options->diag, DIAG_ERROR, "log", log->description, "not read: %s", err.text);
}

static void sync_logs(struct daemon *d, const struct lists_view *view)
{
	size_t n = 0;

	for (struct followed *f = d->followed; f != NULL; f = f->next)
		f->seen = false;
	for (size_t i = 0; i < view->union_list->n_logs; i++) {
		const struct listed_log *log = &view->union_list->logs[i];
		struct followed *f = find_followed(d, &log->log_id);

		if (view->decisions[i].how == FOLLOW_NOT)
			continue;
		if (f != NULL) {
			watcher_update(f->watcher, log, view->decisions[i].how);
			f->seen = true;
		} else {
			follow(d, log, view->decisions[i].how, n++);
			d->followed->seen = true;
		}
	}
	for (struct followed *f = d->followed, *next; f != NULL; f = next) {
		next = f->next;
		if (f->seen || f->closing)
			continue;
		f->closing = true;
		watcher_close(f->watcher, on_watcher_closed, f);
	}
	daemon_keep_list(d, view);
}

static void on_lists_changed(void *ctx, const struct lists_view *view)
{
	struct daemon *d = ctx;

	if (d->stopping)
		return;
	d->view = *view;
	if (d->once && !d->started_logs)
		return;                   /* the lists are being fetched: start with what comes of it */
	sync_logs(d, view);
	if (d->say_patterns)
		daemon_say_patterns(d, view);
	d->say_patterns = false;
	if (!d->started_logs) {
		d->started_logs = true;
		daemon_banner(d, view);
	}
}

static void on_lists_refreshed(void *ctx)
{
	struct daemon *d = ctx;

	if (d->stopping || d->started_logs || d->view.union_list == NULL)
		return;
	d->started_logs = true;
	sync_logs(d, &d->view);
	daemon_banner(d, &d->view);
}

/* ---- signals and the tick ------------------------------------------------------------------------------------------ */

static void on_hangup(uv_signal_t *handle, int number)
{
	(void)number;
	daemon_reload(CONTAINER_OF(handle, struct daemon, hangup));
}

/* SIGTERM or SIGINT came. */
static void on_told(uv_async_t *told)
{
	struct daemon *d = CONTAINER_OF(told, struct daemon, told);

	if (d->stopping)
		return;
	if (d->once && !d->flushing)
		daemon_fail(d, 5);        /* something was left unread */
	diag(d->options->diag, DIAG_NOTICE, "daemon", NULL, "stopping");
	daemon_stop(d);
}

static void wake_loop(void *told)
{
	uv_async_send(told);
}

static void on_tick(uv_timer_t *timer)
{
	struct daemon *d = CONTAINER_OF(timer, struct daemon, tick);
	int64_t now = clock_steady_ms();

	daemon_watch_clock(d);
	daemon_watch_space(d);
	daemon_watch_blindness(d);
	daemon_tell_alive(d);
	if (d->alerts != NULL)
		alerts_wake(d->alerts);
	if (d->options->scan != NULL)
		daemon_scan_tick(d);
	if (!d->once && now >= d->next_prune_steady_ms && !d->ingest.clock_suspect) {
		d->next_prune_steady_ms = now + PRUNE_EVERY_MS;
		daemon_prune(d);
	}
	if (!d->once && now >= d->next_rates_steady_ms)
		daemon_save_rates(d);
	count_settled(d);
}

/* A SIGHUP that arrives while rules compile and the state opens waits until the loop can hear it; the others have a thread (leave.h). */
static void mask_hangup(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

static bool start_loop(struct daemon *d, struct error *err)
{
	int status = uv_loop_init(&d->loop);

	if (status != 0)
		return error_set(err, ERR_FATAL, "there is no event loop: %s", uv_strerror(status));
	status = uv_async_init(&d->loop, &d->told, on_told);
	if (status == 0)
		status = uv_signal_init(&d->loop, &d->hangup);
	if (status == 0)
		status = uv_signal_start(&d->hangup, on_hangup, SIGHUP);
	return status == 0 || error_set(err, ERR_FATAL, "the event loop cannot hear signals: %s", uv_strerror(status));
}

static void start_signals(struct daemon *d)
{
	leave_doing(d->leave, "the event loop, which does not answer");
	leave_tell(d->leave, wake_loop, &d->told);
	mask_hangup(SIG_UNBLOCK);
	uv_timer_init(&d->loop, &d->tick);
	uv_timer_start(&d->tick, on_tick, d->once ? 20 : TICK_MS, d->once ? 20 : TICK_MS);
}

/* ---- starting --------------------------------------------------------------------------------------------------------- */

static unsigned thread_count(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	/* two at least, so that a log whose single entries take seconds leaves one to the others */
	return cores < 2 ? 2 : cores > THREADS_MAX ? THREADS_MAX : (unsigned)cores;
}

static void start_network(struct daemon *d)
{
	char *agent = user_agent_make(d->config->contact);
	struct fetcher_options fetching = {
		.user_agent = agent,
		.proxy = d->config->proxy,
		.ca_file = d->config->ca_file,
		.bytes_per_second = d->config->bandwidth_bytes,
		.allow_http = (const char *const *)d->config->allow_http.items,
	};
	struct governor_options governing = { .loop = &d->loop };

	d->fetcher = fetcher_new(&d->loop, &fetching);
	free(agent);
	d->governor = governor_new(&governing);
}

static void start_ingest(struct daemon *d, struct ruleset *rules)
{
	d->pool = pool_new(&d->loop, thread_count(), rules_ref_new(rules));
	d->ingest = (struct ingest){
		.loop = &d->loop,
		.fetcher = d->fetcher,
		.governor = d->governor,
		.store = d->store,
		.pool = d->pool,
		.diag = d->options->diag,
		.config = d->config,
		.budget = { .limit = d->config->memory_bytes },
		.clock = SYSTEM_CLOCK,
		.once = d->once,
		.progress_timeout_ms = d->options->progress_timeout_ms > 0 ? d->options->progress_timeout_ms : 60000,
		.settled = on_settled,
		.settled_ctx = d,
	};
}

static void start_alerts(struct daemon *d, struct sink_set *sinks)
{
	struct alerts_options options = {
		.loop = &d->loop,
		.fetcher = d->fetcher,
		.store = d->store,
		.directory = d->config->state,
		.sinks = sinks,
		.diag = d->options->diag,
		.keeps_time = !d->once,
		.output_timeout_ms = d->once ? d->ingest.progress_timeout_ms : 0,
		.clock = SYSTEM_CLOCK,
	};

	d->alerts = alerts_start(&options);
}

static void on_report_made(void *ctx)
{
	struct daemon *d = ctx;

	if (d->alerts != NULL)
		alerts_wake(d->alerts);
}

static void start_reports(struct daemon *d)
{
	struct report_timer_options options = {
		.loop = &d->loop,
		.store = d->store,
		.diag = d->options->diag,
		.config = d->config,
		.clock = SYSTEM_CLOCK,
		.made = on_report_made,
		.ctx = d,
	};

	d->reports = report_timer_start(&options);
}

static void start_lists(struct daemon *d)
{
	d->list_directory = xasprintf("%s/lists", d->config->state);
	struct lists_options options = {
		.loop = &d->loop,
		.fetcher = d->fetcher,
		.diag = d->options->diag,
		.config = d->config,
		.directory = d->list_directory,
		.clock = SYSTEM_CLOCK,
		.changed = on_lists_changed,
		.incident = daemon_list_incident,
		.ctx = d,
	};

	d->lists = lists_start(&options);
	if (d->once)
		lists_refresh(d->lists, on_lists_refreshed, d);
}

/* Everything that can be wrong is tried before anything is started. */
static bool open_all(struct daemon *d, struct ruleset **rules, struct sink_set **sinks, struct state **st, struct error *err)
{
	bool scan = d->options->scan != NULL;

	d->leave = leave_start(d->options->diag, d->once ? 5 : 0, err);
	if (d->leave == NULL || !resources_check(err))
		return false;
	leave_doing(d->leave, "the rules to be compiled");
	d->suffixes = suffixes_load();
	if (!rules_load(d->config, d->suffixes, daemon_now(d), rules, err))
		return false;
	if (!scan && (!sink_set_new(d->config, d->options->findings, sinks, err) || !sink_set_check(*sinks, *rules, d->suffixes, err)))
		return false;
	leave_doing(d->leave, "the state to open");
	if (!(scan ? daemon_scan_state(d, st, err) : state_open(d->config->state, STATE_DAEMON, daemon_now(d), st, err)))
		return false;
	return start_loop(d, err);
}

static void say_of_state(const struct daemon *d, const struct state *st)
{
	if (st != NULL && state_begins_anew(st))
		diag(d->options->diag, DIAG_WARNING, "state", NULL,
		     "state %s: ctwatch.db was missing although this state was in use before: a new one is begun; when that was not meant, stop and "
		     "put a backup back with `ctwatch state restore`", d->config->state);
	if (st != NULL && state_is_open_to_all(st))
		diag(d->options->diag, DIAG_NOTICE, "state", NULL,
		     "every user of this machine may look into %s, though not into the files; `chmod o-rwx` ends it", d->config->state);
}

static void on_lost(void *ctx, const char *sentence)
{
	struct daemon *d = ctx;

	diag(d->options->diag, DIAG_ERROR, "state", NULL, "%s", sentence);
	daemon_fail(d, 4);
	daemon_stop(d);
}

static int exit_code_for(const struct error *err)
{
	return err->kind == ERR_USAGE ? 2 : err->kind == ERR_CONTRADICTION ? 3 : err->kind == ERR_RETRY ? 5 : 4;
}

static void clean_up(struct daemon *d)
{
	if (d->pool != NULL)
		pool_free(d->pool);
	inflater_free(d->ingest.inflater);
	suffix_table_free(d->suffixes);
	free(d->list_directory);
	daemon_scan_cleanup(d);
	config_deinit(d->config);
	daemon_drop_old_configs(d);
}

int daemon_run(const struct daemon_options *options)
{
	struct daemon d = { .options = options, .config = options->config, .once = options->once || options->scan != NULL };
	struct ruleset *rules = NULL;
	struct sink_set *sinks = NULL;
	struct state *st = NULL;
	struct error err;

	mask_hangup(SIG_BLOCK);
	signal(SIGPIPE, SIG_IGN);         /* a reader that goes away is an error of that sink */
	signal(SIGXFSZ, SIG_IGN);         /* a limit on the size of files is a full disk */
	if (!open_all(&d, &rules, &sinks, &st, &err)) {
		diag(options->diag, DIAG_ERROR, "daemon", NULL, "%s", err.text);
		ruleset_free(rules);
		sink_set_free(sinks);
		state_close(st);
		clean_up(&d);
		leave_end(d.leave);
		return exit_code_for(&err);
	}
	say_of_state(&d, st);
	daemon_hide_secrets(sinks);
	daemon_start_clock(&d, st);
	if (sinks != NULL) {
		state_set_router(st, alerts_route, sinks);
		state_set_alerts_per_hour(st, sinks->alerts_per_hour);
	}
	struct store_options storing = { .loop = &d.loop, .state = st, .on_full = daemon_on_full, .on_room = daemon_on_room,
					 .on_lost = on_lost, .lost_ctx = &d };
	if (st != NULL)
		d.store = store_start(&storing);
	d.next_prune_steady_ms = clock_steady_ms() + 60000;
	start_network(&d);
	if (d.store != NULL)
		daemon_load_rates(&d);
	start_ingest(&d, rules);
	if (sinks != NULL)
		start_alerts(&d, sinks);
	if (!d.once)
		start_reports(&d);
	start_signals(&d);
	if (options->scan != NULL)
		daemon_scan_start(&d);
	else
		start_lists(&d);
	uv_run(&d.loop, UV_RUN_DEFAULT);
	leave_doing(d.leave, "threads to end");
	uv_loop_close(&d.loop);
	clean_up(&d);
	leave_end(d.leave);
	return d.exit_code;
}
