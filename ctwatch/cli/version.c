/* `ctwatch version`: what was built, with which libraries. */
#include "cli.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <uv.h>

static int run(struct cli *cli, int argc, char **argv)
{
	int code;

	if (!cli_options(cli, &argc, argv, NULL, &code))
		return code;
	if (argc > 1)
		return cli_usage(cli, "it takes no words, but there is '%s'", argv[1]);
	fprintf(cli->out, "ctwatch %s\n%s\nlibcurl %s\nlibuv %s\njansson %s\n", CTWATCH_VERSION, OpenSSL_version(OPENSSL_VERSION),
		curl_version_info(CURLVERSION_NOW)->version, uv_version_string(), JANSSON_VERSION);
	return EXIT_DONE;
}

const struct command version_command = {
	.name = "version",
	.summary = "this program's version and its libraries'",
	.usage = "",
	.help = "Prints the version and those of the libraries it runs with: worth having in a bug report.",
	.run = run,
};
