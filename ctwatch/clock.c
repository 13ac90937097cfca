/* See clock.h. */
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STEADY_ORIGIN_MS (INT64_C(20) * 365 * 86400 * 1000)
#define SET_MS 5000                  /* less is a correction */

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_steady_ms(void)
{
	return read_clock(CLOCK_MONOTONIC) + STEADY_ORIGIN_MS;
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_steady(void *ctx)
{
	(void)ctx;
	return clock_steady_ms();
}

static int64_t system_wall(void *ctx)
{
	(void)ctx;
	return clock_wall_ms();
}

const struct clock SYSTEM_CLOCK = { .steady_ms = system_steady, .wall_ms = system_wall };

int64_t clock_age_ms(int64_t wall_now_ms, int64_t then_ms)
{
	return then_ms < wall_now_ms ? wall_now_ms - then_ms : 0;
}

static int64_t offset_of(const struct clock *clock)
{
	return clock->wall_ms(clock->ctx) - clock->steady_ms(clock->ctx);
}

void clock_watch_init(struct clock_watch *watch, const struct clock *clock)
{
	watch->clock = *clock;
	watch->offset_ms = offset_of(clock);
}

int64_t clock_watch_look(struct clock_watch *watch)
{
	int64_t offset = offset_of(&watch->clock), moved = offset - watch->offset_ms;

	watch->offset_ms = offset;
	return moved >= SET_MS || moved <= -SET_MS ? moved : 0;
}

int64_t clock_boot_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

void clock_boot_id(char out[CLOCK_BOOT_ID_LEN])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	size_t n = file != NULL ? fread(out, 1, CLOCK_BOOT_ID_LEN - 1, file) : 0;

	if (file != NULL)
		fclose(file);
	out[n] = '\0';
	out[strcspn(out, " \n")] = '\0';
	if (out[0] == '\0')
		strcpy(out, "-");
}
