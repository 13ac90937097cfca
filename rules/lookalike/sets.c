/*
 * The keyword sets that ship with the program, the project's own: what services, legal forms and places are called. Words that may
 * stand beside an organisation's name without making it another name.
 */
#include "lookalike.h"
#include "keywords.h"

#include <string.h>

/* clang-format off */
static const char *const service_words[] = {
	"access", "account", "accounts", "activate", "activation", "admin", "administrator", "alert", "alerts", "analytics", "api",
	"app", "application", "apply", "apps", "archive", "assets", "assist", "auth", "authenticate", "authentication", "authorize",
	"backup", "bank", "banking", "bill", "billing", "biz", "blog", "board", "bonus", "box", "buy", "calendar", "call", "career",
	"careers", "care", "cdn", "center", "central", "centre", "chat", "check", "checker", "checkout", "cloud", "client", "clients",
	"com", "community", "conference", "confirm", "confirmation", "connect", "connection", "console", "contact", "contacts",
	"contract", "contracts", "control", "coupon", "crm", "customer", "customers", "dashboard", "data", "deal", "deals", "delivery",
	"demo", "desk", "desktop", "dev", "digital", "direct", "dns", "doc", "docs", "document", "documents", "donate", "donation",
	"donations", "download", "downloads", "drive", "drives", "edu", "email", "employee", "employees", "enroll", "event", "events",
	"exchange", "express", "extranet", "fax", "feedback", "file", "files", "finance", "form", "forms", "forum", "ftp", "fund",
	"gallery", "gate", "gateway", "gift", "go", "gov", "help", "helpdesk", "helpline", "home", "host", "hosting", "hotline", "hr", "hub",
	"id", "identifier", "identity", "images", "imap", "inbox", "info", "information", "inquiry", "internal", "intranet", "invest",
	"investment", "investor", "investors", "invite", "invitation", "invoice", "invoices", "invoicing", "it", "job", "jobs", "join",
	"lab", "labs", "learn", "legal", "license", "link", "links", "list", "live", "login", "logistics", "logon", "mail", "mailbox",
	"mailer", "manage", "management", "manager", "market", "marketing", "media", "meet", "meeting", "meetings", "member", "members",
	"message", "messages", "messenger", "mobile", "monitor", "my", "net", "network", "networks", "news", "newsletter", "notice",
	"notification", "notifications", "notify", "now", "ns", "oauth", "offer", "offers", "office", "official", "online", "open",
	"order", "orders", "org", "page", "panel", "parcel", "partner", "partners", "pass", "password", "pay", "payment", "payments",
	"payroll", "pdf", "phone", "photo", "photos", "platform", "pop", "portal", "post", "premium", "press", "preview", "pro",
	"procurement", "profile", "promo", "protect", "protected", "protection", "proxy", "quote", "recover", "recovery", "recruit",
	"recruitment", "redir", "redirect", "refund", "register", "registration", "remote", "renew", "report", "reports", "request",
	"research", "reset", "resource", "resources", "restore", "review", "reward", "rewards", "safe", "safety", "sale", "sales",
	"scan", "search", "secure", "secured", "security", "send", "server", "servers", "service", "services", "session", "share", "shared",
	"sharefile", "sharepoint", "sharing", "ship", "shipping", "shop", "shopping", "sign", "signin", "signon", "signup", "site",
	"smtp", "social", "software", "solution", "solutions", "sso", "staff", "stage", "staging", "static", "status", "storage", "store",
	"stream", "submit", "subscribe", "summit", "supplier", "support", "survey", "sync", "system", "systems", "team", "teams", "tech",
	"tender", "test", "ticket", "tickets", "token", "tool", "tools", "track", "tracking", "trade", "trading", "training", "transfer",
	"travel", "tv", "unlock", "update", "updates", "upgrade", "upload", "uploads", "user", "users", "validate", "vault", "vendor",
	"vendors", "verification", "verified", "verify", "video", "videos", "view", "viewer", "vip", "virtual", "voice", "vote", "vpn",
	"wallet", "watch", "web", "webinar", "webmail", "website", "wifi", "wiki", "work", "workplace", "workspace", "www",
};

static const char *const legal_words[] = {
	"ab", "ag", "aps", "as", "asbl", "assoc", "association", "bv", "co", "company", "companies", "cooperative", "corp",
	"corporate", "corporation", "doo", "eood", "enterprise", "enterprises", "eu", "ev", "foundation", "gmbh", "group", "holding",
	"holdings", "inc", "incorporated", "industries", "institute", "international", "kft", "kg", "kk", "limited", "llc", "llp", "lp",
	"ltd", "ltda", "mbh", "ngo", "nv", "oao", "ooo", "organisation", "organization", "oy", "pjsc", "plc", "pte", "pty", "pvt", "sa",
	"sarl", "sas", "se", "sia", "spa", "spzoo", "srl", "sro", "stiftung", "trust", "uab", "ug", "union", "zoo",
};

static const char *const geo_words[] = {
	"africa", "america", "americas", "apac", "arabia", "argentina", "armenia", "asia", "australia", "austria", "azerbaijan",
	"balkan", "baltic", "bavaria", "belarus", "belgium", "berlin", "bosnia", "brazil", "britain", "brussels", "bulgaria", "canada",
	"chile", "china", "colombia", "croatia", "cyprus", "czech", "czechia", "denmark", "deutschland", "dubai", "east", "egypt", "emea",
	"england", "estonia", "euro", "europa", "europe", "finland", "france", "geneva", "georgia", "germany", "ghana", "global", "greece",
	"hague", "hongkong", "hungary", "iceland", "india", "indonesia", "intl", "iran", "iraq", "ireland", "israel", "italia", "italy",
	"japan", "jordan", "kazakhstan", "kenya", "korea", "kosovo", "kyiv", "latam", "latvia", "lebanon", "lithuania", "london",
	"luxembourg", "macedonia", "malaysia", "malta", "mena", "mexico", "moldova", "montenegro", "morocco", "moscow", "netherlands",
	"newyork", "nigeria", "nordic", "north", "norway", "pakistan", "paris", "peru", "philippines", "poland", "polska", "portugal",
	"prague", "qatar", "romania", "rome", "russia", "saudi", "scotland", "serbia", "singapore", "slovakia", "slovenia", "south",
	"spain", "sweden", "swiss", "switzerland", "syria", "taiwan", "thailand", "tokyo", "tunisia", "turkey", "turkiye", "uganda",
	"ukraine", "ukraina", "usa", "vietnam", "vienna", "wales", "warsaw", "west", "world", "worldwide",
	/* country codes that are seen beside a name */
	"at", "au", "be", "bg", "br", "ca", "ch", "cn", "cz", "de", "dk", "ee", "en", "es", "fi", "fr", "gr", "hk", "hr", "hu", "ie",
	"il", "in", "ir", "jp", "kr", "kz", "lt", "lv", "mx", "nl", "no", "nz", "pl", "pt", "ro", "rs", "ru", "sg", "si", "sk", "tr",
	"ua", "uae", "uk", "us", "za",
};

const char *const keyword_strong_words[] = {
	"account", "accounts", "auth", "authenticate", "authentication", "confirm", "confirmation", "login", "logon", "mailbox", "oauth",
	"password", "recover", "recovery", "reset", "secure", "secured", "signin", "signon", "sso", "unlock", "validate", "verification",
	"verified", "verify", "webmail", NULL,
};

const char *const keyword_prefix_words[] = { "http", "https", "my", "www", NULL };
/* clang-format on */

static const struct keyword_set builtin_sets[] = {
	{ "service", service_words, ARRAY_LEN(service_words) },
	{ "legal", legal_words, ARRAY_LEN(legal_words) },
	{ "geo", geo_words, ARRAY_LEN(geo_words) },
};

const struct keyword_set *keyword_set_builtin(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(builtin_sets); i++)
		if (strcmp(builtin_sets[i].name, name) == 0)
			return &builtin_sets[i];
	return NULL;
}

const char *const *keyword_set_builtin_names(void)
{
	static const char *const names[] = { "service", "legal", "geo", NULL };

	return names;
}
