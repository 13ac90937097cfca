/*
 * Public suffixes: publicsuffix.org's list as a hash table of whole suffixes, looked up label by label from the right.
 *
 *   www.example.co.uk      uk - known, others below -> co.uk - known -> example.co.uk - unknown: stop
 *
 * A suffix below which the list knows nothing is not even entered, so that most names need two probes. Each step
 * only hashes the new label onto the hash so far.
 */
#include "dns.h"

#include <stdlib.h>
#include <string.h>

#include <libpsl.h>

/* The list has 330 kB and 10 000 rules in 2026. */
#define LIST_BYTES_MAX (16u << 20)
#define RULES_MAX 200000

enum node_flag {
	NODE_RULE = 1,          /* the list names it */
	NODE_WILDCARD = 2,      /* the list names "*." and it */
	NODE_EXCEPTION = 4,     /* the list names it with "!" */
	NODE_BELOW = 8,         /* longer suffixes follow */
};

struct node {
	uint64_t hash;
	uint32_t text;          /* offset in `text` */
	uint8_t len;            /* 0: an empty slot */
	uint8_t flags;
};

struct suffix_table {
	struct node *nodes;
	size_t mask, n;
	struct buf text;
	char *origin;
	bool ask_libpsl;
};

/* From the last byte to the first, so that a longer suffix continues a shorter one's hash. */
static uint64_t hash_step(uint64_t h, uint8_t c)
{
	return (h ^ c) * UINT64_C(0x100000001b3);
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

static uint64_t hash_suffix(struct slice s)
{
	uint64_t h = HASH_START;

	for (size_t i = s.len; i-- > 0;)
		h = hash_step(h, s.data[i]);
	return h;
}

static struct node *slot_of(const struct suffix_table *t, struct slice suffix, uint64_t hash)
{
	for (size_t i = (size_t)(hash ^ hash >> 29);; i++) {
		struct node *node = &t->nodes[i & t->mask];

		if (node->len == 0)
			return node;
		if (node->hash == hash && node->len == suffix.len &&
		    memcmp(t->text.data + node->text, suffix.data, suffix.len) == 0)
			return node;
	}
}

static void grow(struct suffix_table *t)
{
	struct node *old = t->nodes;
	size_t n_old = t->mask + 1;

	t->mask = n_old * 2 - 1;
	t->nodes = xcalloc(t->mask + 1, sizeof(*t->nodes));
	for (size_t i = 0; i < n_old; i++)
		if (old[i].len > 0)
			*slot_of(t, slice_of(t->text.data + old[i].text, old[i].len), old[i].hash) = old[i];
	free(old);
}

/* Marks one suffix, entering it if it is new. */
static bool mark(struct suffix_table *t, struct slice suffix, unsigned flags)
{
	uint64_t hash = hash_suffix(suffix);
	struct node *node = slot_of(t, suffix, hash);

	if (node->len == 0) {
		/* at most a quarter full: the probes of names that are not there end soon */
		if (t->n >= t->mask / 4) {
			grow(t);
			node = slot_of(t, suffix, hash);
		}
		*node = (struct node){ .hash = hash, .text = (uint32_t)t->text.len, .len = (uint8_t)suffix.len };
		if (!buf_append_slice(&t->text, suffix))
			return false;
		t->n++;
	}
	node->flags |= (uint8_t)flags;
	return true;
}

/* A rule and, on all shorter suffixes of it, the sign that something follows. */
static bool add_rule(struct suffix_table *t, struct slice rule, unsigned flags)
{
	ptrdiff_t dot;

	if (!mark(t, rule, flags))
		return false;
	while ((dot = slice_find(rule, '.')) >= 0) {
		rule = slice_sub(rule, (size_t)dot + 1, rule.len);
		if (!mark(t, rule, NODE_BELOW))
			return false;
	}
	return true;
}

static bool add_line(struct suffix_table *t, struct slice line, struct error *err)
{
	unsigned flags = NODE_RULE;
	char ascii[DNS_NAME_MAX + 1];
	struct slice rule = line;
	struct error why;

	if (rule.data[0] == '!') {
		flags = NODE_EXCEPTION;
		rule = slice_sub(rule, 1, rule.len);
	} else if (slice_equal_text(rule, "*")) {
		return true;            /* the default rule, which holds anyway */
	} else if (slice_starts_with(rule, SLICE_LITERAL("*."))) {
		/* browsers and libpsl take what the star hangs on for a suffix too, though the algorithm's text does not */
		flags = NODE_WILDCARD | NODE_RULE;
		rule = slice_sub(rule, 2, rule.len);
	}
	if (!dns_name_to_ascii(rule, ascii, &why))
		return error_set(err, ERR_MALFORMED, "public suffix list: %s", why.text);
	if (flags == NODE_EXCEPTION && strchr(ascii, '.') == NULL)
		return error_set(err, ERR_MALFORMED, "public suffix list: exception \"!%s\" has one label only", ascii);
	if (t->n >= RULES_MAX || !add_rule(t, slice_text(ascii), flags))
		return error_set(err, ERR_MALFORMED, "public suffix list has more rules than the %d that fit", RULES_MAX);
	return true;
}

/* Rules begin a line and end at white space; "//" begins a comment. */
static bool add_list(struct suffix_table *t, struct slice text, struct error *err)
{
	while (text.len > 0) {
		ptrdiff_t newline = slice_find(text, '\n');
		size_t len = newline < 0 ? text.len : (size_t)newline;
		struct slice line = slice_sub(text, 0, len);

		text = slice_sub(text, newline < 0 ? len : len + 1, text.len);
		size_t end = 0;
		while (end < line.len && line.data[end] > ' ')
			end++;
		line.len = end;
		if (line.len > 0 && !slice_starts_with(line, SLICE_LITERAL("//")) && !add_line(t, line, err))
			return false;
	}
	return true;
}

struct suffix_table *suffix_table_new(struct slice list_text, const char *origin, struct error *err)
{
	struct suffix_table *t = xcalloc(1, sizeof(*t));

	t->origin = xstrdup(origin);
	buf_init(&t->text, LIST_BYTES_MAX);
	t->mask = 1023;
	t->nodes = xcalloc(t->mask + 1, sizeof(*t->nodes));
	if (list_text.len > LIST_BYTES_MAX)
		error_set(err, ERR_MALFORMED, "public suffix list of %zu bytes is larger than the %u that are read", list_text.len,
		          LIST_BYTES_MAX);
	else if (!add_list(t, list_text, err))
		;
	else if (t->n == 0)
		error_set(err, ERR_MALFORMED, "public suffix list holds no rule");
	else
		return t;
	suffix_table_free(t);
	return NULL;
}

struct suffix_table *suffix_table_new_libpsl(void)
{
	struct suffix_table *t = xcalloc(1, sizeof(*t));
	const char *name = psl_builtin_filename();

	t->ask_libpsl = true;
	t->origin = xasprintf("libpsl %s, built from %s", psl_get_version(),
	                      name != NULL && name[0] != '\0' ? name : "its own list");
	return t;
}

void suffix_table_free(struct suffix_table *t)
{
	if (t == NULL)
		return;
	free(t->nodes);
	free(t->origin);
	buf_deinit(&t->text);
	free(t);
}

const char *suffix_table_origin(const struct suffix_table *t)
{
	return t->origin;
}

/* Offset of the label that ends at `end`. */
static size_t label_start(struct slice name, size_t end)
{
	while (end > 0 && name.data[end - 1] != '.')
		end--;
	return end;
}

/* Offset of the public suffix. A name none of whose suffixes is listed has its last label for one (rule "*"). */
static size_t find_suffix(const struct suffix_table *t, struct slice name)
{
	size_t best = label_start(name, name.len), end = name.len;
	uint64_t hash = HASH_START;
	bool wild = false;

	for (;;) {
		size_t start = end;

		for (; start > 0 && name.data[start - 1] != '.'; start--)
			hash = hash_step(hash, name.data[start - 1]);
		if (start == end)
			return best;            /* an empty label is in no rule */

		const struct node *node = NULL;
		if (name.len - start <= DNS_NAME_MAX)
			node = slot_of(t, slice_sub(name, start, name.len), hash);
		unsigned flags = node == NULL || node->len == 0 ? 0 : node->flags;
		if (flags & NODE_EXCEPTION)
			return end + 1;         /* the rule without its first label; add_line saw that it has two */
		if ((flags & NODE_RULE) || wild)
			best = start;
		wild = flags & NODE_WILDCARD;
		if (start == 0 || (!wild && !(flags & NODE_BELOW)))
			return best;
		end = start - 1;
		hash = hash_step(hash, '.');
	}
}

/* libpsl answers with a pointer into its argument. */
static size_t ask_libpsl(struct slice name)
{
	char copy[DNS_NAME_MAX + 1];
	const char *suffix;

	if (name.len > DNS_NAME_MAX || memchr(name.data, 0, name.len) != NULL)
		return label_start(name, name.len);
	memcpy(copy, name.data, name.len);
	copy[name.len] = '\0';
	suffix = psl_unregistrable_domain(psl_builtin(), copy);
	return suffix == NULL ? label_start(name, name.len) : (size_t)(suffix - copy);
}

ptrdiff_t suffix_registrable(const struct suffix_table *t, struct slice name, size_t *suffix_at)
{
	size_t suffix, start;

	if (name.len == 0) {
		*suffix_at = 0;
		return -1;
	}
	suffix = t->ask_libpsl ? ask_libpsl(name) : find_suffix(t, name);
	*suffix_at = suffix;
	if (suffix < 2 || suffix == name.len)
		return -1;
	start = label_start(name, suffix - 1);
	return start == suffix - 1 ? -1 : (ptrdiff_t)start;
}
