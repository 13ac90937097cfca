/* Faults by name, and when they strike. */
#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned kinds;
	unsigned every, after;
	const char *help;
} TABLE[FAULT_COUNT] = {
#define FAULT_ROW(id, name, kinds, every, after, help) { name, kinds, every, after, help },
	FAULTS(FAULT_ROW)
#undef FAULT_ROW
};

static const struct {
	const char *name;
	unsigned kinds;
} KINDS[] = {
	{ "head", KIND_HEAD }, { "entries", KIND_ENTRIES }, { "data", KIND_DATA }, { "tile", KIND_TILE },
	{ "proof", KIND_PROOF }, { "issuer", KIND_ISSUER }, { "bulk", KIND_BULK }, { "all", KIND_ALL },
};

static bool find(const char *name, size_t len, size_t *id, struct error *err)
{
	for (*id = 0; *id < FAULT_COUNT; ++*id)
		if (strlen(TABLE[*id].name) == len && memcmp(TABLE[*id].name, name, len) == 0)
			return true;
	return error_set(err, ERR_USAGE, "no fault is called \"%.*s\"; --misbehave help lists them", (int)len, name);
}

static bool set_kinds(struct fault *fault, const char *value, size_t len, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(KINDS); i++)
		if (strlen(KINDS[i].name) == len && memcmp(KINDS[i].name, value, len) == 0) {
			fault->kinds |= KINDS[i].kinds;
			return true;
		}
	return error_set(err, ERR_USAGE, "on=%.*s: head, entries, data, tile, proof, issuer, bulk or all", (int)len, value);
}

static bool set_member(struct fault *fault, const char *text, size_t len, bool *own_kinds, struct error *err)
{
	const struct {
		const char *name;
		uint64_t *value;
	} numbers[] = { { "at=", &fault->at }, { "times=", &fault->times }, { "every=", &fault->every }, { "after=", &fault->after } };

	if (len > 3 && memcmp(text, "on=", 3) == 0) {
		if (!*own_kinds)
			fault->kinds = 0;
		*own_kinds = true;
		return set_kinds(fault, text + 3, len - 3, err);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		size_t name_len = strlen(numbers[i].name);

		if (len > name_len && memcmp(text, numbers[i].name, name_len) == 0 &&
		    uint64_parse(slice_of(text + name_len, len - name_len), numbers[i].value)) {
			fault->has_at |= i == 0;
			return true;
		}
	}
	return error_set(err, ERR_USAGE, "\"%.*s\": at=, times=, every=, after= with a number, or on=", (int)len, text);
}

bool fault_on(struct faults *faults, const char *text, struct error *err)
{
	size_t len = strcspn(text, ","), id;
	struct fault fault = { .on = true, .times = UINT64_MAX };
	bool own_kinds = false;

	if (!find(text, len, &id, err))
		return false;
	fault.kinds = TABLE[id].kinds;
	fault.every = TABLE[id].every;
	fault.after = TABLE[id].after;
	for (text += len; *text == ','; text += len) {
		text++;
		len = strcspn(text, ",");
		if (!set_member(&fault, text, len, &own_kinds, err))
			return false;
	}
	if (fault.every == 0)
		fault.every = 1;
	faults->fault[id] = fault;
	return true;
}

bool fault_off(struct faults *faults, const char *name, struct error *err)
{
	size_t id;

	if (strcmp(name, "all") == 0) {
		memset(faults, 0, sizeof(*faults));
		return true;
	}
	if (!find(name, strlen(name), &id, err))
		return false;
	faults->fault[id].on = false;
	return true;
}

bool fault_is_on(const struct faults *faults, enum fault_id id, uint64_t otherwise, uint64_t *at)
{
	const struct fault *fault = &faults->fault[id];

	if (!fault->on)
		return false;
	if (at != NULL)
		*at = fault->has_at ? fault->at : otherwise;
	return true;
}

bool fault_strikes(struct faults *faults, enum fault_id id, enum kind kind)
{
	struct fault *fault = &faults->fault[id];

	if (!fault->on || !(fault->kinds & kind))
		return false;
	fault->seen++;
	if (fault->seen <= fault->after || (fault->seen - fault->after) % fault->every != 0 || fault->times == 0)
		return false;
	fault->times--;
	return true;
}

void fault_print_all(void)
{
	for (size_t i = 0; i < FAULT_COUNT; i++)
		printf("  %-20s %s\n", TABLE[i].name, TABLE[i].help);
}
