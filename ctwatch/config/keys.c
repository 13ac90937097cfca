/* The table of keys: what `config keys` and the manual print. */
#include "key.h"

#define MEMBER(member) offsetof(struct config, member)
#define CHROME_LIST "https://www.gstatic.com/ct/log_list/v3/all_logs_list.json"
#define APPLE_LIST "https://valid.apple.com/ct/log_list/current_log_list.json"
#define SECOND_MS 1000LL
#define HOUR_MS (3600 * SECOND_MS)
#define DAY_MS (24 * HOUR_MS)
#define MEBIBYTE (1LL << 20)

const struct key_row CONFIG_KEYS[] = {
	{ "contact", &TYPE_CONTACT, MEMBER(contact), NULL, 0, 0,
	  "An e-mail address or https:// page for log operators, sent in the User-Agent. Logs put clients that cannot be reached into "
	  "one slow lane, and write to the others before they block them. The User-Agent also carries the page that the program was "
	  "built with, if it was (CMake's CTWATCH_PROJECT_URL)." },
	{ "state", &TYPE_PATH, MEMBER(state), "/var/lib/ctwatch", 0, 0,
	  "The directory for everything that must survive a restart. When it cannot be used and the program does not run as root: "
	  "$XDG_STATE_HOME/ctwatch or ~/.local/state/ctwatch. Takes effect at a restart." },
	{ "log_lists", &TYPE_PATHS_OR_NAMES, MEMBER(log_lists), CHROME_LIST "," APPLE_LIST, 0, 0,
	  "Lists of logs, merged: https:// URLs or files. Chrome's list is signed and the signature is checked; a file without its .sig "
	  "is accepted because you named it, and shown as unsigned." },
	{ "logs.include", &TYPE_LIST, MEMBER(log_include), "*", 0, 0,
	  "Patterns (* and ?) of logs to read, matched with description, operator, URL and log id. A pattern other than * also "
	  "asks for logs that are not read otherwise, such as test logs." },
	{ "logs.exclude", &TYPE_LIST, MEMBER(log_exclude), "", 0, 0, "Patterns of logs not to read; stands over logs.include." },
	{ "start", &TYPE_START, MEMBER(start), "end", 0, 0,
	  "Where to begin with a log that was never read: end, beginning, or a time (RFC 3339)." },
	{ "bandwidth_limit", &TYPE_BANDWIDTH, MEMBER(bandwidth_bytes), "none", 0, 0,
	  "For everything received, all logs together: \"40 Mbit/s\", \"5 MB/s\" or \"none\"." },
	{ "poll", &TYPE_DURATION, MEMBER(poll_ms), "60s", 5 * SECOND_MS, HOUR_MS, "Time between two looks at the tree head of a log that has been read to its end." },
	{ "memory_bytes", &TYPE_SIZE, MEMBER(memory_bytes), "32 MiB", 4 * MEBIBYTE, 64 * 1024 * MEBIBYTE,
	  "Ceiling of bytes received and not yet stored, of all logs together; one log has at most half of it, which also bounds a single answer." },
	{ "rules", &TYPE_PATHS_OR_NAMES, MEMBER(rules), "tag53,watchlist", 0, 0,
	  "Rule packs: names of those that ship with the program, or files (with a / or .json), relative to the configuration file." },
	{ "listen", &TYPE_ADDRESS, MEMBER(listen), "127.0.0.1:8080", 0, 0, "Address and port of the web interface. Not used yet: this version has none." },
	{ "public_url", &TYPE_URL, MEMBER(public_url), NULL, 0, 0, "Where people will reach the web interface. Not used yet: this version has none." },
	{ "timezone", &TYPE_TIMEZONE, MEMBER(timezone), "UTC", 0, 0, "Time zone of reports and digests, such as Europe/Berlin. Stored times are UTC always." },
	{ "proxy", &TYPE_TEXT, MEMBER(proxy), NULL, 0, 0,
	  "Proxy for all requests, such as http://proxy:3128 or socks5h://proxy. When absent, the usual environment variables decide." },
	{ "ca_file", &TYPE_PATH, MEMBER(ca_file), NULL, 0, 0, "Certificates (PEM) to trust instead of the system's." },
	{ "dns_servers", &TYPE_LIST, MEMBER(dns_servers), "", 0, 0, "Name servers for looking up found names; the system's when empty. Not used yet: this version looks up none." },
	{ "allow_http", &TYPE_HOSTS, MEMBER(allow_http), "", 0, 0, "Hosts that plain http:// is allowed for, beside loopback: of lists, of the logs that they name, and of sinks." },
	{ "no_keepalive", &TYPE_HOSTS, MEMBER(no_keepalive), "", 0, 0, "Log hosts (patterns) where every request gets a connection of its own." },
	{ "tls_unverified", &TYPE_HOSTS, MEMBER(tls_unverified), "", 0, 0,
	  "Log hosts (patterns) to read although their TLS certificate does not verify. What logs serve is signed; this hides nothing." },
	{ "alerts", &TYPE_OBJECTS, MEMBER(alerts), "[]", 0, 0, "Where findings go: a list of sinks, each with a \"type\" (see the manual, Alerts)." },
	{ "alerts_per_hour", &TYPE_COUNT, MEMBER(alerts_per_hour), "1000 per log", 1, 1000000000,
	  "Alerts about findings that one log may cause within an hour, and the logs of one operator twice as many. Further findings are stored "
	  "and counted in the incident OVER_BUDGET; they alert when another log has them too." },
	{ "triage", &TYPE_OBJECT, MEMBER(triage), "{}", 0, 0, "What never alerts: allow lists by registrable domain, certificate and issuer (see the manual, Triage)." },
	{ "canary.names", &TYPE_LIST, NO_MEMBER, "", 0, 0,
	  "Names that are expected in logs regularly; a leading dot means anything below. When none appears in time, canary.missed is raised: the whole path is tested." },
	{ "canary.within", &TYPE_DURATION, NO_MEMBER, "26h", HOUR_MS, 90 * DAY_MS, "How long a canary may stay away." },
	{ "report.weekday", &TYPE_WEEKDAY, NO_MEMBER, "monday", 0, 0, "Day on which the weekly report is made, or \"never\"." },
	{ "report.time", &TYPE_CLOCK, NO_MEMBER, "07:00", 0, 0, "Time of that day, in the time zone of the configuration." },
	{ "report.formats", &TYPE_FORMATS, NO_MEMBER, "html,csv", 0, 0, "Any of html, md, csv, json." },
	{ "report.directory", &TYPE_PATH, NO_MEMBER, NULL, 0, 0, "Where reports are written; <state>/reports when absent." },
	{ "report.mail", &TYPE_MAILBOXES, NO_MEMBER, "", 0, 0, "Addresses that get the report by mail, through the first mail sink." },
	{ "report.title", &TYPE_TEXT, NO_MEMBER, NULL, 0, 0, "The title on the report's first page." },
	{ "report.css", &TYPE_PATH, NO_MEMBER, NULL, 0, 0, "A style sheet that replaces the report's own." },
	{ "report.logo", &TYPE_PATH, NO_MEMBER, NULL, 0, 0, "A picture (SVG or PNG) for the first page." },
	{ "retention.dismissed", &TYPE_DURATION, NO_MEMBER, "400d", DAY_MS, 36500 * DAY_MS, "Dismissed findings are removed after this time." },
	{ "retention.low", &TYPE_DURATION, NO_MEMBER, "90d", DAY_MS, 36500 * DAY_MS, "Findings that were never flagged are removed after this time." },
	{ "retention.counters", &TYPE_DURATION, NO_MEMBER, "3y", DAY_MS, 36500 * DAY_MS, "Daily counters of logs." },
	{ "retention.sent", &TYPE_DURATION, NO_MEMBER, "30d", DAY_MS, 36500 * DAY_MS, "Delivered alerts stay listed for this time." },
	{ "retention.malformed", &TYPE_COUNT, NO_MEMBER, "1000 per log", 1, 10000000, "Unreadable entries that are kept, per log." },
	{ "retention.certificates", &TYPE_COUNT, NO_MEMBER, "100 per finding", 1, 1000000, "Certificates that are kept, per finding; older ones are removed." },
};
const size_t N_CONFIG_KEYS = ARRAY_LEN(CONFIG_KEYS);
