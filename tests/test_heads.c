/* Keys, signatures, STHs and checkpoints made here: what logs may sign with, and every way a head can be wrong. */
#include "ct.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signer.h"

#define ORIGIN "log.example.org/2026"

static const struct tree_head HEAD = { .tree_size = 123456789, .timestamp_ms = 1795000000123, .root = { "root" } };

static struct log_key *key_for(const struct signer *signer)
{
	struct error err;
	struct log_key *key = log_key_new(signer_spki(signer), &err);

	if (key == NULL)
		fail_msg("%s", err.text);
	return key;
}

static void logs_sign_with_p256_or_rsa_of_2048_bits(void **state)
{
	static const struct {
		const char *curve;
		unsigned rsa_bits;
		bool good;
	} cases[] = {
		{ "P-256", 0, true }, { NULL, 2048, true }, { NULL, 3072, true },  { NULL, 1024, false },
		{ NULL, 2040, false }, { "P-384", 0, false }, { "secp256k1", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct signer *signer = cases[i].curve != NULL ? signer_new_curve(cases[i].curve) : signer_new(cases[i].rsa_bits);
		struct error err;
		struct log_key *key = log_key_new(signer_spki(signer), &err);

		assert_int_equal(key != NULL, cases[i].good);
		if (key != NULL) {
			struct buf signature;
			struct hash id = log_key_id(key), want = sha256(signer_spki(signer));

			buf_init(&signature, 4096);
			signer_sign(signer, SLICE_LITERAL("message"), &signature);
			assert_true(log_key_verify(key, SLICE_LITERAL("message"), buf_slice(&signature), &err));
			assert_false(log_key_verify(key, SLICE_LITERAL("massage"), buf_slice(&signature), &err));
			assert_int_equal(err.kind, ERR_CONTRADICTION);
			assert_true(hash_equal(&id, &want));
			assert_true(slice_equal(log_key_spki(key), signer_spki(signer)));
			buf_deinit(&signature);
		} else {
			assert_non_null(strstr(err.text, "neither EC P-256 nor RSA"));
		}
		log_key_free(key);
		signer_free(signer);
	}
	log_key_free(NULL);
}

static void keys_are_one_whole_spki(void **state)
{
	struct signer *signer = signer_new(0);
	struct slice spki = signer_spki(signer);
	uint8_t longer[256];
	struct error err;

	(void)state;
	memcpy(longer, spki.data, spki.len);
	longer[spki.len] = 0;
	assert_null(log_key_new(slice_of(longer, spki.len + 1), &err));
	for (size_t len = 0; len < spki.len; len++)
		assert_null(log_key_new(slice_of(longer, len), &err));
	longer[spki.len - 1] ^= 1;      /* no point of the curve */
	assert_null(log_key_new(slice_of(longer, spki.len), &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	signer_free(signer);
}

static void digitally_signed_is_read_strictly(void **state)
{
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);
	struct error err;
	struct buf good, bad;

	(void)state;
	buf_init(&good, 4096);
	buf_init(&bad, 4096);
	signer_sign(signer, SLICE_LITERAL("message"), &good);
	for (size_t len = 0; len < good.len; len++) {
		assert_false(log_key_verify(key, SLICE_LITERAL("message"), slice_of(good.data, len), &err));
		assert_int_equal(err.kind, ERR_MALFORMED);
	}
	buf_append_slice(&bad, buf_slice(&good));
	buf_append_byte(&bad, 0);
	assert_false(log_key_verify(key, SLICE_LITERAL("message"), buf_slice(&bad), &err));
	assert_int_equal(err.kind, ERR_MALFORMED);
	/* any other hash or algorithm, though the signature itself is right */
	for (unsigned byte = 0; byte < 2; byte++)
		for (unsigned value = 0; value < 256; value++) {
			buf_clear(&bad);
			buf_append_slice(&bad, buf_slice(&good));
			bad.data[byte] = (uint8_t)value;
			assert_int_equal(log_key_verify(key, SLICE_LITERAL("message"), buf_slice(&bad), &err),
					 value == good.data[byte]);
		}
	buf_deinit(&good);
	buf_deinit(&bad);
	log_key_free(key);
	signer_free(signer);
}

static void reads_an_sth_it_can_verify(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits <= 2048; bits += 2048) {
		struct signer *signer = signer_new(bits), *stranger = signer_new(bits);
		struct log_key *key = key_for(signer), *other = key_for(stranger);
		char *json = signer_sth(signer, &HEAD);
		struct tree_head head;
		struct error err;

		assert_true(sth_parse(slice_text(json), key, &head, &err));
		assert_int_equal(head.tree_size, HEAD.tree_size);
		assert_int_equal(head.timestamp_ms, HEAD.timestamp_ms);
		assert_true(hash_equal(&head.root, &HEAD.root));
		assert_false(sth_parse(slice_text(json), other, &head, &err));
		assert_int_equal(err.kind, ERR_CONTRADICTION);
		free(json);
		log_key_free(key);
		log_key_free(other);
		signer_free(signer);
		signer_free(stranger);
	}
}

static void what_is_no_sth_is_malformed_and_no_accusation(void **state)
{
	static const char *const bad[] = {
		"", "null", "{}", "<html>502</html>", "{\"tree_size\":1}",
		"{\"tree_size\":-1,\"timestamp\":1,\"sha256_root_hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"tree_head_signature\":\"BAMAAA==\"}",
		"{\"tree_size\":1.0,\"timestamp\":1,\"sha256_root_hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"tree_head_signature\":\"BAMAAA==\"}",
		"{\"tree_size\":1,\"timestamp\":\"1\",\"sha256_root_hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"tree_head_signature\":\"BAMAAA==\"}",
		"{\"tree_size\":1,\"timestamp\":1,\"sha256_root_hash\":\"AAAA\",\"tree_head_signature\":\"BAMAAA==\"}",
		"{\"tree_size\":1,\"timestamp\":1,\"sha256_root_hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"tree_head_signature\":\"!\"}",
		"{\"tree_size\":1,\"timestamp\":1,\"sha256_root_hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"tree_head_signature\":\"\"}",
		"{\"tree_size\":1,\"timestamp\":1,\"sha256_root_hash\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"tree_head_signature\":\"BAMAAQ==\"}",
	};
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tree_head head = { .tree_size = 77 };
		struct error err;

		assert_false(sth_parse(slice_text(bad[i]), key, &head, &err));
		assert_int_equal(err.kind, ERR_MALFORMED);
		assert_int_equal(head.tree_size, 77);
	}
	log_key_free(key);
	signer_free(signer);
}

static void checkpoint_and_sth_are_interchangeable(void **state)
{
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);
	char *json = signer_sth(signer, &HEAD), *note = signer_checkpoint(signer, ORIGIN, &HEAD, "");
	struct tree_head from_sth, from_note;
	struct error err;
	unsigned oddities = 99;

	(void)state;
	assert_true(sth_parse(slice_text(json), key, &from_sth, &err));
	assert_true(checkpoint_parse(slice_text(note), key, SLICE_LITERAL(ORIGIN), &from_note, &oddities, &err));
	assert_int_equal(oddities, 0);
	assert_int_equal(from_sth.tree_size, from_note.tree_size);
	assert_int_equal(from_sth.timestamp_ms, from_note.timestamp_ms);
	assert_true(hash_equal(&from_sth.root, &from_note.root));
	free(json);
	free(note);
	log_key_free(key);
	signer_free(signer);
}

static void extension_lines_and_other_origins_are_told_not_refused(void **state)
{
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);
	char *note = signer_checkpoint(signer, ORIGIN, &HEAD, "an extension\nanother\n");
	struct tree_head head;
	struct error err;
	unsigned oddities;

	(void)state;
	assert_true(checkpoint_parse(slice_text(note), key, SLICE_LITERAL(ORIGIN), &head, &oddities, &err));
	assert_int_equal(oddities, CHECKPOINT_EXTENSION_LINES);
	assert_true(checkpoint_parse(slice_text(note), key, SLICE_LITERAL("elsewhere.example.org"), &head, &oddities, &err));
	assert_int_equal(oddities, CHECKPOINT_EXTENSION_LINES | CHECKPOINT_ORIGIN_MISMATCH);
	free(note);
	log_key_free(key);
	signer_free(signer);
}

static void every_truncation_of_a_checkpoint_is_refused(void **state)
{
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);
	char *note = signer_checkpoint(signer, ORIGIN, &HEAD, "");
	struct tree_head head;
	struct error err;
	unsigned oddities;

	(void)state;
	for (size_t len = 0; len < strlen(note); len++)
		assert_false(checkpoint_parse(slice_of(note, len), key, (struct slice){ 0 }, &head, &oddities, &err));
	free(note);
	log_key_free(key);
	signer_free(signer);
}

/* The text of HEAD's checkpoint up to and with the empty line. */
static char *text_of(const char *size, const char *root)
{
	return xasprintf(ORIGIN "\n%s\n%s\n\n", size, root);
}

static void other_signature_lines_are_passed_over(void **state)
{
	static const char *const before[] = {
		"",
		"\xe2\x80\x94 witness.example.org AAAAAAAA\n",
		"\xe2\x80\x94 " ORIGIN " Z3JlYXNlLi4u\n",       /* the log's own name, another key id */
		"\xe2\x80\x94 " ORIGIN " not base64 at all\n",
		"\xe2\x80\x94 " ORIGIN " \n",
		"\xe2\x80\x94 grease.invalid AAAA\n\xe2\x80\x94 x y\n",
	};
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);
	char root[BASE64_LEN(HASH_LEN) + 1];

	(void)state;
	base64_encode(HEAD.root.bytes, HASH_LEN, root);
	char *text = text_of("123456789", root), *line = signer_line(signer, ORIGIN, &HEAD);
	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		for (size_t k = 0; k < ARRAY_LEN(before); k++) {
			char *note = xasprintf("%s%s%s%s", text, before[i], line, before[k]);
			struct tree_head head;
			struct error err;
			unsigned oddities;

			if (!checkpoint_parse(slice_text(note), key, SLICE_LITERAL(ORIGIN), &head, &oddities, &err))
				fail_msg("%s: %s", note, err.text);
			free(note);
		}
	free(text);
	free(line);
	log_key_free(key);
	signer_free(signer);
}

static void broken_notes_are_malformed(void **state)
{
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);
	char root[BASE64_LEN(HASH_LEN) + 1], *line = signer_line(signer, ORIGIN, &HEAD);
	base64_encode(HEAD.root.bytes, HASH_LEN, root);
	char *text = text_of("123456789", root);
	struct buf many;

	buf_init(&many, NOTE_BYTES_MAX * 2);
	buf_append_text(&many, text);
	for (unsigned i = 0; i <= NOTE_SIGNATURES_MAX; i++)
		buf_append_text(&many, line);
	char *big = xmalloc(NOTE_BYTES_MAX + 2);
	memset(big, 'a', NOTE_BYTES_MAX + 1);
	big[NOTE_BYTES_MAX + 1] = '\0';

	struct {
		char *note;
		const char *want;
	} cases[] = {
		{ xasprintf("%s%s\n", text, line), "no signature line" },
		{ xasprintf("%s%sx\n", text, line), "no signature" },
		{ xasprintf("%s\xe2\x80\x94 \n%s", text, line), "not a name and a signature" },
		{ xasprintf("%s\xe2\x80\x94  x\n%s", text, line), "not a name and a signature" },
		{ xasprintf("%s- " ORIGIN " AAAA\n%s", text, line), "no signature after" },
		{ xasprintf("\n%s%s", text, line), "names no origin" },
		{ xasprintf(ORIGIN "\n\n%s", line), "fewer lines" },
		{ xasprintf(ORIGIN "\n123456789\n%s\next\n\next2\n\n%s", root, line), "empty line inside" },
		{ xasprintf(ORIGIN "\n0123\n%s\n\n%s", root, line), "tree size" },
		{ xasprintf(ORIGIN "\n-1\n%s\n\n%s", root, line), "tree size" },
		{ xasprintf(ORIGIN "\n9223372036854775808\n%s\n\n%s", root, line), "tree size" },
		{ xasprintf(ORIGIN "\n99999999999999999999\n%s\n\n%s", root, line), "tree size" },
		{ xasprintf(ORIGIN "\n1\nAAAA\n\n%s", line), "root hash" },
		{ xasprintf(ORIGIN "\t\n1\n%s\n\n%s", root, line), "control character 0x09" },
		{ xasprintf(ORIGIN "\xff\n1\n%s\n\n%s", root, line), "UTF-8" },
		{ xasprintf("%s\xe2\x80\x94 other.example.org AAAA\n", text), "not signed by the log" },
		/* the right signature below another name: names and ids count together */
		{ xasprintf("%s\xe2\x80\x94 other.example.org%s", text, strrchr(line, ' ')), "not signed by the log" },
		{ xstrdup(buf_text(&many)), "more than 64 signatures" },
		{ big, "were expected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct tree_head head = { .tree_size = 77 };
		struct error err;
		unsigned oddities = 77;

		assert_false(checkpoint_parse(slice_text(cases[i].note), key, SLICE_LITERAL(ORIGIN), &head, &oddities, &err));
		if (err.kind != ERR_MALFORMED || strstr(err.text, cases[i].want) == NULL)
			fail_msg("case %zu: %s", i, err.text);
		assert_true(head.tree_size == 77 && oddities == 77);
		free(cases[i].note);
	}
	buf_deinit(&many);
	free(line);
	free(text);
	log_key_free(key);
	signer_free(signer);
}

static void a_signature_over_another_head_is_an_accusation(void **state)
{
	struct signer *signer = signer_new(0);
	struct log_key *key = key_for(signer);
	char root[BASE64_LEN(HASH_LEN) + 1], *line = signer_line(signer, ORIGIN, &HEAD);
	base64_encode(HEAD.root.bytes, HASH_LEN, root);
	char *text = text_of("123456788", root), *note = xasprintf("%s%s", text, line);
	struct tree_head head;
	struct error err;
	unsigned oddities;

	(void)state;
	assert_false(checkpoint_parse(slice_text(note), key, SLICE_LITERAL(ORIGIN), &head, &oddities, &err));
	assert_int_equal(err.kind, ERR_CONTRADICTION);
	assert_non_null(strstr(err.text, "size 123456788"));
	free(note);
	free(text);
	free(line);
	log_key_free(key);
	signer_free(signer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_sign_with_p256_or_rsa_of_2048_bits),
		cmocka_unit_test(keys_are_one_whole_spki),
		cmocka_unit_test(digitally_signed_is_read_strictly),
		cmocka_unit_test(reads_an_sth_it_can_verify),
		cmocka_unit_test(what_is_no_sth_is_malformed_and_no_accusation),
		cmocka_unit_test(checkpoint_and_sth_are_interchangeable),
		cmocka_unit_test(extension_lines_and_other_origins_are_told_not_refused),
		cmocka_unit_test(every_truncation_of_a_checkpoint_is_refused),
		cmocka_unit_test(other_signature_lines_are_passed_over),
		cmocka_unit_test(broken_notes_are_malformed),
		cmocka_unit_test(a_signature_over_another_head_is_an_accusation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
