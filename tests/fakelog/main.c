/* fakelog: CT logs on loopback, for tests and for the demonstration. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"

#define TICK_MS 100
#define RESIGN_MS 5000                   /* a log without new entries signs again after this long */
#define LOGS_MAX 1000
#define HOSTS_MAX 250                    /* 127.0.0.1 to 127.0.0.250 */
#define FAULTS_AT_START_MAX 1000

static const char HELP[] =
	"usage: fakelog [options]\n"
	"\n"
	"Serves made-up CT logs over both APIs (RFC 6962 and static-ct-api) on loopback, until SIGINT or SIGTERM.\n"
	"\n"
	"  --port N           listen there (a free port)\n"
	"  --hosts N          spread the logs over 127.0.0.1 .. 127.0.0.N (1)\n"
	"  --public-url URL   what the list calls us, when a proxy stands in front\n"
	"  --ready-file FILE  write the base URL there once everything is served\n"
	"  --list FILE        write the log list there (and its signature beside it, FILE with .sig for .json)\n"
	"  --list-key FILE    RSA private key, PEM, that signs the list\n"
	"  --logs N           how many logs (1)\n"
	"  --api KIND         how the list names them: classic, static or alternate (alternate: even ones classic)\n"
	"  --same             every log holds the same certificates\n"
	"  --seed N           everything follows from it (1)\n"
	"  --start TIME       pretend that it is this time (RFC 3339) at the start\n"
	"  --fast             no real signatures on certificates\n"
	"  --signed           real ones again, after --fast\n"
	"  --initial N        entries at the start (100)\n"
	"  --span DAYS        spread them over the days before the start\n"
	"  --grow N           entries a second that each log gains, may be a fraction (0)\n"
	"  --limit N          stop growing at this size\n"
	"  --plant FILE       names to log: lines of INDEX ISSUER NAME[,NAME...]; \"-\" for the next index and for E7\n"
	"  --plant-every N    distance between planted lines without an index (40), the first one after --plant-from N (5)\n"
	"  --page N           entries per get-entries answer (256)\n"
	"  --align            end pages at multiples of --page\n"
	"  --delay MS         before each answer (0)\n"
	"  --no-gzip          never compress\n"
	"  --misbehave FAULT[,at=N][,times=N][,every=N][,after=N][,on=KIND]\n"
	"                     repeatable; N:FAULT for log N only; \"help\" lists them\n"
	"\n"
	"POST /control?log=N&grow=N&misbehave=...&behave=FAULT|all&plant=NAMES&issuer=E7 does the same while it runs.\n";

struct options {
	int port;
	unsigned n_logs, n_hosts;
	const char *public_url, *ready_file, *list_file, *list_key, *plant_file, *api;
	double grow;
	uint64_t limit, plant_every, plant_from;
	const char *faults[FAULTS_AT_START_MAX];
	unsigned n_faults;
};

struct program {
	uv_loop_t loop;
	uv_timer_t tick;
	uv_signal_t sigint, sigterm;
	struct http_server *servers[HOSTS_MAX];
	struct options options;
	struct fakelog fake;
	double owed;                     /* entries to be sequenced, with their fraction */
};

enum option_id { OPT_PORT = 256, OPT_HOSTS, OPT_PUBLIC_URL, OPT_READY_FILE, OPT_LIST, OPT_LIST_KEY, OPT_LOGS, OPT_API, OPT_SAME,
	OPT_SEED, OPT_START, OPT_FAST, OPT_INITIAL, OPT_GROW, OPT_LIMIT, OPT_PLANT, OPT_PLANT_EVERY, OPT_PLANT_FROM, OPT_PAGE, OPT_SPAN, OPT_SIGNED,
	OPT_ALIGN, OPT_DELAY, OPT_NO_GZIP, OPT_MISBEHAVE, OPT_HELP };

static const struct option LONG_OPTIONS[] = {
	{ "port", required_argument, NULL, OPT_PORT }, { "hosts", required_argument, NULL, OPT_HOSTS },
	{ "public-url", required_argument, NULL, OPT_PUBLIC_URL }, { "ready-file", required_argument, NULL, OPT_READY_FILE },
	{ "list", required_argument, NULL, OPT_LIST }, { "list-key", required_argument, NULL, OPT_LIST_KEY },
	{ "logs", required_argument, NULL, OPT_LOGS }, { "api", required_argument, NULL, OPT_API },
	{ "same", no_argument, NULL, OPT_SAME }, { "seed", required_argument, NULL, OPT_SEED },
	{ "start", required_argument, NULL, OPT_START }, { "fast", no_argument, NULL, OPT_FAST },
	{ "initial", required_argument, NULL, OPT_INITIAL }, { "grow", required_argument, NULL, OPT_GROW },
	{ "limit", required_argument, NULL, OPT_LIMIT }, { "plant", required_argument, NULL, OPT_PLANT },
	{ "plant-every", required_argument, NULL, OPT_PLANT_EVERY }, { "plant-from", required_argument, NULL, OPT_PLANT_FROM },
	{ "page", required_argument, NULL, OPT_PAGE }, { "span", required_argument, NULL, OPT_SPAN },
	{ "signed", no_argument, NULL, OPT_SIGNED },
	{ "align", no_argument, NULL, OPT_ALIGN },
	{ "delay", required_argument, NULL, OPT_DELAY }, { "no-gzip", no_argument, NULL, OPT_NO_GZIP },
	{ "misbehave", required_argument, NULL, OPT_MISBEHAVE }, { "help", no_argument, NULL, OPT_HELP }, { NULL, 0, NULL, 0 },
};

static void fail(const char *text)
{
	fprintf(stderr, "fakelog: %s\n", text);
	exit(2);
}

static uint64_t number_argument(uint64_t max)
{
	uint64_t value;

	if (!uint64_parse(slice_text(optarg), &value) || value > max) {
		fprintf(stderr, "fakelog: \"%s\" is no number up to %llu\n", optarg, (unsigned long long)max);
		exit(2);
	}
	return value;
}

static void set_start(struct world *world)
{
	int64_t start;

	if (!time_parse_rfc3339(slice_text(optarg), &start))
		fail("--start wants a time such as 2026-11-22T08:00:00Z");
	world->clock_offset_ms += start - world->start_ms;
	world->start_ms = start;
}

static void add_fault(struct options *o)
{
	if (strcmp(optarg, "help") == 0) {
		fault_print_all();
		exit(0);
	}
	if (o->n_faults == FAULTS_AT_START_MAX)
		fail("too many --misbehave");
	o->faults[o->n_faults++] = optarg;
}

static void set_option(struct options *o, struct world *world, int id)
{
	switch (id) {
	case OPT_PORT: o->port = (int)number_argument(65535); break;
	case OPT_HOSTS: o->n_hosts = (unsigned)number_argument(HOSTS_MAX); break;
	case OPT_PUBLIC_URL: o->public_url = optarg; break;
	case OPT_READY_FILE: o->ready_file = optarg; break;
	case OPT_LIST: o->list_file = optarg; break;
	case OPT_LIST_KEY: o->list_key = optarg; break;
	case OPT_LOGS: o->n_logs = (unsigned)number_argument(LOGS_MAX); break;
	case OPT_API: o->api = optarg; break;
	case OPT_SAME: world->same_certificates = true; break;
	case OPT_SEED: world->seed = number_argument(UINT64_MAX); break;
	case OPT_START: set_start(world); break;
	case OPT_FAST: world->fast = true; break;
	case OPT_INITIAL: world->initial = number_argument(100000000); break;
	case OPT_SIGNED: world->fast = false; break;
	case OPT_SPAN: world->span_ms = (int64_t)number_argument(36500) * 86400000; break;
	case OPT_GROW: o->grow = atof(optarg); break;
	case OPT_LIMIT: o->limit = number_argument(UINT64_MAX); break;
	case OPT_PLANT: o->plant_file = optarg; break;
	case OPT_PLANT_EVERY: o->plant_every = number_argument(1000000); break;
	case OPT_PLANT_FROM: o->plant_from = number_argument(UINT64_MAX); break;
	case OPT_PAGE: world->page = (unsigned)number_argument(100000); break;
	case OPT_ALIGN: world->aligned_pages = true; break;
	case OPT_DELAY: world->delay_ms = (unsigned)number_argument(600000); break;
	case OPT_NO_GZIP: world->without_gzip = true; break;
	case OPT_MISBEHAVE: add_fault(o); break;
	case OPT_HELP: fputs(HELP, stdout); exit(0);
	default: exit(2);                /* getopt has said why */
	}
}

static void read_options(int argc, char **argv, struct options *o, struct world *world)
{
	int id;

	*o = (struct options){ .n_logs = 1, .n_hosts = 1, .limit = UINT64_MAX, .plant_every = 40, .plant_from = 5,
			       .api = "alternate" };
	*world = (struct world){ .seed = 1, .page = 256, .initial = 100 };
	world->start_ms = world_now(world);
	while ((id = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1)
		set_option(o, world, id);
	if (optind < argc)
		fail("no arguments, only options; see --help");
	if (o->n_logs == 0 || o->n_hosts == 0 || world->page == 0)
		fail("--logs, --hosts and --page must be at least 1");
	if (strcmp(o->api, "classic") != 0 && strcmp(o->api, "static") != 0 && strcmp(o->api, "alternate") != 0)
		fail("--api is classic, static or alternate");
}

/* "fault" for every log or "N:fault" for one. */
static bool apply_faults(struct program *p, struct error *err)
{
	for (unsigned i = 0; i < p->options.n_faults; i++) {
		unsigned only;
		int used = 0;
		bool one = sscanf(p->options.faults[i], "%u:%n", &only, &used) == 1 && used > 0;

		for (size_t k = 0; k < p->fake.n_logs; k++)
			if ((!one || only == k) && !fault_on(&p->fake.logs[k].faults, p->options.faults[i] + (one ? used : 0), err))
				return false;
	}
	return true;
}

static bool listen_everywhere(struct program *p, struct error *err)
{
	int port = p->options.port;

	for (unsigned i = 0; i < p->options.n_hosts; i++) {
		char address[24];

		snprintf(address, sizeof(address), "127.0.0.%u", i + 1);
		p->servers[i] = http_server_new(&p->loop, address, port, fakelog_handle, &p->fake, err);
		if (p->servers[i] == NULL)
			return false;
		port = http_server_port(p->servers[i]);
	}
	p->options.port = port;
	return true;
}

static void make_logs(struct program *p)
{
	const struct options *o = &p->options;

	p->fake.logs = xcalloc(o->n_logs, sizeof(*p->fake.logs));
	for (unsigned i = 0; i < o->n_logs; i++) {
		bool is_static = strcmp(o->api, "static") == 0 || (strcmp(o->api, "alternate") == 0 && i % 2 == 1);
		char *url = o->public_url != NULL ? xasprintf("%s/log/%u", o->public_url, i) :
			    xasprintf("http://127.0.0.%u:%d/log/%u", i % o->n_hosts + 1, o->port, i);

		log_init(&p->fake.logs[i], &p->fake.world, i, is_static ? LISTED_STATIC : LISTED_CLASSIC, url);
		free(url);
	}
	p->fake.n_logs = o->n_logs;
}

static bool write_file(const char *path, struct slice content, struct error *err)
{
	char *temporary = xasprintf("%s.new", path);
	FILE *file = fopen(temporary, "wb");
	bool ok = file != NULL && fwrite(content.data, 1, content.len, file) == content.len;

	if (file != NULL)
		ok = fclose(file) == 0 && ok;
	ok = ok && rename(temporary, path) == 0;             /* whoever waits for the file finds it whole */
	free(temporary);
	return ok || error_set(err, ERR_FATAL, "cannot write %s", path);
}

static bool publish_list(struct program *p, struct error *err)
{
	const struct options *o = &p->options;
	size_t stem;
	char *path;
	bool ok;

	p->fake.list_json = list_make(&p->fake);
	buf_init(&p->fake.list_signature, 4096);
	if (o->list_key != NULL && !list_sign(p->fake.list_json, o->list_key, &p->fake.list_signature, err))
		return false;
	if (o->list_file == NULL)
		return true;
	if (!write_file(o->list_file, slice_text(p->fake.list_json), err))
		return false;
	if (p->fake.list_signature.len == 0)
		return true;
	stem = strlen(o->list_file);
	if (stem > 5 && strcmp(o->list_file + stem - 5, ".json") == 0)
		stem -= 5;
	path = xasprintf("%.*s.sig", (int)stem, o->list_file);
	ok = write_file(path, buf_slice(&p->fake.list_signature), err);
	free(path);
	return ok;
}

static void on_tick(uv_timer_t *timer)
{
	struct program *p = timer->data;
	uint64_t n;

	p->owed += p->options.grow * TICK_MS / 1000;
	n = (uint64_t)p->owed;
	p->owed -= (double)n;
	for (size_t i = 0; i < p->fake.n_logs; i++) {
		struct fake_log *log = &p->fake.logs[i];
		uint64_t size = log_size(log), room = p->options.limit > size ? p->options.limit - size : 0;

		if (n > 0 && room > 0)
			log_grow(log, n < room ? n : room);
		else if (world_now(log->world) - log_head(log)->timestamp_ms > RESIGN_MS)
			log_publish(log);
	}
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct program *p = signal->data;

	(void)number;
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		http_server_close(p->servers[i]);
	uv_close((uv_handle_t *)&p->tick, NULL);
	uv_close((uv_handle_t *)&p->sigint, NULL);
	uv_close((uv_handle_t *)&p->sigterm, NULL);
}

static bool prepare(struct program *p, struct error *err)
{
	const struct options *o = &p->options;
	struct world *world = &p->fake.world;

	world->mint = mint_new(world->seed, world->fast);
	if (o->plant_file != NULL &&
	    !plantings_load(&world->plantings, o->plant_file, o->plant_from, o->plant_every, world->mint, err))
		return false;
	if (!listen_everywhere(p, err))
		return false;
	make_logs(p);
	if (!apply_faults(p, err))
		return false;
	for (size_t i = 0; i < p->fake.n_logs; i++)
		log_grow(&p->fake.logs[i], world->initial);
	return publish_list(p, err);
}

static bool announce(struct program *p, struct error *err)
{
	char *url = p->options.public_url != NULL ? xasprintf("%s\n", p->options.public_url) :
		    xasprintf("http://127.0.0.1:%d\n", p->options.port);
	bool ok = p->options.ready_file == NULL || write_file(p->options.ready_file, slice_text(url), err);

	fputs(url, stdout);
	fflush(stdout);
	free(url);
	return ok;
}

static void start_handles(struct program *p)
{
	uv_timer_init(&p->loop, &p->tick);
	uv_signal_init(&p->loop, &p->sigint);
	uv_signal_init(&p->loop, &p->sigterm);
	p->tick.data = p->sigint.data = p->sigterm.data = p;
	uv_timer_start(&p->tick, on_tick, TICK_MS, TICK_MS);
	uv_signal_start(&p->sigint, on_signal, SIGINT);
	uv_signal_start(&p->sigterm, on_signal, SIGTERM);
}

static void release(struct program *p)
{
	for (size_t i = 0; i < p->fake.n_logs; i++)
		log_deinit(&p->fake.logs[i]);
	free(p->fake.logs);
	free(p->fake.list_json);
	buf_deinit(&p->fake.list_signature);
	buf_deinit(&p->fake.world.bomb);
	plantings_deinit(&p->fake.world.plantings);
	mint_free(p->fake.world.mint);
}

int main(int argc, char **argv)
{
	struct program *p = xcalloc(1, sizeof(*p));
	struct error err = { ERR_NONE, "" };

	signal(SIGPIPE, SIG_IGN);
	read_options(argc, argv, &p->options, &p->fake.world);
	uv_loop_init(&p->loop);
	if (!prepare(p, &err) || !announce(p, &err))
		fail(err.text);
	start_handles(p);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	uv_loop_close(&p->loop);
	release(p);
	free(p);
	return 0;
}
