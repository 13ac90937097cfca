/*
 * Any bytes as a configuration: it is good, with sinks that can be made or a sentence why not, or it is refused with a sentence that
 * names the file and no line that cannot be.
 */
#include "alerts.h"
#include "check.h"
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void on_note(void *ctx, const char *sentence)
{
	(void)ctx;
	CHECK(sentence[0] != '\0');
}

static void check_sentence(const struct error *err)
{
	CHECK(err->kind == ERR_USAGE);
	CHECK(strlen(err->text) > 10 && strstr(err->text, "line -1") == NULL && strstr(err->text, "(null)") == NULL);
}

static void check_good(const struct config *config)
{
	struct sink_set *sinks;
	struct retention retention;
	struct error err = { 0 };

	CHECK(config->poll_ms >= 5000 && json_is_object(config->effective));
	config_retention(config, &retention);
	config_each_note(config, on_note, NULL);
	if (sink_set_new(config, STDOUT_NONE, &sinks, &err))
		sink_set_free(sinks);
	else
		check_sentence(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	struct error err = { 0 };
	char path[64];
	int fd = memfd_create("configuration", MFD_CLOEXEC);

	/* secrets may be read from any file: not from those of the machine */
	if (fd < 0 || memmem(data, size, "_file", 5) != NULL || write(fd, data, size) != (ssize_t)size) {
		close(fd);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (config_load(path, &config, &err)) {
		check_good(&config);
		config_deinit(&config);
	} else {
		check_sentence(&err);
		CHECK(strstr(err.text, path) != NULL || strstr(err.text, "\"log") != NULL);
	}
	close(fd);
	return 0;
}
