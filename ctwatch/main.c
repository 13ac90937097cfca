/* The program begins here and ends in cli_main. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * Descriptors 0 to 2 are ours from the start: otherwise the first file that is opened becomes standard output of a program
 * that was started without one, and findings are written into the database. Each is opened the wrong way round, so that whoever
 * uses it still hears that it is closed (EBADF).
 */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		int opened = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
		if (opened < 0)
			opened = open("/", O_RDONLY | O_DIRECTORY);   /* there is always that */
		if (opened != fd)
			_exit(EXIT_STATE);
	}
}

int main(int argc, char **argv)
{
	hold_standard_descriptors();
	return cli_main(argc, argv);
}
