/* Good and bad proofs of other implementations (transparency-dev's merkle): ours comes to the same verdict on each. */
#include "ct.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "archive.h"

#define VECTORS "data/rfc6962/merkle-proof-vectors.tar.zst"

/*
 * Some vectors have words in place of roots that nobody should look at: what stands in for them is equal when they are. A
 * hash that is not there at all would not have come through a parser.
 */
static bool read_hash(const json_t *value, struct hash *out)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";

	if (!base64_decode_exact(slice_text(text), out->bytes, HASH_LEN))
		*out = sha256(slice_text(text));
	return text[0] != '\0';
}

/* More nodes than a tree can have are refused before they become a proof. */
static bool read_proof(const json_t *object, struct proof *out)
{
	const json_t *nodes = json_object_get(object, "proof"), *node;
	size_t i;

	if (json_array_size(nodes) > PROOF_NODES_MAX)
		return false;
	out->n_nodes = json_array_size(nodes);
	json_array_foreach(nodes, i, node)
		if (!read_hash(node, &out->nodes[i]))
			return false;
	return true;
}

/* The vectors subtract 1 from 0, which no 63 bits hold: numbers are read as doubles, all others are small. */
static uint64_t read_size(const json_t *object, const char *name)
{
	double value = json_number_value(json_object_get(object, name));

	return value >= 0x1p64 ? UINT64_MAX : (uint64_t)value;
}

static bool verify_inclusion(const json_t *v)
{
	struct hash leaf, root;
	struct proof proof;

	return read_hash(json_object_get(v, "leafHash"), &leaf) && read_hash(json_object_get(v, "root"), &root) && read_proof(v, &proof) &&
	       inclusion_verify(read_size(v, "leafIdx"), read_size(v, "treeSize"), &leaf, &proof, &root);
}

static bool verify_consistency(const json_t *v)
{
	struct hash old_root, new_root;
	struct proof proof;

	return read_hash(json_object_get(v, "root1"), &old_root) && read_hash(json_object_get(v, "root2"), &new_root) && read_proof(v, &proof) &&
	       consistency_verify(read_size(v, "size1"), &old_root, read_size(v, "size2"), &new_root, &proof);
}

/* Runs what lies below `directory`; says how many were good and how many bad. */
static void run_vectors(const char *directory, bool (*verify)(const json_t *vector), size_t *n_good, size_t *n_bad)
{
	struct archive archive;
	struct slice content;
	char name[256];

	*n_good = *n_bad = 0;
	archive_open(&archive, VECTORS);
	while (archive_next(&archive, name, &content)) {
		size_t len = strlen(name);

		if (strstr(name, directory) == NULL || len < 5 || strcmp(name + len - 5, ".json") != 0)
			continue;
		json_t *vector = json_loadb((const char *)content.data, content.len, JSON_DECODE_INT_AS_REAL, NULL);
		const json_t *bad = json_object_get(vector, "wantErr");
		if (!json_is_boolean(bad))
			fail_msg("%s: no verdict in %zu bytes", name, content.len);
		if (verify(vector) == json_is_true(bad))
			fail_msg("%s: this proof is %s", name, json_is_true(bad) ? "bad, and was accepted" : "good, and was refused");
		*(json_is_true(bad) ? n_bad : n_good) += 1;
		json_decref(vector);
	}
	archive_close(&archive);
}

static void inclusion_proofs_get_the_verdict_of_other_implementations(void **state)
{
	size_t n_good, n_bad;

	(void)state;
	run_vectors("/inclusion/", verify_inclusion, &n_good, &n_bad);
	print_message("%zu good and %zu bad inclusion proofs\n", n_good, n_bad);
	assert_true(n_good >= 5 && n_bad >= 90);
}

static void consistency_proofs_get_the_verdict_of_other_implementations(void **state)
{
	size_t n_good, n_bad;

	(void)state;
	run_vectors("/consistency/", verify_consistency, &n_good, &n_bad);
	print_message("%zu good and %zu bad consistency proofs\n", n_good, n_bad);
	assert_true(n_good >= 4 && n_bad >= 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inclusion_proofs_get_the_verdict_of_other_implementations),
		cmocka_unit_test(consistency_proofs_get_the_verdict_of_other_implementations),
	};

	return cmocka_run_group_tests_name("proofs of others", tests, NULL, NULL);
}
