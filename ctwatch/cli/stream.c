/* Standard output of commands: waits where another program made it non-blocking, and remembers what the first failure was. */
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cli_stream {
	FILE *file;
	int fd, error;
	bool said;
};

static ssize_t on_write(void *cookie, const char *bytes, size_t len)
{
	struct cli_stream *stream = cookie;
	size_t done = 0;

	while (done < len && stream->error == 0) {
		ssize_t n = write(stream->fd, bytes + done, len - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			struct pollfd room = { .fd = stream->fd, .events = POLLOUT };
			poll(&room, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			stream->error = n == 0 ? EIO : errno;
		}
	}
	if (stream->error != 0)
		errno = stream->error;
	return (ssize_t)done;
}

struct cli_stream *cli_stream_open(int fd, FILE **out)
{
	struct cli_stream *stream = xcalloc(1, sizeof(*stream));

	stream->fd = fd;
	stream->file = fopencookie(stream, "w", (cookie_io_functions_t){ .write = on_write });
	if (stream->file == NULL)
		fatal("out of memory: standard output has no buffer");
	if (isatty(fd))
		setvbuf(stream->file, NULL, _IOLBF, BUFSIZ);
	*out = stream->file;
	return stream;
}

int cli_stream_failed(struct cli *cli, int code)
{
	struct cli_stream *stream = cli->stream;

	if (stream == NULL || (fflush(stream->file) == 0 && stream->error == 0))
		return code;
	if (!stream->said)
		fprintf(cli->err, "ctwatch%s%s: output could not be written: %s\n", cli->command != NULL ? " " : "", cli->command != NULL ? cli->command->name : "",
			stream->error == EBADF ? "standard output is closed" : strerror(stream->error));
	stream->said = true;
	return code == EXIT_DONE ? EXIT_NO : code;
}

void cli_stream_close(struct cli_stream *stream)
{
	fclose(stream->file);
	free(stream);
}
