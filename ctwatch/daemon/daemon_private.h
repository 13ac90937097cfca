/* The daemon's inside, shared by the files of ctwatch/daemon. */
#ifndef CTWATCH_DAEMON_PRIVATE_H
#define CTWATCH_DAEMON_PRIVATE_H

#include <assert.h>

#include "alerts.h"
#include "clock.h"
#include "daemon.h"
#include "leave.h"
#include "lists.h"
#include "report_timer.h"
#include "resources.h"
#include "rules_load.h"
#include "watcher.h"

struct followed {
	struct daemon *daemon;
	struct followed *next;
	struct watcher *watcher;
	struct hash log_id;
	bool seen, closing;
};

/* Configurations that were replaced while a report was being written from one. */
struct old_config {
	struct old_config *next;
	struct config config;
};

enum disk_room { DISK_UNKNOWN, DISK_HAS_ROOM, DISK_IS_LOW };

struct daemon {
	const struct daemon_options *options;
	struct config *config;
	struct old_config *old_configs;
	uv_loop_t loop;
	struct leave *leave;
	uv_async_t told;                  /* SIGTERM or SIGINT came */
	uv_signal_t hangup;
	uv_timer_t tick;
	struct suffix_table *suffixes;
	struct store *store;
	struct fetcher *fetcher;
	struct governor *governor;
	struct pool *pool;
	struct ingest ingest;
	struct alerts *alerts;
	struct report_timer *reports;     /* NULL with --once and scan */
	struct lists *lists;
	struct lists_view view;           /* the latest; union_list is NULL before the first */
	char *list_directory;
	struct followed *followed;
	uint64_t followed_since;          /* uv_now when the first log was followed; 0: not yet */
	bool blind, blind_cleared;        /* no log answers, and it was said; an earlier run's incident is closed */
	bool say_patterns;                /* a new configuration: which patterns mean no log? */
	bool once, started_logs, flushing, stopping, was_full;
	enum disk_room disk_low;
	bool rates_known;                 /* those of earlier runs were read: saving loses none of them */
	int64_t next_prune_steady_ms, next_rates_steady_ms;
	struct clock_watch clock_watch;
	int64_t started_boot_ms, alive_boot_ms;     /* by clock_boot_ms; 0: not yet */
	bool alive_under_way, told_reserve;
	struct scan_progress *scan;
	int exit_code;
};

/* daemon.c */
int64_t daemon_now(const struct daemon *);            /* the wall clock */
void daemon_stop(struct daemon *);
void daemon_fail(struct daemon *, int code);          /* the gravest code wins */
bool daemon_follow(struct daemon *, const struct watcher_options *options, struct error *err);
/* daemon_say.c: what it tells at start and end */
void daemon_banner(struct daemon *, const struct lists_view *view);
void daemon_say_patterns(struct daemon *, const struct lists_view *view);
void daemon_summary(struct daemon *);
/* daemon_keep.c: small jobs for the store */
void daemon_keep_list(struct daemon *, const struct lists_view *view);
void daemon_list_incident(void *ctx, bool open, const char *class_name, const char *source, const char *severity, const char *summary);
void daemon_prune(struct daemon *);
/* daemon_clock.c: the wall clock is set */
void daemon_start_clock(struct daemon *, struct state *st);      /* before the store has the state; NULL is fine */
void daemon_watch_clock(struct daemon *);             /* at every tick */
/* daemon_blind.c: does any log answer? At every tick */
void daemon_watch_blindness(struct daemon *);
/* daemon_space.c: a disk that fills */
void daemon_watch_space(struct daemon *);             /* at every tick */
bool daemon_on_full(void *ctx, struct state *st, struct error *err);
bool daemon_on_room(void *ctx, struct state *st, struct error *err);
/* daemon_alive.c: for `ctwatch health` */
void daemon_tell_alive(struct daemon *);              /* at every tick */
/* daemon_rates.c: what hosts allowed, over a restart */
void daemon_load_rates(struct daemon *);
void daemon_save_rates(struct daemon *);
/* No core dump once there are secrets in memory. */
void daemon_hide_secrets(const struct sink_set *sinks);
/* daemon_reload.c */
void daemon_reload(struct daemon *);
void daemon_drop_old_configs(struct daemon *);
/* daemon_rematch.c: kept certificates under new rules */
void daemon_rematch(struct daemon *);
/* daemon_scan.c */
bool daemon_scan_state(struct daemon *, struct state **st, struct error *err);
void daemon_scan_start(struct daemon *);
void daemon_scan_tick(struct daemon *);
void daemon_scan_end(struct daemon *);
void daemon_scan_cleanup(struct daemon *);

#endif
